"""The server must hold on both event loops: uvloop's where it is installed, asyncio's elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from lineside.web.server import event_loop_factory

_ON_BOTH_LOOPS = ("test_ws", "test_wire", "test_server")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name.startswith(_ON_BOTH_LOOPS):
        return {"asyncio": asyncio.new_event_loop, "fastest": event_loop_factory()}
    return {"asyncio": asyncio.new_event_loop}
