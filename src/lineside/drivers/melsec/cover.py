"""Which words share a request: the fewest requests that the limits allow. Pure.

A *span* is one or two words that must come out of one request: a value is never put together from
two. A *strip* is the spans of one device. A *window* is what one batch read covers: spans that
follow each other in one strip. All others are *loose* and go into random reads, whose *points* are
single words or, where that saves a request, pairs of neighbours (double words).

How many windows there are, and where, is a trade: each costs a request, and so does each random
read that gets full. Dynamic programming over the spans finds, for every number of windows on a
strip, the fewest points that are left; then the strips are put together by their windows. Without
values of two words the outcome is the fewest requests that there can be. With them a random read
may have to leave a point free, for fear of splitting a value: that costs a request at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from lineside.drivers.melsec.leftover import Leftover, Window
from lineside.drivers.melsec.loose import Groups, LoosePoint, Strip, points_of
from lineside.drivers.melsec.trims import Trims

_NEVER = 1 << 40


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """The requests: a batch read for each window, a random read for each group of points."""

    windows: tuple[Window, ...]
    groups: tuple[tuple[LoosePoint, ...], ...]
    group_of: dict[tuple[int, int], int]  # (strip, number of the loose span) -> group

    @property
    def request_count(self) -> int:
        """How many requests these are."""
        return len(self.windows) + len(self.groups)


def outermost(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return `spans` sorted, without those that lie within another."""
    kept: list[tuple[int, int]] = []
    for span in sorted(spans):
        if not kept or span[1] > kept[-1][1]:
            if kept and kept[-1][0] == span[0]:
                kept.pop()
            kept.append(span)
    return tuple(kept)


def fewest_requests(
    strips: Sequence[Strip], words_max: int, points_max: int, *, may_pair: bool = True
) -> Cover:
    """Return the fewest requests that read every span of `strips`.

    Args:
        strips: what to read.
        words_max: how many words a batch read takes, at least 2.
        points_max: how many points a random read takes; 0 when there must not be any.
        may_pair: whether two neighbouring words may be one point. That is done only where it saves
            a request.
    """
    reaches = [_reach(strip, words_max) for strip in strips]
    singles = _Search(strips, reaches, points_max, pairs=False)
    if not may_pair:
        return singles.cover()
    if singles.fewest_with_pairs() < singles.fewest:
        pairs = _Search(strips, reaches, points_max, pairs=True)
        if pairs.fewest < singles.fewest:
            paired = pairs.cover()
            if paired.request_count < singles.fewest:
                return paired
    cover = singles.cover()
    if cover.request_count > singles.fewest:  # values of two words fit badly
        paired = _Search(strips, reaches, points_max, pairs=True).cover()
        if paired.request_count < cover.request_count:
            return paired
    return cover


class _Search:
    """The fewest requests with points of one kind: single words, or pairs of neighbours."""

    def __init__(
        self,
        strips: Sequence[Strip],
        reaches: Sequence[Sequence[int]],
        points_max: int,
        *,
        pairs: bool,
    ) -> None:
        self._strips = strips
        self._points_max = points_max
        self._pairs = pairs
        batched = [_batched(number, reach) for number, reach in enumerate(reaches)]
        self._movable = [n for n, strip in enumerate(strips) if strip.may_be_loose and points_max]
        self._fixed = [w for n, each in enumerate(batched) if n not in self._movable for w in each]
        all_points = sum(points_of(strips[n].spans, pairs=pairs) for n in self._movable)
        windows_max = self._random_reads(all_points)
        self._tables = [
            Leftover(n, strips[n].spans, reaches[n], min(len(batched[n]), windows_max), pairs=pairs)
            for n in self._movable
        ]
        self._splits = _splits(self._tables, windows_max)
        self._trims = Trims(strips, points_max, pairs=pairs)

    def _random_reads(self, points: int) -> int:
        return -(-points // max(self._points_max, 1))

    def _fewest_with(self, saved_points: int) -> int:
        counts = (
            count + self._random_reads(max(0, points - saved_points))
            for count, (points, _) in enumerate(self._splits)
        )
        return len(self._fixed) + min(counts)

    @property
    def fewest(self) -> int:
        """How many requests it takes, unless values of two words fit badly."""
        return self._fewest_with(0)

    def fewest_with_pairs(self) -> int:
        """Return below how many requests pairs cannot bring it, from what they save at most."""
        spans = [self._strips[n].spans for n in self._movable]
        saved = sum(points_of(s, pairs=False) - points_of(s, pairs=True) for s in spans)
        return self._fewest_with(saved)

    def cover(self) -> Cover:
        """Return the requests. Of plans of equally many the one that costs the PLC less wins."""
        ways: list[tuple[int, list[Window]]] = []
        for count, (points, split) in enumerate(self._splits):
            random_reads = self._random_reads(points)
            if len(self._fixed) + count + random_reads > self.fewest:
                continue
            found = [w for t, n in zip(self._tables, split, strict=True) for w in t.windows(n)]
            spare = random_reads * self._points_max - points
            # Whole values may not fit as tightly as their words: then there is nothing to spare.
            for windows in (self._trims.trimmed(found, spare), found):
                ways.append((self._trims.cost_words(windows), [*self._fixed, *windows]))
        covers: list[Cover] = []
        for _, windows in sorted(ways):
            covers.append(self._packed(windows))
            if covers[-1].request_count == self.fewest:
                break
        return min(covers, key=lambda cover: cover.request_count)

    def _packed(self, windows: Sequence[Window]) -> Cover:
        """Return the cover with these windows, what they leave put into groups of points."""
        groups = Groups(self._points_max, pairs=self._pairs)
        for number in self._movable:
            covered = {i for w in windows if w.strip == number for i in range(w.begin, w.end)}
            groups.put(number, self._strips[number], covered)
        return Cover(windows=tuple(windows), groups=groups.points, group_of=groups.group_of)


def _reach(strip: Strip, words_max: int) -> list[int]:
    """Return for each span the number of the first one that a window from there cannot cover."""
    spans, end = strip.spans, 0
    reach: list[int] = []
    for begin, (first, _) in enumerate(spans):
        end = max(end, begin + 1)
        while end < len(spans) and end not in strip.breaks and spans[end][1] <= first + words_max:
            end += 1
        reach.append(end)
    return reach


def _batched(strip: int, reach: Sequence[int]) -> list[Window]:
    """Return the fewest windows that cover a whole strip: each goes as far as it reaches."""
    windows: list[Window] = []
    begin = 0
    while begin < len(reach):
        windows.append(Window(strip, begin, reach[begin]))
        begin = reach[begin]
    return windows


def _splits(tables: Sequence[Leftover], windows_max: int) -> list[tuple[int, tuple[int, ...]]]:
    """Return for 0, 1, 2 ... windows: the fewest points left, and how many each strip has."""
    best: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for table in tables:
        points = table.points()
        size = min(windows_max + 1, len(best) + len(points) - 1)
        wider: list[tuple[int, tuple[int, ...]]] = [(_NEVER, ())] * size
        for a, (left, split) in enumerate(best):
            for b, more in enumerate(points[: size - a]):
                wider[a + b] = min(wider[a + b], (left + more, (*split, b)))
        best = wider
    return best
