"""uvicorn's protocols with bounds on time and size, and a WebSocket the hub may write to directly.

`HttpStage` is every connection until it is upgraded, `WebSocketWire` from then on. Both keep
uvicorn's own machinery; what is overridden either bounds what a client can cost, or tells the hub
about bytes that did not come from it, so that no frame ever lands inside a half-sent one.
Which messages mean what is not known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Any, ClassVar, cast

import msgspec
from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.http11 import Request

from lineside.core import limits
from lineside.hub.audience import Subscriber
from lineside.hub.close_codes import REASONS, CloseCode, clip_reason
from lineside.hub.inbound import InboundBudget, InboundLimits, Verdict
from lineside.web.connection_cap import ConnectionCap, connection_limit
from lineside.web.transport import BoundedTransport, WireTransport

EXTENSION = "lineside.wire"  # where the ASGI scope carries the WebSocketWire

REQUEST_HEAD_MAX_BYTES = 64 * 1024
_PARSE_SLICE_BYTES = 4 * 1024  # so that one chunk of tiny frames cannot hold the loop for long
_PONG_FIRST_BYTE = b"\x8a"
_CONTROL_LIMITS = InboundLimits(per_s=10.0, burst=20, flood=200)


class WireLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a client may take, and how many bytes the kernel may hold for it."""

    handshake_timeout_s: float = limits.HANDSHAKE_TIMEOUT_S
    close_timeout_s: float = 2.0  # for the client's answer to our close frame
    flush_timeout_s: float = limits.UNDRAINED_TIMEOUT_S
    send_buffer_bytes: int = limits.SEND_BUFFER_BYTES
    inbound_queue_max: int = limits.INBOUND_FLOOD
    writes_directly: bool = os.name != "nt"  # False: through the transport, as Windows must


class HttpStage(HttpToolsProtocol):
    """An HTTP connection whose requests arrive, and whose answers leave, in bounded time."""

    limits: ClassVar[WireLimits] = WireLimits()
    cap: ClassVar[ConnectionCap] = ConnectionCap(connection_limit(None))

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request, unless there are too many connections."""
        super().connection_made(BoundedTransport(transport, self.loop, self.limits.flush_timeout_s))
        if self.cap.admits(len(self.connections), self.loop.time()):
            self._start_request_timer()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every clock."""
        self._stop_request_timer()
        self.resume_writing()
        cast(BoundedTransport, self.transport).lost()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """Close in bounded time even when the client, having said all, reads nothing more."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the request head is far too large already."""
        self._head_bytes += len(data)
        if self._head_bytes > REQUEST_HEAD_MAX_BYTES and self._request_timer is not None:
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()
            return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Start the clock for a request on a kept connection."""
        super().on_message_begin()
        if self._request_timer is None:
            self._start_request_timer()

    def on_headers_complete(self) -> None:
        """Start counting anew: the limit is one of the head."""
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock: the request is whole."""
        self._stop_request_timer()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Give a client that does not read its answer a time to do so."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(
                self.limits.flush_timeout_s, self.transport.abort
            )

    def resume_writing(self) -> None:
        """Note that the client reads."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to a `WebSocketWire`."""
        self._stop_request_timer()
        super().handle_websocket_upgrade()
        # The parser and this object hold each other; nobody needs either from here on.
        self.parser = cast(Any, None)

    def _start_request_timer(self) -> None:
        self._head_bytes = 0
        self._request_timer = self.loop.call_later(
            self.limits.handshake_timeout_s, self._on_request_timeout
        )

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _on_request_timeout(self) -> None:
        self._request_timer = None
        self.transport.abort()


class WebSocketWire(WebSocketsSansIOProtocol):
    """One WebSocket. The hub's `Wire`; also what uvicorn drives."""

    limits: ClassVar[WireLimits] = WireLimits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = self.limits.close_timeout_s
        self.subscriber: Subscriber | None = None
        self._control_budget: InboundBudget | None = None

    # What the hub asks of it.

    def direct_fd(self) -> int | None:
        """Return the file descriptor that may be written to directly; None for TLS and Windows."""
        is_tls = self.transport.get_extra_info("sslcontext") is not None
        if is_tls or not self.limits.writes_directly:
            return None
        return cast(int, self.transport.get_extra_info("socket").fileno())

    def attach(self, subscriber: Subscriber) -> None:
        """Tell `subscriber` of everything that is written, and of the end."""
        self.subscriber = subscriber
        # The kernel's default would hide minutes of stale ticks from the watchdog.
        with contextlib.suppress(OSError):  # the client may be gone already
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, self.limits.send_buffer_bytes
            )

    def write(self, data: bytes) -> None:
        """Write whole frames, or the rest of one, behind whatever is still unsent."""
        if not self.close_sent:
            self.transport.write(data)

    def has_unsent(self) -> bool:
        """Whether bytes wait in the transport."""
        return self.transport.get_write_buffer_size() > 0

    def close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame; end when the client answers it, or after `close_timeout_s`."""
        if not self.handshake_complete or self.close_sent or self.transport.is_closing():
            return
        reason = clip_reason(reason)
        self.conn.send_close(code, reason)
        self._finish(code, reason)

    def fail(self, code: CloseCode, reason: str) -> None:
        """Close for the client's own fault; what it still sends is thrown away unread."""
        if self.close_sent or self.transport.is_closing():
            return
        reason = clip_reason(reason)
        self.conn.fail(code, reason)
        self._finish(code, reason)
        self._end_our_side()

    def abort(self) -> None:
        """End the connection now; what is unsent is lost."""
        self.transport.abort()

    def leave(self) -> None:
        """Take the file descriptor away from the hub. Called before anything closes it."""
        if self.subscriber is not None:
            self.subscriber.leave()

    # What uvicorn asks of it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection from the HTTP stage."""
        inner = cast(BoundedTransport, transport).inner
        super().connection_made(WireTransport(inner, self.loop, self.limits.flush_timeout_s, self))

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the hub before the file descriptor can be reused, then clean up."""
        subscriber, self.subscriber = self.subscriber, None
        if subscriber is not None:
            subscriber.lost()
        transport = cast(WireTransport, self.transport)
        transport.lost()
        super().connection_lost(exc)
        # Undo the circles, so that a connection is freed at once and not by the collector.
        if self.handshake_initiated and hasattr(self, "scope"):
            cast(dict[str, Any], self.scope["extensions"]).pop(EXTENSION, None)
        self.conn.parser.close()

    def eof_received(self) -> None:
        """Close in bounded time when the client stops sending without a close frame."""
        self.transport.close()

    def shutdown(self) -> None:
        """End this connection because the server does."""
        if self.handshake_complete:
            self.close(CloseCode.SERVICE_RESTART, REASONS[CloseCode.SERVICE_RESTART])
        else:
            super().shutdown()

    def handle_connect(self, event: Request) -> None:
        """Put this object into the ASGI scope, where the WebSocket route finds it."""
        try:
            super().handle_connect(event)
        except UnicodeError:  # a path or a header name with bytes that HTTP does not allow
            self._refuse_handshake()
            return
        if self.response.status_code == 101:
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the application says."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            # A refusal is an answer too; without this uvicorn logs each one as an error.
            self.handshake_complete = True

    def data_received(self, data: bytes) -> None:
        """Parse what came, in slices, and stop at the first reason to."""
        for start in range(0, len(data), _PARSE_SLICE_BYTES):
            super().data_received(data[start : start + _PARSE_SLICE_BYTES])
            if self.transport.is_closing():
                return
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self._refuse_handshake()

    def handle_bytes(self, event: Frame) -> None:
        """Refuse binary at its first frame."""
        self.fail(CloseCode.UNSUPPORTED_DATA, REASONS[CloseCode.UNSUPPORTED_DATA])

    def handle_cont(self, event: Frame) -> None:
        """Collect a fragment; empty ones would cost memory without ever reaching the limit."""
        if event.data or event.fin:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping frame, unless they come so fast that answers would pile up."""
        now_s = self.loop.time()
        if self._control_budget is None:
            self._control_budget = InboundBudget(_CONTROL_LIMITS, now_s)
        verdict = self._control_budget.spend(now_s)
        if verdict is Verdict.ANSWER:
            super().handle_ping()
            return
        self.conn.writes = [w for w in self.conn.writes if w[:1] != _PONG_FIRST_BYTE]
        if verdict is Verdict.CLOSE:
            self.fail(CloseCode.POLICY_VIOLATION, "too many ping frames")

    def send_receive_event_to_app(self) -> None:
        """Hand one whole text message to the route."""
        data = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.queue.qsize() >= self.limits.inbound_queue_max:
            self.fail(CloseCode.POLICY_VIOLATION, REASONS[CloseCode.POLICY_VIOLATION])
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.fail(CloseCode.INVALID_TEXT, REASONS[CloseCode.INVALID_TEXT])
            return
        self.queue.put_nowait({"type": "websocket.receive", "text": text})
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def handle_parser_exception(self) -> None:
        """Close after bytes that are no frame, or a frame that is too big."""
        close = self.conn.close_sent
        if self.close_sent or close is None:
            return
        self._finish(close.code, close.reason)
        self._end_our_side()

    def _finish(self, code: int, reason: str) -> None:
        """Send the close frame that waits in `conn`, and tell the hub and the route."""
        self.leave()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def _end_our_side(self) -> None:
        # Closing at once with bytes unread would reset the connection, and the reset would throw
        # away the close frame on the client's side: end our half and read on for a moment.
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _refuse_handshake(self) -> None:
        self.handshake_complete = True
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)
        self.transport.close()


def _plain_response(status_line: str) -> bytes:
    return (
        f"HTTP/1.1 {status_line}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(status_line)}\r\nConnection: close\r\n\r\n{status_line}"
    ).encode()


_BAD_REQUEST = _plain_response("400 Bad Request")
_HEAD_TOO_LARGE = _plain_response("431 Request Header Fields Too Large")
