"""No answer is taken for another one, whatever a network or a gateway repeats, shifts or loses.

3E answers carry no number. The port here is written for this test alone and knows nothing of
Lineside's codec; each word that it gives says which word it is and in which poll it was asked for.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections import defaultdict, deque
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import uvloop

from lineside.core.errors import DriverError
from lineside.core.model import Quality
from lineside.drivers.melsec.driver import MelsecDriver

from .conftest import Drivers, HandClock

POLLS = 10_000
SD203 = (0xA9, 203)
NAMES = {b"D*": 0xA8, b"SD": 0xA9, b"W*": 0xB4, b"M*": 0x90}
NAMES |= {b"TS": 0xC1, b"TC": 0xC0, b"CS": 0xC4, b"CC": 0xC3, b"SS": 0xC7, b"SC": 0xC6}
BITS = {0x90, 0xC1, 0xC0, 0xC4, 0xC3, 0xC7, 0xC6}
HEX = {0xB4}


def word_at(code: int, number: int, poll: int) -> int:
    """Return what the word holds in that poll; a bit device's word is named by its first bit."""
    word = zlib.crc32(struct.pack("<BIi", code, number, poll)) & 0xFFFF
    return word & 0xFFF0 if (code, number) == SD203 else word


def answer_to(request: bytes, poll: int) -> bytes:
    """Return the answer of a healthy port, in the coding of the request."""
    if request.startswith(b"5000"):
        command, body = request[22:26], request[30:]
        points = []
        if command == b"0401":
            points = [(*_ascii_point(body[:8]), int(body[8:12], 16))]
        else:
            count = int(body[:2], 16)
            points = [(*_ascii_point(body[4 + 8 * n : 12 + 8 * n]), 1) for n in range(count)]
        data = b"".join(b"%04X" % word for word in _words(points, poll))
        return b"D00000FF03FF00%04X0000" % (len(data) + 4) + data
    command, body = request[11:13], request[15:]
    if command == b"\x01\x04":
        points = [(*_binary_point(body[:4]), int.from_bytes(body[4:6], "little"))]
    else:
        points = [(*_binary_point(body[2 + 4 * n : 6 + 4 * n]), 1) for n in range(body[0])]
    data = b"".join(word.to_bytes(2, "little") for word in _words(points, poll))
    return bytes.fromhex("D00000FFFF0300") + struct.pack("<HH", len(data) + 2, 0) + data


def _ascii_point(text: bytes) -> tuple[int, int]:
    code = NAMES[text[:2]]
    return code, int(text[2:], 16 if code in HEX else 10)


def _binary_point(data: bytes) -> tuple[int, int]:
    return data[3], int.from_bytes(data[:3], "little")


def _words(points: list[tuple[int, int, int]], poll: int) -> list[int]:
    return [
        word_at(code, number + i * (16 if code in BITS else 1), poll)
        for code, number, count in points
        for i in range(count)
    ]


class Line:
    """What lies between one client and the port: it repeats, shifts, delays and loses."""

    def __init__(self, random: Random, send: Callable[[bytes], None]) -> None:
        self._random = random
        self._send = send
        self._before: dict[int, list[bytes]] = defaultdict(list)  # by the count of requests
        self._after: dict[int, list[bytes]] = defaultdict(list)
        self._said: deque[bytes] = deque(maxlen=12)
        self._is_shifted = False
        self._count = 0

    def pass_on(self, answer: bytes) -> None:
        random, self._count = self._random, self._count + 1
        for held in self._before.pop(self._count, ()):
            self._send(held)
        kind = random.choices(
            ("well", "twice", "again before", "again after", "old", "shift", "late", "lost"),
            (80, 4, 5, 4, 3, 1, 0.5, 0.5),
        )[0]
        later = self._count + random.randint(1, 15)
        if kind == "shift":
            self._is_shifted = True
        if self._is_shifted and self._said:
            answer, now = self._said[-1], answer
            self._said.append(now)
        else:
            self._said.append(answer)
        if kind == "old":
            self._send(random.choice(self._said))
        elif kind == "again before":
            self._before[later].append(answer)
        elif kind == "again after":
            self._after[later].append(answer)
        elif kind == "late":
            self._before[self._count + 1].append(answer)
            return
        elif kind == "lost":
            return
        self._send(answer)
        if kind == "twice":
            self._send(answer)
        for held in self._after.pop(self._count, ()):
            self._send(held)


class Port:
    """The port, on TCP or UDP."""

    def __init__(self, seed: int) -> None:
        self.poll = 0
        self.port = 0
        self._random = Random(seed)
        self._lines: dict[Any, Line] = {}
        self._close: Callable[[], None] = lambda: None

    async def listen(self, transport: str) -> None:
        loop = asyncio.get_running_loop()
        if transport == "udp":
            datagrams, _ = await loop.create_datagram_endpoint(
                lambda: _UdpSide(self), local_addr=("127.0.0.1", 0)
            )
            self.port, self._close = datagrams.get_extra_info("sockname")[1], datagrams.close
        else:
            server = await loop.create_server(lambda: _TcpSide(self), "127.0.0.1", 0)
            self.port, self._close = server.sockets[0].getsockname()[1], server.close

    def close(self) -> None:
        self._close()

    def hear(self, client: Any, request: bytes, send: Callable[[bytes], None]) -> None:
        line = self._lines.get(client)
        if line is None:
            line = self._lines[client] = Line(self._random, send)
        line.pass_on(answer_to(request, self.poll))


class _UdpSide(asyncio.DatagramProtocol):
    def __init__(self, port: Port) -> None:
        self._port = port

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._port.hear(addr, data, lambda answer: self._transport.sendto(answer, addr))


class _TcpSide(asyncio.Protocol):
    def __init__(self, port: Port) -> None:
        self._port = port

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:  # a request is one small segment on loopback
        self._port.hear(self, data, self._transport.write)


CONTACTS = {"TS0": 0xC1, "CS0": 0xC4}  # each needs a request of its own
ONE_REQUEST = {"D100:U16": 0xA8, "W1F:U16": 0xB4}
MANY = CONTACTS | ONE_REQUEST | {"TC0": 0xC0, "CC0": 0xC3, "SS0": 0xC7, "SC0": 0xC6, "M0": 0x90}


def held(tags: dict[str, int], poll: int) -> dict[str, int]:
    """Return what each tag is in that poll."""
    numbers = {"D100:U16": 100, "W1F:U16": 0x1F}
    return {
        text: word_at(code, numbers.get(text, 0), poll) & (1 if code in BITS else 0xFFFF)
        for text, code in tags.items()
    }


async def count_polls(transport: str, code: str, polls: int, seed: int) -> tuple[int, int]:
    """Return how many polls gave what is held, and how many gave anything else."""
    right = wrong = 0
    clock = HandClock()
    for part, tags in enumerate((CONTACTS, ONE_REQUEST, MANY)):
        port = Port(seed + part)
        await port.listen(transport)
        config = Drivers(clock).plc(port.port, transport=transport, code=code)
        driver = MelsecDriver(config.model_copy(update={"timeout": 0.02}), list(tags), clock)
        is_open = False
        for _ in range(polls // 3 + 1):
            port.poll += 1
            clock.now_s += 1.0  # nothing here waits for real
            try:
                if not is_open:
                    await driver.open()
                    is_open = True
                reading = await driver.read()
            except DriverError:
                is_open = False
                continue
            expected = held(tags, port.poll)
            for text, tag in reading.tags.items():
                assert tag.quality is Quality.GOOD, tag.reason
                wrong += tag.value != expected[text]
            right += 1
        await driver.close()
        port.close()
        await asyncio.sleep(0)
    return right, wrong


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("code", ["binary", "ascii"])
def test_whatever_is_repeated_shifted_delayed_or_lost_no_value_is_wrong(
    loop: Callable[[], asyncio.AbstractEventLoop], transport: str, code: str
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        right, wrong = runner.run(count_polls(transport, code, POLLS // 8, seed=1))

    assert wrong == 0
    assert right > POLLS // 8 // 20
