"""Slots, ticks and backoff: drift-free, never in a burst, never past their bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineside.core.limits import BACKOFF_MAX_S
from lineside.core.model import Instant
from lineside.engine.schedule import backoff_s, first_tick_s, next_slot_s, next_tick_s


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
    for _ in range(120):
        now = Instant(unix_s=1_762_165_845.0 + tick_s + step_s, monotonic_s=tick_s)
        following_s, missed = next_tick_s(tick_s, 1.0, now)
        assert missed == 0
        assert 0.989 <= following_s - tick_s <= 1.011
        tick_s = following_s
    unix_s = tick_s + step_s
    assert abs(unix_s - round(unix_s)) < 0.001
