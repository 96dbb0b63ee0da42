"""The contract suite: what clients were promised, shown on the real server with the demo plant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from processes import Server

CONTRACT = Path(__file__).parents[2] / "docs" / "reference" / "contract.md"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The demo plant on a free port, for the whole suite."""
    with Server("--demo", "--no-past") as running:
        yield running


@pytest.fixture(scope="session")
def printed() -> Callable[[str], str]:
    """Return the code block of the contract that begins with a given first line."""
    blocks = re.findall(r"```\w*\n(.*?)```", CONTRACT.read_text(encoding="utf-8"), re.DOTALL)

    def find(first_line: str) -> str:
        (block,) = (b for b in blocks if b.startswith(first_line))
        return str(block)

    return find
