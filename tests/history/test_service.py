"""The history in its own thread: starts behind the board, stops in time, never stops it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from builders import T0_S, TurnedClock, code, site, site_change, state_change
from history.told import T0_MS, tick
from lineside.clock import system_clock
from lineside.core.alarm import AlarmEvent, AlarmEventKind, AlarmState
from lineside.core.errors import HistoryError
from lineside.core.model import Status
from lineside.core.ports import BusMessage
from lineside.history import acting
from lineside.history import retention as retention_module
from lineside.history import service as service_module
from lineside.history.event_store import server_events
from lineside.history.lock import FolderLock
from lineside.history.service import History
from lineside.history.settings import HistorySettings, Retention
from lineside.history.spool import Spool
from lineside.history.store import Store
from serving import eventually


def history_in(folder: Path, url: str | None = None) -> History:
    return History(HistorySettings(folder=folder, url=url), system_clock, "1.2.3")


@asynccontextmanager
async def recording(history: History) -> AsyncIterator[History]:
    history.start()
    try:
        yield history
    finally:
        history.stop()
        assert await history.wait_stopped(60)


def tell(history: History) -> None:
    history.recorder.on_message(site_change(site()))
    history.recorder.on_message(state_change(101, Status.ERROR, at_s=T0_S + 0.5))
    history.recorder.on_message(tick(1))


async def test_what_is_heard_before_the_start_is_recorded_too(tmp_path: Path) -> None:
    history = history_in(tmp_path)
    tell(history)
    async with recording(history):
        await eventually(lambda: history.health().written > 0, "nothing was written")
        (change,) = await history.ask(lambda store: store.changes([code(101)], T0_MS, T0_MS + 999))
        assert change.status is Status.ERROR
    assert sorted(os.listdir(tmp_path)) == [  # noqa: PTH208 -- not in an event loop
        "lineside-history.db",
        "lineside-history.lock",
        "lineside-history.spool",
    ]


async def test_what_is_in_the_queue_at_the_end_is_kept(tmp_path: Path) -> None:
    history = history_in(tmp_path)
    async with recording(history):
        await eventually(lambda: history.health().database != "", "it does not start")
        tell(history)
    again = history_in(tmp_path)
    async with recording(again):
        await eventually(lambda: again._store is not None, "it does not start")
        assert len(await again.ask(lambda store: store.changes([code(101)], 0, T0_MS + 999))) == 1
        events = await again.ask(lambda store: server_events(store, 0, 2 * T0_MS))
        assert [event.kind for event in events] == ["start", "stop"]


async def test_an_end_right_after_the_start_still_keeps_everything(tmp_path: Path) -> None:
    history = history_in(tmp_path)
    tell(history)
    history.start()
    history.stop()
    assert await history.wait_stopped(60)
    assert not history.recorder


async def test_a_question_before_it_is_open_is_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="still being opened"):
        await history_in(tmp_path).ask(lambda store: store.runs(0, 1))


async def test_a_second_server_in_the_same_folder_does_not_write_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    lock = FolderLock(tmp_path / "lineside-history.lock")
    lock.take()
    history = history_in(tmp_path)
    tell(history)
    history.start()
    await eventually(lambda: "another Lineside" in history.health().error, "no trouble is told")
    assert history.health().is_behind
    with pytest.raises(HistoryError, match="another Lineside records into"):
        await history.ask(lambda store: store.runs(0, 1))
    lock.release()
    await eventually(lambda: history.health().written > 0, "it does not recover")
    history.stop()
    assert await history.wait_stopped(60)


async def recording_in(folder: Path) -> History:
    """Return a history that has recorded something; it is to be stopped."""
    history = history_in(folder)
    tell(history)
    history.start()
    await eventually(lambda: history.health().written > 0, "nothing is recorded")
    return history


async def test_a_lock_file_that_is_deleted_is_made_again_and_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "LOCK_LOOK_S", 0.01)
    lock_file = tmp_path / "lineside-history.lock"
    history = await recording_in(tmp_path)
    word = lock_file.read_text().split()[0]
    lock_file.unlink()
    await eventually(
        lambda: lock_file.exists() and lock_file.read_text() != "", "there is no new one"
    )
    with pytest.raises(HistoryError, match="another Lineside records into"):
        FolderLock(lock_file).take()
    assert lock_file.read_text().split()[0] == word
    history.stop()
    assert await history.wait_stopped(60)


async def test_who_takes_a_folder_whose_lock_file_was_deleted_records_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "LOCK_LOOK_S", 0.01)
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    lock_file = tmp_path / "lineside-history.lock"
    history = await recording_in(tmp_path)
    other, new = FolderLock(tmp_path / "new.lock"), tmp_path / "new.lock"
    other.take()
    new.replace(lock_file)  # locked by another from the first moment on
    await eventually(lambda: "another Lineside" in history.health().error, "both record")
    other.release()
    await eventually(lambda: not history.health().error, "it does not recover")
    history.stop()
    assert await history.wait_stopped(60)


async def test_a_folder_that_is_not_there_and_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    (tmp_path / "file").write_text("")
    history = history_in(tmp_path / "file")
    history.start()
    await eventually(lambda: "cannot be written to" in history.health().error, "nothing is told")
    history.stop()
    await history.wait_stopped(60)


async def test_a_fault_of_ours_is_logged_and_recording_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    from lineside.history import writer as writer_module

    real, runs = writer_module.Writer.run, []

    async def fail_once(self: writer_module.Writer) -> None:
        runs.append(self)
        if len(runs) == 1:
            raise ZeroDivisionError("a fault of ours")
        await real(self)

    monkeypatch.setattr(writer_module.Writer, "run", fail_once)
    history = history_in(tmp_path)
    tell(history)
    async with recording(history):
        await eventually(lambda: history.health().written > 0, "it did not start again")
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_the_event_loop_of_the_board_goes_on_while_the_disk_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_gone_on, waited = threading.Event(), []
    really_open = Spool.open

    def hang(self: Spool) -> None:
        waited.append(has_gone_on.wait(600))
        really_open(self)

    monkeypatch.setattr(Spool, "open", hang)
    history = history_in(tmp_path)
    async with recording(history):
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert not history.is_open
        has_gone_on.set()
        await eventually(lambda: history.is_open, "it does not start")
    assert waited == [True]


async def test_an_end_while_the_database_is_being_opened_leaves_no_thread_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_connect, is_connecting = sqlite3.connect, threading.Event()
    is_told_to_end = threading.Event()

    def connect_slowly(*args: Any, **kwargs: Any) -> Any:
        is_connecting.set()
        assert is_told_to_end.wait(60)
        return really_connect(*args, **kwargs)

    monkeypatch.setattr(sqlite3, "connect", connect_slowly)
    before = set(threading.enumerate())
    history = history_in(tmp_path)
    history.start()
    await eventually(is_connecting.is_set, "the database is not opened")
    history.stop()
    is_told_to_end.set()
    assert await history.wait_stopped(60)
    assert set(threading.enumerate()) <= before


async def never(_: Store) -> None:
    await asyncio.Event().wait()


async def test_questions_wait_behind_others_for_a_while_a_few_of_them_and_urgent_ones_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "QUESTION_S", 2.0)
    history = history_in(tmp_path)
    tell(history)
    async with recording(history):
        await eventually(lambda: history.is_open, "it does not start")
        count = service_module.QUESTIONS_MAX + service_module.WAITING_MAX
        hanging = [asyncio.create_task(history.ask(never)) for _ in range(count)]
        await asyncio.sleep(0)
        with pytest.raises(HistoryError, match="too many questions wait"):
            await history.ask(lambda store: store.runs(0, 1))
        assert await history.ask(lambda store: store.runs(0, 1), is_urgent=True) == []
        answers = await asyncio.gather(*hanging, return_exceptions=True)
        assert {str(each) for each in answers} == {"the database did not answer in time"}
        assert await history.ask(lambda store: store.runs(0, 1)) == []


async def test_questions_that_are_open_when_the_history_ends_are_refused_in_plain_words(
    tmp_path: Path,
) -> None:
    history = history_in(tmp_path)
    tell(history)
    async with recording(history):
        await eventually(lambda: history.is_open, "it does not start")
        asked = asyncio.create_task(history.ask(never))
        given_up = asyncio.create_task(history.ask(never))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
    with pytest.raises(HistoryError, match="is being restarted"):
        await asked
    with pytest.raises(HistoryError, match="is being restarted"):
        await history.ask(lambda store: store.runs(0, 1))


@pytest.mark.parametrize("years_ahead", [0, 10])
async def test_a_clock_that_is_years_ahead_deletes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    years_ahead: int,
) -> None:
    monkeypatch.setattr(retention_module, "FORGET_FIRST_S", 0.02)
    monkeypatch.setattr(retention_module, "FORGET_EVERY_S", 0.02)
    before = history_in(tmp_path)
    tell(before)
    before.recorder.on_message(state_change(101, Status.RUNNING, at_s=T0_S + 2))
    before.recorder.on_message(tick(3))
    before.start()
    before.stop()
    assert await before.wait_stopped(60)
    now_s = T0_S + 86_400 * (2 + 365 * years_ahead)
    settings = HistorySettings(folder=tmp_path, retention=Retention(changes_s=86_400.0))
    history = History(settings, TurnedClock(now_s), "1.2.3")
    history.recorder.on_message(site_change(site(), at_s=now_s))
    capsys.readouterr()
    told = ""

    def is_told() -> bool:
        nonlocal told
        told += capsys.readouterr().out
        return ("nothing is deleted" if years_ahead else "old records deleted") in told

    async with recording(history):
        await eventually(is_told, "nothing is told")
        kept = await history.ask(lambda store: store.changes([code(101)], 0, T0_MS + 9_999))
    assert len(kept) == (2 if years_ahead else 1)
    assert told.count("nothing is deleted") == (1 if years_ahead else 0)


async def recalled(history: History) -> None:
    async with asyncio.timeout(60):
        await history.recall_alarms()


def hear(history: History, *messages: BusMessage) -> None:
    for message in messages:
        history.on_message(message)


async def test_what_a_person_does_is_answered_once_it_is_stored_and_outlives_a_kill(
    tmp_path: Path,
) -> None:
    history = history_in(tmp_path)
    hear(history, site_change(site()), state_change(101, Status.RUNNING), tick(1))
    hear(history, state_change(101, Status.ERROR, at_s=T0_S + 1.5))
    (alarm,) = history.alarms.book
    async with recording(history):
        await recalled(history)
        event = AlarmEvent(kind=AlarmEventKind.ACKNOWLEDGED, at_ms=T0_MS + 2000, by="Kim")
        after = await history.act(alarm, event)
        assert after.state is AlarmState.ACKNOWLEDGED
        # Whoever reads the database now, as after a kill, finds it.
        assert await history.ask(lambda store: store.alarms.alarm(alarm.id)) == after
    again = history_in(tmp_path)
    hear(again, site_change(site(), at_s=T0_S + 60), tick(60))
    async with recording(again):
        await recalled(again)
        assert list(again.alarms.book) == [after]
        hear(again, state_change(101, Status.RUNNING, at_s=T0_S + 61))
        assert list(again.alarms.book) == []


async def test_what_a_person_does_counts_when_it_is_in_the_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: Store, batches: object) -> None:
        raise HistoryError("the database is away")

    history = history_in(tmp_path)
    hear(history, site_change(site()), state_change(101, Status.RUNNING), tick(1))
    async with recording(history):
        await recalled(history)
        monkeypatch.setattr(Store, "write", fail)
        hear(history, state_change(101, Status.ERROR, at_s=T0_S + 1.5))
        (alarm,) = history.alarms.book
        event = AlarmEvent(kind=AlarmEventKind.ACKNOWLEDGED, at_ms=T0_MS + 2000, by="Kim")
        after = await history.act(alarm, event)
        assert history.health().spooled >= 2
    monkeypatch.undo()
    again = history_in(tmp_path)
    hear(again, site_change(site(), at_s=T0_S + 60), tick(60))
    async with recording(again):
        # The spool comes before the question how things stood.
        await recalled(again)
        assert list(again.alarms.book) == [after]


async def test_what_can_be_kept_nowhere_is_not_called_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, batch: object) -> None:
        raise HistoryError("the disk is full")

    async def fail(self: Store, batches: object) -> None:
        refuse(self, batches)

    monkeypatch.setattr(acting, "ACTION_S", 3.0)
    history = history_in(tmp_path)
    hear(history, site_change(site()), state_change(101, Status.RUNNING), tick(1))
    hear(history, state_change(101, Status.ERROR, at_s=T0_S + 1.5))
    (alarm,) = history.alarms.book
    with monkeypatch.context() as broken:
        broken.setattr(Store, "write", fail)
        broken.setattr(Spool, "append", refuse)
        history.start()
        event = AlarmEvent(kind=AlarmEventKind.ACKNOWLEDGED, at_ms=T0_MS + 2000, by="Kim")
        with pytest.raises(HistoryError, match="neither the database nor the spool"):
            await history.act(alarm, event)
    history.stop()
    assert await history.wait_stopped(60)
