"""A real server on a free port, a hub fed by hand, and a client that reads only when told to."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import websockets
from fastapi import FastAPI
from starlette.routing import BaseRoute
from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from builders import T0_S, TurnedClock, line, site, snapshot
from lineside.core.model import Site
from lineside.hub.inbound import InboundLimits
from lineside.hub.subscribers import Hub, HubLimits
from lineside.web.gate import Gate, GateRules, gate_rules
from lineside.web.server import LinesideServer, bind
from lineside.web.wire import WebSocketWire, WireLimits
from lineside.web.ws import MonitorDoor, upgrade_routes

PATIENCE_S = 60.0  # a guard against hanging, no bound


async def eventually(is_true: Callable[[], bool], what: str) -> None:
    """Let the event loop run until `is_true()`; fail with `what` when it never is."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_true():  # noqa: ASYNC110 -- see below
            # Real sockets have no event for "the other side has now noticed".
            await asyncio.sleep(0.001)
    assert is_true(), what


def wait_until(is_true: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Ask another process until `is_true()`; fail with `what` when it never is."""
    ends_at_s = time.monotonic() + patience_s
    while not is_true():
        assert time.monotonic() < ends_at_s, what
        time.sleep(0.05)  # what another process answers has no event


def seventeen_machines() -> Site:
    return site(line("weld1", range(101, 118)), line("pack", range(201, 203), name="포장"))


@dataclass
class Served:
    """What a test holds of the running server."""

    hub: Hub
    gate: Gate
    server: LinesideServer
    clock: TurnedClock
    plant: Site
    serving: asyncio.Task[None]
    sequence: int = 0

    @property
    def port(self) -> int:
        return self.server.port

    def url(self, path: str = "/ws/monitor") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    def connect(self, path: str = "/ws/monitor", **options: Any) -> websockets.connect:
        options.setdefault("compression", None)
        return websockets.connect(self.url(path), **options)

    def tick(self) -> None:
        self.sequence += 1
        self.clock.turn(1.0)
        self.hub.on_message(snapshot(self.plant, sequence=self.sequence, at_s=self.clock.unix_s))

    async def settled(self) -> None:
        """Wait until every greeted client has nothing unsent, so that the next tick is direct."""
        await eventually(
            lambda: not any(wire.has_unsent() for wire in self.wires()), "bytes stay unsent"
        )

    def wires(self) -> list[WebSocketWire]:
        connections: Iterable[Any] = self.server.server_state.connections
        return [each for each in connections if isinstance(each, WebSocketWire)]


@contextlib.asynccontextmanager
async def serving(
    *,
    plant: Site | None = None,
    hub_limits: HubLimits | None = None,
    inbound_limits: InboundLimits | None = None,
    wire_limits: WireLimits | None = None,
    rules: GateRules | None = None,
    routes: Sequence[BaseRoute] = (),
) -> AsyncIterator[Served]:
    """Serve the WebSocket routes, and `routes`, behind the gate, as the application does."""
    plant = plant or seventeen_machines()
    clock = TurnedClock(T0_S)
    hub = Hub(clock, [each.id for each in plant.lines], hub_limits or HubLimits())
    app = FastAPI()
    app.router.routes.extend([*upgrade_routes(clock), *routes])
    gate = Gate(app, rules or gate_rules("127.0.0.1", allowed_origins=["http://localhost:3001"]))
    server = LinesideServer(
        gate,
        bind("127.0.0.1", 0),
        MonitorDoor(
            hub,
            clock,
            gate.refuse_websocket,
            inbound_limits or InboundLimits(),
            path_of=gate.path_inside,
        ),
        close_websockets=hub.close_all,
        wire_limits=wire_limits,
    )
    task = asyncio.create_task(server.serve())
    try:
        await server.ready.wait()
        yield Served(hub, gate, server, clock, plant, task)
    finally:
        server.stop()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


@dataclass
class RawClient:
    """A WebSocket client made of a bare socket: sees every byte, reads only when told to."""

    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)

    @classmethod
    async def connect(
        cls, port: int, *, receive_buffer_bytes: int | None = None, source: str = "127.0.0.1"
    ) -> RawClient:
        """Open a TCP connection; a small receive buffer makes a client that is soon full."""
        raw = socket.socket()
        raw.bind((source, 0))
        if receive_buffer_bytes is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        raw.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
        except OSError:
            raw.close()
            raise
        return cls(raw)

    @classmethod
    async def upgraded(cls, port: int, **options: Any) -> RawClient:
        """Open a WebSocket and read the answer to the handshake, and the greeting, away."""
        client = await cls.connect(port, **options)
        await client.send(handshake(port))
        head = await client.head()
        assert head.startswith("HTTP/1.1 101 "), head
        greeting = await client.frame()
        assert json.loads(bytes(greeting.data))["status"] == "connected"
        return client

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def send_text(self, text: str) -> None:
        await self.send(masked(Frame(Opcode.TEXT, text.encode())))

    async def more(self, size_bytes: int = 65_536) -> bytes:
        """Read what there is, at most `size_bytes`; empty at the end of the connection."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                data = await asyncio.get_running_loop().sock_recv(self.socket, size_bytes)
            except ConnectionError:
                return b""
        self.received += data
        return data

    async def head(self) -> str:
        """Read one HTTP response head."""
        while b"\r\n\r\n" not in self.received:
            if not await self.more():
                break
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        self.received = bytearray(rest)
        return head.decode()

    async def rest(self) -> bytes:
        """Read until the server ends the connection."""
        while await self.more():
            pass
        return bytes(self.received)

    async def frame(self, size_bytes: int = 65_536) -> Frame:
        """Read exactly one frame, `size_bytes` at a time at most."""
        while True:
            frames, used = parse_frames(bytes(self.received))
            if frames:
                first = frames[0]
                del self.received[: used[0]]
                return first
            assert await self.more(size_bytes), "the connection ended in the middle of a frame"

    def reset(self) -> None:
        """Vanish: the server gets a reset, not a goodbye."""
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


def handshake(
    port: int, path: str = "/ws/monitor", *headers: str, host: str | None = None
) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host or f'127.0.0.1:{port}'}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def masked(frame: Frame) -> bytes:
    return frame.serialize(mask=True)


def parse_frames(
    data: bytes, extensions: Sequence[Extension] = ()
) -> tuple[list[Frame], list[int]]:
    """Return the whole unmasked frames in `data` (by the `websockets` library) and their ends."""
    reader = StreamReader()
    reader.feed_data(data)
    frames: list[Frame] = []
    ends: list[int] = []
    position = 0
    while True:
        parser = Frame.parse(reader.read_exact, mask=False, extensions=extensions)
        try:
            next(parser)
        except StopIteration as done:
            frame: Frame = done.value
            frame.check()
            position += len(frame.serialize(mask=False))
            frames.append(frame)
            ends.append(position)
        else:
            return frames, ends
