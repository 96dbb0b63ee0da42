"""Print every status change of a line, as heard from Lineside's WebSocket.

    python watch_line.py [ws://localhost:8000/ws/monitor]

Needs the package `websockets`. It reconnects for ever; while it hears nothing it says so, and
afterwards it compares with what it knew before, so that no change is lost or told twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

DEFAULT_URL = "ws://localhost:8000/ws/monitor"
SILENCE_S = 5.0  # ticks come every second: a silent connection is a dead one
RETRY_S = 3.0
DO_NOT_RETRY = {1002, 1003, 1007, 1008, 1009}  # we sent something wrong; again is no help


async def follow(url: str) -> None:
    """Listen to `url` for ever."""
    statuses: dict[str, str] = {}
    while True:
        try:
            # A plant's server stands on the plant's own network: never ask a proxy for it.
            async with connect(url, compression=None, proxy=None, max_size=None) as socket:
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        take(json.loads(await socket.recv()), statuses)
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else None
            say(f"closed by the server: {error.rcvd or 'no close frame'}")
            if code in DO_NOT_RETRY:
                return
        except InvalidHandshake as error:
            say(f"refused: {error}")
        except (OSError, TimeoutError) as error:
            say(f"nothing heard: {error or 'silence'}")
        await asyncio.sleep(RETRY_S)


def take(message: dict[str, Any], statuses: dict[str, str]) -> None:
    """Print what `message` changes in `statuses`, by equipment code. Unknown types are ignored."""
    if message["type"] == "connection_status":
        say(f"{message['status']}: {message['message']}")
    if message["type"] != "equipment_status":
        return
    for machine in message["equipment"]:
        code, status = machine["equipment_code"], machine["status"]
        if statuses.get(code) != status:
            before = statuses.get(code, "-")
            name = machine["equipment_name"]
            say(f"{message['timestamp']} {code} {before} -> {status} {name}")
            statuses[code] = status


def say(text: str) -> None:
    """Print a line at once, into pipes too."""
    print(text, flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(follow(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_URL))
