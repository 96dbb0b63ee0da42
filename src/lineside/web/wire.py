"""One WebSocket: what the hub writes to, and what turns a client's bytes into messages.

It begins when the handshake is accepted (`http_stage`). There is one object per screen and nothing
else: no task, no queue, no wrapper; the reader of inbound bytes is made when the first ones come,
since most screens never send any. Which messages mean what is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any, Protocol, cast

import msgspec

from lineside.core import limits
from lineside.hub.audience import Subscriber
from lineside.hub.close_codes import REASONS, CloseCode
from lineside.hub.inbound import InboundLimits
from lineside.web.messages import MessageReader, ReaderLimits

_PARSE_SLICE_BYTES = 4 * 1024  # so that one chunk of tiny frames cannot hold the loop for long
_TCP_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux


class WireLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a client may take, and how many bytes the kernel may hold for it."""

    handshake_timeout_s: float = limits.HANDSHAKE_TIMEOUT_S
    close_timeout_s: float = 2.0  # for the client's answer to our close frame
    flush_timeout_s: float = limits.UNDRAINED_TIMEOUT_S
    unacknowledged_timeout_s: float = limits.UNACKNOWLEDGED_TIMEOUT_S
    send_buffer_bytes: int = limits.SEND_BUFFER_BYTES
    writes_directly: bool = os.name != "nt"  # False: through the transport, as Windows must
    inbound: ReaderLimits = ReaderLimits(
        message_max_bytes=limits.INBOUND_MESSAGE_MAX_BYTES,
        control=InboundLimits(
            per_s=limits.CONTROL_FRAMES_PER_S,
            burst=limits.CONTROL_BURST,
            flood=limits.CONTROL_FLOOD,
        ),
    )


class Listener(Protocol):
    """Whoever hears what one client says. Must not block."""

    def on_message(self, message: str | bytes) -> None:
        """Take one whole message; bytes only where `ReaderLimits.takes_binary` lets them in."""

    def on_closed(self) -> None:
        """Take note that the connection has ended."""


class WebSocketWire(asyncio.Protocol):
    """One accepted WebSocket. The hub's `Wire`."""

    __slots__ = (
        "__weakref__",
        "_connections",
        "_is_closing",
        "_limits",
        "_listener",
        "_loop",
        "_preface",
        "_reader",
        "_subscriber",
        "_timer",
        "is_deflated",
        "transport",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        wire_limits: WireLimits,
        connections: set[Any],
        is_deflated: bool,
    ) -> None:
        """Take over `transport` from whoever read the handshake from it.

        Args:
            transport: of the accepted connection, before the answer to the handshake is sent.
            loop: the event loop.
            wire_limits: bounds on time and size.
            connections: all that the server has open; this one is in it until it ends.
            is_deflated: whether compression was negotiated.
        """
        self.transport = transport
        self.is_deflated = is_deflated
        self._loop = loop
        self._limits = wire_limits
        self._connections = connections
        self._is_closing = False
        self._preface = b""
        self._listener: Listener | None = None
        self._reader: MessageReader | None = None
        self._subscriber: Subscriber | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, response: bytes, make_listener: Callable[[WebSocketWire], Listener]) -> None:
        """Answer the handshake and let `make_listener` say who hears this connection."""
        self.transport.set_protocol(self)
        self._connections.add(self)
        self._preface = response  # a system call is saved when it leaves with the first message
        self._listener = make_listener(self)
        if self._preface:
            self._write(b"")

    @property
    def is_closing(self) -> bool:
        """Whether nothing but the end of this connection is still to come."""
        return self._is_closing

    @property
    def part_count(self) -> int:
        """How many fragments of an unfinished inbound message are kept."""
        return 0 if self._reader is None else self._reader.part_count

    # What the hub asks of it.

    def direct_fd(self) -> int | None:
        """Return the file descriptor that may be written to directly; None for TLS and Windows."""
        is_tls = self.transport.get_extra_info("sslcontext") is not None
        if is_tls or not self._limits.writes_directly:
            return None
        return cast(int, self.transport.get_extra_info("socket").fileno())

    def attach(self, subscriber: Subscriber) -> None:
        """Tell `subscriber` of everything that is written, and of the end."""
        self._subscriber = subscriber
        connection = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # the client may be gone already
            # The kernel's default would hide minutes of stale ticks from the watchdog.
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, self._limits.send_buffer_bytes
            )
            if _TCP_USER_TIMEOUT is not None:
                # A client whose cable was pulled acknowledges nothing; it need not fill a buffer.
                timeout_ms = round(self._limits.unacknowledged_timeout_s * 1000)
                connection.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, timeout_ms)

    def write(self, data: bytes) -> None:
        """Write whole frames, or the rest of one, behind whatever is still unsent."""
        if not self._is_closing:
            self._write(data)

    def has_unsent(self) -> bool:
        """Whether bytes wait in the transport."""
        return self.transport.get_write_buffer_size() > 0

    def close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame; end when the client answers it, or after `close_timeout_s`."""
        if self._is_closing or self.transport.is_closing():
            return
        reader = self._ready_reader()
        reader.close(code, reason)
        self._begin_end(reader)

    def fail(self, code: CloseCode, reason: str) -> None:
        """Close for the client's own fault; what it still sends is thrown away unread."""
        if self._is_closing or self.transport.is_closing():
            return
        reader = self._ready_reader()
        reader.fail(code, reason)
        self._begin_end(reader)

    def abort(self) -> None:
        """End the connection now; what is unsent is lost."""
        self._leave()
        self.transport.abort()

    # What the server asks of it.

    def shutdown(self) -> None:
        """End this connection because the server does."""
        self.close(CloseCode.SERVICE_RESTART, REASONS[CloseCode.SERVICE_RESTART])

    # What the transport tells it.

    def data_received(self, data: bytes) -> None:
        """Read what came, in slices, and stop at the first reason to."""
        reader = self._ready_reader()
        for start in range(0, len(data), _PARSE_SLICE_BYTES):
            if reader.is_over or self.transport.is_closing():
                return
            for message in reader.receive(data[start : start + _PARSE_SLICE_BYTES], self._now_s()):
                # Between our close frame and the client's, messages are read and not heard.
                if self._listener is not None and not self._is_closing:
                    self._answer(reader)  # a ping that came first is answered first
                    self._listener.on_message(message)
            if reader.is_over:
                self._on_over(reader)
            else:
                self._answer(reader)

    def eof_received(self) -> None:
        """Close in bounded time when the client stops sending without a close frame."""
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the hub before the file descriptor can be reused, then let go of everything."""
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            subscriber.lost()
        self._is_closing = True
        self._connections.discard(self)
        self._set_timer(None)
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.on_closed()

    # The rest.

    def _now_s(self) -> float:
        return self._loop.time()

    def _ready_reader(self) -> MessageReader:
        if self._reader is None:
            self._reader = MessageReader(self._limits.inbound, self.is_deflated, self._now_s())
        return self._reader

    def _write(self, data: bytes) -> None:
        if self._preface:
            data, self._preface = self._preface + data, b""
        self.transport.write(data)
        if self._subscriber is not None:
            self._subscriber.written()

    def _answer(self, reader: MessageReader) -> None:
        answers = reader.answers()
        if answers:
            self._write(answers)

    def _begin_end(self, reader: MessageReader) -> None:
        """Send our close frame; from here on only the end is awaited."""
        self._leave()
        self._is_closing = True
        self._answer(reader)
        self._set_timer(self._loop.call_later(self._limits.close_timeout_s, self._end))
        if reader.is_over and self.transport.can_write_eof():
            # Closing at once with bytes unread would reset the connection, and the reset would
            # throw away the close frame on the client's side: end our half and read on a while.
            self.transport.write_eof()

    def _on_over(self, reader: MessageReader) -> None:
        """Go on after the client's close frame, or after a mistake of its own."""
        if reader.has_close:
            self._leave()
            self._answer(reader)
            self._end()
        elif not self._is_closing:  # else the end is under way, and its timer runs
            self._begin_end(reader)

    def _end(self) -> None:
        """Flush and close, in bounded time."""
        self._leave()
        self._is_closing = True
        if self.transport.is_closing():
            return
        self._set_timer(None)
        self.transport.close()
        if self.has_unsent():
            self._set_timer(
                self._loop.call_later(self._limits.flush_timeout_s, self.transport.abort)
            )

    def _leave(self) -> None:
        """Take the file descriptor away from the hub. Called before anything closes it."""
        if self._subscriber is not None:
            self._subscriber.leave()

    def _set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer
