"""Runs the load client against one server and reads that server's clocks at the right moments."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from bench.fanout.stacks import Running, Stack, StackError
from bench.machine import process_cpu_s, resident_bytes

WATCHERS = 50  # clients that are connected already while the others come
_WATCHER_TICKS = 8


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one server did for N clients. `missed` counts against one message a second each."""

    stack: str
    clients: int
    seconds: int
    connect_s: float
    accept_us: float  # CPU per connection
    bytes_per_client: float  # of the server's memory
    messages: int
    missed: int
    duplicates: int
    message_bytes: float
    cpu_s: float  # in the whole window
    p50_ms: float
    p99_ms: float
    last_ms: tuple[float, ...]  # tick to last client, for each tick that all have heard
    periods_s: tuple[float, ...]
    watchers: dict[str, float] | None = None  # what those connected already saw meanwhile
    gc_pause_ms: float | None = None

    @property
    def cpu_us_per_message(self) -> float:
        """The server's CPU for each message delivered."""
        return self.cpu_s / max(1, self.messages) * 1e6


def measure(
    load: Path, stack: Stack, running: Running, clients: int, seconds: int, has_watchers: bool
) -> Round:
    """Connect `clients` clients, listen for `seconds` ticks, and return what was seen.

    Raises:
        StackError: not all clients could be connected, or the load client failed.
    """
    memory_before, cpu_before = _memory_bytes(running.pid), _cpu_s(running.pid)
    with _load(load, stack, running, clients, seconds) as said:
        connected = _next(said, "connected")
        accept_s = _cpu_s(running.pid) - cpu_before
        _next(said, "begin")
        cpu_begin = _cpu_s(running.pid)
        memory_after = _memory_bytes(running.pid)
        _next(said, "end")
        cpu_s = _cpu_s(running.pid) - cpu_begin
        result = _next(said, "result")
    if connected["gone"] or result["unreadable"]:
        raise StackError(f"{connected['gone']} clients lost, {result['unreadable']} bad messages")
    whole = [tick for tick in result["ticks"] if tick[1] == clients]
    stamps = [tick[0] for tick in result["ticks"]]
    return Round(
        stack=stack.name,
        clients=clients,
        seconds=seconds,
        connect_s=connected["seconds"],
        accept_us=accept_s / clients * 1e6,
        bytes_per_client=(memory_after - memory_before) / clients,
        messages=result["messages"],
        missed=clients * seconds - result["messages"],
        duplicates=result["duplicates"],
        message_bytes=result["bytes"] / max(1, result["messages"]),
        cpu_s=cpu_s,
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        last_ms=tuple(tick[3] for tick in whole),
        periods_s=tuple((b - a) / 1000 for a, b in pairwise(stamps)),
        watchers=_watch(load, stack, running, clients) if has_watchers else None,
        gc_pause_ms=_longest_gc_pause_ms(running) if stack.name.startswith("lineside") else None,
    )


def _watch(load: Path, stack: Stack, running: Running, clients: int) -> dict[str, float]:
    """Let `WATCHERS` clients listen while `clients` others connect all over again."""
    with _load(load, stack, running, WATCHERS, _WATCHER_TICKS) as watching:
        _next(watching, "connected")
        _next(watching, "begin")
        with _load(load, stack, running, clients, 1) as coming:
            connect_s = _next(coming, "connected")["seconds"]
            _next(watching, "end")
            result = _next(watching, "result")
    return {
        "missed": WATCHERS * _WATCHER_TICKS - result["messages"],
        "p99_ms": result["p99_ms"],
        "max_ms": result["max_ms"],
        "connect_s": connect_s,
    }


@contextmanager
def _load(
    load: Path, stack: Stack, running: Running, clients: int, seconds: int
) -> Iterator[Iterator[str]]:
    words = [load, running.port, clients, seconds, stack.path, stack.mode]
    with subprocess.Popen(  # noqa: S603
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield iter(process.stdout)
        except StackError as error:
            process.kill()
            raise StackError(f"{error}: {process.stderr.read().strip()}") from error
        finally:
            process.kill()


def _next(said: Iterator[str], word: str) -> dict[str, Any]:
    line = next(said, "")
    if not line.startswith(word):
        raise StackError(f"the load client ended before {word!r}")
    text = line.removeprefix(word).strip()
    result: dict[str, Any] = json.loads(text) if text else {}
    return result


def _processes(pid: int) -> Sequence[int]:
    """Return a process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(each for child in children for each in _processes(int(child)))]


def _cpu_s(pid: int) -> float:
    return sum(process_cpu_s(each) for each in _processes(pid))


def _memory_bytes(pid: int) -> int:
    return sum(resident_bytes(each) for each in _processes(pid))


def _longest_gc_pause_ms(running: Running) -> float:
    address = f"http://127.0.0.1:{running.port}/metrics"
    with urllib.request.urlopen(address) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("lineside_gc_pause_longest_seconds "):
                return float(line.split()[1]) * 1000
    raise StackError("the server does not say how long the collector paused")
