"""Which intervals stand behind which figure of one machine, and how each was counted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from lineside.core.model import KpiRules, Status
from lineside.core.times import iso_utc
from lineside.history.kpi_words import Behind

_STANDING = frozenset({Status.IDLE, Status.STOPPED, Status.ERROR})
_BUSY = frozenset({Status.RUNNING, Status.ERROR})


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of time and how it was counted. `status` None: nobody saw it."""

    begin_ms: int
    end_ms: int
    status: Status | None
    is_planned: bool
    reason: str | None = None  # code of the downtime reason
    comment: str | None = None

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.begin_ms

    @property
    def is_seen(self) -> bool:
        """Whether what the machine did is known."""
        return self.status is not None and self.status is not Status.DISCONNECTED

    @property
    def is_standing(self) -> bool:
        """Whether it is a piece of a stop."""
        return self.is_planned and self.status in _STANDING

    def goes_on_in(self, other: Counted) -> bool:
        """Whether `other` follows it and was counted alike."""
        same = msgspec.structs.replace(other, begin_ms=self.begin_ms, end_ms=self.end_ms)
        return self.end_ms == other.begin_ms and same == self

    def told(self) -> dict[str, Any]:
        """Return it as REST tells it."""
        counts_as = self.status.value if self.is_seen and self.status is not None else "not_seen"
        return {
            "begin": iso_utc(self.begin_ms / 1000),
            "end": iso_utc(self.end_ms / 1000),
            "status": "unseen" if self.status is None else self.status.value,
            "is_planned": self.is_planned,
            "counts_as": counts_as if self.is_planned else "not_planned",
            "reason": self.reason,
            "comment": self.comment,
        }


def behind(
    figure: Behind, intervals: Sequence[Counted], rules_at: Callable[[int], KpiRules]
) -> list[Counted]:
    """Return those of `intervals` that take part in a figure, above or below its fraction's line.

    Args:
        figure: which one.
        intervals: all of a window, in order.
        rules_at: what tells micro-stops that begin at a moment, in UTC Unix milliseconds.
    """
    if figure in (Behind.STOPS, Behind.MICRO_STOPS):
        is_wanted_micro = figure is Behind.MICRO_STOPS
        found = []
        for stop in _stops(intervals):
            length_ms = sum(each.length_ms for each in stop)
            is_micro = length_ms <= rules_at(stop[0].begin_ms).micro_stop_ms
            found += stop if is_micro == is_wanted_micro else []
        return found
    return [each for each in intervals if _takes_part(each, figure)]


def _takes_part(each: Counted, figure: Behind) -> bool:
    match figure:
        case Behind.MTBF:
            return each.status in _BUSY
        case Behind.MTTR:
            return each.status is Status.ERROR
        case Behind.AVAILABILITY:
            return each.is_planned and each.is_seen
        case Behind.UTILISATION:
            return each.is_planned and each.is_seen and each.status is not Status.STOPPED
        case Behind.TECHNICAL_EFFICIENCY:
            return each.is_planned and each.status in _BUSY
        case Behind.UNSEEN:
            return each.is_planned and not each.is_seen
    return each.is_planned


def _stops(intervals: Iterable[Counted]) -> list[list[Counted]]:
    """Return the stops, each as its intervals.

    A stop goes on across time that is not planned, and ends where the machine runs or, in planned
    time, is not seen.
    """
    stops: list[list[Counted]] = []
    goes_on = False
    for each in intervals:
        if each.is_standing:
            if not goes_on:
                stops.append([])
            stops[-1].append(each)
            goes_on = True
        elif each.is_planned or each.status is Status.RUNNING:
            goes_on = False
    return stops
