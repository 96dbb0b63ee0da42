"""Who hears one line, and the loop that writes to them. It knows frames, not messages.

A subscriber is in exactly one place: `direct` (nothing unsent, so its socket may be written to
without asking the transport), `relayed` (nothing unsent, but only the transport may write: TLS,
Windows) or `aside` (bytes wait in its transport; it misses ticks until they are gone).
"""

from __future__ import annotations

import os
from typing import Protocol

from lineside.hub.close_codes import CloseCode


class Wire(Protocol):
    """One accepted WebSocket connection, as far as the hub needs it."""

    def direct_fd(self) -> int | None:
        """Return the file descriptor that may be written to directly; None if there is none."""

    def attach(self, subscriber: Subscriber) -> None:
        """Call `written`, `leave` and `lost` of `subscriber` as these things happen."""

    def write(self, data: bytes) -> None:
        """Write whole frames, or the rest of one, behind whatever is still unsent."""

    def has_unsent(self) -> bool:
        """Whether bytes wait in the transport."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame and end the connection, in bounded time."""

    def abort(self) -> None:
        """End the connection now; what is unsent is lost."""


class Roster(Protocol):
    """Whoever must know that a connection has ended."""

    def forget(self, subscriber: Subscriber) -> None:
        """Take note that the connection of `subscriber` is gone."""


class Counters:
    """What the hub has done since the start."""

    __slots__ = ("aborted", "bytes_sent", "failed", "frames_sent", "missed_ticks", "slowed")

    def __init__(self) -> None:
        self.frames_sent = 0
        self.bytes_sent = 0
        self.missed_ticks = 0  # ticks that a subscriber set aside did not get
        self.slowed = 0  # times that a subscriber was set aside by a full socket
        self.aborted = 0  # by the watchdog
        self.failed = 0  # by a write error


class Subscriber:
    """One WebSocket that hears one line. `line_id` None: whichever line is first."""

    __slots__ = ("_roster", "audience", "fd", "line_id", "undrained_since_s", "wire")

    def __init__(self, wire: Wire, line_id: str | None, roster: Roster) -> None:
        self._roster = roster
        self.wire = wire
        self.line_id = line_id
        self.fd = wire.direct_fd()
        self.undrained_since_s: float | None = None
        self.audience: Audience | None = None

    def send(self, frame: bytes) -> None:
        """Send one frame to this subscriber alone, never into the middle of another."""
        self.wire.write(frame)

    def close(self, code: CloseCode, reason: str) -> None:
        """Close this subscriber; it hears no further tick."""
        self.leave()
        self.wire.close(code, reason)

    def leave(self) -> None:
        """Stop hearing the line. The wire calls this before its file descriptor can be reused."""
        if self.audience is not None:
            self.audience.remove(self)
            self.audience = None

    def lost(self) -> None:
        """Take note that the connection has ended."""
        self.leave()
        self._roster.forget(self)

    def written(self) -> None:
        """Note that the transport was written to, so that bytes may wait in it."""
        if self.audience is not None:
            self.audience.set_aside(self)


class Audience:
    """The subscribers of one line."""

    def __init__(self, counters: Counters, undrained_timeout_s: float) -> None:
        self._counters = counters
        self._undrained_timeout_s = undrained_timeout_s
        self._direct: dict[int, Subscriber] = {}
        self._relayed: dict[Subscriber, None] = {}
        self._aside: dict[Subscriber, None] = {}

    def __len__(self) -> int:
        return len(self._direct) + len(self._relayed) + len(self._aside)

    @property
    def aside_count(self) -> int:
        """How many subscribers have, or may have, bytes waiting in their transport."""
        return len(self._aside)

    def subscribers(self) -> list[Subscriber]:
        """Return everyone, in no particular order."""
        return [*self._direct.values(), *self._relayed, *self._aside]

    def add(self, subscriber: Subscriber) -> None:
        """Let `subscriber` hear the next tick."""
        subscriber.audience = self
        self._aside[subscriber] = None  # its handshake may still be on the way out

    def remove(self, subscriber: Subscriber) -> None:
        """Forget `subscriber`, wherever it is."""
        self._take_out(subscriber)
        self._aside.pop(subscriber, None)

    def set_aside(self, subscriber: Subscriber) -> None:
        """Write to `subscriber` no more until its transport has nothing unsent."""
        self._take_out(subscriber)
        self._aside[subscriber] = None

    def broadcast(self, frame: bytes, now_s: float) -> None:
        """Write one frame to everyone who has nothing unsent. Never waits for anyone.

        Args:
            frame: a whole WebSocket frame.
            now_s: monotonic seconds, for the watchdog.
        """
        self._bring_back(now_s)
        self._write_directly(frame, now_s)
        for subscriber in list(self._relayed):
            self._count_sent(1, len(frame))
            subscriber.wire.write(frame)  # which sets it aside until the next tick

    def _bring_back(self, now_s: float) -> None:
        """Bring back whose bytes have left, and abort who has not drained for too long."""
        for subscriber in list(self._aside):
            if not subscriber.wire.has_unsent():
                del self._aside[subscriber]
                subscriber.undrained_since_s = None
                if subscriber.fd is None:
                    self._relayed[subscriber] = None
                else:
                    self._direct[subscriber.fd] = subscriber
                continue
            self._counters.missed_ticks += 1
            if subscriber.undrained_since_s is None:
                subscriber.undrained_since_s = now_s
            elif now_s - subscriber.undrained_since_s >= self._undrained_timeout_s:
                self._counters.aborted += 1
                subscriber.leave()
                # A close would wait for the flush that does not come.
                subscriber.wire.abort()

    def _write_directly(self, frame: bytes, now_s: float) -> None:
        # The hot loop of the house: per subscriber one system call and one comparison.
        size = len(frame)
        write = os.write
        partly: list[tuple[int, int]] = []
        failed: list[int] = []
        for fd in self._direct:
            try:
                sent = write(fd, frame)
            except BlockingIOError:
                partly.append((fd, 0))
            except OSError:
                failed.append(fd)
            else:
                if sent != size:
                    partly.append((fd, sent))
        whole_count = len(self._direct) - len(partly) - len(failed)
        self._count_sent(whole_count + len(partly), size)
        for fd, sent in partly:
            subscriber = self._direct[fd]
            subscriber.undrained_since_s = now_s
            self._counters.slowed += 1
            # The rest goes to the transport before anything else can, so nothing lands in between.
            subscriber.wire.write(frame[sent:])
        for fd in failed:
            subscriber = self._direct[fd]
            self._counters.failed += 1
            subscriber.leave()
            subscriber.wire.abort()

    def _take_out(self, subscriber: Subscriber) -> None:
        if subscriber.fd is None:
            self._relayed.pop(subscriber, None)
        elif self._direct.get(subscriber.fd) is subscriber:
            del self._direct[subscriber.fd]

    def _count_sent(self, count: int, size: int) -> None:
        self._counters.frames_sent += count
        self._counters.bytes_sent += count * size
