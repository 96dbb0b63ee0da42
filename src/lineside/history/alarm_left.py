"""Finds the faults whose alarm ended since their machine or PLC left the configuration.

When it is configured again while a server runs, the server sees that by itself. This is for one
that was put back while none ran.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lineside.core.alarm import AlarmEventKind, AlarmKind, AlarmState
from lineside.core.model import PlcLink, Status
from lineside.history import schema
from lineside.history.alarm_book import Source

SOURCES_MAX = 1_000  # in one question

_alarm, _event, _change, _plc = (
    schema.alarm, schema.alarm_event, schema.state_change, schema.plc_event,
)  # fmt: skip


async def left_in_a_fault(
    connection: AsyncConnection, sources: Collection[Source], before_ms: int
) -> set[Source]:
    """Return those whose newest alarm ended by leaving, while its fault stood, and not well since.

    Args:
        connection: to the database.
        sources: machines that were in error when last seen, and PLCs that were lost.
        before_ms: when this server began.
    """
    found: set[Source] = set()
    for kind, well in ((AlarmKind.EQUIPMENT, _machines_well), (AlarmKind.PLC, _plcs_well)):
        names = [name for of, name in sources if of is kind]
        for first in range(0, len(names), SOURCES_MAX):
            some = names[first : first + SOURCES_MAX]
            rows = (await connection.execute(_left(kind, some, before_ms))).all()
            left = {row.source: row.left_ms for row in rows if row.raised_ms <= row.left_ms}
            if not left:
                continue
            for name, well_ms in await connection.execute(well(list(left), before_ms)):
                if well_ms is not None and well_ms >= left[name]:
                    del left[name]
            found |= {(kind, name) for name in left}
    return found


def _left(kind: AlarmKind, names: Collection[str], before_ms: int) -> Select[Any]:
    """Return the query for when machines or PLCs left in a fault, and when an alarm last rose."""
    other = _alarm.alias()
    raised = select(func.max(other.c.last_raised_ms)).where(
        other.c.kind == _alarm.c.kind, other.c.source == _alarm.c.source
    )
    return (
        select(
            _alarm.c.source,
            func.max(_event.c.at_ms).label("left_ms"),
            raised.correlate(_alarm).scalar_subquery().label("raised_ms"),
        )
        .join_from(_alarm, _event, _event.c.alarm_id == _alarm.c.id)
        .where(
            _alarm.c.kind == kind,
            _alarm.c.source.in_(names),
            _alarm.c.state == AlarmState.NORMAL,
            _event.c.kind == AlarmEventKind.REMOVED,
            _event.c.at_ms < before_ms,
            _alarm.c.cleared_ms >= _event.c.at_ms,  # it stood until then
        )
        .group_by(_alarm.c.kind, _alarm.c.source)
    )


def _machines_well(codes: Collection[str], before_ms: int) -> Select[Any]:
    """Return the query for when machines were last seen to be without a fault."""
    c, machine = _change.c, schema.equipment
    last = (
        select(c.at_ms)
        .where(c.equipment_id == machine.c.id, c.at_ms < before_ms)
        .where(c.status.is_not(None), c.status.not_in([Status.ERROR, Status.DISCONNECTED]))
        .order_by(c.at_ms.desc())
        .limit(1)
    )
    well_ms = last.correlate(machine).scalar_subquery()
    return select(machine.c.code, well_ms).where(machine.c.code.in_(codes))


def _plcs_well(plc_ids: Collection[str], before_ms: int) -> Select[Any]:
    """Return the query for when PLCs last answered."""
    where = (_plc.c.plc_id.in_(plc_ids), _plc.c.link == PlcLink.ONLINE, _plc.c.at_ms < before_ms)
    return select(_plc.c.plc_id, func.max(_plc.c.at_ms)).where(*where).group_by(_plc.c.plc_id)
