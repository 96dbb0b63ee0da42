"""Reads what machines did out of the database, a few machines at a time.

It runs in the history's thread. A large answer is made in slices between which the thread lets go
of the interpreter, so that the event loop of the board gets it at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from lineside.core.model import Site, Status
from lineside.core.times import iso_utc
from lineside.history import schema
from lineside.history.lanes import LaneChange, LaneInterval, lane_intervals
from lineside.history.left_out import LeftOut
from lineside.history.plan import PartGrain, has_seen
from lineside.history.records import ConfigRecord, StoredChange, decode_site
from lineside.history.store import Store, last_before, stored_change, stored_columns

MACHINES_MIN, MACHINES_MAX = 8, 50  # in a slice
SLICE_MS = 8 * 7 * 86_400_000  # of machines' time together: some six thousand changes

_change, _part = schema.state_change, schema.kpi_part
_KNOWN = {None, *(each.value for each in Status)}
_LANE_COLUMNS = (
    _change.c.equipment_id,
    _change.c.run_id,
    _change.c.at_ms,
    _change.c.status,
    _change.c.reason,
    _change.c.since_ms,
    _change.c.until_ms,
)


class Lane:
    """One machine in a window: its intervals."""

    __slots__ = ("code", "intervals")

    def __init__(self, code: str, intervals: list[LaneInterval]) -> None:
        self.code = code
        self.intervals = intervals


async def lanes(
    store: Store, codes: Sequence[str], begin_ms: int, end_ms: int
) -> AsyncIterator[Lane]:
    """Yield what each machine did in [begin_ms, end_ms), in the order of `codes`.

    Raises:
        HistoryError: the database cannot be read now.
    """
    runs = await store.runs(begin_ms, end_ms)
    covering = [run for run in runs if run.started_ms < begin_ms < run.end_ms]
    fitting = SLICE_MS // max(1, end_ms - begin_ms)
    per_slice = max(MACHINES_MIN, min(MACHINES_MAX, fitting))
    for first in range(0, len(codes), per_slice):
        some = codes[first : first + per_slice]
        rows: list[Any] = []
        async with store.database.reading() as connection:
            known = await connection.execute(
                select(schema.equipment.c.id, schema.equipment.c.code).where(
                    schema.equipment.c.code.in_(some)
                )
            )
            ids = {row.code: row.id for row in known}
            for run in covering:
                query = last_before(list(ids.values()), run, begin_ms, _LANE_COLUMNS)
                rows += (await connection.execute(query)).all()
            query = (
                select(*_LANE_COLUMNS)
                .where(
                    _change.c.equipment_id.in_(list(ids.values())),
                    _change.c.at_ms >= begin_ms,
                    _change.c.at_ms < end_ms,
                )
                .order_by(_change.c.equipment_id, _change.c.at_ms, _change.c.run_id, _change.c.seq)
            )
            rows += (await connection.execute(query)).all()
        changes = _by_machine(rows, ids, store.database.left_out)
        for code in some:
            mine = changes.get(ids.get(code, -1), {})
            yield Lane(code, lane_intervals(mine, runs, begin_ms, end_ms))
            await asyncio.sleep(0)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One machine at one moment: the last change before it, and when its status began."""

    change: StoredChange
    began_ms: int


async def changes_at(store: Store, codes: Sequence[str], at_ms: int) -> dict[str, Moment]:
    """Return by machine what was known of it at `at_ms`; unseen ones are left out.

    Raises:
        HistoryError: the database cannot be read now.
    """
    runs = await store.runs(at_ms, at_ms + 1)
    # Of the newest run that watched the machine then; None: what it saw is not understood.
    newest: dict[str, StoredChange | None] = {}
    began: dict[tuple[str, int], int] = {}
    columns = stored_columns()
    async with store.database.reading() as connection:
        known = await connection.execute(
            select(schema.equipment.c.id, schema.equipment.c.code).where(
                schema.equipment.c.code.in_(codes)
            )
        )
        ids = {row.code: row.id for row in known}
        for run in sorted(runs, key=lambda run: run.id, reverse=True):
            query = last_before(list(ids.values()), run, at_ms + 1, columns)
            joined = query.join(schema.equipment, schema.equipment.c.id == _change.c.equipment_id)
            for row in (await connection.execute(joined)).all():
                newest.setdefault(row.code, stored_change(row, store.database.left_out))
            within = [
                ids[code]
                for code, change in newest.items()
                if change is not None
                and change.run_id == run.id
                and change.previous is change.status
            ]
            if within:
                query = last_before(within, run, at_ms + 1, columns, is_of_status=True)
                joined = query.join(
                    schema.equipment, schema.equipment.c.id == _change.c.equipment_id
                )
                for row in (await connection.execute(joined)).all():
                    began[row.code, run.id] = row.at_ms
    return {
        code: Moment(change=change, began_ms=began.get((code, change.run_id), change.at_ms))
        for code, change in newest.items()
        if change is not None and change.status is not None
    }


async def known_from_ms(store: Store) -> int | None:
    """Return when the oldest run began of which something is kept; None: nothing is kept."""
    async with store.database.reading() as connection:
        found: int | None = await connection.scalar(select(func.min(schema.run.c.started_ms)))
    return found


async def whole_from_ms(store: Store, codes: Sequence[str]) -> dict[str, int]:
    """Return from when on all changes of a machine are kept, where older ones were deleted.

    Old changes are deleted while a run goes on, so that its time looks as if it was not seen. Such
    machines are known by their oldest change, which tells of a status before it; or, where a run
    begins with that one, by what is kept of the figures of a day before it.

    Raises:
        HistoryError: the database cannot be read now.
    """
    table = schema.equipment

    def oldest(column: str) -> Any:
        return (
            select(_change.c[column])
            .where(_change.c.equipment_id == table.c.id)
            .order_by(_change.c.at_ms, _change.c.run_id, _change.c.seq)
            .limit(1)
            .correlate(table)
            .scalar_subquery()
        )

    query = select(
        table.c.id, table.c.code, oldest("at_ms").label("at_ms"), oldest("previous")
    ).where(table.c.code.in_(codes))
    async with store.database.reading() as connection:
        rows = (await connection.execute(query)).all()
        found = {code: at_ms for _, code, at_ms, previous in rows if previous is not None}
        begun = {each.id: each for each in rows if each.code not in found and each.at_ms}
        if begun:
            days = select(_part.c.equipment_id, _part.c.end_ms, _part.c.parts).where(
                _part.c.grain == PartGrain.DAY.value,
                _part.c.equipment_id.in_(list(begun)),
                _part.c.end_ms <= max(each.at_ms for each in begun.values()),
            )
            for id_, end_ms, parts in (await connection.execute(days)).all():
                each = begun[id_]
                if end_ms <= each.at_ms and has_seen(parts):
                    found[each.code] = each.at_ms
    return found


async def kept_from_ms(store: Store, codes: Sequence[str], begin_ms: int) -> int | None:
    """Return from when on all changes of some machines are kept; None: those since `begin_ms` are.

    Raises:
        HistoryError: the database cannot be read now.
    """
    whole_ms = await whole_from_ms(store, codes)
    latest_ms = max(whole_ms.values(), default=begin_ms)
    return latest_ms if begin_ms < latest_ms else None


async def kept_from(store: Store, codes: Sequence[str], begin_ms: int) -> str | None:
    """Return what `kept_from_ms` does, as ISO 8601."""
    found_ms = await kept_from_ms(store, codes, begin_ms)
    return None if found_ms is None else iso_utc(found_ms / 1000)


async def site_at(store: Store, at_ms: int) -> Site | None:
    """Return the plant as it was configured at `at_ms`.

    None before the first configuration, and when that one is not understood.
    """
    record = await store.config_at(at_ms)
    return None if record is None else known_site(record, store.database.left_out)


def known_site(record: ConfigRecord, left_out: LeftOut) -> Site | None:
    """Return the site of a version of the configuration; None, noted, when it is not understood."""
    try:
        return decode_site(record)
    except msgspec.MsgspecError as error:
        left_out.note("config_version", record.at_ms, str(error))
        return None


def _by_machine(
    rows: Iterable[Any], ids: Mapping[str, int], left_out: LeftOut
) -> dict[int, dict[int, list[LaneChange]]]:
    found: dict[int, dict[int, list[LaneChange]]] = {}
    for equipment_id, run_id, at_ms, status, reason, since_ms, until_ms in rows:
        if status not in _KNOWN:
            # From here on nobody knows: unseen, never the status before it.
            key = (next(code for code in ids if ids[code] == equipment_id), at_ms)
            left_out.note("state_change", key, f"unknown status {status!r}")
            status = reason = since_ms = until_ms = None
        runs = found.setdefault(equipment_id, {})
        runs.setdefault(run_id, []).append((at_ms, status, reason, since_ms, until_ms))
    return found
