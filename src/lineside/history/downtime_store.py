"""What people write into the past: planned downtime, reasons for stops; and who wrote it.

Every change is stored together with its entry in the audit, in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lineside.history import schema
from lineside.history.downtime import MarkKind, Said, StopReason
from lineside.history.store import Store

ROWS_MAX = 10_000
_KINDS = set(MarkKind)
_planned, _mark, _reason = schema.planned_downtime, schema.stop_mark, schema.stop_reason


class PlannedDowntime(msgspec.Struct, frozen=True, kw_only=True):
    """Time in which work is not planned, as somebody entered it. `code` None: the whole line."""

    id: int
    line_id: str
    code: str | None
    begin_ms: int
    end_ms: int
    comment: str
    made_by: str
    made_ms: int


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who has changed what. `before` and `after` are JSON or None."""

    id: int
    at_ms: int
    made_by: str
    action: str
    subject: str
    before: str | None
    after: str | None


class By(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes, and when."""

    name: str
    at_ms: int


async def planned_downtimes(store: Store, begin_ms: int, end_ms: int) -> list[PlannedDowntime]:
    """Return the planned downtimes that overlap [begin_ms, end_ms), in order, at most 10,000."""
    query = (
        select(_planned)
        .where(
            _planned.c.begin_ms < end_ms,
            _planned.c.end_ms > begin_ms,
            _planned.c.deleted_ms.is_(None),
        )
        .order_by(_planned.c.begin_ms, _planned.c.id)
        .limit(ROWS_MAX)
    )
    async with store.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        PlannedDowntime(
            id=row.id,
            line_id=row.line_id,
            code=row.equipment_code,
            begin_ms=row.begin_ms,
            end_ms=row.end_ms,
            comment=row.comment,
            made_by=row.made_by,
            made_ms=row.made_ms,
        )
        for row in rows
    ]


async def add_planned_downtime(store: Store, planned: PlannedDowntime) -> PlannedDowntime:
    """Store a planned downtime; return it with its id."""
    values = {
        "line_id": planned.line_id,
        "equipment_code": planned.code,
        "begin_ms": planned.begin_ms,
        "end_ms": planned.end_ms,
        "comment": planned.comment,
        "made_by": planned.made_by,
        "made_ms": planned.made_ms,
    }
    by = By(name=planned.made_by, at_ms=planned.made_ms)
    async with store.database.writing() as connection:
        made = await connection.scalar(insert(_planned).values(values).returning(_planned.c.id))
        stored = msgspec.structs.replace(planned, id=int(made or 0))
        await note(connection, by, "planned_downtime.add", str(stored.id), None, stored)
    return stored


async def delete_planned_downtime(store: Store, id_: int, by: By) -> bool:
    """Delete a planned downtime; say whether there was one."""
    async with store.database.writing() as connection:
        query = select(_planned).where(_planned.c.id == id_, _planned.c.deleted_ms.is_(None))
        row = (await connection.execute(query)).mappings().first()
        if row is None:
            return False
        await connection.execute(
            update(_planned).where(_planned.c.id == id_).values(deleted_ms=by.at_ms)
        )
        await note(connection, by, "planned_downtime.delete", str(id_), dict(row), None)
    return True


async def said_of(
    store: Store, codes: Sequence[str], begin_ms: int, end_ms: int
) -> dict[str, Said]:
    """Return what people said of the stops of each machine in a window."""
    async with store.database.reading() as connection:
        marks = await connection.execute(
            select(_mark).where(
                _mark.c.equipment_code.in_(codes),
                _mark.c.at_ms >= begin_ms,
                _mark.c.at_ms < end_ms,
            )
        )
        reasons = await connection.execute(
            select(_reason).where(
                _reason.c.equipment_code.in_(codes),
                _reason.c.at_ms >= begin_ms,
                _reason.c.at_ms < end_ms,
            )
        )
    kinds: dict[str, dict[int, MarkKind]] = {code: {} for code in codes}
    for mark in marks.all():
        if mark.kind in _KINDS:
            kinds[mark.equipment_code][mark.at_ms] = MarkKind(mark.kind)
        else:
            key = (mark.equipment_code, mark.at_ms)
            store.database.left_out.note("stop_mark", key, f"unknown kind {mark.kind!r}")
    found: dict[str, list[StopReason]] = {code: [] for code in codes}
    for row in reasons.all():
        found[row.equipment_code].append(
            StopReason(
                at_ms=row.at_ms,
                reason=row.reason,
                comment=row.comment,
                made_by=row.made_by,
                made_ms=row.made_ms,
            )
        )
    return {code: Said(marks=kinds[code], reasons=tuple(found[code])) for code in codes}


async def explain(store: Store, code: str, reason: StopReason, from_ms: int, end_ms: int) -> None:
    """Store the reason for the stop of a machine that stood in [from_ms, end_ms)."""
    inside = and_(
        _reason.c.equipment_code == code, _reason.c.at_ms >= from_ms, _reason.c.at_ms < end_ms
    )
    async with store.database.writing() as connection:
        query = select(_reason).where(inside).order_by(_reason.c.made_ms.desc())
        before = (await connection.execute(query)).mappings().first()
        await connection.execute(delete(_reason).where(inside))
        row = {"equipment_code": code, **msgspec.structs.asdict(reason)}
        await connection.execute(insert(_reason).values(row))
        by = By(name=reason.made_by, at_ms=reason.made_ms)
        old = dict(before) if before is not None else None
        await note(connection, by, "stop.reason", f"{code}@{reason.at_ms}", old, row)


async def set_mark(
    store: Store, code: str, at_ms: int, kind: MarkKind, by: By, *, subject: str
) -> None:
    """Cut or join the stops of a machine at a moment; an opposite mark there is taken away."""
    here = and_(_mark.c.equipment_code == code, _mark.c.at_ms == at_ms)
    async with store.database.writing() as connection:
        before = await connection.scalar(select(_mark.c.kind).where(here))
        await connection.execute(delete(_mark).where(here))
        if before is None or before == kind.value:
            row = {"equipment_code": code, "at_ms": at_ms, "kind": kind.value}
            await connection.execute(insert(_mark).values(row))
        await note(connection, by, f"stop.{kind.value}", subject, before, {"at_ms": at_ms})


async def audit_entries(
    store: Store,
    begin_ms: int,
    end_ms: int,
    *,
    code: str | None = None,
    before_id: int | None,
    limit: int,
) -> list[AuditEntry]:
    """Return what was changed by hand in [begin_ms, end_ms), newest first; of `code`: its stops."""
    table = schema.audit
    where = [table.c.at_ms >= begin_ms, table.c.at_ms < end_ms]
    if before_id is not None:
        where.append(table.c.id < before_id)
    if code is not None:
        where.append(table.c.subject.startswith(f"{code}@", autoescape=True))
    query = select(table).where(*where).order_by(table.c.id.desc()).limit(limit)
    async with store.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [AuditEntry(**row._mapping) for row in rows]


async def note(
    connection: AsyncConnection,
    by: By,
    action: str,
    subject: str,
    before: object,
    after: object,
) -> None:
    """Store, in the transaction of what a person changes, that it was changed."""
    row = {
        "at_ms": by.at_ms,
        "made_by": by.name,
        "action": action,
        "subject": subject,
        "before": None if before is None else msgspec.json.encode(before).decode(),
        "after": None if after is None else msgspec.json.encode(after).decode(),
    }
    await connection.execute(insert(schema.audit).values(row))
