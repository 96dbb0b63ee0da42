"""The history's size and speed: `python -m bench.history`.

1. A year of 500 machines on ten lines, about 20 million changes drawn from a seed, is written
   straight into a SQLite file, a week after the other as a year would write it. Then the store is
   asked for a day's timeline of one line, a different day and line each time.
2. A recorder is told 5,000 changes a second for half a minute, and its writer stores them in that
   same file: how far it falls behind, and what it costs. Then as fast as it can.
3. What the recorder costs the event loop of the board: per change, and per tick without news.

Writes `bench/results/history.md` and `history.json`. Needs 6 GB of disk and some minutes.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.machine import RESULTS, come_first, describe, table_of
from bench.parts import quantile

from lineside.clock import system_clock
from lineside.core.model import (
    Equipment,
    EquipmentState,
    Instant,
    Line,
    LineState,
    Plc,
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
from lineside.history.recorder import Recorder
from lineside.history.records import Batch, Run, RunCause, ServerEventKind, ServerRecord
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from lineside.history.store import Store

LINES, MACHINES_PER_LINE, PLCS = 10, 50, 25
CHANGES_PER_DAY = 110  # of each machine
DAY_MS = 86_400_000
FIRST_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
QUESTIONS = 50
RATE_PER_S, RATE_FOR_S = 5_000, 30
TIMELINE_MAX_MS, TICK_MAX_US = 100.0, 50.0
_CYCLE = (
    (Status.RUNNING, "running", "1"),
    (Status.IDLE, "idle_wait", "0"),
    (Status.RUNNING, "running", "1"),
    (Status.ERROR, "error_tag", "1"),
    (Status.IDLE, "idle_wait", "0"),
    (Status.STOPPED, "stop_elapsed", "0"),
)


def main() -> None:
    """Run the whole benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=365, help="days of history (365)")
    parser.add_argument("--seconds", type=int, default=RATE_FOR_S, help="seconds of changes (30)")
    options = parser.parse_args()
    come_first()
    with tempfile.TemporaryDirectory(prefix="lineside-bench-") as name:
        settings = HistorySettings(folder=Path(name))
        figures: dict[str, Any] = {"days": options.days}
        figures |= asyncio.run(fill(settings, options.days))
        figures |= asyncio.run(ask(settings, options.days))
        figures |= asyncio.run(record(settings, options.seconds))
        figures |= asyncio.run(store_all(settings))
        figures |= hear()
    write_report(figures)
    is_good = (
        figures["timeline_p95_ms"] < TIMELINE_MAX_MS
        and figures["behind_max_s"] < 2.0
        and figures["tick_us"] < TICK_MAX_US
    )
    sys.exit(0 if is_good else 1)


# The year.


def codes_of(number: int) -> list[str]:
    """Return the codes of one line's machines."""
    return [f"KRH{number:02d}BENCHM{machine:03d}" for machine in range(MACHINES_PER_LINE)]


async def fill(settings: HistorySettings, days: int) -> dict[str, float]:
    """Write the year."""
    database = Database(settings.database_url)
    run = Run(key=1, started_ms=FIRST_MS, cause=RunCause.START, version="bench")
    start = ServerRecord(seq=1, at_ms=FIRST_MS, kind=ServerEventKind.START)
    end_ms = FIRST_MS + days * DAY_MS
    await Store(database).write(
        [Batch(run=run, alive_ms=end_ms, stopped_ms=end_ms, records=(start,))]
    )
    await database.close()
    begun_s = time.monotonic()
    assert settings.file is not None
    with sqlite3.connect(settings.file) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        codes = [code for number in range(LINES) for code in codes_of(number)]
        connection.executemany(
            "INSERT INTO equipment (code, name, line_id) VALUES (?, ?, ?)",
            [(code, code, code[3:5]) for code in codes],
        )
        chance = random.Random(1)  # noqa: S311
        reached = dict.fromkeys(range(1, len(codes) + 1), FIRST_MS)
        seqs = iter(range(2, 10**9))
        for week in range(0, days, 7):
            until_ms = FIRST_MS + min(days, week + 7) * DAY_MS
            connection.executemany(
                "INSERT INTO state_change VALUES (?,?,1,?,?,?,?,?,?,?,NULL,NULL,?)",
                draw(chance, reached, until_ms, seqs),
            )
            connection.commit()
        count = connection.execute("SELECT count(*) FROM state_change").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return {
        "changes": count,
        "fill_s": time.monotonic() - begun_s,
        "size_bytes": settings.file.stat().st_size,
    }


def draw(
    chance: random.Random, reached: dict[int, int], until_ms: int, seqs: Iterator[int]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of every machine up to `until_ms`."""
    mean_ms = DAY_MS / CHANGES_PER_DAY
    for machine, begin_ms in reached.items():
        at_ms, step = begin_ms, machine
        while (at_ms := at_ms + 1 + int(chance.expovariate(1 / mean_ms))) < until_ms:
            step += 1
            previous = _CYCLE[(step - 1) % len(_CYCLE)][0].value
            status, reason, value = _CYCLE[step % len(_CYCLE)]
            tags = (
                f'[["status_tag","M{machine}",{value},12],["error_tag","M{machine + 4000}",0,12]]'
            )
            yield (
                machine, at_ms, next(seqs), previous, status.value, reason, f"M{machine}", value,
                at_ms, tags,
            )  # fmt: skip
        reached[machine] = until_ms


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
        found = await store.timeline(codes, begin_ms, begin_ms + DAY_MS)
        took_ms.append((time.perf_counter() - begun_s) * 1000)
        cpu_ms.append((time.process_time() - cpu_s) * 1000)
        counts.append(sum(len(each) for each in found.values()))
    await database.close()
    return {
        "timeline_p50_ms": quantile(took_ms, 0.5),
        "timeline_p95_ms": quantile(took_ms, 0.95),
        "timeline_max_ms": max(took_ms),
        "timeline_cpu_ms": quantile(cpu_ms, 0.5),
        "timeline_intervals": quantile(counts, 0.5),
    }


# The recorder and its writer.


def plant() -> Site:
    """Return a plant of 500 machines."""
    lines = tuple(
        Line(
            id=f"{number:02d}",
            name=f"Line {number}",
            equipment=tuple(
                Equipment(
                    code=code,
                    name=code,
                    line_id=f"{number:02d}",
                    plc_id=f"P{machine % PLCS:02d}",
                    addresses={TagRole.STATUS: "M1", TagRole.ERROR: "M2"},
                )
                for machine, code in enumerate(codes_of(number))
            ),
        )
        for number in range(LINES)
    )
    plcs = tuple(Plc(id=f"P{n:02d}", driver="melsec", endpoint="bench") for n in range(PLCS))
    return Site(lines=lines, plcs=plcs)


def change_of(machine: Equipment, step: int, at_s: float) -> StateChange:
    """Return a change with tags, as the board makes it."""
    status, reason, value = _CYCLE[step % len(_CYCLE)]
    return StateChange(
        line_id=machine.line_id,
        equipment_code=machine.code,
        at_s=at_s,
        previous=_CYCLE[(step - 1) % len(_CYCLE)][0],
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
        ]
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "history.md").write_text(text, encoding="utf-8")
    (RESULTS / "history.json").write_text(json.dumps(about | figures, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
