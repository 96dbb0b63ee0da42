"""The well-behaved screens, as a test holds them: what they heard, and whether that was all."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

import bounds

PROGRAM = Path(__file__).with_name("listening.py")
DELIVERY_P99_MAX_S = 0.1
EARLY_MAX_S = 0.02  # by which the grid of the ticks may be ahead of the wall clock's seconds


class Tick(msgspec.Struct, frozen=True, array_like=True):
    """One tick at one screen: its own timestamp, and when it was there on both clocks."""

    stamped_unix_s: float
    heard_unix_s: float
    heard_s: float

    @property
    def second(self) -> int:
        """The whole second that the tick belongs to: the last one that had come when it ran.

        Never the nearest one: a tick that ran 0.6 s late is late, and not early for the next.
        """
        return math.floor(self.stamped_unix_s + EARLY_MAX_S)

    @property
    def delay_s(self) -> float:
        """How long after its second the tick was there, be it that it ran late or was under way."""
        return self.heard_unix_s - self.second


class Heard(msgspec.Struct, frozen=True):
    """Everything that one screen has heard since it began."""

    ticks: list[Tick]
    opened_s: list[float]
    closed: list[tuple[float, int]]
    last_status: str
    is_open: bool

    def between(self, since_unix_s: float, until_unix_s: float) -> list[Tick]:
        """Return the ticks of that time, with the one before and the one after it."""
        before = [each for each in self.ticks if each.heard_unix_s <= since_unix_s][-1:]
        within = [each for each in self.ticks if since_unix_s < each.heard_unix_s <= until_unix_s]
        after = [each for each in self.ticks if each.heard_unix_s > until_unix_s][:1]
        return [*before, *within, *after]


@dataclass(frozen=True)
class Delivery:
    """How the ticks of one stretch of time arrived at all screens."""

    lost: Mapping[float, int]  # by the tick's stamp: how many screens did not hear what others did
    disordered_count: int  # ticks that were stamped no later than the one before them
    missed: Mapping[int, int]  # by the second: how many screens heard no tick of it
    repeated_count: int  # ticks of a second of which there was one already
    tick_count: int
    delays_s: Sequence[float]

    def percentile_s(self, share: float) -> float:
        """Return the delay that `share` of the deliveries did not exceed."""
        ordered = sorted(self.delays_s)
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    def __str__(self) -> str:
        return (
            f"{len(self.delays_s)} deliveries of {self.tick_count} ticks, "
            f"lost: {dict(self.lost) or 'none'}, missed: {dict(self.missed) or 'none'}, "
            f"p50 {self.percentile_s(0.5) * 1000:.1f} ms, "
            f"p99 {self.percentile_s(0.99) * 1000:.1f} ms, max {max(self.delays_s) * 1000:.1f} ms"
        )


class Listeners:
    """Screens in a process of their own."""

    def __init__(
        self,
        port: int,
        count: int,
        *,
        host: str = "127.0.0.1",
        retry_s: float | None = None,
        words: Sequence[str] = (),
    ) -> None:
        """Describe screens; `with` starts them and waits until each has heard a tick.

        Args:
            port: of the server.
            count: how many screens; every other one takes compressed ticks.
            host: of the server.
            retry_s: after how long a screen that has lost its connection connects again.
            words: what to put before the command, to run it somewhere else.
        """
        self.count = count
        self.words = [*words, sys.executable, str(PROGRAM), host, str(port), str(count)]
        if retry_s is not None:
            self.words.append(str(retry_s))
        self._asking = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Listeners:
        self._process = subprocess.Popen(
            self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            heard = self.report()
            silent = sum(1 for each in heard if not each.ticks)
            assert not silent, f"{silent} of {self.count} screens heard nothing"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)
        process.stdout.close()

    def report(self, until_unix_s: float | None = None) -> list[Heard]:
        """Return what each screen has heard, once all have heard a tick later than that time."""
        return self._ask(f"report {until_unix_s or time.time()}")

    def ended(self) -> list[Heard]:
        """Return what each screen has heard, once the server has ended every connection."""
        return self._ask("ended")

    def _ask(self, order: str) -> list[Heard]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asking:
            self._process.stdin.write(order + "\n")
            self._process.stdin.flush()
            return msgspec.json.decode(self._process.stdout.readline(), type=list[Heard])

    def listen(self, seconds: float) -> None:
        """Let time pass, and return when everybody has heard the tick after it."""
        self.report(time.time() + seconds)


def delivery(heard: Sequence[Heard], since_unix_s: float, until_unix_s: float) -> Delivery:
    """Return how ticks arrived in that time.

    What a screen lost shows beside the others: a tick is the same for all, stamp included. Ticks
    sit on whole seconds, so that a second without one shows too; but whether the server missed it
    or the machine was busy, no screen can tell.
    """
    published = {tick.stamped_unix_s for each in heard for tick in each.ticks}
    missed: Counter[int] = Counter()
    lost: Counter[float] = Counter()
    disordered = repeated = most = 0
    delays_s: list[float] = []
    for each in heard:
        ticks = each.between(since_unix_s, until_unix_s)
        assert ticks, "a screen heard nothing at all"
        stamps = [tick.stamped_unix_s for tick in ticks]
        disordered += sum(1 for before, after in pairwise(stamps) if after <= before)
        lost.update({at for at in published if stamps[0] < at < stamps[-1]} - set(stamps))
        seconds = [tick.second for tick in ticks]
        steps = [after - before for before, after in pairwise(seconds)]
        missed.update(set(range(seconds[0], seconds[-1])) - set(seconds))
        repeated += sum(1 for step in steps if step < 1)
        if ticks[-1].heard_unix_s <= until_unix_s:
            missed[seconds[-1] + 1] += 1  # the one that everybody was waited for
        delays_s += [tick.delay_s for tick in ticks]
        most = max(most, len(ticks))
    return Delivery(lost, disordered, missed, repeated, most, delays_s)


@contextlib.contextmanager
def undisturbed(screens: Listeners) -> Iterator[None]:
    """Assert that whatever happens within costs no screen a tick and makes none late."""
    started_unix_s = time.time()
    yield
    ended_unix_s = time.time()
    assert_undisturbed(screens.report(ended_unix_s), started_unix_s, ended_unix_s)


def assert_undisturbed(
    heard: Sequence[Heard], since_unix_s: float, until_unix_s: float
) -> Delivery:
    """Assert that no screen was closed or lost a tick in that time, and that each came once.

    That every second had its tick, and that ticks came in time, is held where bounds are.
    """
    result = delivery(heard, since_unix_s, until_unix_s)
    closed: list[Any] = [code for each in heard for _, code in each.closed]
    assert not closed, f"well-behaved screens were closed: {closed}"
    assert all(each.ticks[-1].heard_unix_s > until_unix_s for each in heard), "ticks have ended"
    assert not result.lost, str(result)
    assert result.disordered_count == 0, str(result)
    bounds.hold(len(result.missed), 1, "seconds without a tick")
    bounds.hold(result.repeated_count, 1, "ticks of one second")
    bounds.hold(result.percentile_s(0.99), DELIVERY_P99_MAX_S, "delivery p99 (s)")
    return result
