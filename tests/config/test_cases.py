"""One folder per case: what is said of a configuration, word for word.

A case is a `lineside.toml`, the files it names, and `expected.txt`: the mistakes, or for a good
configuration its warnings. A new case is a new folder.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.config import load_config
from lineside.core.errors import ConfigError
from lineside.drivers import DRIVERS

CASES = Path(__file__).parent / "cases"


def report(file: Path) -> str:
    """Return all that the loader says of `file`."""
    try:
        loaded = load_config(file, DRIVERS)
    except ConfigError as error:
        return "".join(f"{problem}\n" for problem in error.problems)
    return "good\n" + "".join(f"warning: {warning}\n" for warning in loaded.warnings)


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / case)
    assert report(Path("lineside.toml")) == Path("expected.txt").read_text(encoding="utf-8")


def test_every_case_that_is_not_good_names_a_remedy_or_the_allowed_values() -> None:
    said = {path.name: (path / "expected.txt").read_text("utf-8") for path in CASES.iterdir()}
    assert not [name for name, text in said.items() if not text.strip()]
    assert all(text == "good\n" for name, text in said.items() if name.startswith("good-"))
