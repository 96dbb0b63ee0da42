"""What the writer does with records that nothing can store: the rest arrives."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import T0_S, state_change
from history.writer_scene import Scene, playing
from lineside.core.errors import RecordsRefused
from lineside.core.model import StateChange, Status
from lineside.history import writer as writer_module
from lineside.history.records import Batch, ChangeRecord, change_record
from lineside.history.spool import Spool
from serving import eventually


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(writer_module, "RETRY_MAX_S", 0.02)


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
