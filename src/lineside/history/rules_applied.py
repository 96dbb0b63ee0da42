"""Rules that a person applies to a time before them, having been shown the difference.

It runs in the history's thread. Each is stored together with its entry in the audit.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import func, insert, select, update

from lineside.history import schema
from lineside.history.downtime_store import By, note
from lineside.history.store import Store

_applied = schema.rule_application


class RulesApplied(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one version of the configuration judge a line in [begin_ms, end_ms)."""

    id: int
    config_version_id: int
    line_id: str
    begin_ms: int
    end_ms: int
    comment: str
    made_by: str
    made_ms: int


async def newest_version(store: Store) -> int | None:
    """Return the id of the version of the configuration that was stored last; None: none is."""
    async with store.database.reading() as connection:
        found: int | None = await connection.scalar(select(func.max(schema.config_version.c.id)))
    return found


async def rules_applied(store: Store) -> list[RulesApplied]:
    """Return what people have applied, in that order, without what they took back."""
    names = RulesApplied.__struct_fields__
    query = (
        select(*(_applied.c[name] for name in names))
        .where(_applied.c.deleted_ms.is_(None))
        .order_by(_applied.c.id)
    )
    async with store.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [RulesApplied(**row._mapping) for row in rows]


async def apply_rules(store: Store, wanted: RulesApplied) -> RulesApplied:
    """Store that rules are applied; return it with its id."""
    values = {k: v for k, v in msgspec.structs.asdict(wanted).items() if k != "id"}
    by = By(name=wanted.made_by, at_ms=wanted.made_ms)
    async with store.database.writing() as connection:
        made = await connection.scalar(insert(_applied).values(values).returning(_applied.c.id))
        stored = msgspec.structs.replace(wanted, id=int(made or 0))
        await note(connection, by, "rules.apply", str(stored.id), None, stored)
    return stored


async def take_back_rules(store: Store, id_: int, by: By) -> bool:
    """Judge by what held then again; return whether anything was applied under `id_`."""
    async with store.database.writing() as connection:
        query = select(_applied).where(_applied.c.id == id_, _applied.c.deleted_ms.is_(None))
        row = (await connection.execute(query)).mappings().first()
        if row is None:
            return False
        await connection.execute(
            update(_applied).where(_applied.c.id == id_).values(deleted_ms=by.at_ms)
        )
        await note(connection, by, "rules.take_back", str(id_), dict(row), None)
    return True
