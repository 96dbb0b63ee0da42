"""What the status rule asks of a line's working time on each tick, kept at hand. Pure.

The answers are those of the calendar and nothing else: what is remembered only makes them cheap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from lineside.core.calendar import LineCalendar
from lineside.core.spans import Span

_DAY_MS = 86_400_000
_STEP_MS = _DAY_MS  # how far beyond a question the calendar is asked
_REACH_MS = 400 * _DAY_MS  # farther back or ahead nothing matters: no stop timer is so long
_LOOKS_MS = (_DAY_MS, 12 * _DAY_MS, _REACH_MS)  # over a night, over holidays, and at most


class PlannedTime:
    """The planned time of a line with shifts around the present, in UTC Unix milliseconds."""

    def __init__(self, calendar: LineCalendar) -> None:
        """Answer for `calendar`."""
        self._calendar = calendar
        self._known = Span(0, 0)
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._before: list[int] = []  # planned time in the spans before each, since `_known` began
        self._now = Span(0, 0)  # while `_is_planned_now` holds
        self._is_planned_now = False
        self._before_now = 0

    def is_planned(self, at_ms: int) -> bool:
        """Whether work is planned at a moment: in a shift, and not in one of its breaks."""
        now = self._now
        if not now.begin_ms <= at_ms < now.end_ms:
            self._look(at_ms)
        return self._is_planned_now

    def elapsed_ms(self, begin_ms: int, end_ms: int) -> int:
        """Return how much of [begin_ms, end_ms) is planned, of its last 400 days."""
        now = self._now
        if self._is_planned_now and now.begin_ms <= begin_ms and end_ms <= now.end_ms:
            return end_ms - begin_ms
        begin_ms = max(begin_ms, end_ms - _REACH_MS)
        self._learn(begin_ms, end_ms)
        return self._until(end_ms) - self._until(begin_ms)

    def next_ms(self, at_ms: int) -> int | None:
        """Return the first planned moment from `at_ms` on; None when 400 days have none."""
        if self.is_planned(at_ms):
            return at_ms
        for reach_ms in _LOOKS_MS:
            self._learn(at_ms, at_ms + reach_ms)
            index = bisect_left(self._begins, at_ms)
            if index < len(self._begins):
                return self._begins[index]
        return None

    def after_ms(self, begin_ms: int, planned_ms: int) -> int | None:
        """Return when `planned_ms` (above 0) of planned time have passed since `begin_ms`.

        None when that is not within 400 days.
        """
        now = self._now
        if self._is_planned_now and now.begin_ms <= begin_ms <= now.end_ms - planned_ms:
            return begin_ms + planned_ms
        for reach_ms in _LOOKS_MS:
            self._learn(begin_ms, begin_ms + reach_ms)
            wanted_ms = self._until(begin_ms) + planned_ms
            # The span in which the wanted time is reached: the last with less before it.
            index = bisect_left(self._before, wanted_ms) - 1
            if index >= 0:
                at_ms = self._begins[index] + wanted_ms - self._before[index]
                if at_ms <= self._ends[index]:
                    return at_ms
        return None

    def _until(self, at_ms: int) -> int:
        """Return the planned time between the begin of what is known and a moment in it."""
        now = self._now
        if self._is_planned_now and now.begin_ms <= at_ms <= now.end_ms:
            return self._before_now + at_ms - now.begin_ms
        index = bisect_right(self._begins, at_ms) - 1
        if index < 0:
            return 0
        return self._before[index] + min(at_ms, self._ends[index]) - self._begins[index]

    def _look(self, at_ms: int) -> None:
        """Find the time around a moment in which work is planned, or in which it is not."""
        self._learn(at_ms, at_ms + 1)
        index = bisect_right(self._begins, at_ms) - 1
        if index >= 0 and at_ms < self._ends[index]:
            self._now, self._is_planned_now = Span(self._begins[index], self._ends[index]), True
            self._before_now = self._before[index]
            return
        begin_ms = self._ends[index] if index >= 0 else self._known.begin_ms
        is_last = index + 1 >= len(self._begins)
        end_ms = self._known.end_ms if is_last else self._begins[index + 1]
        self._now, self._is_planned_now = Span(begin_ms, end_ms), False

    def _learn(self, begin_ms: int, end_ms: int) -> None:
        """Ask the calendar, when what is known does not reach over [begin_ms, end_ms)."""
        known = self._known
        if known.begin_ms <= begin_ms and end_ms <= known.end_ms:
            return
        first_ms, last_ms = begin_ms - _STEP_MS, end_ms + _STEP_MS
        is_near = known.begin_ms - _REACH_MS <= begin_ms <= known.end_ms
        if is_near and last_ms - known.begin_ms <= 3 * _REACH_MS:
            first_ms = known.begin_ms if known.begin_ms <= begin_ms else first_ms
            last_ms = known.end_ms if end_ms <= known.end_ms else last_ms
        known = Span(first_ms, last_ms)
        planned = self._calendar.planned(known.begin_ms, known.end_ms)
        self._known = known
        self._now, self._is_planned_now = Span(0, 0), False  # counted from another begin
        self._begins = [span.begin_ms for span in planned]
        self._ends = [span.end_ms for span in planned]
        self._before = []
        total_ms = 0
        for span in planned:
            self._before.append(total_ms)
            total_ms += span.length_ms
