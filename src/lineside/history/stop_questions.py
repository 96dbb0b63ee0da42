"""Answers questions about stops. It runs in the history's thread."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

import msgspec

from lineside.core.model import Equipment, KpiRules
from lineside.core.spans import Span
from lineside.history.downtime import Stop, all_stops, asking, counted_in, explained
from lineside.history.downtime_store import said_of
from lineside.history.figures import Plans
from lineside.history.kpi import StatusInterval
from lineside.history.past import lanes
from lineside.history.plan import MachinePlan, cover
from lineside.history.store import Store

_DAY_MS = 86_400_000
# How far around a window the ends of a stop are looked for, step by step.
_REACHES_MS = (_DAY_MS, 8 * _DAY_MS, 64 * _DAY_MS)


class MachineStop(msgspec.Struct, frozen=True, kw_only=True):
    """A stop and whose it is."""

    machine: Equipment
    stop: Stop

    @property
    def id(self) -> str:
        """What it is called."""
        return f"{self.machine.code}@{self.stop.begin_ms}"


async def stops_in(
    store: Store,
    plans: Plans,
    machines: Sequence[Equipment],
    begin_ms: int,
    end_ms: int,
    now_ms: int,
    *,
    as_figures: bool = False,
) -> list[MachineStop]:
    """Return the stops that overlap [begin_ms, end_ms) and ask for a reason, whole, oldest first.

    Args:
        store: the history.
        plans: what to judge by.
        machines: whose stops.
        begin_ms: start of the window, in UTC Unix milliseconds.
        end_ms: its end.
        now_ms: the present.
        as_figures: only those that key figures of the window count; the sum of their `counted` is
            the number of stops there.

    Raises:
        HistoryError: the database cannot be read now.
    """
    found: list[MachineStop] = []
    left = list(machines)
    for reach_ms in _REACHES_MS:
        if not left:
            break
        first_ms, last_ms = begin_ms - reach_ms, min(now_ms, end_ms + reach_ms)
        if first_ms >= last_ms:
            break
        said = await said_of(store, [each.code for each in left], first_ms, last_ms)
        by_code = {each.code: each for each in left}
        again = []
        async for lane in lanes(store, list(by_code), first_ms, last_ms):
            machine, plan = by_code[lane.code], plans.of(lane.code)
            judged = plan.judge(lane.intervals, first_ms, last_ms)
            planned = plan.planned(first_ms, last_ms)
            rules_at = _rules_in(plan, begin_ms, end_ms) if as_figures else plan.rules_at
            long = [
                stop
                for stop in _stops_of(
                    judged.intervals, planned, plan.configured_in(first_ms, last_ms), last_ms
                )
                if asking((stop,), plan.rules_at(stop.begin_ms))
                or (as_figures and any(counted_in((stop,), begin_ms, end_ms, rules_at)))
            ]
            stops = [
                stop
                for stop in explained(long, said[lane.code])
                if stop.begin_ms < end_ms and begin_ms < stop.end_ms
            ]
            is_cut = any(
                stop.from_ms == first_ms or (stop.is_open and last_ms < now_ms) for stop in stops
            )
            if is_cut and reach_ms != _REACHES_MS[-1]:
                again.append(machine)
            else:
                if as_figures:
                    stops = list(counted_in(stops, begin_ms, end_ms, rules_at))
                found += [MachineStop(machine=machine, stop=stop) for stop in stops]
        left = again
    return sorted(found, key=lambda each: (each.stop.begin_ms, each.machine.code))


def _rules_in(plan: MachinePlan, begin_ms: int, end_ms: int) -> Callable[[int], KpiRules]:
    """Return the rules by which figures of [begin_ms, end_ms) tell what begins at a moment of it.

    They make up the window of pieces, each of which is judged by the rules at its end.
    """
    ends_ms = [tile.span.end_ms for tile in cover(plan.calendar, begin_ms, end_ms)]
    return lambda at_ms: plan.rules_at(ends_ms[bisect_right(ends_ms, at_ms)] - 1)


def _stops_of(
    intervals: Sequence[StatusInterval],
    planned: Sequence[Span],
    configured: Sequence[Span],
    last_ms: int,
) -> list[Stop]:
    """Return the stops of a machine; with one that is taken out before `last_ms` they end.

    As in the figures, they go on through time in which it was away, which is not planned.
    """
    if not configured:
        return []
    begin_ms, end_ms = configured[0].begin_ms, configured[-1].end_ms
    found = all_stops(intervals, planned, begin_ms, end_ms)
    if end_ms == last_ms:
        return found
    return [msgspec.structs.replace(stop, is_open=False) for stop in found]
