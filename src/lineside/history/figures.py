"""Answers questions about key figures: from stored parts where they fit, else from the intervals.

It runs in the history's thread. The two ways give the same answer; parts are only quicker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import select

from lineside.core.calendar import LineCalendar
from lineside.core.errors import HistoryError
from lineside.core.model import Equipment, KpiRules, Line, Site
from lineside.core.spans import Span, clip
from lineside.history import schema
from lineside.history.across import totals_across
from lineside.history.configured import FAR_MS, Configured, Judge
from lineside.history.downtime_store import PlannedDowntime
from lineside.history.kpi import KpiParts, Totals, combine
from lineside.history.past import lanes, whole_from_ms
from lineside.history.plan import (
    Judged,
    MachinePlan,
    PartGrain,
    RulePlan,
    Tile,
    cover,
    decode_parts,
    pieces_of,
)
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
        configured: Configured | None = None,
        *,
        is_by_site: bool = False,
    ) -> None:
        """Judge the past by what held then.

        Args:
            site: the plant as configured: what judges where nothing else is known.
            downtimes: planned downtime.
            configured: which configuration held when; None: not known, `site` always did.
            is_by_site: let `site` judge all the past of its lines, as if its rules were applied to
                it, for a preview; machines have planned time only while they were configured
                nevertheless.
        """
        self._site = site
        self._downtimes = list(downtimes)
        self._configured = configured if configured is not None and configured.is_known else None
        self._is_by_site = is_by_site
        self._machines = {each.code: each for line in site.lines for each in line.equipment}
        self._calendars: dict[str, LineCalendar] = {}
        self._of: dict[tuple[str, str | None], MachinePlan] = {}
        self._rule_plans: dict[Any, RulePlan] = {}
        self._shared: dict[Any, MachinePlan] = {}

    def of(self, code: str, line_id: str | None = None) -> MachinePlan:
        """Return what a machine is judged by that is configured, or once was.

        With `line_id`: as far as it was in that line; elsewhere it is as if it was not configured.
        """
        configured = self._configured
        if configured is None or not configured.is_elsewhere(code, line_id or ""):
            line_id = None
        found = self._of.get((code, line_id))
        if found is None:
            found = self._of[code, line_id] = self._find(code, line_id)
        return found

    def lines_of(self, code: str) -> tuple[str | None, ...]:
        """Return the lines whose figures those of a machine are the sum of.

        None stands for the only one in which it ever was.
        """
        lines = () if self._configured is None else self._configured.lines_of(code)
        return lines if len(lines) > 1 else (None,)

    def is_in(self, machine: Equipment, begin_ms: int, end_ms: int) -> bool:
        """Whether a machine was configured in its line at some time in [begin_ms, end_ms)."""
        return self._configured is None or self._configured.was_in(
            machine.code, machine.line_id, begin_ms, end_ms
        )

    def last_line(self, code: str, lines: Sequence[str], begin_ms: int, end_ms: int) -> str:
        """Return which of `lines` a machine is in now; or else, in which it was last in a time."""
        machine = self._machines.get(code)
        if machine is not None and machine.line_id in lines:
            return machine.line_id
        if self._configured is None:
            return lines[-1]
        ends_ms = []
        for line_id in lines:
            there = clip(self._configured.there(code, line_id), begin_ms, end_ms)
            ends_ms.append((there[-1].end_ms if there else 0, line_id))
        return max(ends_ms)[1]

    def has_own_stop_after(self, machine: Equipment) -> bool:
        """Whether a machine keeps a `stop_after` of its own, whatever is applied to its line."""
        now = self._machines.get(machine.code)
        if now is not None and now.line_id == machine.line_id:
            return now.has_own_stop_after
        known = self._configured
        return known is not None and known.has_own_stop_after(machine.code, machine.line_id)

    def taken_out_ms(self, code: str) -> int | None:
        """Return when a machine was taken out; None while it is configured."""
        if code in self._machines or self._configured is None:
            return None
        return self._configured.taken_out_ms(code)

    def calendar_of(self, line_id: str) -> LineCalendar:
        """Return how a line works now."""
        found = self._calendars.get(line_id)
        if found is None:
            found = self._calendars[line_id] = self._site.calendar.of_line(line_id)
        return found

    def _find(self, code: str, line_id: str | None) -> MachinePlan:
        machine, judges = self._machines.get(code), self._judges(code, line_id)
        spans = None if self._configured is None else self._configured.spans_of(code)
        if self._configured is not None and line_id is not None:
            spans = self._configured.there(code, line_id)
        if machine is None and self._configured is not None:
            machine = self._configured.machine(code)
        if machine is None:
            raise KeyError(code)
        downtime = self._downtime(machine)
        line_id = line_id or machine.line_id
        key = (
            line_id,
            tuple((each.begin_ms, each.key) for each in judges),
            downtime,
            spans,
        )
        if key not in self._shared:
            plans = [(each.begin_ms, self._rule_plan(each, downtime)) for each in judges]
            self._shared[key] = MachinePlan(self.calendar_of(line_id), plans, spans)
        return self._shared[key]

    def _downtime(self, machine: Equipment) -> tuple[Span, ...]:
        """Return the planned downtime of a machine: its own, and of its line while it was there."""
        found: list[Span] = []
        for each in self._downtimes:
            if each.code == machine.code:
                found.append(Span(each.begin_ms, each.end_ms))
            elif each.code is None:
                there = self._spans_in_line(machine, each.line_id)
                found += clip(there, each.begin_ms, each.end_ms)
        return tuple(sorted(found))

    def _spans_in_line(self, machine: Equipment, line_id: str) -> tuple[Span, ...]:
        if self._configured is None or not self._configured.spans_of(machine.code):
            return (Span(0, FAR_MS),) if machine.line_id == line_id else ()
        return self._configured.spans_in_line(machine.code, line_id)

    def _judges(self, code: str, line_id: str | None) -> Sequence[Judge]:
        known = self._configured
        found: Sequence[Judge] = () if known is None else known.judges_of(code)
        if self._is_by_site:
            found = self._judges_by_site(code, line_id) or found
        machine = self._machines.get(code)
        if found or machine is None:
            return found
        return (
            Judge(
                begin_ms=0,
                calendar=self.calendar_of(machine.line_id),
                rules=self._site.kpi_rules,
                rule=machine.rule,
            ),
        )

    def _judges_by_site(self, code: str, line_id: str | None) -> Sequence[Judge]:
        """Return what judges a machine by the site in a line of it; nothing in one that is gone."""
        line = self._line_of(code, line_id)
        if self._configured is None or line is None:
            return ()
        calendar, rules = self.calendar_of(line.id), self._site.kpi_rules
        anew = self._configured.judged_anew(code, line, calendar, rules)
        return [judge for judge, _ in anew]

    def _line_of(self, code: str, line_id: str | None) -> Line | None:
        """Return a line of the site; without a name the last one in which a machine was."""
        if line_id is None:
            machine = self._machines.get(code)
            if machine is None and self._configured is not None:
                machine = self._configured.machine(code)
            line_id = None if machine is None else machine.line_id
        return next((each for each in self._site.lines if each.id == line_id), None)

    def _rule_plan(self, judge: Judge, downtime: tuple[Span, ...]) -> RulePlan:
        key = (judge.key, downtime)
        if key not in self._rule_plans:
            self._rule_plans[key] = RulePlan(judge.calendar, judge.rules, judge.rule, downtime)
        return self._rule_plans[key]


async def totals_in(
    store: Store,
    plans: Plans,
    machines: Sequence[Equipment],
    windows: Sequence[Span],
    *,
    line_id: str | None = None,
    use_parts: bool = True,
) -> list[dict[str, Totals]]:
    """Return the sums of each machine in each of `windows`.

    Args:
        store: the history.
        plans: what to judge by.
        machines: all of one line.
        windows: in order; none reaches beyond the present.
        line_id: count what they did while they were in this line; None: in whichever. The sums of
            a machine that was moved are those of its lines together.
        use_parts: whether stored parts may be used; without them the answer is the same.

    Raises:
        HistoryError: the database cannot be read now, or too little is computed yet.
    """
    if line_id is not None:
        return await _totals_of_line(store, plans, machines, windows, line_id, use_parts)
    found: list[dict[str, Totals]] = [
        dict.fromkeys((each.code for each in machines), Totals()) for _ in windows
    ]
    by_line: dict[str | None, list[Equipment]] = {}
    for machine in machines:
        for each in plans.lines_of(machine.code):
            by_line.setdefault(each, []).append(machine)
    for each, some in by_line.items():
        of_line = await _totals_of_line(store, plans, some, windows, each, use_parts)
        for sums, more in zip(found, of_line, strict=True):
            for code, totals in more.items():
                sums[code] += totals
    return found


async def _totals_of_line(
    store: Store,
    plans: Plans,
    machines: Sequence[Equipment],
    windows: Sequence[Span],
    line_id: str | None,
    use_parts: bool,
) -> list[dict[str, Totals]]:
    """Return the sums of each machine while it was in one line, in each of `windows`."""
    if not machines:
        return [{} for _ in windows]
    calendar = plans.of(machines[0].code, line_id).calendar
    codes = [machine.code for machine in machines]
    covers = [cover(calendar, window.begin_ms, window.end_ms) for window in windows]
    known: dict[tuple[str, int, int], KpiParts] = {}
    if use_parts:
        known = await _stored(store, plans, codes, line_id, {t for some in covers for t in some})
    lost = await _leave_out_deleted(store, plans, codes, line_id, covers, known, use_parts)
    tiles = sorted({(t.span, t.grain or "") for tiles in covers for t in tiles})
    for code in codes:
        plan = plans.of(code, line_id)
        for span, _ in tiles:  # where it was not there nothing needs to be read
            if not plan.configured_in(span.begin_ms, span.end_ms):
                known.setdefault((code, span.begin_ms, span.end_ms), _unseen(plan, span))
    missing = {
        span: [code for code in codes if (code, span.begin_ms, span.end_ms) not in known]
        for span, _ in tiles
    }
    _check_effort(missing, len(codes) * len(missing))
    for span, some in _joined(missing):
        await _compute(store, plans, some, line_id, span, list(missing), known)
    found = []
    for tiles_of_window in covers:
        sums = {}
        for index, code in enumerate(codes):
            if index % _SLICE == 0:
                await asyncio.sleep(0)
            keys = [_key(code, tile) for tile in tiles_of_window]
            totals = _totals(known[key] for key in keys)
            kept_from_ms = max((lost[key] for key in keys if key in lost), default=None)
            sums[code] = msgspec.structs.replace(totals, kept_from_ms=kept_from_ms)
        found.append(sums)
    return found


async def _stored(
    store: Store,
    plans: Plans,
    codes: Sequence[str],
    line_id: str | None,
    tiles: Iterable[Tile],
) -> dict[tuple[str, int, int], KpiParts]:
    """Return the stored parts that fit, by machine, begin and end.

    Where the changes of their time were deleted since, a part of another version fits, too.
    """
    spans: dict[PartGrain, set[Span]] = {grain: set() for grain in PartGrain}
    for tile in tiles:
        if tile.grain is not None:
            spans[tile.grain].add(tile.span)
    found: dict[tuple[str, int, int], KpiParts] = {}
    unfit: dict[tuple[str, int, int], Any] = {}
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
        for index, row in enumerate(rows):
            if index % _SLICE == 0:
                await asyncio.sleep(0)
            equipment_id, begin, end, reach_ms, fingerprint, parts = row
            span = Span(begin, end)
            code = code_of[equipment_id]
            plan = plans.of(code, line_id)
            if span not in wanted:
                continue
            if plan.fingerprint(begin, end, reach_ms) == fingerprint:
                known = _known_parts(store, code, span, parts, plan.rules_at(end - 1))
                if known is not None:
                    found[code, begin, end] = known
            else:
                unfit[code, begin, end] = row
    if unfit:
        whole_ms = await whole_from_ms(store, sorted({code for code, _, _ in unfit}))
        for (code, begin, end), row in unfit.items():
            plan = plans.of(code, line_id)
            is_alike = plan.is_judged_alike(row.fingerprint, begin, end, row.reach_ms)
            if is_alike and begin < whole_ms.get(code, 0):
                span, rules = Span(begin, end), plan.rules_at(end - 1)
                known = _known_parts(store, code, span, row.parts, rules)
                if known is not None:
                    found[code, begin, end] = known
    return found


async def _leave_out_deleted(
    store: Store,
    plans: Plans,
    codes: Sequence[str],
    line_id: str | None,
    covers: Sequence[Sequence[Tile]],
    known: dict[tuple[str, int, int], KpiParts],
    use_parts: bool,
) -> dict[tuple[str, int, int], int]:
    """Add to `known` that of which nothing is kept that fits, and changes were deleted.

    It is unseen, but for those pieces of a day that still fit. Returned is of which tiles some time
    is lost by it in which the machine was there, planned or not, and from when on nothing is.
    """
    tiles = {t for some in covers for t in some}
    lacking = [code for code in codes if any(_key(code, t) not in known for t in tiles)]
    whole_ms = await whole_from_ms(store, lacking) if lacking else {}
    begun = [
        (code, tile)
        for code, from_ms in whole_ms.items()
        for tile in tiles
        if tile.span.begin_ms < from_ms and _key(code, tile) not in known
    ]
    lost = {
        _key(code, tile): whole_ms[code]
        for code, tile in begun
        if plans.of(code, line_id).configured_in(
            tile.span.begin_ms, min(tile.span.end_ms, whole_ms[code])
        )
    }
    deleted = [(code, tile) for code, tile in begun if tile.span.end_ms <= whole_ms[code]]
    days = {tile for _, tile in deleted if tile.grain is PartGrain.DAY}
    calendar = plans.of(codes[0], line_id).calendar
    pieces = {day: pieces_of(calendar, day.span) for day in days}
    asked = {Tile(grain=PartGrain.PIECE, span=span) for some in pieces.values() for span in some}
    kept: dict[tuple[str, int, int], KpiParts] = {}
    if asked and use_parts:
        kept = await _stored(store, plans, [*whole_ms], line_id, asked)
    for index, (code, tile) in enumerate(deleted):
        if index % _SLICE == 0:
            await asyncio.sleep(0)
        plan = plans.of(code, line_id)
        spans = pieces.get(tile, [tile.span])
        found = [kept.get((code, span.begin_ms, span.end_ms)) for span in spans]
        parts = [part or _unseen(plan, span) for part, span in zip(found, spans, strict=True)]
        is_one = all(each.rules == parts[-1].rules for each in parts)
        known[_key(code, tile)] = reduce(combine, parts) if is_one else _unseen(plan, tile.span)
        if is_one and all(found):
            lost.pop(_key(code, tile), None)
    return lost


def _unseen(plan: MachinePlan, span: Span) -> KpiParts:
    nothing = Judged(intervals=[], reach_ms=span.begin_ms)
    return plan.parts(nothing, span.begin_ms, span.end_ms)


def _key(code: str, tile: Tile) -> tuple[str, int, int]:
    return code, tile.span.begin_ms, tile.span.end_ms


def _totals(parts: Iterable[KpiParts]) -> Totals:
    """Return the sums of one machine's pieces of a window, in order."""
    alike = groupby(parts, key=lambda each: each.rules)
    return totals_across(reduce(combine, some, KpiParts(rules=rules)) for rules, some in alike)


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
    line_id: str | None,
    read: Span,
    spans: Iterable[Span],
    known: dict[tuple[str, int, int], KpiParts],
) -> None:
    """Add to `known` the parts of `codes` in those of `spans` that lie in `read`."""
    mine = [span for span in spans if read.begin_ms <= span.begin_ms and span.end_ms <= read.end_ms]
    async for lane in lanes(store, codes, read.begin_ms, read.end_ms):
        plan = plans.of(lane.code, line_id)
        judged = plan.judge(lane.intervals, read.begin_ms, read.end_ms)
        for span in mine:
            key = (lane.code, span.begin_ms, span.end_ms)
            if key not in known:
                known[key] = plan.parts(judged, span.begin_ms, span.end_ms)
        await asyncio.sleep(0)
