"""Copies are whole, made while a server records, and only put back where none does."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from builders import code
from history.told import T0_MS, a_batch, a_change, a_run
from lineside.cli import main
from lineside.core.errors import HistoryError
from lineside.core.model import Status
from lineside.history.backup import back_up, inspect, restore
from lineside.history.database import Database
from lineside.history.lock import FolderLock
from lineside.history.settings import HistorySettings
from lineside.history.store import Store

CONFIG = """\
[history]
{history}

[[line]]
id = "weld1"
name = "Weld 1"

[[equipment]]
code = "KRCWO12ELOA101"
name = "Robot"
"""


@pytest.fixture
def settings(tmp_path: Path) -> HistorySettings:
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / "lineside.toml").write_text(CONFIG.format(history=""))
    return HistorySettings(folder=folder)


async def write(settings: HistorySettings, *numbers: int) -> None:
    database = Database(settings.database_url)
    records = [a_change(n, T0_MS + n, Status.ERROR) for n in numbers]
    await Store(database).write([a_batch(a_run(), records)])
    await database.close()


async def stored(settings: HistorySettings) -> list[int]:
    database = Database(settings.database_url)
    found = await Store(database).changes([code(101)], 0, 2 * T0_MS)
    await database.close()
    return [each.seq for each in found]


def run(settings: HistorySettings, command: str, *words: str) -> Result:
    config = str(settings.folder / "lineside.toml")
    return CliRunner().invoke(main, [command, *words, "--config", config])


async def test_a_copy_made_in_the_middle_of_recording_is_whole(
    settings: HistorySettings, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    database = Database(settings.database_url)
    store = Store(database)
    lock = FolderLock(settings.lock_file)
    lock.take()  # as a running server does
    await store.write([a_batch(a_run(), [a_change(1, T0_MS)])])
    async with database.writing() as connection:  # a batch is just being written
        await connection.exec_driver_sql("UPDATE run SET alive_ms = 1")
        contents = back_up(settings, target)
    await store.write([a_batch(a_run(), [a_change(2, T0_MS + 1)])])
    await database.close()
    lock.release()
    assert (contents.change_count, contents.machine_count) == (1, 1)
    with sqlite3.connect(target) as copy:
        assert copy.execute("SELECT alive_ms FROM run").fetchall() == [(T0_MS,)]
    copy.close()


async def test_a_copy_put_back_brings_the_old_days_back_and_keeps_the_new(
    settings: HistorySettings, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    await write(settings, 1, 2)
    back_up(settings, target)
    await write(settings, 3)
    kept = restore(settings, target, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert await stored(settings) == [1, 2]
    assert kept is not None
    assert kept.name == "lineside-history.db.before-20260102-030405"
    assert inspect(kept).change_count == 3


async def test_restoring_into_an_empty_folder_needs_no_history(
    settings: HistorySettings, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    await write(settings, 1)
    back_up(settings, target)
    elsewhere = HistorySettings(folder=tmp_path / "new")
    assert restore(elsewhere, target) is None
    assert await stored(elsewhere) == [1]


async def test_while_a_server_runs_nothing_is_restored(
    settings: HistorySettings, tmp_path: Path
) -> None:
    await write(settings, 1)
    back_up(settings, tmp_path / "copy.db")
    lock = FolderLock(settings.lock_file)
    lock.take()
    with pytest.raises(HistoryError, match="a server records into"):
        restore(settings, tmp_path / "copy.db")
    lock.release()


async def test_a_damaged_backup_changes_nothing(settings: HistorySettings, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    await write(settings, *range(1, 2000))
    back_up(settings, target)
    data = bytearray(target.read_bytes())
    data[8_192:12_288] = os.urandom(4_096)
    target.write_bytes(data)
    with pytest.raises(HistoryError, match="is damaged"):
        restore(settings, target)
    assert len(await stored(settings)) == 1999


async def test_a_copy_that_cannot_be_finished_leaves_the_older_one(
    settings: HistorySettings, tmp_path: Path
) -> None:
    await write(settings, 1)
    target = tmp_path / "copy.db"
    back_up(settings, target)
    before = target.read_bytes()
    with settings.file.open("r+b") as stream:  # type: ignore[union-attr]
        stream.write(b"no database")
    with pytest.raises(HistoryError, match="is not a SQLite database"):
        back_up(settings, target, may_replace=True)
    assert target.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "history"]  # noqa: PTH208 -- nor more


@pytest.mark.parametrize(
    "name", ["lineside-history.db", "lineside-history.db-wal", "lineside-history.lock", "link.db"]
)
async def test_the_history_itself_is_no_place_for_its_copy(
    settings: HistorySettings, tmp_path: Path, name: str
) -> None:
    await write(settings, 1)
    (settings.folder / "link.db").symlink_to(settings.folder / "lineside-history.db")
    with pytest.raises(HistoryError, match="belongs to the history itself"):
        back_up(settings, settings.folder / name, may_replace=True)
    assert len(await stored(settings)) == 1


@pytest.mark.parametrize("content", ["[server]\nport = 8000\n", "x"])
async def test_a_file_that_is_no_backup_is_not_overwritten(
    settings: HistorySettings, tmp_path: Path, content: str
) -> None:
    await write(settings, 1)
    config = tmp_path / "lineside.toml"
    config.write_text(content)
    with pytest.raises(HistoryError, match="is no backup"):
        back_up(settings, config, may_replace=True)
    assert config.read_text() == content
    empty = tmp_path / "empty.db"
    empty.touch()
    assert back_up(settings, empty, may_replace=True).change_count == 1


async def test_the_commands_say_what_they_did(settings: HistorySettings, tmp_path: Path) -> None:
    await write(settings, 1, 2)
    target = tmp_path / "copy.db"
    done = run(settings, "backup", str(target))
    assert done.exit_code == 0, done.output
    assert "2 changes of 1 machines from 2025-11-03 to 2025-11-03" in done.output
    again = run(settings, "backup", str(target))
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    assert run(settings, "backup", str(target), "--force").exit_code == 0
    back = run(settings, "restore", str(target))
    assert back.exit_code == 0
    assert "The history from before is" in back.output


@pytest.mark.parametrize("command", ["backup", "restore"])
async def test_the_commands_refuse_in_one_line_what_cannot_be(
    settings: HistorySettings, tmp_path: Path, command: str
) -> None:
    refused = run(settings, command, str(tmp_path / "none.db"))
    assert refused.exit_code == 1
    assert "does not exist" in refused.output
    (tmp_path / "text.db").write_text("no database at all, and long enough to be looked at")
    if command == "restore":
        refused = run(settings, command, str(tmp_path / "text.db"))
        assert "is not a SQLite database" in refused.output
    url = 'url = "postgresql+asyncpg://lineside@db/lineside"'
    (settings.folder / "lineside.toml").write_text(CONFIG.format(history=url))
    refused = run(settings, command, str(tmp_path / "text.db"))
    assert "pg_dump" in refused.output
    assert "Traceback" not in refused.output
