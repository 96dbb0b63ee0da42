"""Runs as they are stored, each in as many rows as gaps leave of it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lineside.core.alarm import AlarmEventKind
from lineside.history import schema
from lineside.history.gaps import Gap, behind_gap
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.records import Batch, Run

_table = schema.run


class RunPart(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `run`. `last_seq` None: not told, so nothing is missing as far as one can know.

    What is stored of it lies `corrected_ms` later than the run's own clock said.
    """

    id: int
    first_seq: int
    last_seq: int | None
    is_closed: bool
    corrected_ms: int = 0


class RunWriting:
    """The runs of one transaction."""

    def __init__(self, connection: AsyncConnection, parts: dict[int, tuple[RunPart, ...]]) -> None:
        """Prepare.

        Args:
            connection: in the transaction.
            parts: by the key of a run what is known of its rows, in order; is kept up to date.
        """
        self._connection = connection
        self._parts = parts
        self._alive: dict[int, Batch] = {}  # by the id of a row: the last of it
        self.gaps: list[Gap] = []
        self.closed_ms: int | None = None

    async def is_as_known(self) -> bool:
        """Read anew what is known of runs; say whether the database holds just that.

        It may be another one by now: put back as it was earlier, or a copy that was behind.
        """
        known = dict(self._parts)
        self._parts.clear()
        return all([await self._parts_of(key) == parts for key, parts in known.items()])

    async def id_of(self, piece: Batch) -> int:
        """Return the id of the row that `piece` belongs to, and take note that it is stored.

        A sign of life behind a gap belongs to none; then it is 0.
        """
        part = await self._part_of(piece)
        if part is None:
            return 0
        last_seq = piece.last_seq
        if last_seq is None and part.last_seq is not None:
            last_seq = max((record.seq for record in piece.records), default=None)
        if last_seq is not None:
            is_more = part.last_seq is None or last_seq > part.last_seq
            now = msgspec.structs.replace(
                part,
                last_seq=max(last_seq, part.last_seq or 0),
                # What was missing has come after all.
                is_closed=(part.is_closed and not is_more) or piece.stopped_ms is not None,
            )
            if part.is_closed and not now.is_closed:
                await self._set(part.id, stopped_ms=None)
            self._keep(piece.run.key, now)
        before = self._alive.get(part.id)
        # Batches that are stored again may come behind younger ones.
        if before is None or (before.last_seq or 0) <= (piece.last_seq or 0):
            self._alive[part.id] = piece
        return part.id

    async def correction_of(self, key: int) -> int:
        """Return by how much the clock of a run was behind, in ms, as far as is known."""
        return max((part.corrected_ms for part in await self._parts_of(key)), key=abs, default=0)

    async def correct(self, key: int, corrected_ms: int) -> None:
        """Move all that is stored of a run to when it happened; done again, it changes nothing."""
        parts = await self._parts_of(key)
        ids = [part.id for part in parts]
        began_ms = await self._connection.scalar(
            select(func.min(_table.c.started_ms)).where(_table.c.id.in_(ids))
        )
        for part in parts:
            by_ms = corrected_ms - part.corrected_ms
            if by_ms:
                await self._move(part.id, began_ms, by_ms)
                await self._set(part.id, corrected_ms=corrected_ms)
                self._keep(key, msgspec.structs.replace(part, corrected_ms=corrected_ms))

    async def _move(self, run_id: int, began_ms: int | None, by_ms: int) -> None:
        run, change = schema.run, schema.state_change

        # Also since when a machine has waited, when that was before the run: how long that is was
        # measured from the run's own time.
        times = {name: change.c[name] + by_ms for name in ("at_ms", "since_ms", "until_ms")}
        await self._connection.execute(
            update(change).where(change.c.run_id == run_id).values(times)
        )
        event = schema.alarm_event
        is_older = (event.c.kind == AlarmEventKind.CONTINUED) & (event.c.at_ms < began_ms)
        at_ms = case((is_older, event.c.at_ms), else_=event.c.at_ms + by_ms)
        await self._connection.execute(
            update(event).where(event.c.run_id == run_id).values(at_ms=at_ms)
        )
        for table in (schema.plc_event, schema.server_event, schema.config_version):
            await self._connection.execute(
                update(table).where(table.c.run_id == run_id).values(at_ms=table.c.at_ms + by_ms)
            )
        await self._set(
            run_id,
            started_ms=run.c.started_ms + by_ms,
            alive_ms=run.c.alive_ms + by_ms,
            stopped_ms=run.c.stopped_ms + by_ms,
        )

    async def note_alive(self) -> None:
        """Store up to when each run is known."""
        while self._alive:
            part_id, piece = self._alive.popitem()
            await self._note_alive(part_id, piece)

    async def _part_of(self, piece: Batch) -> RunPart | None:
        run = piece.run
        parts = await self._parts_of(run.key)
        if piece.last_seq is None:
            return parts[-1] if parts else await self._begin(run, 1)
        first_seq = piece.records[0].seq if piece.records else piece.last_seq + 1
        before = [part for part in parts if part.first_seq <= first_seq]
        if not before and first_seq == 1:
            return await self._begin(run, 1)
        known_seq = before[-1].last_seq if before else 0
        if before and (known_seq is None or first_seq <= known_seq + 1):
            return before[-1]
        self.gaps.append(Gap(run_key=run.key, first_seq=(known_seq or 0) + 1, end_seq=first_seq))
        if before:
            await self._close(run.key, before[-1])
        if not piece.records:
            return None
        return await self._begin(behind_gap(piece), first_seq, origin_key=run.key)

    async def _parts_of(self, key: int) -> tuple[RunPart, ...]:
        if key not in self._parts:
            query = select(
                _table.c.id,
                _table.c.first_seq,
                _table.c.last_seq,
                _table.c.stopped_ms,
                _table.c.corrected_ms,
            ).where((_table.c.key == key) | (_table.c.origin_key == key))
            parts = [
                RunPart(
                    id=row.id,
                    first_seq=row.first_seq or 1,
                    last_seq=row.last_seq,
                    is_closed=row.stopped_ms is not None,
                    corrected_ms=row.corrected_ms or 0,
                )
                for row in await self._connection.execute(query)
            ]
            self._parts[key] = tuple(sorted(parts, key=lambda part: part.first_seq))
        return self._parts[key]

    def _keep(self, key: int, part: RunPart) -> None:
        others = [each for each in self._parts[key] if each.id != part.id]
        self._parts[key] = tuple(sorted([*others, part], key=lambda each: each.first_seq))

    async def _begin(self, run: Run, first_seq: int, origin_key: int | None = None) -> RunPart:
        whole_key = run.key if origin_key is None else origin_key
        by_ms = await self.correction_of(whole_key)
        row = {
            "key": run.key,
            "started_ms": run.started_ms + by_ms,
            "alive_ms": run.started_ms + by_ms,
            "corrected_ms": by_ms or None,
            "cause": run.cause,
            "version": run.version,
            "origin_key": origin_key,
            "first_seq": first_seq,
            "last_seq": None,
        }
        found = await self._connection.scalar(insert(_table).values(row).returning(_table.c.id))
        assert found is not None, "RETURNING returns"  # noqa: S101
        part = RunPart(
            id=int(found),
            first_seq=first_seq,
            last_seq=None,
            is_closed=False,
            corrected_ms=by_ms,
        )
        self._keep(whole_key, part)
        return part

    async def _close(self, key: int, part: RunPart) -> None:
        """End a row before a gap: what is missing may be a little older than its last moment."""
        if part.is_closed:
            return
        if (piece := self._alive.pop(part.id, None)) is not None:
            await self._note_alive(part.id, piece)
        end = _table.c.alive_ms - LATE_MAX_MS
        end = case((end < _table.c.started_ms, _table.c.started_ms), else_=end)
        await self._set(part.id, stopped_ms=end)
        ended_ms = await self._connection.scalar(
            select(_table.c.stopped_ms).where(_table.c.id == part.id)
        )
        self.closed_ms = min(filter(None, (self.closed_ms, ended_ms)), default=None)
        self._keep(key, msgspec.structs.replace(part, is_closed=True))

    async def _note_alive(self, part_id: int, piece: Batch) -> None:
        by_ms = await self.correction_of(piece.run.key)
        alive, alive_ms = _table.c.alive_ms, piece.alive_ms + by_ms
        values: dict[str, Any] = {"alive_ms": case((alive < alive_ms, alive_ms), else_=alive)}
        if piece.stopped_ms is not None:
            values["stopped_ms"] = piece.stopped_ms + by_ms
        if piece.last_seq is not None:
            stored = func.coalesce(_table.c.last_seq, 0)
            values["last_seq"] = case((stored < piece.last_seq, piece.last_seq), else_=stored)
        await self._set(part_id, **values)

    async def _set(self, part_id: int, **values: Any) -> None:
        await self._connection.execute(update(_table).where(_table.c.id == part_id).values(values))
