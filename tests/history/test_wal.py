"""SQLite's write-ahead log while another program reads, and afterwards."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import structlog

from history.told import T0_MS, a_batch, a_change, a_run
from lineside.clock import system_clock
from lineside.history import writer as writer_module
from lineside.history.database import WAL_SIZE_BYTES, Database
from lineside.history.recorder import Recorder
from lineside.history.spool import Spool
from lineside.history.store import Store
from lineside.history.wal import keep_wal_small
from lineside.history.writer import Writer
from serving import eventually

LARGE_BYTES = 2 * 1024**2
HANGING_S = 30.0


class Scene:
    """A database that grows, and another program that reads it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "history.db"
        self.database = Database(f"sqlite+aiosqlite:///{self.file}")
        self.store = Store(self.database)
        self._seq = 0

    async def write(self, count: int = 2_000) -> None:
        records = [a_change(self._seq + n, T0_MS + self._seq + n) for n in range(1, count + 1)]
        self._seq += count
        await self.store.write([a_batch(a_run(), records)])

    async def write_until_large(self) -> None:
        while (self.database.wal_bytes() or 0) < LARGE_BYTES:
            await self.write()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(tmp_path)
    await made.write(1)
    yield made
    await made.database.close()


def delete(file: Path, endings: set[str]) -> None:
    """Delete what belongs to a database under names with these endings."""
    for each in endings:
        file.with_name(file.name + each).unlink()


def as_after_a_kill(file: Path, folder: Path) -> Path:
    """Copy a database as it is on the disk at this moment."""
    folder.mkdir()
    for each in file.parent.glob(f"{file.name}*"):
        shutil.copy(each, folder)
    return folder / file.name


@asynccontextmanager
async def kept_small(database: Database) -> AsyncIterator[None]:
    keeping = asyncio.create_task(
        keep_wal_small(database, every_s=0.01, size_bytes=100_000, warning_bytes=LARGE_BYTES)
    )
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


async def test_a_log_that_a_reader_has_held_up_is_truncated_once_it_is_gone(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM state_change").fetchone()
        with structlog.testing.capture_logs() as logs:
            async with kept_small(scene.database):
                await scene.write_until_large()
                await eventually(lambda: len(logs) == 1, "nothing is told")
                await scene.write()
                reader.execute("ROLLBACK")
                await eventually(lambda: scene.database.wal_bytes() == 0, "it stays large")
                await eventually(lambda: len(logs) == 2, "the end is not told")
    assert "another program has held a transaction open" in logs[0]["event"]
    assert logs[0]["log_level"] == "warning"
    assert "small again" in logs[1]["event"]


async def test_it_shrinks_by_itself_to_its_limit_with_the_next_write(scene: Scene) -> None:
    async with scene.database.reading() as connection:
        limit = (await connection.exec_driver_sql("PRAGMA journal_size_limit")).scalar()
    assert limit == WAL_SIZE_BYTES


async def test_the_writer_goes_on_while_it_is_truncated(scene: Scene) -> None:
    async with kept_small(scene.database):
        for _ in range(20):
            await scene.write(500)
    found = await scene.store.changes([a_change(1, 0).equipment_code], 0, T0_MS + 100_000)
    assert len(found) == 10_000


async def test_it_ends_when_it_is_cancelled_whatever_it_was_doing(scene: Scene) -> None:
    for number in range(40):
        await scene.write(50)
        keeping = asyncio.create_task(keep_wal_small(scene.database, every_s=0.0, size_bytes=-1))
        await asyncio.sleep(number * 0.0002)
        keeping.cancel()
        await asyncio.wait([keeping], timeout=HANGING_S)
        assert keeping.cancelled()


async def test_a_log_that_is_deleted_while_it_is_written_to_loses_nothing(
    scene: Scene, tmp_path: Path
) -> None:
    for left in ("", "-shm"):  # both files gone, and the log alone
        await scene.write(10)
        delete(scene.file, {"-wal", "-shm"} - {left})
        await scene.write(10)
    with closing(sqlite3.connect(as_after_a_kill(scene.file, tmp_path / "copy"))) as reader:
        assert reader.execute("SELECT count(*) FROM state_change").fetchone() == (41,)
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_its_size_and_a_warning_are_in_the_health(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.open()
    writer = Writer(
        Recorder("1"),
        scene.store,
        spool,
        system_clock,
        database="history.db",
        wal_bytes=scene.database.wal_bytes,
    )
    assert writer.health().wal_bytes == scene.database.wal_bytes()
    assert writer.health().warnings == ()
    monkeypatch.setattr(writer_module, "WAL_WARNING_BYTES", 1_000)
    (warning,) = writer.health().warnings
    assert "history.db-wal has grown" in warning
    assert not writer.health().is_behind


async def test_a_database_on_a_server_has_no_such_log() -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    assert database.wal_bytes() is None
    async with asyncio.timeout(5):
        await keep_wal_small(database, every_s=0.0)
