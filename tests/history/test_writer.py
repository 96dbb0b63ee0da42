"""The writer's promises, with a database that does as it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builders import T0_S, TurnedClock, site, site_change, state_change
from history.told import tick
from lineside.core.errors import HistoryError
from lineside.core.model import Status
from lineside.history import writer as writer_module
from lineside.history.recorder import Recorder
from lineside.history.records import Batch, ChangeRecord, RunCause
from lineside.history.spool import Spool
from lineside.history.writer import Writer
from serving import eventually


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(writer_module, "RETRY_MAX_S", 0.02)


@dataclass
class ObedientStore:
    """Stores in a list, fails or hangs while it is told to."""

    batches: list[Batch] = field(default_factory=list)
    trouble: str = ""
    is_hung: bool = False
    attempts: int = 0

    async def write(self, batches: Sequence[Batch]) -> None:
        self.attempts += 1
        if self.is_hung:
            await asyncio.Event().wait()
        if self.trouble:
            raise HistoryError(self.trouble)
        self.batches += batches

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


async def test_changes_reach_the_database_in_order(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path)) as scene:
        for _ in range(10):
            scene.change(3)
            await asyncio.sleep(0)
        await scene.is_caught_up()
    assert scene.writer.health().lost == 0
    assert not scene.spool


async def test_signs_of_life_are_stored_though_nothing_happens(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path)) as scene:
        await scene.is_caught_up()
        count = len(scene.store.batches)
        await eventually(lambda: len(scene.store.batches) > count + 2, "no signs of life")
        assert scene.store.batches[-1].records == ()


async def test_while_the_database_fails_changes_are_spooled_and_then_written_in_order(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        scene.change(5)
        await scene.is_caught_up()
        scene.store.trouble = "the database is locked"
        for _ in range(20):
            scene.change(2)
            await asyncio.sleep(0.002)
        await eventually(lambda: scene.writer.health().spooled >= 40, "nothing was spooled")
        health = scene.writer.health()
        assert health.is_behind
        assert health.error == "the database is locked"
        assert health.behind_s >= 30
        scene.store.trouble = ""
        scene.change(3)
        await scene.is_caught_up()
        assert scene.writer.health().error == ""
    assert scene.spool.size_bytes == 0


async def test_it_says_in_the_history_itself_that_it_fell_behind_and_caught_up(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        scene.store.trouble = "the database is locked"
        scene.change()
        await eventually(lambda: scene.writer.health().spooled > 0, "nothing was spooled")
        scene.store.trouble = ""
        await scene.is_caught_up()
        scene.change()
        await scene.is_caught_up()
    kinds = [
        record.kind
        for batch in scene.store.batches
        for record in batch.records
        if not isinstance(record, ChangeRecord) and hasattr(record, "kind")
    ]
    assert kinds == ["start", "history_behind", "history_caught_up"]


async def test_what_waits_in_the_spool_from_an_earlier_run_goes_first(tmp_path: Path) -> None:
    first = Scene(tmp_path)
    first.store.trouble = "gone"
    async with playing(first):
        first.change(4)
        await eventually(lambda: first.writer.health().spooled >= 4, "nothing was spooled")
    second = Scene(tmp_path)
    second.told = list(first.told)
    async with playing(second):
        second.change(2)
        await second.is_caught_up()


async def test_when_neither_takes_anything_it_waits_in_memory_until_that_is_full(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path, spool_max_bytes=10, queue_max=100)) as scene:
        await scene.is_caught_up()
        scene.store.trouble = "the disk is full"
        scene.change(20)
        await eventually(lambda: "bound" in scene.writer.health().error, "no trouble was told")
        health = scene.writer.health()
        assert "the disk is full" in health.error
        assert (health.lost, health.queued >= 20) == (0, True)
        scene.store.trouble = ""
        await scene.is_caught_up()
        scene.store.trouble = "the disk is full"
        told = len(scene.told)
        scene.change(200)
        await eventually(lambda: "bound" in scene.writer.health().error, "no trouble was told")
        lost = scene.writer.health().lost
        assert lost > 50
        del scene.told[told:]
        scene.store.trouble = ""
        await eventually(lambda: not scene.writer.health().is_behind, "it does not recover")
        scene.recorder.on_message(tick(scene.second + 1))
        await eventually(
            lambda: scene.store.batches[-1].run.cause is RunCause.LOST, "no new run begins"
        )
        assert scene.writer.health().lost == lost


async def test_it_rests_while_nothing_can_be_kept(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path, spool_max_bytes=10)) as scene:
        await scene.is_caught_up()
        scene.store.trouble = "the disk is full"
        scene.change(20)
        await eventually(lambda: "bound" in scene.writer.health().error, "no trouble was told")
        assert await share_of_the_processor() < 0.5
        scene.store.trouble = ""


async def test_it_rests_before_anything_was_heard(tmp_path: Path) -> None:
    scene = Scene(tmp_path, is_quiet=True)
    async with playing(scene):
        assert await share_of_the_processor() < 0.5


async def share_of_the_processor(seconds: float = 0.5) -> float:
    """How much of the time this process computed."""
    begun_s, cpu_s = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu_s) / (time.monotonic() - begun_s)


async def test_a_database_that_hangs_delays_the_end_by_a_second_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LAST_ATTEMPT_S", 0.05)
    scene = Scene(tmp_path)
    scene.store.is_hung = True
    async with playing(scene):
        scene.change(3)
        await eventually(lambda: scene.store.attempts > 0, "it was not tried")
        scene.change(3)
    scene.spool.close()
    spool = Spool(tmp_path)
    spool.open()
    assert sum(isinstance(r, ChangeRecord) for b in spool.peek(1000) for r in b.records) == 6


async def test_a_database_that_was_taken_away_begins_a_new_run_in_the_next_one(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        await scene.is_caught_up()
        scene.store.trouble, scene.replaced = "was deleted", 1
        scene.change()
        await eventually(lambda: scene.writer.health().spooled > 0, "nothing was spooled")
        scene.store.trouble = ""
        scene.recorder.on_message(tick(scene.second + 1))
        await eventually(
            lambda: (
                bool(scene.store.batches)
                and scene.store.batches[-1].run.cause is RunCause.DATABASE_REPLACED
            ),
            "no new run begins",
        )


async def test_what_is_acknowledged_is_in_the_database_or_the_spool(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path)) as scene:
        scene.change(3)
        await scene.is_caught_up()
        last = [r for b in scene.store.batches for r in b.records][-1]
        assert scene.writer.acknowledged is not None
        assert scene.writer.acknowledged[1] >= last.seq


class OvertakenRecorder(Recorder):
    """Hears a change and a tick, once, right after the other thread has found it empty."""

    hears: Callable[[], None] | None = None

    def __len__(self) -> int:
        count = super().__len__()
        if self.hears is not None and count == 0:
            hear, self.hears = self.hears, None
            hear()
        return count


async def test_a_change_that_is_heard_during_the_question_is_not_covered_by_the_answer(
    tmp_path: Path,
) -> None:
    scene = Scene(tmp_path, kind=OvertakenRecorder)
    assert isinstance(scene.recorder, OvertakenRecorder)
    async with playing(scene):
        await scene.is_caught_up()
        await eventually(lambda: not scene.recorder, "the queue is not emptied")
        scene.recorder.hears = scene.change
        alive = scene.writer.alive
        assert alive is not None
        assert alive[1] < scene.told[-1][1]
