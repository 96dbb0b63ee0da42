"""Simulated plants at the tick that Lineside has: once a second, half an hour each."""

from __future__ import annotations

import pytest

from simulation.run import simulate


@pytest.mark.parametrize("seed", range(16))
def test_half_an_hour_at_one_tick_a_second_breaks_no_invariant(seed: int) -> None:
    assert simulate(seed, is_true_tick=True).tick_count > 1_000
