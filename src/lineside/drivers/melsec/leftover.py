"""How few points are left of one strip by so many windows, and where those windows are. Pure.

Dynamic programming over the spans, from the last to the first: from a span on, all are loose up to
a later one, where a window begins. What they cost is the difference of two *places*, so that a step
is a subtraction and two comparisons. A plan takes a hundred thousand steps: hence the plain loops.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from lineside.drivers.melsec.loose import Run

_NEVER = 1 << 40
Spans = Sequence[tuple[int, int]]


class Window(NamedTuple):
    """The spans `begin` to `end` - 1 of the strip `strip`: one batch read."""

    strip: int
    begin: int
    end: int


class Leftover:
    """For each number of windows on one strip: the fewest points left, and where those are."""

    def __init__(
        self, strip: int, spans: Spans, reach: Sequence[int], windows_max: int, *, pairs: bool
    ) -> None:
        """Look at up to `windows_max` windows; one from span `i` on ends before `reach[i]`."""
        self._strip = strip
        self._spans = spans
        self._reach = reach
        self._pairs = pairs
        places = _PairPlaces(spans) if pairs else _WordPlaces(spans)
        self._rows = [places.row([_NEVER] * len(spans))]
        covered_from = len(spans)  # from this span on, the windows so far cover all
        while len(self._rows) <= windows_max and self._rows[-1][0]:
            before = self._rows[-1]
            covered_from = bisect_left(reach, covered_from)
            self._rows.append(places.row([before[end] for end in reach[:covered_from]]))

    def points(self) -> list[int]:
        """Return the fewest points that are left by 0, 1, 2 ... windows."""
        return [row[0] for row in self._rows]

    def windows(self, count: int) -> list[Window]:
        """Return where `count` windows leave the fewest points."""
        windows: list[Window] = []
        begin = 0
        for rest in range(count, 0, -1):
            # A window may begin at the first span that the optimum allows.
            after, fewest = self._rows[rest - 1], self._rows[rest][begin]
            run, points, i = Run(pairs=self._pairs), 0, begin
            while i < len(self._spans) and points + after[self._reach[i]] > fewest:
                points += run.add(self._spans[i])
                i += 1
            if i == len(self._spans):
                break
            windows.append(Window(self._strip, i, self._reach[i]))
            begin = self._reach[i]
        return windows


class _WordPlaces:
    """Where spans begin and end when all their words are laid one after the other.

    From loose span `i` to span `j`, which is not loose, it takes `ends[j] - starts[i]` points.
    """

    def __init__(self, spans: Spans) -> None:
        self._starts: list[int] = []
        self._ends = [0]  # of the spans before each, and of all
        last_end = -1
        for first, end in spans:
            start = self._ends[-1] - max(0, last_end - first)
            self._starts.append(start)
            self._ends.append(start + end - first)
            last_end = end
        self._backwards = list(zip(self._starts[::-1], self._ends[-2::-1], strict=True))

    def row(self, by_window: list[int]) -> list[int]:
        """Return the fewest points from each span on.

        Args:
            by_window: the same for each span if a window begins with it, but for those at the end
                where that is 0.
        """
        count = len(by_window)
        least = self._ends[count]  # of the places that the loose spans may end at
        row = [0] * (len(self._starts) - count + 1)
        steps = islice(self._backwards, len(self._starts) - count, None)
        for (start, end), covered in zip(steps, reversed(by_window), strict=True):
            loose = least - start
            row.append(covered if covered < loose else loose)
            covered += end
            if covered < least:
                least = covered
        row.reverse()
        return row


class _PairPlaces:
    """The same for points of two words: spans that touch are laid together, others begin evenly.

    From loose span `i` to span `j` it takes half the words between, rounded up. That is the
    difference of two halves, but where `i` begins oddly: then the points are other ones until its
    run of touching spans ends. Those spans are looked at once more.
    """

    def __init__(self, spans: Spans) -> None:
        self._starts: list[int] = []
        self._ends = [0]
        self._runs: list[tuple[int, int]] = []  # with odd beginnings among them
        last_end, run_begin, is_odd = -1, 0, False
        for i, (first, end) in enumerate(spans):
            start = self._ends[-1] - (last_end - first)
            if first > last_end:
                start = self._ends[-1] + self._ends[-1] % 2
                if is_odd:
                    self._runs.append((run_begin, i))
                run_begin, is_odd = i, False
            is_odd = is_odd or start % 2 == 1
            self._starts.append(start)
            self._ends.append(start + end - first)
            last_end = end
        if is_odd:
            self._runs.append((run_begin, len(spans)))
        halves = [start // 2 for start in self._starts]
        self._ups = [(end + 1) // 2 for end in self._ends]
        self._backwards = list(zip(halves[::-1], self._ups[-2::-1], strict=True))

    def row(self, by_window: list[int]) -> list[int]:
        """Return the fewest points from each span on.

        Args:
            by_window: the same for each span if a window begins with it, but for those at the end
                where that is 0.
        """
        count = len(by_window)
        least = self._ups[count]
        row, leasts = [0] * (len(self._starts) - count + 1), [least]
        steps = islice(self._backwards, len(self._starts) - count, None)
        for (half, up), covered in zip(steps, reversed(by_window), strict=True):
            loose = least - half
            row.append(covered if covered < loose else loose)
            covered += up
            if covered < least:
                least = covered
            leasts.append(least)
        row.reverse()
        leasts.reverse()
        for begin, end in self._runs:
            if begin >= count:
                break
            self._mend(row, by_window, leasts, begin, min(end, count))
        return row

    def _mend(
        self, row: list[int], by_window: list[int], leasts: list[int], begin: int, end: int
    ) -> None:
        """Count the odd beginnings in the run of the spans `begin` to `end` - 1 again."""
        starts, ends = self._starts, self._ends
        least = ends[end] // 2
        if end < len(by_window):
            # The word that the run's last point has room for is not needed.
            least = min(least + by_window[end], leasts[end + 1] - ends[end] % 2)
        for i in range(end - 1, begin - 1, -1):
            covered, start = by_window[i], starts[i]
            if start & 1:
                loose = least - (start >> 1)
                row[i] = covered if covered < loose else loose
            covered += ends[i] >> 1
            if covered < least:
                least = covered
