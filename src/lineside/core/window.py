"""The last so many measurements of something, and their quantiles. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque


class Window:
    """A sliding window that is kept in order, so that asking costs nothing."""

    __slots__ = ("_in_order", "_in_time")

    def __init__(self, size: int) -> None:
        """Keep the last `size` values."""
        self._in_time: deque[float] = deque(maxlen=size)
        self._in_order: list[float] = []

    def __len__(self) -> int:
        return len(self._in_time)

    @property
    def last(self) -> float | None:
        """The newest value; None before the first."""
        return self._in_time[-1] if self._in_time else None

    def add(self, value: float) -> None:
        """Take in one value; the oldest leaves a full window."""
        if len(self._in_time) == self._in_time.maxlen:
            del self._in_order[bisect_left(self._in_order, self._in_time[0])]
        self._in_time.append(value)
        insort(self._in_order, value)

    def newest(self, count: int) -> list[float]:
        """Return the last `count` values, or as many as there are."""
        return [self._in_time[-i] for i in range(1, min(count, len(self._in_time)) + 1)]

    def quantile(self, share: float) -> float | None:
        """Return the value that `share` (0 to below 1) of the values lie below; None without any.

        With 100 values and a share of 0.95 five values are not smaller than the one returned.
        """
        if not self._in_order:
            return None
        return self._in_order[min(len(self._in_order) - 1, int(len(self._in_order) * share))]
