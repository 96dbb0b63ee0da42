"""Half a minute of everything at once: what the other files try one by one, side by side."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from typing import TypeAlias

import pytest

import bounds
from hostile.attackers import GONE, Stranger, deflated, frame_bytes, take_breath
from hostile.siege import Siege, eventually, held_from
from serving import handshake

pytestmark = pytest.mark.measures

SIEGE_S = 26.0
NEVER_READ_MAX_S = 25.0
PATIENCE_S = 240.0  # a guard against hanging, no bound
ROUNDS_MIN = 3  # of each lane, or the siege was none
ROUND_BREATH_S = 1.0  # from round to round of a lane, where no times are measured
CROWD = 100
EACH = 5
BYTE_EVERY_S = 0.25
ANSWER_WAIT_S = 0.3
FLOOD_BYTES = 4 * 2**20  # what one attacker pours at most
PROTOCOL_ERROR, UNSUPPORTED, BAD_TEXT, POLICY, TOO_BIG = 1002, 1003, 1007, 1008, 1009

Lane: TypeAlias = Callable[[Siege], None]  # one round of it

BOMB = frame_bytes(0xC1, deflated(bytes(32 * 2**20)))
BAD_FRAMES: Mapping[bytes, int] = {
    frame_bytes(0x81, b"{}", is_masked=False): PROTOCOL_ERROR,
    frame_bytes(0xA1, b"{}"): PROTOCOL_ERROR,
    frame_bytes(0x83, b""): PROTOCOL_ERROR,
    frame_bytes(0x09, b""): PROTOCOL_ERROR,
    frame_bytes(0x80, b"of nothing"): PROTOCOL_ERROR,
    frame_bytes(0x81, b"\xc0\xaf"): BAD_TEXT,
    frame_bytes(0x82, b"binary"): UNSUPPORTED,
    frame_bytes(0x81, b"", length=2**30): TOO_BIG,
    frame_bytes(0x81, b"", length=2**63 - 1): TOO_BIG,
}
FLOODS: Mapping[bytes, int] = {
    frame_bytes(0x89, os.urandom(125)) * 1000: POLICY,
    frame_bytes(0x81, b'{"type":"ping"}') * 1000: POLICY,
    frame_bytes(0x81, b"[" * 60_000) * 10: POLICY,
    frame_bytes(0x81, b'{"type":"' + b"\\u0000" * 9_000 + b'"}') * 10: POLICY,
    frame_bytes(0x01, b"[") + frame_bytes(0x00, b"") * 1000: POLICY,
    frame_bytes(0x01, b"[") + frame_bytes(0x00, b" " * 1000) * 100: TOO_BIG,
    frame_bytes(0x81, b"", length=2**40) + bytes(2**20): TOO_BIG,
}


def come_and_go(siege: Siege) -> None:
    """Touch, ring and run, enter and vanish."""
    for _ in range(20):
        with Stranger(siege.port):
            pass
        with Stranger(siege.port) as stranger:
            stranger.send(handshake(siege.port))
        with Stranger(siege.port) as stranger:
            stranger.upgrade()


def come_in_a_crowd(siege: Siege) -> None:
    """Be many at once, hear a tick, and vanish at once."""
    with ExitStack() as stack:
        for number in range(CROWD):
            stranger = stack.enter_context(Stranger(siege.port))
            stranger.upgrade(is_deflated=number % 2 == 0)
        siege.pass_time(0.1)


def send_bad_frames(siege: Siege) -> None:
    for data, code in BAD_FRAMES.items():
        with Stranger(siege.port) as stranger:
            stranger.upgrade().pour(data)
            assert stranger.close_code() == code


def send_bombs(siege: Siege) -> None:
    with Stranger(siege.port) as stranger:
        stranger.upgrade(is_deflated=True).pour(BOMB)
        assert stranger.close_code() == TOO_BIG


def flood(siege: Siege) -> None:
    for data, code in FLOODS.items():
        with Stranger(siege.port) as stranger:
            stranger.upgrade()
            taken = 0
            while taken < FLOOD_BYTES and stranger.pour(data):
                taken += len(data)
            # Whoever is still sending may be reset before it has read the close frame.
            assert stranger.close_code() in {code, GONE}


def bad_requests(port: int) -> Iterator[bytes]:
    host = f"Host: 127.0.0.1:{port}\r\n"
    get = f"GET / HTTP/1.1\r\n{host}"
    for text in (
        "SSH-2.0-OpenSSH_9.9\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        f"{get}Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        f"{get}X : a\r\n\r\n",
        get + "X: y\r\n" * 20_000 + "\r\n",
        f"GET /{'../' * 12}etc/passwd HTTP/1.1\r\n{host}\r\n",
        f"GET /assets/{'%2e%2e%2f' * 12}etc/passwd HTTP/1.1\r\n{host}\r\n",
        f"GET /%0d%0aX-Forged:%20y HTTP/1.1\r\n{host}\r\n",
        f"GET /docs HTTP/1.1\r\n{host}\r\n" * 500,
    ):
        yield text.encode()
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
    yield os.urandom(500)
    yield handshake(port, "/ws/monitor", "Origin: http://evil.example")
    yield handshake(port, "/api/plcs")


def send_bad_requests(siege: Siege) -> None:
    for data in bad_requests(siege.port):
        with Stranger(siege.port) as stranger:
            stranger.pour(data)
            stranger.socket.settimeout(ANSWER_WAIT_S)
            with contextlib.suppress(TimeoutError):
                stranger.rest()
            assert not stranger.received.startswith(b"HTTP/1.1 5"), data[:200]
            assert b"root:" not in stranger.received


LANES: tuple[Lane, ...] = (
    come_and_go,
    come_in_a_crowd,
    send_bad_frames,
    send_bombs,
    flood,
    flood,
    send_bad_requests,
    send_bad_requests,
)


def over_and_over(siege: Siege, until_s: float, lane: Lane) -> tuple[str, int]:
    """Run rounds of `lane` until then; return its name and how many there were."""
    rounds = 0
    while time.monotonic() < until_s or rounds < ROUNDS_MIN:
        lane(siege)
        rounds += 1
        take_breath(ROUND_BREATH_S)
    return lane.__name__, rounds


def hang(siege: Siege, stack: ExitStack) -> tuple[list[Stranger], list[Stranger]]:
    """Let clients hang on the server; return all, and those that send a byte now and then."""
    asked = f"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1:{siege.port}\r\n\r\n".encode()
    healthy = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{siege.port}\r\n\r\n".encode()

    def stranger() -> Stranger:
        return stack.enter_context(Stranger(siege.port, is_tiny=True))

    strangers: list[Stranger] = []
    slow: list[Stranger] = []
    for _ in range(EACH):
        strangers += [stranger().upgrade(), stranger().upgrade(is_deflated=True), stranger()]
        strangers[-1].send(asked * 8)
        slow += [stranger(), stranger(), stranger()]
        slow[-2].send(b"GET / HTTP/1.1\r\nX: ")
        slow[-1].send(healthy)
        assert slow[-1].head().startswith("HTTP/1.1 200 ")
    return [*strangers, *slow], slow


def dribble(strangers: list[Stranger], is_over: threading.Event) -> None:
    """Send blank lines byte by byte, to those who will have them."""
    for byte in cycle(b"\r\n"):
        if is_over.wait(BYTE_EVERY_S):
            return
        for each in strangers:
            with contextlib.suppress(OSError):
                each.send(bytes([byte]))


@pytest.mark.timeout(600)
def test_half_a_minute_of_everything_at_once_disturbs_nobody(siege: Siege) -> None:
    is_over = threading.Event()
    with (
        siege.attack("everything at once"),
        ExitStack() as stack,
        ThreadPoolExecutor(len(LANES) + 1) as pool,
    ):
        until_s = time.monotonic() + SIEGE_S
        lanes = [pool.submit(over_and_over, siege, until_s, lane) for lane in LANES]
        began_s = time.monotonic()
        strangers, slow = hang(siege, stack)
        dribbling = pool.submit(dribble, slow, is_over)
        names = {each.name for each in strangers}

        def are_gone() -> bool:
            return not names & held_from(siege.server.pid, siege.port)

        try:
            assert eventually(are_gone, PATIENCE_S), "some still hang on"
            bounds.hold(time.monotonic() - began_s, NEVER_READ_MAX_S, "gone after (s)")
            rounds: Counter[str] = Counter()
            for lane in lanes:
                name, count = lane.result()
                rounds[name] += count
        finally:
            is_over.set()
        dribbling.result()
    print(f"\nrounds: {dict(rounds)}")
