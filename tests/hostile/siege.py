"""A real server, fifty well-behaved screens that listen throughout, and a watch over the server."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

import bounds
from hostile.listeners import Delivery, Listeners, assert_undisturbed
from processes import Server

SCREENS = 50
SAMPLE_S = 0.05
MEMORY_GROWTH_MAX_BYTES = 64 * 2**20  # while it lasts
MEMORY_LEFT_MAX_BYTES = 16 * 2**20  # when it is over, on any machine: the allocator gives back late
MEMORY_KEPT_MAX_BYTES = 4 * 2**20  # where bounds are held
MEMORY_KEPT_IN_ALL_MAX_BYTES = 5 * 2**20  # after all attacks on one server, so that none adds up
DESCRIPTORS_MAX = 1_200  # 500 strangers, fifty screens, three PLCs, and room
COME_BACK_TIMEOUT_S = 60.0  # a guard against hanging, no bound


def eventually(is_true: Callable[[], bool], timeout_s: float = COME_BACK_TIMEOUT_S) -> bool:
    """Return whether `is_true()` became so in time; asked often, since nothing tells of it."""
    patience = threading.Event()
    deadline_s = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > deadline_s:
            return False
        patience.wait(SAMPLE_S)
    return True


def descriptors(pid: int) -> int:
    """Return how many files and sockets a process holds."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def memory_bytes(pid: int) -> int:
    """Return the memory that a process occupies (RSS)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def held_from(pid: int, port: int) -> set[tuple[str, int]]:
    """Return the far ends of the connections to `port` that the process `pid` holds.

    The kernel names no inode of a connection that no process holds, or holds any more. Quick,
    since it is asked often while others measure.
    """
    own_end = f":{port:04X} "
    ends = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        if own_end not in line:
            continue
        words = line.split()
        if f"{words[1]} ".endswith(own_end) and words[9] != "0":
            address, far_port = words[2].split(":")
            octets = bytes.fromhex(address)[::-1]
            ends.add((".".join(map(str, octets)), int(far_port, 16)))
    return ends - {("0.0.0.0", 0)}


@dataclass
class Watch:
    """The most that a process has used while it was watched."""

    pid: int
    memory_most_bytes: int = 0
    descriptors_most: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self.memory_most_bytes = max(self.memory_most_bytes, memory_bytes(self.pid))
            self.descriptors_most = max(self.descriptors_most, descriptors(self.pid))


class Siege:
    """What a test holds: the server, and the fifty."""

    def __init__(self, server: Server, screens: Listeners) -> None:
        self.server = server
        self.screens = screens
        self.watch: Watch | None = None
        self.descriptors_before = descriptors(server.pid)
        self.memory_before_bytes = memory_bytes(server.pid)

    @property
    def port(self) -> int:
        return self.server.port

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and return when all fifty have heard the tick after it."""
        self.screens.listen(seconds)

    @contextlib.contextmanager
    def attack(self, name: str) -> Iterator[None]:
        """Assert that what happens within disturbs none of the fifty and leaves nothing behind."""
        before = descriptors(self.server.pid)
        memory_before_bytes = memory_bytes(self.server.pid)
        started_unix_s = time.time()
        with Watch(self.server.pid) as watch:
            yield
            ended_unix_s = time.time()
            heard = self.screens.report(ended_unix_s)
        result = assert_undisturbed(heard, started_unix_s, ended_unix_s)
        self._assert_bounded(watch, before, memory_before_bytes)
        self._say(name, result, watch, memory_before_bytes)

    def _assert_bounded(self, watch: Watch, before: int, memory_before_bytes: int) -> None:
        pid = self.server.pid
        grown = watch.memory_most_bytes - memory_before_bytes
        assert grown <= MEMORY_GROWTH_MAX_BYTES, f"memory grew by {grown / 2**20:.0f} MiB"
        assert watch.descriptors_most <= DESCRIPTORS_MAX, f"{watch.descriptors_most} descriptors"
        assert eventually(lambda: descriptors(pid) <= before), (
            f"{descriptors(pid)} descriptors are open, {before} were"
        )
        for before_bytes, most, words in (
            (memory_before_bytes, MEMORY_KEPT_MAX_BYTES, "kept (MiB)"),
            (self.memory_before_bytes, MEMORY_KEPT_IN_ALL_MAX_BYTES, "kept in all (MiB)"),
        ):
            hold_memory_kept(pid, before_bytes, most, words)

    def _say(self, name: str, result: Delivery, watch: Watch, memory_before_bytes: int) -> None:
        """Print the figures; pytest shows them where it is asked to (-s)."""
        now = memory_bytes(self.server.pid)
        grown, kept = watch.memory_most_bytes - memory_before_bytes, now - memory_before_bytes
        print(
            f"\n{name}: {result}; memory {grown / 2**20:+.1f} MiB at most, "
            f"{kept / 2**20:+.1f} MiB afterwards, "
            f"{(now - self.memory_before_bytes) / 2**20:+.1f} MiB since the start; "
            f"{watch.descriptors_most} descriptors at most"
        )


def build_documents(server: Server) -> None:
    """Ask once for all that is made when it is first asked for, and then kept.

    The libraries of the history are loaded when the board is up already, and then they stay.
    """
    assert eventually(lambda: _keeps_history(server)), "the history was not opened"
    for path in (
        *("/", "/openapi.json", "/asyncapi.json", "/docs", "/metrics", "/api/equipment"),
        *("/api/alarms", "/api/plcs"),
    ):
        httpx.get(server.address + path, timeout=60).raise_for_status()


def _keeps_history(server: Server) -> bool:
    health = httpx.get(f"{server.address}/api/history/health", timeout=60).json()
    return not health["is_enabled"] or (health["written"] > 0 and not health["queued"])


def hold_memory_kept(pid: int, before_bytes: int, below_bytes: int, what: str) -> None:
    """Wait until a process has given back what it took, and hold it to a bound."""

    def kept_bytes() -> int:
        return memory_bytes(pid) - before_bytes

    most = below_bytes if bounds.are_held else MEMORY_LEFT_MAX_BYTES
    assert eventually(lambda: kept_bytes() < most), f"{kept_bytes() / 2**20:.1f} {what}"
    bounds.hold(kept_bytes() / 2**20, below_bytes / 2**20, what)


@contextlib.contextmanager
def besieged(*words: str, plant: str = "--demo", **surroundings: Any) -> Iterator[Siege]:
    """Run a server and the fifty screens.

    Args:
        words: more for the command line.
        plant: the option that names one. A demo has no past here, which would be written meanwhile.
        surroundings: of the process, as `processes.Server` takes them.
    """
    with contextlib.ExitStack() as stack:
        more = ["--no-past"] if plant == "--demo" else []
        server = stack.enter_context(Server(plant, *words, *more, **surroundings))
        build_documents(server)
        yield Siege(server, stack.enter_context(Listeners(server.port, SCREENS)))
