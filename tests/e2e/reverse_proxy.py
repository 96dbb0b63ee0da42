"""A small reverse proxy as plants have them in front of a server: in a folder, or under a name."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from e2e.relay import let_turns_pass

CHUNK_BYTES = 65_536
START_TIMEOUT_S = 10.0


class ReverseProxy:
    """Passes every request on to a server, and every answer back; WebSockets too."""

    def __init__(
        self,
        port: int,
        server_port: int,
        *,
        folder: str = "",
        is_stripped: bool = True,
        renames_host: bool = False,
    ) -> None:
        """Describe the proxy.

        Args:
            port: where it listens, on 127.0.0.1.
            server_port: the server's.
            folder: the first part of every address, as in "/line"; what is outside is not found.
            is_stripped: whether the server sees addresses without the folder.
            renames_host: whether the server sees its own name in place of the proxy's.
        """
        self.address = f"http://127.0.0.1:{port}"
        self._port = port
        self._server_port = server_port
        self._folder = folder
        self._is_stripped = is_stripped
        self._renames_host = renames_host
        self._loop = asyncio.new_event_loop()
        self._serving: set[asyncio.Task[None]] = set()  # the loop itself may forget one

    @contextmanager
    def running(self) -> Iterator[ReverseProxy]:
        """Serve in a thread of its own for as long as the block lasts."""
        thread = threading.Thread(target=self._loop.run_forever, name="reverse proxy")
        thread.start()
        listening = asyncio.start_server(self._accept, "127.0.0.1", self._port)
        started = asyncio.run_coroutine_threadsafe(listening, self._loop)
        try:
            server = started.result(START_TIMEOUT_S)
            yield self
        finally:
            ended = asyncio.run_coroutine_threadsafe(self._end(server), self._loop)
            ended.result(START_TIMEOUT_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(START_TIMEOUT_S)
            self._loop.close()

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        await let_turns_pass()
        while self._serving:
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await let_turns_pass()

    def _accept(self, page: asyncio.StreamReader, to_page: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(page, to_page))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, page: asyncio.StreamReader, to_page: asyncio.StreamWriter) -> None:
        """Pass one request on; its connection is then used for nothing else."""
        writers = [to_page]
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                head = self._rewritten(await page.readuntil(b"\r\n\r\n"))
                if head is None:
                    to_page.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    return
                server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
                writers.append(to_server)
                to_server.write(head)
                await asyncio.gather(_copy(page, to_server), _copy(server, to_page))
        finally:
            for writer in writers:
                writer.close()

    def _rewritten(self, head: bytes) -> bytes | None:
        method, target, version = head.split(b"\r\n", 1)[0].split(b" ")
        folder = self._folder.encode()
        if not target.startswith(folder):
            return None
        if self._is_stripped:
            target = target[len(folder) :] or b"/"
        lines = [b" ".join((method, target, version)), head.split(b"\r\n", 1)[1]]
        whole = b"\r\n".join(lines)
        if b"upgrade: websocket" not in head.lower():
            whole = re.sub(rb"(?im)^connection:.*\r\n", b"", whole)
            whole = whole.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        if self._renames_host:
            own = f"127.0.0.1:{self._server_port}".encode()
            whole = re.sub(rb"(?im)^host:.*\r\n", b"Host: " + own + b"\r\n", whole)
        return whole


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    # The other direction may go on: a browser that has asked still waits for its answer.
    with suppress(OSError):
        writer.write_eof()
