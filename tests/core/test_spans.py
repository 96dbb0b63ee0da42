"""The arithmetic of spans, against sets of milliseconds."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lineside.core.spans import Span, clip, subtract, total_ms, union

moments = st.integers(0, 60)
any_spans = st.lists(st.builds(Span, moments, moments), max_size=8)


def points(spans: list[Span] | tuple[Span, ...]) -> set[int]:
    return {at for span in spans for at in range(span.begin_ms, span.end_ms)}


def is_tidy(spans: tuple[Span, ...]) -> bool:
    return all(s.begin_ms < s.end_ms for s in spans) and all(
        a.end_ms <= b.begin_ms for a, b in pairwise(spans)
    )


@given(any_spans)
def test_a_union_is_tidy_and_holds_what_any_of_its_spans_holds(spans: list[Span]) -> None:
    joined = union(spans)
    assert is_tidy(joined)
    assert points(joined) == points(spans)
    assert total_ms(joined) == len(points(spans))


@given(any_spans, any_spans)
def test_what_is_left_lies_in_the_spans_and_in_no_hole(a: list[Span], b: list[Span]) -> None:
    rest = subtract(union(a), b)
    assert is_tidy(rest)
    assert points(rest) == points(a) - points(b)


@given(any_spans, moments, moments)
def test_clipped_spans_lie_in_the_window(spans: list[Span], begin: int, end: int) -> None:
    clipped = clip(union(spans), begin, end)
    assert is_tidy(clipped)
    assert points(clipped) == points(spans) & set(range(begin, end))


def test_a_span_holds_its_begin_and_not_its_end() -> None:
    span = Span(10, 20)
    assert span.holds(10)
    assert span.holds(19)
    assert not span.holds(20)
    assert span.length_ms == 10
