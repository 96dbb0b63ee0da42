"""Runs what may wait for ever (a hung network share) where nothing has to wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def in_daemon_thread(function: Callable[[], ResultT]) -> ResultT:
    """Return what `function` returns, or raise what it raises, from a thread of its own.

    Unlike with `asyncio.to_thread`, neither a cancellation nor the end of the event loop or of
    the process waits for a function that is stuck; its result is then lost.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[ResultT] = loop.create_future()

    def settle(result: ResultT | None, error: BaseException | None) -> None:
        if outcome.done():  # cancelled
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type] -- no error: there is a result

    def work() -> None:
        result, failure = None, None
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 -- told to whoever awaits it
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name="files", daemon=True).start()
    return await outcome
