"""Clients that hang: they never read, never finish, or are no longer there. All at the same time.

The waits are long and nothing is computed, so the attacks run side by side against one server; each
test waits for its own.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import TypeAlias

import pytest

import bounds
from hostile.attackers import Stranger
from hostile.cable import Cable, why_not
from hostile.listeners import Listeners, assert_undisturbed
from hostile.siege import (
    MEMORY_GROWTH_MAX_BYTES,
    MEMORY_KEPT_MAX_BYTES,
    Siege,
    Watch,
    besieged,
    descriptors,
    eventually,
    held_from,
    hold_memory_kept,
)
from serving import handshake

pytestmark = pytest.mark.measures

NEVER_READ_MAX_S = 25.0
HANDSHAKE_MAX_S = 10.0
HALF_OPEN_MAX_S = 30.0
PATIENCE_S = 240.0  # a guard against hanging, no bound
EACH = 10
ASKED_AT_ONCE = 8
BYTE_EVERY_S = 0.25

Seconds: TypeAlias = list[float]
Names: TypeAlias = dict[tuple[str, int], float]  # far ends of connections, and a time for each


class Ordeal:
    """The attacks on one server, each in a thread of its own."""

    def __init__(self, siege: Siege, attacks: Mapping[str, Callable[[Siege], Seconds]]) -> None:
        self.siege = siege
        self._pool = ThreadPoolExecutor(len(attacks))
        self._running: dict[str, Future[Seconds]] = {
            name: self._pool.submit(self._attack, name, attack) for name, attack in attacks.items()
        }

    def _attack(self, name: str, attack: Callable[[Siege], Seconds]) -> Seconds:
        """Attack; assert that the fifty noticed nothing; return when each attacker was gone."""
        started_unix_s = time.time()
        gone_after_s = attack(self.siege)
        ended_unix_s = time.time()
        heard = self.siege.screens.report(ended_unix_s)
        result = assert_undisturbed(heard, started_unix_s, ended_unix_s)
        print(
            f"\n{name}: gone after {min(gone_after_s):.1f} to {max(gone_after_s):.1f} s; {result}"
        )
        return gone_after_s

    def gone_after_s(self, name: str) -> Seconds:
        """Return after how many seconds the server had let go of each attacker."""
        return self._running[name].result()

    def end(self) -> None:
        """Wait for every attack."""
        self._pool.shutdown()


@pytest.fixture(scope="module")
def ordeal() -> Iterator[Ordeal]:
    attacks: dict[str, Callable[[Siege], Seconds]] = {
        "never reads": never_reads,
        "never reads, compressed": never_reads_compressed,
        "asks and never reads": asks_and_never_reads,
        "slow handshakes": slow_handshakes,
    }
    if not why_not():
        attacks["cable pulled"] = cable_pulled
    with besieged("--host", "0.0.0.0") as siege, Watch(siege.server.pid) as watch:
        siege.watch = watch
        running = Ordeal(siege, attacks)
        yield running
        running.end()


def seen(siege: Siege, strangers: Sequence[Stranger]) -> Names:
    """Return the names of `strangers`, all of which the server holds, and since when."""
    names = dict.fromkeys((each.name for each in strangers), time.monotonic())
    assert names
    assert eventually(lambda: names.keys() <= held_from(siege.server.pid, siege.port))
    return names


def until_gone(siege: Siege, since_s: Names) -> Seconds:
    """Wait until the server holds none of these; return after how long each had gone."""
    gone_s: Names = {}

    def are_all_gone() -> bool:
        held = held_from(siege.server.pid, siege.port)
        gone_s.update(dict.fromkeys(since_s.keys() - held - gone_s.keys(), time.monotonic()))
        return len(gone_s) == len(since_s)

    eventually(are_all_gone, PATIENCE_S)
    return [gone_s.get(name, math.inf) - since_s[name] for name in since_s]


def never_reads(siege: Siege, *, is_deflated: bool = False) -> Seconds:
    with ExitStack() as stack:
        strangers = [
            stack.enter_context(Stranger(siege.port, is_tiny=True)).upgrade(is_deflated=is_deflated)
            for _ in range(EACH)
        ]
        return until_gone(siege, seen(siege, strangers))


def never_reads_compressed(siege: Siege) -> Seconds:
    return never_reads(siege, is_deflated=True)


def asks_and_never_reads(siege: Siege) -> Seconds:
    """Ask for the largest document over and over, and read none of it."""
    request = f"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1:{siege.port}\r\n\r\n".encode()
    with ExitStack() as stack:
        strangers = [stack.enter_context(Stranger(siege.port, is_tiny=True)) for _ in range(EACH)]
        since_s = seen(siege, strangers)
        for each in strangers:
            each.send(request * ASKED_AT_ONCE)
        return until_gone(siege, since_s)


def unfinished_requests(port: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is sent at once, and what is sent byte by byte."""
    host = f"Host: 127.0.0.1:{port}\r\n".encode()
    post = b"POST / HTTP/1.1\r\n" + host
    yield b"", b""
    yield b"", handshake(port)
    yield b"", b"GET /" + b"x" * 1000
    yield b"", b"\r\n" * 500
    yield b"GET / HTTP/1.1\r\n", b"x" * 1000
    yield b"GET / HTTP/1.1\r\n", b"X-More: 1\r\n" * 100
    yield post + b"Content-Length: 1000\r\n\r\n", b"x" * 1000
    yield post + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 200


def unfinished_second_requests(port: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is answered, and what is sent byte by byte on the connection that is kept."""
    host = f"Host: 127.0.0.1:{port}\r\n".encode()
    whole = b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n"
    yield whole, handshake(port)
    yield whole, b"\n"
    yield whole, b"\r\n" * 500
    yield b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 1\r\n\r\n", b"x"


def slow_handshakes(siege: Siege) -> Seconds:
    """Send one byte every quarter of a second, of requests that are never whole."""
    is_over = threading.Event()
    first = list(unfinished_requests(siege.port))
    with ExitStack() as stack:
        slow: list[tuple[Stranger, Iterator[int]]] = []
        since_s: Names = {}
        for at_once, slowly in [*first, *unfinished_second_requests(siege.port)]:
            strangers = [stack.enter_context(Stranger(siege.port)) for _ in range(EACH)]
            since_s |= seen(siege, strangers)
            for stranger in strangers:
                stranger.send(at_once)
                slow.append((stranger, iter(slowly)))
        used = [stranger for stranger, _ in slow[EACH * len(first) :]]
        for stranger in used:
            assert stranger.head().startswith("HTTP/1.1 ")

        def send_a_byte_each() -> None:
            for stranger, rest in slow:
                with contextlib.suppress(OSError):
                    stranger.send(bytes(islice(rest, 1)))

        def dribble() -> None:
            while not is_over.wait(BYTE_EVERY_S):
                send_a_byte_each()

        # Those have been of use: their time runs from the first byte of a second request.
        send_a_byte_each()
        since_s |= dict.fromkeys((stranger.name for stranger in used), time.monotonic())
        thread = threading.Thread(target=dribble)
        thread.start()
        try:
            return until_gone(siege, since_s)
        finally:
            is_over.set()
            thread.join()


def cable_pulled(siege: Siege) -> Seconds:
    with (
        Cable() as cable,
        Listeners(siege.port, EACH, host=cable.here, words=cable.words),
    ):
        held = held_from(siege.server.pid, siege.port)
        since_s = {name: time.monotonic() for name in held if name[0] == cable.there}
        assert len(since_s) == EACH
        cable.pull()
        return until_gone(siege, since_s)


def assert_gone(ordeal: Ordeal, name: str, within_s: float) -> None:
    """Assert that the server has let go of every one of these attackers, by itself."""
    gone_after_s = max(ordeal.gone_after_s(name))
    assert math.isfinite(gone_after_s), f"{name}: some still hang on"
    bounds.hold(gone_after_s, within_s, f"{name}: gone after (s)")


def test_a_client_that_never_reads_is_gone_in_25_s(ordeal: Ordeal) -> None:
    assert_gone(ordeal, "never reads", NEVER_READ_MAX_S)


def test_a_client_that_never_reads_compressed_ticks_is_gone_in_25_s(ordeal: Ordeal) -> None:
    assert_gone(ordeal, "never reads, compressed", NEVER_READ_MAX_S)


def test_a_client_that_asks_and_never_reads_is_gone_in_25_s(ordeal: Ordeal) -> None:
    assert_gone(ordeal, "asks and never reads", NEVER_READ_MAX_S)


def test_a_request_byte_by_byte_is_dropped_in_10_s(ordeal: Ordeal) -> None:
    assert_gone(ordeal, "slow handshakes", HANDSHAKE_MAX_S)


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "can run")
def test_a_client_whose_cable_is_pulled_is_gone_in_30_s(ordeal: Ordeal) -> None:
    assert_gone(ordeal, "cable pulled", HALF_OPEN_MAX_S)


def test_nothing_of_them_stays(ordeal: Ordeal) -> None:
    ordeal.end()
    siege = ordeal.siege
    pid = siege.server.pid
    assert eventually(lambda: descriptors(pid) <= siege.descriptors_before)
    watch = siege.watch
    assert watch is not None
    grown = watch.memory_most_bytes - siege.memory_before_bytes
    assert grown <= MEMORY_GROWTH_MAX_BYTES
    print(f"\nmemory {grown / 2**20:+.1f} MiB, {watch.descriptors_most} descriptors at most")
    hold_memory_kept(pid, siege.memory_before_bytes, MEMORY_KEPT_MAX_BYTES, "kept (MiB)")
