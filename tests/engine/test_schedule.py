"""Polls, ticks and backoff: in time, drift-free, never in a burst, never past their bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.core.limits import BACKOFF_MAX_S
from lineside.core.model import Instant
from lineside.engine.schedule import (
    JustInTime,
    backoff_s,
    first_tick_s,
    next_slot_s,
    next_tick_s,
)


def test_backoff_doubles_from_half_a_second_to_ten() -> None:
    assert [backoff_s(n, 0.5) for n in range(1, 8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_backoff_stays_within_its_bounds_for_ever(failures: int, jitter: float) -> None:
    assert 0.4 <= backoff_s(failures, jitter) <= BACKOFF_MAX_S


@given(st.floats(0, 1e6), st.floats(0.05, 60), st.floats(0, 1e4))
def test_the_next_slot_is_ahead_on_the_grid_and_at_most_a_period_away(
    last_s: float, period_s: float, late_s: float
) -> None:
    now_s = last_s + late_s
    slot_s, missed = next_slot_s(last_s, period_s, now_s)
    assert now_s < slot_s + 1e-6
    assert slot_s <= now_s + period_s + 1e-6
    assert abs(slot_s - (last_s + (missed + 1) * period_s)) < 1e-6


def test_a_late_tick_skips_what_it_missed() -> None:
    now = Instant(unix_s=1_762_165_850.4, monotonic_s=105.4)
    assert next_tick_s(100.0, 1.0, now) == (106.0, 5)


def test_the_first_tick_is_the_next_whole_second() -> None:
    assert first_tick_s(Instant(unix_s=1_762_165_845.25, monotonic_s=7.0)) == 7.75


@given(st.floats(-3600, 3600))
def test_after_any_step_of_the_clock_ticks_stay_a_second_apart_and_find_the_second_again(
    step_s: float,
) -> None:
    tick_s = 100.0
    for _ in range(300):
        now = Instant(unix_s=1_762_165_845.0 + tick_s + step_s, monotonic_s=tick_s)
        following_s, missed = next_tick_s(tick_s, 1.0, now)
        assert missed == 0
        assert 0.997 <= following_s - tick_s <= 1.003
        tick_s = following_s
    unix_s = tick_s + step_s
    assert abs(unix_s - round(unix_s)) < 0.001


def polled(
    durations_s: Iterable[float], *, period_s: float = 1.0, tick_period_s: float = 1.0
) -> list[tuple[float, float]]:
    """Start and end of each poll of a PLC whose answers take this long."""
    schedule = JustInTime(period_s, tick_period_s)
    start_s = 0.3
    polls: list[tuple[float, float]] = []
    schedule.begin(start_s)
    for duration_s in durations_s:
        end_s = start_s + duration_s
        polls.append((start_s, end_s))
        next_tick_s = (math.floor(end_s / tick_period_s) + 1) * tick_period_s
        start_s, _ = schedule.next_start_s(end_s, next_tick_s)
    return polls


def ages_s(polls: list[tuple[float, float]]) -> list[float]:
    """The age at each whole second of the newest answer that is in by then."""
    ticks = range(30, int(polls[-1][1]))
    return [tick - max(start for start, end in polls if end <= tick) for tick in ticks]


@given(st.lists(st.floats(0.001, 3.0), min_size=5, max_size=60), st.sampled_from([0.1, 0.3, 1, 5]))
def test_polls_never_overlap_and_never_come_closer_than_their_period(
    durations_s: list[float], period_s: float
) -> None:
    polls = polled(durations_s, period_s=period_s)
    for (_, ended_s), (start_s, _) in pairwise(polls):
        assert start_s >= ended_s - 1e-6
    dues_s = [start_s for start_s, _ in polls[2:]]
    lead_max_s = max(durations_s) + 0.01
    for before_s, after_s in pairwise(dues_s):
        assert after_s - before_s >= period_s * 0.75 - lead_max_s


@pytest.mark.parametrize("response_s", [0.005, 0.02, 0.08, 0.2])
def test_what_a_tick_shows_is_as_old_as_the_answer_took_and_hardly_older(response_s: float) -> None:
    random = Random(1)
    durations_s = [random.gauss(response_s, response_s / 8) for _ in range(600)]
    slow_s = sorted(durations_s)[int(len(durations_s) * 0.95)]
    assert sorted(ages_s(polled(durations_s)))[int(570 * 0.95)] <= slow_s + 0.03


def test_a_slow_first_answer_makes_the_values_of_no_more_than_three_ticks_old() -> None:
    schedule = JustInTime(1.0, 1.0)
    schedule.begin(0.1)
    leads_s = []
    end_s = 0.6
    for _ in range(6):
        start_s, _ = schedule.next_start_s(end_s, math.floor(end_s) + 1.0)
        leads_s.append(schedule.lead_s)
        end_s = start_s + 0.01
    assert max(leads_s[2:]) < 0.05


def test_one_answer_in_fifty_that_takes_long_makes_no_other_value_old() -> None:
    durations_s = [0.01 if i % 50 else 0.5 for i in range(600)]
    ages = sorted(ages_s(polled(durations_s)))
    assert ages[int(len(ages) * 0.9)] < 0.05


def test_a_plc_that_becomes_slower_is_asked_earlier_after_three_late_answers() -> None:
    polls = polled([0.01] * 200 + [0.2] * 20)
    late = [end % 1.0 < 0.5 for _, end in polls[1:]]
    assert late.count(True) == 3


def test_a_plc_that_becomes_faster_is_asked_later_after_a_hundred_answers() -> None:
    polls = polled([0.2] * 100 + [0.01] * 110)
    start_s, _ = polls[-1]
    assert 1.0 - start_s % 1.0 < 0.02


@pytest.mark.parametrize(
    ("period_s", "polls_per_tick"), [(1.0, 1), (0.5, 2), (0.3, 3), (0.1, 10), (2.0, 0.5), (5, 0.2)]
)
def test_the_last_poll_before_a_tick_is_always_in_time_for_it(
    period_s: float, polls_per_tick: float
) -> None:
    polls = polled([0.02] * 400, period_s=period_s)
    last_s = polls[-1][1]
    assert len(polls) / last_s == pytest.approx(polls_per_tick, rel=0.03)
    in_time = [end for _, end in polls[1:] if end % 1.0 > 0.99]
    assert len(in_time) == pytest.approx(last_s * min(1, polls_per_tick), rel=0.03)


def test_an_answer_slower_than_its_period_is_awaited_and_the_polls_it_costs_are_counted() -> None:
    schedule = JustInTime(1.0, 1.0)
    schedule.begin(0.0)
    start_s, _ = schedule.next_start_s(1.4, 2.0)
    missed = 0
    for _ in range(20):
        end_s = start_s + 1.4
        start_s, skipped = schedule.next_start_s(end_s, math.floor(end_s) + 1.0)
        missed += skipped
        assert start_s >= end_s - 1e-9
    assert missed == pytest.approx(20, abs=2)


@pytest.mark.parametrize("period_s", [0.5, 1.0, 2.0])
@given(st.integers(1, 19), st.floats(0.1, 90.0))
def test_after_one_very_slow_answer_a_quick_plc_is_never_left_unasked(
    period_s: float, quick_before: int, slow_s: float
) -> None:
    polls = polled([0.01] * quick_before + [slow_s] + [0.01] * 120, period_s=period_s)
    for (_, ended_s), (start_s, _) in pairwise(polls[quick_before + 1 :]):
        assert start_s - ended_s <= 2.0 * period_s


def test_a_frozen_process_polls_once_when_it_goes_on() -> None:
    schedule = JustInTime(0.5, 1.0)
    schedule.begin(0.0)
    schedule.next_start_s(0.01, 1.0)
    start_s, missed = schedule.next_start_s(60.2, 61.0)
    assert start_s > 60.2
    assert missed >= 118
