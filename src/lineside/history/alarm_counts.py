"""Which alarms came most often in a window: the ranking of a report."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select, true

from lineside.core.alarm import AlarmEventKind, AlarmKind
from lineside.history import schema
from lineside.history.database import Database

COUNTS_MAX = 20

_alarm = schema.alarm
_event = schema.alarm_event


class AlarmCount(msgspec.Struct, frozen=True):
    """An alarm of machine `code` came `count` times."""

    code: str
    text_ko: str
    text_en: str
    count: int


async def alarm_counts(
    database: Database, codes: Sequence[str], begin_ms: int, end_ms: int, line_id: str | None = None
) -> list[AlarmCount]:
    """Return the alarms of `codes` that were raised most often in [begin_ms, end_ms), at most 20.

    With `line_id` only those that were raised while their machine was in that line.

    Raises:
        HistoryError: the database cannot be read now.
    """
    what = (_alarm.c.source, _alarm.c.text_ko, _alarm.c.text_en)
    count = func.count().label("count")
    query = (
        select(*what, count)
        .join_from(_event, _alarm, _alarm.c.id == _event.c.alarm_id)
        .where(
            _event.c.at_ms >= begin_ms,
            _event.c.at_ms < end_ms,
            _event.c.kind == AlarmEventKind.RAISED,
            _alarm.c.kind == AlarmKind.EQUIPMENT,
            schema.alarm_source.in_(codes),
            true() if line_id is None else _alarm.c.line_id == line_id,
        )
        .group_by(*what)
        .order_by(count.desc(), _alarm.c.source, _alarm.c.text_ko)
        .limit(COUNTS_MAX)
    )
    async with database.reading() as connection:
        return [AlarmCount(*row) for row in (await connection.execute(query)).all()]
