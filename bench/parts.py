"""Parts of a benchmark that run as processes of their own, and the figures that reports share."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence


@contextlib.contextmanager
def started(module: str, *part: str) -> Iterator[tuple[int, str]]:
    """Run `python -m module part...` and end it afterwards; give its id and its first line.

    Raises:
        SystemExit: the part ended without a line.
    """
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", module, *part],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the part {' '.join(part)} of {module} did not start")
        yield process.pid, line
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        process.stdout.close()


def quantile(values: Iterable[float], share: float) -> float:
    """Return the value that `share` of the values lie below; NaN without any."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(rounds: Sequence[Mapping[str, float]], key: str, digits: int = 0) -> str:
    """Return the median of one figure over the rounds, with the lowest and the highest."""
    values = [each[key] for each in rounds]
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
