"""What people ask of a year over REST: how long it takes, and whether the board's loop notices.

Part of `python -m bench.history`. The application and the history run in one process, as in a
server; a timer of 1 ms on the event loop of the board measures by how much it comes late.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from pathlib import Path
from typing import Any

from bench.year import DAY_MS, FIRST_MS, plant

from builders import WebPlant
from lineside.core.times import iso_utc
from lineside.history.database import Database
from lineside.history.part_work import PartWork
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.settings import HistorySettings
from lineside.history.store import Store
from web.memory import remembering

MONTH_DAYS = 30
ROUNDS = 5
IDLE_S = 3.0
DAY = "timeline of a day, one line of 50"
MONTH = ("key figures of a month, every line", "key figures of a month, every machine")


async def compute_parts(settings: HistorySettings, days: int) -> dict[str, float]:
    """Compute the parts of the newest month, as the server does in the background.

    Returns:
        How long a day of one machine takes, in ms, of which CPU; nothing where all is done.
    """
    database = Database(settings.database_url)
    store, end_ms = Store(database), FIRST_MS + days * DAY_MS
    await store.runs(0, 1)  # opens the database
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    work = PartWork(store, lambda: end_ms + LATE_MAX_MS, pause_s=0)
    count = await work.compute(since_ms=end_ms - min(days, MONTH_DAYS) * DAY_MS)
    took_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - cpu_s
    await database.close()
    if not count:
        return {}  # a kept year has its parts already
    return {"part_ms": took_s * 1000 / count, "part_cpu_ms": cpu_s * 1000 / count}


async def ask_all(settings: HistorySettings, days: int) -> dict[str, Any]:
    """Ask every question some times; return what each took and how late the loop was meanwhile."""
    end_ms = FIRST_MS + days * DAY_MS
    built, history = await remembering(Path(settings.folder), plant(), [], now_s=end_ms / 1000)
    chance = random.Random(3)  # noqa: S311
    for _, path in questions(chance, days):
        await _ask(built, path)  # loads what answers it, as the first who asks does
    gc.collect()
    gc.freeze()  # as a server does when it has started
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(IDLE_S, stop.set)
    idle_stall_ms = await longest_stall_s(stop) * 1000
    rows: list[dict[str, Any]] = []
    rounds = [questions(chance, days) for _ in range(ROUNDS)]
    for asked in zip(*rounds, strict=True):
        answers = [await _ask(built, path) for _, path in asked]
        rows.append(
            {
                "question": asked[0][0],
                "took_ms": statistics.median(answer["took_ms"] for answer in answers),
                "took_max_ms": max(answer["took_ms"] for answer in answers),
                "cpu_ms": statistics.median(answer["cpu_ms"] for answer in answers),
                "size_kib": statistics.median(answer["size_kib"] for answer in answers),
                "stall_ms": max(answer["stall_ms"] for answer in answers),
            }
        )
    history.stop()
    await history.wait_stopped(10)
    took_ms = {row["question"]: row["took_ms"] for row in rows}
    return {
        "questions": rows,
        "idle_stall_ms": idle_stall_ms,
        "timeline_rest_ms": took_ms[DAY],
        "month_ms": max(took_ms[each] for each in MONTH),
    }


def questions(chance: random.Random, days: int) -> list[tuple[str, str]]:
    """Return what is asked in one round: what it is called, and its path; another day each time."""
    end_ms = FIRST_MS + days * DAY_MS
    month = f"from={_iso(end_ms - min(days, MONTH_DAYS) * DAY_MS)}&to={_iso(end_ms)}"
    begin_ms = FIRST_MS + chance.randrange(days) * DAY_MS
    day = f"from={_iso(begin_ms)}&to={_iso(begin_ms + DAY_MS)}"
    line = f"{chance.randrange(10):02d}"
    recent = 2 + chance.randrange(min(days, 10))  # its trend of 14 days is of the newest month
    week = f"from={_iso(end_ms - min(days, 7) * DAY_MS)}&to={_iso(end_ms)}"
    at = _iso(begin_ms + chance.randrange(DAY_MS))
    return [
        (DAY, f"/api/timeline?line={line}&{day}"),
        ("timeline of a week, one line of 50", f"/api/timeline?line={line}&{week}"),
        ("timeline of a week, all 500", f"/api/timeline?{week}&resolution_ms=600000"),
        ("the board of a second, one line", f"/api/board?line={line}&at={at}"),
        ("alarms of a day, one line", f"/api/alarms?line={line}&{day}"),
        (
            "the report of a day, one line",
            f"/api/report?line={line}&day={_iso(end_ms - recent * DAY_MS)[:10]}&shift=all",
        ),
        (MONTH[0], f"/api/kpis?{month}&by=line"),
        (MONTH[1], f"/api/kpis?{month}&limit=1000"),
        ("key figures of every day of a month, every line", f"/api/kpis?{month}&by=line&grain=day"),
        ("changes of a day, one line, as CSV", f"/api/export/changes.csv?line={line}&{day}"),
        (
            "intervals of a week, one line, as Excel",
            f"/api/export/intervals.xlsx?line={line}&{week}",
        ),
    ]


async def longest_stall_s(stop: asyncio.Event) -> float:
    """Return by how much a 1 ms timer was late at most, until `stop`."""
    longest = 0.0
    while not stop.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - before - 0.001)
    return longest


async def _ask(built: WebPlant, path: str) -> dict[str, float]:
    """Return the time of one answer, its size, and the longest stall meanwhile."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        stall = tasks.create_task(longest_stall_s(stop))
        await asyncio.sleep(0.05)
        before_s, cpu_s = time.perf_counter(), time.process_time()
        answer = await built.ask(path)
        took_s, cpu_s = time.perf_counter() - before_s, time.process_time() - cpu_s
        stop.set()
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code} {answer.text[:200]}")
    return {
        "took_ms": took_s * 1000,
        "cpu_ms": cpu_s * 1000,
        "size_kib": len(answer.content) / 1024,
        "stall_ms": stall.result() * 1000,
    }


def _iso(at_ms: int) -> str:
    return iso_utc(at_ms / 1000)
