"""Simulated plants that tick once a second, as Lineside does."""

from __future__ import annotations

import pytest

from simulation.run import simulate
from simulation.seeds import TRUE_TICK_SEEDS


@pytest.mark.parametrize("seed", TRUE_TICK_SEEDS)
def test_no_invariant_breaks_at_one_tick_a_second(seed: int) -> None:
    outcome = simulate(seed, is_true_tick=True)
    assert outcome.plant_s >= 1800.0
    assert outcome.tick_count > 0.8 * outcome.plant_s  # the process is frozen now and then
