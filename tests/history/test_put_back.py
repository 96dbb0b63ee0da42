"""A database that is put back as it was, under a server that goes on: what is gone is unseen."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import code, equipment, line, site
from history.asked import lanes_of
from history.postgresql import PostgreSQL
from history.told import T0_MS, a_batch, a_change, a_run
from lineside.core.model import Status
from lineside.history.database import Database, target_of
from lineside.history.gaps import Gap
from lineside.history.records import Batch, Record, config_record
from lineside.history.store import Store

MINUTE_MS = 60_000
RUN = a_run()


class Snapshots:
    """Keeps what a database holds, and puts it back while others have it open."""

    def __init__(self, url: str, folder: Path, postgres: Callable[[], PostgreSQL]) -> None:
        self._name = target_of(url).url.database or ""
        self._kept = folder / "kept.db"
        self._postgres = None if url.startswith("sqlite") else postgres()

    def take(self) -> None:
        if self._postgres is None:
            _copy(Path(self._name), self._kept)
        else:
            self._postgres.copy(self._name, f"{self._name}_kept")

    def put_back(self) -> None:
        if self._postgres is None:
            _copy(self._kept, Path(self._name))
        else:
            self._postgres.put_in_place(f"{self._name}_kept", self._name)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target)) as writer:
        reader.backup(writer)


@pytest.fixture
def snapshots(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Snapshots:
    return Snapshots(database_url, tmp_path, lambda: request.getfixturevalue("postgres"))


def minute(number: int, *records: Record) -> Batch:
    """What happened in one minute, with numbers that follow each other from minute to minute."""
    first = 10 * number
    numbered = [replace(each, seq=first + n) for n, each in enumerate(records, 1)]
    padding = [
        a_change(first + n, T0_MS + number * MINUTE_MS + n, number=199)
        for n in range(len(records) + 1, 11)
    ]
    alive_ms = T0_MS + (number + 1) * MINUTE_MS - 1
    return replace(a_batch(RUN, [*numbered, *padding], alive_ms=alive_ms), last_seq=first + 10)


def change(number: int, at_minute: int, status: Status) -> Record:
    return a_change(0, T0_MS + at_minute * MINUTE_MS, status, number=number)


async def statuses(store: Store, number: int) -> list[str | None]:
    """Return what a machine did, minute by minute."""
    machine = code(number)
    lanes = await lanes_of(store, [machine], T0_MS, T0_MS + 5 * MINUTE_MS)
    middles = [T0_MS + n * MINUTE_MS + MINUTE_MS // 2 for n in range(5)]
    return [
        next((e.status for e in lanes[machine] if e.begin_ms <= at_ms < e.end_ms), None)
        for at_ms in middles
    ]


async def test_what_a_database_that_is_put_back_does_not_hold_is_unseen(
    database: Database, snapshots: Snapshots
) -> None:
    gaps: list[Gap] = []
    store = Store(database, on_gap=gaps.append)
    await store.write([minute(0, change(101, 0, Status.RUNNING))])
    await store.write([minute(1)])
    snapshots.take()
    await store.write([minute(2, change(101, 2, Status.IDLE))])
    await store.write([minute(3)])
    snapshots.put_back()
    await store.write([minute(4, change(101, 4, Status.ERROR))])
    assert await statuses(store, 101) == ["running", "running", None, None, "error"]
    assert gaps == [Gap(run_key=RUN.key, first_seq=21, end_seq=41)]


async def test_a_sign_of_life_is_enough_to_find_that_records_are_gone(
    database: Database, snapshots: Snapshots
) -> None:
    gaps: list[Gap] = []
    store = Store(database, on_gap=gaps.append)
    await store.write([minute(0, change(101, 0, Status.RUNNING))])
    snapshots.take()
    await store.write([minute(1)])
    snapshots.put_back()
    await store.write([Batch(run=RUN, alive_ms=T0_MS + 4 * MINUTE_MS, last_seq=20)])
    assert gaps == [Gap(run_key=RUN.key, first_seq=11, end_seq=21)]
    assert await statuses(store, 101) == ["running", None, None, None, None]


async def test_a_machine_that_it_has_not_heard_of_is_stored_anew(
    database: Database, snapshots: Snapshots
) -> None:
    store = Store(database)
    await store.write([minute(0, change(101, 0, Status.RUNNING))])
    snapshots.take()
    await store.write([minute(1, change(102, 1, Status.RUNNING))])
    snapshots.put_back()
    await store.write([minute(3, change(102, 3, Status.ERROR))])
    await store.write([minute(4, change(103, 4, Status.IDLE))])
    assert await statuses(store, 102) == [None, None, None, "error", "error"]
    assert await statuses(store, 103) == [None, None, None, None, "idle"]


async def test_a_configuration_that_it_has_not_heard_of_holds_no_more(
    database: Database, snapshots: Snapshots
) -> None:
    def configured(at_minute: int, *numbers: int) -> Record:
        machines = tuple(equipment(number) for number in numbers)
        only = replace(line("weld1", range(101, 102)), equipment=machines)
        return config_record(0, T0_MS + at_minute * MINUTE_MS, site(only))

    store = Store(database)
    await store.write([minute(0, configured(0, 101))])
    snapshots.take()
    await store.write([minute(1, configured(1, 101, 102))])
    assert (await store.configurations.read()).spans_of(code(102))
    snapshots.put_back()
    await store.write([minute(3, configured(3, 101, 103))])
    held = await store.configurations.read()
    assert held.spans_of(code(102)) == ()
    assert held.spans_of(code(103))[0].begin_ms == T0_MS + 3 * MINUTE_MS
