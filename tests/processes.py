"""Real Lineside processes for tests: started on free ports, stopped by their own id."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

START_TIMEOUT_S = 120.0  # guards against hanging, no bounds
STOP_TIMEOUT_S = 60.0
COLLECT_TIMEOUT_S = 5.0  # for the last words of a process that has ended


_keepers: list[socket.socket] = []


def free_port() -> int:
    """Return a TCP port that is free, and stays so, for what must come back on the same port.

    A socket keeps it that is bound and never listens: the system then gives it to nobody who asks
    for any port, while a server that asks for this one gets it (SO_REUSEADDR).
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    _keepers.append(keeper)
    return int(keeper.getsockname()[1])


class Process:
    """One `lineside` command. What it prints is kept and can be waited for."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        takes_input: bool = False,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stderr: IO[bytes] | None = None,
    ) -> None:
        """Describe the command.

        Args:
            words: after `lineside`.
            takes_input: whether `say` will be used.
            cwd: the folder to run in.
            environment: variables besides this process's own.
            stderr: where standard error goes, if not into `output`.
        """
        self.words = [sys.executable, "-m", "lineside.cli", *words]
        self._takes_input = takes_input
        self._cwd = cwd
        self._environment = dict(environment or {})
        self._stderr = stderr
        self._process: subprocess.Popen[str] | None = None
        self._news = threading.Condition()
        self._lines: list[str] = []
        self._is_over = False
        self._collector = threading.Thread()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        """Everything printed so far; both streams, unless `stderr` went elsewhere."""
        with self._news:
            return "".join(self._lines)

    def start(self) -> None:
        """Start the command."""
        self._lines, self._is_over = [], False
        self._process = subprocess.Popen(
            self.words,
            stdin=subprocess.PIPE if self._takes_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if self._stderr is None else self._stderr,
            text=True,
            encoding="utf-8",
            cwd=self._cwd,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "PYTHONIOENCODING": "utf-8",
                **self._environment,
            },
        )
        self._collector = threading.Thread(target=self._collect, args=(self._process,), daemon=True)
        self._collector.start()

    def _collect(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # closed, since a child of its own holds it open
            for line in process.stdout:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def wait_for(self, pattern: str, timeout_s: float = START_TIMEOUT_S) -> re.Match[str]:
        """Return the first match of `pattern` in the output, waiting for it."""

        def found() -> re.Match[str] | None:
            return re.search(pattern, "".join(self._lines))

        with self._news:
            self._news.wait_for(lambda: found() or self._is_over, timeout_s)
            match = found()
            assert match, f"no {pattern!r} in:\n{''.join(self._lines)}"
            return match

    def say(self, line: str) -> None:
        """Type `line` into the process."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> int:
        """Return the exit code of a process that ends by itself."""
        assert self._process is not None, "not started"
        code = self._process.wait(timeout_s)
        with self._news:
            self._news.wait_for(lambda: self._is_over, STOP_TIMEOUT_S)
        return code

    def kill(self) -> None:
        """End the process without warning, as a power cut does."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Ask the process to end, and return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, name: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(name)
        try:
            return process.wait(STOP_TIMEOUT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(STOP_TIMEOUT_S)
            self._collector.join(COLLECT_TIMEOUT_S)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None


class Server(Process):
    """`lineside run`. `address` is known once it is started; `start` again serves there again."""

    def __init__(self, *words: str, **surroundings: Any) -> None:
        """Describe the server; `surroundings` are those of `Process`."""
        super().__init__(["run", *words, "--port", "0"], **surroundings)
        self.address = ""

    @property
    def port(self) -> int:
        """The TCP port that it serves on."""
        return int(self.address.rsplit(":", 1)[1])

    @property
    def ws_address(self) -> str:
        """The contract's endpoint."""
        return self.address.replace("http", "ws", 1) + "/ws/monitor"

    def start(self) -> None:
        """Start, and wait until screens can connect."""
        super().start()
        self.address = self.wait_for(r"Open (http://\S+?)/? ")[1]
        self.words[-1] = str(self.port)
