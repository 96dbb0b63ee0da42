"""Well-behaved screens in a process of their own: they listen, and say when they heard what.

usage: python listening.py HOST PORT COUNT [RETRY_S]

One thread, one epoll, no JSON parser: what is measured is the server, not the listeners. Every
other screen negotiates compression, as browsers do. A screen whose connection ends connects again
RETRY_S seconds later, where that is given. Orders come on standard input, one a line, and each is
answered with one line of JSON:

    report UNTIL    once every screen has heard a tick after Unix time UNTIL (by this computer's
                    clock), and in any case PATIENCE_S seconds after that time
    ended           once no screen is connected, and in any case PATIENCE_S seconds from now
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import selectors
import socket
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PATIENCE_S = 60.0
_POLL_S = 0.05
_CHUNK_BYTES = 256 * 1024
_CLOSE, _TEXT, _PING, _PONG = 0x8, 0x1, 0x9, 0xA
_COMPRESSED = 0x40
_TICK = re.compile(rb'"type":"equipment_status","timestamp":"([^"]+)"')
_STATUS = re.compile(rb'"status":"(connected|disconnected|error)"')
_OFFER = "Sec-WebSocket-Extensions: permessage-deflate\r\n"


@dataclass
class Screen:
    """One WebSocket client, and what it has heard."""

    host: str
    port: int
    takes_deflate: bool
    socket: socket.socket | None = None
    received: bytearray = field(default_factory=bytearray)
    is_open: bool = False
    ticks: list[tuple[float, float, float]] = field(default_factory=list)
    opened_s: list[float] = field(default_factory=list)
    closed: list[tuple[float, int]] = field(default_factory=list)
    last_status: str = ""

    def connect(self) -> None:
        """Begin to connect; the handshake follows when the connection is there."""
        self.received.clear()
        self.is_open = False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex((self.host, self.port))

    def ask(self) -> None:
        """Send the opening handshake."""
        assert self.socket is not None
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /ws/monitor HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"{_OFFER if self.takes_deflate else ''}\r\n"
        )
        self.socket.sendall(head.encode())

    def take(self, data: bytes) -> int | None:
        """Take what came; return the close code once the server has closed."""
        now = time.time(), time.monotonic()
        self.received += data
        if not self.is_open:
            head, end, rest = bytes(self.received).partition(b"\r\n\r\n")
            if not end:
                return None
            if not head.startswith(b"HTTP/1.1 101 "):
                return -1
            assert (b"permessage-deflate" in head) == self.takes_deflate, head
            self.received = bytearray(rest)
            self.is_open = True
            self.opened_s.append(now[1])
        while (frame := self._next_frame()) is not None:
            opcode, payload = frame
            if opcode == _TEXT:
                self._hear(payload, *now)
            elif opcode == _PING:
                self._say(_PONG, payload)
            elif opcode == _CLOSE:
                self._say(_CLOSE, payload)
                return int.from_bytes(payload[:2], "big") if payload else 1005
        return None

    def _next_frame(self) -> tuple[int, bytes] | None:
        data = self.received
        if len(data) < 2:
            return None
        length, start = data[1], 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None
            length = int.from_bytes(data[2:start], "big")
        if len(data) < start + length:
            return None
        opcode, payload = data[0], bytes(data[start : start + length])
        del data[: start + length]
        if opcode & _COMPRESSED:
            payload = zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
        return opcode & 0x0F, payload

    def _hear(self, payload: bytes, now_unix_s: float, now_s: float) -> None:
        tick = _TICK.search(payload)
        if tick is not None:
            tick_unix_s = datetime.fromisoformat(tick[1].decode()).timestamp()
            self.ticks.append((tick_unix_s, now_unix_s, now_s))
        elif (status := _STATUS.search(payload)) is not None:
            self.last_status = status[1].decode()

    def _say(self, opcode: int, payload: bytes) -> None:
        assert self.socket is not None
        # A mask of zeros is a mask: the payload goes as it is.
        with contextlib.suppress(OSError):
            self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload)


class Room:
    """All screens, and the orders."""

    def __init__(self, host: str, port: int, count: int, retry_s: float | None) -> None:
        self._retry_s = retry_s
        self._selector = selectors.DefaultSelector()
        self._retries: list[tuple[float, Screen]] = []
        self._order: tuple[Callable[[], bool], float] | None = None
        self.screens = [Screen(host, port, takes_deflate=n % 2 == 1) for n in range(count)]
        for screen in self.screens:
            self._connect(screen)

    def run(self) -> None:
        """Listen, and obey, until standard input ends."""
        os.set_blocking(sys.stdin.fileno(), False)
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, events in self._selector.select(_POLL_S):
                if key.data is not None:
                    self._serve(key.data, events)
                    continue
                line = sys.stdin.readline()
                if not line:
                    return
                self._obey(*line.split())
            self._go_on()

    def _go_on(self) -> None:
        now_s = time.monotonic()
        due = [screen for at_s, screen in self._retries if at_s <= now_s]
        self._retries = [each for each in self._retries if each[0] > now_s]
        for screen in due:
            self._connect(screen)
        if self._order is not None and (self._order[0]() or time.time() > self._order[1]):
            self._order = None
            print(json.dumps(self._report()), flush=True)

    def _obey(self, word: str, *arguments: str) -> None:
        if word == "report":
            until = float(arguments[0])
            self._order = (lambda: self._have_all_heard(until), until + PATIENCE_S)
        else:
            self._order = (self._have_all_ended, time.time() + PATIENCE_S)

    def _have_all_heard(self, until_unix_s: float) -> bool:
        return all(each.ticks and each.ticks[-1][1] > until_unix_s for each in self.screens)

    def _have_all_ended(self) -> bool:
        return all(each.socket is None for each in self.screens)

    def _report(self) -> list[dict[str, Any]]:
        return [
            {
                "ticks": each.ticks,
                "opened_s": each.opened_s,
                "closed": each.closed,
                "last_status": each.last_status,
                "is_open": each.is_open,
            }
            for each in self.screens
        ]

    def _connect(self, screen: Screen) -> None:
        screen.connect()
        assert screen.socket is not None
        self._selector.register(screen.socket, selectors.EVENT_WRITE, screen)

    def _serve(self, screen: Screen, events: int) -> None:
        assert screen.socket is not None
        try:
            if events & selectors.EVENT_WRITE:
                screen.ask()
                self._selector.modify(screen.socket, selectors.EVENT_READ, screen)
                return
            data = screen.socket.recv(_CHUNK_BYTES)
            code = screen.take(data) if data else 1006
        except BlockingIOError:
            return
        except OSError:
            code = 1006
        if code is not None:
            self._end(screen, code)

    def _end(self, screen: Screen, code: int) -> None:
        assert screen.socket is not None
        if screen.is_open:
            screen.closed.append((time.monotonic(), code))
        self._selector.unregister(screen.socket)
        screen.socket.close()
        screen.socket, screen.is_open = None, False
        if self._retry_s is not None:
            self._retries.append((time.monotonic() + self._retry_s, screen))


def main() -> None:
    """Listen as told on the command line."""
    host, port, count, *retry = sys.argv[1:]
    Room(host, int(port), int(count), float(retry[0]) if retry else None).run()


if __name__ == "__main__":
    main()
