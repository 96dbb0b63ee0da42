"""The writer's promises, with a database that does as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import T0_S, TurnedClock, site, site_change, state_change
from history.told import tick
from lineside.core.errors import HistoryError, RecordsRefused
from lineside.core.model import StateChange, Status
from lineside.history import writer as writer_module
from lineside.history.gaps import Gap
from lineside.history.recorder import Recorder
from lineside.history.records import Batch, ChangeRecord, RunCause, change_record
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


@pytest.mark.parametrize(
    "fault",
    [
        TypeError("not a text"),
        KeyError("KRCWO12ELOA101"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
        AssertionError("RETURNING returns"),
        MemoryError(),
        asyncio.CancelledError(),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_whatever_is_raised_while_writing_everything_is_spooled_and_arrives(
    tmp_path: Path, fault: BaseException
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        await scene.is_caught_up()
        scene.store.fault = fault
        scene.change(18)
        await eventually(lambda: scene.writer.health().spooled >= 18, "nothing was spooled")
        error = scene.writer.health().error
        assert type(fault).__name__ in error or "did not answer" in error
        attempts = scene.store.attempts
        await eventually(
            lambda: scene.store.attempts > attempts + 3 * writer_module.REFUSALS, "no more tries"
        )
        assert scene.writer.health().set_aside == 0, "the database itself does not answer"
        scene.store.fault = None
        await scene.is_caught_up()
        assert scene.writer.health().lost == 0


async def test_only_what_can_never_be_stored_is_set_aside_and_the_rest_arrives(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        await scene.is_caught_up()
        bad = [round((T0_S + second) * 1000) for second in (3, 8, 9)]
        scene.store.poison = frozenset(bad)
        scene.change(12)
        scene.told = [row for row in scene.told if row[1] not in bad]
        await eventually(lambda: scene.writer.health().set_aside == 3, "it is not set aside")
        scene.change(2)
        await eventually(
            lambda: sorted(set(scene.store.changes())) == sorted(scene.told),
            "the others did not arrive",
        )
        await eventually(lambda: not scene.writer.health().is_behind, "it holds up those behind it")
        health = scene.writer.health()
        assert health.lost == 3
        assert "1 file in the spool" in health.warnings[0]
    assert "a tag is no text" in (tmp_path / "refused.jsonl").read_text()
    assert not scene.spool


async def test_what_is_heard_while_records_are_tried_one_by_one_goes_to_the_spool(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        await scene.is_caught_up()
        scene.change(8)
        scene.store.poison = frozenset(at_ms for _, at_ms in scene.told)
        heard: list[int] = []
        real = scene.writer._reach

        async def reach(batches: Sequence[Batch]) -> Exception | None:
            if scene.writer._refusals >= writer_module.REFUSALS and len(heard) < 3:
                scene.change()
                heard.append(len(scene.recorder))
            return await real(batches)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scene.writer, "_reach", reach)
            await eventually(lambda: scene.writer.health().set_aside == 8, "not set aside")
            assert heard[1:] == [1, 1], "it waits in memory"
        del scene.told[:8]
        await eventually(
            lambda: sorted(set(scene.store.changes())) == sorted(scene.told),
            "the others did not arrive",
        )


async def test_the_end_does_not_wait_until_all_records_were_tried_one_by_one(
    tmp_path: Path,
) -> None:
    scene = Scene(tmp_path)
    async with playing(scene):
        scene.change(50)
        scene.store.poison = frozenset(at_ms for _, at_ms in scene.told[:1])
        with pytest.MonkeyPatch.context() as patch:
            real = scene.writer._put
            tried: list[Batch] = []

            async def put(piece: Batch) -> Exception | None:
                tried.append(piece)
                if len(tried) == 2:
                    scene.writer.stop()
                return await real(piece)

            patch.setattr(scene.writer, "_put", put)
            await eventually(lambda: len(tried) >= 2, "they are not tried one by one")
    assert len(tried) == 2
    scene.spool.close()
    again = Spool(tmp_path)
    again.open()
    assert sum(isinstance(r, ChangeRecord) for b in again.peek(1000) for r in b.records) == 50


async def test_what_can_never_be_stored_is_lost_and_counted_when_no_disk_takes_it_either(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path, spool_max_bytes=10)) as scene:
        await scene.is_caught_up()
        scene.change(4)
        (*_, bad) = scene.told
        scene.store.poison = frozenset([bad[1]])
        scene.told.remove(bad)
        await eventually(lambda: scene.writer.health().lost == 1, "it is not given up")
        await eventually(lambda: not scene.writer.health().is_behind, "it holds up those behind it")
        assert sorted(set(scene.store.changes())) == sorted(scene.told)


async def test_a_record_that_the_spool_cannot_write_down_takes_none_with_it(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        await scene.is_caught_up()
        scene.store.trouble = "gone"
        scene.change(2)
        broken = state_change(101, Status.IDLE, at_s=T0_S + scene.second)

        def damaged(seq: int, at_ms: int, change: StateChange) -> ChangeRecord:
            record = change_record(seq, at_ms, change)
            return replace(record, until_ms=2**70) if change is broken else record

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lineside.history.recorder.change_record", damaged)
            scene.recorder.on_message(broken)
            scene.change(2)
            await eventually(lambda: scene.writer.health().set_aside == 1, "it is not set aside")
        scene.store.trouble = ""
        await scene.is_caught_up()


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


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_comes_together_each_record_is_stored_or_set_aside_and_counted(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with playing(Scene(tmp_path, handover_s=0.02, queue_max=10**6)) as scene:
        store = scene.store
        store.poison = frozenset(round((T0_S + n) * 1000) for n in (1, chance.randint(2, 15)))
        for _ in range(12):
            store.trouble = chance.choice(["", "", "gone"])
            store.fault = chance.choice([None, None, KeyError("x"), RecordsRefused("no")])
            store.is_hung = chance.random() < 0.3
            store.slow_over = chance.choice([None, None, 1, 5])
            scene.change(chance.randint(0, 4))
            await asyncio.sleep(chance.choice([0.0, 0.001, 0.01, 0.03]))
            store.go_on.set()
            store.go_on = asyncio.Event()
        store.trouble, store.fault, store.is_hung, store.slow_over = "", None, False, None
        store.go_on.set()
        scene.change(1)
        for _ in range(3):  # each record that is refused takes its attempts, and its fsyncs
            with contextlib.suppress(TimeoutError):
                await eventually(lambda: not scene.writer.health().is_behind, "")
        assert not scene.writer.health().is_behind
        await eventually(lambda: not scene.writer.health().queued, "it does not catch up")
        refused = (tmp_path / "refused.jsonl").read_text() if store.poison else ""
        stored = set(store.changes())
        for row in scene.told:
            assert (row in stored) is (row[1] not in store.poison) or str(row[1]) in refused
        health = scene.writer.health()
        assert health.set_aside == health.lost == len(refused.splitlines())


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
