"""How long the event loop stands while a week of a hundred machines is asked for.

`python -m bench.timeline` writes a week of changes (110 a day and machine) into SQLite, asks for it
over the application in one process, and measures a 1 ms timer on the loop meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from builders import T0_S, WebPlant, code, line, site  # noqa: E402
from history.told import a_batch, a_run  # noqa: E402
from lineside.core.model import Site, Status  # noqa: E402
from lineside.core.times import iso_utc  # noqa: E402
from lineside.history.records import Batch, ChangeRecord, config_record  # noqa: E402
from lineside.history.service import History  # noqa: E402
from lineside.history.store import Store  # noqa: E402
from web.memory import remembering  # noqa: E402

DAY_MS = 86_400_000
CHANGES_PER_DAY = 110
KINDS = (
    (Status.RUNNING, "running"),
    (Status.IDLE, "idle_wait"),
    (Status.RUNNING, "running"),
    (Status.ERROR, "error_tag"),
)


def batches(plant: Site, days: int, machines: int) -> list[list[Batch]]:
    """Return a past of `days` up to T0, one list of batches per machine."""
    rng = random.Random(1)  # noqa: S311 -- a seeded past
    end_ms = round(T0_S * 1000)
    begin_ms = end_ms - days * DAY_MS
    run, seq = a_run(1, begin_ms), 1
    found: list[list[Batch]] = [[]]
    found[0].append(a_batch(run, [config_record(1, begin_ms, plant)], alive_ms=end_ms))
    for number in range(101, 101 + machines):
        moments = sorted(rng.sample(range(begin_ms, end_ms), days * CHANGES_PER_DAY))
        records = []
        for index, at_ms in enumerate(moments):
            status, reason = KINDS[index % 4]
            seq += 1
            records.append(
                ChangeRecord(
                    seq=seq,
                    equipment_code=code(number),
                    at_ms=at_ms,
                    previous=None,
                    status=status,
                    reason=reason,
                    since_ms=at_ms,
                )
            )
        found.append([a_batch(run, records, alive_ms=end_ms)])
    return found


async def longest_stall_s(stop: asyncio.Event) -> float:
    """Return by how much a 1 ms timer was late at most, until `stop`."""
    longest = 0.0
    while not stop.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - before - 0.001)
    return longest


async def ask(plant: WebPlant, path: str) -> tuple[float, int, float]:
    """Return the time of one answer, its bytes, and the longest stall meanwhile."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        stall = tasks.create_task(longest_stall_s(stop))
        await asyncio.sleep(0.05)
        before = time.perf_counter()
        answer = await plant.ask(path)
        took_s = time.perf_counter() - before
        stop.set()
    assert answer.status_code == 200, answer.text
    return took_s, len(answer.content), stall.result()


async def main(machines: int, days: int, rounds: int) -> None:
    """Write the past, ask for it, print the figures."""
    plant_site = site(line("weld1", range(101, 101 + machines)))
    with tempfile.TemporaryDirectory() as folder:
        plant, history = await remembering(Path(folder), plant_site, [])
        for some in batches(plant_site, days, machines):
            await history.ask(partial(_write, some))
        end = iso_utc(T0_S)
        await ask(plant, f"/api/timeline?line=weld1&from={iso_utc(T0_S - 3600)}&to={end}")
        gc.collect()
        gc.freeze()  # as the server does when it has started
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(3, stop.set)
        print(f"nobody asks: longest stall {await longest_stall_s(stop) * 1000:.1f} ms")
        for label, since_days, query in (
            (f"{days} days, {machines} machines", days, ""),
            (f"{days} days, {machines} machines, 10 min", days, "&resolution_ms=600000"),
            (f"1 day, {machines} machines", 1, ""),
        ):
            begin = iso_utc(T0_S - since_days * 86_400)
            path = f"/api/timeline?line=weld1&from={begin}&to={end}{query}"
            for _ in range(rounds):
                took_s, size, stall_s = await ask(plant, path)
                print(
                    f"{label}: {took_s * 1000:.0f} ms, {size / 1024:.0f} KiB, "
                    f"longest stall of the loop {stall_s * 1000:.1f} ms"
                )
        await _close(history)


async def _write(some: list[Batch], store: Store) -> None:
    await store.write(some)


async def _close(history: History) -> None:
    history.stop()
    await history.wait_stopped(10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=100)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(main(options.machines, options.days, options.rounds))
