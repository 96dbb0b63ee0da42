"""A writer with a database that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from builders import T0_S, TurnedClock, site, site_change, state_change
from history.told import tick
from lineside.core.errors import HistoryError
from lineside.core.model import Status
from lineside.history.recorder import Recorder
from lineside.history.records import Batch, ChangeRecord
from lineside.history.spool import Spool
from lineside.history.writer import Writer
from serving import eventually


@dataclass
class ObedientStore:
    """Stores in a list, fails or hangs while it is told to."""

    batches: list[Batch] = field(default_factory=list)
    trouble: str = ""
    fault: BaseException | None = None
    poison: frozenset[int] = frozenset()  # times of changes that can never be stored
    slow_over: int | None = None  # records: a transaction of more is cut by its limit
    is_hung: bool = False
    go_on: asyncio.Event = field(default_factory=asyncio.Event)  # for what hangs
    attempts: int = 0

    async def write(self, batches: Sequence[Batch]) -> None:
        self.attempts += 1
        if self.is_hung:
            await self.go_on.wait()
        if self.trouble:
            raise HistoryError(self.trouble)
        if self.fault is not None:
            raise self.fault
        records = [record for batch in batches for record in batch.records]
        if self.slow_over is not None and len(records) > self.slow_over:
            raise HistoryError("the database did not answer in time")
        if any(record.at_ms in self.poison for record in records):
            raise TypeError("a tag is no text")
        self.batches += [batch for batch in batches if batch.last_seq != 0]  # a mere question

    def changes(self) -> list[tuple[str, int]]:
        return [
            (record.equipment_code, record.at_ms)
            for batch in self.batches
            for record in batch.records
            if isinstance(record, ChangeRecord)
        ]


class Scene:
    """A recorder, a writer and a store that is told what to do."""

    def __init__(
        self,
        folder: Path,
        *,
        spool_max_bytes: int = 10**9,
        queue_max: int = 1000,
        is_quiet: bool = False,
        handover_s: float = 1.0,
        kind: type[Recorder] = Recorder,
    ) -> None:
        self.store = ObedientStore()
        self.clock = TurnedClock()
        self.recorder = kind("1", lambda: self.writer.wake(), queue_max=queue_max)
        self.spool = Spool(folder, max_bytes=spool_max_bytes)
        self.spool.open()
        self.replaced = 0
        self.writer = Writer(
            self.recorder,
            self.store,
            self.spool,
            self.clock,
            database="the database",
            replaced_count=lambda: self.replaced,
            alive_s=0.05,
            batch_wait_s=0.0,
            handover_s=handover_s,
        )
        self.told: list[tuple[str, int]] = []
        self.second = 0
        if is_quiet:
            return
        self.recorder.on_message(site_change(site()))
        self.recorder.on_message(tick(0))

    def change(self, count: int = 1) -> None:
        for _ in range(count):
            self.second += 1
            number = 101 + self.second % 5
            at_s = T0_S + self.second
            change = state_change(number, Status.IDLE, at_s=at_s)
            self.told.append((change.equipment_code, round(at_s * 1000)))
            self.recorder.on_message(change)
            self.recorder.on_message(tick(self.second))
            self.clock.unix_s = at_s

    async def is_caught_up(self) -> None:
        await eventually(
            lambda: self.store.changes() == self.told and not self.writer.health().is_behind,
            "the changes did not arrive, in order",
        )


@asynccontextmanager
async def playing(scene: Scene) -> AsyncIterator[Scene]:
    running = asyncio.create_task(scene.writer.run())
    try:
        yield scene
    finally:
        scene.writer.stop()
        async with asyncio.timeout(60):
            await running
