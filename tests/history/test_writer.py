"""The writer's promises, with a database that does as it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from history.told import tick
from history.writer_scene import Scene, playing
from lineside.history import writer as writer_module
from lineside.history.gaps import Gap
from lineside.history.recorder import Recorder
from lineside.history.records import Batch, ChangeRecord, RunCause
from lineside.history.spool import Spool
from lineside.history.writer import Writer
from serving import eventually


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(writer_module, "RETRY_MAX_S", 0.02)


async def test_changes_reach_the_database_in_order(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path)) as scene:
        for _ in range(10):
            scene.change(3)
            await asyncio.sleep(0)
        await scene.is_caught_up()
    assert scene.writer.health().lost == 0
    assert not scene.spool


async def test_what_is_being_taken_out_of_the_queue_is_still_queued(tmp_path: Path) -> None:
    told: list[int] = []

    class Watched(Recorder):
        def take(self, records_max: int) -> Batch | None:
            batch = super().take(records_max)
            if batch is not None and batch.records and not self:
                told.append(scene.writer.health().queued)
            return batch

    scene = Scene(tmp_path, kind=Watched)
    async with playing(scene):
        scene.change(3)
        await scene.is_caught_up()
    assert told
    assert 0 not in told


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


async def test_what_was_in_hand_when_the_writer_died_is_written_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path)
    scene.change(5)
    monkeypatch.setattr(scene.spool, "append", None)
    monkeypatch.setattr(scene.store, "write", None)
    monkeypatch.setattr(scene.spool, "set_aside", None)
    with pytest.raises(TypeError):
        await scene.writer.run()
    monkeypatch.undo()
    assert scene.recorder.in_hand is not None
    scene.writer = Writer(
        scene.recorder, scene.store, scene.spool, scene.clock, alive_s=0.05, batch_wait_s=0.0
    )
    async with playing(scene):
        await scene.is_caught_up()


async def test_while_the_database_hangs_what_is_heard_goes_to_the_spool(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path, handover_s=0.0)) as scene:
        await scene.is_caught_up()
        scene.store.is_hung = True
        scene.change(3)
        await eventually(lambda: scene.writer.health().spooled >= 3, "it waits for the database")
        attempts = scene.store.attempts
        scene.change(3)
        await eventually(lambda: scene.writer.health().spooled >= 6, "it waits for the database")
        assert scene.store.attempts == attempts, "one attempt at a time"
        assert "did not answer in time" in scene.writer.health().error
        await eventually(lambda: scene.writer.health().queued == 0, "it waits for the database")
        scene.store.is_hung = False
        scene.store.go_on.set()
        await eventually(lambda: not scene.writer.health().is_behind, "it does not catch up")
        assert sorted(set(scene.store.changes())) == sorted(scene.told)


async def test_while_a_large_drain_takes_its_time_what_is_heard_goes_to_the_spool(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path, handover_s=0.0)) as scene:
        scene.store.trouble = "gone"
        scene.change(30)
        await eventually(lambda: scene.writer.health().spooled >= 30, "nothing was spooled")
        attempts, scene.store.is_hung, scene.store.trouble = scene.store.attempts, True, ""
        await eventually(lambda: scene.store.attempts > attempts, "it is not drained")
        scene.change(3)
        await eventually(lambda: scene.writer.health().spooled >= 33, "it waits for the drain")
        scene.store.is_hung = False
        scene.store.go_on.set()
        await scene.is_caught_up()


async def test_a_database_that_takes_only_little_at_a_time_is_given_little(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path)) as scene:
        scene.store.trouble = "gone"
        scene.change(200)
        await eventually(lambda: scene.writer.health().spooled >= 200, "nothing was spooled")
        scene.store.slow_over, scene.store.trouble = 7, ""
        await eventually(lambda: not scene.writer.health().is_behind, "it never catches up")
        assert sorted(set(scene.store.changes())) == sorted(scene.told)


async def test_the_run_that_goes_on_is_torn_where_records_are_missing_in_it(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        scene.change()
        await scene.is_caught_up()
        key = scene.store.batches[-1].run.key
        scene.writer.note_gap(Gap(run_key=key + 1, first_seq=3, end_seq=5))
        scene.change(2)
        await scene.is_caught_up()
        assert scene.store.batches[-1].run.key == key, "it is another run that has a gap"
        scene.writer.note_gap(Gap(run_key=key, first_seq=3, end_seq=5))
        scene.recorder.on_message(tick(scene.second + 1))
        await eventually(
            lambda: scene.store.batches[-1].run.cause is RunCause.LOST, "no new run begins"
        )


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
        await eventually(lambda: scene.writer.alive is not None, "nothing is stored yet")
        scene.recorder.hears = scene.change
        alive = scene.writer.alive
        assert alive is not None
        assert alive[1] < scene.told[-1][1]
