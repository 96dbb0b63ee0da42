"""Old records go, a little at a time, and what was true when the kept time begins stays."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from builders import code
from history.asked import lanes_of
from history.told import T0_MS, a_batch, a_change, a_run, a_server_event
from lineside.core.errors import HistoryError
from lineside.core.model import Instant, PlcLink, Status
from lineside.history import retention as retention_module
from lineside.history import schema
from lineside.history.database import Database
from lineside.history.records import PlcRecord
from lineside.history.retention import forget, is_believable, recorded_before_ms
from lineside.history.settings import Retention
from lineside.history.store import Store

NOW_S = T0_MS / 1000 + 1000
KEEP_ALL = Retention()


@pytest.fixture(autouse=True)
def _in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention_module, "ROWS_MAX", 7)
    monkeypatch.setattr(retention_module, "PAUSE_S", 0.0)


async def fill(store: Store) -> None:
    """A hundred changes of two machines, one every ten seconds, and events among them."""
    records = [
        a_change(n, T0_MS + n * 10_000, (Status.RUNNING, Status.IDLE)[n % 4 // 2], 101 + n % 2)
        for n in range(100)
    ]
    events = [a_server_event(100 + n, T0_MS + n * 10_000) for n in range(100)]
    links = [
        PlcRecord(seq=200 + n, plc_id="PLC01", at_ms=T0_MS + n * 10_000, link=PlcLink.LOST)
        for n in range(100)
    ]
    await store.write([a_batch(a_run(), [*records, *events, *links], alive_ms=T0_MS + 1_000_000)])


async def count(database: Database, name: str) -> int:
    table = schema.metadata.tables[name]
    async with database.reading() as connection:
        found: int = await connection.scalar(select(func.count()).select_from(table)) or 0
    return found


async def test_changes_older_than_the_limit_go_but_the_last_of_each_machine(
    store: Store, database: Database
) -> None:
    await fill(store)
    before = await lanes_of(store, [code(101), code(102)], T0_MS + 800_000, T0_MS + 1_000_000)
    assert await forget(database, Retention(changes_s=200.0), NOW_S) == 78
    assert await count(database, "state_change") == 22
    after = await lanes_of(store, [code(101), code(102)], T0_MS + 800_000, T0_MS + 1_000_000)
    assert after == before
    assert await count(database, "server_event") == await count(database, "plc_event") == 100


async def test_a_machine_that_was_silent_for_years_keeps_its_status(
    store: Store, database: Database
) -> None:
    await store.write([a_batch(a_run(), [a_change(1, T0_MS)], alive_ms=T0_MS + 1_000_000)])
    await forget(database, Retention(changes_s=1.0), NOW_S)
    found = await lanes_of(store, [code(101)], T0_MS + 999_000, T0_MS + 1_000_000)
    assert [each.status for each in found[code(101)]] == [Status.RUNNING]


async def test_each_kind_of_record_has_its_own_time(store: Store, database: Database) -> None:
    await fill(store)
    await forget(database, Retention(plc_events_s=100.0, server_events_s=500.0), NOW_S)
    assert await count(database, "state_change") == 100
    assert await count(database, "plc_event") == 11
    assert await count(database, "server_event") == 50


async def test_without_limits_nothing_is_forgotten(store: Store, database: Database) -> None:
    await fill(store)
    assert await forget(database, KEEP_ALL, NOW_S + 10**9) == 0
    assert await count(database, "state_change") == 100


async def test_a_run_goes_when_all_of_it_is_older_than_the_changes_kept(
    store: Store, database: Database
) -> None:
    await store.write([a_batch(a_run(1), [a_change(1, T0_MS)], stopped_ms=T0_MS + 10)])
    await store.write([a_batch(a_run(2, T0_MS + 20), [], alive_ms=T0_MS + 990_000)])
    await forget(database, Retention(changes_s=100.0), NOW_S)
    assert await count(database, "run") == 1
    found = await lanes_of(store, [code(101)], T0_MS, T0_MS + 1_000_000)
    assert [each.status for each in found[code(101)]] == [None]


DAY_S = 86_400.0
STARTED = Instant(unix_s=T0_MS / 1000, monotonic_s=100.0)


@pytest.mark.parametrize(
    ("ahead_s", "passed_s", "recorded_ms", "expected"),
    [
        (0.0, 60.0, None, True),
        (0.0, 60.0, T0_MS - 3_600_000, True),
        (0.0, 90 * DAY_S, T0_MS, True),
        (6 * DAY_S, 60.0, T0_MS, True),  # the clock was set while the server ran
        (8 * DAY_S, 60.0, T0_MS, False),
        (8 * DAY_S, 60.0, None, False),
        (0.0, 60.0, T0_MS - round(8 * DAY_S * 1000), False),  # it was wrong at the start already
        (0.0, 60.0, T0_MS + round(900 * DAY_S * 1000), True),  # it was wrong before
        (-900 * DAY_S, 60.0, T0_MS, True),
    ],
)
def test_a_clock_far_beyond_what_was_recorded_is_not_believed(
    ahead_s: float, passed_s: float, recorded_ms: int | None, *, expected: bool
) -> None:
    now = Instant(
        unix_s=STARTED.unix_s + passed_s + ahead_s, monotonic_s=STARTED.monotonic_s + passed_s
    )
    assert is_believable(now, STARTED, recorded_ms) is expected


async def test_the_last_run_before_the_own_ones_says_what_was_recorded(
    store: Store, database: Database
) -> None:
    with pytest.raises(HistoryError, match="nothing of this server"):
        await recorded_before_ms(database, a_run(1).key)
    for number, end_ms in ((1, T0_MS + 90_000), (2, T0_MS + 20_000), (3, T0_MS + 70_000)):
        await store.write([a_batch(a_run(number), [], alive_ms=end_ms)])
    assert await recorded_before_ms(database, a_run(3).key) == T0_MS + 20_000
    assert await recorded_before_ms(database, a_run(1).key) is None


DAY_MS = 86_400_000
YEARS_MS = 4 * 366 * DAY_MS


async def believed(database: Database, store: Store, *runs: tuple[int, int]) -> int | None:
    """Return until when is believed of these runs, each with its begin and length in days."""
    for number, (begin, days) in enumerate(runs, start=1):
        started_ms = T0_MS + begin * DAY_MS
        run = a_run(number, started_ms)
        await store.write([a_batch(run, [], alive_ms=started_ms + days * DAY_MS)])
    own = a_run(99, T0_MS + 9_999 * DAY_MS)
    await store.write([a_batch(own, [])])
    found = await recorded_before_ms(database, own.key)
    return None if found is None else (found - T0_MS) // DAY_MS


@pytest.mark.parametrize(
    ("runs", "until"),
    [
        ([(0, 10), (11, 1)], 12),
        ([(0, 10), (1_500, 0)], 10),  # years ahead, once
        ([(0, 10), (1_500, 0), (1_501, 1), (1_503, 2)], 10),  # and again and again
        ([(0, 10), (1_500, 1), (11, 1)], 12),  # set right
        ([(0, 10), (1_500, 1), (11, 1), (1_502, 2)], 12),
        ([(0, 10), (30, 4), (35, 2)], 10),  # after a shutdown, or so it seems
        ([(0, 10), (30, 4), (35, 4)], 39),  # a week of it is believed
        ([(0, 10), (30, 4), (35, 4), (40, 1)], 41),
        ([(1_500, 1), (0, 1)], 1),  # the first one was wrong
        ([(1_500, 1), (0, 1), (1_501, 1)], 1),
    ],
)
async def test_a_clock_that_has_jumped_ahead_is_no_witness_for_itself(
    store: Store, database: Database, runs: list[tuple[int, int]], until: int
) -> None:
    assert await believed(database, store, *runs) == until


async def test_nothing_is_deleted_by_servers_that_start_twice_with_a_clock_years_ahead(
    store: Store, database: Database
) -> None:
    await fill(store)
    for number in (2, 3):
        began_ms = T0_MS + YEARS_MS + number * 20_000
        run = a_run(number, began_ms)
        await store.write([a_batch(run, [], alive_ms=began_ms + 9_000)])
        started = Instant(unix_s=began_ms / 1000, monotonic_s=5.0)
        recorded_ms = await recorded_before_ms(database, run.key)
        assert not is_believable(started, started, recorded_ms)
