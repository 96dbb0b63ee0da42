"""An asyncio transport as the HTTP protocol sees it: closing is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


class BoundedTransport(asyncio.Transport):
    """A transport whose `close` ends even when the client never reads what is left to send."""

    __slots__ = ("_flush_timeout_s", "_flush_timer", "_loop", "inner")

    def __init__(
        self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop, flush_timeout_s: float
    ) -> None:
        self.inner = inner
        self._loop = loop
        self._flush_timeout_s = flush_timeout_s
        self._flush_timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Flush and close; abort when that takes longer than the flush timeout."""
        if self.inner.is_closing():
            return
        self.inner.close()
        if self.inner.get_write_buffer_size():
            self._flush_timer = self._loop.call_later(self._flush_timeout_s, self.inner.abort)

    def lost(self) -> None:
        """Take note that the connection has ended."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write `data` behind whatever is still unsent; nobody hears what comes after the end."""
        # A request that was under way when its client vanished is still answered to the end.
        if not self.inner.is_closing():
            self.inner.write(data)

    def abort(self) -> None:
        """Close now; what is unsent is lost."""
        self.inner.abort()

    def is_closing(self) -> bool:
        """Whether the transport is closing or closed."""
        return self.inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of its socket."""
        return self.inner.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are unsent."""
        return self.inner.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when the protocol is told to pause writing."""
        self.inner.set_write_buffer_limits(high, low)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write several pieces."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Whether our half can be ended alone."""
        return self.inner.can_write_eof()

    def write_eof(self) -> None:
        """End our half once everything is sent."""
        self.inner.write_eof()

    def is_reading(self) -> bool:
        """Whether the transport reads."""
        return self.inner.is_reading()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self.inner.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self.inner.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection to `protocol`."""
        self.inner.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who is told of what arrives."""
        return self.inner.get_protocol()
