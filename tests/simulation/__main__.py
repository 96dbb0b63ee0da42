"""Play one seed, or many: `PYTHONPATH=tests python -m simulation --seed 17 --verbose`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import click

from simulation.journal import InvariantBroken
from simulation.run import Outcome, simulate

_TOLD_EVERY = 100  # seeds


@click.command()
@click.option("--seed", "single", type=int, multiple=True, help="Play this one (repeatable).")
@click.option("--seeds", default="0-999", help="Play many: FIRST-LAST.", show_default=True)
@click.option("--true-tick", is_flag=True, help="Tick once a second.")
@click.option("--verbose", is_flag=True, help="Print every event.")
@click.option("--jobs", default=os.cpu_count() or 1, help="Processes.", show_default=True)
def main(single: tuple[int, ...], seeds: str, true_tick: bool, verbose: bool, jobs: int) -> None:
    """Play simulated plants and say which invariants broke; exit 1 when any did."""
    if single:
        outcomes = [_play(seed, true_tick=true_tick, verbose=verbose) for seed in single]
        print(*outcomes, sep="\n")
        sys.exit(any(isinstance(outcome, str) for outcome in outcomes))
    first, _, last = seeds.partition("-")
    numbers = range(int(first), int(last or first) + 1)
    play = partial(_play, true_tick=true_tick, verbose=verbose)
    with ProcessPoolExecutor(jobs) as processes:
        broken = _tell(numbers, processes.map(play, numbers, chunksize=5))
    if broken:
        print(f"broken seeds: {broken}")
        sys.exit(1)


def _play(seed: int, *, true_tick: bool, verbose: bool) -> Outcome | str:
    """Return what came of a seed, or how it broke."""
    try:
        return simulate(seed, is_true_tick=true_tick, is_verbose=verbose)
    except InvariantBroken as breach:
        return str(breach)


def _tell(numbers: Iterable[int], outcomes: Iterator[Outcome | str]) -> list[int]:
    """Print breaches and progress as they come, and return the seeds that broke."""
    started_s = time.monotonic()
    plant_s = cpu_s = 0.0
    broken: list[int] = []
    count = 0
    for count, (number, outcome) in enumerate(zip(numbers, outcomes, strict=True), 1):
        if isinstance(outcome, str):
            broken.append(number)
            print(f"\n{outcome}\n", flush=True)
        else:
            plant_s += outcome.plant_s
            cpu_s += outcome.cpu_s
        if count % _TOLD_EVERY == 0:
            _tell_progress(count, plant_s, cpu_s, started_s, len(broken))
    if count % _TOLD_EVERY:
        _tell_progress(count, plant_s, cpu_s, started_s, len(broken))
    return broken


def _tell_progress(
    count: int, plant_s: float, cpu_s: float, started_s: float, broken_count: int
) -> None:
    print(
        f"{count} seeds, {plant_s / 3600.0:.0f} h of plant life in"
        f" {time.monotonic() - started_s:.0f} s, {cpu_s / count:.3f} s of CPU a seed,"
        f" {broken_count} broken",
        flush=True,
    )


if __name__ == "__main__":
    main()
