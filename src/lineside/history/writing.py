"""One transaction that stores batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lineside.core.model import Equipment
from lineside.history import schema
from lineside.history.alarm_writing import insert_new, write_alarms
from lineside.history.gaps import Gap, whole_pieces
from lineside.history.records import (
    AlarmRecord,
    Batch,
    ChangeRecord,
    ConfigRecord,
    PlcRecord,
    Record,
    ServerRecord,
    decode_site,
)
from lineside.history.run_writing import RunPart, RunWriting

_log = structlog.get_logger("lineside.history")


class Ids:
    """What the database calls runs and machines, as far as it was asked."""

    def __init__(
        self,
        runs: dict[int, tuple[RunPart, ...]] | None = None,
        equipment: dict[str, int] | None = None,
    ) -> None:
        self.runs = runs or {}
        self.equipment = equipment or {}

    def copy(self) -> Ids:
        """Return a copy, for a transaction that may fail."""
        return Ids(dict(self.runs), dict(self.equipment))

    def keep_runs(self, batches: Sequence[Batch]) -> None:
        """Let go of other runs than those that were stored last, if any were."""
        keys = {batch.run.key for batch in batches} or self.runs.keys()
        self.runs = {key: parts for key, parts in self.runs.items() if key in keys}


class Correction(msgspec.Struct, frozen=True):
    """By how much the clock of a run was behind."""

    by_ms: int

    def of(self, record: Record) -> Record:
        """Return `record` as it is stored of such a run."""
        if self.by_ms == 0:
            return record
        at_ms = record.at_ms + self.by_ms
        if isinstance(record, AlarmRecord):
            return msgspec.structs.replace(
                record, at_ms=at_ms, event_ms=record.event_ms + self.by_ms
            )
        if not isinstance(record, ChangeRecord):
            return msgspec.structs.replace(record, at_ms=at_ms)
        return msgspec.structs.replace(
            record,
            at_ms=at_ms,
            since_ms=self._moved(record.since_ms),
            until_ms=self._moved(record.until_ms),
        )

    def _moved(self, at_ms: int | None) -> int | None:
        return None if at_ms is None else at_ms + self.by_ms


class Writing:
    """One transaction."""

    def __init__(self, connection: AsyncConnection, ids: Ids) -> None:
        self._connection = connection
        self._ids = ids
        self._runs = RunWriting(connection, ids.runs)

    @property
    def gaps(self) -> list[Gap]:
        """Where records of a run turned out to be missing."""
        return self._runs.gaps

    @property
    def closed_ms(self) -> int | None:
        """The earliest moment at which a run now ends before a gap."""
        return self._runs.closed_ms

    async def is_as_known(self) -> bool:
        """Whether the database holds what was stored last; else nothing is known of it any more."""
        is_as_known = await self._runs.is_as_known()
        if not is_as_known:
            self._ids.equipment = {}
        return is_as_known

    async def write(self, batches: Sequence[Batch]) -> None:
        """Store `batches`; what is stored already is passed over."""
        changes: list[dict[str, Any]] = []
        plcs: list[dict[str, Any]] = []
        servers: list[dict[str, Any]] = []
        alarms: list[tuple[AlarmRecord, int]] = []
        await self._find_equipment(batches)
        for piece in (piece for batch in batches for piece in whole_pieces(batch)):
            run_id = await self._runs.id_of(piece)
            by_ms = await self._runs.correction_of(piece.run.key)
            correction = Correction(by_ms)
            for record in map(correction.of, piece.records):
                if isinstance(record, ChangeRecord):
                    equipment_id = self._ids.equipment[record.equipment_code]
                    changes.append(_change_row(record, run_id, equipment_id))
                elif isinstance(record, PlcRecord):
                    plcs.append(_plc_row(record, run_id))
                elif isinstance(record, ServerRecord):
                    servers.append(_server_row(record, run_id))
                elif isinstance(record, AlarmRecord):
                    alarms.append((record, run_id))
                else:
                    await self._write_config(record, run_id)
        for table, rows in (
            (schema.state_change, changes),
            (schema.plc_event, plcs),
            (schema.server_event, servers),
        ):
            if rows:
                await self._connection.execute(insert_new(self._connection, table), rows)
        if alarms:
            await write_alarms(self._connection, alarms)
        await self._runs.note_alive()
        for batch in batches:
            if batch.corrected_ms is not None:
                await self._runs.correct(batch.run.key, batch.corrected_ms)

    async def _find_equipment(self, batches: Sequence[Batch]) -> None:
        """Learn the ids of all machines in `batches`; make those that are new."""
        codes = {
            record.equipment_code
            for batch in batches
            for record in batch.records
            if isinstance(record, ChangeRecord)
        }
        if codes <= self._ids.equipment.keys():
            return
        await self._load_equipment()
        new = sorted(codes - self._ids.equipment.keys())
        if new:
            rows = [{"code": code, "name": "", "line_id": "", "plc_id": None} for code in new]
            await self._connection.execute(insert(schema.equipment), rows)
            await self._load_equipment()

    async def _load_equipment(self) -> None:
        table = schema.equipment
        rows = await self._connection.execute(select(table.c.code, table.c.id))
        self._ids.equipment = {row.code: row.id for row in rows}

    async def _write_config(self, record: ConfigRecord, run_id: int) -> None:
        table = schema.config_version
        found = await self._connection.execute(
            select(table.c.fingerprint, table.c.at_ms).order_by(table.c.id.desc()).limit(1)
        )
        newest = found.first()
        # One of a later time was recorded while the clock was ahead: until then, none would hold.
        if (
            newest is not None
            and newest.fingerprint == record.fingerprint
            and newest.at_ms <= record.at_ms
        ):
            return
        row = {
            "at_ms": record.at_ms,
            "run_id": run_id,
            "seq": record.seq,
            "fingerprint": record.fingerprint,
            "site": record.site,
        }
        await self._connection.execute(insert_new(self._connection, table), [row])
        site = decode_site(record)
        await self._name_equipment([each for line in site.lines for each in line.equipment])

    async def _name_equipment(self, machines: Sequence[Equipment]) -> None:
        table = schema.equipment
        await self._load_equipment()
        rows = [
            {"code": each.code, "name": each.name, "line_id": each.line_id, "plc_id": each.plc_id}
            for each in machines
        ]
        new = [row for row in rows if row["code"] not in self._ids.equipment]
        if new:
            await self._connection.execute(insert(table), new)
            await self._load_equipment()
        known = [row for row in rows if row not in new]
        for row in known:
            await self._connection.execute(
                update(table)
                .where(table.c.id == self._ids.equipment[row["code"] or ""])
                .values(row)
            )


def _change_row(record: ChangeRecord, run_id: int, equipment_id: int) -> dict[str, Any]:
    return {
        "equipment_id": equipment_id,
        "at_ms": record.at_ms,
        "run_id": run_id,
        "seq": record.seq,
        "previous": record.previous,
        "status": record.status,
        "reason": record.reason,
        "tag": record.tag,
        "value": record.value,
        "since_ms": record.since_ms,
        "until_ms": record.until_ms,
        "detail": record.detail or None,
        "tags": record.tags,
    }


def _plc_row(record: PlcRecord, run_id: int) -> dict[str, Any]:
    return {
        "plc_id": record.plc_id,
        "at_ms": record.at_ms,
        "run_id": run_id,
        "seq": record.seq,
        "link": record.link,
        "fault": record.fault or None,
        "cause": record.cause or None,
        "end_code": record.end_code,
    }


def _server_row(record: ServerRecord, run_id: int) -> dict[str, Any]:
    return {
        "at_ms": record.at_ms,
        "run_id": run_id,
        "seq": record.seq,
        "kind": record.kind,
        "detail": record.detail or None,
    }
