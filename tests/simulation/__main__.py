"""Play one seed, or many: `PYTHONPATH=tests python -m simulation --seed 17 --verbose`."""

from __future__ import annotations

import sys
import time

import click

from simulation.journal import InvariantBroken
from simulation.run import simulate


@click.command()
@click.option("--seed", type=int, help="Play this one seed.")
@click.option("--seeds", help="Play many: FIRST-LAST.")
@click.option("--true-tick", is_flag=True, help="Tick once a second over half an hour.")
@click.option("--verbose", is_flag=True, help="Print every event.")
def main(seed: int | None, seeds: str | None, true_tick: bool, verbose: bool) -> None:
    """Play simulated plants and say which invariants broke."""
    first, _, last = (seeds or f"{seed or 0}-{seed or 0}").partition("-")
    numbers = range(int(first), int(last) + 1)
    started_s = time.process_time()
    plant_s = 0.0
    broken: list[int] = []
    for count, number in enumerate(numbers, 1):
        try:
            outcome = simulate(number, is_true_tick=true_tick, is_verbose=verbose)
        except InvariantBroken as breach:
            broken.append(number)
            print(f"\n{breach}\n", flush=True)
            continue
        plant_s += outcome.plant_s
        if len(numbers) == 1:
            print(outcome)
        elif count % 20 == 0 or count == len(numbers):
            spent_s = time.process_time() - started_s
            print(
                f"{count} of {len(numbers)} seeds, {plant_s / 3600:.0f} h of plant life in"
                f" {spent_s:.0f} s of CPU, {spent_s / count:.3f} s a seed, {len(broken)} broken",
                flush=True,
            )
    if broken:
        print(f"broken: {broken}")
        sys.exit(1)


if __name__ == "__main__":
    main()
