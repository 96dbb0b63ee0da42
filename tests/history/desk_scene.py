"""An alarm desk over a plant whose machines do what a test says."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from builders import (
    T0_S,
    TurnedClock,
    equipment,
    line,
    plc_states,
    site,
    site_change,
    state_change,
)
from builders import snapshot as a_snapshot
from history.told import T0_MS
from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, AlarmState
from lineside.core.alarm_text import AlarmText, Severity
from lineside.core.model import Equipment, PlcLink, Quality, Site, Status, TagRole, TagState
from lineside.history.alarm_desk import AlarmDesk
from lineside.history.records import AlarmRecord, ServerEventKind


class Records:
    """A recorder that has room, or has not."""

    def __init__(self) -> None:
        self.kept: list[AlarmRecord] = []
        self.noted: list[tuple[ServerEventKind, int, str]] = []
        self.has_room = True
        self.alive: tuple[int, int] | None = (1, T0_MS)
        self.set_right_ms = 0

    def note(self, kind: ServerEventKind, at_ms: int, detail: str) -> None:
        self.noted.append((kind, at_ms, detail))

    def offer(self, record: AlarmRecord) -> bool:
        if self.has_room:
            self.kept.append(record)
        return self.has_room


class Scene:
    """A plant whose machines do what the test says, one second after another."""

    def __init__(self, place: Site | None = None, at_s: float = T0_S) -> None:
        self.site = place or site()
        self.clock = TurnedClock(at_s)
        self.records = Records()
        self.desk = AlarmDesk(self.records, self.clock)
        self.links = {"PLC01": PlcLink.ONLINE, "PLC02": PlcLink.ONLINE}
        self.codes: dict[int, int | float] = {}
        self.begun_s = at_s
        self.desk.on_message(site_change(self.site, at_s=at_s))

    def see(self, number: int, status: Status) -> None:
        change = state_change(number, status, at_s=self.clock.unix_s)
        self.desk.on_message(replace(change, tags=self._tags(number)))

    def _tags(self, number: int) -> tuple[TagState, ...]:
        if number not in self.codes:
            return ()
        value, at_s = self.codes[number], self.clock.unix_s
        return (
            TagState(
                role=TagRole.ALARM_CODE,
                address="D200",
                value=value,
                quality=Quality.GOOD,
                read_at_s=at_s,
            ),
        )

    def pass_(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.turn(1.0)
            told = a_snapshot(self.site, at_s=self.clock.unix_s)
            lines = tuple(
                replace(
                    each,
                    equipment=tuple(
                        replace(state, tags=self._tags(int(state.code[-3:])))
                        for state in each.equipment
                    ),
                )
                for each in told.lines
            )
            like, *_ = plc_states(self.clock.unix_s)
            plcs = tuple(
                replace(like, id=each.id, link=self.links[each.id]) for each in self.site.plcs
            )
            self.desk.on_message(replace(told, lines=lines, plcs=plcs))

    def all_run(self) -> None:
        for each in self.site.lines:
            for machine in each.equipment:
                self.see(int(machine.code[-3:]), Status.RUNNING)
        self.pass_(1)

    @property
    def alarms(self) -> list[Alarm]:
        return list(self.desk.book)

    @property
    def states(self) -> list[AlarmState]:
        return [alarm.state for alarm in self.alarms]

    @property
    def told(self) -> list[str]:
        return [str(record.event) for record in self.records.kept]

    def act(self, kind: AlarmEventKind, minutes: int = 0) -> Alarm:
        at_ms = round(self.clock.unix_s * 1000)
        event = AlarmEvent(
            kind=kind, at_ms=at_ms, by="Kim", until_ms=at_ms + 60_000 * minutes or None
        )
        return self.desk.book.act(self.alarms[0], event)


def running(**facts: Any) -> Scene:
    scene = Scene(replace(site(), **facts))
    scene.all_run()
    return scene


def with_codes(*numbers: int) -> Site:
    machines = tuple(_with_code(equipment(n)) if n in numbers else equipment(n) for n in (101, 102))
    messages = {12: AlarmText(severity=Severity.CRITICAL, text_ko="도어 열림", text_en="Door open")}
    place = site(replace(line("weld1", range(101, 102)), equipment=machines))
    return replace(place, alarm_tables={"robot": messages})


def _with_code(machine: Equipment) -> Equipment:
    addresses = {**machine.addresses, TagRole.ALARM_CODE: "D200"}
    return replace(machine, addresses=addresses, alarm_table="robot")


def a_fault_with_code(number: int) -> Scene:
    """Have 101 run for a second, and then fail with a code."""
    scene = Scene(with_codes(101))
    scene.all_run()
    scene.codes[101] = number
    scene.see(101, Status.ERROR)
    return scene


def reconfigure(scene: Scene, plant: Site) -> None:
    scene.site = plant
    scene.desk.on_message(site_change(plant, at_s=scene.clock.unix_s))
