"""How each interval of a machine was counted: what a figure is opened down to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from lineside.core.model import Equipment, Site
from lineside.core.spans import Span
from lineside.history.behind import Counted, behind
from lineside.history.figures import Plans
from lineside.history.kpi import pieces_of
from lineside.history.kpi_rows import plans_of
from lineside.history.kpi_words import Behind
from lineside.history.past import Lane, lanes
from lineside.history.stop_questions import MachineStop, stops_in
from lineside.history.store import Store


async def counted_intervals(
    store: Store,
    site: Site,
    machine: Sequence[Equipment],
    begin_ms: int,
    end_ms: int,
    now_ms: int,
    *,
    line_id: str | None = None,
) -> list[Counted]:
    """Return what figures of a machine in [begin_ms, end_ms) are made of; they tile the window.

    Args:
        store: the history.
        site: the plant as configured.
        machine: one, as it was configured in each of its lines.
        begin_ms: start of the window, in UTC Unix milliseconds.
        end_ms: its end, not beyond the present.
        now_ms: the present.
        line_id: as the figures of this line count it; None: as those of the machine in all lines.

    Raises:
        HistoryError: the database cannot be read now.
    """
    if begin_ms >= end_ms:
        return []
    plans = await plans_of(store, site)
    code = machine[0].code
    stops = await stops_in(store, plans, machine, begin_ms, end_ms, now_ms)
    reasons = [each for each in stops if each.stop.reason is not None]
    found: list[Counted] = []
    async for lane in lanes(store, [code], begin_ms, end_ms):
        for each in _tiles(plans, lane, begin_ms, end_ms, line_id):
            counted = _explained(each, reasons)
            if found and found[-1].goes_on_in(counted):  # why it waited is another matter
                found[-1] = msgspec.structs.replace(found[-1], end_ms=counted.end_ms)
            else:
                found.append(counted)
    return found


async def failures_in(
    store: Store, site: Site, code: str, begin_ms: int, end_ms: int
) -> list[Span]:
    """Return the failures that figures of a machine in [begin_ms, end_ms) count, in order.

    Raises:
        HistoryError: the database cannot be read now.
    """
    if begin_ms >= end_ms:
        return []
    plans = await plans_of(store, site)
    found: list[Span] = []
    async for lane in lanes(store, [code], begin_ms, end_ms):
        failed = behind(Behind.FAILURES, _counted(plans, lane, begin_ms, end_ms, None))
        for _, pieces in groupby(failed, key=lambda each: each.failure_ms):
            first, *others = pieces
            last = others[-1] if others else first
            found.append(Span(first.begin_ms, last.end_ms))
    return found


def _counted(
    plans: Plans, lane: Lane, begin_ms: int, end_ms: int, line_id: str | None
) -> list[Counted]:
    """Return what is counted of a machine in a line, or in each of its lines, in order."""
    found: list[Counted] = []
    for each in plans.lines_of(lane.code) if line_id is None else (line_id,):
        plan = plans.of(lane.code, each)
        judged = plan.judge(lane.intervals, begin_ms, end_ms)
        counted = plan.counted(judged, begin_ms, end_ms)
        found += (msgspec.structs.replace(piece, line_id=each) for piece in counted)
    return sorted(found, key=lambda piece: piece.begin_ms)


def _tiles(
    plans: Plans, lane: Lane, begin_ms: int, end_ms: int, line_id: str | None
) -> Iterator[Counted]:
    """Yield what is counted, and between it the time in which the machine was not configured."""
    reached_ms = begin_ms
    judged = plans.of(lane.code, line_id).judge(lane.intervals, begin_ms, end_ms)
    for each in (*_counted(plans, lane, begin_ms, end_ms, line_id), None):
        until_ms = end_ms if each is None else each.begin_ms
        if reached_ms < until_ms:
            for begin, end, status, _ in pieces_of(judged.intervals, (), reached_ms, until_ms):
                yield Counted(begin_ms=begin, end_ms=end, status=status, is_planned=False)
        if each is not None:
            yield each
            reached_ms = each.end_ms


def _explained(each: Counted, reasons: Sequence[MachineStop]) -> Counted:
    """Return it with why it stood, as somebody said."""
    for told in reasons:
        reason = told.stop.reason
        if reason is not None and told.stop.down_in(each.begin_ms, each.end_ms) > 0:
            return msgspec.structs.replace(each, reason=reason.reason, comment=reason.comment)
    return each
