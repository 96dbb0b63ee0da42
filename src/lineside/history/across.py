"""Joins a machine's parts of a window in which `micro_stop` or `failure_after` changed. Pure.

A stop and a failure are one wherever they end, and are told by the rules of the part in which they
begin, as far as they lie in the window.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lineside.history.failures import Failures, Stretch
from lineside.history.kpi import KpiParts, Times, Totals, totals_from
from lineside.history.stops import StopCounts, one_stop


def totals_across(parts: Iterable[KpiParts]) -> Totals:
    """Return the sums of one machine's parts, each of which begins where the one before it ends."""
    some = [each for each in parts if each.window is not None]
    times = sum((each.times for each in some), Times())
    return totals_from(times, _stops(some), _failures(some))


def _stops(some: Iterable[KpiParts]) -> StopCounts:
    counts = StopCounts()
    lasts_ms = micro_stop_ms = 0  # of the stop that goes on
    for each in some:
        if lasts_ms == 0:
            micro_stop_ms = each.rules.micro_stop_ms
        if each.stops.is_broken:
            ended = one_stop(lasts_ms + each.stops.head_ms, micro_stop_ms)
            counts = counts + ended + each.stops.inner
            lasts_ms, micro_stop_ms = each.stops.tail_ms, each.rules.micro_stop_ms
        else:
            lasts_ms += each.stops.tail_ms
    return counts + one_stop(lasts_ms, micro_stop_ms)


def _failures(some: Iterable[KpiParts]) -> Failures:
    found = Failures()
    stretch, failure_after_ms = Stretch(), 0  # the time in error or out of sight that goes on
    begin_ms: int | None = None
    is_broken = False
    for each in some:
        if begin_ms is None and each.window is not None:
            begin_ms = each.window.begin_ms
        if stretch.first_ms is None:
            failure_after_ms = each.rules.failure_after_ms
        if not each.failures.is_broken:
            stretch = stretch.followed_by(each.failures.tail)
            continue
        head = stretch.followed_by(each.failures.head)
        ended = head.as_failures(failure_after_ms)
        if not is_broken and head.first_ms == begin_ms:  # it was entered before the window
            ended = msgspec.structs.replace(ended, count=0)
        found = found.followed_by(ended).followed_by(each.failures.inner)
        stretch, failure_after_ms = each.failures.tail, each.rules.failure_after_ms
        is_broken = True
    if stretch.length_ms(failure_after_ms) is None:
        return found
    was_entered = is_broken or stretch.first_ms != begin_ms
    return found.followed_by(Failures(count=int(was_entered)))
