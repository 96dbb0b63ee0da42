"""The board: folds readings into what is known of every machine, and says what each one does.

Pure: it is told what was read and what time it is. It keeps the last good value of every tag, so
that a machine that goes out of sight keeps showing what was last true of it, marked as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from lineside.core.contacts import read_address, tag_value
from lineside.core.known import Teller, known_of
from lineside.core.limits import LATENCY_WINDOW
from lineside.core.model import (
    Equipment,
    EquipmentState,
    Instant,
    LineState,
    PastState,
    Plc,
    PlcLink,
    PlcState,
    Quality,
    Reading,
    ReasonCode,
    Site,
    Snapshot,
    StateChange,
    Status,
    TagRole,
    TagState,
    TagValue,
)
from lineside.core.planned_time import PlannedTime
from lineside.core.status import (
    Decision,
    Evidence,
    PlcEvidence,
    TagEvidence,
    decide_status,
    is_faulty,
)
from lineside.core.window import Window

MILLISECOND_S = 0.001  # the grain of all that is recorded

_WAITING = frozenset({ReasonCode.IDLE_WAIT, ReasonCode.STOP_ELAPSED, ReasonCode.OUTSIDE_SHIFT})


@dataclass(slots=True)
class _PlcMemory:
    plc: Plc
    state: PlcState
    evidence: PlcEvidence
    heartbeat_value: TagValue | None = None
    read_at: Instant | None = None
    ages_ms: Window = field(default_factory=lambda: Window(LATENCY_WINDOW))


@dataclass(slots=True)
class _EquipmentMemory:
    equipment: Equipment
    tags: dict[TagRole, TagEvidence]
    planned: PlannedTime | None = None  # None: all time
    not_running_since: Instant | None = None
    has_run: bool = False  # since the start
    first_seen_s: float | None = None  # when it was first not disconnected
    has_only_waited: bool = True  # since then
    past: PastState | None = None  # what was known before the start, until it is seen
    decision: Decision | None = None
    since_s: float = 0.0
    changed_at: Instant | None = None
    teller: Teller = field(default_factory=Teller)


class Board:
    """What is known of one site. Not thread-safe: one event loop owns it."""

    def __init__(self, site: Site, now: Instant, before: Board | None = None) -> None:
        """Start a board for `site`, remembering from `before` what still applies to it.

        A PLC is remembered while its values come from the same source; a machine keeps the values
        of its tags while that PLC and its addresses are the same.
        """
        self.site = site
        self._sequence: int = before._sequence if before else 0
        self._ticked_at: Instant | None = before._ticked_at if before else None
        self._plcs: dict[str, _PlcMemory] = {}
        for plc in site.plcs:
            self._plcs[plc.id] = self._remember_plc(plc, before, now)
        self._equipment: dict[str, _EquipmentMemory] = {}
        self._by_plc: dict[str, list[_EquipmentMemory]] = {plc.id: [] for plc in site.plcs}
        planned = _planned_times(site)
        for line in site.lines:
            for equipment in line.equipment:
                memory = self._remember_equipment(equipment, before)
                memory.planned = planned[line.id]
                self._equipment[equipment.code] = memory
                if equipment.plc_id in self._by_plc:
                    self._by_plc[equipment.plc_id].append(memory)

    @staticmethod
    def _remember_plc(plc: Plc, before: Board | None, now: Instant) -> _PlcMemory:
        evidence = PlcEvidence(
            id=plc.id,
            since_s=now.unix_s,
            heartbeat=plc.heartbeat,
            heartbeat_timeout_s=plc.heartbeat_timeout_s,
        )
        old = before._plcs.get(plc.id) if before else None
        if old is None or old.plc.source != plc.source:
            state = PlcState(id=plc.id, link=PlcLink.CONNECTING, since_s=now.unix_s)
            return _PlcMemory(plc, state, evidence)
        is_same_beat = old.evidence.heartbeat == plc.heartbeat
        evidence = replace(
            old.evidence,
            heartbeat=plc.heartbeat,
            heartbeat_timeout_s=plc.heartbeat_timeout_s,
            heartbeat_moved_at=old.evidence.heartbeat_moved_at if is_same_beat else None,
        )
        beat = old.heartbeat_value if is_same_beat else None
        return _PlcMemory(plc, old.state, evidence, beat, old.read_at, old.ages_ms)

    def _remember_equipment(self, equipment: Equipment, before: Board | None) -> _EquipmentMemory:
        old = before._equipment.get(equipment.code) if before else None
        tags = {role: TagEvidence(address=a) for role, a in equipment.addresses.items()}
        memory = _EquipmentMemory(equipment, tags)
        if old is None or before is None:
            return memory
        memory.decision, memory.since_s, memory.teller = old.decision, old.since_s, old.teller
        memory.changed_at = old.changed_at
        source = self._source_of(equipment)
        is_same_source = source is not None and source == before._source_of(old.equipment)
        if is_same_source and old.equipment.addresses == equipment.addresses:
            memory.tags, memory.not_running_since = old.tags, old.not_running_since
            memory.has_run, memory.first_seen_s = old.has_run, old.first_seen_s
            memory.has_only_waited, memory.past = old.has_only_waited, old.past
        return memory

    def _source_of(self, equipment: Equipment) -> tuple[str, str] | None:
        """Return where a machine's values come from; None when from nowhere."""
        plc = self._plcs.get(equipment.plc_id) if equipment.plc_id is not None else None
        return (plc.plc.id, plc.plc.source) if plc is not None else None

    def link_of(self, plc_id: str) -> PlcLink:
        """Return how things stood with a PLC when it was last heard of."""
        return self._plcs[plc_id].state.link

    def fold(self, reading: Reading, now: Instant | None = None) -> list[StateChange]:
        """Take in one poll of one PLC, which came in at `now`; return the changes that it causes.

        A change counts from when it was read, but not from before what a tick showed meanwhile.
        What is stale when it comes in, or was read before the machine's last change, counts from
        when it comes in. Without `now` the poll came in as soon as it was read.
        """
        plc = self._plcs.get(reading.plc_id)
        if plc is None:
            return []  # read just before the PLC left the configuration
        plc.read_at = reading.read_at
        self._fold_heartbeat(plc, reading)
        changes = []
        for memory in self._by_plc[reading.plc_id]:
            _fold_tags(memory, reading.tags)
            _fold_run_sample(memory, reading.read_at)
            counts_from = _counts_from(memory, reading.read_at, now)
            changes += self._decide(memory, self.after_tick(counts_from))
        return changes

    def note_plc(self, state: PlcState, now: Instant) -> list[StateChange]:
        """Take in the state of one PLC's link and return the changes that it causes."""
        plc = self._plcs.get(state.id)
        if plc is None:
            return []
        was = plc.state.link
        plc.state = state
        if state.link is was and state.link is not PlcLink.LOST:
            return []
        fault = ""
        if state.link is not PlcLink.ONLINE and state.last_fault is not None:
            fault = state.last_fault.message
        plc.evidence = replace(plc.evidence, link=state.link, since_s=state.since_s, fault=fault)
        # With a PLC that answers again comes its answer: why it is out of sight until then, for a
        # moment, is no news.
        may_wait = state.link is PlcLink.ONLINE
        now = self.after_tick(now)
        return [
            change
            for memory in self._by_plc[state.id]
            for change in self._decide(memory, now, may_wait=may_wait)
        ]

    def recall(self, past: Mapping[str, PastState], now: Instant) -> list[StateChange]:
        """Take in what was known before the start; return the changes that it causes.

        The stop timer goes on from the last running sample of before, unless there has been one
        since; that is right however late the past is known. A status goes on, with its time, when
        it was out of sight for less than it takes a value to grow stale: what lasts longer is not
        known to have stood.
        """
        now = self.after_tick(now)
        changes = []
        for code, state in past.items():
            memory = self._equipment.get(code)
            if memory is None or memory.decision is None or state.seen_until_s > now.unix_s:
                continue  # unknown, or the clock has been set back since
            is_first = memory.since_s == memory.first_seen_s
            was_stopped = memory.decision.status is Status.STOPPED
            memory.past = state
            if state.ran_until_s is not None and not memory.has_run:
                memory.not_running_since = _moment(state.ran_until_s, now)
                changes += self._decide(memory, now)
                if was_stopped and memory.has_only_waited and memory.first_seen_s is not None:
                    over_s = _timer_over_s(memory, state.ran_until_s)
                    since_s = max(memory.first_seen_s, over_s)
                    memory.since_s = min(memory.since_s, since_s)
            if is_first or memory.has_only_waited:
                _continue_status(memory)
        return changes

    def tick(self, now: Instant) -> tuple[Snapshot, list[StateChange]]:
        """Return the whole plant at `now`, and the changes that the passing of time has caused."""
        changes = [c for memory in self._equipment.values() for c in self._decide(memory, now)]
        self._sequence += 1
        self._ticked_at = now
        lines = tuple(
            LineState(
                id=line.id,
                name=line.name,
                equipment=tuple(self._state_of(e.code) for e in line.equipment),
            )
            for line in self.site.lines
        )
        plcs = tuple(self._aged_state_of(self._plcs[plc.id], now) for plc in self.site.plcs)
        return Snapshot(at=now, sequence=self._sequence, lines=lines, plcs=plcs), changes

    def after_tick(self, at: Instant) -> Instant:
        """Return `at`, or the first millisecond after the last tick where that is later.

        What a tick has shown stays what is said of that moment, however late better is known.
        """
        if self._ticked_at is None:
            return at
        late_s = self._ticked_at.monotonic_s + MILLISECOND_S - at.monotonic_s
        if late_s <= 0.0:
            return at
        return Instant(unix_s=at.unix_s + late_s, monotonic_s=at.monotonic_s + late_s)

    def _fold_heartbeat(self, plc: _PlcMemory, reading: Reading) -> None:
        address = plc.evidence.heartbeat
        beat = reading.tags.get(address) if address is not None else None
        if beat is None or beat.quality is Quality.BAD:
            return
        if plc.heartbeat_value is not None and plc.heartbeat_value.value == beat.value:
            return
        plc.heartbeat_value = beat
        plc.evidence = replace(plc.evidence, heartbeat_moved_at=beat.read_at)

    def _decide(
        self, memory: _EquipmentMemory, now: Instant, *, may_wait: bool = False
    ) -> list[StateChange]:
        """Decide on one machine; return the change. `may_wait`: one within its status may."""
        equipment = memory.equipment
        plc = self._plcs.get(equipment.plc_id) if equipment.plc_id is not None else None
        evidence = Evidence(
            plc=plc.evidence if plc else None,
            tags=memory.tags,
            not_running_since=memory.not_running_since,
        )
        decision = decide_status(equipment.rule, evidence, now, memory.planned)
        previous = memory.decision.status if memory.decision else None
        memory.decision = decision
        if memory.first_seen_s is not None or decision.is_connected:
            memory.has_only_waited &= decision.reason.code in _WAITING
        if may_wait and decision.status is previous:
            return []
        if not memory.teller.is_news(known_of(decision, memory.tags), now.monotonic_s):
            return []
        memory.changed_at = now
        if decision.status is not previous:
            memory.since_s = now.unix_s
        if memory.first_seen_s is None and decision.is_connected:
            memory.first_seen_s = now.unix_s
            _continue_status(memory)
        return [
            StateChange(
                line_id=equipment.line_id,
                equipment_code=equipment.code,
                at_s=now.unix_s,
                previous=previous,
                status=decision.status,
                reason=decision.reason,
                tags=_tag_states(memory),
            )
        ]

    @staticmethod
    def _aged_state_of(plc: _PlcMemory, now: Instant) -> PlcState:
        """Return the state of a PLC's link, with the age of what this tick shows of it."""
        if plc.read_at is None:
            return plc.state
        ages_ms = plc.ages_ms
        ages_ms.add(plc.read_at.age_s(now) * 1000.0)
        return replace(
            plc.state,
            data_age_last_ms=ages_ms.last,
            data_age_p50_ms=ages_ms.quantile(0.5),
            data_age_p95_ms=ages_ms.quantile(0.95),
        )

    def _state_of(self, code: str) -> EquipmentState:
        memory = self._equipment[code]
        decision = memory.decision
        assert decision is not None, "tick() decides before it asks for states"  # noqa: S101
        equipment = memory.equipment
        return EquipmentState(
            code=equipment.code,
            name=equipment.name,
            plc_id=equipment.plc_id,
            status=decision.status,
            since_s=memory.since_s,
            reason=decision.reason,
            status_value=_wire_number(memory.tags.get(TagRole.STATUS)),
            # The contract's clients find a fault by `error_tag` alone, wherever it came from.
            error_value=int(
                decision.status is Status.ERROR
                or bool(_wire_number(memory.tags.get(TagRole.ERROR)))
            ),
            is_connected=decision.is_connected,
            last_updated_s=_last_updated_s(memory),
            tags=_tag_states(memory),
        )


def _planned_times(site: Site) -> dict[str, PlannedTime | None]:
    """Return the working time of every line; lines that work alike share what is remembered."""
    found: dict[str, PlannedTime | None] = {}
    shared: dict[object, PlannedTime | None] = {}
    for line in site.lines:
        calendar = site.calendar.of_line(line.id)
        if calendar.key not in shared:
            is_always = calendar.is_around_the_clock
            shared[calendar.key] = None if is_always else PlannedTime(calendar)
        found[line.id] = shared[calendar.key]
    return found


def _counts_from(memory: _EquipmentMemory, read_at: Instant, now: Instant | None) -> Instant:
    """Return the moment to decide for, after a read at `read_at` that came in at `now`."""
    if now is None:
        return read_at
    is_stale = read_at.age_s(now) >= memory.equipment.rule.stale_after_s
    changed_at = memory.changed_at
    is_overtaken = changed_at is not None and read_at.monotonic_s < changed_at.monotonic_s
    return now if is_stale or is_overtaken else read_at


def _fold_tags(memory: _EquipmentMemory, values: Mapping[str, TagValue]) -> None:
    for role, tag in memory.tags.items():
        read = values.get(read_address(tag.address))
        if read is None:
            continue
        value = tag_value(tag.address, read)
        if value.quality is not Quality.GOOD:
            memory.tags[role] = TagEvidence(
                address=tag.address,
                good=tag.good,
                latest=value,
                steady_since_s=tag.steady_since_s,
                lit=tag.lit,
                lit_since_s=tag.lit_since_s,
            )
            continue
        # What a value did while nobody could see it is not known: steady counts from the return.
        is_same = (
            tag.good is not None
            and tag.good.value == value.value
            and tag.good.read_at.age_s(value.read_at) < memory.equipment.rule.stale_after_s
        )
        lit, lit_since_s = tag.lit, tag.lit_since_s
        if value.value:
            hold_s = max(memory.equipment.rule.error_hold_s, memory.equipment.rule.stale_after_s)
            if lit is None or lit.read_at.age_s(value.read_at) >= hold_s:
                lit_since_s = value.read_at.unix_s
            lit = value
        memory.tags[role] = TagEvidence(
            address=tag.address,
            good=value,
            latest=value,
            steady_since_s=tag.steady_since_s if is_same else value.read_at.unix_s,
            lit=lit,
            lit_since_s=lit_since_s,
        )


def _fold_run_sample(memory: _EquipmentMemory, now: Instant) -> None:
    """Move the start of the stop timer: to now while the machine runs, once at the first sight.

    A run bit that is on under a fault is no running sample: error time does not restart the timer.
    """
    status = memory.tags.get(TagRole.STATUS)
    if status is None or status.latest is None or status.latest.quality is not Quality.GOOD:
        return
    error = memory.tags.get(TagRole.ERROR)
    has_fault = error is not None and is_faulty(memory.equipment.rule, error, now)
    if status.latest.value == 1 and not has_fault:
        memory.not_running_since, memory.has_run = now, True
    elif memory.not_running_since is None:
        memory.not_running_since = now


def _continue_status(memory: _EquipmentMemory) -> None:
    """Let a status go on that was there before the start, once its machine is seen."""
    state = memory.past
    if state is None or memory.decision is None or memory.first_seen_s is None:
        return
    memory.past = None
    gap_s = memory.first_seen_s - state.seen_until_s
    is_same = memory.decision.status is state.status
    if is_same and gap_s < memory.equipment.rule.stale_after_s:
        memory.since_s = state.since_s


def _timer_over_s(memory: _EquipmentMemory, ran_until_s: float) -> float:
    """Return when the stop timer of a machine that ran until then was over."""
    stop_after_s = memory.equipment.rule.stop_after_s
    if memory.planned is None or not stop_after_s:
        return ran_until_s + (stop_after_s or 0.0)
    over_ms = memory.planned.after_ms(round(ran_until_s * 1000), round(stop_after_s * 1000))
    return memory.since_s if over_ms is None else over_ms / 1000


def _moment(unix_s: float, now: Instant) -> Instant:
    """Return a moment of before the start, as if both clocks had been there."""
    return Instant(unix_s=unix_s, monotonic_s=now.monotonic_s - (now.unix_s - unix_s))


def _wire_number(tag: TagEvidence | None) -> int | float:
    value = tag.good.value if tag is not None and tag.good is not None else 0
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | float) else 0


def _last_updated_s(memory: _EquipmentMemory) -> float | None:
    """Return when the oldest of the values shown was read: a state is as old as its oldest part."""
    tags = [tag for role, tag in memory.tags.items() if role is not TagRole.ALARM_CODE]
    read = [tag.good.read_at.unix_s for tag in tags if tag.good is not None]
    return min(read) if read and len(read) == len(tags) else None


def _tag_states(memory: _EquipmentMemory) -> tuple[TagState, ...]:
    return tuple(_tag_state(role, tag) for role, tag in memory.tags.items())


def _tag_state(role: TagRole, tag: TagEvidence) -> TagState:
    good, latest = tag.good, tag.latest
    return TagState(
        role=role,
        address=tag.address,
        value=good.value if good else None,
        quality=latest.quality if latest else Quality.BAD,
        read_at_s=good.read_at.unix_s if good else None,
        reason=latest.reason if latest else "not read yet",
    )
