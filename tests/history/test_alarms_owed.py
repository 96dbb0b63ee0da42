"""A server that ends while faults wait for their alarms leaves nothing out without a word."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import T0_S, code
from history.alarms import raised, told
from history.desk_scene import Scene
from history.flooded import MACHINES, RISES_MAX, STORED, Plant
from history.told import T0_MS, a_batch, a_change, a_run
from lineside.core.alarm import AlarmEventKind, AlarmKind, AlarmNote, AlarmState
from lineside.core.alarm_watch import Sight
from lineside.core.model import PlcLink, Status
from lineside.history import alarm_flood
from lineside.history.alarm_owed import spells
from lineside.history.alarm_query import Missing, Recalled
from lineside.history.event_store import server_events
from lineside.history.records import PlcRecord, Record, ServerEventKind, ServerRecord
from lineside.history.store import Store

RUNNING, ERROR, DISCONNECTED = Status.RUNNING, Status.ERROR, Status.DISCONNECTED
E, K, S = AlarmEventKind, ServerEventKind, AlarmState
FAR_MS = 10**14


def machine(number: int) -> tuple[AlarmKind, str]:
    return AlarmKind.EQUIPMENT, code(number)


def owed(*numbers: int) -> Recalled:
    return Recalled(
        owed={machine(number): T0_MS - 9_000 for number in numbers},
        statuses={code(number): ERROR for number in numbers},
    )


async def test_a_server_that_is_killed_in_a_flood_owes_its_alarms_and_the_next_one_raises_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "history.flooded", str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert process.stdout is not None
    while STORED.encode() not in (printed := await process.stdout.readline()):
        assert printed, "it ended before it was killed"
    process.kill()
    await process.wait()

    monkeypatch.setattr(alarm_flood, "RISES_MAX", RISES_MAX)
    plant = Plant(tmp_path, T0_S + 100)
    desk = plant.history.alarms
    plant.history.start()
    plant.see(ERROR, *(number for number in MACHINES if number != 103))
    plant.see(RUNNING, 103)
    plant.pass_()
    await plant.history.recall_alarms()
    failed_ms = T0_MS + 1_000
    assert sorted((a.source, a.raised_ms, a.is_on) for a in desk.book) == [
        (code(number), failed_ms, True) for number in (101, 102, 104, 105)
    ]
    assert not desk.is_complete(None, None), "one waits still, within the bound of a minute"
    plant.pass_(62)
    assert {(a.source, a.raised_ms) for a in desk.book} == {
        (code(number), failed_ms) for number in MACHINES if number != 103
    }
    assert desk.is_complete(None, None)
    # Of 103, whose fault was over by then, there is a word, and of its time that one is missing.
    assert not desk.is_complete(T0_MS, T0_MS + 10_000)
    assert desk.is_complete(T0_MS + 200_000, None)
    plant.pass_()
    await plant.stored()
    events = await plant.history.ask(lambda store: server_events(store, 0, FAR_MS))
    assert [each.kind for each in events if each.kind.startswith("alarms_")] == [
        *(K.ALARMS_WAITING, K.ALARMS_MISSING, K.ALARMS_WAITING, K.ALARMS_CAUGHT_UP)
    ]
    (missing,) = [each.detail for each in events if each.kind is K.ALARMS_MISSING]
    assert missing.startswith("1 fault that rose and went between ")
    plant.history.stop()
    assert await plant.history.wait_stopped(60)


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_a_fault_that_is_owed_an_alarm_gets_it_with_the_time_at_which_it_rose(
    is_seen_first: bool,
) -> None:
    scene = Scene()
    if is_seen_first:
        scene.see(101, ERROR)
    scene.desk.adopt(owed(101))
    if not is_seen_first:
        assert scene.alarms == []
        assert not scene.desk.is_complete(None, None)
        scene.see(101, DISCONNECTED)
        scene.see(101, ERROR)
    (alarm,) = scene.alarms
    assert (alarm.raised_ms, alarm.state) == (T0_MS - 9_000, S.UNACKNOWLEDGED)
    assert scene.desk.is_complete(None, None)
    scene.pass_(3)
    scene.see(101, RUNNING)
    assert scene.told == ["raised", "cleared"]


def test_an_alarm_that_is_owed_has_the_id_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda _: 0)  # of a thousand in a millisecond
    before = Scene(at_s=T0_S - 9.0)
    before.see(102, RUNNING)
    before.see(102, ERROR)
    before.pass_(5)
    (stored,) = before.alarms
    assert stored.raised_ms == T0_MS - 9_000

    scene = Scene()
    scene.desk.adopt(replace(owed(101), open=(stored,)))
    scene.see(101, ERROR)
    scene.see(102, ERROR)
    assert sorted((each.source, each.raised_ms) for each in scene.alarms) == [
        (code(101), T0_MS - 9_000),
        (code(102), T0_MS - 9_000),
    ]


def test_an_alarm_has_the_id_of_no_other_though_the_clock_was_set_back_over_a_restart() -> None:
    before = Scene(at_s=T0_S + 9.0)
    before.see(102, RUNNING)
    before.see(102, ERROR)
    before.pass_(5)
    (stored,) = before.alarms

    scene = Scene()
    scene.desk.adopt(replace(owed(101), open=(stored,)))
    scene.see(101, ERROR)
    (new,) = [each for each in scene.alarms if each.source == code(101)]
    assert new.id > stored.id


def test_what_is_owed_is_raised_within_the_bound_of_all_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm_flood, "RISES_MAX", 2)
    scene = Scene()
    scene.desk.adopt(owed(101, 102, 103))
    for number in (101, 102, 103):
        scene.see(number, ERROR)
    assert len(scene.alarms) == 2
    scene.pass_(62)
    assert {alarm.raised_ms for alarm in scene.alarms} == {T0_MS - 9_000}
    assert len(scene.alarms) == 3


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_a_fault_that_is_owed_an_alarm_and_went_meanwhile_has_one_that_says_so(
    is_seen_first: bool,
) -> None:
    scene = Scene()
    if is_seen_first:
        scene.see(101, RUNNING)
    scene.desk.adopt(owed(101))
    if not is_seen_first:
        scene.see(101, RUNNING)
    (alarm,) = scene.alarms
    assert (alarm.raised_ms, alarm.cleared_ms) == (T0_MS - 9_000, T0_MS)
    assert alarm.state is S.RETURNED_UNACKNOWLEDGED
    assert [(r.event, r.note) for r in scene.records.kept] == [
        (E.RAISED, None),
        (E.CLEARED, AlarmNote.NOT_WATCHED),
    ]
    scene.see(101, ERROR)
    assert scene.told == ["raised", "cleared", "raised"]


def test_a_fault_that_is_owed_an_alarm_does_not_cost_the_one_after_it_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm_flood, "RISES_MAX", 1)
    scene = Scene()
    scene.see(101, RUNNING)
    scene.see(102, RUNNING)
    scene.see(102, ERROR)
    scene.see(101, ERROR)  # and waits
    scene.desk.adopt(owed(101))
    scene.pass_(130)
    (alarm,) = [alarm for alarm in scene.alarms if alarm.source == code(101)]
    assert (alarm.raised_ms, alarm.raised_count, alarm.is_on) == (T0_MS - 9_000, 2, True)


def test_a_clock_that_is_set_right_leaves_the_time_of_a_fault_of_before_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm_flood, "RISES_MAX", 1)
    scene = Scene()
    for number in (101, 102):
        scene.see(number, ERROR)
    scene.desk.adopt(owed(101, 102))
    scene.records.set_right_ms = 60_000
    scene.pass_(62)
    assert [alarm.raised_ms for alarm in scene.alarms] == [T0_MS - 9_000] * 2


def test_while_alarms_wait_a_window_that_they_belong_to_is_not_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm_flood, "RISES_MAX", 1)
    scene = Scene()
    scene.desk.adopt(Recalled())
    scene.all_run()
    for number in (101, 102):
        scene.see(number, ERROR)
    scene.pass_(1)
    desk, rose_ms = scene.desk, T0_MS + 1_000
    assert not desk.is_complete(None, None)
    assert not desk.is_complete(rose_ms, None)
    assert desk.is_complete(None, rose_ms)
    scene.pass_(61)
    assert desk.is_complete(None, None)
    assert [(kind, at_ms) for kind, at_ms, _ in scene.records.noted] == [
        (K.ALARMS_WAITING, T0_MS + 2_000),
        (K.ALARMS_CAUGHT_UP, T0_MS + 62_000),
    ]


def test_what_is_known_to_be_missing_is_told_once_and_stays_missing_in_its_time() -> None:
    scene = Scene()
    lost = Missing(count=12, begin_ms=T0_MS - 90_000, end_ms=T0_MS - 80_000)
    scene.desk.adopt(Recalled(waiting_since_ms=T0_MS - 95_000, missing=lost))
    scene.pass_(3)
    ((kind, at_ms, words),) = scene.records.noted
    assert (kind, at_ms) == (K.ALARMS_MISSING, T0_MS)
    assert words.startswith("12 faults that rose and went between ")
    assert not scene.desk.is_complete(T0_MS - 85_000, T0_MS - 84_000)
    assert scene.desk.is_complete(T0_MS + 1, None)
    assert scene.desk.is_complete(None, None), "what there is now is all there"


def test_a_wait_that_was_over_by_the_end_but_for_what_stood_is_over_when_that_is_raised() -> None:
    scene = Scene()
    scene.see(101, ERROR)
    scene.desk.adopt(
        Recalled(
            owed={machine(101): T0_MS - 9_000},
            statuses={code(101): ERROR},
            waiting_since_ms=T0_MS - 9_000,
        )
    )
    scene.pass_(2)
    assert [kind for kind, _, _ in scene.records.noted] == [K.ALARMS_CAUGHT_UP]


def numbered(records: list[Record]) -> list[Record]:
    return [replace(record, seq=number) for number, record in enumerate(records, 1)]


def changes(number: int, *told_at: tuple[int, Status | None]) -> list[Record]:
    return [a_change(1, T0_MS + at_ms, status, number) for at_ms, status in told_at]


async def test_what_is_owed_is_what_changes_tell_of_and_alarms_do_not(store: Store) -> None:
    await store.write([a_batch(a_run(), numbered(
        [
            *changes(101, (1, RUNNING), (2, ERROR), (3, DISCONNECTED), (4, ERROR)),  # owed
            *changes(102, (1, RUNNING), (2, ERROR)),  # has its alarm
            *changes(103, (1, ERROR), (2, DISCONNECTED), (3, ERROR)),  # stood at the first start
            *changes(104, (1, RUNNING), (2, ERROR), (3, RUNNING)),  # over
            *changes(105, (1, RUNNING), (2, ERROR), (3, None), (4, ERROR)),  # taken out meanwhile
            *changes(106, (1, RUNNING), (2, ERROR)),  # has one of the time before
            *changes(107, (1, RUNNING), (2, ERROR)),  # gave way to another fault at 5
            raised(2, at_ms=T0_MS + 2)[1],
            told(raised(6, at_ms=T0_MS - 9)[0], E.CLEARED, T0_MS - 5)[1],
            told(raised(7, at_ms=T0_MS + 2)[0], E.CLEARED, T0_MS + 5)[1],
            *(
                PlcRecord(seq=1, plc_id=plc_id, at_ms=T0_MS + at_ms, link=link)
                for plc_id, at_ms, link in (
                    ("PLC01", 1, PlcLink.ONLINE),
                    ("PLC01", 2, PlcLink.RETRYING),
                    ("PLC01", 3, PlcLink.LOST),
                    ("PLC01", 6, PlcLink.LOST),  # another run begins
                    ("PLC02", 1, PlcLink.LOST),
                )
            ),
        ]
    ))])  # fmt: skip
    found = await store.alarms.recall(["PLC01", "PLC02"], T0_MS + 20)
    assert found.owed == {
        machine(101): T0_MS + 2,
        machine(106): T0_MS + 2,
        machine(107): T0_MS + 5,
        (AlarmKind.PLC, "PLC01"): T0_MS + 3,
    }
    assert found.waiting_since_ms is None


def waits(kind: ServerEventKind, at_ms: int) -> ServerRecord:
    return ServerRecord(seq=1, at_ms=T0_MS + at_ms, kind=kind)


async def test_faults_that_were_over_when_the_server_ended_are_counted_where_alarms_waited(
    store: Store,
) -> None:
    late, first = raised(2, at_ms=T0_MS + 2_000)
    _, second = told(late, E.CLEARED, T0_MS + 9_000)
    older = raised(4, at_ms=T0_MS - 90_000)[1]  # of a machine that comes and goes
    await store.write([a_batch(a_run(), numbered(
        [
            *changes(101, (0, RUNNING), (2_000, ERROR), (9_000, RUNNING)),
            *changes(102, (0, RUNNING), (2_000, ERROR), (9_000, RUNNING)),
            *changes(103, (0, RUNNING), (2_000, ERROR), (2_500, RUNNING)),  # less than the delay
            *changes(104, (0, RUNNING), (2_000, ERROR), (9_000, RUNNING)),
            *changes(105, (0, RUNNING), (4_000, ERROR), (8_000, RUNNING), (8_500, ERROR)),
            *(
                PlcRecord(seq=1, plc_id="PLC01", at_ms=T0_MS + at_ms, link=link)
                for at_ms, link in (
                    (0, PlcLink.ONLINE), (3_000, PlcLink.LOST), (9_500, PlcLink.ONLINE)
                )
            ),
            first, second, older,
            waits(K.ALARMS_WAITING, 3_000),
        ]
    ))])  # fmt: skip
    found = await store.alarms.recall(["PLC01"], T0_MS + 20_000, 1_000)
    assert found.missing == Missing(count=3, begin_ms=T0_MS + 2_000, end_ms=T0_MS + 9_500)
    assert found.owed == {machine(105): T0_MS + 8_500}
    assert found.missing_spans == ()
    again = [waits(K.ALARMS_MISSING, 21_000)]
    await store.write([a_batch(a_run(2, T0_MS + 20_000), numbered([*again]))])
    known = await store.alarms.recall([], T0_MS + 30_000, 1_000)
    assert (known.waiting_since_ms, known.missing) == (None, None)
    assert known.missing_spans == ((found.waiting_since_ms, T0_MS + 21_000),)


async def test_where_all_alarms_were_raised_nothing_is_missing(store: Store) -> None:
    records = [
        *changes(101, (0, RUNNING), (2_000, ERROR), (9_000, RUNNING)),
        waits(K.ALARMS_WAITING, 3_000),
        waits(K.ALARMS_CAUGHT_UP, 8_000),
    ]
    await store.write([a_batch(a_run(), numbered(records))])
    found = await store.alarms.recall([], T0_MS + 20_000)
    assert (found.waiting_since_ms, found.missing, found.missing_spans) == (None, None, ())


def test_a_spell_out_of_sight_or_out_of_the_plant_ends_no_fault() -> None:
    on, off, unseen = Sight.ON, Sight.OFF, Sight.UNSEEN
    one, two = machine(101), machine(102)
    told_of = [
        (one, 1, off), (one, 2, on), (one, 3, unseen), (one, 4, on), (one, 5, off),
        (two, 6, on), (two, 7, off), (two, 8, on), (two, 9, None), (two, 10, on), (two, 11, off),
    ]  # fmt: skip
    assert list(spells(told_of)) == [(one, 2, 5)]
