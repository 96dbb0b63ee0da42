"""What becomes of an alarm whose machine or PLC was out of the configuration for a while."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from builders import T0_S, TurnedClock, code, site, site_change, state_change
from builders import snapshot as a_snapshot
from history.alarms import raised, told
from history.desk_scene import Scene, reconfigure, running, with_codes
from history.told import T0_MS, a_batch, a_change, a_run, taken
from lineside.core.alarm import AlarmEventKind, AlarmKind, AlarmNote, AlarmState
from lineside.core.alarm_bits import AlarmBits
from lineside.core.alarm_text import AlarmRules
from lineside.core.model import PlcLink, Site, Status
from lineside.core.ports import BusMessage
from lineside.history.alarm_desk import AlarmDesk
from lineside.history.alarm_query import Recalled
from lineside.history.recorder import Recorder
from lineside.history.records import PlcRecord, Record
from lineside.history.store import Store

RUNNING, ERROR, DISCONNECTED = Status.RUNNING, Status.ERROR, Status.DISCONNECTED
E, S = AlarmEventKind, AlarmState


def with_bits(number: int, bits: dict[int, int] | None = None) -> Site:
    plant = with_codes(number)
    codes = AlarmBits(codes=bits or {0: 1, 2: 4})
    machines = tuple(
        replace(each, alarm_bits=codes) if each.code == code(number) else each
        for each in plant.lines[0].equipment
    )
    return replace(plant, lines=(replace(plant.lines[0], equipment=machines),))


def numbered(records: list[Record]) -> list[Record]:
    return [replace(record, seq=number) for number, record in enumerate(records, 1)]


def hear(message: BusMessage, *rooms: Any) -> None:
    for each in rooms:
        each.on_message(message)


def changes(number: int, *told_at: tuple[int, Status | None]) -> list[Record]:
    return [a_change(1, T0_MS + at_ms, status, number) for at_ms, status in told_at]


def without(plant: Site, *numbers: int) -> Site:
    gone = {code(number) for number in numbers}
    lines = (
        replace(each, equipment=tuple(m for m in each.equipment if m.code not in gone))
        for each in plant.lines
    )
    return replace(plant, lines=tuple(lines))


def test_a_fault_that_stands_when_its_machine_is_back_in_the_configuration_is_an_alarm() -> None:
    scene = running()
    scene.see(101, ERROR)
    (first,) = scene.alarms
    reconfigure(scene, without(site(), 101))
    scene.pass_(5)
    assert scene.alarms == []
    reconfigure(scene, site())
    scene.see(101, DISCONNECTED)
    scene.pass_(1)
    assert scene.alarms == [], "it is not seen yet"
    scene.see(101, ERROR)
    (again,) = scene.alarms
    assert (again.source, again.state, again.is_on) == (code(101), S.UNACKNOWLEDGED, True)
    assert again.raised_ms == round(scene.clock.unix_s * 1000)
    assert again.id != first.id
    assert scene.told == ["raised", "removed", "raised"]


def test_what_stood_at_the_first_start_is_an_alarm_once_it_is_configured_anew() -> None:
    scene = Scene()
    scene.see(101, ERROR)
    scene.desk.adopt(Recalled())
    scene.pass_(1)
    assert scene.alarms == []
    reconfigure(scene, without(site(), 101))
    reconfigure(scene, site())
    scene.see(101, ERROR)
    assert scene.states == [S.UNACKNOWLEDGED]


def test_a_machine_that_is_put_back_within_its_on_delay_has_its_alarm_after_the_delay() -> None:
    scene = running(alarm_rules=AlarmRules(on_delay_s=3.0))
    plant = scene.site
    scene.see(101, ERROR)
    scene.pass_(2)
    reconfigure(scene, without(plant, 101))
    scene.pass_(2)
    reconfigure(scene, plant)
    scene.see(101, ERROR)
    seen_ms = round(scene.clock.unix_s * 1000)
    scene.pass_(2)
    assert scene.alarms == []
    scene.pass_(1)
    assert [each.raised_ms for each in scene.alarms] == [seen_ms]


def test_a_machine_that_is_back_and_well_has_no_alarm() -> None:
    scene = running()
    scene.see(101, ERROR)
    reconfigure(scene, without(site(), 101))
    reconfigure(scene, site())
    scene.see(101, RUNNING)
    scene.pass_(3)
    assert scene.alarms == []
    assert scene.told == ["raised", "removed"]


def test_a_machine_that_comes_back_in_another_line_has_its_alarm_there() -> None:
    scene = running()
    scene.see(101, ERROR)
    reconfigure(scene, without(site(), 101))
    first, second = site().lines
    machine = replace(first.equipment[0], line_id=second.id)
    moved = without(site(), 101)
    both = (moved.lines[0], replace(second, equipment=(*second.equipment, machine)))
    reconfigure(scene, replace(moved, lines=both))
    scene.see(101, ERROR)
    assert [(each.source, each.line_id) for each in scene.alarms] == [(code(101), second.id)]


def test_a_lost_plc_that_is_given_another_name_has_an_alarm_under_it() -> None:
    scene = running()
    scene.links["PLC02"] = PlcLink.LOST
    scene.pass_(1)
    assert [each.source for each in scene.alarms] == ["PLC02"]
    first, second = site().plcs
    scene.links["PLC09"] = PlcLink.RETRYING
    reconfigure(scene, replace(site(), plcs=(first, replace(second, id="PLC09"))))
    scene.pass_(1)
    assert scene.alarms == []
    scene.links["PLC09"] = PlcLink.LOST
    scene.pass_(1)
    assert [(each.source, each.state) for each in scene.alarms] == [("PLC09", S.UNACKNOWLEDGED)]


def test_each_bit_of_a_machine_that_is_back_is_an_alarm_of_its_own_again() -> None:
    plant = with_bits(101)
    scene = Scene(plant)
    scene.codes[101] = 0
    scene.all_run()
    scene.codes[101] = 0b101
    scene.see(101, ERROR)
    reconfigure(scene, without(plant, 101))
    reconfigure(scene, plant)
    scene.see(101, ERROR)
    assert sorted((each.alarm_code, each.is_on) for each in scene.alarms) == [(1, True), (4, True)]
    assert scene.told == ["raised", "raised", "removed", "removed", "raised", "raised"]
    # What is said of its bits later finds the alarms that stand.
    standing = scene.alarms
    reconfigure(scene, with_bits(101, {0: 1, 2: 4, 3: 5}))
    scene.see(101, ERROR)
    assert scene.alarms == standing


def test_a_machine_that_was_taken_out_while_the_past_was_not_known_yet_keeps_an_alarm() -> None:
    scene = Scene()
    before, _ = raised(1)
    scene.see(101, ERROR)
    reconfigure(scene, without(site(), 101))
    reconfigure(scene, site())
    scene.see(101, ERROR)
    scene.desk.adopt(Recalled(open=(before,), statuses={code(101): ERROR}))
    assert [each.source for each in scene.alarms if each.is_on] == [code(101)]


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_a_machine_that_was_put_back_while_no_server_ran_has_its_alarm_at_its_first_sight(
    is_seen_first: bool,
) -> None:
    scene = Scene()
    if is_seen_first:
        scene.see(101, ERROR)
    left = frozenset({(AlarmKind.EQUIPMENT, code(101)), (AlarmKind.PLC, "PLC02")})
    scene.desk.adopt(Recalled(statuses={code(101): ERROR, code(102): ERROR}, left=left))
    scene.links["PLC02"] = PlcLink.LOST
    scene.see(101, ERROR)
    scene.see(102, ERROR)  # stood, and nobody had taken it out
    scene.pass_(1)
    assert {each.source for each in scene.alarms} == {code(101), "PLC02"}


async def test_the_history_knows_whose_alarm_ended_by_being_taken_out_in_a_fault(
    store: Store,
) -> None:
    def removed(number: int, at_ms: int = T0_MS + 5, **facts: Any) -> list[Record]:
        alarm, first = raised(number, at_ms=T0_MS + 2, **facts)
        return [first, told(alarm, E.REMOVED, at_ms, note=AlarmNote.NOT_CONFIGURED)[1]]

    gone_well, first = raised(2, at_ms=T0_MS + 2)
    gone_well, second = told(gone_well, E.CLEARED, T0_MS + 3)
    await store.write([a_batch(a_run(), numbered(
        [
            *changes(101, (1, RUNNING), (2, ERROR), (5, None)), *removed(1),
            *changes(102, (1, RUNNING), (2, ERROR), (3, RUNNING), (4, ERROR), (5, None)),
            first, second, told(gone_well, E.REMOVED, T0_MS + 5)[1],
            *changes(103, (1, RUNNING), (2, ERROR), (5, None), (7, RUNNING), (8, ERROR)),
            *removed(3),  # has been seen to be well since
            *changes(104, (1, RUNNING), (2, ERROR), (5, None), (7, ERROR)), *removed(4),
            *changes(105, (1, RUNNING), (2, ERROR), (5, None), (7, ERROR)), *removed(5),
            raised(15, at_ms=T0_MS + 7, source=code(105))[1],  # it has its alarm
            *changes(106, (1, ERROR), (5, None)),  # never had one
            *removed(20, kind=AlarmKind.PLC, source="PLC01"),
            *removed(21, kind=AlarmKind.PLC, source="PLC02"),
            *(
                PlcRecord(seq=1, plc_id=plc_id, at_ms=T0_MS + at_ms, link=link)
                for plc_id, at_ms, link in (
                    ("PLC01", 1, PlcLink.ONLINE), ("PLC01", 2, PlcLink.LOST),
                    ("PLC02", 2, PlcLink.LOST), ("PLC02", 6, PlcLink.ONLINE),
                    ("PLC02", 7, PlcLink.LOST),
                )
            ),
        ]
    ))])  # fmt: skip
    found = await store.alarms.recall(["PLC01", "PLC02"], T0_MS + 20)
    assert found.left == {
        (AlarmKind.EQUIPMENT, code(101)),
        (AlarmKind.EQUIPMENT, code(104)),
        (AlarmKind.PLC, "PLC01"),
    }


async def test_a_machine_that_is_put_back_over_a_restart_has_its_alarm_and_keeps_it(
    store: Store,
) -> None:
    clock = TurnedClock(T0_S)
    standing: list[list[int]] = []
    for before, after in ((site(), without(site(), 101)), (site(), site()), (site(), site())):
        recorder = Recorder("1")
        desk = AlarmDesk(recorder, clock)
        rooms = (recorder, desk)
        hear(site_change(before, at_s=clock.unix_s), *rooms)
        desk.adopt(await store.alarms.recall(("PLC01", "PLC02"), round(clock.unix_s * 1000)))
        for status in (RUNNING, ERROR) if not standing else (ERROR,):
            clock.turn(1.0)
            hear(state_change(101, status, at_s=clock.unix_s), *rooms)
            hear(a_snapshot(before, at_s=clock.unix_s), *rooms)
        standing.append([alarm.id for alarm in desk.book if alarm.is_on])
        clock.turn(1.0)
        hear(site_change(after, at_s=clock.unix_s), *rooms)
        hear(a_snapshot(after, at_s=clock.unix_s), *rooms)
        clock.turn(1.0)
        recorder.end(clock.unix_s)
        await store.write(taken(recorder, 100))
        clock.turn(9.0)
    first, second, third = standing
    assert (len(first), len(second)) == (1, 1)
    assert second != first
    assert third == second
