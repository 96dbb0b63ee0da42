"""A whole history whose writer, spool or code fails: what it heard is kept, or its time unseen."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Never

import pytest
from msgspec.structs import replace

from builders import T0_S, TurnedClock, code, site, site_change, state_change
from history.asked import lanes_of
from history.told import T0_MS, a_batch, a_change, a_run, tick
from lineside.core.model import Status
from lineside.history import service as service_module
from lineside.history import writer as writer_module
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from lineside.history.spool import Spool
from lineside.history.spool_file import record_of
from serving import eventually

MINUTE_MS = 60_000


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(writer_module, "RETRY_MAX_S", 0.02)
    monkeypatch.setattr(service_module, "RETRY_S", 0.01)


@asynccontextmanager
async def recording(folder: Path) -> AsyncIterator[History]:
    history = History(
        HistorySettings(folder=folder), TurnedClock(), "1", alive_s=0.05, batch_wait_s=0.0
    )
    history.start()
    try:
        await eventually(lambda: history.is_open, "it does not start")
        yield history
    finally:
        history.stop()
        assert await history.wait_stopped(10)


async def is_caught_up(history: History) -> None:
    await eventually(
        lambda: not history.health().is_behind and not history.health().queued,
        f"it does not catch up: {history.health()}",
    )


class Toggling:
    """One machine that goes to fault and back each second."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.told: list[tuple[int, Status]] = []
        history.on_message(site_change(site()))

    def go_on(self, seconds: int) -> None:
        for _ in range(seconds):
            second = len(self.told) + 1
            status = Status.ERROR if second % 2 else Status.RUNNING
            self._history.on_message(state_change(101, status, at_s=T0_S + second))
            self._history.on_message(tick(second))
            self.told.append((T0_MS + second * 1000, status))

    async def stored(self) -> list[tuple[int, Status | None]]:
        found = await self._history.ask(lambda store: store.changes([code(101)], 0, 2 * T0_MS))
        return [(each.at_ms, each.status) for each in found]


async def test_a_fault_of_its_own_while_storing_costs_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path) as history:
        plant = Toggling(history)
        plant.go_on(3)
        await is_caught_up(history)
        with monkeypatch.context() as patch:

            def fail(*_: Any) -> Never:
                raise RuntimeError("a fault of ours")

            patch.setattr("lineside.history.store.Writing", fail)
            plant.go_on(18)
            await eventually(lambda: history.health().spooled >= 18, "nothing is spooled")
            assert "a fault of ours" in history.health().error
        plant.go_on(2)
        await is_caught_up(history)
        assert await plant.stored() == plant.told
        health = history.health()
        assert (health.lost, health.set_aside, health.error) == (0, 0, "")


async def test_what_the_writer_had_in_hand_when_it_died_is_stored_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path) as history:
        plant = Toggling(history)
        plant.go_on(3)
        await is_caught_up(history)
        deaths = []
        with monkeypatch.context() as patch:

            async def die(_: object, batch: object) -> bool:
                deaths.append(batch)
                raise RuntimeError("a fault of ours")

            patch.setattr(writer_module.Writer, "_keep", die)
            plant.go_on(7)
            await eventually(lambda: len(deaths) > 2, "it does not die")
        await eventually(lambda: history.is_open, "it is not started again")
        await is_caught_up(history)
        assert await plant.stored() == plant.told


def minute(number: int) -> Any:
    """The change of one minute to a fault and, with the next, back."""
    at_ms = T0_MS + number * MINUTE_MS
    status = Status.RUNNING if number % 2 else Status.ERROR
    batch = a_batch(a_run(), [a_change(number, at_ms, status)], alive_ms=at_ms + MINUTE_MS - 1)
    return replace(batch, last_seq=number)


async def test_a_damaged_spool_is_stored_but_for_what_is_damaged_and_that_time_is_unseen(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "lineside-history.spool"
    spool = Spool(folder)
    spool.open()
    batches = [minute(number) for number in range(1, 22)]
    for batch in batches:
        spool.append(batch)
    spool.close()
    file = folder / "000001.spool"
    data = bytearray(file.read_bytes())
    data[len(record_of(batches[0])) + 40] ^= 0x10  # in the second
    file.write_bytes(data)
    shutil.copy(file, folder / "000001 copy.spool")
    async with recording(tmp_path) as history:
        await is_caught_up(history)
        changes = await history.ask(lambda store: store.changes([code(101)], 0, 2 * T0_MS))
        assert [each.seq for each in changes] == [1, *range(3, 22)]
        health = history.health()
        assert (health.set_aside, health.lost, health.error) == (1, 1, "")
        assert "cannot be read or stored" in health.warnings[0]
        assert "000001 copy.spool" in health.warnings[1]
        lanes = await history.ask(
            lambda store: lanes_of(
                store, [code(101)], T0_MS + 2 * MINUTE_MS, T0_MS + 22 * MINUTE_MS - 1
            )
        )
    statuses = [each.status for each in lanes[code(101)]]
    assert statuses[0] is None, "the minute of the damaged batch"
    assert statuses[1:] == ["running" if number % 2 else "error" for number in range(3, 22)]
    assert sorted(path.name for path in folder.iterdir()) == ["000001 copy.spool", "000001.damaged"]
