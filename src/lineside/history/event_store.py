"""What happened to the connections of PLCs and to the server, read in order, page by page."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import Select, Table, func, select, tuple_

from lineside.core.model import PlcLink
from lineside.history import schema
from lineside.history.left_out import LeftOut, read_page
from lineside.history.records import ServerEventKind, StoredPlcEvent, StoredServerEvent
from lineside.history.store import Store

EventKey: TypeAlias = tuple[int, int, int]  # at_ms, run_id, seq
EVENTS_MAX = 10_000  # in one answer

_LINKS, _KINDS = set(PlcLink), set(ServerEventKind)
_plc_event, _server_event = schema.plc_event, schema.server_event


async def plc_events(
    store: Store,
    begin_ms: int,
    end_ms: int,
    *,
    plc_ids: Collection[str] | None = None,
    after: EventKey | None = None,
    limit: int = EVENTS_MAX,
) -> list[StoredPlcEvent]:
    """Return what happened to the connections in [begin_ms, end_ms), oldest first.

    Args:
        store: where it is stored.
        begin_ms: where the window begins.
        end_ms: where it ends.
        plc_ids: only of these; None: of every PLC that was ever recorded.
        after: only those that come after this one: the last of the page before.
        limit: how many at most.
    """
    database = store.database
    if plc_ids is None:
        async with database.reading() as connection:
            plc_ids = (await connection.scalars(_every_plc())).all()
    known = list(plc_ids)

    async def fetch(after: EventKey | None, count: int) -> list[Any]:
        page = _page(_plc_event, begin_ms, end_ms, after, count)
        async with database.reading() as connection:
            return list(await connection.execute(page.where(_plc_event.c.plc_id.in_(known))))

    return await read_page(
        fetch, partial(_plc_event_of, database.left_out), _key_of_row, after, min(limit, EVENTS_MAX)
    )


async def server_events(
    store: Store,
    begin_ms: int,
    end_ms: int,
    *,
    after: EventKey | None = None,
    limit: int = EVENTS_MAX,
) -> list[StoredServerEvent]:
    """Return what happened to the server in [begin_ms, end_ms), oldest first.

    Args:
        store: where it is stored.
        begin_ms: where the window begins.
        end_ms: where it ends.
        after: only those that come after this one: the last of the page before.
        limit: how many at most.
    """
    database = store.database

    async def fetch(after: EventKey | None, count: int) -> list[Any]:
        page = _page(_server_event, begin_ms, end_ms, after, count)
        async with database.reading() as connection:
            return list(await connection.execute(page))

    return await read_page(
        fetch,
        partial(_server_event_of, database.left_out),
        _key_of_row,
        after,
        min(limit, EVENTS_MAX),
    )


def _plc_event_of(left_out: LeftOut, row: Any) -> StoredPlcEvent | None:
    if row.link not in _LINKS:
        left_out.note("plc_event", (row.plc_id, row.at_ms), f"unknown link {row.link!r}")
        return None
    return StoredPlcEvent(
        plc_id=row.plc_id,
        at_ms=row.at_ms,
        run_id=row.run_id,
        seq=row.seq,
        link=PlcLink(row.link),
        fault=row.fault or "",
        cause=row.cause or "",
        end_code=row.end_code,
    )


def _server_event_of(left_out: LeftOut, row: Any) -> StoredServerEvent | None:
    if row.kind not in _KINDS:
        left_out.note("server_event", (row.at_ms, row.seq), f"unknown kind {row.kind!r}")
        return None
    return StoredServerEvent(
        at_ms=row.at_ms,
        run_id=row.run_id,
        seq=row.seq,
        kind=ServerEventKind(row.kind),
        detail=row.detail or "",
    )


def _key_of_row(row: Any) -> EventKey:
    return row.at_ms, row.run_id, row.seq


def key_of(event: StoredPlcEvent | StoredServerEvent) -> EventKey:
    """Return where an event stands in the order of its list."""
    return event.at_ms, event.run_id, event.seq


def _page(
    table: Table, begin_ms: int, end_ms: int, after: EventKey | None, limit: int
) -> Select[Any]:
    order = (table.c.at_ms, table.c.run_id, table.c.seq)
    page = (
        select(table)
        .where(table.c.at_ms >= begin_ms, table.c.at_ms < end_ms)
        .order_by(*order)
        .limit(limit)
    )
    if after is None:
        return page
    # The first condition repeats part of the second, for the index.
    return page.where(table.c.at_ms >= after[0], tuple_(*order) > after)


def _every_plc() -> Select[Any]:
    """Return the query for the ids that have events, one leap in the index for each.

    Named, they let a window be found in the index, which begins with the PLC.
    """
    table = _plc_event
    known = select(func.min(table.c.plc_id).label("plc_id")).cte("known", recursive=True)
    following = select(func.min(table.c.plc_id)).where(table.c.plc_id > known.c.plc_id)
    known = known.union_all(
        select(following.correlate(known).scalar_subquery())
        .select_from(known)
        .where(known.c.plc_id.is_not(None))
    )
    return select(known.c.plc_id).where(known.c.plc_id.is_not(None))
