"""Real databases, locked, deleted, full, stopped or frozen: the board goes on, nothing is lost.

The event loop of the test is that of the board: while a database suffers, it is measured.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text

import bounds
from builders import code, line, site, site_change, snapshot, state_change
from disks import can_mount, fill, small_disk
from history.postgresql import PostgreSQL, postgresql
from lineside.clock import system_clock
from lineside.core.model import Status
from lineside.history import database as database_module
from lineside.history import writer as writer_module
from lineside.history.database import Database
from lineside.history.event_store import server_events
from lineside.history.records import HistoryHealth
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from serving import PATIENCE_S, eventually

SITE = site(line("weld1", range(101, 106)))
CODES = [code(number) for number in range(101, 106)]
EVERY_S = 0.01  # a change, and a tick
LATE_MAX_S = 0.25  # by which the board's own loop may come late
LATE_SHARE = 0.75  # of the time: a loop that waits for a database comes late again and again


pytestmark = pytest.mark.measures


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_FIRST_S", 0.05)
    monkeypatch.setattr(writer_module, "RETRY_MAX_S", 0.1)
    monkeypatch.setattr(database_module, "LOCK_WAIT_S", 0.1)
    monkeypatch.setattr(database_module, "OPERATION_S", 1.0)


class Plant:
    """Tells a history a change of some machine every few milliseconds, and ticks."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.told: list[tuple[str, int, Status]] = []
        self._late_s: list[float] = []  # by which the loop came late, since `watch`
        self._sequence = 0
        self.is_quiet = False

    async def run(self) -> None:
        hear = self.history.recorder.on_message
        hear(site_change(SITE, at_s=system_clock().unix_s))
        while True:
            due_s = time.monotonic() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self._late_s.append(time.monotonic() - due_s)
            self._sequence += 1
            now_s = system_clock().unix_s
            if not self.is_quiet:
                number, status = 101 + self._sequence % 5, tuple(Status)[self._sequence % 3]
                hear(state_change(number, status, at_s=now_s))
                self.told.append((code(number), round(now_s * 1000), status))
            tick = snapshot(SITE, sequence=self._sequence)
            hear(replace(tick, at=system_clock()))

    def watch(self) -> None:
        """Begin anew to measure how late the loop comes."""
        self._late_s.clear()

    def late_s(self) -> float:
        """Return by how much the loop came late at most, in LATE_SHARE of the time since `watch`.

        A turn counts for as long as it took, so that a few long ones weigh as much as many short.
        """
        turns = sorted(self._late_s)
        assert turns, "the loop stands still"
        left_s = LATE_SHARE * sum(EVERY_S + late_s for late_s in turns)
        for late_s in turns:
            left_s -= EVERY_S + late_s
            if left_s <= 0:
                return late_s
        return turns[-1]

    async def until(self, condition: Callable[[HistoryHealth], bool], what: str) -> None:
        """Wait until `condition` holds."""
        await eventually(
            lambda: condition(self.history.health()), f"{what}: {self.history.health()}"
        )

    async def stored(self) -> list[tuple[str, int, Status | None]]:
        found = await self.history.ask(lambda store: store.changes(CODES, 0, 10**14))
        return [(each.equipment_code, each.at_ms, each.status) for each in found]

    async def until_noted(self, *expected: str) -> None:
        """Wait until exactly this is stored of what happened to the server."""
        kinds: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while kinds != list(expected):
                await asyncio.sleep(0.01)
                events = await self.history.ask(lambda store: server_events(store, 0, 10**14))
                kinds = [each.kind for each in events]

    async def assert_all_stored(self) -> None:
        """Let what waits arrive; then exactly what was told must be there, in order."""
        self.is_quiet = True
        await self.until(lambda h: not h.is_behind and not h.queued, "it does not catch up")
        stored = await self.stored()
        assert sorted(stored) == sorted(self.told), (len(stored), len(self.told))
        assert self.history.health().lost == 0


@asynccontextmanager
async def recording(folder: Path, url: str | None = None) -> AsyncIterator[Plant]:
    history = History(HistorySettings(folder=folder, url=url), system_clock, "1", alive_s=0.2)
    plant = Plant(history)
    history.start()
    telling = asyncio.create_task(plant.run())
    try:
        yield plant
    finally:
        telling.cancel()
        await asyncio.wait([telling])
        history.stop()
        assert await history.wait_stopped(60)


async def test_a_locked_database_delays_nothing_and_loses_nothing(tmp_path: Path) -> None:
    async with recording(tmp_path) as plant:
        await plant.until(lambda h: h.written > 20, "nothing is written")
        plant.watch()
        with sqlite3.connect(tmp_path / "lineside-history.db", isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            await plant.until(lambda h: h.spooled > 50, "nothing is spooled")
            assert "is locked by another program" in plant.history.health().error
            bounds.hold(plant.late_s(), LATE_MAX_S, "the loop came late by (s)")
            assert await plant.stored(), "what is stored can still be read"
            other.execute("ROLLBACK")
        other.close()
        await plant.assert_all_stored()
        await plant.until_noted("start", "history_behind", "history_caught_up")
    assert list(os.scandir(tmp_path / "lineside-history.spool")) == []


async def test_a_deleted_database_is_made_anew_with_all_that_is_told_from_then_on(
    tmp_path: Path,
) -> None:
    async with recording(tmp_path) as plant:
        await plant.until(lambda h: h.written > 20, "nothing is written")
        for name in ("", "-wal", "-shm"):
            (tmp_path / f"lineside-history.db{name}").unlink(missing_ok=True)
        before = len(plant.told)
        await plant.until(lambda h: "deleted or replaced" in h.error, "it is not noticed")
        await plant.until(lambda h: not h.is_behind, "it does not catch up")
        written = plant.history.health().written
        await plant.until(lambda h: h.written > written + 20, "nothing is written any more")
        plant.is_quiet = True
        await plant.until(lambda h: not h.is_behind and not h.queued, "it does not catch up")
        stored = await plant.stored()
        late = [row for row in plant.told[before:] if row in stored]
        assert late == plant.told[-len(late) :]
        runs = await plant.history.ask(lambda store: store.runs(0, 10**14))
        assert len(runs) == 2


async def test_a_folder_that_goes_away_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with recording(folder) as plant:
        await plant.until(lambda h: h.written > 20, "nothing is written")
        shutil.rmtree(folder)
        await plant.until(lambda h: h.error != "", "no error is told")
        plant.watch()
        await asyncio.sleep(0.3)  # a while to measure in
        bounds.hold(plant.late_s(), LATE_MAX_S, "the loop came late by (s)")
        await plant.until(lambda h: not h.is_behind, "it does not catch up")


@pytest.mark.skipif(not can_mount(), reason="no disk can be mounted here: that needs root")
async def test_a_full_disk_keeps_changes_in_memory_and_writes_them_when_there_is_room(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, 4 * 1024**2):
        async with recording(disk) as plant:
            await plant.until(lambda h: h.written > 20, "nothing is written")
            ballast = disk / "ballast"
            with ballast.open("wb", buffering=0) as file:
                fill(file)
            plant.watch()
            await plant.until(lambda h: "disk is full" in h.error, "the disk is not full")
            await plant.until(lambda h: h.queued > 50, "nothing is queued")
            bounds.hold(plant.late_s(), LATE_MAX_S, "the loop came late by (s)")
            ballast.unlink()
            await plant.assert_all_stored()


async def test_a_database_that_is_no_database_is_told_and_the_changes_wait(tmp_path: Path) -> None:
    (tmp_path / "lineside-history.db").write_text("shopping list: milk, bread, and a new fuse" * 9)
    async with recording(tmp_path) as plant:
        await plant.until(lambda h: h.spooled > 20, "nothing is spooled")
        assert "is not a SQLite database" in plant.history.health().error
        (tmp_path / "lineside-history.db").unlink()
        await plant.assert_all_stored()


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgreSQL]:
    with postgresql() as server:
        yield server


async def test_postgresql_stopped_and_started_again(
    own_postgres: PostgreSQL, tmp_path: Path
) -> None:
    url = own_postgres.create("stopped")
    async with recording(tmp_path, url) as plant:
        await plant.until(lambda h: h.written > 20, "nothing is written")
        await asyncio.to_thread(own_postgres.stop)
        plant.watch()
        await plant.until(lambda h: h.spooled > 50, "nothing is spooled")
        error = plant.history.health().error
        assert f"postgresql://lineside@127.0.0.1:{own_postgres.port}/stopped" in error
        bounds.hold(plant.late_s(), LATE_MAX_S, "the loop came late by (s)")
        await asyncio.to_thread(own_postgres.start)
        await plant.assert_all_stored()


async def test_postgresql_that_stands_still(own_postgres: PostgreSQL, tmp_path: Path) -> None:
    url = own_postgres.create("frozen")
    async with recording(tmp_path, url) as plant:
        await plant.until(lambda h: h.written > 20, "nothing is written")
        own_postgres.freeze()
        try:
            plant.watch()
            await plant.until(lambda h: h.spooled > 50, "nothing is spooled")
            assert "did not answer in time" in plant.history.health().error
            bounds.hold(plant.late_s(), LATE_MAX_S, "the loop came late by (s)")
        finally:
            own_postgres.thaw()
        await plant.assert_all_stored()


async def test_postgresql_that_stands_still_is_not_waited_for(
    own_postgres: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is heard is on the disk long before the attempt that hangs is given up."""
    monkeypatch.setattr(database_module, "OPERATION_S", 3600.0)
    url = own_postgres.create("not_waited_for")
    async with recording(tmp_path, url) as plant:
        await plant.until(lambda h: h.written > 20, "nothing is written")
        own_postgres.freeze()
        try:
            await plant.until(lambda h: h.spooled > 50, "nothing is spooled")
            assert "did not answer in time" in plant.history.health().error
            plant.is_quiet = True
            await plant.until(lambda h: h.queued == 0, "it waits in memory")
        finally:
            own_postgres.thaw()
        await plant.assert_all_stored()


async def test_postgresql_that_waits_for_a_lock_is_not_waited_for(
    own_postgres: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "OPERATION_S", 3600.0)
    url = own_postgres.create("not_waited_for_either")
    async with recording(tmp_path, url) as plant:
        await plant.until(lambda h: h.written > 20, "nothing is written")
        other = Database(url)
        try:
            async with other.writing() as connection:
                await connection.execute(text("LOCK TABLE state_change IN ACCESS EXCLUSIVE MODE"))
                await plant.until(lambda h: h.spooled > 50, "nothing is spooled")
                assert "did not answer in time" in plant.history.health().error
        finally:
            await other.close()
        await plant.assert_all_stored()


async def test_postgresql_that_is_not_there_at_the_start(
    own_postgres: PostgreSQL, tmp_path: Path
) -> None:
    url = own_postgres.create("late")
    await asyncio.to_thread(own_postgres.stop)
    async with recording(tmp_path, url) as plant:
        await plant.until(lambda h: h.spooled > 20, "nothing is spooled")
        assert "nothing listens there" in plant.history.health().error
        await asyncio.to_thread(own_postgres.start)
        await plant.assert_all_stored()


async def test_a_database_that_does_not_exist_is_told_with_its_remedy(
    own_postgres: PostgreSQL, tmp_path: Path
) -> None:
    async with recording(tmp_path, own_postgres.url_of("forgotten")) as plant:
        await plant.until(lambda h: h.spooled > 5, "nothing is spooled")
        assert "does not exist: create it (createdb)" in plant.history.health().error
        own_postgres.create("forgotten")
        await plant.assert_all_stored()
