"""Answers questions about alarms from the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Select, and_, func, or_, select, true, tuple_

from lineside.core.alarm import (
    Alarm,
    AlarmEventKind,
    AlarmKind,
    AlarmNote,
    AlarmState,
)
from lineside.core.model import PlcLink, Status
from lineside.history import schema
from lineside.history.alarm_left import left_in_a_fault
from lineside.history.alarm_owed import (
    over_without_alarm,
    standing_without_alarm,
    wait_spans,
)
from lineside.history.alarm_query import (
    SEARCHED,
    AlarmKey,
    AlarmQuery,
    Recalled,
    StoredAlarmEvent,
    stood_in,
)
from lineside.history.alarm_writing import alarm_of_row
from lineside.history.database import Database
from lineside.history.left_out import read_page

ALARMS_MAX = 10_000  # in one answer
EVENTS_MAX = 1_000
OVER_MAX = 200  # that are recalled although they are over
IDS_MAX = 1_000  # in one question

_alarm = schema.alarm
_event = schema.alarm_event
_change = schema.state_change
_RISES = (AlarmEventKind.RAISED, AlarmEventKind.CONTINUED)
_SEEN = {each.value: each for each in Status if each is not Status.DISCONNECTED}


class AlarmStore:
    """The alarms of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def alarms(self, query: AlarmQuery, limit: int) -> list[Alarm]:
        """Return what `query` asks for, in its order, at most `limit`."""
        order = _order(query)

        async def fetch(before: AlarmKey | None, count: int) -> list[Any]:
            found = _select(query).order_by(*(each.desc() for each in order)).limit(count)
            if before is not None:
                found = found.where(tuple_(*order) < before)
            async with self._database.reading() as connection:
                return list(await connection.execute(found))

        return await read_page(
            fetch,
            self._alarm_of,
            lambda row: (row._mapping[order[0]], row._mapping[order[1]]),
            None,
            min(limit, ALARMS_MAX),
        )

    async def stood(self, alarms: Iterable[Alarm], begin_ms: int, end_ms: int) -> set[int]:
        """Return the ids of those whose fault stood at some time in [begin_ms, end_ms)."""
        known = {each.id: stood_in(each, begin_ms, end_ms) for each in alarms}
        found = {alarm_id for alarm_id, is_known in known.items() if is_known}
        unsure = [alarm_id for alarm_id, is_known in known.items() if is_known is None]
        for first in range(0, len(unsure), IDS_MAX):
            ids = unsure[first : first + IDS_MAX]
            query = select(_alarm.c.id).where(_alarm.c.id.in_(ids), _stood_by(begin_ms, end_ms))
            async with self._database.reading() as connection:
                found.update((await connection.scalars(query)).all())
        return found

    async def alarm(self, alarm_id: int) -> Alarm | None:
        """Return one alarm."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(_alarm).where(_alarm.c.id == alarm_id))).first()
        return None if row is None else self._alarm_of(row)

    async def events(self, alarm_id: int) -> list[StoredAlarmEvent]:
        """Return what happened to one alarm, oldest first."""
        query = (
            select(_event)
            .where(_event.c.alarm_id == alarm_id)
            .order_by(_event.c.number.desc())
            .limit(EVENTS_MAX)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [each for row in reversed(rows) if (each := self._event_of(row)) is not None]

    async def recall(
        self, plc_ids: Sequence[str], before_ms: int, on_delay_ms: int = 0
    ) -> Recalled:
        """Return how things stood before `before_ms`, when this server began.

        Args:
            plc_ids: of the PLCs that are configured.
            before_ms: when this server began.
            on_delay_ms: for how long a fault has to be seen.
        """
        is_open = _alarm.c.state != AlarmState.NORMAL
        newest = (_alarm.c.last_raised_ms.desc(), _alarm.c.id.desc())
        queries = (
            select(_alarm).where(is_open).order_by(*newest).limit(ALARMS_MAX),
            select(_alarm).where(~is_open).order_by(*newest).limit(OVER_MAX),
        )
        async with self._database.reading() as connection:
            standing, over = [
                [self._alarm_of(row) for row in (await connection.execute(query)).all()]
                for query in queries
            ]
            seen = (await connection.execute(_last_seen(before_ms))).all()
            links = {}
            for plc_id in plc_ids:
                link = await connection.scalar(_last_link(plc_id, before_ms))
                if link is not None:
                    links[plc_id] = PlcLink(link)
            # Of a machine whose last status is not understood it is unknown whether it was well.
            statuses = {code: _SEEN[status] for code, status in seen if status in _SEEN}
            faulty = [(AlarmKind.EQUIPMENT, c) for c, s in statuses.items() if s is Status.ERROR]
            faulty += [(AlarmKind.PLC, p) for p, link in links.items() if link is PlcLink.LOST]
            owed = await standing_without_alarm(connection, faulty, before_ms)
            left = await left_in_a_fault(connection, faulty, before_ms)
            spans, since_ms = await wait_spans(connection, before_ms, on_delay_ms)
            missing = None
            if since_ms is not None:
                missing = await over_without_alarm(
                    connection, plc_ids, since_ms, before_ms, on_delay_ms
                )
        return Recalled(
            open=tuple(each for each in standing if each is not None),
            over=tuple(each for each in over if each is not None),
            statuses=statuses,
            links=links,
            owed=owed,
            left=frozenset(left),
            waiting_since_ms=since_ms,
            missing=missing,
            missing_spans=tuple(spans),
        )

    def _alarm_of(self, row: Any) -> Alarm | None:
        """Return what a row says; None, noted, when this version does not understand it."""
        try:
            return alarm_of_row(row)
        except (msgspec.MsgspecError, TypeError) as error:
            self._database.left_out.note("alarm", row.id, str(error))
            return None

    def _event_of(self, row: Any) -> StoredAlarmEvent | None:
        try:
            return StoredAlarmEvent(
                number=row.number,
                at_ms=row.at_ms,
                kind=AlarmEventKind(row.kind),
                state=AlarmState(row.state),
                by=row.person or "",
                text=row.text or "",
                note=None if row.note is None else AlarmNote(row.note),
            )
        except ValueError as error:
            self._database.left_out.note("alarm_event", (row.alarm_id, row.number), str(error))
            return None


def _select(query: AlarmQuery) -> Select[Any]:
    """Return what `AlarmQuery.has` says, in SQL."""
    c = _alarm.c
    where: list[Any] = []
    if query.states:
        where.append(c.state.in_(query.states))
    if query.severities:
        where.append(c.severity.in_(query.severities))
    if query.code is not None:
        where.append(and_(c.kind == AlarmKind.EQUIPMENT, c.source == query.code))
    if query.line_id is not None:
        where.append(or_(c.line_id.is_(None), c.line_id == query.line_id))
    where += _in_window(query.begin_ms, query.end_ms)
    if query.before_id is not None:
        where.append(c.id < query.before_id)
    if query.first_page_end is not None:
        is_beyond = tuple_(c.last_raised_ms, c.id) < query.first_page_end
        where.append(or_(c.raised_count > 1, is_beyond))
    if query.text:
        named = [c[name].icontains(query.text, autoescape=True) for name in SEARCHED]
        if query.text.isascii() and query.text.isdecimal() and len(query.text) < 16:
            named.append(c.alarm_code == int(query.text))
        where.append(or_(*named))
    return select(_alarm).where(*where)


def _order(query: AlarmQuery) -> tuple[Column[int], Column[int]]:
    """Return the columns of `AlarmQuery.place_of`."""
    c = _alarm.c
    return (c.last_raised_ms, c.id) if query.before_id is None else (c.id, c.id)


def _in_window(begin_ms: int | None, end_ms: int | None) -> list[ColumnElement[bool]]:
    """Return what `stood_in` says, in SQL, and what events say where only they can."""
    c = _alarm.c
    where = []
    if begin_ms is not None:
        is_later = or_(c.cleared_ms > begin_ms, c.last_raised_ms >= begin_ms)
        where.append(or_(c.cleared_ms.is_(None), is_later))
    if end_ms is not None:
        where.append(c.raised_ms < end_ms)
    if begin_ms is not None and end_ms is not None:
        is_known = or_(c.raised_ms >= begin_ms, c.last_raised_ms < end_ms)
        where.append(or_(is_known, _stood_by(begin_ms, end_ms)))
    return where


def _stood_by(begin_ms: int, end_ms: int) -> ColumnElement[bool]:
    """Return whether an alarm stood in a window by what its events say of the time before its end.

    Without any events it is taken to have stood from its first rise to its last fall.
    """
    c = _event.c
    is_rise = c.kind.in_(_RISES)
    earlier = and_(c.alarm_id == _alarm.c.id, c.at_ms < end_ms)

    def newest(told: ColumnElement[bool], where: ColumnElement[bool]) -> ColumnElement[bool]:
        query = select(told).where(earlier, where).order_by(c.number.desc()).limit(1)
        return query.correlate(_alarm).scalar_subquery()

    is_turn = or_(is_rise, c.kind == AlarmEventKind.CLEARED)
    stood = newest(or_(is_rise, c.at_ms > begin_ms), is_turn)
    return or_(func.coalesce(stood, true()), newest(c.at_ms >= begin_ms, is_rise))


def _last_seen(before_ms: int) -> Select[Any]:
    """Return the query for each machine's last status in which it was seen."""
    last = (
        select(_change.c.status)
        .where(
            _change.c.equipment_id == schema.equipment.c.id,
            _change.c.at_ms < before_ms,
            _change.c.status != Status.DISCONNECTED,
        )
        .order_by(_change.c.at_ms.desc(), _change.c.run_id.desc(), _change.c.seq.desc())
        .limit(1)
        .correlate(schema.equipment)
        .scalar_subquery()
    )
    return select(schema.equipment.c.code, last)


def _last_link(plc_id: str, before_ms: int) -> Select[Any]:
    table = schema.plc_event
    return (
        select(table.c.link)
        .where(
            table.c.plc_id == plc_id,
            table.c.at_ms < before_ms,
            table.c.link.in_([PlcLink.ONLINE, PlcLink.LOST]),
        )
        .order_by(table.c.at_ms.desc(), table.c.run_id.desc(), table.c.seq.desc())
        .limit(1)
    )
