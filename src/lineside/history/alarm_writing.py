"""Stores alarms and what happened to them, within the transaction of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Table, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind
from lineside.history import schema
from lineside.history.alarm_merge import ToldEvent, merged
from lineside.history.records import AlarmRecord

_alarm, _event = schema.alarm, schema.alarm_event
_log = structlog.get_logger("lineside.history")


def insert_new(connection: AsyncConnection, table: Table) -> Insert:
    """Return an insert that passes over what is there already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


async def write_alarms(
    connection: AsyncConnection, records: Sequence[tuple[AlarmRecord, int]]
) -> None:
    """Store each alarm as it stands at last, unless a later word is stored, and its events.

    Args:
        connection: within the transaction.
        records: each with the id of the run that tells of it, in order.
    """
    events = [_event_row(*each) for each in records if each[0].event is not None]
    foreign = await _told_by_another(connection, events)
    before = [each for alarm_id in foreign for each in await _stored(connection, alarm_id)]
    await _put_alarms(connection, [record for record, _ in records])
    own = [each for each in events if each["alarm_id"] not in foreign]
    if own:
        await connection.execute(insert_new(connection, _event), own)
    for alarm_id in sorted(foreign):
        await _add_events(connection, [e for e in events if e["alarm_id"] == alarm_id])
        told = [record.alarm for record, _ in records if record.alarm.id == alarm_id]
        await _merge(connection, [*(each for each in before if each.id == alarm_id), told[-1]])


async def _put_alarms(connection: AsyncConnection, records: Iterable[AlarmRecord]) -> None:
    newest: dict[int, dict[str, Any]] = {}
    moved: set[int] = set()
    for record in records:
        row = _alarm_row(record.alarm)
        before = newest.get(record.alarm.id)
        if before is None or before["revision"] <= row["revision"]:
            newest[record.alarm.id] = row
        if record.is_moved:
            moved.add(record.alarm.id)
    is_postgresql = connection.dialect.name == "postgresql"
    new = postgresql.insert(_alarm) if is_postgresql else sqlite.insert(_alarm)
    later = new.excluded.revision > _alarm.c.revision
    same = new.excluded.revision >= _alarm.c.revision  # at the times at which it really was
    for where, rows in (
        (later, [row for id_, row in newest.items() if id_ not in moved]),
        (same, [row for id_, row in newest.items() if id_ in moved]),
    ):
        upsert = new.on_conflict_do_update(
            index_elements=[_alarm.c.id],
            set_={column.name: new.excluded[column.name] for column in _alarm.c},
            where=where,
        )
        if rows:
            await connection.execute(upsert, rows)


async def _told_by_another(
    connection: AsyncConnection, events: Sequence[dict[str, Any]]
) -> set[int]:
    """Return the alarms of which an event has the number that another event is stored with.

    Two servers have told of one alarm at the same time: one was cut off from the database, and
    spooled what people said there. An event is known by its run and its number in that.
    """
    if not events:
        return set()
    c = _event.c
    pairs = [(each["alarm_id"], each["number"]) for each in events]
    taken = await connection.execute(
        select(c.alarm_id, c.number, c.run_id, c.seq).where(tuple_(c.alarm_id, c.number).in_(pairs))
    )
    owners = {(row.alarm_id, row.number): (row.run_id, row.seq) for row in taken}
    found = set()
    for each in events:
        own = (each["run_id"], each["seq"])
        if owners.setdefault((each["alarm_id"], each["number"]), own) != own:
            found.add(each["alarm_id"])
    return found


async def _add_events(connection: AsyncConnection, events: Sequence[dict[str, Any]]) -> None:
    """Store events of one alarm behind those that are stored, each once."""
    c = _event.c
    mine = c.alarm_id == events[0]["alarm_id"]
    rows = (await connection.execute(select(c.number, c.run_id, c.seq).where(mine))).all()
    known = {(row.run_id, row.seq) for row in rows}
    number = max(row.number for row in rows)
    for each in events:
        if (each["run_id"], each["seq"]) in known:
            continue
        number += 1
        await connection.execute(insert_new(connection, _event), [{**each, "number": number}])
        _log.warning(
            "history: another server has told of this alarm meanwhile; its audit has both",
            alarm=each["alarm_id"],
            what=str(each["kind"]),
            by=each["person"] or "",
        )


async def _merge(connection: AsyncConnection, tellings: Sequence[Alarm]) -> None:
    """Make an alarm anew of all that is stored of it."""
    c, alarm_id = _event.c, tellings[0].id
    rows = await connection.execute(select(_event).where(c.alarm_id == alarm_id))
    try:
        events = [
            ToldEvent(
                run_id=row.run_id,
                seq=row.seq,
                number=row.number,
                event=AlarmEvent(
                    kind=AlarmEventKind(row.kind),
                    at_ms=row.at_ms,
                    by=row.person or "",
                    text=row.text or "",
                ),
            )
            for row in rows
        ]
    except ValueError:  # another version has told of it
        return
    alarm = merged(tellings, events)
    if alarm is not None:
        change = _alarm.update().where(_alarm.c.id == alarm_id)
        await connection.execute(change.values(_alarm_row(alarm)))


async def _stored(connection: AsyncConnection, alarm_id: int) -> list[Alarm]:
    """Return an alarm as it is stored, if it is, and as this version understands it."""
    rows = await connection.execute(select(_alarm).where(_alarm.c.id == alarm_id))
    found = []
    for row in rows:
        try:
            found.append(alarm_of_row(row))
        except (msgspec.MsgspecError, TypeError):
            continue  # whoever asks for it is told
    return found


def alarm_of_row(row: Any) -> Alarm:
    """Return what a row says.

    Raises:
        MsgspecError: this version does not understand it.
        TypeError: likewise.
    """
    facts = row._mapping
    told = {**facts, "comments": msgspec.json.decode(facts["comments"])}
    return msgspec.convert([told[name] for name in Alarm.__struct_fields__], Alarm)


def _alarm_row(alarm: Alarm) -> dict[str, Any]:
    row = msgspec.structs.asdict(alarm)
    return {**row, "comments": msgspec.json.encode(alarm.comments).decode()}


def _event_row(record: AlarmRecord, run_id: int) -> dict[str, Any]:
    return {
        "alarm_id": record.alarm.id,
        "number": record.alarm.revision,
        "at_ms": record.event_ms,
        "run_id": run_id,
        "seq": record.seq,
        "kind": record.event,
        "state": record.alarm.state,
        "person": record.by or None,
        "text": record.text or None,
        "note": record.note,
    }
