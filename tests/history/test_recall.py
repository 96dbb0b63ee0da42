"""What a restart remembers: how long a machine has not run, and since when it stands as it does."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from builders import code
from history.told import T0_MS, a_batch, a_change, a_run
from lineside.core.model import PastState, Status
from lineside.core.times import iso_utc
from lineside.drivers.melsec.simulator import MelsecSimulator
from lineside.history.recall import LOOK_BACK_MS, recall
from lineside.history.store import Store
from processes import Server

RUNNING, IDLE, ERROR = Status.RUNNING, Status.IDLE, Status.ERROR
BEFORE_MS = T0_MS + 60_000


async def recalled(store: Store) -> PastState | None:
    return (await recall(store, [code(101), code(999)], BEFORE_MS)).get(code(101))


async def test_a_machine_that_ran_until_the_end_of_its_run_ran_until_then(store: Store) -> None:
    await store.write([a_batch(a_run(), [a_change(1, T0_MS, RUNNING)], alive_ms=T0_MS + 5_000)])
    assert await recalled(store) == PastState(
        status=RUNNING,
        since_s=T0_MS / 1000,
        seen_until_s=T0_MS / 1000 + 5,
        ran_until_s=T0_MS / 1000 + 5,
    )


async def test_a_machine_that_stopped_before_ran_until_it_stopped(store: Store) -> None:
    records = [
        a_change(n, T0_MS + at, status)
        for n, (at, status) in enumerate([(0, RUNNING), (2_000, ERROR), (4_000, IDLE)], start=1)
    ]
    await store.write([a_batch(a_run(), records, stopped_ms=T0_MS + 9_000)])
    found = await recalled(store)
    assert found is not None
    assert (found.status, found.since_s) == (IDLE, T0_MS / 1000 + 4)
    assert found.ran_until_s == T0_MS / 1000 + 2
    assert found.seen_until_s == T0_MS / 1000 + 9


async def test_running_in_one_run_and_standing_in_the_next_ran_until_the_end_of_the_first(
    store: Store,
) -> None:
    first = a_batch(a_run(1), [a_change(1, T0_MS, RUNNING)], alive_ms=T0_MS + 3_000)
    second = a_batch(
        a_run(2, T0_MS + 8_000), [a_change(1, T0_MS + 8_000, IDLE)], alive_ms=T0_MS + 9_000
    )
    await store.write([first, second])
    found = await recalled(store)
    assert found is not None
    assert found.ran_until_s == T0_MS / 1000 + 3


async def test_what_is_too_long_ago_is_not_recalled(store: Store) -> None:
    long_ago_ms = BEFORE_MS - LOOK_BACK_MS - 10_000
    records = [a_change(1, long_ago_ms, RUNNING)]
    await store.write([a_batch(a_run(1, long_ago_ms), records, stopped_ms=long_ago_ms + 5)])
    assert await recalled(store) is None


async def test_a_machine_that_left_the_configuration_is_not_recalled(store: Store) -> None:
    records = [a_change(1, T0_MS, RUNNING), a_change(2, T0_MS + 5, None)]
    await store.write([a_batch(a_run(), records, alive_ms=T0_MS + 3_000)])
    assert await recalled(store) is None


CONFIG = """\
[[line]]
id = "weld1"
name = "Weld 1"
stop_after = "4s"
stale_after = "300s"

[[plc]]
id = "PLC01"
host = "127.0.0.1"
port = {port}
family = "Q"

[[equipment]]
code = "KRCWO12ELOA101"
name = "Robot"
plc = "PLC01"
status_tag = "M100"
error_tag = "M200"
"""


async def machine(server: Server) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=server.address) as client:
        answer = await client.get("/api/equipment/KRCWO12ELOA101")
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def until(
    server: Server, status: str, *, reason_by: str = "9", since_by: str = "9"
) -> dict[str, Any]:
    """Ask until the machine has a status, for a reason and since a time that are not later."""
    async with asyncio.timeout(60):
        while True:
            found = await machine(server)
            reason_since = found["reason"]["since"] or "9"
            is_known = reason_since <= reason_by and found["since"] <= since_by
            if found["status"] == status and is_known:
                return found
            await asyncio.sleep(0.05)


async def until_stored(server: Server, status: str) -> None:
    """Ask until the database has a change of the machine to `status`."""
    day = {"from": "2000-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    async with (
        asyncio.timeout(60),
        httpx.AsyncClient(base_url=server.address, params=day) as client,
    ):
        while True:
            answer = await client.get("/api/equipment/KRCWO12ELOA101/changes")
            # The history may still be being opened.
            changes = answer.json()["changes"] if answer.is_success else []
            if status in [each["status"] for each in changes]:
                return
            await asyncio.sleep(0.05)


@pytest.mark.timeout(600)
async def test_a_stop_timer_survives_a_restart_and_a_kill(tmp_path: Path) -> None:
    async with MelsecSimulator() as plc:
        plc.set_bit("M100", True)
        config = tmp_path / "lineside.toml"
        config.write_text(CONFIG.format(port=plc.port), encoding="utf-8")
        with Server("--config", str(config)) as server:
            await until(server, "running")
            plc.set_bit("M100", False)
            idle = await until(server, "idle")
            await until_stored(server, "idle")
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(3.0)  # in which the machine stands and nobody looks
            await asyncio.to_thread(server.start)
            # The history may be opened only after the stop timer is over: its word wins then, too.
            stopped = await until(server, "stopped", reason_by=idle["since"])
            assert stopped["reason"]["code"] == "stop_elapsed"
            await until_stored(server, "stopped")
            before = iso_utc(time.time())
            await asyncio.to_thread(server.terminate)
            await asyncio.to_thread(server.start)
            await until(server, "stopped", reason_by=idle["since"], since_by=before)
