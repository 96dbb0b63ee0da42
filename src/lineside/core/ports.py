"""What the rooms may ask of each other, as protocols. No room imports another room for these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from lineside.core.model import (
    Instant,
    Reading,
    SiteChange,
    Snapshot,
    StateChange,
)

Clock: TypeAlias = Callable[[], Instant]

BusMessage: TypeAlias = Snapshot | StateChange | SiteChange
BusHandler: TypeAlias = Callable[[BusMessage], None]


class Driver(Protocol):
    """One connection to one PLC. The caller awaits one method at a time, never two at once.

    After any exception from `open` or `read` (cancellation included) the driver has dropped its
    connection; the caller waits its backoff and calls `open` again on the same driver.
    """

    async def open(self) -> None:
        """Connect, and prove with one exchange that the PLC answers.

        Raises:
            PlcUnreachable, ProtocolError, PlcRefused: with the likely cause.
        """

    async def read(self) -> Reading:
        """Read every planned tag once.

        A bad address makes its own tag BAD and never fails the reading.

        Raises:
            PlcUnreachable, ProtocolError, PlcRefused: the connection has been dropped.
        """

    async def close(self) -> None:
        """Drop the connection. Safe to call at any time, any number of times."""


class Bus(Protocol):
    """Hands snapshots and changes on. Handlers run in order of subscription and must not block."""

    def publish(self, message: BusMessage) -> None:
        """Hand `message` to every handler."""

    def subscribe(self, handler: BusHandler) -> None:
        """Call `handler` with every message published from now on."""
