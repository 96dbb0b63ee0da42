"""FastAPI as its tutorial shows it: a manager that awaits `send_json` for each connection in turn.

uvicorn's defaults, uvloop and httptools included.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from tick import next_second, payload, stamped

message = payload()
connections: list[WebSocket] = []


async def broadcast() -> None:
    """Send the message to everyone, once a second."""
    while True:
        await next_second()
        data = stamped(message)
        for connection in list(connections):
            with contextlib.suppress(Exception):
                await connection.send_json(data)


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Broadcast for as long as the application lives."""
    task = asyncio.create_task(broadcast())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def listen(websocket: WebSocket) -> None:
    """Accept, and hear the client out."""
    await websocket.accept()
    connections.append(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        connections.remove(websocket)


if __name__ == "__main__":
    bound = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print("port", bound.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[bound])
