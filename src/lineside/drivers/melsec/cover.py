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
from typing import NamedTuple

import msgspec

from lineside.drivers.melsec.loose import Groups, LoosePoint, Run, Strip, points_of

# A random read takes a fifth as many points as a batch read takes words: so much more is a point
# held to cost the PLC. It only decides between plans of equally many requests.
_POINT_COST_WORDS = 5
_NEVER = 1 << 40
_TRIMS_MAX = 64


class Window(NamedTuple):
    """The spans `begin` to `end` - 1 of the strip `strip`: one batch read."""

    strip: int
    begin: int
    end: int


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
    for first, end in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        if not kept or end > kept[-1][1]:
            kept.append((first, end))
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
    cover = _cover(strips, words_max, points_max, pairs=False)
    if may_pair and cover.request_count > 1:
        paired = _cover(strips, words_max, points_max, pairs=True)
        if paired.request_count < cover.request_count:
            return paired
    return cover


def _cover(strips: Sequence[Strip], words_max: int, points_max: int, *, pairs: bool) -> Cover:
    """Return the fewest requests with points of one kind."""
    reaches = [_reach(strip, words_max) for strip in strips]
    batched = [_batched(number, reach) for number, reach in enumerate(reaches)]
    movable = [n for n, strip in enumerate(strips) if strip.may_be_loose and points_max]
    fixed = [window for n, each in enumerate(batched) if n not in movable for window in each]
    all_points = sum(points_of(strips[n].spans, pairs=pairs) for n in movable)
    windows_max = -(-all_points // max(points_max, 1))
    tables = [
        _Table(n, strips[n].spans, reaches[n], min(len(batched[n]), windows_max), pairs=pairs)
        for n in movable
    ]
    splits = _splits(tables, windows_max)
    random_reads = [-(-points // max(points_max, 1)) for points, _ in splits]
    fewest = min(count + reads for count, reads in enumerate(random_reads))
    ways: list[tuple[int, list[Window]]] = []
    for count, (points, split) in enumerate(splits):
        if count + random_reads[count] > fewest:
            continue
        found = [w for table, n in zip(tables, split, strict=True) for w in table.windows(n)]
        spare = random_reads[count] * points_max - points
        # Whole values may not fit as tightly as their words: then there is nothing to spare.
        for windows in (_trimmed(found, strips, spare, pairs=pairs), found):
            ways.append((_cost_words(windows, strips, pairs=pairs), [*fixed, *windows]))
    covers: list[Cover] = []
    for _, windows in sorted(ways):
        covers.append(_packed(strips, movable, windows, points_max, pairs=pairs))
        if covers[-1].request_count == len(fixed) + fewest:
            break
    return min(covers, key=lambda cover: cover.request_count)


def _cost_words(windows: Iterable[Window], strips: Sequence[Strip], *, pairs: bool) -> int:
    """Return what windows cost beyond what their spans would cost at random; often negative."""
    cost = 0
    for strip, begin, end in windows:
        spans = strips[strip].spans[begin:end]
        cost += spans[-1][1] - spans[0][0] - _POINT_COST_WORDS * points_of(spans, pairs=pairs)
    return cost


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


class _Table:
    """For each number of windows on one strip: the fewest points left, and where those are."""

    def __init__(
        self,
        strip: int,
        spans: Sequence[tuple[int, int]],
        reach: Sequence[int],
        windows_max: int,
        *,
        pairs: bool,
    ) -> None:
        self._strip = strip
        self._spans = spans
        self._reach = reach
        self._pairs = pairs
        self._rows = [self._row(None)]
        while len(self._rows) <= windows_max and self._rows[-1][0]:
            self._rows.append(self._row(self._rows[-1]))

    def points(self) -> list[int]:
        """Return the fewest points that are left by 0, 1, 2 ... windows."""
        return [row[0] for row in self._rows]

    def _row(self, before: Sequence[int] | None) -> list[int]:
        """Return the fewest points from each span on; `before` is the row of one window less.

        They depend on what becomes of the span before: whether it is loose and joined to this one,
        and whether its last point has room for one more word. The row holds the case of neither.
        """
        spans, reach = self._spans, self._reach
        fresh = [0] * (len(spans) + 1)
        joined = roomy = 0  # the other two cases, of the span that was looked at last
        for i in range(len(spans) - 1, -1, -1):
            first, end = spans[i]
            last_end = spans[i - 1][1] if i else -1
            by_window = _NEVER if before is None else before[reach[i]]
            fresh[i] = min(by_window, self._loose(end - first, joined, roomy))
            if first > last_end:
                joined = roomy = fresh[i]
            else:
                new = end - last_end
                joined, roomy = (
                    min(by_window, self._loose(new, joined, roomy)),
                    min(by_window, self._loose(new - self._pairs, joined, roomy)),
                )
        return fresh

    def _loose(self, new: int, joined: int, roomy: int) -> int:
        """Return the points from a span on that is loose and brings so many `new` words."""
        if self._pairs:
            return (new + 1) // 2 + (roomy if new % 2 else joined)
        return new + joined

    def windows(self, count: int) -> list[Window]:
        """Return where `count` windows leave the fewest points."""
        windows: list[Window] = []
        begin = 0
        for rest in range(count, 0, -1):
            # A window may begin at the first span that the optimum allows.
            run, points, i = Run(pairs=self._pairs), 0, begin
            while i < len(self._spans) and (
                points + self._rows[rest - 1][self._reach[i]] > self._rows[rest][begin]
            ):
                points += run.add(self._spans[i]).points
                i += 1
            if i == len(self._spans):
                break
            windows.append(Window(self._strip, i, self._reach[i]))
            begin = self._reach[i]
        return windows


def _splits(tables: Sequence[_Table], windows_max: int) -> list[tuple[int, tuple[int, ...]]]:
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


def _trimmed(
    windows: Sequence[Window], strips: Sequence[Strip], spare: int, *, pairs: bool
) -> list[Window]:
    """Make spans at the edges of windows loose, where that saves the PLC work.

    The requests stay as many as they are: no more than `spare` points are spent.
    """
    trimmed = list(windows)
    for _ in range(_TRIMS_MAX):
        ways = [
            (saved, points, number, shorter)
            for number, window in enumerate(trimmed)
            for saved, points, shorter in _shorter(window, strips[window.strip], spare, pairs=pairs)
        ]
        if not ways:
            break
        _, points, number, trimmed[number] = max(ways)
        spare -= points
    return trimmed


def _shorter(
    window: Window, strip: Strip, spare: int, *, pairs: bool
) -> list[tuple[int, int, Window]]:
    """Return the worthwhile ways to shorten a window: words' worth saved, points spent."""
    spans, (_, begin, end) = strip.spans, window
    ways: list[tuple[int, int, Window]] = []
    run, points = Run(pairs=pairs), 0
    for i in range(begin + 1, end):
        points += run.add(spans[i - 1]).points
        if points > spare:
            break
        saved = spans[i][0] - spans[begin][0] - _POINT_COST_WORDS * points
        if saved > 0:
            ways.append((saved, points, window._replace(begin=i)))
    run, points = Run(pairs=pairs), 0
    for i in range(end - 1, begin, -1):
        first, last = spans[i]
        points += run.add((-last, -first)).points  # mirrored, for it goes backwards
        if points > spare:
            break
        saved = spans[end - 1][1] - spans[i - 1][1] - _POINT_COST_WORDS * points
        if saved > 0:
            ways.append((saved, points, window._replace(end=i)))
    return ways


def _packed(
    strips: Sequence[Strip],
    movable: Iterable[int],
    windows: Sequence[Window],
    points_max: int,
    *,
    pairs: bool,
) -> Cover:
    """Return the cover with these windows, what they leave put into groups of points."""
    groups = Groups(points_max, pairs=pairs)
    for number in movable:
        covered = {i for w in windows if w.strip == number for i in range(w.begin, w.end)}
        groups.put(number, strips[number], covered)
    return Cover(windows=tuple(windows), groups=groups.points, group_of=groups.group_of)
