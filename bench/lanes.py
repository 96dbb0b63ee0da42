"""How smoothly the timeline moves under a hand: `PYTHONPATH=tests python -m bench.lanes`.

A hundred machines with a week behind them, some 60,000 stretches, read by a real server process
and shown by Chromium at 1920x1080. The week is dragged to and fro, its lanes are scrolled, and it
is zoomed into until minutes can be read; every frame of each is traced.

Prints and writes the table to `bench/results/lanes.md`. A frame is what the main thread does for
it, script to commit; its processor time does not depend on what else the machine does meanwhile.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.machine import RESULTS, describe, table_of
from bench.page import TRACED, VIEWPORT
from bench.parts import quantile
from playwright.sync_api import Browser, Page, expect, sync_playwright

from e2e.conftest import launch
from e2e.large_plant import LargePlant
from e2e.past import WORK_TIME, write_past
from processes import Server

MACHINES = 100
DAYS = 7.2
STEPS = 120
STEP_MS = 16
SETTLE_MS = 3_000


def main() -> None:
    """Measure, print and write what came out."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        remembering(Path(folder)) as (server, stretches),
    ):
        browser = launch(playwright)
        rows = measure(browser, server)
        chromium = browser.version
        browser.close()
    priority = f"nice {os.getpriority(os.PRIO_PROCESS, 0)}"
    about = describe("PYTHONPATH=tests python -m bench.lanes", priority, ("playwright",))
    about["browser"] = f"Chromium {chromium}, headless, without a graphics processor, 1920x1080"
    about["load"] = f"{MACHINES} machines, 7 days in view, {stretches:,} stretches"
    text = report(rows, about)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "lanes.md").write_text(text, encoding="utf-8")


@contextmanager
def remembering(folder: Path) -> Iterator[tuple[Server, int]]:
    """Run a plant with a week behind it; give its server and the number of stretches."""
    plant = LargePlant(folder, MACHINES)
    with plant.config.open("a", encoding="utf-8") as config:
        config.write(WORK_TIME)
    past = write_past(plant, round(time.time() * 1000) - 20_000, days=DAYS)
    with plant.running(), plant.server() as server:
        yield server, sum(map(len, past.values()))


def measure(browser: Browser, server: Server) -> dict[str, dict[str, float]]:
    """Return the figures of each movement."""
    page = browser.new_context(viewport=VIEWPORT).new_page()  # type: ignore[arg-type]
    page.goto(f"{server.address}/?page=timeline&lang=en")
    expect(page.locator("[data-notice]")).to_have_text("", timeout=60_000)
    page.get_by_role("button", name="7 d", exact=True).click()
    page.wait_for_timeout(SETTLE_MS)

    def drag(begin_px: int, step_px: int) -> None:
        page.mouse.move(begin_px, 600)
        page.mouse.down()
        steps(page, lambda n: page.mouse.move(begin_px + n * step_px, 600))
        page.mouse.up()

    def zoom() -> None:
        page.keyboard.down("Control")
        steps(page, lambda _: page.mouse.wheel(0, -20))
        page.keyboard.up("Control")

    movements: dict[str, Callable[[], None]] = {
        "drag a week into the past": lambda: drag(700, 8),
        "drag it back": lambda: drag(1700, -8),
        "scroll the lanes": lambda: steps(page, lambda _: page.mouse.wheel(0, 15)),
        "zoom from a week to minutes": zoom,
    }
    return {name: traced(browser, page, move) for name, move in movements.items()}


def steps(page: Page, step: Callable[[int], None]) -> None:
    """Take steps as fast as a screen shows them."""
    for number in range(STEPS):
        step(number)
        page.wait_for_timeout(STEP_MS)


def traced(browser: Browser, page: Page, move: Callable[[], None]) -> dict[str, float]:
    """Return what the frames of a movement cost, in ms."""
    browser.start_tracing(page=page, categories=list(TRACED))
    begin_s = time.monotonic()
    move()
    lasted_s = time.monotonic() - begin_s
    events = json.loads(browser.stop_tracing())["traceEvents"]
    own = main_thread(events)
    frames = [e for e in own if e["name"] == "ProxyMain::BeginMainFrame"]
    spent = [e.get("tdur", 0) / 1_000 for e in frames]
    tasks = [e.get("tdur", 0) / 1_000 for e in own if e["name"] == "RunTask"]
    return {
        "frames": len(frames),
        "frames_per_s": len(frames) / lasted_s,
        "p50": statistics.median(spent),
        "p95": quantile(spent, 0.95),
        "max": max(spent),
        "task": max(tasks),
    }


def main_thread(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the main thread of the page's process did."""
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    main = [
        event
        for event in events
        if event.get("ph") == "X" and names.get((event["pid"], event["tid"])) == "CrRendererMain"
    ]
    page = statistics.mode(event["pid"] for event in main if event["name"] == "FunctionCall")
    return [event for event in main if event["pid"] == page]


def report(rows: Mapping[str, Mapping[str, float]], about: Mapping[str, str]) -> str:
    """Return the table."""
    head = "| | frames | frames/s | frame p50, ms | p95, ms | max, ms | longest task, ms |"
    lines = [
        "# The timeline under a hand",
        "",
        "Written by `python -m bench.lanes`. Processor time of the main thread per frame; at 60 "
        "frames a second there are 16.7 ms for one. Tracing costs time itself.",
        "",
        table_of(about),
        "",
        head,
        "|---|" + "---:|" * 6,
        *(
            f"| {name} | {row['frames']:.0f} | {row['frames_per_s']:.0f} | {row['p50']:.1f} "
            f"| {row['p95']:.1f} | {row['max']:.1f} | {row['task']:.0f} |"
            for name, row in rows.items()
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
