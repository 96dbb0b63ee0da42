"""What a figure depends on: the machine, the versions, the command. The head of every report."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib.metadata
import os
import platform
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
_SESSION = Path("/proc/self/autogroup")  # "/autogroup-17 nice 0"


def come_first() -> str:
    """Give this process and those it starts the highest ordinary priority; say whether it worked.

    Servers, clients and simulated PLCs all get it, so that whatever else a shared machine does
    disturbs none of them. It takes root. Linux weighs nice values within one session only, and
    sessions by a value of their own; that of this session is put back at the end.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        before = _SESSION.read_text(encoding="ascii").split()[-1]
        _SESSION.write_text("-20", encoding="ascii")
        atexit.register(_SESSION.write_text, before, encoding="ascii")
    return f"nice {os.getpriority(os.PRIO_PROCESS, 0)} for all processes that take part"


def describe(command: str, priority: str, packages: Iterable[str] = ("uvloop",)) -> dict[str, str]:
    """Return when, where and with what a benchmark runs.

    Args:
        command: that repeats it.
        priority: what `come_first` said.
        packages: Python packages whose versions matter.
    """
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine_name(),
        "priority": priority,
        "versions": ", ".join([f"Python {platform.python_version()}", *versions]),
        "command": command,
    }


def table_of(about: Mapping[str, str]) -> str:
    """Return a description as a Markdown table."""
    rows = [f"| {name} | {value} |" for name, value in about.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def machine_name() -> str:
    """Return the processor, the number of its cores, and the system."""
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"{cpu_name()}, {os.cpu_count()} cores, {system}"


def cpu_name() -> str:
    """Return what the processor calls itself."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def process_cpu_s(pid: int) -> float:
    """Return the CPU time that a process has used, in seconds, to the nanosecond (Linux)."""
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
