"""Plays one seed from beginning to end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog

from lineside.drivers.melsec.driver import MelsecDriver
from simulation.journal import InvariantBroken
from simulation.scenario import draw_scenario
from simulation.world import MakeDriver, World


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one run that broke no invariant."""

    seed: int
    digest: str
    event_count: int
    tick_count: int
    reading_count: int
    plant_s: float
    live_share: float  # of all machine statuses shown
    fault_counts: Counter[str]
    screens_given_up: int
    screens_slowed: int
    cpu_s: float


@contextlib.contextmanager
def _heard_logs(world: World) -> Iterator[None]:
    """Let an error in the log be a breach: somebody has caught what should not have happened."""

    def hear(_: object, level: str, event: Any) -> Any:
        if level in ("error", "critical"):
            world.journal.broken("no error is logged", event)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, hear],
        wrapper_class=structlog.make_filtering_bound_logger("error"),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def simulate(
    seed: int,
    *,
    make_driver: MakeDriver = MelsecDriver,
    is_true_tick: bool = False,
    is_verbose: bool = False,
) -> Outcome:
    """Play `seed` to its end.

    Raises:
        InvariantBroken: with the seed, the invariant, the last events, and how to see it again.
    """
    started_s = time.process_time()
    world = World(
        draw_scenario(seed, is_true_tick=is_true_tick), make_driver, is_verbose=is_verbose
    )
    loop, journal = world.loop, world.journal
    with _heard_logs(world):
        try:
            loop.run_until_complete(world.play())
        except RuntimeError as error:
            journal.broken("the run comes to its end", error)
        finally:
            _clear_away(world)
    if journal.breach is not None:
        raise InvariantBroken(journal.breach)
    judged = world.judge.live_count + world.judge.dark_count
    return Outcome(
        seed=seed,
        digest=journal.digest(),
        event_count=journal.event_count,
        tick_count=world.tick_count,
        reading_count=world.reading_count,
        plant_s=world.scenario.end_s,
        live_share=world.judge.live_count / max(1, judged),
        fault_counts=world.fault_counts,
        screens_given_up=world.hub.metrics().aborted_total,
        screens_slowed=world.hub.metrics().slowed_total,
        cpu_s=time.process_time() - started_s,
    )


def _clear_away(world: World) -> None:
    """End what a broken run has left, so that it disturbs no other."""
    loop = world.loop
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
    for screen in world.screens:
        if screen.wire is not None:
            screen.wire.pipe.close()
    loop.close()
