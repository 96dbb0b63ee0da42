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


class Run:
    """Counts points while spans that follow each other in a strip are made loose."""

    def __init__(self, *, pairs: bool) -> None:
        """Begin before the first span; with `pairs`, two neighbouring words are one point."""
        self._pairs = pairs
        self._end = _NOWHERE
        self._has_room = False  # the last point has one word, and may get its neighbour

    def add(self, span: tuple[int, int]) -> int:
        """Return how many points `span` takes beyond what is loose already."""
        first, end = span
        if first > self._end:
            words = end - first
            self._has_room = False
        else:
            words = end - self._end
        self._end = end
        if not self._pairs:
            return words
        words -= self._has_room
        self._has_room = words % 2 == 1
        return (words + 1) // 2


def points_of(spans: Iterable[tuple[int, int]], *, pairs: bool) -> int:
    """Return how many points it takes to have all of `spans`."""
    points, words, last_end = 0, 0, _NOWHERE
    for first, end in spans:
        if first > last_end:  # a run of touching spans has ended
            points += (words + 1) // 2 if pairs else words
            words = end - first
        else:
            words += end - last_end
        last_end = end
    return points + ((words + 1) // 2 if pairs else words)


class Groups:
    """Groups of at most so many points each; the words of a span always share a group."""

    def __init__(self, points_max: int, *, pairs: bool) -> None:
        """Begin without any group."""
        self._points_max = points_max
        self._pairs = pairs
        self._points: list[list[LoosePoint]] = []
        self._full_count = 0  # groups at the beginning that have no room at all
        self.group_of: dict[tuple[int, int], int] = {}  # (strip, number of the span) -> group

    @property
    def points(self) -> tuple[tuple[LoosePoint, ...], ...]:
        """The points of each group, in order."""
        return tuple(tuple(sorted(group)) for group in self._points)

    def put(self, number: int, strip: Strip, covered: Set[int]) -> None:
        """Put all spans of a strip into groups, but those whose numbers are `covered`."""
        pairs, points_max = self._pairs, self._points_max
        held: list[LoosePoint] = []
        group, last_end, has_room = -1, _NOWHERE, False
        for i, (first, end) in enumerate(strip.spans):
            if i in covered:
                last_end = _NOWHERE
                continue
            is_joined = first <= last_end
            begin = last_end if is_joined else first
            is_filling = is_joined and has_room
            points = _points(end - begin - is_filling, pairs=pairs)
            if not is_joined or len(held) + points > points_max:
                begin, is_filling = first, False
                points = _points(end - first, pairs=pairs)
                group = self._group_with_room(points)
                held = self._points[group]
            has_room = pairs and (end - begin - is_filling) % 2 == 1
            if is_filling:  # the first new word joins the last point
                held[-1] = LoosePoint(number, begin - 1, 2)
                begin += 1
            while begin < end:
                width = 2 if pairs and begin + 1 < end else 1
                held.append(LoosePoint(number, begin, width))
                begin += width
            last_end = end
            self.group_of[number, i] = group

    def _group_with_room(self, points: int) -> int:
        groups, points_max = self._points, self._points_max
        while self._full_count < len(groups) and len(groups[self._full_count]) == points_max:
            self._full_count += 1
        for group in range(self._full_count, len(groups)):
            if len(groups[group]) + points <= points_max:
                return group
        groups.append([])
        return len(groups) - 1


def _points(words: int, *, pairs: bool) -> int:
    return (words + 1) // 2 if pairs else words
