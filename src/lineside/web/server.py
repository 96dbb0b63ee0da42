"""The HTTP and WebSocket server: uvicorn with Lineside's protocols, sockets and way of stopping."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from lineside.core import limits
from lineside.web.connection_cap import ConnectionCap, connection_limit
from lineside.web.http_stage import Door, HttpStage
from lineside.web.wire import WireLimits

_ANY_IPV4, _ANY_IPV6 = "0.0.0.0", "::"
_BACKLOG = 4096  # all screens of a plant come back in the same second after a restart
_OTHER_DESCRIPTORS = 1000  # PLCs, files, HTTP requests
_ANSWER_S = 1.5  # for clients to take the answers that are under way
_GRACE_S = 2.0  # for whatever is still being answered then
_DATE_S = 1.0
# A restart must not wait for old connections to time out. Windows needs no option for that, and
# there the option of that name would let two programs serve on one port.
_ADDRESS_OPTION: int = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)

_log = structlog.get_logger("lineside.web")


def event_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return the fastest event loop there is on this machine: uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def bind(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for every address that `host` stands for.

    They listen at once: between bind and listen another program may take the port, of which
    uvloop says nothing. Who connects before the server runs is answered when it does.

    Args:
        host: an address or a name; "0.0.0.0" means every interface, "::" every one with IPv4 too.
        port: 0 lets the system pick one, the same for every address.

    Raises:
        OSError: the address is not ours, or the port is in use (`errno.EADDRINUSE`).
    """
    infos = _addresses(host, port)
    if host == _ANY_IPV6:
        # Its own socket: what came over IPv4 keeps its address, and no setting of the system
        # decides whether it is heard.
        infos += _addresses(_ANY_IPV4, port)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(infos):
            bound = socket.socket(family, kind, protocol)
            sockets.append(bound)
            bound.setsockopt(socket.SOL_SOCKET, _ADDRESS_OPTION, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((address[0], port, *address[2:]))
            port = port or bound.getsockname()[1]
        for bound in sockets:
            bound.listen(_BACKLOG)
    except OSError:
        for bound in sockets:
            bound.close()
        raise
    return sockets


def _addresses(host: str, port: int) -> list[tuple[Any, ...]]:
    flags = socket.AI_PASSIVE | socket.AI_NUMERICSERV
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))


def lift_descriptor_limit() -> int | None:
    """Let the process open as many sockets as its clients may need, as far as the system allows.

    Most systems start a process with 1024, and the 1025th screen would hang unanswered.

    Returns:
        How many files the process may open from now on; None when there is no limit.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.CONNECTIONS_MAX + _OTHER_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return None if soft == resource.RLIM_INFINITY else soft


class LinesideServer(uvicorn.Server):
    """One server on sockets that are already bound. It leaves signals to its owner.

    `serve()` runs until `stop()` is called or it is cancelled; both end it in an orderly way within
    `shutdown_timeout_s`: listen no more, close the WebSockets, finish what is being answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        door: Door,
        *,
        close_websockets: Callable[[], Awaitable[None]] | None = None,
        wire_limits: WireLimits | None = None,
        shutdown_timeout_s: float = limits.SHUTDOWN_TIMEOUT_S,
    ) -> None:
        """Prepare to serve `app`.

        Args:
            app: the ASGI application that answers HTTP.
            sockets: from `bind`.
            door: opens WebSockets.
            close_websockets: awaited first when stopping; `Hub.close_all`.
            wire_limits: bounds per connection; the house's own by default.
            shutdown_timeout_s: how long stopping may take; what is still open then is cut off.
        """
        wire = wire_limits or WireLimits()
        self.cap = ConnectionCap(connection_limit(None))
        super().__init__(
            uvicorn.Config(
                app,
                http=type(
                    "HttpStage", (HttpStage,), {"limits": wire, "cap": self.cap, "door": door}
                ),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=_GRACE_S,  # type: ignore[arg-type]
            )
        )
        self._sockets = list(sockets)
        self._close_websockets = close_websockets
        self._shutdown_timeout_s = shutdown_timeout_s
        self.ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self.port: int = self._sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Ask `serve()` to end."""
        self.should_exit = True
        self._stopping.set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until stopped or cancelled; `ready` is set once connections are accepted."""
        await super().serve(sockets or self._sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        self.cap.limit = connection_limit(lift_descriptor_limit())
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Wait for the end, and end in an orderly way when it comes as a cancellation.

        Unlike uvicorn's own, which looks ten times a second whether it is to stop, this one wakes
        once a second, for the `Date` header.
        """
        try:
            while not await self.on_tick(0):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_DATE_S):
                        await self._stopping.wait()
        except asyncio.CancelledError:
            await self.shutdown(self._sockets)
            raise

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything in bounded time."""
        for server in self.servers:
            server.close()
        try:
            async with asyncio.timeout(self._shutdown_timeout_s):
                if self._close_websockets is not None:
                    await self._close_websockets()
                loop = asyncio.get_running_loop()
                # A request whose client does not read ends by itself when the client is gone;
                # uvicorn would cancel it, and log that as a fault of the application.
                cut = loop.call_later(_ANSWER_S, self._cut_off)
                try:
                    await super().shutdown(sockets)
                finally:
                    cut.cancel()
        except TimeoutError:
            _log.warning("stopping took too long: cut off what is open")
            for listening in sockets or ():
                listening.close()
        self._cut_off()

    def _cut_off(self) -> None:
        """End every connection now; what is unsent is lost."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: the application that owns this server handles them."""
        yield
