"""The server serves on, and ends cleanly, whatever becomes of its standard streams."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from processes import START_TIMEOUT_S, STOP_TIMEOUT_S, free_port

ASK_EVERY_S = 0.1  # since nothing tells that it serves
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes the streams")


def is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=120) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def serves_and_ends_cleanly(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server answers, then end it."""
    try:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not is_healthy(port):
            with suppress(subprocess.TimeoutExpired):
                assert server.wait(ASK_EVERY_S) is None, f"ended with {server.returncode}"
            assert time.monotonic() < deadline_s, "never answered"
        server.terminate()
        assert server.wait(STOP_TIMEOUT_S) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait(STOP_TIMEOUT_S)


def words(port: int) -> list[str]:
    return [sys.executable, "-m", "lineside.cli", "run", "--demo", "--no-past", "--port", str(port)]


@contextmanager
def unread_pipe() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_from_the_start(redirection: str) -> None:
    port = free_port()
    server = subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$0" "$@" {redirection}', *words(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    serves_and_ends_cleanly(server, port)


def test_standard_output_that_nobody_reads() -> None:
    port = free_port()
    with unread_pipe() as pipe:
        server = subprocess.Popen(words(port), stdout=pipe, stderr=subprocess.DEVNULL)
    serves_and_ends_cleanly(server, port)


def test_a_log_that_nobody_reads() -> None:
    port = free_port()
    with unread_pipe() as pipe:
        server = subprocess.Popen(words(port), stdout=pipe, stderr=pipe)
    serves_and_ends_cleanly(server, port)
