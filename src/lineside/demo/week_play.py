"""Plays a past week to the bus: bits become state changes and ticks, by the status rule itself.

The same messages come out as from a board that reads every PLC once a second and ticks right after
it (a test holds the two side by side), without deciding anything while nothing has changed. Pure:
the moments are those of the past, on both clocks.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from lineside.core.known import Teller, known_of
from lineside.core.model import (
    Equipment,
    EquipmentState,
    Instant,
    LineState,
    Plc,
    PlcFault,
    PlcLink,
    PlcState,
    Quality,
    Site,
    SiteChange,
    Snapshot,
    StateChange,
    TagRole,
    TagState,
    TagValue,
)
from lineside.core.planned_time import PlannedTime
from lineside.core.ports import BusMessage
from lineside.core.status import Decision, Evidence, PlcEvidence, TagEvidence, decide_status
from lineside.demo.plant import tag_values
from lineside.demo.week_life import Turn

TICK_S = 3  # as seldom as the recorder takes for a board that ticks
RETRY_S = 1  # after the first second without an answer the link is RETRYING
LOST_S = 2  # and LOST
_NEVER_S = 1 << 40
_SILENT = "no answer within 1 s"
_CAUSE = "the PLC or its Ethernet module is off, or the cable is out"


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A PLC does not answer in [begin_s, end_s), whole Unix seconds."""

    plc_id: str
    begin_s: int
    end_s: int


class PastClock:
    """The clock of a past that is told now. It only goes forward."""

    def __init__(self, unix_s: float) -> None:
        self._unix_s = unix_s

    def __call__(self) -> Instant:
        """Return the moment that is being told."""
        return Instant(unix_s=self._unix_s, monotonic_s=self._unix_s)

    def set(self, unix_s: float) -> None:
        """Tell of `unix_s` from now on."""
        self._unix_s = max(self._unix_s, unix_s)


class _Machine:
    """What is true of one machine, and what was last read of it."""

    def __init__(self, equipment: Equipment, planned: PlannedTime | None) -> None:
        self.equipment = equipment
        self.planned = planned
        self.true: dict[str, int] = dict.fromkeys(equipment.addresses.values(), 0)
        self.read: dict[str, int] = dict(self.true)
        self.steady_s: dict[str, int] = {}
        self.ran_s: int | None = None  # the second of the last running sample that was not the last
        self.decision: Decision | None = None
        self.teller = Teller()
        self.since_s = 0
        self.due_s: int | None = None  # when the passing of time changes the decision

    @property
    def is_running_sample(self) -> bool:
        """Whether the last read restarts the stop timer."""
        addresses = self.equipment.addresses
        error = addresses.get(TagRole.ERROR)
        is_faulty = error is not None and bool(self.read[error])
        return self.read[addresses[TagRole.STATUS]] == 1 and not is_faulty

    def see(self, now_s: int, last_s: int, *, is_return: bool = False) -> None:
        """Read what is true; the read before was at `last_s`."""
        if self.is_running_sample:
            self.ran_s = last_s
        for address, value in self.true.items():
            if is_return or self.read[address] != value:
                self.steady_s[address] = now_s
        self.read = dict(self.true)
        if self.ran_s is None:
            self.ran_s = now_s


class _Plc:
    def __init__(self, plc: Plc, state: PlcState) -> None:
        self.plc = plc
        self.state = state
        self.good_s: int | None = None  # the last second with an answer; None: the present one


_LinkEvent: TypeAlias = tuple[int, str, PlcLink | None]  # None: no answer from now on


class WeekPlayer:
    """Plays one run after the other: each a time in which a server watched without a break."""

    def __init__(self, site: Site, tell: Callable[[BusMessage], None], clock: PastClock) -> None:
        """Prepare.

        Args:
            site: what is watched; its `stale_after` is above 2 s.
            tell: hears every message, as from the bus.
            clock: is set to the moment of each message before it is told.
        """
        self._site, self.tell, self._clock = site, tell, clock
        self._machines: dict[str, _Machine] = {}
        for line in site.lines:
            calendar = site.calendar.of_line(line.id)
            planned = None if calendar.is_around_the_clock else PlannedTime(calendar)
            for equipment in line.equipment:
                if equipment.is_configured:
                    self._machines[equipment.code] = _Machine(equipment, planned)
        self._plcs: dict[str, _Plc] = {}
        self._states: dict[str, EquipmentState] = {}
        self._lines: tuple[LineState, ...] | None = None
        self._turns: deque[Turn] = deque()
        self._links: deque[_LinkEvent] = deque()
        self._bounds: deque[int] = deque()
        self._sequence = 0

    def play(
        self,
        turns: Iterable[Turn],
        outages: Iterable[Outage],
        begin_s: int,
        end_s: int,
        on_tick: Callable[[int], None] = lambda at_s: None,
    ) -> None:
        """Tell what a server saw that watched in [begin_s, end_s), whole Unix seconds.

        Args:
            turns: of every machine, in order; earlier ones say how it stood at the begin.
            outages: of PLCs, within the time, those of one PLC apart from each other.
            begin_s: when the server started.
            end_s: when it stopped.
            on_tick: called after each tick.
        """
        self._turns = deque(turns)
        self._links = deque(_link_events(outages))
        self._bounds = deque(self._edges_of_planned_time(begin_s, end_s))
        self._start(begin_s)
        now_s = tick_s = next_s = begin_s
        while now_s < end_s:
            self._clock.set(now_s)
            has_link_turned = False
            if now_s >= next_s:
                has_link_turned = self._second(now_s)
                next_s = self._next_s()
            if now_s == tick_s or has_link_turned:
                self._tick(now_s)
                on_tick(now_s)
            if now_s == tick_s:
                tick_s += TICK_S
            now_s = max(now_s + 1, min(tick_s, next_s))
        for machine in self._machines.values():
            if machine.is_running_sample:
                machine.ran_s = self._last_read_s(machine, end_s)

    def _start(self, begin_s: int) -> None:
        """Begin as a server does: nothing is known but since when each machine has not run."""
        self._clock.set(begin_s)
        self.tell(SiteChange(site=self._site, at_s=begin_s))
        for plc in self._site.plcs:
            state = PlcState(id=plc.id, link=PlcLink.ONLINE, since_s=begin_s)
            self._plcs[plc.id] = _Plc(plc, state)
        while self._turns and self._turns[0].at_s <= begin_s:
            turn = self._turns.popleft()
            machine = self._machines[turn.code]
            machine.true.update(tag_values(machine.equipment, turn.signals))
        for machine in self._machines.values():
            machine.decision, machine.due_s, machine.teller = None, begin_s, Teller()
            before_s = machine.ran_s
            machine.see(begin_s, begin_s, is_return=True)
            machine.ran_s = before_s if before_s is not None else machine.ran_s

    def _edges_of_planned_time(self, begin_s: int, end_s: int) -> list[int]:
        edges: set[int] = set()
        for line in self._site.lines:
            planned = self._site.calendar.of_line(line.id).planned(begin_s * 1000, end_s * 1000)
            edges.update(
                at_ms // 1000 for span in planned for at_ms in (span.begin_ms, span.end_ms)
            )
        return sorted(edges)

    def _next_s(self) -> int:
        """Return the next second in which something happens."""
        coming = [m.due_s for m in self._machines.values() if m.due_s is not None]
        if self._turns:
            coming.append(self._turns[0].at_s)
        if self._links:
            coming.append(self._links[0][0])
        if self._bounds:
            coming.append(self._bounds[0])
        return min(coming, default=_NEVER_S)

    def _second(self, now_s: int) -> bool:
        """Let one second happen: links, reads, the passing of time; say whether a link turned."""
        touched: set[str] = set()
        has_link_turned = False
        while self._turns and self._turns[0].at_s <= now_s:
            turn = self._turns.popleft()
            machine = self._machines[turn.code]
            machine.true.update(tag_values(machine.equipment, turn.signals))
            if self._plc_of(machine).good_s is None:
                machine.see(now_s, now_s - 1)
                touched.add(turn.code)
        while self._links and self._links[0][0] <= now_s:
            _, plc_id, link = self._links.popleft()
            has_link_turned = has_link_turned or link is not None
            touched.update(self._turn_link(self._plcs[plc_id], link, now_s))
        if self._bounds and self._bounds[0] <= now_s:
            self._bounds.popleft()
            touched.update(self._machines)
        for code, machine in self._machines.items():
            if code in touched or (machine.due_s is not None and machine.due_s <= now_s):
                self._decide(machine, now_s)
        return has_link_turned

    def _turn_link(self, plc: _Plc, link: PlcLink | None, now_s: int) -> list[str]:
        mine = [m for m in self._machines.values() if m.equipment.plc_id == plc.plc.id]
        if link is None:
            plc.good_s = now_s - 1
            return []
        fault = PlcFault(message=_SILENT, cause=_CAUSE, at_s=now_s)
        if link is PlcLink.ONLINE:
            for machine in mine:
                machine.see(now_s, self._last_read_s(machine, now_s), is_return=True)
            plc.good_s = None
            fault = plc.state.last_fault or fault
        plc.state = replace(plc.state, link=link, since_s=now_s, last_fault=fault)
        return [machine.equipment.code for machine in mine]

    def _plc_of(self, machine: _Machine) -> _Plc:
        plc_id = machine.equipment.plc_id
        assert plc_id is not None, "only configured machines are played"  # noqa: S101
        return self._plcs[plc_id]

    def _last_read_s(self, machine: _Machine, now_s: int) -> int:
        """Return the last second before `now_s` in which the machine was read."""
        good_s = self._plc_of(machine).good_s
        return now_s - 1 if good_s is None else good_s

    def _decide(self, machine: _Machine, now_s: int) -> None:
        plc, equipment = self._plc_of(machine), machine.equipment
        read_at = _instant(now_s if plc.good_s is None else plc.good_s)
        tags = {
            role: _evidence(address, machine.read[address], read_at, machine.steady_s[address])
            for role, address in equipment.addresses.items()
        }
        assert machine.ran_s is not None, "it was seen"  # noqa: S101
        since = read_at if machine.is_running_sample else _instant(machine.ran_s)
        evidence = Evidence(plc=_plc_evidence(plc, read_at), tags=tags, not_running_since=since)
        decision = decide_status(equipment.rule, evidence, _instant(now_s), machine.planned)
        until_s = decision.reason.until_s
        machine.due_s = math.ceil(until_s) if until_s is not None else None
        previous = machine.decision.status if machine.decision is not None else None
        machine.decision = decision
        if decision.status is not previous:
            machine.since_s = now_s
        if machine.teller.is_news(known_of(decision, tags), now_s):
            change = StateChange(
                line_id=equipment.line_id,
                equipment_code=equipment.code,
                at_s=now_s,
                previous=previous,
                status=decision.status,
                reason=decision.reason,
                tags=tuple(_tag_state(role, tag) for role, tag in tags.items()),
            )
            self.tell(change)
        self._states[equipment.code] = _state_of(machine, decision, tags)
        self._lines = None

    def _tick(self, now_s: int) -> None:
        if self._lines is None:
            self._lines = tuple(
                LineState(
                    id=line.id,
                    name=line.name,
                    equipment=tuple(
                        self._states[e.code] for e in line.equipment if e.code in self._states
                    ),
                )
                for line in self._site.lines
            )
        self._sequence += 1
        plcs = tuple(plc.state for plc in self._plcs.values())
        self.tell(
            Snapshot(at=_instant(now_s), sequence=self._sequence, lines=self._lines, plcs=plcs)
        )


def _link_events(outages: Iterable[Outage]) -> list[_LinkEvent]:
    events: list[_LinkEvent] = []
    for outage in outages:
        events += [
            (outage.begin_s, outage.plc_id, None),
            (outage.begin_s + RETRY_S, outage.plc_id, PlcLink.RETRYING),
            (outage.begin_s + LOST_S, outage.plc_id, PlcLink.LOST),
            (outage.end_s, outage.plc_id, PlcLink.ONLINE),
        ]
    return sorted(events, key=lambda event: event[0])


def _instant(at_s: int) -> Instant:
    return Instant(unix_s=at_s, monotonic_s=at_s)


def _evidence(address: str, value: int, read_at: Instant, steady_s: int) -> TagEvidence:
    good = TagValue(value=value, quality=Quality.GOOD, read_at=read_at)
    return TagEvidence(address=address, good=good, latest=good, steady_since_s=steady_s)


def _plc_evidence(plc: _Plc, read_at: Instant) -> PlcEvidence:
    fault, link = plc.state.last_fault, plc.state.link
    return PlcEvidence(
        id=plc.plc.id,
        link=link,
        since_s=plc.state.since_s,
        fault=fault.message if fault is not None and link is not PlcLink.ONLINE else "",
        heartbeat=plc.plc.heartbeat,
        heartbeat_timeout_s=plc.plc.heartbeat_timeout_s,
        heartbeat_moved_at=read_at if plc.plc.heartbeat is not None else None,
    )


def _tag_state(role: TagRole, tag: TagEvidence) -> TagState:
    good = tag.good
    assert good is not None, "what is played was read"  # noqa: S101
    return TagState(
        role=role,
        address=tag.address,
        value=good.value,
        quality=good.quality,
        read_at_s=good.read_at.unix_s,
    )


def _state_of(
    machine: _Machine, decision: Decision, tags: Mapping[TagRole, TagEvidence]
) -> EquipmentState:
    equipment = machine.equipment
    states = tuple(_tag_state(role, tag) for role, tag in tags.items())
    error = equipment.addresses.get(TagRole.ERROR)
    return EquipmentState(
        code=equipment.code,
        name=equipment.name,
        plc_id=equipment.plc_id,
        status=decision.status,
        since_s=machine.since_s,
        reason=decision.reason,
        status_value=machine.read[equipment.addresses[TagRole.STATUS]],
        error_value=int(error is not None and bool(machine.read[error])),
        is_connected=decision.is_connected,
        last_updated_s=states[0].read_at_s,
        tags=states,
    )
