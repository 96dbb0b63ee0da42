"""Running a coroutine for a command: Ctrl-C and SIGTERM end it quietly, errors stay readable."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import click


class OutputGone(Exception):
    """Who read standard output has gone (`| head`). No OSError: it is no fault of a network."""


def echo(line: str | bytes) -> None:
    """Print one line, for a command that also speaks to a network.

    Raises:
        OutputGone: nobody reads any more.
    """
    try:
        click.echo(line)
    except BrokenPipeError as error:
        raise OutputGone from error


def run_until_stopped(main: Coroutine[Any, Any, int]) -> int:
    """Run `main` until it ends or somebody stops it, which is an ordinary end.

    Returns:
        What `main` returned; 0 when it was stopped.

    Raises:
        click.ClickException: as raised in `main`, also from within a task group.
    """

    async def until_stopped() -> int:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs inside a task
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows raises KeyboardInterrupt
                loop.add_signal_handler(number, task.cancel)
        return await main

    try:
        return asyncio.run(until_stopped())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    except (OutputGone, BrokenPipeError):
        return _end_of_pipe()
    except BaseExceptionGroup as group:
        if group.subgroup((OutputGone, BrokenPipeError)):
            return _end_of_pipe()
        usage = group.subgroup(click.ClickException)
        if usage is not None:
            raise _first(usage) from None
        raise


def _first(group: BaseExceptionGroup[click.ClickException]) -> click.ClickException:
    """Return the first error in a group of groups."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _end_of_pipe() -> int:
    """Leave quietly when the reader has gone: Python would complain while closing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
