"""The `websockets` library's own way: one server, `websockets.broadcast` once a second."""

from __future__ import annotations

import uvloop
from tick import encoded, next_second, payload, stamped
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main() -> None:
    """Serve until ended."""
    message = payload()
    clients: set[ServerConnection] = set()

    async def listen(client: ServerConnection) -> None:
        clients.add(client)
        try:
            await client.wait_closed()
        finally:
            clients.discard(client)

    async with serve(listen, "127.0.0.1", 0, compression=None, backlog=4096) as server:
        print("port", next(iter(server.sockets)).getsockname()[1], flush=True)
        while True:
            await next_second()
            broadcast(clients, encoded(stamped(message)))


uvloop.run(main())
