"""Two hours on virtual time: memory stays flat, and so does the number of tasks."""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest

from engine.test_engine import Plant, plant
from lineside.core.model import Status
from lineside.web.live import LiveView

FILL_S = 2400  # long enough for 500 remembered changes of every machine
STRETCH_S = 1200
GROWTH_MAX_BLOCKS = 300  # of memory; one leaked object a tick would be 1200


async def live(made: Plant, duration_s: int) -> None:
    """Machines start and stop all the time, and one PLC comes and goes."""
    names = list(made.plcs)
    for step in range(duration_s):
        plc = made.plcs[names[step % 3]]
        plc.tags["M1"] = plc.tags["M2"] = not plc.tags["M1"]
        made.plcs[names[2]].is_up = step % 120 < 100
        plc.read_times_s.clear()  # the script's own record
        plc.open_times_s.clear()
        await asyncio.sleep(1)


def held_blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def test_memory_and_tasks_stay_flat_over_two_hours() -> None:
    held: list[int] = []
    tasks: list[int] = []
    views: list[LiveView] = []

    async def script(made: Plant) -> None:
        made.is_recording = False
        view = LiveView(made.loop.clock)
        views.append(view)
        made.bus.subscribe(view.on_message)
        made.engine.replace_site(made.site(), made.targets())
        await live(made, FILL_S)
        for _ in range(4):
            await live(made, STRETCH_S)
            held.append(held_blocks())
            tasks.append(len(asyncio.all_tasks()))

    plant(script)
    assert held[-1] - held[0] < GROWTH_MAX_BLOCKS, held
    assert len(set(tasks)) == 1
    snapshot = views[0].snapshot
    assert snapshot is not None
    assert snapshot.sequence == pytest.approx(FILL_S + 4 * STRETCH_S, abs=2)
    assert Status.RUNNING in {e.status for e in snapshot.lines[0].equipment}
