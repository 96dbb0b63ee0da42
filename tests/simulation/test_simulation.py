"""The simulation itself: it repeats to the bit, leaves nothing out, and tells what it found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from lineside.core.model import Reading
from lineside.drivers.melsec.driver import MelsecDriver
from simulation.faults import FaultKind
from simulation.journal import InvariantBroken
from simulation.run import Outcome, simulate
from simulation.scenario import CLOCK_ADDRESS, PlcPlan, Scenario, draw_scenario
from simulation.seeds import COUNTED_SEEDS, FILE_COUNT, SEED_COUNT, TRUE_TICK_SEEDS, share_of

TESTS = Path(__file__).parent.parent


def played_elsewhere(options: Sequence[str], hash_seed: str) -> str:
    """What another process, whose sets are in another order, prints of some seeds."""
    played = subprocess.run(
        [sys.executable, "-m", "simulation", *options],
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return played.stdout


def test_the_same_seed_gives_the_same_trace_bit_for_bit() -> None:
    seeds = (3, 14)
    here = [simulate(seed).digest for seed in seeds]
    assert [simulate(seed).digest for seed in seeds] == here
    words = [word for seed in seeds for word in ("--seed", str(seed))]
    for hash_seed in ("1", "2"):
        assert re.findall(r"digest='(.+?)'", played_elsewhere(words, hash_seed)) == here


def test_another_seed_gives_another_trace() -> None:
    assert len({simulate(seed).digest for seed in range(5)}) == 5


def test_every_seed_of_the_run_is_played_by_exactly_one_file() -> None:
    seeds = [seed for i in range(FILE_COUNT) for chunk in share_of(i + 1) for seed in chunk]
    assert sorted([*seeds, *COUNTED_SEEDS]) == list(range(SEED_COUNT))


def test_what_is_drawn_has_everything_in_it() -> None:
    scenarios = [draw_scenario(seed) for seed in range(SEED_COUNT)]
    assert {fault.kind for s in scenarios for fault in s.faults} == set(FaultKind)
    ports = Counter(
        (plan.config.transport, plan.config.frame, plan.config.code) for plan in plcs_of(scenarios)
    )
    assert len(ports) == 8
    assert min(ports.values()) >= 10
    assert {len(s.plcs) for s in scenarios} == {1, 2, 3}
    assert all(s.end_s >= 7200.0 for s in scenarios)
    faults = sum(len(s.faults) for s in scenarios)
    assert faults > 15 * SEED_COUNT


def test_what_is_drawn_at_the_true_tick_has_everything_in_it_too() -> None:
    scenarios = [draw_scenario(seed, is_true_tick=True) for seed in TRUE_TICK_SEEDS]
    assert {fault.kind for s in scenarios for fault in s.faults} == set(FaultKind)
    assert {s.tick_period_s for s in scenarios} == {1.0}
    assert (
        len({(p.config.transport, p.config.frame, p.config.code) for p in plcs_of(scenarios)}) == 8
    )
    assert min(s.end_s for s in scenarios) == 1800.0
    assert sum(s.end_s >= 7200.0 for s in scenarios) == 2
    assert sum(len(s.faults) for s in scenarios) > 20 * len(TRUE_TICK_SEEDS)


def plcs_of(scenarios: Iterable[Scenario]) -> list[PlcPlan]:
    return [plan for scenario in scenarios for plan in scenario.plcs]


def test_plants_are_seen_and_lost_and_screens_are_slow_and_given_up() -> None:
    outcomes = [simulate(seed) for seed in COUNTED_SEEDS]
    assert all(outcome.plant_s >= 7200.0 for outcome in outcomes)
    assert all(outcome.live_share > 0.1 for outcome in outcomes)
    assert sum(outcome.live_share < 1.0 for outcome in outcomes) > 20  # some faults meet no poll
    assert total(outcomes, "screens_slowed") > 10
    assert total(outcomes, "screens_given_up") > 5
    assert total(outcomes, "reading_count") > 1_000
    assert sum((outcome.fault_counts for outcome in outcomes), Counter()).total() > 150


def total(outcomes: list[Outcome], what: str) -> int:
    return sum(getattr(outcome, what) for outcome in outcomes)


class InventiveDriver(MelsecDriver):
    """Says now and then what no PLC has said."""

    async def read(self) -> Reading:
        reading = await super().read()
        if int(reading.read_at.monotonic_s) % 10 != 0:
            return reading
        tags = {
            address: tag if address == CLOCK_ADDRESS else replace(tag, value=4711)
            for address, tag in reading.tags.items()
        }
        return replace(reading, tags=tags)


def breach_of(seed: int, *, is_true_tick: bool) -> str:
    """What the breach of a seed says that a broken driver is put into."""
    with pytest.raises(InvariantBroken) as breach:
        simulate(seed, make_driver=InventiveDriver, is_true_tick=is_true_tick)
    return str(breach.value)


def test_a_breach_says_seed_invariant_last_events_and_the_command_that_shows_it_again() -> None:
    said = breach_of(8, is_true_tick=False)
    assert said.startswith("seed 8 at ")
    assert "a value is one that the register held while it was read" in said
    assert said.count("\n") > 10
    assert "PYTHONPATH=tests .venv/bin/python -m simulation --seed 8 --verbose" in said


@pytest.mark.parametrize("is_true_tick", [False, True])
def test_the_command_of_a_breach_plays_the_very_same_plant(is_true_tick: bool) -> None:
    seed = 8
    command = breach_of(seed, is_true_tick=is_true_tick).splitlines()[-1]
    options = command.partition("-m simulation ")[2].split()
    played = played_elsewhere(options, "1")
    assert f"digest='{simulate(seed, is_true_tick=is_true_tick).digest}'" in played
