"""`lineside run` as a user meets it: start, clear refusals, a new config while running, the end."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

import bounds
from lineside.core.limits import SHUTDOWN_TIMEOUT_S
from processes import Process, Server, free_port

TICKS_WAITING = 20  # that a client may find in its buffer when it reads again after a while

CONFIG = """\
[[line]]
id = "weld1"
name = "용접 1라인"

[[plc]]
id = "PLC01"
host = "127.0.0.1"
port = {port}
family = "Q"
"""
MACHINE = """
[[equipment]]
code = "KRCWO12ELOA{number}"
name = "로봇 {number}"
plc = "PLC01"
status_tag = "M{number}"
error_tag = "M{error}"
"""


def write_config(path: Path, *numbers: int, port: int) -> None:
    machines = (MACHINE.format(number=n, error=n + 100) for n in numbers)
    replacement = path.with_suffix(".new")
    replacement.write_text(CONFIG.format(port=port) + "".join(machines), encoding="utf-8")
    replacement.replace(path)


def codes(client: ClientConnection) -> list[str]:
    """The machines of the next tick."""
    while True:
        message: dict[str, Any] = json.loads(client.recv(timeout=60))
        if message["type"] == "equipment_status":
            return [e["equipment_code"] for e in message["equipment"]]


def until_closed(client: ClientConnection) -> tuple[list[dict[str, Any]], ConnectionClosed]:
    """Everything that still comes, and how the connection ended."""
    messages = []
    while True:
        try:
            messages.append(json.loads(client.recv(timeout=60)))
        except ConnectionClosed as close:
            return messages, close


@pytest.fixture(scope="module")
def demo() -> Iterator[Server]:
    """A demo plant for those who only look at it."""
    with Server("--demo", "--no-past") as server:
        yield server


def test_it_says_in_three_lines_what_runs_where_to_look_and_how_to_stop(demo: Server) -> None:
    demo.wait_for("Stop with")
    told = [line for line in demo.output.splitlines() if "[info" not in line]
    assert len(told) == 3
    assert "17 machines on 3 PLCs" in told[0]
    assert f"Open {demo.address}/" in told[1]
    assert "Ctrl+C" in told[2]


def test_a_port_in_use_is_one_clear_line_with_a_remedy(demo: Server) -> None:
    port = demo.port
    with Process(["run", "--demo", "--no-past", "--port", str(port)]) as second:
        assert second.wait() == 2
        output = second.output
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; " in output
    assert "--port" in output
    assert output.count("\n") == 1


def test_a_config_with_mistakes_does_not_start_and_names_them_all(tmp_path: Path) -> None:
    path = tmp_path / "lineside.toml"
    path.write_text(
        CONFIG.format(port=5010).replace('family = "Q"', 'family = "Z"')
        + MACHINE.format(number=1, error=2).replace("PLC01", "PLC99"),
        encoding="utf-8",
    )
    with Process(["run", "--config", str(path), "--port", "0"]) as refused:
        refused.wait_for("PLC99")
        assert refused.wait() == 2
        output = refused.output
    for expected in ("family", "PLC99", "14", f"{path}:9"):
        assert expected in output
    assert "Traceback" not in output


def test_without_a_config_it_says_how_to_get_one(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    with Process(["run", "--config", str(missing)]) as refused:
        assert refused.wait() == 2
        assert "none.toml" in refused.output
        assert "Traceback" not in refused.output


def test_a_new_config_is_swapped_in_without_dropping_a_client(tmp_path: Path) -> None:
    path, port = tmp_path / "lineside.toml", free_port()
    write_config(path, 101, 102, port=port)
    with Server("--config", str(path)) as server, connect(server.ws_address) as client:
        assert codes(client) == ["KRCWO12ELOA101", "KRCWO12ELOA102"]
        write_config(path, 101, 103, 102, port=port)
        server.wait_for("config replaced")
        wanted = ["KRCWO12ELOA101", "KRCWO12ELOA103", "KRCWO12ELOA102"]
        assert any(codes(client) == wanted for _ in range(TICKS_WAITING))


def test_an_origin_added_to_the_config_is_let_in_without_a_restart(tmp_path: Path) -> None:
    path, port = tmp_path / "lineside.toml", free_port()
    write_config(path, 101, port=port)
    with Server("--config", str(path)) as server:
        page = Origin("http://wall.plant.local")
        with pytest.raises(InvalidStatus, match="403"):
            connect(server.ws_address, origin=page)
        text = path.read_text(encoding="utf-8")
        path.write_text(f'[server]\nallowed_origins = ["{page}"]\n{text}', encoding="utf-8")
        server.wait_for("config replaced")
        with connect(server.ws_address, origin=page) as client:
            assert codes(client) == ["KRCWO12ELOA101"]


def test_a_new_config_with_mistakes_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    path, port = tmp_path / "lineside.toml", free_port()
    write_config(path, 101, port=port)
    with Server("--config", str(path)) as server, connect(server.ws_address) as client:
        good = path.read_text(encoding="utf-8")
        path.write_text(good.replace("M101", "Q101"), encoding="utf-8")
        server.wait_for("config refused")
        assert codes(client) == ["KRCWO12ELOA101"]
        write_config(path, 101, 102, port=port)
        server.wait_for("config replaced")
        wanted = ["KRCWO12ELOA101", "KRCWO12ELOA102"]
        assert any(codes(client) == wanted for _ in range(TICKS_WAITING))


@pytest.mark.measures
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_place_of_the_config_stops_neither_the_ticks_nor_the_end(tmp_path: Path) -> None:
    path, port = tmp_path / "lineside.toml", free_port()
    write_config(path, 101, port=port)
    with Server("--config", str(path)) as server, connect(server.ws_address) as client:
        path.unlink()
        os.mkfifo(path)
        server.wait_for("config refused.*not a regular file")
        assert codes(client) == ["KRCWO12ELOA101"]
        started_s = time.monotonic()
        assert server.terminate() == 0
        bounds.hold(time.monotonic() - started_s, SHUTDOWN_TIMEOUT_S, "ended after (s)")


def test_a_csv_name_that_no_file_can_have_is_refused_while_running(tmp_path: Path) -> None:
    path, port = tmp_path / "lineside.toml", free_port()
    write_config(path, 101, port=port)
    with Server("--config", str(path)) as server, connect(server.ws_address) as client:
        with path.open("a", encoding="utf-8") as file:
            file.write(f'[equipment_csv]\nfile = "{"x" * 300}.csv"\n')
        server.wait_for("config refused.*File name too long")
        assert codes(client) == ["KRCWO12ELOA101"]


def test_sigterm_tells_the_clients_closes_with_1012_and_exits_0() -> None:
    with Server("--demo", "--no-past") as server, connect(server.ws_address) as client:
        codes(client)
        assert server.terminate() == 0
        messages, close = until_closed(client)
    assert (messages[-1]["type"], messages[-1]["status"]) == ("connection_status", "disconnected")
    assert close.rcvd is not None
    assert close.rcvd.code == 1012


def test_killed_and_started_again_on_the_same_port_it_serves_at_once() -> None:
    with Server("--demo", "--no-past") as server:
        port = server.port
        with connect(server.ws_address) as client:
            codes(client)
        server.kill()
        server.start()
        assert server.port == port
        with connect(server.ws_address) as client:
            assert len(codes(client)) == 17
