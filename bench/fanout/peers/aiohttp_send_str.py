"""aiohttp: `send_str` of one string to each client, one after another."""

from __future__ import annotations

import contextlib

import uvloop
from aiohttp import WSMsgType, web
from tick import encoded, next_second, payload, stamped


async def main() -> None:
    """Serve until ended."""
    message = payload()
    clients: set[web.WebSocketResponse] = set()

    async def listen(request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(compress=False)
        await client.prepare(request)
        clients.add(client)
        try:
            async for received in client:
                if received.type is WSMsgType.ERROR:
                    break
        finally:
            clients.discard(client)
        return client

    app = web.Application()
    app.router.add_get("/ws", listen)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print("port", runner.addresses[0][1], flush=True)
    while True:
        await next_second()
        text = encoded(stamped(message))
        for client in list(clients):
            with contextlib.suppress(ConnectionError):
                await client.send_str(text)


uvloop.run(main())
