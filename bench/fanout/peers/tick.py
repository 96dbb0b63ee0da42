"""What every Python peer needs: the payload, and when the next whole second is."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def payload() -> dict[str, Any]:
    """Return the message to send, from the file that the command line names."""
    message: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return message


def stamped(message: dict[str, Any]) -> dict[str, Any]:
    """Return `message` with the present as its timestamp."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**message, "timestamp": now}


def encoded(message: dict[str, Any]) -> str:
    """Return `message` as compact JSON."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


async def next_second() -> None:
    """Wait until the next whole second of the wall clock."""
    await asyncio.sleep(1.0 - time.time() % 1.0)
