"""Computes the parts of key figures of days that are over, in the background, newest first.

A day is over when all that happened in it is stored, what was heard late included. It is computed
anew when what it was judged by has changed, or when something was stored that belongs into it; but
not when changes of that day were deleted since: its figures stay as they were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy import delete, insert, select, tuple_

from lineside.core.errors import HistoryError
from lineside.core.model import Line, Site
from lineside.core.spans import Span
from lineside.core.zone import Grain, periods
from lineside.history import schema
from lineside.history.downtime_store import planned_downtimes
from lineside.history.figures import Plans
from lineside.history.past import known_from_ms, known_site, lanes, whole_from_ms
from lineside.history.plan import PartGrain, encode_parts, pieces_of
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.store import Store

EVERY_S = 30.0
PAUSE_S = 0.02  # after a few machines: questions and the writer go first
MACHINES_AT_ONCE = 20
FIRST_MS = 35 * 86_400_000  # what is asked for most comes first: the newest month
_FAR_MS = 4_102_444_800_000

_part = schema.kpi_part
_log = structlog.get_logger("lineside.history")


class PartWork:
    """Keeps the parts of one history up to date."""

    def __init__(
        self, store: Store, settled_ms: Callable[[], int | None], pause_s: float = PAUSE_S
    ) -> None:
        """Prepare.

        Args:
            store: the history.
            settled_ms: up to when all that happened is stored; None: not known now.
            pause_s: between a few machines and the next.
        """
        self._store = store
        self._settled_ms = settled_ms
        self._pause_s = pause_s
        self._checked: dict[tuple[str, Span], object] = {}
        self._site: Site | None = None
        self._fingerprint = ""

    async def run(self) -> None:
        """Compute whatever is missing, again and again."""
        while True:
            try:
                settled_ms = self._settled_ms() or 0
                count = await self.compute(settled_ms - FIRST_MS)  # of every line
                count += await self.compute()
            except HistoryError as error:
                _log.info("history: key figures wait", reason=str(error))
            except Exception:  # noqa: BLE001 -- recording goes on whatever happens here
                _log.exception("history: key figures were not computed")
            else:
                if count:
                    _log.info("history: key figures computed", machine_days=count)
            await asyncio.sleep(EVERY_S)

    async def compute(self, since_ms: int = 0) -> int:
        """Compute what is missing or no longer fits; return how many days of machines.

        Days that began before `since_ms` are left for another time.
        """
        settled_ms, first_ms = self._settled_ms(), await known_from_ms(self._store)
        record = await self._store.newest_config()
        if settled_ms is None or first_ms is None or record is None:
            return 0
        if self._site is None or record.fingerprint != self._fingerprint:
            self._site = known_site(record, self._store.database.left_out)
            self._fingerprint = record.fingerprint
        site = self._site
        if site is None:  # by what the days are judged is not understood: they wait
            return 0
        downtimes = await planned_downtimes(self._store, 0, _FAR_MS)
        configured = await self._store.configurations.read()
        plans = Plans(site, downtimes, configured=configured)
        ids = tuple(each.id for each in downtimes)
        applied = self._store.configurations.applied
        state = (record.fingerprint, ids, applied, self._store.rewritten_count)
        count = 0
        for line in configured.lines_in(site.lines):
            calendar = site.calendar.of_line(line.id)
            days = [
                day
                for _, day in periods(calendar.zone, Grain.DAY, first_ms, settled_ms)
                if since_ms <= day.begin_ms and _is_over(day, settled_ms)
            ]
            for day in reversed(days):
                if self._checked.get((line.id, day)) != state:
                    count += await self._compute_day(site, line, plans, day)
                    self._checked[line.id, day] = state
            await asyncio.sleep(0)
        return count

    async def _compute_day(self, site: Site, line: Line, plans: Plans, day: Span) -> int:
        codes = await self._unfit(line, plans, day)
        spans = [(PartGrain.DAY, day)]
        pieces = pieces_of(site.calendar.of_line(line.id), day)
        if len(pieces) > 1:
            spans += [(PartGrain.PIECE, piece) for piece in pieces]
        for first in range(0, len(codes), MACHINES_AT_ONCE):
            some = codes[first : first + MACHINES_AT_ONCE]
            count = self._store.rewritten_count
            self._store.note_parts(day.end_ms)
            rows = []
            async for lane in lanes(self._store, some, day.begin_ms, day.end_ms):
                plan = plans.of(lane.code)
                judged = plan.judge(lane.intervals, day.begin_ms, day.end_ms)
                for grain, span in spans:
                    rows.append(
                        {
                            "grain": grain.value,
                            "code": lane.code,
                            "begin_ms": span.begin_ms,
                            "end_ms": span.end_ms,
                            "reach_ms": judged.reach_ms,
                            "fingerprint": plan.fingerprint(
                                span.begin_ms, span.end_ms, judged.reach_ms
                            ),
                            "parts": encode_parts(plan.parts(judged, span.begin_ms, span.end_ms)),
                        }
                    )
            async with self._store.storing:  # so that nothing is stored after the last look
                # Where the clock was set back, what lay in the past is ahead again.
                is_over = _is_over(day, self._settled_ms() or 0)
                if not is_over or self._store.rewritten_count != count:
                    raise HistoryError("the past was changed meanwhile")
                await self._keep(rows)
            await asyncio.sleep(self._pause_s)
        return len(codes)

    async def _unfit(self, line: Line, plans: Plans, day: Span) -> list[str]:
        """Return the machines without a fitting part of the day."""
        table = schema.equipment
        query = (
            select(table.c.code, _part.c.reach_ms, _part.c.fingerprint)
            .join(_part, _part.c.equipment_id == table.c.id)
            .where(
                _part.c.grain == PartGrain.DAY.value,
                _part.c.begin_ms == day.begin_ms,
                _part.c.end_ms == day.end_ms,
                table.c.code.in_([each.code for each in line.equipment]),
            )
        )
        async with self._store.database.reading() as connection:
            rows = (await connection.execute(query)).all()
        fit = {
            code
            for code, reach_ms, fingerprint in rows
            if plans.of(code).fingerprint(day.begin_ms, day.end_ms, reach_ms) == fingerprint
        }
        unfit = [row.code for row in rows if row.code not in fit]
        if unfit:
            whole_ms = await whole_from_ms(self._store, unfit)
            fit |= {code for code in unfit if day.begin_ms < whole_ms.get(code, 0)}
        return [each.code for each in line.equipment if each.code not in fit]

    async def _keep(self, rows: Sequence[dict[str, Any]]) -> None:
        table = schema.equipment
        async with self._store.database.writing() as connection:
            known = await connection.execute(
                select(table.c.code, table.c.id).where(
                    table.c.code.in_({row["code"] for row in rows})
                )
            )
            ids = {row.code: row.id for row in known}
            stored = [
                {**{k: v for k, v in row.items() if k != "code"}, "equipment_id": ids[row["code"]]}
                for row in rows
                if row["code"] in ids
            ]
            if not stored:
                return
            keys = [(row["grain"], row["equipment_id"], row["begin_ms"]) for row in stored]
            key = tuple_(_part.c.grain, _part.c.equipment_id, _part.c.begin_ms)
            await connection.execute(delete(_part).where(key.in_(keys)))
            await connection.execute(insert(_part), stored)


def _is_over(day: Span, settled_ms: int) -> bool:
    """Whether nothing of `day` can be heard any more, when all up to `settled_ms` is stored."""
    return day.end_ms + LATE_MAX_MS <= settled_ms
