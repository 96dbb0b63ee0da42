"""Simulated plants that tick once a second, as Lineside does: share 1 of the seeds."""

from __future__ import annotations

import pytest

from simulation.run import simulate
from simulation.seeds import true_tick_share_of


@pytest.mark.parametrize("seed", true_tick_share_of(1))
def test_no_invariant_breaks_at_one_tick_a_second(seed: int) -> None:
    outcome = simulate(seed, is_true_tick=True)
    assert outcome.plant_s >= 1800.0
    assert outcome.tick_count > 0.8 * outcome.plant_s  # the process is frozen now and then
