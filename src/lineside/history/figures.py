"""Answers questions about key figures: from stored parts where they fit, else from the intervals.

It runs in the history's thread. The two ways give the same answer; parts are only quicker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import msgspec
from sqlalchemy import select

from lineside.core.errors import HistoryError
from lineside.core.model import Equipment, KpiRules, Site, StatusRule
from lineside.core.spans import Span
from lineside.history import schema
from lineside.history.downtime_store import PlannedDowntime
from lineside.history.kpi import KpiParts, Totals, combine, totals_of
from lineside.history.past import lanes, whole_from_ms
from lineside.history.plan import MachinePlan, PartGrain, Tile, cover, decode_parts
from lineside.history.store import Store

COMPUTED_MAX = 2_000  # machine-days that one question computes from intervals
_DAY_MS = 86_400_000
_SLICE = 200

_part = schema.kpi_part


class Plans:
    """What each machine of a plant is judged by; machines that are judged alike share it."""

    def __init__(
        self,
        site: Site,
        downtimes: Iterable[PlannedDowntime] = (),
        rules: Mapping[str, StatusRule] | None = None,
    ) -> None:
        """Judge by `site`; `rules` takes the place of its rules, by machine, for a preview."""
        self._of: dict[str, MachinePlan] = {}
        shared: dict[Any, MachinePlan] = {}
        downtimes = list(downtimes)
        for line in site.lines:
            calendar = site.calendar.of_line(line.id)
            own = [each for each in downtimes if each.line_id == line.id]
            for machine in line.equipment:
                rule = (rules or {}).get(machine.code, machine.rule)
                spans = tuple(
                    sorted(
                        Span(each.begin_ms, each.end_ms)
                        for each in own
                        if each.code in (None, machine.code)
                    )
                )
                key = (line.id, rule.stop_after_s, rule.value_map is None, spans)
                if key not in shared:
                    shared[key] = MachinePlan(calendar, site.kpi_rules, rule, spans)
                self._of[machine.code] = shared[key]

    def of(self, code: str) -> MachinePlan:
        """Return what a configured machine is judged by."""
        return self._of[code]


async def totals_in(
    store: Store,
    plans: Plans,
    machines: Sequence[Equipment],
    windows: Sequence[Span],
    *,
    use_parts: bool = True,
) -> list[dict[str, Totals]]:
    """Return the sums of each machine in each of `windows`.

    Args:
        store: the history.
        plans: what to judge by.
        machines: all of one line.
        windows: in order; none reaches beyond the present.
        use_parts: whether stored parts may be used; without them the answer is the same.

    Raises:
        HistoryError: the database cannot be read now, or too little is computed yet.
    """
    if not machines:
        return [{} for _ in windows]
    calendar = plans.of(machines[0].code).calendar
    codes = [machine.code for machine in machines]
    covers = [cover(calendar, window.begin_ms, window.end_ms) for window in windows]
    tiles = sorted({(t.span, t.grain or "") for tiles in covers for t in tiles})
    known: dict[tuple[str, int, int], KpiParts] = {}
    if use_parts:
        known = await _stored(store, plans, codes, [t for tiles in covers for t in tiles])
    missing = {
        span: [code for code in codes if (code, span.begin_ms, span.end_ms) not in known]
        for span, _ in tiles
    }
    _check_effort(missing, len(codes) * len(missing))
    for span, some in _joined(missing):
        await _compute(store, plans, some, span, list(missing), known)
    found = []
    for tiles_of_window in covers:
        sums = {}
        for index, code in enumerate(codes):
            if index % _SLICE == 0:
                await asyncio.sleep(0)
            parts = (known[code, t.span.begin_ms, t.span.end_ms] for t in tiles_of_window)
            sums[code] = totals_of(reduce(combine, parts, KpiParts(rules=plans.of(code).rules)))
        found.append(sums)
    return found


async def _stored(
    store: Store, plans: Plans, codes: Sequence[str], tiles: Iterable[Tile]
) -> dict[tuple[str, int, int], KpiParts]:
    """Return the stored parts that fit, by machine, begin and end.

    Where the changes of their time were deleted since, parts that no longer fit are all there is.
    """
    spans: dict[PartGrain, set[Span]] = {grain: set() for grain in PartGrain}
    for tile in tiles:
        if tile.grain is not None:
            spans[tile.grain].add(tile.span)
    found: dict[tuple[str, int, int], KpiParts] = {}
    unfit: dict[tuple[str, int, int], bytes] = {}
    for grain, wanted in spans.items():
        if not wanted:
            continue
        begin_ms, end_ms = min(wanted).begin_ms, max(wanted).begin_ms
        async with store.database.reading() as connection:
            ids = await connection.execute(select(schema.equipment.c.id, schema.equipment.c.code))
            wanted_codes = set(codes)
            code_of = {row.id: row.code for row in ids if row.code in wanted_codes}
            query = select(
                _part.c.equipment_id,
                _part.c.begin_ms,
                _part.c.end_ms,
                _part.c.reach_ms,
                _part.c.fingerprint,
                _part.c.parts,
            ).where(
                _part.c.grain == grain.value,
                _part.c.equipment_id.in_(list(code_of)),
                _part.c.begin_ms >= begin_ms,
                _part.c.begin_ms <= end_ms,
            )
            rows = (await connection.execute(query)).all()
        for index, (equipment_id, begin, end, reach_ms, fingerprint, parts) in enumerate(rows):
            if index % _SLICE == 0:
                await asyncio.sleep(0)
            span = Span(begin, end)
            code = code_of[equipment_id]
            plan = plans.of(code)
            if span not in wanted:
                continue
            if plan.fingerprint(begin, end, reach_ms) == fingerprint:
                known = _known_parts(store, code, span, parts, plan.rules)
                if known is not None:
                    found[code, begin, end] = known
            else:
                unfit[code, begin, end] = parts
    if unfit:
        whole_ms = await whole_from_ms(store, sorted({code for code, _, _ in unfit}))
        for (code, begin, end), parts in unfit.items():
            if begin < whole_ms.get(code, 0):
                span, rules = Span(begin, end), plans.of(code).rules
                known = _known_parts(store, code, span, parts, rules)
                if known is not None:
                    found[code, begin, end] = known
    return found


def _known_parts(
    store: Store, code: str, span: Span, stored: bytes, rules: KpiRules
) -> KpiParts | None:
    """Return what was computed once; None, noted, when it is not understood: then it is anew."""
    try:
        return decode_parts(stored, span, rules)
    except msgspec.MsgspecError as error:
        store.database.left_out.note("kpi_part", (code, span.begin_ms), str(error))
        return None


def _check_effort(missing: Mapping[Span, Sequence[str]], all_count: int) -> None:
    effort_ms = sum(span.length_ms * len(codes) for span, codes in missing.items())
    if effort_ms > COMPUTED_MAX * _DAY_MS:
        done = 1 - sum(map(len, missing.values())) / max(1, all_count)
        raise HistoryError(
            f"figures of so long a time are still being computed, {done:.0%} of them are ready"
        )


def _joined(missing: Mapping[Span, Sequence[str]]) -> list[tuple[Span, list[str]]]:
    """Return what is to be read: neighbouring spans of the same machines as one."""
    found: list[tuple[Span, list[str]]] = []
    for span in sorted(missing):
        codes = list(missing[span])
        if not codes:
            continue
        if found and found[-1][0].end_ms >= span.begin_ms and found[-1][1] == codes:
            joined = Span(found[-1][0].begin_ms, max(found[-1][0].end_ms, span.end_ms))
            found[-1] = (joined, codes)
        else:
            found.append((span, codes))
    return found


async def _compute(
    store: Store,
    plans: Plans,
    codes: Sequence[str],
    read: Span,
    spans: Iterable[Span],
    known: dict[tuple[str, int, int], KpiParts],
) -> None:
    """Add to `known` the parts of `codes` in those of `spans` that lie in `read`."""
    mine = [span for span in spans if read.begin_ms <= span.begin_ms and span.end_ms <= read.end_ms]
    async for lane in lanes(store, codes, read.begin_ms, read.end_ms):
        plan = plans.of(lane.code)
        judged = plan.judge(lane.intervals, read.begin_ms, read.end_ms)
        for span in mine:
            key = (lane.code, span.begin_ms, span.end_ms)
            if key not in known:
                known[key] = plan.parts(judged, span.begin_ms, span.end_ms)
        await asyncio.sleep(0)
