"""Writes batches into the tables and answers questions of time from them.

Writing a batch again changes nothing: a record is known by its run and its number in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, FromClause, Select, and_, delete, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from lineside.core.model import Quality, Scalar, Status, TagRole
from lineside.history import schema
from lineside.history.alarm_store import AlarmStore
from lineside.history.configured import Configurations
from lineside.history.database import Database
from lineside.history.gaps import Gap
from lineside.history.lease import Lease
from lineside.history.left_out import LeftOut, read_page
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.records import (
    Batch,
    ConfigRecord,
    RunSpan,
    StatusChange,
    StoredChange,
)
from lineside.history.writing import Ids, Writing

Alive: TypeAlias = Callable[[], tuple[int, int] | None]
ChangeKey: TypeAlias = tuple[int, int, int]  # at_ms, run_id, seq
CHANGES_MAX = 10_000  # in one answer

_change = schema.state_change
_ROLES, _QUALITIES = set(TagRole), set(Quality)
_decode_scalar = msgspec.json.Decoder(Scalar | None).decode
_decode_tags = msgspec.json.Decoder(list[list[Scalar | None]]).decode
_STATUSES: dict[str | None, Status | None] = {None: None, **{each.value: each for each in Status}}


class Store:
    """The history behind one database. Not thread-safe: one event loop owns it."""

    def __init__(
        self,
        database: Database,
        alive: Alive = lambda: None,
        on_gap: Callable[[Gap], None] = lambda gap: None,
        lease: Lease | None = None,
    ) -> None:
        """Prepare; the database is opened with the first question or batch.

        Args:
            database: where the tables are.
            alive: the key of the run that goes on now and the moment up to which all of it is
                stored, in ms, which the database hears only every few seconds; None: ask it.
            on_gap: told where records of a run are missing, once the rest is stored.
            lease: must be held by whoever writes batches; None: nobody else can write.
        """
        self._database = database
        self._on_gap = on_gap
        self.alarms = AlarmStore(database)
        self.configurations = Configurations(database)
        self._alive = alive
        self._lease = lease
        self._ids = Ids()
        self._ids_of_opening = 0
        self._parts_until_ms = 0  # parts of key figures may end so late
        self._parts_of_opening = 0  # for which the database was asked for that
        self.rewritten_count = 0  # how often something was stored that made parts wrong
        # Held while something is stored: whoever holds it sees a `rewritten_count` that is true.
        self.storing = asyncio.Lock()

    @property
    def database(self) -> Database:
        """Where the tables are, for those who ask more of them than stands here."""
        return self._database

    async def write(self, batches: Sequence[Batch]) -> None:
        """Store `batches`, all of them or none.

        Raises:
            HistoryError: why not, in plain words.
        """
        async with self.storing:
            await self._write(batches)

    async def _write(self, batches: Sequence[Batch]) -> None:
        rewritten_ms = None
        is_as_known = True
        try:
            async with self._database.writing() as connection:
                if self._lease is not None:
                    await self._lease.hold(connection)
                if self._ids_of_opening != self._database.opened_count:
                    self._ids, self._ids_of_opening = Ids(), self._database.opened_count
                ids = self._ids.copy()
                writing = Writing(connection, ids)
                is_as_known = await writing.is_as_known()
                await writing.write(batches)
                rewritten_ms = await self._drop_parts(connection, batches, writing.closed_ms)
        finally:
            # Also after a failure: whether a commit that failed has reached the disk is not known.
            if rewritten_ms is not None or not is_as_known:
                self.rewritten_count += 1
        if self._lease is not None:
            self._lease.confirm()
        ids.keep_runs(batches)
        self._ids = ids
        if not is_as_known or any(batch.corrected_ms is not None for batch in batches):
            self.configurations.forget()
        if rewritten_ms is not None:
            self._parts_until_ms = rewritten_ms
        for gap in writing.gaps:
            self._on_gap(gap)

    def note_parts(self, end_ms: int) -> None:
        """Take note that parts of key figures up to `end_ms` are computed from now on, and stored.

        To be called before what they are computed from is read, so that what is stored meanwhile is
        known to make them wrong.
        """
        self._parts_until_ms = max(self._parts_until_ms, end_ms)

    async def _drop_parts(
        self, connection: AsyncConnection, batches: Sequence[Batch], closed_ms: int | None
    ) -> int | None:
        """Delete the parts of key figures of times about which `batches` tell something new.

        There are none unless the database was behind, or the clock was set back, or a gap was
        found behind what was seen until `closed_ms`. Returns from when on they were deleted; None:
        none were.
        """
        table = schema.kpi_part
        if self._parts_of_opening != self._database.opened_count:
            found = await connection.scalar(select(func.max(table.c.end_ms)))
            self.note_parts(int(found or 0))
            self._parts_of_opening = self._database.opened_count
        if not batches:
            return None
        # A batch is in the order in which things were heard: late changes come after younger ones.
        first_ms = min(map(_first_ms, batches))
        if closed_ms is not None:
            first_ms = min(first_ms, closed_ms)
        if self._parts_until_ms <= first_ms:
            return None
        await connection.execute(delete(table).where(table.c.end_ms > first_ms))
        return first_ms

    async def runs(self, begin_ms: int, end_ms: int) -> list[RunSpan]:
        """Return the runs that overlap [begin_ms, end_ms), in the order in which they began."""
        table = schema.run
        end = func.coalesce(table.c.stopped_ms, table.c.alive_ms)
        overlaps = end > begin_ms
        async with self._database.reading() as connection:
            alive = self._alive()
            if alive is not None:
                # A run that is over, at a gap too, goes on no longer.
                overlaps = overlaps | ((table.c.key == alive[0]) & table.c.stopped_ms.is_(None))
            query = (
                select(
                    table.c.id,
                    table.c.key,
                    table.c.started_ms,
                    table.c.stopped_ms,
                    end.label("end_ms"),
                )
                .where(table.c.started_ms < end_ms, overlaps)
                .order_by(table.c.id)
            )
            rows = (await connection.execute(query)).all()
        spans = []
        for row in rows:
            last_ms = row.end_ms
            if alive is not None and row.key == alive[0] and row.stopped_ms is None:
                last_ms = max(last_ms, alive[1])
            if last_ms > begin_ms:
                spans.append(RunSpan(id=row.id, started_ms=row.started_ms, end_ms=last_ms))
        return spans

    async def changes(
        self,
        codes: Sequence[str],
        begin_ms: int,
        end_ms: int,
        *,
        after: ChangeKey | None = None,
        limit: int = CHANGES_MAX,
    ) -> list[StoredChange]:
        """Return the changes in [begin_ms, end_ms) with all that is known of them, oldest first.

        Args:
            codes: of the machines.
            begin_ms: where the window begins.
            end_ms: where it ends.
            after: only those that come after this one: `at_ms`, `run_id` and `seq` of the last
                change of the page before.
            limit: how many at most.
        """
        order = (_change.c.at_ms, _change.c.run_id, _change.c.seq)
        every = (
            select(*stored_columns())
            .join(schema.equipment, schema.equipment.c.id == _change.c.equipment_id)
            .where(
                schema.equipment.c.code.in_(codes),
                _change.c.at_ms >= begin_ms,
                _change.c.at_ms < end_ms,
            )
            .order_by(*order)
        )

        async def fetch(after: ChangeKey | None, count: int) -> list[Any]:
            query = every.limit(count)
            if after is not None:
                # The first condition repeats part of the second, for the index.
                query = query.where(_change.c.at_ms >= after[0], tuple_(*order) > after)
            async with self._database.reading() as connection:
                return list(await connection.execute(query))

        return await read_page(
            fetch,
            lambda row: stored_change(row, self._database.left_out),
            lambda row: (row.at_ms, row.run_id, row.seq),
            after,
            min(limit, CHANGES_MAX),
        )

    async def last_changes(
        self, code: str, begin_ms: int, end_ms: int
    ) -> tuple[StatusChange | None, StatusChange | None, StatusChange | None]:
        """Return of one machine in a window: the last change, the last to running, the one after.

        The last is of its status: what changed within it is passed over. Each is None where there
        is none.
        """
        order = (_change.c.at_ms, _change.c.run_id, _change.c.seq)
        every = (
            select(*order, _change.c.status)
            .join(schema.equipment, schema.equipment.c.id == _change.c.equipment_id)
            .where(
                schema.equipment.c.code == code,
                _change.c.at_ms >= begin_ms,
                _change.c.at_ms < end_ms,
            )
        )
        newest_first = every.order_by(*(column.desc() for column in order)).limit(1)
        running = newest_first.where(_change.c.status == Status.RUNNING.value)
        async with self._database.reading() as connection:
            last = (await connection.execute(newest_first.where(of_status()))).first()
            ran = (await connection.execute(running)).first()
            after = None
            if ran is not None:
                later = every.where(tuple_(*order) > (ran.at_ms, ran.run_id, ran.seq))
                after = (await connection.execute(later.order_by(*order).limit(1))).first()
        return _status_of(last), _status_of(ran), _status_of(after)

    async def config_at(self, at_ms: int) -> ConfigRecord | None:
        """Return the configuration that held at `at_ms`; None before the first."""
        table = schema.config_version
        newest_first = (table.c.at_ms.desc(), table.c.id.desc())
        return await self._config(
            select(table).where(table.c.at_ms <= at_ms).order_by(*newest_first).limit(1)
        )

    async def newest_config(self) -> ConfigRecord | None:
        """Return the configuration that was stored last; None before the first.

        Not the one of the latest time: that one may have been recorded while the clock was ahead.
        """
        table = schema.config_version
        return await self._config(select(table).order_by(table.c.id.desc()).limit(1))

    async def _config(self, query: Select[Any]) -> ConfigRecord | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        return ConfigRecord(
            seq=row.seq, at_ms=row.at_ms, fingerprint=row.fingerprint, site=row.site
        )


def _first_ms(batch: Batch) -> int:
    """Return from when on `batch` tells something new."""
    first_ms = min((record.at_ms for record in batch.records), default=batch.alive_ms)
    if batch.corrected_ms is None:
        return first_ms
    began_ms = batch.run.started_ms
    return min(first_ms, began_ms - LATE_MAX_MS, began_ms - LATE_MAX_MS + batch.corrected_ms)


def last_before(
    equipment_ids: Sequence[int],
    run: RunSpan,
    begin_ms: int,
    columns: Sequence[ColumnElement[Any]],
    *,
    is_of_status: bool = False,
) -> Select[Any]:
    """Return the query for `columns` of each machine's last change of `run` before the window.

    Not looking before the begin of the run keeps it from searching the whole past of a machine of
    which the run knows nothing. `is_of_status`: only where the status is another.
    """
    other = _change.alias("other")
    changed = of_status(other) if is_of_status else true()

    def newest(column: str) -> Any:
        return (
            select(other.c[column])
            .where(
                other.c.equipment_id == schema.equipment.c.id,
                other.c.run_id == run.id,
                other.c.at_ms >= run.started_ms,
                other.c.at_ms < begin_ms,
                changed,
            )
            .order_by(other.c.at_ms.desc(), other.c.seq.desc())
            .limit(1)
            .correlate(schema.equipment)
            .scalar_subquery()
        )

    keys = (
        select(
            schema.equipment.c.id,
            newest("at_ms").label("at_ms"),
            newest("seq").label("seq"),
        )
        .where(schema.equipment.c.id.in_(equipment_ids))
        .subquery("keys")
    )
    is_it = and_(
        _change.c.equipment_id == keys.c.id,
        _change.c.at_ms == keys.c.at_ms,
        _change.c.run_id == run.id,
        _change.c.seq == keys.c.seq,
    )
    return select(*columns).select_from(_change).join(keys, is_it)


def of_status(table: FromClause = _change) -> ColumnElement[bool]:
    """Return what holds of changes to another status, and not of those within one."""
    return table.c.previous.is_distinct_from(table.c.status)


def stored_columns() -> list[ColumnElement[Any]]:
    """Return the columns of a `StoredChange`, in a query that joins the machine."""
    names = [name for name in StoredChange.__struct_fields__ if name != "equipment_code"]
    return [schema.equipment.c.code, *(_change.c[name] for name in names)]


def _status_of(row: Any) -> StatusChange | None:
    if row is None:
        return None
    # Of a status that is not understood no more is known than of a machine that is not watched.
    return StatusChange(at_ms=row.at_ms, run_id=row.run_id, status=_STATUSES.get(row.status))


def stored_change(row: Any, left_out: LeftOut) -> StoredChange | None:
    """Return one row of `stored_columns`; None, noted, when its status is not understood."""
    key = (row.code, row.at_ms)
    if row.status not in _STATUSES:
        left_out.note("state_change", key, f"unknown status {row.status!r}")
        return None
    value, tags = row.value, row.tags or "[]"
    if not (value is None or _is_scalar(value)) or not _are_tags(tags):
        left_out.note("state_change", key, "its tags are not understood, and left out")
        value, tags = None, "[]"
    return StoredChange(
        equipment_code=row.code,
        at_ms=row.at_ms,
        run_id=row.run_id,
        seq=row.seq,
        previous=_STATUSES.get(row.previous),
        status=_STATUSES[row.status],
        reason=row.reason,
        tag=row.tag,
        value=value,
        since_ms=row.since_ms,
        until_ms=row.until_ms,
        detail=row.detail or "",
        tags=tags,
    )


def _is_scalar(text: str) -> bool:
    try:
        _decode_scalar(text)
    except msgspec.MsgspecError:
        return False
    return True


def _are_tags(text: str) -> bool:
    """Whether `text` is a list of tags as `records` stores them."""
    try:
        return all(_is_tag(each) for each in _decode_tags(text))
    except msgspec.MsgspecError:
        return False


def _is_tag(tag: list[Any]) -> bool:
    if len(tag) not in (4, 6):
        return False
    role, address, _, age_ms, *doubt = tag
    is_doubt = not doubt or (doubt[0] in _QUALITIES and isinstance(doubt[1], str))
    is_age = age_ms is None or isinstance(age_ms, int)
    return role in _ROLES and isinstance(address, str) and is_age and is_doubt
