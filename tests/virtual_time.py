"""An event loop on virtual time: it never waits, its clock jumps to the next timer.

For tests of what happens over minutes and hours. No sockets: everything that runs on it must be
driven by timers and futures alone.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from lineside.core.model import Instant

T = TypeVar("T")

START_UNIX_S = 1_762_165_845.25  # 2025-11-03T10:30:45.250Z: not on a whole second, on purpose


class _JumpingSelector(selectors.SelectSelector):
    """A selector that passes the time it was asked to wait instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("deadlock: nothing is scheduled and nothing can ever happen")
            self.now_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose `time()` is virtual. `wall_step_s` steps the wall clock only."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self.wall_step_s = 0.0

    def time(self) -> float:
        return self._jumping.now_s

    def clock(self) -> Instant:
        now_s = self.time()
        return Instant(unix_s=START_UNIX_S + now_s + self.wall_step_s, monotonic_s=now_s)

    def spend(self, seconds: float) -> None:
        """Let time pass while nothing runs, as when the process is frozen."""
        self._jumping.now_s += seconds


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
