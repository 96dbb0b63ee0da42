"""What the screens' figures say, of ticks made up here: a late tick must show, however it came."""

from __future__ import annotations

from hostile.listeners import Heard, Tick, delivery

T0_S = 1_762_165_800.0


def heard(*ticks: tuple[float, float]) -> Heard:
    """Return a screen that heard these ticks: when each was stamped, and when it was there."""
    times = [Tick(T0_S + stamped_s, T0_S + heard_s, heard_s) for stamped_s, heard_s in ticks]
    return Heard(times, [0.0], [], "connected", True)


def test_delay_runs_from_the_whole_second_and_not_from_when_the_tick_ran() -> None:
    screen = heard((1.001, 1.002), (2.3, 2.301), (3.001, 3.004), (4.0, 4.001))
    result = delivery([screen], T0_S + 1.5, T0_S + 3.5)
    assert not result.missed
    assert [round(delay_s, 3) for delay_s in result.delays_s] == [0.002, 0.301, 0.004, 0.001]


def test_a_tick_that_ran_more_than_half_a_second_late_is_late_and_not_the_next_one() -> None:
    screen = heard((1.0, 1.001), (2.6, 2.601), (3.9, 3.901), (5.0, 5.001))
    result = delivery([screen], T0_S + 1.5, T0_S + 4.5)
    assert dict(result.missed) == {int(T0_S) + 4: 1}
    assert [round(delay_s, 3) for delay_s in result.delays_s] == [0.001, 0.601, 0.901, 0.001]


def test_a_tick_a_little_ahead_of_the_wall_clock_belongs_to_the_second_that_comes() -> None:
    screen = heard((0.999, 1.0), (1.998, 2.0), (2.997, 2.999), (4.0, 4.0))
    result = delivery([screen], T0_S + 1.5, T0_S + 3.5)
    assert not result.missed
    assert result.repeated_count == 0
    assert max(result.delays_s) < 0.005


def test_a_second_without_a_tick_is_missed_by_each_screen_that_did_not_hear_one() -> None:
    whole = heard((1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0))
    result = delivery([whole, heard((1.0, 1.0), (3.0, 3.0), (4.0, 4.0))], T0_S + 1.5, T0_S + 3.5)
    assert dict(result.missed) == {int(T0_S) + 2: 1}
