"""Where the alarms of a timeline are marked: each time that the fault of a machine rose.

A lost PLC has no mark: the lanes of its machines show for how long nothing was heard of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import select

from lineside.core.alarm import AlarmEventKind, AlarmKind
from lineside.core.alarm_text import Severity
from lineside.history import schema
from lineside.history.database import Database

MARKS_MAX = 20_000  # in one answer, the newest

_alarm = schema.alarm
_event = schema.alarm_event
_RANK = {severity.value: rank for rank, severity in enumerate(Severity)}


class AlarmMark(NamedTuple):
    """The fault of machine `code` rose at `at_ms`."""

    code: str
    at_ms: int
    severity: str
    text_ko: str
    text_en: str


async def alarm_marks(
    database: Database, codes: Sequence[str], begin_ms: int, end_ms: int, resolution_ms: int = 0
) -> list[AlarmMark]:
    """Return the marks of `codes` in [begin_ms, end_ms), oldest first.

    Raises:
        HistoryError: the database cannot be read now.
    """
    query = (
        select(
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
            _alarm.c.kind == AlarmKind.EQUIPMENT,
            _alarm.c.source.in_(codes),
        )
        .order_by(_event.c.at_ms.desc(), _event.c.alarm_id.desc())
        .limit(MARKS_MAX)
    )
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return thin((AlarmMark(*row) for row in reversed(rows)), resolution_ms)


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
