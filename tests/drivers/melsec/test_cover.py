"""The fewest requests, judged by trying everything on small cases and by a bound on large ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from random import Random
from time import process_time

import pytest
from bench.read_bound import fewest_requests as bound
from bench.scatter import SHAPES, scattered
from hypothesis import given
from hypothesis import strategies as st

from lineside.config.schema import Family
from lineside.drivers.melsec.address import TagAddress, parse_address
from lineside.drivers.melsec.cover import Cover, fewest_requests, outermost
from lineside.drivers.melsec.devices import limits_of
from lineside.drivers.melsec.frame import Coding
from lineside.drivers.melsec.loose import Strip
from lineside.drivers.melsec.plan import Options, plan_reads

Spans = tuple[tuple[int, int], ...]
PLAN_TIME_MAX_S = 0.1  # of CPU, in which no tick and no other poll gets its turn


@st.composite
def strips_of_at_most(draw: st.DrawFn, widths: tuple[int, ...], spans_max: int) -> list[Strip]:
    """Draw a few spans on one to three devices, some of which random reads refuse."""
    strips: list[Strip] = []
    for _ in range(draw(st.integers(1, 3))):
        size = max(0, spans_max - sum(len(strip.spans) for strip in strips))
        firsts = draw(st.lists(st.integers(0, 14), max_size=size))
        spans = outermost((first, first + draw(st.sampled_from(widths))) for first in firsts)
        breaks = draw(st.frozensets(st.integers(1, 6), max_size=1))
        if spans:
            may_be_loose = draw(st.booleans()) or draw(st.booleans())
            strips.append(Strip(spans=spans, breaks=breaks, may_be_loose=may_be_loose))
    return strips


def points_needed(words: frozenset[tuple[int, int]], may_pair: bool) -> int:
    """Return the fewest points for these (strip, word): each takes the next word if it may."""
    if not words:
        return 0
    strip, word = lowest = min(words)
    partner = (strip, word + 1) if may_pair else lowest
    return 1 + points_needed(words - {lowest, partner}, may_pair)


def fewest_by_trying(
    strips: Sequence[Strip], words_max: int, points_max: int, may_pair: bool
) -> int:
    """Return the fewest requests, found by trying every set of possible requests."""
    spans = [(n, i) for n, strip in enumerate(strips) for i in range(len(strip.spans))]
    possible: set[frozenset[tuple[int, int]]] = set()
    for n, strip in enumerate(strips):
        for begin, end in combinations(range(len(strip.spans) + 1), 2):
            width = strip.spans[end - 1][1] - strip.spans[begin][0]
            is_broken = any(begin < each < end for each in strip.breaks)
            if width <= words_max and not is_broken:
                possible.add(frozenset((n, i) for i in range(begin, end)))
    loose = [(n, i) for n, i in spans if strips[n].may_be_loose]
    for size in range(1, len(loose) + 1):
        for chosen in combinations(loose, size):
            words = frozenset((n, word) for n, i in chosen for word in range(*strips[n].spans[i]))
            if points_needed(words, may_pair) <= points_max:
                possible.add(frozenset(chosen))
    reached, count = {frozenset[tuple[int, int]]()}, 0
    while frozenset(spans) not in reached:
        reached = {have | more for have in reached for more in possible}
        count += 1
    return count


def assert_is_valid(cover: Cover, strips: Sequence[Strip], words_max: int, points_max: int) -> None:
    """Fail unless the requests read every span whole, and none of them is too large."""
    in_windows = {(w.strip, i) for w in cover.windows for i in range(w.begin, w.end)}
    for window in cover.windows:
        strip = strips[window.strip]
        first, end = strip.spans[window.begin][0], strip.spans[window.end - 1][1]
        assert 0 < end - first <= words_max
        assert not any(window.begin < each < window.end for each in strip.breaks)
    groups = [
        {(point.strip, point.word + i) for point in group for i in range(point.width)}
        for group in cover.groups
    ]
    assert all(0 < len(group) <= points_max for group in cover.groups)
    for n, strip in enumerate(strips):
        for i, (first, end) in enumerate(strip.spans):
            if (n, i) not in in_windows:
                assert strip.may_be_loose
                assert {(n, word) for word in range(first, end)} <= groups[cover.group_of[n, i]]


@given(strips_of_at_most((1,), 7), st.integers(2, 6), st.integers(2, 4), st.booleans())
def test_words_and_bits_take_the_fewest_requests_that_there_can_be(
    strips: list[Strip], words_max: int, points_max: int, may_pair: bool
) -> None:
    cover = fewest_requests(strips, words_max, points_max, may_pair=may_pair)

    assert_is_valid(cover, strips, words_max, points_max)
    fewest = fewest_by_trying(strips, words_max, points_max, may_pair)
    assert cover.request_count == fewest


@given(strips_of_at_most((1, 2), 7), st.integers(2, 6), st.integers(2, 4), st.booleans())
def test_values_of_two_words_cost_one_request_more_at_most(
    strips: list[Strip], words_max: int, points_max: int, may_pair: bool
) -> None:
    cover = fewest_requests(strips, words_max, points_max, may_pair=may_pair)

    assert_is_valid(cover, strips, words_max, points_max)
    fewest = fewest_by_trying(strips, words_max, points_max, may_pair)
    assert fewest <= cover.request_count <= fewest + 1


@given(strips_of_at_most((1, 2), 8), st.integers(2, 6))
def test_without_random_reads_too_the_requests_are_the_fewest(
    strips: list[Strip], words_max: int
) -> None:
    cover = fewest_requests(strips, words_max, 0)

    assert_is_valid(cover, strips, words_max, 0)
    assert cover.request_count == fewest_by_trying(strips, words_max, 0, may_pair=False)


@given(strips_of_at_most((1,), 8), st.integers(2, 6), st.integers(2, 4))
def test_the_bound_is_what_trying_everything_finds(
    strips: list[Strip], words_max: int, points_max: int
) -> None:
    whole = [Strip(spans=strip.spans, may_be_loose=strip.may_be_loose) for strip in strips]
    words_of = {str(n): [first for first, _ in s.spans] for n, s in enumerate(whole)}
    batch_only = frozenset(str(n) for n, strip in enumerate(whole) if not strip.may_be_loose)

    assert bound(words_of, words_max, points_max, batch_only) == fewest_by_trying(
        whole, words_max, points_max, may_pair=True
    )


def words_of(tags: Sequence[TagAddress]) -> dict[str, list[int]]:
    words: dict[str, list[int]] = {}
    for tag in tags:
        span = range(tag.first_word, tag.first_word + tag.value_type.word_count)
        words.setdefault(tag.device.name, []).extend(span)
    return words


@pytest.mark.parametrize("family", [Family.Q, Family.IQ_R, Family.IQ_F])
@pytest.mark.parametrize("coding", list(Coding))
@pytest.mark.parametrize("shape", SHAPES)
def test_3500_scattered_tags_take_as_few_requests_as_the_limits_allow(
    shape: str, coding: Coding, family: Family
) -> None:
    addresses = scattered(shape, 3_500, Random(1), family)
    tags = [parse_address(address, family, coding) for address in addresses]
    limits = limits_of(family, coding)
    took_s: list[float] = []
    for _ in range(3):
        begun_s = process_time()
        reads = plan_reads(tags, family, coding)
        took_s.append(process_time() - begun_s)

    assert min(took_s) < PLAN_TIME_MAX_S
    assert len({pick.tag for read in reads for pick in read.picks}) == 3_500
    batch_only = frozenset({"X", "Y"} if (family, coding) == (Family.IQ_F, Coding.ASCII) else ())
    assert len(reads) == bound(words_of(tags), limits.words, limits.random_points, batch_only)


def test_hundreds_of_words_that_a_plc_refuses_do_not_slow_the_plan_down() -> None:
    addresses = scattered("anywhere", 3_500, Random(1), Family.Q)
    tags = [parse_address(address, Family.Q, Coding.BINARY) for address in addresses]
    words = words_of(tags)
    free = sorted(
        {(d, w + 1) for d, ws in words.items() for w in ws}
        - {(d, w) for d, ws in words.items() for w in ws}
    )
    options = Options(holes=frozenset(free[:500]))
    assert len(options.holes) == 500
    took_s = []
    for _ in range(3):
        begun_s = process_time()
        reads = plan_reads(tags, Family.Q, Coding.BINARY, options)
        took_s.append(process_time() - begun_s)
    assert min(took_s) < PLAN_TIME_MAX_S
    assert len({pick.tag for read in reads for pick in read.picks}) == 3_500
