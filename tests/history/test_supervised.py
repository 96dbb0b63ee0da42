"""Nothing that is raised in or around the history goes further than its supervisor."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from builders import T0_S, WebPlant, code, site, site_change, state_change
from history.told import tick
from lineside.bus import MemoryBus
from lineside.clock import system_clock
from lineside.core.errors import HistoryError, LinesideError
from lineside.core.model import Status
from lineside.core.ports import BusMessage
from lineside.history.event_store import server_events
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from lineside.history.store import Store
from lineside.history.supervised import Faults
from serving import eventually

FAULTS = [
    TypeError("a keyword that nobody knows"),
    UnicodeError("label empty or too long"),
    MemoryError(),
    RecursionError(),
    ValueError("an unknown word"),
    ExceptionGroup("several", [KeyError("state")]),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_work_that_fails_is_told_counted_and_done_again(fault: Exception) -> None:
    faults, attempts, pauses = Faults(), [], []

    async def work() -> None:
        attempts.append(faults.standing)
        if len(attempts) < 4:
            raise fault

    async def pause(pause_s: float) -> None:
        pauses.append(pause_s)

    await faults.kept("the recall", work, pause=pause)
    assert pauses == [1.0, 2.0, 4.0]
    assert attempts[0] == ""
    assert attempts[1].startswith(f"the recall: a fault of Lineside's own: {type(fault).__name__}")
    assert (faults.count, faults.standing) == (3, "")


async def test_a_cancellation_passes_the_supervisor() -> None:
    faults = Faults()

    async def work() -> None:
        await asyncio.Event().wait()

    working = asyncio.create_task(faults.kept("the recall", work))
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert faults.count == 0


def test_a_fault_that_comes_with_every_tick_is_logged_once() -> None:
    faults = Faults()
    with capture_logs() as told:
        for _ in range(1000):
            with faults.caught("recording"):
                raise ZeroDivisionError("again")
        assert faults.count == 1000
        with faults.caught("recording"):
            pass
    assert [each["event"] for each in told] == ["history: a fault of ours", "history: works again"]
    assert isinstance(told[0]["exc_info"], ZeroDivisionError)
    assert faults.standing == ""


async def test_a_message_that_the_recorder_fails_at_is_lost_its_time_is_unseen_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    history = History(HistorySettings(folder=tmp_path), system_clock, "1.2.3")
    heard: list[BusMessage] = []
    bus = MemoryBus()
    bus.subscribe(history.on_message)
    bus.subscribe(heard.append)
    bus.publish(site_change(site()))
    bus.publish(state_change(101, Status.RUNNING, at_s=T0_S))
    bus.publish(tick(1))
    bus.publish(replace(state_change(101, Status.ERROR), at_s="not a time"))
    health = history.health()
    assert (health.lost, health.faults > 0) == (1, True)
    assert "TypeError" in health.error
    bus.publish(tick(2))
    bus.publish(state_change(101, Status.IDLE, at_s=T0_S + 2.5))
    bus.publish(tick(3))
    assert len(heard) == 7
    assert history.health().error == ""
    history.start()
    try:
        await eventually(lambda: history.is_open and not history.health().queued, "not written")
        runs = await history.ask(lambda store: store.runs(0, 2**42))
        events = await history.ask(lambda store: server_events(store, 0, 2**42))
    finally:
        history.stop()
        assert await history.wait_stopped(10)
    assert len(runs) == 2
    assert runs[0].end_ms <= round((T0_S + 1) * 1000)
    assert runs[1].started_ms == round((T0_S + 2) * 1000)
    assert "lost" in [event.kind for event in events]


async def test_a_question_that_fails_is_answered_in_words_and_passes_on_what_is_said_on_purpose(
    tmp_path: Path,
) -> None:
    history = History(HistorySettings(folder=tmp_path), system_clock, "1.2.3")
    history.start()

    async def fail(store: Store) -> None:
        raise TypeError("a defect of ours")

    async def refuse(store: Store) -> None:
        raise LinesideError("no such stop")

    try:
        await eventually(lambda: history.is_open, "it was not opened")
        with pytest.raises(HistoryError, match=r"fault of Lineside's own \(TypeError\)"):
            await history.ask(fail)
        with pytest.raises(LinesideError, match="no such stop"):
            await history.ask(refuse)
        assert history.health().faults == 1
    finally:
        history.stop()
        assert await history.wait_stopped(10)


async def test_a_question_about_a_broken_past_is_503_in_words_and_the_present_is_answered(
    tmp_path: Path,
) -> None:
    history = History(HistorySettings(folder=tmp_path), system_clock, "1.2.3")
    for message in (site_change(site()), state_change(101, Status.ERROR, at_s=T0_S), tick(1)):
        history.on_message(message)
    history.start()
    history.stop()
    assert await history.wait_stopped(20)
    with sqlite3.connect(tmp_path / "lineside-history.db") as database:
        database.execute("UPDATE run SET alive_ms = 'once upon a time', stopped_ms = NULL")
    database.close()
    history = History(HistorySettings(folder=tmp_path), system_clock, "1.2.3")
    history.start()
    await eventually(lambda: history.is_open, "it was not opened")
    plant = WebPlant(history=history)
    plant.clock.turn(60.0)
    plant.configure()
    plant.tick()
    day = "from=2025-11-03T00:00:00Z&to=2025-11-04T00:00:00Z"
    try:
        for path in (
            f"/api/timeline?{day}",
            f"/api/kpis?{day}",
            f"/api/stops?{day}",
            "/api/report?period=day&day=2025-11-03",
            "/api/board?at=2025-11-03T10:31:00Z",
        ):
            answer = await plant.ask(path)
            assert answer.status_code == 503, (path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert "The history cannot be read now" in answer.json()["detail"]
        assert (await plant.ask("/api/equipment")).status_code == 200
        assert code(101) in (await plant.ask("/api/equipment")).text
    finally:
        history.stop()
        await history.wait_stopped(10)
