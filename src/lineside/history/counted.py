"""How each interval of a machine was counted: what a figure is opened down to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineside.core.model import Equipment, Site, Status
from lineside.core.times import iso_utc
from lineside.history.kpi import pieces_of
from lineside.history.kpi_rows import plans_of
from lineside.history.past import lanes
from lineside.history.stop_questions import stops_in
from lineside.history.store import Store

_COUNTS_AS = {
    Status.RUNNING: "running",
    Status.IDLE: "idle",
    Status.STOPPED: "stopped",
    Status.ERROR: "error",
}


async def counted_intervals(
    store: Store,
    site: Site,
    machine: Sequence[Equipment],
    begin_ms: int,
    end_ms: int,
    now_ms: int,
) -> list[dict[str, Any]]:
    """Return what figures of a machine in [begin_ms, end_ms) are made of; it tiles the window.

    `machine` is one, as it was configured in each of its lines.

    Raises:
        HistoryError: the database cannot be read now.
    """
    if begin_ms >= end_ms:
        return []
    plans = await plans_of(store, site)
    plan, code = plans.of(machine[0].code), machine[0].code
    stops = await stops_in(store, plans, machine, begin_ms, end_ms, now_ms)
    reasons = [each.stop for each in stops if each.stop.reason is not None]
    found: list[dict[str, Any]] = []
    async for lane in lanes(store, [code], begin_ms, end_ms):
        judged = plan.judge(lane.intervals, begin_ms, end_ms)
        planned = plan.planned(begin_ms, end_ms)
        for begin, end, status, is_planned in pieces_of(
            judged.intervals, planned, begin_ms, end_ms
        ):
            stop = next((s for s in reasons if s.down_in(begin, end) > 0), None)
            counts_as = _COUNTS_AS.get(status, "not_seen") if status is not None else "not_seen"
            reason = stop.reason if stop is not None else None
            counted = {
                "begin": iso_utc(begin / 1000),
                "end": iso_utc(end / 1000),
                "status": status.value if status is not None else "unseen",
                "is_planned": is_planned,
                "counts_as": counts_as if is_planned else "not_planned",
                "reason": reason.reason if reason is not None else None,
                "comment": reason.comment if reason is not None else None,
            }
            if found and counted == {**found[-1], "begin": counted["begin"], "end": counted["end"]}:
                found[-1]["end"] = counted["end"]  # why it waited is another matter
            else:
                found.append(counted)
    return found
