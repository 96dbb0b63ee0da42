"""Rows that this version does not understand: named once, counted, and left out of every answer.

Another version of Lineside, or a person, may have written words that are not known here. One such
row must not hide the others. For any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog

KNOWN_MAX = 10_000  # rows that are told apart; what comes then is left out and not counted
LOGGED_MAX = 20

T = TypeVar("T")
Key = TypeVar("Key")

_log = structlog.get_logger("lineside.history")


class LeftOut:
    """What was left out since the start. `last` says of the newest what and why, in English."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[tuple[str, object]] = set()
        self.last = ""

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self._known)

    def note(self, table: str, key: object, why: str) -> None:
        """Take note that a row is left out; what is known already is not told again.

        Args:
            table: where it stands.
            key: of the row.
            why: what is not understood.
        """
        with self._lock:
            if (table, key) in self._known or len(self._known) >= KNOWN_MAX:
                return
            self._known.add((table, key))
            self.last = f"{table} {key}: {why}"
            count = len(self._known)
        if count <= LOGGED_MAX:
            _log.warning("history: a row is left out", table=table, row=str(key), why=why)
        if count == LOGGED_MAX:
            _log.warning("history: further rows that are left out are only counted")


async def read_page(
    fetch: Callable[[Key | None, int], Awaitable[Sequence[Any]]],
    read: Callable[[Any], T | None],
    key_of: Callable[[Any], Key],
    after: Key | None,
    limit: int,
) -> list[T]:
    """Return a page that is as long as it would be if what is left out were not there.

    Args:
        fetch: reads so many rows that come after a key.
        read: returns what a row says; None leaves it out.
        key_of: where a row stands in the order.
        after: where the page begins.
        limit: how long it may be.
    """
    found: list[T] = []
    while True:
        wanted = limit - len(found)
        rows = await fetch(after, wanted)
        found += [each for row in rows if (each := read(row)) is not None]
        if len(rows) < wanted or len(found) == limit:
            return found
        after = key_of(rows[-1])
