"""Lets in a few questions at a time, keeps a few waiting, and refuses the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lineside.core.errors import HistoryError


class Slots:
    """Places for questions. Not thread-safe: one event loop owns it."""

    def __init__(self, count: int, waiting_max: int) -> None:
        """Let in `count` at a time, and let `waiting_max` more wait."""
        self._free = asyncio.Semaphore(count)
        self._waiting_max = waiting_max
        self._waiting = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Take a place, as soon as there is one; give it back at the end.

        Raises:
            HistoryError: too many wait already.
        """
        if self._free.locked() and self._waiting >= self._waiting_max:
            raise HistoryError("too many questions wait for the database already")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
