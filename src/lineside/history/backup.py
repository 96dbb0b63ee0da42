"""Copies of the SQLite database: made while a server runs on it, and put back while none does.

Needs nothing but SQLite itself. A copy is one file that stands for one moment.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lineside.core.errors import HistoryError
from lineside.history.lock import FolderLock
from lineside.history.settings import HistorySettings
from lineside.history.troubles import in_plain_words

_MAGIC = b"SQLite format 3\0"
_SIDE_FILES = ("-wal", "-shm", "-journal")


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a database holds, for people."""

    change_count: int
    machine_count: int
    first_ms: int | None
    last_ms: int | None
    size_bytes: int


def back_up(settings: HistorySettings, target: Path, *, may_replace: bool = False) -> Contents:
    """Write a copy of the history to `target`, which appears there only when it is whole.

    Raises:
        HistoryError: there is nothing to copy, or it cannot be copied there.
    """
    source = _file_of(settings)
    if not source.exists():
        raise HistoryError(
            f"there is no history: {source} does not exist; if it lies elsewhere, name its folder "
            "with folder = … in [history]"
        )
    own = [source.with_name(source.name + each) for each in ("", *_SIDE_FILES)]
    place = target.resolve()
    if place in [each.resolve() for each in (*own, settings.lock_file)] or place.is_relative_to(
        settings.spool_folder.resolve()
    ):
        raise HistoryError(
            f"{target} belongs to the history itself: name another file for the copy"
        )
    if target.exists() and not may_replace:
        raise HistoryError(f"{target} exists already and is left as it is")
    if target.exists() and not _is_database(target):
        raise HistoryError(f"{target} is no backup and is left as it is: name another file")
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        with _connection(source, "ro") as original, _connection(unfinished, "rwc") as copy:
            original.backup(copy)
            # One file, readable where nothing may be written.
            copy.execute("PRAGMA journal_mode=DELETE")
        contents = inspect(unfinished)
        _sync(unfinished)
        unfinished.replace(target)
        _sync(target.absolute().parent)
    except OSError as error:
        raise HistoryError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return contents


def restore(settings: HistorySettings, backup: Path, now: datetime | None = None) -> Path | None:
    """Put `backup` in place of the history, which no server may be using; keep what was there.

    Returns:
        Where the old history is now; None when there was none.

    Raises:
        HistoryError: the backup is damaged or no history, a server runs, or the disk refuses.
    """
    target = _file_of(settings)
    inspect(backup)
    lock = FolderLock(settings.lock_file)
    try:
        lock.take()
    except HistoryError as error:
        if "another Lineside" in str(error):
            raise HistoryError(f"a server records into {settings.folder}: stop it first") from error
        raise
    new = target.with_name(f"{target.name}.new")
    try:
        with _connection(backup, "ro") as original, _connection(new, "rwc") as copy:
            original.backup(copy)
        _give_to_owner_of(settings.folder, new)
        _sync(new)
        kept = _move_away(target, now or datetime.now(UTC))
        new.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise HistoryError(f"{target} cannot be replaced: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        lock.release()
    return kept


def inspect(file: Path) -> Contents:
    """Check that every page of a database is sound, and say what it holds.

    Raises:
        HistoryError: it is damaged, or no history.
    """
    if not file.exists():
        raise HistoryError(f"{file} does not exist")
    with _connection(file, "ro") as connection:
        problems = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if problems != ["ok"]:
            raise HistoryError(f"{file} is damaged: {'; '.join(problems)}")
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if not {"alembic_version", "state_change", "run"} <= tables:
            raise HistoryError(f"{file} is a SQLite database, but no history of Lineside")
        row = connection.execute(
            "SELECT count(*), count(DISTINCT equipment_id), min(at_ms), max(at_ms)"
            " FROM state_change"
        ).fetchone()
    return Contents(
        change_count=row[0],
        machine_count=row[1],
        first_ms=row[2],
        last_ms=row[3],
        size_bytes=file.stat().st_size,
    )


def _file_of(settings: HistorySettings) -> Path:
    if settings.file is None:
        raise HistoryError(
            "the history is in PostgreSQL, which has its own tools: pg_dump -Fc backs it up while "
            "everything runs, pg_restore puts it back"
        )
    return settings.file


@contextlib.contextmanager
def _connection(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Open a database; whatever it refuses comes out in plain words."""
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True)
        try:
            connection.execute("PRAGMA busy_timeout=10000")
            yield connection
            connection.commit()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise HistoryError(in_plain_words(error, str(file))) from error


def _is_database(file: Path) -> bool:
    """Whether a file is a SQLite database, be it a damaged one, or empty."""
    try:
        with file.open("rb") as stream:
            head = stream.read(len(_MAGIC))
    except OSError as error:
        raise HistoryError(f"{file} cannot be read: {error.strerror or error}") from error
    return head in (_MAGIC, b"")


def _move_away(file: Path, now: datetime) -> Path | None:
    """Give an old database, with what belongs to it, a name that tells when it was replaced."""
    if not file.exists():
        return None
    kept = file.with_name(f"{file.name}.before-{now:%Y%m%d-%H%M%S}")
    for suffix in ("", *_SIDE_FILES):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.replace(kept.with_name(kept.name + suffix))
    return kept


def _give_to_owner_of(folder: Path, file: Path) -> None:
    """Let the server write to what root has put there for it."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # where folders cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
