"""The history's size and speed: `python -m bench.history`.

1. A year of 500 machines on ten lines, about 20 million changes drawn from a seed, is written
   straight into a SQLite file, a week after the other as a year would write it. Then the store is
   asked for a day's timeline of one line, a different day and line each time.
2. The parts of a month's key figures are computed as the server does in the background, and what
   people ask is asked over REST, while a timer on the event loop of the board measures its delay.
3. A recorder is told 5,000 changes a second for half a minute, and its writer stores them in that
   same file: how far it falls behind, and what it costs. Then as fast as it can.
4. What the recorder costs the event loop of the board: per change, and per tick without news.

Writes `bench/results/history.md` and `history.json`. Needs 6 GB of disk and some minutes;
`--folder` keeps the year for the next time. Wants `PYTHONPATH=tests`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.machine import RESULTS, come_first, describe, table_of
from bench.parts import quantile
from bench.questions import ROUNDS, ask_all, compute_parts
from bench.year import (
    CYCLE,
    DAY_MS,
    FIRST_MS,
    LINES,
    MACHINES_PER_LINE,
    PLCS,
    codes_of,
    fill,
    measure,
    plant,
)

from lineside.clock import system_clock
from lineside.core.model import (
    Equipment,
    EquipmentState,
    Instant,
    LineState,
    PlcLink,
    PlcState,
    Quality,
    Reason,
    ReasonCode,
    Site,
    SiteChange,
    Snapshot,
    StateChange,
    Status,
    TagRole,
    TagState,
)
from lineside.history.database import Database
from lineside.history.past import lanes
from lineside.history.recorder import Recorder
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from lineside.history.store import Store

QUESTIONS = 50
RATE_PER_S, RATE_FOR_S = 5_000, 30
TIMELINE_MAX_MS, MONTH_MAX_MS, TICK_MAX_US = 100.0, 1_000.0, 50.0


def main() -> None:
    """Run the whole benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=365, help="days of history (365)")
    parser.add_argument("--folder", type=Path, help="where the year lies, or is to lie and stay")
    parser.add_argument("--seconds", type=int, default=RATE_FOR_S, help="seconds of changes (30)")
    options = parser.parse_args()
    come_first()
    figures: dict[str, Any] = {"days": options.days}
    with tempfile.TemporaryDirectory(prefix="lineside-bench-") as name:
        settings = HistorySettings(folder=options.folder or Path(name))
        assert settings.file is not None
        figures |= asyncio.run(
            measure(settings) if settings.file.exists() else fill(settings, options.days)
        )
        figures |= asyncio.run(ask(settings, options.days))
        figures |= asyncio.run(compute_parts(settings, options.days))
        figures |= asyncio.run(ask_all(settings, options.days))
        figures |= asyncio.run(record(settings, options.seconds))
        figures |= asyncio.run(store_all(settings))
        figures |= hear()
    write_report(figures)
    is_good = (
        figures["timeline_p95_ms"] < TIMELINE_MAX_MS
        and figures["timeline_rest_ms"] < TIMELINE_MAX_MS
        and figures["month_ms"] < MONTH_MAX_MS
        and figures["behind_max_s"] < 2.0
        and figures["tick_us"] < TICK_MAX_US
    )
    sys.exit(0 if is_good else 1)


async def ask(settings: HistorySettings, days: int) -> dict[str, float]:
    """Return how long a day's timeline of a line takes."""
    database = Database(settings.database_url)
    store = Store(database)
    chance = random.Random(2)  # noqa: S311
    took_ms, cpu_ms, counts = [], [], []
    await store.runs(0, 1)  # opens the database
    for _ in range(QUESTIONS):
        begin_ms = FIRST_MS + chance.randrange(days) * DAY_MS
        codes = codes_of(chance.randrange(LINES))
        begun_s, cpu_s = time.perf_counter(), time.process_time()
        found = [lane async for lane in lanes(store, codes, begin_ms, begin_ms + DAY_MS)]
        took_ms.append((time.perf_counter() - begun_s) * 1000)
        cpu_ms.append((time.process_time() - cpu_s) * 1000)
        counts.append(sum(len(lane.intervals) for lane in found))
    await database.close()
    return {
        "timeline_p50_ms": quantile(took_ms, 0.5),
        "timeline_p95_ms": quantile(took_ms, 0.95),
        "timeline_max_ms": max(took_ms),
        "timeline_cpu_ms": quantile(cpu_ms, 0.5),
        "timeline_intervals": quantile(counts, 0.5),
    }


# The recorder and its writer.


def change_of(machine: Equipment, step: int, at_s: float) -> StateChange:
    """Return a change with tags, as the board makes it."""
    status, reason, value = CYCLE[step % len(CYCLE)]
    return StateChange(
        line_id=machine.line_id,
        equipment_code=machine.code,
        at_s=at_s,
        previous=CYCLE[(step - 1) % len(CYCLE)][0],
        status=status,
        reason=Reason(code=ReasonCode(reason), since_s=at_s, tag="M1", value=int(value)),
        tags=tags_at(at_s),
    )


def tags_at(at_s: float) -> tuple[TagState, ...]:
    """Return two tags that were just read."""
    return tuple(
        TagState(role=role, address=address, value=1, quality=Quality.GOOD, read_at_s=at_s - 0.012)
        for role, address in ((TagRole.STATUS, "M1"), (TagRole.ERROR, "M2"))
    )


def snapshot_of(site: Site, now: Instant, sequence: int) -> Snapshot:
    """Return a tick at which every machine runs."""
    lines = tuple(
        LineState(
            id=line.id,
            name=line.name,
            equipment=tuple(
                EquipmentState(
                    code=machine.code,
                    name=machine.name,
                    plc_id=machine.plc_id,
                    status=Status.RUNNING,
                    since_s=now.unix_s,
                    reason=Reason(code=ReasonCode.RUNNING),
                    status_value=1,
                    error_value=0,
                    is_connected=True,
                    last_updated_s=now.unix_s,
                    tags=(),
                )
                for machine in line.equipment
            ),
        )
        for line in site.lines
    )
    plcs = tuple(PlcState(id=p.id, link=PlcLink.ONLINE, since_s=now.unix_s) for p in site.plcs)
    return Snapshot(at=now, sequence=sequence, lines=lines, plcs=plcs)


async def record(settings: HistorySettings, seconds: int) -> dict[str, float]:
    """Tell a history 5,000 changes a second, in portions of a tenth of a second."""
    history, site = History(settings, system_clock, "bench"), plant()
    hear = history.recorder.on_message
    machines = [machine for line in site.lines for machine in line.equipment]
    hear(SiteChange(site=site, at_s=system_clock().unix_s))
    history.start()
    while history.health().written == 0:  # noqa: ASYNC110 -- it has no event
        await asyncio.sleep(0.01)
    before, behind_s, late_s, step = history.health().written, 0.0, 0.0, 0
    begun_s, cpu_s = time.monotonic(), time.process_time()
    for portion in range(seconds * 10):
        now = system_clock()
        for _ in range(RATE_PER_S // 10):
            step += 1
            hear(change_of(machines[step % len(machines)], step, now.unix_s))
        if portion % 10 == 0:
            hear(snapshot_of(site, now, portion))
        behind_s = max(behind_s, history.health().behind_s)
        due_s = begun_s + (portion + 1) / 10
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        late_s = max(late_s, time.monotonic() - due_s)
    while history.health().queued:  # noqa: ASYNC110 -- it has no event
        await asyncio.sleep(0.01)
    took_s, cpu_s = time.monotonic() - begun_s, time.process_time() - cpu_s
    health = history.health()
    history.stop()
    await history.wait_stopped(60)
    written = health.written - before
    if health.lost or health.spooled:
        raise SystemExit(f"not all was stored: {health}")
    return {
        "recorded": written,
        "recorded_per_s": written / took_s,
        "behind_max_s": behind_s,
        "loop_late_max_ms": late_s * 1000,
        "cpu_us_per_change": cpu_s / written * 1e6,
    }


async def store_all(settings: HistorySettings, batches: int = 50) -> dict[str, float]:
    """Store full batches as fast as it goes."""
    database = Database(settings.database_url)
    store, recorder, site = Store(database), Recorder("bench"), plant()
    machines = [machine for line in site.lines for machine in line.equipment]
    took_s, count = 0.0, 0
    for number in range(batches):
        for step in range(2000):
            at_s = system_clock().unix_s
            recorder.on_message(change_of(machines[step % 500], number + step, at_s))
        batch = recorder.take(2000)
        assert batch is not None
        begun_s = time.monotonic()
        await store.write([batch])
        took_s += time.monotonic() - begun_s
        count += len(batch.records)
    await database.close()
    return {"store_max_per_s": count / took_s}


def hear(rounds: int = 200) -> dict[str, float]:
    """Return what the recorder costs the board, in microseconds of the fastest half."""
    recorder, site = Recorder("bench"), plant()
    machines = [machine for line in site.lines for machine in line.equipment]
    recorder.on_message(SiteChange(site=site, at_s=system_clock().unix_s))
    tick_us, change_us = [], []
    for number in range(rounds):
        now = system_clock()
        tick = snapshot_of(site, now, number)
        changes = [change_of(machine, number, now.unix_s) for machine in machines]
        begun_s = time.perf_counter()
        recorder.on_message(tick)
        told_s = time.perf_counter()
        for change in changes:
            recorder.on_message(change)
        change_us.append((time.perf_counter() - told_s) * 1e6 / len(changes))
        tick_us.append((told_s - begun_s) * 1e6)
        while recorder:
            recorder.take(2000)
    return {"tick_us": quantile(tick_us[1:], 0.5), "change_us": quantile(change_us[1:], 0.5)}


def write_report(figures: dict[str, Any]) -> None:
    """Write the figures and what they mean."""
    about = describe("python -m bench.history", come_first(), ("sqlalchemy", "aiosqlite"))
    about["SQLite"] = sqlite3.sqlite_version
    rows = [
        ("changes in the database", f"{figures['changes']:,} in {figures['days']} days"),
        ("alarms in it", f"{figures['alarms']:,}"),
        ("its size", f"{figures['size_bytes'] / 1024**3:.1f} GiB"),
        (
            f"a day's timeline of {MACHINES_PER_LINE} machines, N = {QUESTIONS}",
            f"p50 {figures['timeline_p50_ms']:.0f} ms, p95 {figures['timeline_p95_ms']:.0f} ms, "
            f"most {figures['timeline_max_ms']:.0f} ms, of which {figures['timeline_cpu_ms']:.0f} "
            f"ms CPU ({figures['timeline_intervals']:,.0f} intervals)",
        ),
        (
            f"told {RATE_PER_S:,} changes a second",
            f"{figures['recorded']:,} stored, {figures['recorded_per_s']:,.0f} a second; behind by "
            f"at most {figures['behind_max_s']:.1f} s",
        ),
        ("CPU for one change, from the bus to the disk", f"{figures['cpu_us_per_change']:.0f} us"),
        (
            "by which the loop that told them came late at most",
            f"{figures['loop_late_max_ms']:.0f} ms",
        ),
        ("stored as fast as it goes", f"{figures['store_max_per_s']:,.0f} changes a second"),
        ("the recorder's part of a change", f"{figures['change_us']:.1f} us"),
        (
            f"the recorder's part of a tick of {LINES * MACHINES_PER_LINE} machines on {PLCS} "
            "PLCs, without news",
            f"{figures['tick_us']:.1f} us",
        ),
    ]
    if "part_ms" in figures:
        of_which = f"{figures['part_ms']:.1f} ms, of which {figures['part_cpu_ms']:.1f} ms CPU"
        rows.append(("parts of a machine's day, computed in the background", of_which))
    asked = [
        f"| {each['question']} | {each['took_ms']:.0f} ms | {each['took_max_ms']:.0f} ms "
        f"| {each['cpu_ms']:.0f} ms | {each['size_kib']:,.0f} KiB | {each['stall_ms']:.1f} ms |"
        for each in figures["questions"]
    ]
    text = "\n".join(
        [
            "# The history's size and speed",
            "",
            table_of(about),
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows),
            "",
            f"Asked over REST {ROUNDS} times in one process with the board's event loop, on which "
            "a timer of 1 ms",
            f"came late by at most the last column; by {figures['idle_stall_ms']:.1f} ms while "
            "nobody asked.",
            "",
            "| question | median | most | CPU | answer | loop late |",
            "|---|---|---|---|---|---|",
            *asked,
            "",
        ]
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "history.md").write_text(text, encoding="utf-8")
    (RESULTS / "history.json").write_text(json.dumps(about | figures, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
