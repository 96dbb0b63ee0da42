"""What is logged: one line for one event, whatever words it carries."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lineside.log import printable

FORGED = "red \x1b[31m\r\n2026-01-01T00:00:00Z [info     ] plc online \x9b2J \u2028 \u202e end"
PROGRAM = """
import sys
import structlog
from lineside.log import configure_logging
configure_logging(sys.argv[1])
log = structlog.get_logger("lineside.test")
log.warning("told", told=sys.argv[2])
log.warning(sys.argv[2])
try:
    raise ValueError(sys.argv[2])
except ValueError:
    log.exception("failed", error=sys.argv[2])
"""


def logged(log_format: str) -> list[str]:
    """The lines of a real log of three events, each with FORGED in it."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, log_format, FORGED], capture_output=True, check=True
    )
    return done.stderr.decode().removesuffix("\n").split("\n")


def test_text_that_comes_from_outside_forges_no_line() -> None:
    lines = logged("text")
    assert [line for line in lines if not line.isprintable()] == []
    heads = [line for line in lines if not line.startswith("    ")]
    assert [line.split()[1] for line in heads] == ["[warning", "[warning", "[error"]
    assert "\\x1b[31m" in lines[0]


def test_a_traceback_is_indented_and_shows_no_variables() -> None:
    lines = logged("text")[3:]
    assert lines[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in lines)
    assert "locals" not in "".join(lines)


def test_json_has_one_line_for_one_event() -> None:
    lines = logged("json")
    assert [json.loads(line)["level"] for line in lines] == ["warning", "warning", "error"]
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("text", ["", "용접 1라인", "a b", "{}[]<>&\\"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
