"""SQLite's write-ahead log is kept small.

SQLite brings it into the database by itself, but cannot while another program holds a transaction
open, and never makes the file shorter. What it grew by in the meantime would stay until the stop.
"""

from __future__ import annotations

import asyncio

import structlog

from lineside.core.errors import HistoryError
from lineside.history.database import WAL_SIZE_BYTES, Database
from lineside.history.troubles import WAL_WARNING_BYTES, wal_warning

EVERY_S = 10.0

_log = structlog.get_logger("lineside.history")


async def keep_wal_small(
    database: Database,
    *,
    every_s: float = EVERY_S,
    size_bytes: int = WAL_SIZE_BYTES,
    warning_bytes: int = WAL_WARNING_BYTES,
) -> None:
    """Truncate the log of `database` whenever it is large and can be, until cancelled.

    Args:
        database: of either kind; there is nothing to do on PostgreSQL.
        every_s: how often it is looked at.
        size_bytes: up to which it is left alone.
        warning_bytes: from which it is told, once, and again when that is over.
    """
    is_told = False
    while True:
        await asyncio.sleep(every_s)
        size = database.wal_bytes()
        if size is None:
            return
        if size > size_bytes:
            try:
                await database.truncate_wal()
            except HistoryError as error:
                _log.debug("history: the write-ahead log stays", error=str(error))
            except Exception:  # noqa: BLE001 -- recording goes on whatever happens here
                _log.exception("history: the write-ahead log stays")
            size = database.wal_bytes() or 0
        if not is_told and size >= warning_bytes:
            is_told = True
            _log.warning("history: " + wal_warning(database.label, size), size_bytes=size)
        elif is_told and size <= size_bytes:
            is_told = False
            _log.info("history: the write-ahead log is small again", size_bytes=size)
