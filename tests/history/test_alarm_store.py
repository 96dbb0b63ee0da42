"""One suite for every database: alarms are found as they stand, with all that was done to them."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, event

from builders import code
from history.alarms import raised, told
from history.told import T0_MS, a_batch, a_change, a_run
from lineside.core.alarm import Alarm, AlarmEventKind, AlarmKind, AlarmNote, AlarmState
from lineside.core.alarm_text import Severity
from lineside.core.model import PlcLink, Status
from lineside.core.spans import Span
from lineside.history import alarm_marks as alarm_marks_module
from lineside.history.alarm_counts import AlarmCount, alarm_counts
from lineside.history.alarm_marks import AlarmMark, alarm_marks, thin
from lineside.history.alarm_query import (
    ID_MAX,
    AlarmQuery,
    key_of,
    newest_first,
)
from lineside.history.alarm_statistics import change_counts, rise_counts
from lineside.history.database import Database
from lineside.history.records import AlarmRecord, PlcRecord, Record
from lineside.history.retention import forget
from lineside.history.settings import Retention
from lineside.history.store import Store

E = AlarmEventKind


def numbered(*records: AlarmRecord) -> list[AlarmRecord]:
    return [replace(record, seq=number) for number, record in enumerate(records, 1)]


async def test_an_alarm_comes_back_as_it_stands_with_its_audit(store: Store) -> None:
    alarm, first = raised(alarm_code=12, advice_ko="문을 닫으세요.")
    alarm, second = told(alarm, E.ACKNOWLEDGED, T0_MS + 5, "김철수", "going there")
    alarm, third = told(alarm, E.CLEARED, T0_MS + 9, note=AlarmNote.NOT_WATCHED)
    await store.write([a_batch(a_run(), numbered(first, second, third))])
    assert await store.alarms.alarm(1) == alarm
    assert [each.text for each in alarm.comments] == ["going there"]
    events = await store.alarms.events(1)
    assert [(e.number, e.kind, e.by, e.text, e.note) for e in events] == [
        (1, "raised", "", "", None),
        (2, "acknowledged", "김철수", "going there", None),
        (3, "cleared", "", "", AlarmNote.NOT_WATCHED),
    ]
    assert await store.alarms.alarm(2) is None


async def test_an_older_word_changes_nothing_and_no_word_counts_twice(store: Store) -> None:
    alarm, first = raised()
    alarm, second = told(alarm, E.CLEARED, T0_MS + 5)
    alarm, third = told(alarm, E.ACKNOWLEDGED, T0_MS + 9, "Kim")
    records = numbered(first, second, third)
    await store.write([a_batch(a_run(), records)])
    await store.write([a_batch(a_run(), records[:2])])
    await store.write([a_batch(a_run(), records)])
    assert await store.alarms.alarm(1) == alarm
    assert len(await store.alarms.events(1)) == 3


async def test_a_standing_alarm_is_told_to_a_database_that_never_heard_of_it(store: Store) -> None:
    alarm, _ = raised()
    await store.write([a_batch(a_run(), [AlarmRecord(seq=1, at_ms=T0_MS, alarm=alarm)])])
    assert await store.alarms.alarm(1) == alarm
    assert await store.alarms.events(1) == []


async def test_what_two_servers_told_of_one_alarm_at_the_same_time_is_all_kept(
    store: Store,
) -> None:
    """One was cut off from the database, and spooled; the other one had taken over."""
    alarm, first = raised()
    cut_off, other = a_run(1), a_run(2, T0_MS + 1)
    await store.write([a_batch(cut_off, numbered(first))])
    here, said = told(alarm, E.COMMENTED, T0_MS + 40, "Lee", "on my way")
    here, shelved = told(here, E.SHELVED, T0_MS + 50, "Lee", until_ms=T0_MS + 9_000)
    await store.write([a_batch(other, numbered(said, shelved))])
    there, _ = told(alarm, E.ACKNOWLEDGED, T0_MS + 20, "Kim", "seen")
    _, known = told(alarm, E.ACKNOWLEDGED, T0_MS + 20, "Kim", "seen")
    _, more = told(there, E.COMMENTED, T0_MS + 30, "Kim", "door")
    late = a_batch(cut_off, [replace(known, seq=2), replace(more, seq=3)])
    for _ in range(2):  # out of the spool, and once more after a crash
        await store.write([late])
    # The alarm is what all of it comes to, in order of time.
    both = await store.alarms.alarm(1)
    assert both is not None
    assert (both.state, both.shelved_until_ms) == (AlarmState.SHELVED, T0_MS + 9_000)
    assert (both.acknowledged_by, both.acknowledged_ms) == ("Kim", T0_MS + 20)
    assert [each.text for each in both.comments] == ["seen", "door", "on my way"]
    assert both.revision == 5
    _, after = told(here, E.COMMENTED, T0_MS + 60, "Lee", "done")
    for _ in range(2):
        await store.write([a_batch(other, [replace(after, seq=3)])])
    found = await store.alarms.events(1)
    assert sorted((e.at_ms - T0_MS, e.kind, e.by, e.text) for e in found) == [
        (0, "raised", "", ""),
        (20, "acknowledged", "Kim", "seen"),
        (30, "commented", "Kim", "door"),
        (40, "commented", "Lee", "on my way"),
        (50, "shelved", "Lee", ""),
        (60, "commented", "Lee", "done"),
    ]
    last = await store.alarms.alarm(1)
    assert last is not None
    assert [each.text for each in last.comments] == ["seen", "door", "on my way", "done"]
    assert (last.state, last.revision) == (AlarmState.SHELVED, 6)


async def test_an_alarm_acknowledged_at_one_server_and_commented_at_the_other_is_both(
    store: Store,
) -> None:
    alarm, first = raised()
    cut_off, other = a_run(1), a_run(2, T0_MS + 1)
    await store.write([a_batch(cut_off, numbered(first))])
    _, said = told(alarm, E.COMMENTED, T0_MS + 40, "Lee", "on my way")
    await store.write([a_batch(other, numbered(said))])
    there, known = told(alarm, E.ACKNOWLEDGED, T0_MS + 20, "Kim")
    there, one = told(there, E.COMMENTED, T0_MS + 30, "Kim", "one")
    _, two = told(there, E.COMMENTED, T0_MS + 50, "Kim", "two")
    late = [replace(record, seq=n) for n, record in enumerate((known, one, two), 2)]
    await store.write([a_batch(cut_off, late)])
    found = await store.alarms.alarm(1)
    assert found is not None
    assert (found.state, found.acknowledged_by) == (AlarmState.ACKNOWLEDGED, "Kim")
    assert [each.text for each in found.comments] == ["one", "on my way", "two"]
    assert len(await store.alarms.events(1)) == 5


async def test_a_fault_that_both_servers_saw_go_is_over_when_one_of_them_was_told_that_it_is_known(
    store: Store,
) -> None:
    alarm, first = raised()
    cut_off, other = a_run(1), a_run(2, T0_MS + 1)
    await store.write([a_batch(cut_off, numbered(first))])
    there, known = told(alarm, E.ACKNOWLEDGED, T0_MS + 20, "Kim")
    _, gone = told(there, E.CLEARED, T0_MS + 41)
    _, left = told(alarm, E.CLEARED, T0_MS + 40)
    await store.write([a_batch(other, numbered(left))])
    await store.write([a_batch(cut_off, [replace(known, seq=2), replace(gone, seq=3)])])
    found = await store.alarms.alarm(1)
    assert found is not None
    assert (found.state, found.cleared_ms) == (AlarmState.NORMAL, T0_MS + 40)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (AlarmQuery(), [4, 3, 2, 1]),
        (AlarmQuery(line_id="weld1"), [4, 2, 1]),
        (AlarmQuery(line_id="pack"), [4, 3]),
        (AlarmQuery(code=code(102)), [2]),
        (AlarmQuery(code="PLC02"), []),
        (AlarmQuery(states=(AlarmState.UNACKNOWLEDGED,)), [4, 3, 1]),
        (AlarmQuery(states=(AlarmState.RETURNED_UNACKNOWLEDGED,)), [2]),
        (AlarmQuery(severities=(Severity.LOW, Severity.CRITICAL)), [3]),
        (AlarmQuery(begin_ms=T0_MS + 500), [4, 3, 1]),
        (AlarmQuery(begin_ms=T0_MS + 250, end_ms=T0_MS + 300), [2, 1]),
        (AlarmQuery(end_ms=T0_MS), []),
        (AlarmQuery(text="DOOR"), [3]),
        (AlarmQuery(text="도어"), [3]),
        (AlarmQuery(text="77"), [3]),
        (AlarmQuery(text="용접 2"), [2]),
        (AlarmQuery(text="elo_101"), []),
        (AlarmQuery(text="100%"), []),
        (AlarmQuery(text="plc02"), [4]),
        (AlarmQuery(before_id=4), [3, 2, 1]),
        (AlarmQuery(before_id=3, line_id="weld1"), [2, 1]),
        (AlarmQuery(before_id=9, first_page_end=(T0_MS + 200, 2)), [1]),
        (AlarmQuery(before_id=4, first_page_end=(T0_MS + 200, 3)), [2, 1]),
    ],
)
async def test_every_filter_says_in_sql_what_it_says_in_memory(
    store: Store, query: AlarmQuery, found: list[int]
) -> None:
    door = {"line_id": "pack", "severity": Severity.LOW, "alarm_code": 77}
    plc = {"kind": AlarmKind.PLC, "source": "PLC02", "line_id": None, "plc_id": "PLC02"}
    made = [
        raised(1, at_ms=T0_MS + 100),
        told(raised(2, at_ms=T0_MS + 200)[0], E.CLEARED, T0_MS + 260),
        raised(3, at_ms=T0_MS + 300, text_ko="도어 열림", text_en="Door open", **door),
        raised(4, at_ms=T0_MS + 400, **plc),
    ]
    await store.write([a_batch(a_run(), numbered(*[record for _, record in made]))])
    assert [each.id for each in await store.alarms.alarms(query, 100)] == found
    assert [
        each.id for each in newest_first(alarm for alarm, _ in made) if query.has(each)
    ] == found


def lives(numbers: int) -> tuple[dict[int, Alarm], list[AlarmRecord], dict[int, list[Span]]]:
    """Return alarms that come, go and come back within 60 ms, and when each of them stood."""
    random = Random(7)
    alarms: dict[int, Alarm] = {}
    records: list[AlarmRecord] = []
    stood: dict[int, list[Span]] = {}
    for number in range(1, numbers + 1):
        at_ms = T0_MS + random.randrange(20)
        alarm, record = raised(number, at_ms=at_ms, source=code(101 + number % 3))
        records.append(record)
        spells = stood[number] = []
        for _ in range(random.randrange(4)):
            cleared_ms = at_ms + random.randrange(9)
            alarm, record = told(alarm, E.CLEARED, cleared_ms)
            spells.append(Span(at_ms, cleared_ms))
            records.append(record)
            if random.random() < 0.3:
                break
            at_ms = cleared_ms + random.randrange(20)
            alarm, record = told(alarm, random.choice((E.RAISED, E.CONTINUED)), at_ms)
            records.append(record)
        if alarm.is_on:
            spells.append(Span(at_ms, 2**62))
        alarms[number] = alarm
    return alarms, records, stood


async def test_a_window_has_the_alarms_of_which_a_spell_lies_in_it_and_no_others(
    store: Store,
) -> None:
    alarms, records, stood = lives(40)
    await store.write([a_batch(a_run(), numbered(*records))])
    between = 0
    for begin in range(0, 60, 3):
        for length in (1, 2, 7, 30):
            begin_ms, end_ms = T0_MS + begin, T0_MS + begin + length
            right = {
                number
                for number, spells in stood.items()
                for each in spells
                if each.begin_ms < end_ms and (each.end_ms > begin_ms or each.begin_ms >= begin_ms)
            }
            query = AlarmQuery(begin_ms=begin_ms, end_ms=end_ms)
            assert {each.id for each in await store.alarms.alarms(query, 100)} == right
            assert await store.alarms.stood(alarms.values(), begin_ms, end_ms) == right
            sure = {number for number, each in alarms.items() if query.has(each)}
            unsure = {number for number, each in alarms.items() if query.is_unsure_of(each)}
            assert sure <= right <= sure | unsure
            assert {n for n, each in alarms.items() if query.has(each, right)} == right
            between += len(unsure - right)
    assert between > 20  # came back, and did not stand in the window between


async def test_an_alarm_whose_events_are_not_stored_stood_from_first_to_last(store: Store) -> None:
    alarm, _ = told(raised()[0], E.CLEARED, T0_MS + 5)
    alarm, _ = told(alarm, E.RAISED, T0_MS + 900)
    await store.write([a_batch(a_run(), [AlarmRecord(seq=1, at_ms=T0_MS, alarm=alarm)])])
    query = AlarmQuery(begin_ms=T0_MS + 100, end_ms=T0_MS + 200)
    assert await store.alarms.alarms(query, 9) == [alarm]


@pytest.mark.parametrize("is_raised_again", [False, True])
async def test_what_is_asked_for_by_id_is_there_once_whatever_is_raised_again_meanwhile(
    store: Store, is_raised_again: bool
) -> None:
    alarms = {n: raised(n, at_ms=T0_MS + n // 3) for n in range(1, 20)}
    await store.write([a_batch(a_run(), numbered(*[record for _, record in alarms.values()]))])
    seen: list[int] = []
    query = AlarmQuery(before_id=ID_MAX)
    while page := await store.alarms.alarms(query, 4):
        seen += [each.id for each in page]
        query = AlarmQuery(before_id=page[-1].id)
        if is_raised_again:
            at_ms = T0_MS + 1_000 * len(seen)
            alarm, gone = told(alarms[max(1, page[-1].id - 1)][0], E.CLEARED, at_ms)
            _, back = told(alarm, E.RAISED, at_ms + 1)
            records = [replace(each, seq=at_ms + n) for n, each in enumerate((gone, back))]
            await store.write([a_batch(a_run(), records)])
    assert seen == list(range(19, 0, -1))


async def test_further_pages_have_what_may_not_have_been_on_the_first(store: Store) -> None:
    alarms = {n: raised(n, at_ms=T0_MS + n) for n in range(1, 6)}
    gone, second = told(alarms[1][0], E.CLEARED, T0_MS + 50)
    back, third = told(gone, E.RAISED, T0_MS + 51)
    records = [*(record for _, record in alarms.values()), second, third]
    await store.write([a_batch(a_run(), numbered(*records))])
    first = await store.alarms.alarms(AlarmQuery(), 2)
    assert [each.id for each in first] == [1, 5]
    beyond = AlarmQuery(before_id=ID_MAX, first_page_end=key_of(first[-1]))
    # 1 may have come there by being raised again.
    assert [each.id for each in await store.alarms.alarms(beyond, 9)] == [4, 3, 2, 1]
    now = {**{n: alarm for n, (alarm, _) in alarms.items()}, 1: back}
    assert {n for n, alarm in now.items() if beyond.has(alarm)} == {1, 2, 3, 4}


async def test_machines_are_counted_by_rises_and_by_changes(store: Store) -> None:
    alarm, first = raised(1, at_ms=T0_MS)
    alarm, second = told(alarm, E.CLEARED, T0_MS + 5)
    alarm, third = told(alarm, E.RAISED, T0_MS + 9)
    plc = raised(2, at_ms=T0_MS, kind=AlarmKind.PLC, source="PLC01")[1]
    changes = [a_change(n, T0_MS + n) for n in (10, 11, 12)]
    batch = a_batch(a_run(), [*numbered(first, second, third, plc), *changes])
    await store.write([batch])
    first_ms = Span(T0_MS, T0_MS + 12)
    assert await rise_counts(store.database, first_ms) == {(code(101), "weld1"): 2}
    assert await change_counts(store.database, first_ms) == {code(101): 2}
    within = Span(T0_MS + 1, T0_MS + 10)
    assert await rise_counts(store.database, within) == {(code(101), "weld1"): 1}
    assert await change_counts(store.database, within) == {code(101): 0}
    assert await change_counts(store.database, first_ms, [code(102)]) == {}


def read_from(plc_id: str | None, *numbers: int) -> dict[str, str | None]:
    return {code(number): plc_id for number in numbers}


async def test_a_timeline_is_told_of_every_rise_of_its_machines(store: Store) -> None:
    alarm, first = raised(1)
    alarm, second = told(alarm, E.CLEARED, T0_MS + 5)
    alarm, third = told(alarm, E.RAISED, T0_MS + 900)
    _, other = raised(2, at_ms=T0_MS + 20, severity=Severity.CRITICAL)
    _, plc = raised(3, kind=AlarmKind.PLC, source="PLC01")
    await store.write([a_batch(a_run(), numbered(first, second, third, other, plc))])
    one = (code(101), T0_MS, "high", "설비 이상", "Machine fault")
    machines = read_from("PLC09", 101, 102)
    marks = await alarm_marks(store.database, machines, T0_MS, T0_MS + 901)
    assert marks == [
        one,
        (code(102), T0_MS + 20, "critical", "설비 이상", "Machine fault"),
        (code(101), T0_MS + 900, *one[2:]),
    ]
    only = read_from("PLC09", 101)
    assert await alarm_marks(store.database, only, T0_MS, T0_MS + 900) == [one]
    other_lane = read_from(None, 103)
    assert await alarm_marks(store.database, other_lane, T0_MS, T0_MS + 900) == []
    coarse = await alarm_marks(store.database, machines, T0_MS, T0_MS + 901, 10_000_000)
    assert [mark.at_ms - T0_MS for mark in coarse] == [0, 20]


async def test_a_lost_plc_is_marked_on_the_lane_of_each_of_its_machines(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"text_ko": "PLC 통신 두절", "text_en": "PLC lost"}
    facts = {"kind": AlarmKind.PLC, "source": "PLC01", **words}
    _, lost = raised(3, at_ms=T0_MS + 50, **facts)
    _, elsewhere = raised(4, at_ms=T0_MS + 60, **{**facts, "source": "PLC02"})
    _, fault = raised(1, at_ms=T0_MS + 70)
    await store.write([a_batch(a_run(), numbered(lost, elsewhere, fault))])
    machines = read_from("PLC01", 101, 102) | read_from(None, 103)
    marks = await alarm_marks(store.database, machines, T0_MS, T0_MS + 100)
    assert [(mark.code, mark.at_ms - T0_MS, mark.text_en) for mark in marks] == [
        (code(101), 50, "PLC lost"),
        (code(102), 50, "PLC lost"),
        (code(101), 70, "Machine fault"),
    ]
    # The bound is on the marks, not on the alarms: the newest are kept.
    monkeypatch.setattr(alarm_marks_module, "MARKS_MAX", 2)
    assert await alarm_marks(store.database, machines, T0_MS, T0_MS + 100) == marks[1:]


async def test_a_report_ranks_alarms_by_how_often_they_rose_in_its_window(store: Store) -> None:
    alarm, first = raised(1)
    alarm, second = told(alarm, E.CLEARED, T0_MS + 5)
    _, third = told(alarm, E.RAISED, T0_MS + 900)
    _, other = raised(2, at_ms=T0_MS + 20, text_ko="문 열림", text_en="Door open")
    _, plc = raised(3, kind=AlarmKind.PLC, source="PLC01")
    await store.write([a_batch(a_run(), numbered(first, second, third, other, plc))])
    codes = [code(101), code(102)]
    twice = AlarmCount(code(101), "설비 이상", "Machine fault", 2)
    once = AlarmCount(code(102), "문 열림", "Door open", 1)
    assert await alarm_counts(store.database, codes, T0_MS, T0_MS + 901) == [twice, once]
    assert await alarm_counts(store.database, codes, T0_MS + 1, T0_MS + 900) == [once]
    assert await alarm_counts(store.database, codes[:1], T0_MS + 1, T0_MS + 900) == []


async def test_what_happened_in_a_window_is_found_by_time_and_not_among_all_that_ever_did(
    tmp_path: Path,
) -> None:
    # PostgreSQL plans by what is in its tables; SQLite knows nothing of that.
    store = Store(Database(f"sqlite+aiosqlite:///{tmp_path / 'history.db'}"))
    asked: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:
        _, _, statement, parameters, *_ = told
        if statement.startswith("SELECT") and "alarm_event" in statement:
            asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await alarm_marks(store.database, read_from("PLC01", 101, 102), T0_MS, T0_MS + 900)
        await alarm_counts(store.database, [code(101), code(102)], T0_MS, T0_MS + 900)
        await rise_counts(store.database, Span(T0_MS, T0_MS + 900))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(asked) == 3
    for statement, parameters in asked:
        async with store.database.reading() as connection:
            plan = (
                await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ).all()
        assert "ix_alarm_event_at_ms (at_ms>? AND at_ms<?)" in plan[0].detail
    await store.database.close()


def test_of_marks_that_would_cover_each_other_the_worst_is_kept() -> None:
    low, high = (AlarmMark("A", at_ms, s, "", "") for at_ms, s in ((5, "low"), (9, "high")))
    later, other = AlarmMark("A", 10, "low", "", ""), AlarmMark("B", 7, "low", "", "")
    assert thin([low, other, high, later], 10) == [other, high, later]
    assert thin([low, high], 0) == [low, high]


async def test_what_stood_before_a_start_is_recalled(store: Store) -> None:
    standing, first = raised(1)
    over, second = told(raised(2)[0], E.CLEARED, T0_MS + 5)
    over, third = told(over, E.ACKNOWLEDGED, T0_MS + 6, "Kim")
    records: list[Record] = [
        *numbered(first, second, third),
        a_change(10, T0_MS + 10, Status.ERROR),
        a_change(11, T0_MS + 11, Status.DISCONNECTED),
        a_change(12, T0_MS + 12, Status.DISCONNECTED, number=102),
        a_change(13, T0_MS + 50, Status.RUNNING),
        PlcRecord(seq=14, plc_id="PLC01", at_ms=T0_MS, link=PlcLink.LOST),
        PlcRecord(seq=15, plc_id="PLC01", at_ms=T0_MS + 3, link=PlcLink.RETRYING),
        PlcRecord(seq=16, plc_id="PLC01", at_ms=T0_MS + 50, link=PlcLink.ONLINE),
    ]
    await store.write([a_batch(a_run(), records)])
    found = await store.alarms.recall(["PLC01", "PLC02"], T0_MS + 20)
    assert (found.open, found.over) == ((standing,), (over,))
    assert found.statuses == {code(101): Status.ERROR}
    assert found.links == {"PLC01": PlcLink.LOST}


async def test_alarms_that_are_over_are_forgotten_in_time(store: Store, database: Database) -> None:
    _, standing = raised(1)
    old, first = told(raised(2)[0], E.CLEARED, T0_MS + 5)
    _, second = told(old, E.ACKNOWLEDGED, T0_MS + 6, "Kim")
    young, third = told(raised(3)[0], E.CLEARED, T0_MS + 5)
    _, fourth = told(young, E.ACKNOWLEDGED, T0_MS + 9_000, "Kim")
    await store.write([a_batch(a_run(), numbered(standing, first, second, third, fourth))])
    count = await forget(database, Retention(alarms_s=5.0), (T0_MS + 10_000) / 1000)
    assert count == 1
    assert [each.id for each in await store.alarms.alarms(AlarmQuery(), 9)] == [3, 1]
    assert await store.alarms.events(2) == []
    assert len(await store.alarms.events(3)) == 2
