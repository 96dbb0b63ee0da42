"""Forgets what is older than it has to be kept, a little at a time.

Of each machine and each PLC the newest record before the limit stays: it says how things stood
when the time begins that is kept.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Column, Table, delete, func, or_, select

from lineside.core.alarm import AlarmState
from lineside.core.errors import HistoryError
from lineside.core.model import Instant
from lineside.core.ports import Clock
from lineside.core.times import iso_utc, unix_ms
from lineside.history import schema
from lineside.history.database import Database
from lineside.history.settings import Retention

CLOCK_AHEAD_MAX_S = 7 * 86_400.0  # beyond what was recorded; more is a clock that is wrong
ROWS_MAX = 5_000  # in one transaction
ALARMS_MAX = 500
PAUSE_S = 0.05  # between two of them: the writer goes first
FORGET_FIRST_S = 60.0
FORGET_EVERY_S = 3600.0

_log = structlog.get_logger("lineside.history")


async def keep_forgetting(
    database: Database,
    retention: Retention,
    clock: Clock,
    started: Instant,
    first_key: Callable[[], int | None],
) -> None:
    """Delete what is old, now and then, while the wall clock can be believed.

    Args:
        database: of the history.
        retention: how long each kind is kept.
        clock: says what is old.
        started: what it said when the server started.
        first_key: the key of the server's first run; None: nothing was heard yet.
    """
    await asyncio.sleep(FORGET_FIRST_S)
    gc.freeze()  # and so do those that open the database and answer questions, loaded since
    recorded_ms: int | None = None
    is_asked, is_told = False, False
    while True:
        try:
            key = first_key()
            if not is_asked and key is not None:
                recorded_ms, is_asked = await recorded_before_ms(database, key), True
            now, count = clock(), 0
            if not is_asked:
                pass  # nothing was heard yet: no present to compare the past with
            elif is_believable(now, started, recorded_ms):
                count = await forget(database, retention, now.unix_s)
            elif not is_told:
                is_told = True
                _log.warning(
                    "history: nothing is deleted before a later start, for the clock is far "
                    "beyond what was recorded last; when it is right, a week of it is enough",
                    now=iso_utc(now.unix_s),
                )
        except HistoryError as error:
            _log.warning("history: old records stay for now", error=str(error))
        except Exception:  # noqa: BLE001 -- recording goes on whatever happens here
            _log.exception("history: old records stay for now")
        else:
            if count:
                _log.info("history: old records deleted", rows=count)
        await asyncio.sleep(FORGET_EVERY_S)


def is_believable(now: Instant, started: Instant, recorded_ms: int | None) -> bool:
    """Return whether the wall clock can be right, so that what it calls old may be deleted.

    A clock that has jumped ahead would make everything old.

    Args:
        now: what the clocks say.
        started: what they said when the server started.
        recorded_ms: as `recorded_before_ms` says.
    """
    passed_s = now.monotonic_s - started.monotonic_s
    known_s = [started.unix_s] if recorded_ms is None else [started.unix_s, recorded_ms / 1000]
    return all(now.unix_s <= each + passed_s + CLOCK_AHEAD_MAX_S for each in known_s)


async def recorded_before_ms(database: Database, key: int) -> int | None:
    """Return until when was recorded, by a clock to believe, before the run of `key`; None: never.

    A run that begins far ahead of those before it may be the first of a wrong clock, and is no
    witness for the next one. Once as much was recorded since as it may be ahead, it is believed:
    the plant stood still.

    Raises:
        HistoryError: nothing of that run is stored yet, or the database cannot be read now.
    """
    table = schema.run
    end = func.coalesce(table.c.stopped_ms, table.c.alive_ms)
    async with database.reading() as connection:
        is_own = or_(table.c.key == key, table.c.origin_key == key)
        own_id = await connection.scalar(select(func.min(table.c.id)).where(is_own))
        if own_id is None:
            raise HistoryError("nothing of this server is stored yet")
        before = select(table.c.started_ms, end).where(table.c.id < own_id).order_by(table.c.id)
        runs = (await connection.execute(before)).all()
    found: int | None = None
    doubtful_ms = 0
    for started_ms, end_ms in runs:
        is_ahead = found is not None and started_ms > found + 1000 * CLOCK_AHEAD_MAX_S
        doubtful_ms = doubtful_ms + end_ms - started_ms if is_ahead else 0
        if doubtful_ms < 1000 * CLOCK_AHEAD_MAX_S and is_ahead:
            continue
        found, doubtful_ms = end_ms, 0
    return found


async def is_recorded_after(database: Database, at_ms: int) -> bool:
    """Whether any run is stored that was alive after `at_ms`.

    Raises:
        HistoryError: the database cannot be read now.
    """
    table = schema.run
    end = func.coalesce(table.c.stopped_ms, table.c.alive_ms)
    async with database.reading() as connection:
        return await connection.scalar(select(table.c.id).where(end > at_ms).limit(1)) is not None


async def forget(database: Database, retention: Retention, now_s: float) -> int:
    """Delete what is older than `retention` says at Unix time `now_s`; return how many rows.

    Raises:
        HistoryError: the database could not be written to. What was deleted stays deleted.
    """
    count = 0
    for table, owner, kept_s in (
        (schema.state_change, schema.state_change.c.equipment_id, retention.changes_s),
        (schema.plc_event, schema.plc_event.c.plc_id, retention.plc_events_s),
        (schema.server_event, None, retention.server_events_s),
    ):
        if kept_s is not None:
            count += await _forget_rows(database, table, owner, unix_ms(now_s - kept_s))
    if retention.alarms_s is not None:
        count += await _forget_alarms(database, unix_ms(now_s - retention.alarms_s))
    if retention.changes_s is not None:
        count += await _forget_runs(database, unix_ms(now_s - retention.changes_s))
    return count


async def _forget_rows(
    database: Database, table: Table, owner: Column[Any] | None, before_ms: int
) -> int:
    if owner is None:
        return await _forget_older(database, table, [], before_ms)
    # Changes are many, so that to look for their machines would take as long as to read them.
    is_change = table is schema.state_change
    owners_of = select(schema.equipment.c.id) if is_change else select(owner).distinct()
    async with database.reading() as connection:
        owners = (await connection.scalars(owners_of)).all()
    count = 0
    for each in owners:
        mine = owner == each
        newest = select(func.max(table.c.at_ms)).where(mine, table.c.at_ms < before_ms)
        async with database.reading() as connection:
            newest_ms = await connection.scalar(newest)
        if newest_ms is not None:
            count += await _forget_older(database, table, [mine], newest_ms)
    return count


async def _forget_older(database: Database, table: Table, where: list[Any], before_ms: int) -> int:
    """Delete the rows before `before_ms`, the oldest first."""
    count = 0
    old = [*where, table.c.at_ms < before_ms]
    at_most = select(table.c.at_ms).where(*old).order_by(table.c.at_ms).offset(ROWS_MAX).limit(1)
    while True:
        async with database.writing() as connection:
            limit_ms = await connection.scalar(at_most)
            # Rows of one millisecond go together: more than ROWS_MAX of them there are not.
            until_ms = before_ms if limit_ms is None else max(limit_ms, 1)
            done = await connection.execute(delete(table).where(*where, table.c.at_ms < until_ms))
        count += done.rowcount
        if limit_ms is None or done.rowcount == 0:
            return count
        await asyncio.sleep(PAUSE_S)


async def _forget_alarms(database: Database, before_ms: int) -> int:
    """Delete alarms that have been over since before `before_ms`, and their events."""
    table, events = schema.alarm, schema.alarm_event
    old = (
        select(table.c.id)
        .where(table.c.state == AlarmState.NORMAL, table.c.changed_ms < before_ms)
        .order_by(table.c.id)
        .limit(ALARMS_MAX)
    )
    count = 0
    while True:
        async with database.writing() as connection:
            ids = (await connection.scalars(old)).all()
            if not ids:
                return count
            await connection.execute(delete(events).where(events.c.alarm_id.in_(ids)))
            done = await connection.execute(delete(table).where(table.c.id.in_(ids)))
        count += done.rowcount
        await asyncio.sleep(PAUSE_S)


async def _forget_runs(database: Database, before_ms: int) -> int:
    table = schema.run
    end = func.coalesce(table.c.stopped_ms, table.c.alive_ms)
    async with database.writing() as connection:
        done = await connection.execute(delete(table).where(end < before_ms))
    return done.rowcount
