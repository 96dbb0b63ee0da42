"""How few points are left by so many windows, against trying every choice of windows."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from lineside.drivers.melsec.cover import outermost
from lineside.drivers.melsec.leftover import Leftover, Window
from lineside.drivers.melsec.loose import points_of

Spans = tuple[tuple[int, int], ...]


@st.composite
def spans_and_reaches(draw: st.DrawFn) -> tuple[Spans, list[int]]:
    """Draw a strip, and for each span where a window from there must end at the latest."""
    firsts = draw(st.lists(st.integers(0, 15), min_size=1, max_size=9))
    spans = outermost((first, first + draw(st.sampled_from((1, 1, 2)))) for first in firsts)
    reach: list[int] = []
    for i in range(len(spans)):
        least = max([i + 1, *reach])
        reach.append(draw(st.integers(least, max(least, min(len(spans), i + 4)))))
    return spans, reach


def points_left(spans: Spans, windows: list[Window], *, pairs: bool) -> int:
    """Count the points of what no window covers; a window parts what is on its two sides."""
    points, begin = 0, 0
    for window in [*windows, Window(0, len(spans), len(spans))]:
        points += points_of(spans[begin : window.begin], pairs=pairs)
        begin = window.end
    return points


@given(spans_and_reaches(), st.booleans())
def test_so_many_windows_leave_as_few_points_as_any_choice_of_so_many(
    drawn: tuple[Spans, list[int]], pairs: bool
) -> None:
    spans, reach = drawn
    leftover = Leftover(0, spans, reach, 4, pairs=pairs)

    for count, fewest in enumerate(leftover.points()):
        tried = [
            [Window(0, i, reach[i]) for i in begins]
            for size in range(count + 1)
            for begins in combinations(range(len(spans)), size)
            if all(reach[a] <= b for a, b in pairwise(begins))
        ]
        assert fewest == min(points_left(spans, windows, pairs=pairs) for windows in tried)
        chosen = leftover.windows(count)
        assert len(chosen) <= count
        assert points_left(spans, chosen, pairs=pairs) == fewest


def test_no_more_windows_are_looked_at_than_leave_nothing() -> None:
    spans = ((0, 1), (10, 11), (20, 21))
    assert Leftover(0, spans, [1, 2, 3], 9, pairs=False).points() == [3, 2, 1, 0]
    assert Leftover(0, spans, [3, 3, 3], 9, pairs=False).points() == [3, 0]
    assert Leftover(0, spans, [1, 2, 3], 1, pairs=False).points() == [3, 2]
