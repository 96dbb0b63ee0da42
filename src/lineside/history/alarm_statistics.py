"""How often faults rose and statuses changed, per machine and line it was in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
from sqlalchemy import func, select

from lineside.core.alarm import AlarmEventKind, AlarmKind
from lineside.core.model import Line
from lineside.core.spans import Span, clip
from lineside.history import schema
from lineside.history.configured import Configured
from lineside.history.database import Database

CODES_MAX = 1_000  # in one question

Place: TypeAlias = tuple[str, str]  # the code of a machine, and a line

_alarm, _event, _change = schema.alarm, schema.alarm_event, schema.state_change


class MachineStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one machine while it was in one line.

    `alarms` counts how often its fault rose, `changes` how often its status changed, `standing` the
    alarms whose fault stands now and was raised there.
    """

    code: str
    name: str
    line_id: str
    alarms: int
    changes: int
    standing: int


async def machine_statistics(
    database: Database,
    configured: Configured,
    lines: Sequence[Line],
    window: Span,
    standing: Mapping[Place, int],
) -> list[MachineStatistics]:
    """Return a row for each machine and line: of those that it was in, or in which it has alarms.

    So the rows of a line sum to the line, and those of a machine to the machine.

    Args:
        database: the one of the history.
        configured: all configurations.
        lines: of the plant as configured now.
        window: in ms.
        standing: how many alarms stand now, by machine and line in which they were raised.

    Raises:
        HistoryError: the database cannot be read now.
    """
    found = configured.lines_in(lines, window.begin_ms, window.end_ms)
    names = {(each.code, line.id): each.name for line in found for each in line.equipment}
    rises = await rise_counts(database, window)
    for code, line_id in sorted((rises.keys() | standing.keys()) - names.keys()):
        machine = configured.machine(code)
        names[code, line_id] = machine.name if machine is not None else code
    changes = await change_counts(database, window)
    places = list(names)
    times_of = dict.fromkeys(places, 0)
    apart: dict[Span, list[Place]] = {}
    lines_of: dict[str, list[str]] = {}
    for code, line_id in places:
        lines_of.setdefault(code, []).append(line_id)
    for code, line_id in places:
        if len(lines_of[code]) == 1:
            times_of[code, line_id] = changes.get(code, 0)
            continue
        spans = configured.spans_in_line(code, line_id)
        for span in clip(spans, window.begin_ms, window.end_ms):
            apart.setdefault(span, []).append((code, line_id))
    for span, there in apart.items():
        counted = await change_counts(database, span, [code for code, _ in there])
        for place in there:
            times_of[place] += counted.get(place[0], 0)
    return [
        MachineStatistics(
            code=code,
            name=name,
            line_id=line_id,
            alarms=rises.get((code, line_id), 0),
            changes=times_of[code, line_id],
            standing=standing.get((code, line_id), 0),
        )
        for (code, line_id), name in names.items()
    ]


async def rise_counts(database: Database, window: Span) -> dict[Place, int]:
    """Return how often the faults of machines rose in a window, by the line of the alarm."""
    query = (
        select(_alarm.c.source, _alarm.c.line_id, func.count())
        .join(_event, _event.c.alarm_id == _alarm.c.id)
        .where(
            _event.c.at_ms >= window.begin_ms,
            _event.c.at_ms < window.end_ms,
            _event.c.kind == AlarmEventKind.RAISED,
            _alarm.c.kind == AlarmKind.EQUIPMENT,
            _alarm.c.line_id.is_not(None),
        )
        .group_by(_alarm.c.source, _alarm.c.line_id)
    )
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return {(code, line_id): count for code, line_id, count in rows}


async def change_counts(
    database: Database, window: Span, codes: Sequence[str] | None = None
) -> dict[str, int]:
    """Return by machine how often its status changed in a window; None: of every machine."""
    c, machine = _change.c, schema.equipment.c
    # Machine by machine, since that is how changes lie in the table.
    changed = (
        select(func.count())
        .where(
            c.equipment_id == machine.id,
            c.at_ms >= window.begin_ms,
            c.at_ms < window.end_ms,
            c.status.is_not(None),
            c.previous.is_distinct_from(c.status),  # not within one status
        )
        .correlate(schema.equipment)
        .scalar_subquery()
    )
    query = select(machine.code, changed)
    steps = range(0, len(codes), CODES_MAX) if codes is not None else (None,)
    found: dict[str, int] = {}
    for first in steps:
        some = query
        if codes is not None and first is not None:
            some = query.where(machine.code.in_(codes[first : first + CODES_MAX]))
        async with database.reading() as connection:
            for code, count in await connection.execute(some):
                found[code] = count
    return found
