"""Points of random reads: how many the words of a strip take, and which share a request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple

import msgspec

_NOWHERE = -(1 << 40)


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """The spans of one device: [first, end) in words, sorted, none within another."""

    spans: tuple[tuple[int, int], ...]
    breaks: frozenset[int] = frozenset()  # numbers of spans at which a new window must begin
    may_be_loose: bool = True


class LoosePoint(NamedTuple):
    """One point of a random read: `width` words of the strip `strip` from `word`."""

    strip: int
    word: int
    width: int


class Step(NamedTuple):
    """What one more loose span takes: the words that are new, and so many points more."""

    begin: int
    end: int
    points: int
    is_filling: bool  # the first new word joins the last point


class Run:
    """Counts points while spans that follow each other in a strip are made loose."""

    def __init__(self, *, pairs: bool) -> None:
        """Begin before the first span; with `pairs`, two neighbouring words are one point."""
        self._pairs = pairs
        self._end = _NOWHERE
        self._has_room = False  # the last point has one word, and may get its neighbour

    def is_joined(self, first: int) -> bool:
        """Whether a span from `first` touches or overlaps the last one."""
        return first <= self._end

    def add(self, span: tuple[int, int]) -> Step:
        """Return what `span` takes beyond what is loose already."""
        first, end = span
        is_joined = self.is_joined(first)
        begin = self._end if is_joined else first
        is_filling = is_joined and self._has_room
        self._end = end
        if not self._pairs:
            return Step(begin, end, end - begin, is_filling=False)
        rest = end - begin - is_filling
        self._has_room = rest % 2 == 1
        return Step(begin, end, (rest + 1) // 2, is_filling)


def points_of(spans: Iterable[tuple[int, int]], *, pairs: bool) -> int:
    """Return how many points it takes to have all of `spans`."""
    run = Run(pairs=pairs)
    return sum(run.add(span).points for span in spans)


class Groups:
    """Groups of at most so many points each; the words of a span always share a group."""

    def __init__(self, points_max: int, *, pairs: bool) -> None:
        """Begin without any group."""
        self._points_max = points_max
        self._pairs = pairs
        self._points: list[list[LoosePoint]] = []
        self.group_of: dict[tuple[int, int], int] = {}  # (strip, number of the span) -> group

    @property
    def points(self) -> tuple[tuple[LoosePoint, ...], ...]:
        """The points of each group, in order."""
        return tuple(tuple(sorted(group)) for group in self._points)

    def put(self, number: int, strip: Strip, covered: Set[int]) -> None:
        """Put all spans of a strip into groups, but those whose numbers are `covered`."""
        run, group = Run(pairs=self._pairs), -1
        for i, span in enumerate(strip.spans):
            if i in covered:
                run = Run(pairs=self._pairs)
                continue
            is_joined = run.is_joined(span[0])
            step = run.add(span)
            if not is_joined or len(self._points[group]) + step.points > self._points_max:
                run = Run(pairs=self._pairs)
                step = run.add(span)
                group = self._group_with_room(step.points)
            self._add(self._points[group], number, step)
            self.group_of[number, i] = group

    def _group_with_room(self, points: int) -> int:
        for group, held in enumerate(self._points):
            if len(held) + points <= self._points_max:
                return group
        self._points.append([])
        return len(self._points) - 1

    def _add(self, held: list[LoosePoint], strip: int, step: Step) -> None:
        begin, width = step.begin, 2 if self._pairs else 1
        if step.is_filling:
            held[-1] = held[-1]._replace(width=2)
            begin += 1
        held += [
            LoosePoint(strip, word, min(width, step.end - word))
            for word in range(begin, step.end, width)
        ]
