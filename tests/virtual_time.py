"""An event loop on virtual time: it never waits, its clock jumps to the next timer.

For tests of what happens over minutes and hours. It has no selector and asks the system for
nothing: everything that runs on it must be driven by timers and futures alone. What is due at the
same moment runs in the order in which it was scheduled, so that a run repeats to the bit.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, Unpack

import pytest

from lineside.core.model import Instant

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START_UNIX_S = 1_762_165_845.25  # 2025-11-03T10:30:45.250Z: not on a whole second, on purpose
STEPS_AT_ONE_MOMENT_MAX = 1_000_000  # more than that, and time will never go on


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """An asyncio loop whose `time()` is virtual. `wall_step_s` steps the wall clock only."""

    def __init__(self) -> None:
        super().__init__()
        self.wall_step_s = 0.0
        self._now_s = 0.0
        self._due: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_count = 0
        self._is_stopping = False

    def time(self) -> float:
        return self._now_s

    def clock(self) -> Instant:
        now_s = self._now_s
        return Instant(unix_s=START_UNIX_S + now_s + self.wall_step_s, monotonic_s=now_s)

    def spend(self, seconds: float) -> None:
        """Let time pass while nothing runs, as when the process is frozen."""
        self._now_s += seconds

    def live_timers(self) -> list[asyncio.TimerHandle]:
        """Return the timers that are still to fire, the next one first."""
        return [timer for _, _, timer in sorted(self._timers) if not timer.cancelled()]

    # What asyncio asks of a loop. Tasks, futures and `run_until_complete` are BaseEventLoop's.

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._due.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self.schedule(timer)
        return timer

    def schedule(self, timer: asyncio.TimerHandle) -> None:
        """Let `timer` fire when its time has come; of its peers the first scheduled is first."""
        self._timer_count += 1
        heapq.heappush(self._timers, (timer.when(), self._timer_count, timer))

    def stop(self) -> None:
        self._is_stopping = True

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave a cancelled timer where it is: it is passed over when its time has come."""

    def run_forever(self) -> None:
        if self.is_closed() or self.is_running():
            raise RuntimeError("this loop is closed or runs already")
        asyncio._set_running_loop(self)
        try:
            self._run()
        finally:
            self._is_stopping = False
            asyncio._set_running_loop(None)

    def _run(self) -> None:
        due = self._due
        steps = 0
        while not self._is_stopping:
            if not due:
                self._await_timers()
                steps = 0
            handle = due.popleft()
            if not handle.cancelled():
                handle._run()
            steps += 1
            if steps > STEPS_AT_ONE_MOMENT_MAX:
                raise RuntimeError(f"livelock: time stands at {self._now_s} s, {handle!r}")

    def _await_timers(self) -> None:
        """Jump to the next timer, and make all that are due then ready to run."""
        timers, due = self._timers, self._due
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise RuntimeError("deadlock: nothing is scheduled and nothing can ever happen")
        if timers[0][0] > self._now_s:
            self._now_s = timers[0][0]
        while timers and timers[0][0] <= self._now_s:
            due.append(heapq.heappop(timers)[2])


def run_beside(
    running: Coroutine[Any, Any, None], script: Coroutine[Any, Any, None], loop: VirtualTimeLoop
) -> None:
    """Run `running`, which never ends by itself, while `script` plays; then cancel it."""

    async def main() -> None:
        task = asyncio.create_task(running)
        await script
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtually(main(), loop)


def run_virtually(main: Coroutine[Any, Any, T], loop: VirtualTimeLoop) -> T:
    """Run `main` to its end on `loop` and close the loop."""
    try:
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
