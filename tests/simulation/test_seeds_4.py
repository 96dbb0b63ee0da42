"""Simulated plants: share 4 of the seeds. What is played and checked is `world.py`'s."""

from __future__ import annotations

import pytest

from simulation.run import simulate
from simulation.seeds import share_of


@pytest.mark.parametrize("seeds", share_of(4), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_hours_of_plant_life_break_no_invariant(seeds: range) -> None:
    for seed in seeds:
        assert simulate(seed).plant_s >= 7200.0
