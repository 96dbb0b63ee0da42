"""What is stuck holds up nobody: neither who awaits it, nor the end of the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from lineside.threads import in_daemon_thread


async def test_the_result_comes_back() -> None:
    assert await in_daemon_thread(lambda: threading.current_thread().daemon)


async def test_an_error_comes_back() -> None:
    def fail() -> None:
        raise ValueError("told")

    with pytest.raises(ValueError, match="told"):
        await in_daemon_thread(fail)


def test_the_end_of_the_loop_does_not_wait_for_what_is_stuck() -> None:
    release, ended = threading.Event(), threading.Event()

    def stick() -> None:
        release.wait(600)
        ended.set()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await in_daemon_thread(stick)

    asyncio.run(main())
    assert not ended.is_set()
    release.set()
    assert ended.wait(60)
