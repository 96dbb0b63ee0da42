"""Every connection until it is a WebSocket: uvicorn's HTTP protocol with bounds on time and size.

A WebSocket's handshake is answered here, at once and without a task: the request has been parsed
as HTTP already, the door says who may come in, and a `WebSocketWire` takes over the connection.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar, Protocol, TypeAlias, cast

import httptools
from starlette.responses import Response
from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from lineside.web.connection_cap import ConnectionCap, connection_limit
from lineside.web.handshake import BadHandshake, accept_upgrade
from lineside.web.problem import problem_response
from lineside.web.transport import BoundedTransport
from lineside.web.wire import Listener, WebSocketWire, WireLimits

REQUEST_HEAD_MAX_BYTES = 64 * 1024
PIPELINED_MAX = 16  # requests that a client sends without waiting for answers; browsers send none

MakeListener: TypeAlias = Callable[[WebSocketWire], Listener]


class TooManyRequests(Exception):
    """A client that asks on without waiting for the answers; the parser refuses the rest."""


class Door(Protocol):
    """Whoever decides which WebSockets are opened."""

    def admit(self, scope: Scope) -> Response | MakeListener:
        """Return what hears the connection, or the answer that refuses it.

        Args:
            scope: as ASGI describes a WebSocket's handshake.
        """

    def seat_count(self, address: str) -> int:
        """Return how many open WebSockets come from `address`."""


class HttpStage(HttpToolsProtocol):
    """An HTTP connection whose requests arrive, and whose answers leave, in bounded time."""

    limits: ClassVar[WireLimits] = WireLimits()
    cap: ClassVar[ConnectionCap] = ConnectionCap(connection_limit(None))
    door: ClassVar[Door]

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
        """Start the clock for the first request, unless too many are open, here or from there."""
        super().connection_made(BoundedTransport(transport, self.loop, self.limits.flush_timeout_s))
        may_stay = self.cap.enter(
            self._address,
            open_count=len(self.connections),
            seat_count=self.door.seat_count(self._address),
            now_s=self.loop.time(),
        )
        if may_stay:
            self._start_request_timer()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every clock."""
        self.cap.leave(self._address)
        self._stop_request_timer()
        self.resume_writing()
        self.pipeline.clear()
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
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._open_websocket(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        self._ensure_clock()

    def on_message_begin(self) -> None:
        """Start the clock for a request on a kept connection."""
        super().on_message_begin()
        if self._request_timer is None:
            self._start_request_timer()

    def on_headers_complete(self) -> None:
        """Start counting anew: the limit is one of the head."""
        self._head_bytes = 0
        if len(self.pipeline) >= PIPELINED_MAX:
            # One chunk of bytes holds thousands, and each would wait here as a whole request.
            raise TooManyRequests
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
        self._stop_stall_timer()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def _open_websocket(self, rest: bytes) -> None:
        """Answer an opening handshake; `rest` is what the client sent behind it."""
        self._stop_request_timer()
        if self.cycle is not None and not self.cycle.response_complete:
            # The answer to an earlier request would land among the frames.
            self.send_400_response("A WebSocket cannot be opened behind an unanswered request.")
            return
        scope = cast(Scope, self.scope)
        try:
            _describe_websocket(scope, self.url)
            upgrade = accept_upgrade(scope["method"], scope["http_version"], self.headers)
        except BadHandshake as bad:
            self._refuse(problem_response(bad.status, bad.detail, headers=bad.headers))
            return
        answer = self.door.admit(scope)
        if isinstance(answer, Response):
            self._refuse(answer)
            return
        self.connections.discard(self)
        self.cap.leave(self._address)
        self._stop_stall_timer()  # from here on the hub sees to what stays unsent
        inner = cast(BoundedTransport, self.transport).inner
        wire = WebSocketWire(inner, self.loop, self.limits, self.connections, upgrade.is_deflated)
        wire.begin(upgrade.response, answer)
        # The parser and this object hold each other; nobody needs either from here on.
        self.parser = cast(Any, None)
        if rest:
            wire.data_received(rest)

    def _refuse(self, response: Response) -> None:
        """Answer a handshake with what is wrong, and end the connection."""
        lines = [STATUS_LINE[response.status_code]]
        for name, value in [*self.server_state.default_headers, *response.raw_headers]:
            lines += [name, b": ", value, b"\r\n"]
        lines += [b"connection: close\r\n\r\n", bytes(response.body)]
        self.transport.write(b"".join(lines))
        self.transport.close()

    def _ensure_clock(self) -> None:
        """Let some clock run for a client from whom the next thing is awaited.

        What has just come stopped that of a kept connection and need not have begun a request:
        blank lines may stand before one, and a body may end after its answer.
        """
        is_http = self.transport.get_protocol() is self
        is_answering = self.cycle is not None and not self.cycle.response_complete
        is_timed = self._request_timer is not None or self.timeout_keep_alive_task is not None
        if is_http and not is_answering and not is_timed and not self.transport.is_closing():
            self._start_request_timer()

    def _start_request_timer(self) -> None:
        self._head_bytes = 0
        self._request_timer = self.loop.call_later(
            self.limits.handshake_timeout_s, self._on_request_timeout
        )

    def _stop_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _on_request_timeout(self) -> None:
        self._request_timer = None
        self.transport.abort()


def _describe_websocket(scope: Scope, url: bytes) -> None:
    """Turn the scope of an HTTP request into that of a handshake.

    Raises:
        BadHandshake: the address is none.
    """
    try:
        parsed = httptools.parse_url(url)
        path = parsed.path.decode("ascii")
    except (httptools.HttpParserInvalidURLError, AttributeError, UnicodeDecodeError) as error:
        raise BadHandshake(HTTPStatus.BAD_REQUEST, "The address cannot be read.") from error
    scope["type"] = "websocket"
    scope["scheme"] = "wss" if scope["scheme"] == "https" else "ws"
    scope["path"] = urllib.parse.unquote(path) if "%" in path else path
    scope["query_string"] = parsed.query or b""


def _plain_response(status_line: str) -> bytes:
    return (
        f"HTTP/1.1 {status_line}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(status_line)}\r\nConnection: close\r\n\r\n{status_line}"
    ).encode()


_HEAD_TOO_LARGE = _plain_response("431 Request Header Fields Too Large")
