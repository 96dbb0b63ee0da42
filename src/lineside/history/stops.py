"""How often and how long a machine stood in its planned time, in parts that can be joined. Pure.

A stop is an unbroken time without running: idle, stopped and in error alike. Only planned time
counts, so that a stop that goes on after a break is the same stop. It ends when the machine runs,
be it outside of planned time, and when it is out of sight in planned time: nobody knows whether it
stood. Short ones are micro-stops.
"""

from __future__ import annotations

import msgspec

from lineside.core.model import Status

_STANDING = frozenset({Status.IDLE, Status.STOPPED, Status.ERROR})


class StopCounts(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Stops and micro-stops, and the planned time that they took."""

    stops: int = 0
    stop_ms: int = 0
    micro_stops: int = 0
    micro_stop_ms: int = 0

    def __add__(self, other: StopCounts) -> StopCounts:
        return StopCounts(
            stops=self.stops + other.stops,
            stop_ms=self.stop_ms + other.stop_ms,
            micro_stops=self.micro_stops + other.micro_stops,
            micro_stop_ms=self.micro_stop_ms + other.micro_stop_ms,
        )


class StopParts(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The stops of one part of a window.

    `head_ms` is the stop that the part begins in and `tail_ms` the one it ends in (0 for none):
    they may go on in the neighbours. Where nothing ends a stop (`is_broken` false) all of the part
    is `tail_ms`.
    """

    is_broken: bool = False
    head_ms: int = 0
    tail_ms: int = 0
    inner: StopCounts = StopCounts()

    def followed_by(self, other: StopParts, micro_stop_ms: int) -> StopParts:
        """Return the stops of this part and the next one together."""
        if not other.is_broken:
            tail_ms = self.tail_ms + other.tail_ms
            return msgspec.structs.replace(self, tail_ms=tail_ms)
        if not self.is_broken:
            head_ms = self.tail_ms + other.head_ms
            return msgspec.structs.replace(other, head_ms=head_ms)
        middle = one_stop(self.tail_ms + other.head_ms, micro_stop_ms)
        return StopParts(
            is_broken=True,
            head_ms=self.head_ms,
            tail_ms=other.tail_ms,
            inner=self.inner + middle + other.inner,
        )

    def counts(self, micro_stop_ms: int) -> StopCounts:
        """Return the stops as far as they lie in the part."""
        head = one_stop(self.head_ms, micro_stop_ms)
        return head + self.inner + one_stop(self.tail_ms, micro_stop_ms)


class StopBuilder:
    """Finds the stops in a machine's pieces, told in order."""

    def __init__(self, micro_stop_ms: int) -> None:
        """Count stops of up to `micro_stop_ms` as micro-stops."""
        self._micro_stop_ms = micro_stop_ms
        self._is_broken = False
        self._head_ms = 0
        self._lasts_ms = 0
        self._stops = [0, 0]  # number and time
        self._micro_stops = [0, 0]

    def add(self, length_ms: int, status: Status | None, *, is_planned: bool) -> None:
        """Take in the next piece; `status` None is a time that nobody saw."""
        if is_planned:
            if status in _STANDING:
                self._lasts_ms += length_ms
            else:
                self._end_stop()
        elif status is Status.RUNNING:
            self._end_stop()

    def add_absence(self) -> None:
        """Take in a time in which the machine was not configured."""
        self._end_stop()

    def parts(self) -> StopParts:
        """Return what was found."""
        return StopParts(
            is_broken=self._is_broken,
            head_ms=self._head_ms,
            tail_ms=self._lasts_ms,
            inner=StopCounts(
                stops=self._stops[0],
                stop_ms=self._stops[1],
                micro_stops=self._micro_stops[0],
                micro_stop_ms=self._micro_stops[1],
            ),
        )

    def _end_stop(self) -> None:
        if not self._is_broken:
            self._is_broken = True
            self._head_ms = self._lasts_ms
        elif self._lasts_ms > 0:
            is_micro = self._lasts_ms <= self._micro_stop_ms
            counts = self._micro_stops if is_micro else self._stops
            counts[0] += 1
            counts[1] += self._lasts_ms
        self._lasts_ms = 0


def one_stop(length_ms: int, micro_stop_ms: int) -> StopCounts:
    """Return what one stop of a length counts as."""
    if length_ms <= 0:
        return StopCounts()
    if length_ms <= micro_stop_ms:
        return StopCounts(micro_stops=1, micro_stop_ms=length_ms)
    return StopCounts(stops=1, stop_ms=length_ms)
