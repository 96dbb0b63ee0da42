"""A TCP relay in front of a server, as a hostile or broken network would be.

HTTP passes through untouched. Of a WebSocket it knows where one server frame ends and the next
begins (they are unmasked), and there a test may put frames of its own, or drop the connection.
It never answers for the server.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress

TEXT, BINARY = 0x1, 0x2
CHUNK_BYTES = 65_536
START_TIMEOUT_S = 60.0
TURNS = 10  # of the loop; each takes a connection one step nearer to its task
# Not passed on: a test reads and writes what the server says, which compression would hide.
_EXTENSIONS = re.compile(rb"(?im)^sec-websocket-extensions:.*\n")

#: Given the payload of a text frame of the server, returns the frames to send in its place.
Rewrite = Callable[[bytes], list[bytes]]


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return one unmasked, final WebSocket frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        head = bytes([0x80 | opcode, size])
    elif size < 65_536:
        head = bytes([0x80 | opcode, 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 127]) + size.to_bytes(8, "big")
    return head + payload


class Relay:
    """Listens on `port` and relays to `server_port`; see the module."""

    def __init__(self, port: int, server_port: int, rewrite: Rewrite) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.port = port
        self._server_port = server_port
        self._rewrite = rewrite
        self._loop = asyncio.new_event_loop()
        self._listener: asyncio.Server | None = None
        self._websockets: set[asyncio.StreamWriter] = set()
        self._serving: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    @contextmanager
    def running(self) -> Iterator[Relay]:
        """Relay in a thread of its own for as long as the block lasts."""
        thread = threading.Thread(target=self._loop.run_forever, name="relay")
        thread.start()
        try:
            self._in_thread(self._start())
            yield self
        finally:
            self._in_thread(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(START_TIMEOUT_S)
            self._loop.close()

    def drop_websockets(self) -> None:
        """Cut every WebSocket, without a goodbye."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for writer in self._websockets:
            writer.transport.abort()

    def _in_thread(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_TIMEOUT_S)

    async def _start(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _end(self) -> None:
        if self._listener is not None:
            self._listener.close()
        await let_turns_pass()
        while serving := dict(self._serving):
            for to_page in serving:
                to_page.transport.abort()
            await asyncio.gather(*serving.values())
            await let_turns_pass()

    def _accept(self, page: asyncio.StreamReader, to_page: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(page, to_page))
        self._serving[to_page] = task
        task.add_done_callback(lambda _: self._serving.pop(to_page))

    async def _serve(self, page: asyncio.StreamReader, to_page: asyncio.StreamWriter) -> None:
        """Relay one connection until either side ends it; then end both."""
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            to_page.close()
            return
        with suppress(OSError, asyncio.IncompleteReadError):
            request = await page.readuntil(b"\r\n\r\n")
            to_server.write(_EXTENSIONS.sub(b"", request))
            onward = self._loop.create_task(_copy(page, to_server))
            with suppress(OSError, asyncio.IncompleteReadError):
                if b"upgrade: websocket" in request.lower():
                    await self._relay_frames(server, to_page)
                else:
                    await _copy(server, to_page)
            to_page.close()
            await onward
        for writer in (to_server, to_page):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _relay_frames(
        self, server: asyncio.StreamReader, to_page: asyncio.StreamWriter
    ) -> None:
        to_page.write(await server.readuntil(b"\r\n\r\n"))
        self._websockets.add(to_page)
        try:
            while True:
                head = await server.readexactly(2)
                size, more = head[1] & 0x7F, b""
                if size >= 126:
                    more = await server.readexactly(2 if size == 126 else 8)
                    size = int.from_bytes(more, "big")
                payload = await server.readexactly(size)
                is_text = head[0] & 0x0F == TEXT
                frames = self._rewrite(payload) if is_text else [head + more + payload]
                to_page.write(b"".join(frames))
                await to_page.drain()
        finally:
            self._websockets.discard(to_page)


async def let_turns_pass() -> None:
    """What was accepted a moment ago gets its task, and what was closed lets go of its socket."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()
