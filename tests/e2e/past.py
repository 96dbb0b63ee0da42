"""A past for the plant in front of the browser: written into the history before its server starts.

`remember` is the way into the history for every past of the browser tests. That of `write_past`
comes from a seed, minute by minute believable, with a night on which nobody watched and an hour
without a PLC. What the server then records of itself follows it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from e2e.large_plant import LargePlant
from e2e.plant import Plant
from history.alarms import raised, told
from lineside.clock import system_clock
from lineside.config import load_config
from lineside.core.alarm import AlarmEventKind
from lineside.core.model import Site, Status
from lineside.drivers import DRIVERS
from lineside.history.part_work import PartWork
from lineside.history.records import (
    AlarmRecord,
    Batch,
    ChangeRecord,
    Record,
    Run,
    RunCause,
    config_record,
)
from lineside.history.retention import forget
from lineside.history.service import History
from lineside.history.settings import HistorySettings, Retention
from lineside.history.store import Store
from serving import eventually

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SLICE = 20  # machines in one batch

WORK_TIME = """
[plant]
time_zone = "Asia/Seoul"

[[shift]]
id = "day"
name = "주간"
days = ["mon-sun"]
start = "06:00"
end = "14:00"
breaks = ["12:00-12:40"]

[[shift]]
id = "late"
name = "오후"
days = ["mon-sun"]
start = "14:00"
end = "22:00"
breaks = ["18:00-18:30"]

[[shift]]
id = "night"
name = "야간"
days = ["mon-sun"]
start = "22:00"
end = "06:00"
breaks = ["02:00-02:30"]
"""


class Stretch(NamedTuple):
    """One machine in one status, [begin_ms, end_ms)."""

    begin_ms: int
    end_ms: int
    status: Status
    reason: str


def write_past(
    plant: Plant | LargePlant, end_ms: int, *, days: float, seed: int = 1
) -> dict[str, list[Stretch]]:
    """Write a past of `days` up to `end_ms` into the history of the first server of `plant`.

    Return it by machine. Its second night, from 40 to 34 hours before the end, was seen by nobody.
    """
    site = load_config(plant.config, DRIVERS).site
    rng = random.Random(seed)
    begin_ms = end_ms - round(days * DAY_MS)
    gap = (end_ms - 40 * HOUR_MS, end_ms - 34 * HOUR_MS) if days > 2 else None
    lost = (end_ms - 5 * HOUR_MS, end_ms - 4 * HOUR_MS)
    machines = [each for line in site.lines for each in line.equipment]
    past = {
        each.code: _life(rng, begin_ms, end_ms, lost if each.plc_id == "PLC02" else None)
        for each in machines
    }
    spans = [(begin_ms, end_ms)] if gap is None else [(begin_ms, gap[0]), (gap[1], end_ms)]
    batches = [batch for n, span in enumerate(spans, 1) for batch in _run(site, past, n, *span)]
    remember(plant.first_history, batches)
    return past


def remember(folder: Path, batches: Sequence[Batch]) -> None:
    """Write `batches` into the history in `folder`, through the store that the server has."""
    folder.mkdir(exist_ok=True)
    with ThreadPoolExecutor(1) as other:  # Playwright's loop may be running in this thread
        other.submit(asyncio.run, _keep(folder, batches)).result(300)


def forget_past(folder: Path, now_ms: int, kept_s: float) -> None:
    """Compute what is kept of figures, and delete the changes that are older than `kept_s`."""

    async def grow_old(store: Store) -> None:
        await PartWork(store, lambda: now_ms, pause_s=0).compute()
        await forget(store.database, Retention(changes_s=kept_s), now_ms / 1_000)

    with ThreadPoolExecutor(1) as other:
        other.submit(asyncio.run, _ask(folder, grow_old)).result(300)


def _life(
    rng: random.Random, begin_ms: int, end_ms: int, lost: tuple[int, int] | None
) -> list[Stretch]:
    found: list[Stretch] = []
    at_ms = begin_ms

    def add(status: Status, reason: str, minutes: float) -> None:
        nonlocal at_ms
        until_ms = min(end_ms, at_ms + max(1_000, round(minutes * MINUTE_MS)))
        if until_ms > at_ms:
            found.append(Stretch(at_ms, until_ms, status, reason))
        at_ms = until_ms

    care = rng.uniform(0.4, 2.2)  # some machines are worse than others
    while at_ms < end_ms:
        if lost is not None and lost[0] <= at_ms < lost[1]:
            add(Status.DISCONNECTED, "plc_lost", (lost[1] - at_ms) / MINUTE_MS)
            continue
        add(Status.RUNNING, "running", rng.lognormvariate(3.1, 0.8))
        kind = rng.random()
        if kind < 0.1 * care:
            add(Status.ERROR, "error_tag", rng.lognormvariate(1.6, 1.0))
        elif kind < 0.24 * care:
            add(Status.IDLE, "idle_wait", 5)
            add(Status.STOPPED, "stop_elapsed", rng.lognormvariate(2.4, 0.8))
        else:
            add(Status.IDLE, "idle_wait", rng.uniform(0.3, 4.9))
    return found


def _run(
    site: Site, past: dict[str, list[Stretch]], number: int, begin_ms: int, end_ms: int
) -> Sequence[Batch]:
    run = Run(key=9_000 + number, started_ms=begin_ms, cause=RunCause.START, version="1.0.0")
    seq = 1
    batches = [_batch(run, [config_record(seq, begin_ms, site)], end_ms)]
    records: list[Record] = []
    for count, (code, life) in enumerate(past.items(), 1):
        previous: Status | None = None
        for stretch in life:
            if stretch.end_ms <= begin_ms or stretch.begin_ms >= end_ms:
                continue
            seq += 1
            at_ms = max(begin_ms, stretch.begin_ms)
            records.append(_change(seq, code, at_ms, previous, stretch))
            previous = stretch.status
            if stretch.status is Status.ERROR:
                for record in _alarm(seq, code, at_ms, min(end_ms, stretch.end_ms)):
                    seq += 1
                    records.append(replace(record, seq=seq))
        if count % SLICE == 0 or count == len(past):
            batches.append(_batch(run, records, end_ms))
            records = []
    return batches


def _batch(run: Run, records: Sequence[object], end_ms: int) -> Batch:
    return Batch(run=run, alive_ms=end_ms, stopped_ms=end_ms, records=tuple(records))  # type: ignore[arg-type]


def _change(
    seq: int, code: str, at_ms: int, previous: Status | None, stretch: Stretch
) -> ChangeRecord:
    runs, fails = stretch.status is Status.RUNNING, stretch.status is Status.ERROR
    return ChangeRecord(
        seq=seq,
        equipment_code=code,
        at_ms=at_ms,
        previous=previous,
        status=stretch.status,
        reason=stretch.reason,
        tag="M200" if fails else "M100",
        value="1" if runs or fails else "0",
        since_ms=at_ms,
        tags=f'[["status_tag","M100",{int(runs)},120],["error_tag","M200",{int(fails)},120]]',
    )


def _alarm(number: int, code: str, begin_ms: int, end_ms: int) -> list[AlarmRecord]:
    """Return an alarm that was raised, cleared, and acknowledged at once: it is over."""
    alarm, first = raised(begin_ms * 1_000 + number % 1_000, at_ms=begin_ms, source=code, name=code)
    alarm, second = told(alarm, AlarmEventKind.CLEARED, end_ms)
    _, third = told(alarm, AlarmEventKind.ACKNOWLEDGED, end_ms, "김정비")
    return [first, second, third]


async def _keep(folder: Path, batches: Sequence[Batch]) -> None:
    async def write(store: Store) -> None:
        for batch in batches:
            await store.write([batch])

    await _ask(folder, write)


async def _ask(folder: Path, question: Callable[[Store], Awaitable[None]]) -> None:
    history = History(HistorySettings(folder=folder), system_clock, "1.0.0")
    history.start()
    try:
        await eventually(lambda: history.is_open, "the history was not opened")
        await history.ask(question)
    finally:
        history.stop()
        await history.wait_stopped(30)
