"""The servers that are compared: how each is started, and how its clients connect to it."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import hatch_build

from lineside.demo import write_demo_config
from processes import Process, Server, free_port

HERE = Path(__file__).parent
PEERS = HERE / "peers"
BENCH_PYTHON = HERE.parents[1] / ".venv-bench" / "bin" / "python"
NODE = hatch_build.npm_command()[0]
_NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_STOP_TIMEOUT_S = 10.0
DEMO = "lineside --demo"


class StackError(Exception):
    """A server that could not be started, and why."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """One server under load. `pid` has its worker processes as children."""

    pid: int
    port: int


Start: TypeAlias = Callable[[Path, Path], AbstractContextManager[Running]]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One row of the table. `mode` is how the load client speaks to it.

    With more than `clients_max` clients it is not measured.
    """

    name: str
    start: Start
    path: str = "/ws"
    mode: str = "plain"
    clients_max: int = 1_000_000


@contextlib.contextmanager
def _lineside(_payload: Path, folder: Path) -> Iterator[Running]:
    """Start the server as a plant has it: its PLCs are elsewhere, in a process of their own."""
    ports = {plc_id: free_port() for plc_id in ("PLC01", "PLC02", "PLC03")}
    config = str(write_demo_config(folder / "plant", ports))
    with Process(["simulate", config]) as plant:
        plant.wait_for("Ctrl-C ends it")
        with Server("--config", config) as server:
            yield Running(pid=server.pid, port=server.port)


@contextlib.contextmanager
def _lineside_demo(_payload: Path, _folder: Path) -> Iterator[Running]:
    """Start the server with the demo plant in the same process."""
    with Server("--demo", "--no-past") as server:
        yield Running(pid=server.pid, port=server.port)


def _command(*words: str | Path) -> Start:
    """Return how to start a server that prints its port, given the payload as its last word."""

    @contextlib.contextmanager
    def start(payload: Path, _folder: Path) -> Iterator[Running]:
        with _process(*words, payload) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("port "):
                raise StackError(f"{Path(words[-1]).name} did not start; it said {line!r}")
            yield Running(pid=process.pid, port=int(line.split()[1]))

    return start


@contextlib.contextmanager
def _nchan(payload: Path, folder: Path) -> Iterator[Running]:
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX_CONF.format(module=_NCHAN_MODULE, port=port), encoding="utf-8")
    (folder / "logs").mkdir(exist_ok=True)
    with _process("nginx", "-p", folder, "-c", config, "-e", folder / "error.log") as process:
        _wait_until_listening(port)
        ended = threading.Event()
        publisher = threading.Thread(target=_publish, args=(port, payload, ended))
        publisher.start()
        try:
            yield Running(pid=process.pid, port=port)
        finally:
            ended.set()
            publisher.join()


def _publish(port: int, payload: Path, ended: threading.Event) -> None:
    """POST the payload, stamped, on every whole second. Its CPU is not nginx's."""
    before, _, rest = payload.read_text(encoding="utf-8").partition('"timestamp":"')
    _, _, after = rest.partition('"')
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    while not ended.wait(1.0 - time.time() % 1.0):
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        connection.request("POST", "/publish", f'{before}"timestamp":"{now}"{after}'.encode())
        connection.getresponse().read()
    connection.close()


def _wait_until_listening(port: int) -> None:
    deadline_s = time.monotonic() + 5.0
    while time.monotonic() < deadline_s:
        with contextlib.suppress(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
            return
    raise StackError("nginx did not start")


@contextlib.contextmanager
def _process(*words: str | Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603
        [str(word) for word in words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PEERS,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


_NGINX_CONF = """\
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /ws {{
            nchan_subscriber websocket;
            nchan_channel_id line;
            nchan_subscriber_first_message newest;
        }}
        location = /publish {{
            nchan_publisher http;
            nchan_channel_id line;
            nchan_message_buffer_length 1;
            nchan_message_timeout 5s;
        }}
    }}
}}
"""


def stacks(floor: Path) -> list[Stack]:
    """Return every stack, Lineside first. `floor` is the compiled C server."""
    python = BENCH_PYTHON if BENCH_PYTHON.exists() else Path(sys.executable)  # lacks aiohttp
    return [
        Stack(name="lineside", start=_lineside, path="/ws/monitor"),
        Stack(name=DEMO, start=_lineside_demo, path="/ws/monitor", clients_max=50),
        Stack(name="lineside, deflate", start=_lineside, path="/ws/monitor", mode="deflate"),
        Stack(name="C floor", start=_command(floor)),
        Stack(name="nginx nchan", start=_nchan),
        Stack(
            name="websockets.broadcast", start=_command(python, PEERS / "websockets_broadcast.py")
        ),
        Stack(name="aiohttp", start=_command(python, PEERS / "aiohttp_send_str.py")),
        Stack(name="Node ws", start=_command(NODE, PEERS / "ws.mjs")),
        Stack(
            name="socket.io",
            start=_command(NODE, PEERS / "socketio.mjs"),
            path="/socket.io/?EIO=4&transport=websocket",
            mode="socketio",
        ),
        Stack(name="FastAPI tutorial", start=_command(python, PEERS / "fastapi_tutorial.py")),
    ]
