"""A server that echoes, on Lineside's own WebSocket layer: `python -m bench.autobahn.echo`.

Everything below the messages is the product's: HTTP, handshake, frames, compression, closing. What
is put in here is the door that lets everyone in, the listener that sends back what it hears, and
limits wide enough for 16 MiB messages. Prints its port, then serves until SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import signal
from http import HTTPStatus

from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from lineside.hub.frame import Encoding, tick_frame
from lineside.hub.inbound import InboundLimits
from lineside.web.http_stage import MakeListener
from lineside.web.messages import ReaderLimits
from lineside.web.server import LinesideServer, bind, event_loop_factory
from lineside.web.wire import WebSocketWire, WireLimits

_MESSAGE_MAX_BYTES = 64 * 1024 * 1024
_NO_RATION = 1_000_000_000
_TEXT_TO_BINARY = 0x81 ^ 0x82

LIMITS = WireLimits(
    inbound=ReaderLimits(
        message_max_bytes=_MESSAGE_MAX_BYTES,
        control=InboundLimits(per_s=_NO_RATION, burst=_NO_RATION, flood=_NO_RATION),
        takes_binary=True,
    )
)


class EchoDoor:
    """Lets everyone in, whatever the address."""

    def admit(self, _scope: Scope) -> Response | MakeListener:
        """Return what hears the connection."""
        return EchoListener

    def seat_count(self, _address: str) -> int:
        """Return that nobody has a seat here: everyone is welcome."""
        return 0


class EchoListener:
    """Sends back every message, compressed where that was negotiated."""

    __slots__ = ("_encoding", "_wire")

    def __init__(self, wire: WebSocketWire) -> None:
        self._wire = wire
        self._encoding = Encoding.DEFLATE if wire.is_deflated else Encoding.PLAIN

    def on_message(self, message: str | bytes) -> None:
        """Send `message` back as one frame."""
        if isinstance(message, str):
            self._wire.write(tick_frame(message.encode(), self._encoding))
            return
        frame = bytearray(tick_frame(message, self._encoding))
        frame[0] ^= _TEXT_TO_BINARY  # Lineside itself says nothing in binary
        self._wire.write(bytes(frame))

    def on_closed(self) -> None:
        """Nothing is held for a client."""


def echo_server(limits: WireLimits = LIMITS) -> LinesideServer:
    """Return a server on a free port of the loopback address, to be served by the caller."""
    no_page = PlainTextResponse("Only WebSockets are served here.\n", HTTPStatus.NOT_FOUND)
    return LinesideServer(no_page, bind("127.0.0.1", 0), EchoDoor(), wire_limits=limits)


async def serve_until_told() -> None:
    """Print the port and serve until SIGTERM or SIGINT."""
    server = echo_server()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    serving = asyncio.create_task(server.serve())
    await server.ready.wait()
    print(server.port, flush=True)
    await serving


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        runner.run(serve_until_told())
