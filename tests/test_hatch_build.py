"""The monitor is built anew whenever what it is made from has changed in any way."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest

_FILE = Path(__file__).parents[1] / "hatch_build.py"
_SPEC = importlib.util.spec_from_file_location("hatch_build", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
hatch_build = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hatch_build)

BUILT_S, BEFORE_S = 2_000_000, 1_000_000  # long ago: whatever is done now is newer


def is_built(page: Path, monitor: Path) -> bool:
    return bool(hatch_build.is_newer_than_all(page, hatch_build.sources_in(monitor)))


@pytest.fixture
def plant(tmp_path: Path) -> tuple[Path, Path]:
    """A page, and the older sources that it was built from."""
    page, monitor = tmp_path / "index.html", tmp_path / "monitor"
    (monitor / "src" / "app").mkdir(parents=True)
    (monitor / "src" / "app" / "board.tsx").write_text("board")
    (monitor / "src" / "app" / "clock.tsx").write_text("clock")
    page.write_text("page")
    os.utime(page, (BUILT_S, BUILT_S))
    for path in (*monitor.rglob("*"), monitor):
        os.utime(path, (BEFORE_S, BEFORE_S))
    return page, monitor


def test_a_page_newer_than_its_sources_is_kept(plant: tuple[Path, Path]) -> None:
    assert is_built(*plant)


def test_installed_packages_are_no_sources(plant: tuple[Path, Path]) -> None:
    page, monitor = plant
    (monitor / "node_modules" / "react").mkdir(parents=True)
    assert is_built(page, monitor)


@pytest.mark.parametrize(
    "change",
    [
        lambda app: (app / "board.tsx").write_text("changed"),
        lambda app: (app / "clock.tsx").unlink(),
        lambda app: (app / "clock.tsx").rename(app / "time.tsx"),
    ],
    ids=["changed", "deleted", "renamed"],
)
def test_a_change_of_the_sources_is_built(
    plant: tuple[Path, Path], change: Callable[[Path], object]
) -> None:
    page, monitor = plant
    change(monitor / "src" / "app")
    assert not is_built(page, monitor)


def test_a_missing_page_is_built(plant: tuple[Path, Path]) -> None:
    page, monitor = plant
    page.unlink()
    assert not is_built(page, monitor)
