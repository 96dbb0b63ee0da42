"""Records that a real database refuses, among good ones: the rest is stored, their time unseen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import T0_S, TurnedClock, code, site, site_change, state_change
from history.asked import lanes_of
from history.told import T0_MS, a_batch, a_change, a_run, tick
from lineside.core.errors import HistoryError, RecordsRefused
from lineside.core.model import StateChange, Status
from lineside.history import writer as writer_module
from lineside.history.database import Database
from lineside.history.recorder import Recorder
from lineside.history.records import ChangeRecord, change_record
from lineside.history.spool import Spool
from lineside.history.store import Store
from lineside.history.writer import Writer
from serving import eventually

FAULT_AT_S = 5


def too_large(record: ChangeRecord) -> ChangeRecord:
    return replace(record, until_ms=2**63)


def half_a_pair(record: ChangeRecord) -> ChangeRecord:
    return replace(record, detail="\ud800")


def no_text(record: ChangeRecord) -> ChangeRecord:
    return replace(record, tag=["M100"])


def without_a_list(record: ChangeRecord) -> ChangeRecord:
    return replace(record, equipment_code=None)


DAMAGES = [too_large, half_a_pair, no_text, without_a_list]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_record_that_cannot_be_stored_is_told_from_a_database_that_cannot_be_reached(
    store: Store, damage: object
) -> None:
    assert callable(damage)
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- of whatever kind, but the other
        await store.write([a_batch(a_run(), [damage(a_change(1, T0_MS))])])
    assert isinstance(caught.value, RecordsRefused) or not isinstance(caught.value, HistoryError)
    await store.write([a_batch(a_run(), [a_change(2, T0_MS)])])


@pytest.mark.parametrize("damage", DAMAGES)
async def test_only_that_record_is_set_aside_and_its_time_is_unseen(
    store: Store,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: object,
) -> None:
    assert callable(damage)
    monkeypatch.setattr(writer_module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(writer_module, "RETRY_MAX_S", 0.02)
    changes = [
        state_change(101, Status.ERROR if n == FAULT_AT_S else Status.RUNNING, at_s=T0_S + n)
        for n in range(1, 30)
    ]

    def damaged(seq: int, at_ms: int, change: StateChange) -> ChangeRecord:
        record = change_record(seq, at_ms, change)
        made = damage(record) if change is changes[FAULT_AT_S - 1] else record
        assert isinstance(made, ChangeRecord)
        return made

    monkeypatch.setattr("lineside.history.recorder.change_record", damaged)
    recorder, spool = Recorder("1"), Spool(tmp_path / "spool")
    spool.open()
    writer = Writer(recorder, store, spool, TurnedClock(), alive_s=0.05, batch_wait_s=0.0)
    watched = Store(database, alive=lambda: writer.alive)
    recorder.on_message(site_change(site()))
    for number, change in enumerate(changes, start=1):
        recorder.on_message(change)
        recorder.on_message(tick(number))
    running = asyncio.create_task(writer.run())
    try:
        await eventually(lambda: writer.health().set_aside == 1, "it is not set aside")
        await eventually(lambda: not writer.health().is_behind, "it holds up those behind it")
        stored = await watched.changes([code(101)], 0, T0_MS + 10**6)
        assert len(stored) == len(changes) - 1
        fault_ms = T0_MS + FAULT_AT_S * 1000
        lanes = await lanes_of(watched, [code(101)], fault_ms, T0_MS + 29_000)
        first, *others = lanes[code(101)]
        assert (first.begin_ms, first.end_ms, first.status) == (fault_ms, fault_ms + 1000, None)
        assert {each.status for each in others} == {"running"}
    finally:
        writer.stop()
        await running
