"""How each interval of a machine was counted: what a figure is opened down to."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lineside.core.model import Equipment, Site
from lineside.history.behind import Counted, behind
from lineside.history.kpi import pieces_of
from lineside.history.kpi_rows import plans_of
from lineside.history.kpi_words import Behind
from lineside.history.past import lanes
from lineside.history.stop_questions import rules_in, stops_in
from lineside.history.store import Store


async def counted_intervals(
    store: Store,
    site: Site,
    machine: Sequence[Equipment],
    begin_ms: int,
    end_ms: int,
    now_ms: int,
    figure: Behind | None = None,
) -> list[Counted]:
    """Return what figures of a machine in [begin_ms, end_ms) are made of.

    `machine` is one, as it was configured in each of its lines. With `figure` they are those that
    take part in it; without, they tile the window.

    Raises:
        HistoryError: the database cannot be read now.
    """
    if begin_ms >= end_ms:
        return []
    plans = await plans_of(store, site)
    plan, code = plans.of(machine[0].code), machine[0].code
    stops = await stops_in(store, plans, machine, begin_ms, end_ms, now_ms)
    reasons = [each.stop for each in stops if each.stop.reason is not None]
    found: list[Counted] = []
    async for lane in lanes(store, [code], begin_ms, end_ms):
        judged = plan.judge(lane.intervals, begin_ms, end_ms)
        planned = plan.planned(begin_ms, end_ms)
        for begin, end, status, is_planned in pieces_of(
            judged.intervals, planned, begin_ms, end_ms
        ):
            stop = next((s for s in reasons if s.down_in(begin, end) > 0), None)
            reason = stop.reason if stop is not None else None
            counted = Counted(
                begin_ms=begin,
                end_ms=end,
                status=status,
                is_planned=is_planned,
                reason=reason.reason if reason is not None else None,
                comment=reason.comment if reason is not None else None,
            )
            if found and found[-1].goes_on_in(counted):  # why it waited is another matter
                found[-1] = msgspec.structs.replace(found[-1], end_ms=end)
            else:
                found.append(counted)
    if figure is None:
        return found
    return behind(figure, found, rules_in(plan, begin_ms, end_ms))
