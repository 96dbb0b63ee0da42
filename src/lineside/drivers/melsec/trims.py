"""Which edges of batch reads are better left to random reads that have room. Pure.

It changes how many words are asked for, never how many requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lineside.drivers.melsec.leftover import Window
from lineside.drivers.melsec.loose import Strip, points_of

# A random read takes a fifth as many points as a batch read takes words: so much more is a point
# held to cost the PLC. It only decides between plans of equally many requests.
_POINT_COST_WORDS = 5
_TRIMS_MAX = 64


class _Trim(NamedTuple):
    """One way to shorten a window: words' worth saved, points spent, and spans left out."""

    saved: int
    points: int
    size: int


_NONE = _Trim(0, 0, 0)


class Trims:
    """What shortening windows saves. Edges that many windows have in common are judged once."""

    def __init__(self, strips: Sequence[Strip], points_max: int, *, pairs: bool) -> None:
        """Judge windows on `strips`; nobody has more than `points_max` points to spare."""
        self._strips = strips
        self._points_max = points_max
        self._pairs = pairs
        # Each span that is left out brings a word at least, and each word half a point.
        self._spans_max = points_max * (2 if pairs else 1) + 2
        self._at_begin: dict[tuple[int, int], list[_Trim]] = {}  # by strip and span, best first
        self._at_end: dict[tuple[int, int], list[_Trim]] = {}
        self._costs: dict[Window, int] = {}

    def cost_words(self, windows: Iterable[Window]) -> int:
        """Return what windows cost beyond what their spans would at random; often negative."""
        return sum(map(self._cost_words, windows))

    def trimmed(self, windows: Sequence[Window], spare: int) -> list[Window]:
        """Make spans at the edges of windows loose, where that saves the PLC work.

        The requests stay as many as they are: no more than `spare` points are spent.
        """
        trimmed = list(windows)
        ways = [self._best(window, spare) for window in trimmed]
        for _ in range(_TRIMS_MAX):
            if not ways:
                break
            best = [(saved, points, n, left) for n, (saved, points, left) in enumerate(ways)]
            saved, points, number, window = max(best)
            if not saved:
                break
            trimmed[number] = window
            spare -= points
            for n, way in enumerate(ways):
                if n == number or way[1] > spare:
                    ways[n] = self._best(trimmed[n], spare)
        return trimmed

    def _best(self, window: Window, spare: int) -> tuple[int, int, Window]:
        """Return the words' worth saved, the points spent and what is left; 0 saved: no way."""
        number, begin, end = window
        size_max = end - begin - 1
        first = _first_within(self._trims_at_begin(number, begin), spare, size_max)
        last = _first_within(self._trims_at_end(number, end), spare, size_max)
        if first[:2] >= last[:2]:
            return first.saved, first.points, Window(number, begin + first.size, end)
        return last.saved, last.points, Window(number, begin, end - last.size)

    def _trims_at_begin(self, number: int, begin: int) -> list[_Trim]:
        trims = self._at_begin.get((number, begin))
        if trims is None:
            spans = self._strips[number].spans[begin : begin + self._spans_max]
            trims = self._at_begin[number, begin] = sorted(self._worthwhile(spans), reverse=True)
        return trims

    def _trims_at_end(self, number: int, end: int) -> list[_Trim]:
        trims = self._at_end.get((number, end))
        if trims is None:
            spans = self._strips[number].spans[max(0, end - self._spans_max) : end]
            mirrored = [(-last, -first) for first, last in reversed(spans)]
            trims = self._worthwhile(mirrored)
            trims.sort(key=lambda trim: (-trim.saved, -trim.points, trim.size))
            self._at_end[number, end] = trims
        return trims

    def _worthwhile(self, spans: Sequence[tuple[int, int]]) -> list[_Trim]:
        """Return the ways to leave spans out, from the first on, that save anything."""
        pairs, points_max, begin = self._pairs, self._points_max, spans[0][0]
        trims: list[_Trim] = []
        closed = words = 0  # points of the runs that have ended, words of the present one
        last_end = begin
        for size, (first, end) in enumerate(spans):
            points = closed + ((words + 1) // 2 if pairs else words)
            if points > points_max:
                break
            saved = first - begin - _POINT_COST_WORDS * points
            if saved > 0:
                trims.append(_Trim(saved, points, size))
            if first > last_end:
                closed, words = points, end - first
            else:
                words += end - last_end
            last_end = end
        return trims

    def _cost_words(self, window: Window) -> int:
        if window not in self._costs:
            number, begin, end = window
            spans = self._strips[number].spans[begin:end]
            points = points_of(spans, pairs=self._pairs)
            self._costs[window] = spans[-1][1] - spans[0][0] - _POINT_COST_WORDS * points
        return self._costs[window]


def _first_within(trims: Iterable[_Trim], spare: int, size_max: int) -> _Trim:
    """Return the first that spends and leaves out no more than that; one that saves 0: none."""
    for trim in trims:
        if trim.points <= spare and trim.size <= size_max:
            return trim
    return _NONE
