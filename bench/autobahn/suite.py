"""The Autobahn fuzzing client: how it is installed and run. It exists for Python 2.7 only.

Everything goes into `.cache/autobahn`; nothing of it touches the environment of Lineside.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_CACHE = _HERE.parents[1] / ".cache" / "autobahn"
_PYTHON2_LOCK = _HERE / "requirements-python2.lock"
_VIRTUALENV_LOCK = _HERE / "requirements-virtualenv.lock"
_INSTALL_TIMEOUT_S = 900
_RUN_TIMEOUT_S = 3600
_PROGRESS_CASES = 50
AGENT = "lineside"


class SuiteError(Exception):
    """Why the suite cannot be installed or run, for the one who asked for it."""


def find_python2() -> Path:
    """Return a Python 2.7 that runs: from the PATH, or one that pyenv has built.

    Raises:
        SuiteError: there is none.
    """
    on_path = shutil.which("python2.7")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [Path(on_path)] if on_path else []
    candidates += sorted(pyenv.glob("versions/2.7*/bin/python2.7"), reverse=True)
    for candidate in candidates:
        # What is on the PATH may be a shim of pyenv's that finds no Python behind it.
        if subprocess.run([candidate, "-c", "import ssl"], capture_output=True).returncode == 0:  # noqa: S603
            return candidate
    raise SuiteError("The suite needs Python 2.7: none is on the PATH or under ~/.pyenv/versions.")


def install(python2: Path) -> Path:
    """Install the suite, hash-checked, unless it is there; return its `wstest`.

    Raises:
        SuiteError: a step of the installation failed.
    """
    wstest = _CACHE / "python2" / "bin" / "wstest"
    marker = _CACHE / "installed"
    wanted = f"{python2}\n{_VIRTUALENV_LOCK.read_text()}{_PYTHON2_LOCK.read_text()}"
    if wstest.exists() and marker.exists() and marker.read_text() == wanted:
        return wstest
    print("Installing the suite into .cache/autobahn ...", flush=True)
    shutil.rmtree(_CACHE, ignore_errors=True)
    # The virtualenv of today makes no environments for Python 2.7 any more.
    venv.create(_CACHE / "virtualenv", with_pip=True)
    maker = _CACHE / "virtualenv" / "bin" / "python"
    _run(maker, "-m", "pip", "install", "-q", "--require-hashes", "-r", _VIRTUALENV_LOCK)
    _run(maker, "-m", "virtualenv", "-q", "-p", python2, _CACHE / "python2")
    pip = (_CACHE / "python2" / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps")
    _run(*pip, "--require-hashes", "-r", _PYTHON2_LOCK)
    marker.write_text(wanted)
    return wstest


def run(wstest: Path, port: int, cases: list[str]) -> dict[str, dict[str, Any]]:
    """Run the fuzzing client against a server on this machine; return its record of each case.

    Args:
        wstest: from `install`.
        port: of an echo server on 127.0.0.1.
        cases: such as "5.*".

    Raises:
        SuiteError: it ended badly, took too long, or left out cases.
    """
    reports = _CACHE / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    spec = _CACHE / "fuzzingclient.json"
    server = {"agent": AGENT, "url": f"ws://127.0.0.1:{port}"}
    spec.write_text(
        json.dumps(
            {
                "outdir": str(reports),
                "servers": [server],
                "cases": cases,
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
        )
    )
    command = ["timeout", str(_RUN_TIMEOUT_S), str(wstest), "-m", "fuzzingclient", "-s", str(spec)]
    begun = 0
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=_CACHE
    ) as client:
        assert client.stdout is not None
        for line in client.stdout:
            if line.startswith("Running test case ID"):
                begun += 1
                if begun % _PROGRESS_CASES == 1:
                    print(f"  {begun} cases begun: {line.split()[4]}", flush=True)
    if client.returncode != 0:
        raise SuiteError(f"The fuzzing client ended with status {client.returncode}.")
    index: dict[str, Any] = json.loads((reports / "index.json").read_text())[AGENT]
    if len(index) != begun or not begun:
        raise SuiteError(f"{begun} cases were begun and {len(index)} recorded.")
    return dict(_records(reports, index))


def _records(reports: Path, index: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for case, entry in index.items():
        yield case, json.loads((reports / entry["reportfile"]).read_text())


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    # Python 2.7's pip warns at length that it is old; what it says matters only when it fails.
    result = subprocess.run(  # noqa: S603
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_INSTALL_TIMEOUT_S,
        text=True,
    )
    if result.returncode != 0:
        print(result.stdout, file=sys.stderr)
        raise SuiteError(f"This failed: {' '.join(words)}")
