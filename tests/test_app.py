"""What the composition root itself promises; the rest is seen from outside, in tests/cli."""

from __future__ import annotations

import asyncio
import gc
import socket
from pathlib import Path

import httpx
import pytest

from lineside import app
from lineside.config import LoadedConfig, load_config
from lineside.web.server import LinesideServer
from serving import eventually

CONFIG = """\
[[line]]
id = "weld1"
name = "Weld 1"

[[plc]]
id = "PLC01"
host = "127.0.0.1"
port = 5010
family = "Q"

[[equipment]]
code = "KRCWO12ELOA101"
name = "Robot"
plc = "PLC01"
status_tag = "M100"
error_tag = "M200"
"""


async def test_a_fault_of_ours_in_loading_is_logged_and_the_watch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lineside.toml"
    path.write_text(CONFIG)
    house = app.House(path, app.RunOptions(config=path, port=0))
    load, loads = load_config, []

    def fail_once(*args: object) -> LoadedConfig:
        loads.append(args)
        if len(loads) == 1:
            raise ZeroDivisionError("a fault of ours")
        return load(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(app, "load_config", fail_once)
    monkeypatch.setattr(app, "CONFIG_CHECK_S", 0.001)
    watching = asyncio.create_task(house.watch_config())
    try:
        path.write_text(CONFIG.replace("Robot", "Another"))
        await eventually(lambda: bool(loads), "the change was not noticed")
        before = house.loaded
        path.write_text(CONFIG.replace("Robot", "A third one"))
        await eventually(lambda: house.loaded is not before, "the watch has ended")
        assert house.loaded.site.lines[0].equipment[0].name == "A third one"
        assert "ZeroDivisionError" in capsys.readouterr().out
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        house.server.stop()
        await house.server.serve()  # closes its sockets


async def test_what_the_engine_and_the_server_count_reaches_the_metrics(tmp_path: Path) -> None:
    path = tmp_path / "lineside.toml"
    path.write_text(CONFIG)
    house = app.House(path, app.RunOptions(config=path, port=0))
    serving = asyncio.create_task(house.server.serve())
    await house.server.ready.wait()
    house.engine.missed_tick_count = 7
    house.server.cap.rejected_total = 3
    try:
        async with httpx.AsyncClient(base_url=house.address) as client:
            figures = (await client.get("/metrics")).text.splitlines()
    finally:
        house.server.stop()
        await serving
    assert "lineside_engine_missed_ticks_total 7.0" in figures
    assert "lineside_connections_rejected_total 3.0" in figures


def full_collections() -> int:
    """How often the collector has gone through everything there is."""
    return int(gc.get_stats()[2]["collections"])


async def test_the_first_collection_is_over_before_the_port_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden: list[int] = []
    collected: list[int] = []

    class Opening(LinesideServer):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            hidden.append(gc.get_freeze_count())
            collected.append(full_collections())
            await super().startup(sockets)

    monkeypatch.setattr(app, "LinesideServer", Opening)
    path = tmp_path / "lineside.toml"
    path.write_text(CONFIG)
    before = gc.get_freeze_count()  # Python 3.12 keeps some objects frozen by itself
    announced = asyncio.Event()
    options = app.RunOptions(config=path, port=0)
    running = asyncio.create_task(app.run(options, lambda *_: announced.set()))
    try:
        await announced.wait()
        assert hidden[0] > before
        assert full_collections() == collected[0], "there was another one later"
    finally:
        running.cancel()
        await asyncio.wait([running])
        gc.unfreeze()


def test_what_one_address_may_have_bounds_all_its_connections(tmp_path: Path) -> None:
    path = tmp_path / "lineside.toml"
    path.write_text(f"[server]\nconnections_per_address_max = 7\n\n{CONFIG}")
    house = app.House(path, app.RunOptions(config=path, port=0))
    asyncio.run(_end(house))
    assert house.hub.limits.connections_per_address_max == 7
    assert house.server.cap.address_limit == 507


async def _end(house: app.House) -> None:
    house.server.stop()
    await house.server.serve()  # closes its sockets
