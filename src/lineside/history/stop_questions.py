"""Answers questions about stops. It runs in the history's thread."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lineside.core.model import Equipment
from lineside.core.spans import Span
from lineside.history.downtime import Said, Stop, all_stops, asking, counted_in, explained
from lineside.history.downtime_store import said_of
from lineside.history.figures import Plans
from lineside.history.kpi import StatusInterval
from lineside.history.past import Lane, lanes
from lineside.history.plan import MachinePlan
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
        machines: whose stops, of each while it was in its line.
        begin_ms: start of the window, in UTC Unix milliseconds.
        end_ms: its end.
        now_ms: the present.
        as_figures: only those that key figures of the window count; the sum of their `counted` is
            the number of stops there.

    Raises:
        HistoryError: the database cannot be read now.
    """
    found: list[MachineStop] = []
    left, asked = list(machines), Span(begin_ms, end_ms)
    for reach_ms in _REACHES_MS:
        if not left:
            break
        first_ms, last_ms = begin_ms - reach_ms, min(now_ms, end_ms + reach_ms)
        if first_ms >= last_ms:
            break
        said = await said_of(store, [each.code for each in left], first_ms, last_ms)
        by_code: dict[str, list[Equipment]] = {}
        for each in left:
            by_code.setdefault(each.code, []).append(each)
        again = []
        async for lane in lanes(store, list(by_code), first_ms, last_ms):
            for machine in by_code[lane.code]:
                plan = plans.of(machine.code, machine.line_id)
                stops = _stops_of_machine(
                    plan, lane, said[lane.code], Span(first_ms, last_ms), asked, as_figures
                )
                is_cut = any(
                    stop.from_ms == first_ms or (stop.is_open and last_ms < now_ms)
                    for stop in stops
                )
                if is_cut and reach_ms != _REACHES_MS[-1]:
                    again.append(machine)
                    continue
                if as_figures:
                    rules_at = plan.rules_in(begin_ms, end_ms)
                    stops = list(counted_in(stops, begin_ms, end_ms, rules_at))
                found += [MachineStop(machine=machine, stop=stop) for stop in stops]
        left = again
    return sorted(found, key=lambda each: (each.stop.begin_ms, each.machine.code))


def _stops_of_machine(
    plan: MachinePlan, lane: Lane, said: Said, read: Span, asked: Span, as_figures: bool
) -> list[Stop]:
    """Return those stops of what was read of a machine that overlap `asked`, explained."""
    judged = plan.judge(lane.intervals, read.begin_ms, read.end_ms)
    planned = plan.planned(read.begin_ms, read.end_ms)
    rules_at = plan.rules_in(asked.begin_ms, asked.end_ms) if as_figures else plan.rules_at
    long = [
        stop
        for span in plan.configured_in(read.begin_ms, read.end_ms)
        for stop in _stops_of(judged.intervals, planned, span, read.end_ms)
        if asking((stop,), plan.rules_at(stop.begin_ms))
        or (as_figures and any(counted_in((stop,), asked.begin_ms, asked.end_ms, rules_at)))
    ]
    return [
        stop
        for stop in explained(long, said)
        if stop.begin_ms < asked.end_ms and asked.begin_ms < stop.end_ms
    ]


def _stops_of(
    intervals: Sequence[StatusInterval], planned: Sequence[Span], span: Span, last_ms: int
) -> list[Stop]:
    """Return the stops in `span`; with a machine that is taken out before `last_ms` they end."""
    found = all_stops(intervals, planned, span.begin_ms, span.end_ms)
    if span.end_ms == last_ms:
        return found
    return [msgspec.structs.replace(stop, is_open=False) for stop in found]
