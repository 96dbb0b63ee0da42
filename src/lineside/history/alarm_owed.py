"""Finds the faults that a server left without an alarm, since it ended while they waited for one.

Nothing is kept of what waits: a fault that the stored changes tell of and no stored alarm does is
one that is owed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from math import inf
from typing import Any, TypeAlias

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lineside.core.alarm import AlarmEventKind, AlarmKind, AlarmState
from lineside.core.alarm_watch import Sight, sight_of_link, sight_of_status
from lineside.core.model import PlcLink, Status
from lineside.history import schema
from lineside.history.alarm_book import Source
from lineside.history.alarm_query import Missing
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.records import ServerEventKind

SOURCES_MAX = 1_000  # in one question
CHANGES_MAX = 100_000  # of so many machines, that are looked at for faults that are over
SPANS_MAX = 1_000  # the newest

_Seen: TypeAlias = tuple[Source, int, Sight | None]  # None: not configured any more
_Spell: TypeAlias = tuple[Source, int, int]

_alarm, _event, _change = schema.alarm, schema.alarm_event, schema.state_change
_server, _plc = schema.server_event, schema.plc_event
_STARTS = (AlarmEventKind.RAISED, AlarmEventKind.CONTINUED)
_ENDS = (AlarmEventKind.CLEARED, AlarmEventKind.SUPERSEDED, AlarmEventKind.REMOVED)
_WAIT = (
    ServerEventKind.ALARMS_WAITING,
    ServerEventKind.ALARMS_CAUGHT_UP,
    ServerEventKind.ALARMS_MISSING,
)
_STANDS = (_alarm.c.state != AlarmState.NORMAL, _alarm.c.cleared_ms.is_(None))
_SIGHTS = {each.value: sight_of_status(each) for each in Status}


async def standing_without_alarm(
    connection: AsyncConnection, sources: Collection[Source], before_ms: int
) -> dict[Source, int]:
    """Return those whose fault was seen to rise and has no alarm that stands, and when it rose.

    Args:
        connection: to the database.
        sources: machines that were in error when last seen, and PLCs that were lost.
        before_ms: when this server began.
    """
    query = select(_alarm.c.kind, _alarm.c.source).where(*_STANDS)
    known = {(row.kind, row.source) for row in (await connection.execute(query)).all()}
    found: dict[Source, int] = {}
    for kind, rises in ((AlarmKind.EQUIPMENT, _rises), (AlarmKind.PLC, _losses)):
        names = [name for of, name in sources if of is kind and (kind, name) not in known]
        for first in range(0, len(names), SOURCES_MAX):
            some = names[first : first + SOURCES_MAX]
            for name, risen_ms, cleared_ms in await connection.execute(rises(some, before_ms)):
                is_other = cleared_ms is not None and cleared_ms > risen_ms
                if not is_other:
                    found[kind, name] = risen_ms
                elif kind is AlarmKind.EQUIPMENT:  # it gave way to another one, without a moment
                    found[kind, name] = cleared_ms
    return found


def _rises(codes: Collection[str], before_ms: int) -> Select[Any]:
    """Return the query for when the faults of machines rose of which that was seen."""
    c, machine = _change.c, schema.equipment
    mine = and_(c.equipment_id == machine.c.id, c.at_ms < before_ms)
    newest = (c.at_ms.desc(), c.run_id.desc(), c.seq.desc())
    unlike = or_(c.status.is_(None), c.status.not_in([Status.ERROR, Status.DISCONNECTED]))
    well = select(c.at_ms).where(mine, unlike).order_by(*newest).limit(1)
    what = select(c.status).where(mine, unlike).order_by(*newest).limit(1)
    well_ms = well.correlate(machine).scalar_subquery()
    is_seen = what.correlate(machine).scalar_subquery().is_not(None)
    first = select(func.min(c.at_ms)).where(mine, c.status == Status.ERROR, c.at_ms >= well_ms)
    risen_ms = first.correlate(machine).scalar_subquery()
    return select(machine.c.code, risen_ms, _cleared_ms(AlarmKind.EQUIPMENT, machine)).where(
        machine.c.code.in_(codes), is_seen, risen_ms.is_not(None)
    )


def _losses(plc_ids: Collection[str], before_ms: int) -> Select[Any]:
    """Return the query for when PLCs were lost that had answered."""
    plcs = select(_plc.c.plc_id.label("code")).where(_plc.c.plc_id.in_(plc_ids)).distinct().cte()
    inner = _plc.alias()
    mine = and_(inner.c.plc_id == plcs.c.code, inner.c.at_ms < before_ms)
    online = select(func.max(inner.c.at_ms)).where(mine, inner.c.link == PlcLink.ONLINE)
    online_ms = online.correlate(plcs).scalar_subquery()
    first = select(func.min(inner.c.at_ms)).where(
        mine, inner.c.link == PlcLink.LOST, inner.c.at_ms >= online_ms
    )
    lost_ms = first.correlate(plcs).scalar_subquery()
    return select(plcs.c.code, lost_ms, _cleared_ms(AlarmKind.PLC, plcs)).where(
        lost_ms.is_not(None)
    )


def _cleared_ms(kind: AlarmKind, of: Any) -> Any:
    """Return when the newest alarm of a machine or PLC was over."""
    query = select(func.max(_alarm.c.cleared_ms)).where(
        _alarm.c.kind == kind, _alarm.c.source == of.c.code
    )
    return query.correlate(of).scalar_subquery()


async def wait_spans(
    connection: AsyncConnection, before_ms: int, on_delay_ms: int
) -> tuple[list[tuple[int, int]], int | None]:
    """Return the spans of which alarms are missing, and since when some waited at the end.

    Args:
        connection: to the database.
        before_ms: when this server began.
        on_delay_ms: by which a fault is older than its wait.
    """
    c = _server.c
    newest = (c.at_ms.desc(), c.run_id.desc(), c.seq.desc())
    query = select(c.kind, c.at_ms).where(c.kind.in_(_WAIT), c.at_ms < before_ms)
    rows = (await connection.execute(query.order_by(*newest).limit(SPANS_MAX))).all()
    spans, begin_ms = [], None
    for kind, at_ms in reversed(rows):
        if kind == ServerEventKind.ALARMS_WAITING:
            began_ms = at_ms - on_delay_ms - LATE_MAX_MS
            begin_ms = began_ms if begin_ms is None else min(begin_ms, began_ms)
            continue
        if kind == ServerEventKind.ALARMS_MISSING and begin_ms is not None:
            spans.append((begin_ms, at_ms))
        begin_ms = None
    return spans, begin_ms


async def over_without_alarm(
    connection: AsyncConnection,
    plc_ids: Collection[str],
    begin_ms: int,
    before_ms: int,
    on_delay_ms: int,
) -> Missing | None:
    """Return how many faults rose and were over in a window and have no alarm, and from when on.

    Of a machine whose alarms have bits of their own one alarm stands for all.

    Args:
        connection: to the database.
        plc_ids: of the PLCs that are configured; machines are looked at whether they are or not.
        begin_ms: when alarms began to wait, or somewhat earlier.
        before_ms: when this server began.
        on_delay_ms: a shorter fault has no alarm.
    """
    seen = await _seen(connection, plc_ids, begin_ms, before_ms)
    told = await _told(connection, begin_ms)
    missing = [
        (begin, end)
        for source, begin, end in spells(seen)
        if end - begin >= on_delay_ms
        and not any(first <= end and last >= begin for first, last in told.get(source, ()))
    ]
    if not missing:
        return None
    return Missing(
        count=len(missing),
        begin_ms=min(begin for begin, _ in missing),
        end_ms=max(end for _, end in missing),
    )


def spells(seen: Iterable[_Seen]) -> Iterator[_Spell]:
    """Yield the faults that rose and were over, of what is in order for each source. Pure."""
    last: dict[Source, Sight] = {}
    risen: dict[Source, int] = {}
    for source, at_ms, sight in seen:
        if sight is Sight.ON:
            if last.get(source) is Sight.OFF:
                risen[source] = at_ms
        elif sight is not Sight.UNSEEN:
            begin_ms = risen.pop(source, None)
            if begin_ms is not None and sight is Sight.OFF:
                yield source, begin_ms, at_ms
        if sight is None:
            last.pop(source, None)
        elif sight is not Sight.UNSEEN:
            last[source] = sight


async def _seen(
    connection: AsyncConnection, plc_ids: Collection[str], begin_ms: int, before_ms: int
) -> list[_Seen]:
    c = _change.c
    links = (
        select(_plc.c.plc_id, _plc.c.at_ms, _plc.c.link)
        .where(_plc.c.plc_id.in_(plc_ids), _plc.c.at_ms >= begin_ms, _plc.c.at_ms < before_ms)
        .order_by(_plc.c.plc_id, _plc.c.at_ms, _plc.c.run_id, _plc.c.seq)
        .limit(CHANGES_MAX)
    )
    found: list[_Seen] = []
    machines = select(schema.equipment.c.id, schema.equipment.c.code)
    codes = {row.id: row.code for row in await connection.execute(machines)}
    known: set[int] = set()
    ids = sorted(codes)
    for first in range(0, len(ids), SOURCES_MAX):
        # Machine by machine, since that is how changes lie in the table.
        changes = (
            select(c.equipment_id, c.at_ms, c.previous, c.status)
            .where(c.equipment_id.in_(ids[first : first + SOURCES_MAX]))
            .where(c.at_ms >= begin_ms, c.at_ms < before_ms)
            .order_by(c.equipment_id, c.at_ms, c.run_id, c.seq)
            .limit(CHANGES_MAX)
        )
        for id_, at_ms, previous, status in await connection.execute(changes):
            source = (AlarmKind.EQUIPMENT, codes[id_])
            if id_ not in known:  # how it was when the window began
                known.add(id_)
                found.append((source, at_ms, _SIGHTS.get(previous, Sight.UNSEEN)))
            sight = _SIGHTS.get(status, Sight.UNSEEN) if status is not None else None
            found.append((source, at_ms, sight))
    lines = {each.value: sight_of_link(each) for each in PlcLink}
    for plc_id, at_ms, link in await connection.execute(links):
        found.append(((AlarmKind.PLC, plc_id), at_ms, lines.get(link, Sight.UNSEEN)))
    return found


async def _told(
    connection: AsyncConnection, begin_ms: int
) -> dict[Source, list[tuple[float, float]]]:
    """Return by machine or PLC when an alarm of it stood, of the time from `begin_ms` on."""
    c = _event.c
    events = (
        select(_alarm.c.kind, _alarm.c.source, c.alarm_id, c.number, c.kind.label("what"), c.at_ms)
        .join_from(_event, _alarm, _alarm.c.id == c.alarm_id)
        .where(c.at_ms >= begin_ms, c.kind.in_([*_STARTS, *_ENDS]))
    )
    standing = select(_alarm.c.kind, _alarm.c.source).where(*_STANDS, _alarm.c.raised_ms < begin_ms)
    found: dict[Source, list[tuple[float, float]]] = {}
    for kind, name in await connection.execute(standing):
        found.setdefault((AlarmKind(kind), name), []).append((-inf, inf))
    began: dict[int, float] = {}
    told = (await connection.execute(events)).all()
    for kind, name, alarm_id, _, what, at_ms in sorted(told, key=lambda row: row[2:4]):
        spans = found.setdefault((AlarmKind(kind), name), [])
        if what in _STARTS:
            began[alarm_id] = at_ms
            spans.append((at_ms, at_ms))
        else:
            spans.append((began.pop(alarm_id, -inf), at_ms))
    return found
