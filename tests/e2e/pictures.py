"""Pictures of the monitor for people to look at, in a folder that git ignores."""

from __future__ import annotations

from pathlib import Path

from e2e.monitor_page import MonitorPage

FOLDER = Path(__file__).parent / "screenshots"
PICTURE_MIN_BYTES = 15_000  # one colour at 390x844 is under 4 kB


def picture(monitor: MonitorPage, name: str) -> None:
    """Write a picture once the fonts are there, and judge that it shows something."""
    monitor.page.evaluate("() => document.fonts.ready.then(() => true)")
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.png"
    monitor.page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size > PICTURE_MIN_BYTES, f"{path.name} is blank"
