"""Conformance of Lineside's WebSocket layer: `make autobahn`.

Installs the Autobahn fuzzing client (Python 2.7) into `.cache/autobahn`, starts `echo.py`, lets the
client loose on it over loopback, and writes `bench/results/autobahn.{md,json}`. Ends with 0 when
all cases passed, with 1 when one did not, with 2 when the suite could not be run.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.autobahn import report, suite
from bench.machine import RESULTS, machine_name

_ROOT = Path(__file__).parents[2]
_STOP_TIMEOUT_S = 10
_VERSIONS_OF = ("websockets", "uvicorn", "httptools", "uvloop")


def main() -> int:
    """Install, run, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", help='only these, and write nothing; such as "5.*"')
    options = parser.parse_args()
    try:
        wstest = suite.install(suite.find_python2())
        started_s = time.monotonic()
        with echo_server() as port:
            records = suite.run(
                wstest, port, options.cases or [f"{each}.*" for each in report.GROUPS]
            )
    except suite.SuiteError as error:
        print(error, file=sys.stderr)
        return 2
    in_order = sorted(records, key=lambda case: [int(part) for part in case.split(".")])
    verdicts = {case: report.verdict(records[case]) for case in in_order}
    unlike = report.exceptions(records, verdicts)
    print(report.table(verdicts), unlike, sep="\n\n")
    if not options.cases:
        write(verdicts, unlike, time.monotonic() - started_s)
    return 0 if all(report.is_passed(case, how) for case, how in verdicts.items()) else 1


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """Run the echo server as a process of its own; yield its port."""
    command = [sys.executable, "-m", "bench.autobahn.echo"]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.terminate()
            server.wait(_STOP_TIMEOUT_S)


def write(verdicts: dict[str, report.Verdict], unlike: str, took_s: float) -> None:
    """Write both records."""
    about = describe() | {"took_s": str(round(took_s))}
    facts = "\n".join(f"| {name} | {value} |" for name, value in about.items())
    text = (
        "# The Autobahn fuzzing client against Lineside's WebSocket layer\n\n"
        f"Written by `make autobahn`.\n\n| | |\n|---|---|\n{facts}\n\n"
        "NON-STRICT and INFORMATIONAL pass: the standard leaves these open. UNIMPLEMENTED cases "
        "have not run: they need what the handshake declined.\n\n"
        f"{report.table(verdicts)}\n\n## Cases that are not plainly OK\n\n{unlike}\n"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "autobahn.md").write_text(text)
    record = {"about": about, "cases": report.compact(verdicts)}
    (RESULTS / "autobahn.json").write_text(json.dumps(record, separators=(",", ":")) + "\n")


def describe() -> dict[str, str]:
    """Return what the figures depend on: machine, versions, command."""
    locked = (Path(__file__).parent / "requirements-python2.lock").read_text()
    pins = dict(line.rstrip(" \\").split("==") for line in locked.splitlines() if "==" in line)
    versions = [f"{name} {importlib.metadata.version(name)}" for name in _VERSIONS_OF]
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine_name(),
        "server": f"Python {platform.python_version()}, {', '.join(versions)}",
        "client": f"autobahntestsuite {pins['autobahntestsuite']}, autobahn {pins['autobahn']}, "
        "Python 2.7, over 127.0.0.1",
        "command": "make autobahn",
    }


if __name__ == "__main__":
    sys.exit(main())
