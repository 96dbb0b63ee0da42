"""The one supervisor around everything of the history: the board never dies of the past.

What is raised in its care is logged with a traceback, counted, told in health, and tried again with
a backoff. Nothing but a cancellation passes it. For any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
_SHOWN_MAX = 200
_TOLD_MAX = 100

_log = structlog.get_logger("lineside.history")


class Faults:
    """What went wrong by a defect of ours. `count` grows; `standing` is empty when all is well."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing: dict[str, str] = {}
        self._told: deque[str] = deque(maxlen=_TOLD_MAX)
        self.count = 0

    @property
    def standing(self) -> str:
        """What does not work now, in English, for people."""
        with self._lock:
            return "; ".join(self._standing.values())

    def note(self, what: str, error: BaseException, *, is_standing: bool = True) -> None:
        """Count a fault of `what`; log it unless the same one was told already.

        Args:
            what: for people and the log.
            error: what was raised.
            is_standing: it counts as not working until `over` says otherwise.
        """
        shown = " ".join(str(error).split())[:_SHOWN_MAX]
        said = f"{what}: a fault of Lineside's own: {type(error).__name__}: {shown}".rstrip(": ")
        with self._lock:
            self.count += 1
            if is_standing:
                is_known = self._standing.get(what) == said
                self._standing[what] = said
            else:
                is_known = said in self._told
                self._told.append(said)
        if not is_known:
            # Memory may have run out: to log is worth a try, and no more.
            with contextlib.suppress(Exception):
                _log.error("history: a fault of ours", what=what, error=said, exc_info=error)

    def over(self, what: str) -> None:
        """Take note that `what` works."""
        if what not in self._standing:
            return
        with self._lock:
            was_there = self._standing.pop(what, None) is not None
        if was_there:
            with contextlib.suppress(Exception):
                _log.info("history: works again", what=what)

    @contextmanager
    def caught(self, what: str) -> Iterator[None]:
        """Let nothing that is raised inside pass. For work that is done again and again."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 -- the supervisor: the board goes on whatever happens
            self.note(what, error)
        else:
            self.over(what)

    async def kept(
        self,
        what: str,
        work: Callable[[], Awaitable[None]],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Await `work` until it comes to its end; after a fault do it again, with a backoff.

        Args:
            what: for people and the log.
            work: makes what is awaited.
            pause: waits for so many seconds.
        """
        retry_s = RETRY_FIRST_S
        while True:
            with self.caught(what):
                await work()
                return
            await pause(retry_s)
            retry_s = min(RETRY_MAX_S, 2 * retry_s)
