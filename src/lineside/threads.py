"""Runs what may wait for ever (a hung network share) where nothing has to wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def in_daemon_thread(function: Callable[[], ResultT]) -> ResultT:
    """Return what `function` returns, or raise what it raises, from a thread of its own.

    Unlike with `asyncio.to_thread`, neither a cancellation nor the end of the event loop or of
    the process waits for a function that is stuck; its result is then lost.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[ResultT] = loop.create_future()

    def settle(tell: Callable[[], None]) -> None:
        if not outcome.done():  # nobody cancelled
            tell()

    def work() -> None:
        try:
            tell = partial(outcome.set_result, function())
        except BaseException as error:  # noqa: BLE001 -- told to whoever awaits it
            tell = partial(outcome.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, tell)

    threading.Thread(target=work, name="files", daemon=True).start()
    return await outcome
