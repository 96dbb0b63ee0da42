"""The contract's own code, byte for byte as printed there, against the real server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RUNNER = Path(__file__).parent / "in_own_network.py"


def can_unshare() -> bool:
    """Whether this machine lets a process have a network of its own."""
    words = ["unshare", "--net", "--map-root-user", "true"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_unshare(), reason="this machine allows no network namespaces")
def test_the_printed_python_script_runs_green(
    printed: Callable[[str], str], tmp_path: Path
) -> None:
    script = tmp_path / "test_websocket_monitor.py"
    script.write_text(printed("// backend/src/scripts").split("\n", 1)[1], encoding="utf-8")
    done = subprocess.run(
        ["unshare", "--net", "--map-root-user", sys.executable, RUNNER, sys.executable, script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Connected to WebSocket server" in done.stdout
    counts = re.findall(r"Message \d+: (\w+), Equipment count: (\d+)", done.stdout)
    assert counts == [("connection_status", "0")] + [("equipment_status", "17")] * 9
