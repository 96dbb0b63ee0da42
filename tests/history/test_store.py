"""One suite for every database: what is written is found again, in time and in order."""

from __future__ import annotations

from msgspec.structs import replace

from builders import code, site
from history.asked import lanes_of
from history.told import T0_MS, a_batch, a_change, a_run, a_server_event
from lineside.core.model import Status
from lineside.history.database import Database
from lineside.history.event_store import server_events
from lineside.history.lanes import LaneInterval
from lineside.history.records import config_record
from lineside.history.store import Store

RUNNING, IDLE, ERROR = Status.RUNNING, Status.IDLE, Status.ERROR


async def test_a_change_comes_back_whole(store: Store) -> None:
    await store.write([a_batch(a_run(), [a_change(1, T0_MS)])])
    (found,) = await store.changes([code(101)], T0_MS, T0_MS + 1)
    assert (found.equipment_code, found.at_ms, found.seq) == (code(101), T0_MS, 1)
    assert (found.previous, found.status, found.reason) == (IDLE, RUNNING, "running")
    assert (found.tag, found.value, found.since_ms) == ("M101", "1", T0_MS)
    assert (found.until_ms, found.detail) == (None, "상태 'quoted'")
    assert found.tags == '[["status_tag","M101",1,12]]'


async def test_writing_a_batch_again_changes_nothing(store: Store) -> None:
    batch = a_batch(a_run(), [a_change(1, T0_MS), a_server_event(2, T0_MS)])
    await store.write([batch])
    await store.write([batch, batch])
    assert len(await store.changes([code(101)], 0, T0_MS + 1)) == 1
    assert len(await server_events(store, 0, T0_MS + 1)) == 1
    assert len(await store.runs(0, T0_MS + 1)) <= 1


async def test_another_opening_of_the_database_knows_what_the_first_has_stored(
    store: Store, database: Database, database_url: str
) -> None:
    await store.write([a_batch(a_run(), [a_change(1, T0_MS)])])
    await database.close()
    again = Database(database_url)
    try:
        other = Store(again)
        await other.write([a_batch(a_run(), [a_change(1, T0_MS), a_change(2, T0_MS + 5, IDLE)])])
        assert len(await other.changes([code(101)], 0, T0_MS + 10)) == 2
    finally:
        await again.close()


async def test_changes_come_page_by_page_without_gaps_or_repeats(store: Store) -> None:
    records = [a_change(n, T0_MS + n // 3, number=101 + n % 2) for n in range(1, 30)]
    await store.write([a_batch(a_run(), records)])
    codes, seen, after = [code(101), code(102)], [], None
    while page := await store.changes(codes, 0, T0_MS + 100, after=after, limit=4):
        seen += [each.seq for each in page]
        after = (page[-1].at_ms, page[-1].run_id, page[-1].seq)
    assert seen == list(range(1, 30))


async def test_the_window_includes_its_begin_and_not_its_end(store: Store) -> None:
    await store.write([a_batch(a_run(), [a_change(n, T0_MS + n) for n in (1, 2, 3)])])
    found = await store.changes([code(101)], T0_MS + 1, T0_MS + 3)
    assert [each.seq for each in found] == [1, 2]


async def test_a_timeline_knows_the_status_from_before_its_begin(store: Store) -> None:
    records = [
        a_change(1, T0_MS, RUNNING),
        replace(a_change(2, T0_MS + 500, IDLE), reason="starting", since_ms=T0_MS + 300),
        a_change(3, T0_MS + 600, ERROR),
    ]
    await store.write([a_batch(a_run(), records, alive_ms=T0_MS + 800)])
    found = await lanes_of(store, [code(999), code(101)], T0_MS + 100, T0_MS + 1000)
    assert list(found) == [code(999), code(101)]
    assert found[code(101)] == [
        LaneInterval(
            begin_ms=T0_MS + 100,
            end_ms=T0_MS + 500,
            status=RUNNING,
            reason="running",
            since_ms=T0_MS,
            changed_ms=T0_MS,
        ),
        LaneInterval(
            begin_ms=T0_MS + 500,
            end_ms=T0_MS + 600,
            status=IDLE,
            reason="starting",
            since_ms=T0_MS + 300,
            changed_ms=T0_MS + 500,
        ),
        LaneInterval(
            begin_ms=T0_MS + 600,
            end_ms=T0_MS + 800,
            status=ERROR,
            reason="running",
            since_ms=T0_MS + 600,
            changed_ms=T0_MS + 600,
        ),
        LaneInterval(begin_ms=T0_MS + 800, end_ms=T0_MS + 1000, status=None),
    ]
    unknown = [LaneInterval(begin_ms=T0_MS + 100, end_ms=T0_MS + 1000, status=None)]
    assert found[code(999)] == unknown


async def test_of_changes_in_one_millisecond_the_last_counts_before_the_window_and_in_it(
    store: Store,
) -> None:
    records = [a_change(n, T0_MS, status) for n, status in ((1, RUNNING), (2, ERROR), (3, IDLE))]
    await store.write([a_batch(a_run(), records, alive_ms=T0_MS + 100)])
    for begin_ms in (T0_MS + 50, T0_MS, T0_MS - 50):
        found = await lanes_of(store, [code(101)], begin_ms, T0_MS + 100)
        assert [e.status for e in found[code(101)] if e.end_ms > T0_MS] == [IDLE]


async def test_the_time_between_two_runs_is_unseen(store: Store) -> None:
    first = a_batch(a_run(1), [a_change(1, T0_MS, RUNNING)], alive_ms=T0_MS + 100)
    second = a_batch(
        a_run(2, T0_MS + 300), [a_change(1, T0_MS + 300, ERROR)], stopped_ms=T0_MS + 400
    )
    await store.write([first, second])
    found = await lanes_of(store, [code(101)], T0_MS, T0_MS + 500)
    assert [(each.end_ms - T0_MS, each.status) for each in found[code(101)]] == [
        (100, RUNNING),
        (300, None),
        (400, ERROR),
        (500, None),
    ]


async def test_a_sign_of_life_moves_the_end_of_a_run_and_never_back(store: Store) -> None:
    run = a_run()
    await store.write([a_batch(run, [], alive_ms=T0_MS + 500)])
    await store.write([a_batch(run, [], alive_ms=T0_MS + 300)])
    assert [each.end_ms for each in await store.runs(T0_MS, T0_MS + 1)] == [T0_MS + 500]


async def test_the_run_that_goes_on_reaches_as_far_as_its_recorder_says(
    database: Database,
) -> None:
    run = a_run()
    store = Store(database, alive=lambda: (run.key, T0_MS + 900))
    await store.write([a_batch(run, [a_change(1, T0_MS)], alive_ms=T0_MS + 100)])
    found = await lanes_of(store, [code(101)], T0_MS + 500, T0_MS + 1000)
    assert [(e.end_ms - T0_MS, e.status) for e in found[code(101)]] == [
        (900, RUNNING),
        (1000, None),
    ]


async def test_after_a_clock_step_back_the_later_run_is_believed(store: Store) -> None:
    before = a_batch(a_run(1), [a_change(1, T0_MS, RUNNING)], stopped_ms=T0_MS + 1000)
    after = a_batch(a_run(2, T0_MS + 200), [a_change(1, T0_MS + 200, IDLE)], alive_ms=T0_MS + 700)
    await store.write([before])
    await store.write([after])
    found = await lanes_of(store, [code(101)], T0_MS + 100, T0_MS + 900)
    assert [(e.end_ms - T0_MS, e.status) for e in found[code(101)]] == [
        (200, RUNNING),
        (700, IDLE),
        (900, RUNNING),
    ]
    late = await lanes_of(store, [code(101)], T0_MS + 300, T0_MS + 600)
    assert [e.status for e in late[code(101)]] == [IDLE]


async def test_a_configuration_is_stored_once_until_it_changes(store: Store) -> None:
    run, plant = a_run(), site()
    await store.write([a_batch(run, [config_record(1, T0_MS, plant)])])
    await store.write([a_batch(a_run(2), [config_record(1, T0_MS + 50, plant)])])
    found = await store.config_at(T0_MS + 100)
    assert found is not None
    assert found.at_ms == T0_MS
    other = replace(plant, lines=plant.lines[:1])
    await store.write([a_batch(run, [config_record(9, T0_MS + 200, other)])])
    now = await store.config_at(T0_MS + 300)
    assert now is not None
    assert now.at_ms == T0_MS + 200
    assert await store.config_at(T0_MS - 1) is None


async def test_the_last_change_the_last_to_running_and_the_one_after_are_found(
    store: Store,
) -> None:
    records = [a_change(1, T0_MS, RUNNING), a_change(2, T0_MS + 5, IDLE)]
    await store.write([a_batch(a_run(1), records)])
    await store.write([a_batch(a_run(2), [a_change(1, T0_MS + 9, ERROR)])])
    last, ran, after = await store.last_changes(code(101), 0, T0_MS + 100)
    assert [each and (each.at_ms - T0_MS, each.status) for each in (last, ran, after)] == [
        (9, ERROR),
        (0, RUNNING),
        (5, IDLE),
    ]
    assert await store.last_changes(code(101), 0, T0_MS) == (None, None, None)
    assert await store.last_changes(code(102), 0, T0_MS + 100) == (None, None, None)
