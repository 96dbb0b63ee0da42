"""Where the alarms of a timeline are marked: each time that the fault of a machine rose.

A lost PLC is one alarm, and has a mark on the lane of every machine that is read from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select

from lineside.core.alarm import AlarmEventKind, AlarmKind
from lineside.core.alarm_text import Severity
from lineside.history import schema
from lineside.history.database import Database

MARKS_MAX = 20_000  # in one answer, the newest

_alarm = schema.alarm
_event = schema.alarm_event
_RANK = {severity.value: rank for rank, severity in enumerate(Severity)}


class AlarmMark(NamedTuple):
    """The fault of machine `code` rose, or its PLC was lost, at `at_ms`."""

    code: str
    at_ms: int
    severity: str
    text_ko: str
    text_en: str


async def alarm_marks(
    database: Database,
    plc_of: Mapping[str, str | None],
    begin_ms: int,
    end_ms: int,
    resolution_ms: int = 0,
) -> list[AlarmMark]:
    """Return the marks of some machines in [begin_ms, end_ms), oldest first.

    Args:
        database: where alarms are stored.
        plc_of: by the code of each machine the PLC that it is read from.
        begin_ms: of the window.
        end_ms: of the window.
        resolution_ms: as `thin` says.

    Raises:
        HistoryError: the database cannot be read now.
    """
    machines_of: dict[str, list[str]] = {}
    for code, plc_id in plc_of.items():
        if plc_id is not None:
            machines_of.setdefault(plc_id, []).append(code)
    query = (
        select(
            _alarm.c.kind,
            _alarm.c.source,
            _event.c.at_ms,
            _alarm.c.severity,
            _alarm.c.text_ko,
            _alarm.c.text_en,
        )
        .join_from(_event, _alarm, _alarm.c.id == _event.c.alarm_id)
        .where(
            _event.c.at_ms >= begin_ms,
            _event.c.at_ms < end_ms,
            _event.c.kind == AlarmEventKind.RAISED,
            or_(
                and_(_alarm.c.kind == AlarmKind.EQUIPMENT, schema.alarm_source.in_(plc_of)),
                and_(_alarm.c.kind == AlarmKind.PLC, schema.alarm_source.in_(machines_of)),
            ),
        )
        .order_by(_event.c.at_ms.desc(), _event.c.alarm_id.desc())
        .limit(MARKS_MAX)
    )
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    known = [row for row in rows if row.severity in _RANK]  # the others are named elsewhere
    newest_first = islice(_spread(known, machines_of), MARKS_MAX)
    return thin(reversed(list(newest_first)), resolution_ms)


def _spread(rows: Iterable[Any], machines_of: Mapping[str, list[str]]) -> Iterator[AlarmMark]:
    """Yield the marks of alarms, a lost PLC's once for each of its machines."""
    for kind, source, *facts in rows:
        codes = reversed(machines_of[source]) if kind == AlarmKind.PLC else (source,)
        for code in codes:
            yield AlarmMark(code, *facts)


def thin(marks: Iterable[AlarmMark], resolution_ms: int) -> list[AlarmMark]:
    """Return one mark per machine and piece of `resolution_ms`, the worst; all with 0. Pure."""
    if resolution_ms <= 0:
        return list(marks)
    worst: dict[tuple[str, int], AlarmMark] = {}
    for mark in marks:
        key = (mark.code, mark.at_ms // resolution_ms)
        known = worst.get(key)
        if known is None or _RANK[mark.severity] < _RANK[known.severity]:
            worst[key] = mark
    return sorted(worst.values(), key=lambda mark: mark.at_ms)
