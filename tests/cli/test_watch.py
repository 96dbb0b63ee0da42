"""`lineside watch` as a process, against a tiny server that speaks the contract."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from lineside.cli.watch import normalise_url
from processes import Process, free_port

HELLO = {"type": "connection_status", "timestamp": "t", "status": "connected", "message": "hi"}


def snapshot(status: str) -> str:
    tags = {"status_tag": 1, "error_tag": 0, "connection": True}
    equipment = {
        "equipment_code": "KRCWO12ELOA101",
        "equipment_name": "Upper 로봇 용접",
        "status": status,
        "tags": tags,
        "last_updated": "2025-11-03T10:30:45.000Z",
    }
    message = {"type": "equipment_status", "timestamp": "t", "equipment": [equipment]}
    return json.dumps(message, ensure_ascii=False)


class TinyServer:
    """Sends a greeting and two snapshots to each client, then keeps quiet until it goes."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def __call__(self, client: ServerConnection) -> None:
        assert client.request is not None
        self.requests.append(client.request)
        await client.send(json.dumps(HELLO))
        await client.send(snapshot("running"))
        await client.send(snapshot("idle"))
        await client.wait_closed()


@asynccontextmanager
async def tiny_server(port: int = 0) -> AsyncIterator[tuple[TinyServer, int]]:
    handler = TinyServer()
    async with serve(handler, "127.0.0.1", port) as server:
        yield handler, next(iter(server.sockets)).getsockname()[1]


async def until(process: Process, pattern: str) -> None:
    await asyncio.to_thread(process.wait_for, pattern)


async def test_once_prints_one_table_and_exits() -> None:
    async with tiny_server() as (_, port):
        with Process(["watch", "--once", "--lang", "en", f"127.0.0.1:{port}"]) as watch:
            assert await asyncio.to_thread(watch.wait) == 0
            assert "KRCWO12ELOA101" in watch.output
            assert "Upper 로봇 용접" in watch.output
            assert "Running" in watch.output


async def test_once_json_prints_one_snapshot() -> None:
    async with tiny_server() as (_, port):
        url = f"ws://127.0.0.1:{port}/ws/monitor"
        with Process(["watch", "--once", "--json", url]) as watch:
            assert await asyncio.to_thread(watch.wait) == 0
            assert watch.output == snapshot("running") + "\n"


async def test_it_names_itself_and_sends_no_origin() -> None:
    async with tiny_server() as (server, port):
        with Process(["watch", "--once", f"127.0.0.1:{port}"]) as watch:
            await asyncio.to_thread(watch.wait)
    (request,) = server.requests
    assert request.path == "/ws/monitor"
    assert request.headers["User-Agent"].startswith("lineside-watch/")
    assert "Origin" not in request.headers


async def test_json_prints_every_message_as_a_line_and_ends_on_sigterm() -> None:
    async with tiny_server() as (_, port):
        with Process(["watch", "--json", f"127.0.0.1:{port}"]) as watch:
            await until(watch, '"idle"')
            lines = [json.loads(line) for line in watch.output.splitlines() if line[0] == "{"]
            assert [line["type"] for line in lines] == [
                "connection_status",
                "equipment_status",
                "equipment_status",
            ]
            assert watch.terminate() == 0


async def test_without_a_terminal_each_change_is_a_line() -> None:
    async with tiny_server() as (_, port):
        with Process(["watch", f"127.0.0.1:{port}"]) as watch:
            await until(watch, r"KRCWO12ELOA101 - -> running Upper 로봇 용접\n")
            await until(watch, r"KRCWO12ELOA101 running -> idle Upper 로봇 용접\n")


async def test_it_reconnects_to_a_server_that_comes_back() -> None:
    port = free_port()
    with Process(["watch", "--json", f"127.0.0.1:{port}"]) as watch:
        await until(watch, "no connection: .*; trying again every 3 s")
        async with tiny_server(port):
            await until(watch, '"idle"')
        await until(watch, "the connection was closed: 1001")
        async with tiny_server(port):
            await until(watch, r'(?s)closed: 1001.*"idle"')


async def test_a_refusal_is_explained() -> None:
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(404, "no such line\n")

    async with serve(TinyServer(), "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with Process(["watch", "--once", "--timeout", "1.5", f"127.0.0.1:{port}/ws/x"]) as watch:
            assert await asyncio.to_thread(watch.wait) == 1
            assert "HTTP 404 (no such line" in watch.output


async def test_once_without_a_server_says_why_and_exits_with_1() -> None:
    with Process(["watch", "--once", "--timeout", "1", f"127.0.0.1:{free_port()}"]) as watch:
        assert await asyncio.to_thread(watch.wait) == 1
        assert "nothing to show after 1 s: no connection" in watch.output
        assert "Traceback" not in watch.output


async def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    async with tiny_server() as (_, port):
        command = [sys.executable, "-m", "lineside.cli", "watch", "--json", f"127.0.0.1:{port}"]
        with subprocess.Popen(  # noqa: ASYNC220 - starting does not block
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watch:
            assert watch.stdout is not None
            assert watch.stderr is not None
            watch.stdout.close()  # before anything could be printed
            error = await asyncio.to_thread(watch.stderr.read)
            assert await asyncio.to_thread(watch.wait, 20) == 0
            assert "Traceback" not in error
            assert "BrokenPipe" not in error


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost", "ws://localhost/ws/monitor"),
        ("10.0.0.5:8000", "ws://10.0.0.5:8000/ws/monitor"),
        ("http://h:8000/", "ws://h:8000/ws/monitor"),
        ("https://h", "wss://h/ws/monitor"),
        ("ws://h:1/ws/monitor/weld2", "ws://h:1/ws/monitor/weld2"),
        ("[::1]:8000", "ws://[::1]:8000/ws/monitor"),
    ],
)
def test_an_address_may_be_short(text: str, url: str) -> None:
    assert normalise_url(text) == url


@pytest.mark.parametrize("text", ["ftp://h", "ws://", "h:99999", "ws://h:port"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no address"):
        normalise_url(text)
