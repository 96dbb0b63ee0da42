"""Which edges of batch reads are left to random reads: it saves words and spends what is spare."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineside.drivers.melsec.cover import outermost
from lineside.drivers.melsec.leftover import Window
from lineside.drivers.melsec.loose import Strip, points_of
from lineside.drivers.melsec.trims import Trims


def strip_of(*firsts: int) -> Strip:
    return Strip(spans=tuple((first, first + 1) for first in firsts))


def test_a_word_far_from_the_others_is_left_to_a_random_read() -> None:
    trims = Trims([strip_of(0, 50, 51, 52, 90)], 8, pairs=False)
    whole = Window(0, 0, 5)

    assert trims.trimmed([whole], spare=2) == [Window(0, 1, 4)]
    assert trims.trimmed([whole], spare=1) == [Window(0, 1, 5)]  # the wider gap first
    assert trims.trimmed([whole], spare=0) == [whole]


def test_a_word_near_the_others_stays_in_the_batch_read() -> None:
    trims = Trims([strip_of(0, 4, 5, 6, 10)], 8, pairs=False)
    assert trims.trimmed([Window(0, 0, 5)], spare=8) == [Window(0, 0, 5)]


def test_two_neighbours_cost_one_point_where_points_may_be_pairs() -> None:
    strips, whole = [strip_of(0, 1, 9, 10, 11)], Window(0, 0, 5)
    assert Trims(strips, 8, pairs=True).trimmed([whole], spare=1) == [Window(0, 2, 5)]
    assert Trims(strips, 8, pairs=False).trimmed([whole], spare=2) == [whole]


@given(
    st.lists(st.integers(0, 90), min_size=2, max_size=12),
    st.sampled_from((1, 2)),
    st.integers(0, 6),
    st.booleans(),
)
def test_trimming_never_costs_the_plc_more_and_spends_no_more_than_there_is(
    firsts: list[int], width: int, spare: int, pairs: bool
) -> None:
    spans = outermost((first, first + width) for first in firsts)
    trims = Trims([Strip(spans=spans)], 6, pairs=pairs)
    middle = len(spans) // 2
    windows = [w for w in (Window(0, 0, middle), Window(0, middle, len(spans))) if w[1] < w[2]]

    trimmed = trims.trimmed(windows, spare)

    spent = 0
    for (_, begin, end), (_, first, last) in zip(windows, trimmed, strict=True):
        assert begin <= first < last <= end
        spent += points_of(spans[begin:first], pairs=pairs)
        spent += points_of(spans[last:end], pairs=pairs)
    assert spent <= spare
    loose_words = 5 * spent
    covered_before = sum(spans[e - 1][1] - spans[b][0] for _, b, e in windows)
    covered_after = sum(spans[e - 1][1] - spans[b][0] for _, b, e in trimmed)
    assert covered_after + loose_words <= covered_before
