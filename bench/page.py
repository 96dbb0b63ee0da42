"""What the page costs under load: `PYTHONPATH=tests python -m bench.page`.

Simulated plants of 17, 100 and 500 machines with a life of their own, read by a real server process
and shown by Chromium at 1920x1080. Each round starts all of it anew and opens two pages in
turn: one counts what React commits and which boxes it renders, the other is only traced. Then,
for each size, eight hours are hurried through: a relay in front of the server sends many ticks for
each real one, a second apart by their timestamps, while the plant lives faster, and the heap is
measured after garbage collection at each hour.

Prints and writes the tables to `bench/results/page.md` and every round to `page.json`.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.machine import RESULTS, come_first, describe
from bench.page_report import report
from bench.parts import quantile
from playwright.sync_api import Browser, Page, sync_playwright
from websockets.sync.client import connect

from e2e.conftest import launch
from e2e.large_plant import LargePlant
from e2e.monitor_page import MonitorPage
from e2e.relay import Relay, frame
from e2e.renders import COUNTER, take_renders
from e2e.wall import wall
from processes import Server

SIZES = (17, 100, 500)
VIEWPORT = {"width": 1920, "height": 1080}
#: For hurried hours of large boards, whose drawing would take longer than the ticks.
SMALL_VIEWPORT = {"width": 1024, "height": 600}
LARGE_BOARD = 200
WARM_UP_TICKS = 8
HOURS = 8
TICKS_PER_HOUR = 3_600
#: Ticks for each real one while hours are hurried through; about what two cores can draw.
HURRY = {17: 240, 100: 120, 500: 60}
SPEED_MAX = 100  # of a simulated plant
TRACED = ("cc", "devtools.timeline", "toplevel", "disabled-by-default-devtools.timeline")
SCRIPTING = ("FunctionCall", "RunMicrotasks", "MinorGC", "MajorGC")
LAYOUT = ("UpdateLayoutTree", "Layout")
PAINTING = ("PrePaint", "Paint", "Layerize", "Commit")
TICK_COUNTER = """
(() => {
  window.ticks = 0;
  window.WebSocket = class extends window.WebSocket {
    constructor(...address) {
      super(...address);
      this.addEventListener('message', () => { window.ticks += 1; });
    }
  };
})()
"""


def main() -> None:
    """Measure, print and write what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each size (3)")
    parser.add_argument("--ticks", type=int, default=30, help="ticks to count in each round (30)")
    parser.add_argument(
        "--hours", type=int, default=HOURS, help=f"hours to hurry through ({HOURS})"
    )
    options = parser.parse_args()
    priority = come_first()
    rounds: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
    hours: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for turn, size in ((t, s) for t in range(options.rounds) for s in SIZES):
            say(f"round {turn + 1} of {options.rounds}: {size} machines ...")
            browser = launch(playwright)
            rounds[size].append(measure_round(browser, Path(folder), size, options.ticks))
            chromium = browser.version
            browser.close()
        for size in SIZES if options.hours else ():
            say(f"{options.hours} hours with {size} machines ...")
            hours[size] = hurry(Path(folder), size, options.hours)
    about = describe("PYTHONPATH=tests python -m bench.page", priority, ("playwright", "uvloop"))
    about["browser"] = f"Chromium {chromium}, headless, {VIEWPORT['width']}x{VIEWPORT['height']}"
    about["load"] = (
        f"one tick a second; {options.rounds} rounds of each size in turns, each counting "
        f"{options.ticks} ticks and tracing as many"
    )
    write(report(rounds, hours, about), {"about": about, "rounds": rounds, "hours": hours})


def say(text: str) -> None:
    """Tell whoever waits how far it is."""
    print(text, file=sys.stderr, flush=True)


def write(text: str, record: dict[str, Any]) -> None:
    """Print the report; keep it and what it was made from."""
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "page.md").write_text(text, encoding="utf-8")
    (RESULTS / "page.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


@contextmanager
def served(folder: Path, size: int, speed: float = 1.0) -> Iterator[tuple[LargePlant, Server]]:
    """Run a plant and a server that reads it."""
    plant = LargePlant(folder, size)
    with plant.running(speed=speed), plant.server() as server:
        yield plant, server


@contextmanager
def opened(browser: Browser, address: str, size: int, script: str = "") -> Iterator[Page]:
    """Show a line in a browser with nothing remembered, until every machine is there and live."""
    context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
    page = context.new_page()
    if script:
        page.add_init_script(script)
    page.goto(f"{address}/?wall=1")
    MonitorPage(page).expect_live(size, timeout_ms=60_000)
    yield page
    context.close()


def measure_round(browser: Browser, folder: Path, size: int, ticks: int) -> dict[str, float]:
    """Return the figures of one plant, server and browser."""
    with served(folder, size) as (_, server):
        with opened(browser, server.address, size, COUNTER) as page:
            take_renders(page, WARM_UP_TICKS)
            counted = [tick for tick in take_renders(page, ticks) if tick.is_punctual]
        with opened(browser, server.address, size) as page:
            wait_for_ticks(server, WARM_UP_TICKS)
            browser.start_tracing(page=page, categories=list(TRACED))
            wait_for_ticks(server, ticks)
            events = json.loads(browser.stop_tracing())["traceEvents"]
            nodes = measure_memory(page)["nodes"]
    return {
        "commits": statistics.mean(tick.commits for tick in counted),
        "rendered": statistics.mean(len(tick.rendered) for tick in counted),
        "rendered_unchanged": statistics.mean(len(t.rendered - t.changed) for t in counted),
        "counting": statistics.mean(len(tick.changed) for tick in counted),
        "late_ticks": ticks - len(counted),
        **read_trace(events, ticks),
        "nodes": nodes,
    }


def read_trace(events: list[dict[str, Any]], ticks: int) -> dict[str, float]:
    """Return what the page's main thread did: milliseconds per tick, frame and task."""
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    main = [
        event
        for event in events
        if event.get("ph") == "X" and names.get((event["pid"], event["tid"])) == "CrRendererMain"
    ]
    pids = [event["pid"] for event in main if event["name"] == "FunctionCall"]
    own = [event for event in main if event["pid"] == statistics.mode(pids)]

    def durations(*kinds: str) -> list[float]:
        return [event.get("dur", 0) / 1_000 for event in own if event["name"] in kinds]

    frames = durations("ProxyMain::BeginMainFrame")
    tasks = durations("RunTask")
    return {
        "scripting_ms": sum(durations(*SCRIPTING)) / ticks,
        "layout_ms": sum(durations(*LAYOUT)) / ticks,
        "painting_ms": sum(durations(*PAINTING)) / ticks,
        "busy_ms": sum(tasks) / ticks,
        "frame_p50_ms": quantile(frames, 0.5),
        "frame_p95_ms": quantile(frames, 0.95),
        "frame_p99_ms": quantile(frames, 0.99),
        "longest_task_ms": max(tasks),
    }


def hurry(folder: Path, size: int, hours: int) -> list[dict[str, float]]:
    """Return what the page holds at the start and after each hour of hurried ticks.

    The browser is spoken to directly: Playwright would take note of every message itself.
    """
    held = []
    profile = Path(tempfile.mkdtemp(dir=folder))
    with served(folder, size, speed=min(HURRY[size], SPEED_MAX)) as (plant, server):
        relay = Relay(plant.own_page, server.port, hurrying(HURRY[size]))
        with relay.running(), wall(profile) as chromium:
            display = chromium.hang(f"{relay.address}/?wall=1", [TICK_COUNTER])
            viewport = SMALL_VIEWPORT if size > LARGE_BOARD else VIEWPORT
            display.send(
                "Emulation.setDeviceMetricsOverride", deviceScaleFactor=1, mobile=False, **viewport
            )
            for hour in range(hours + 1):
                count = max(TICKS_PER_HOUR // 10, hour * TICKS_PER_HOUR)
                while display.ask("window.ticks") < count:
                    wait_for_ticks(server, 1)
                held.append({"hour": hour, **memory(display.send)})
                say(f"  hour {hour}: {held[-1]}")
    return held


def hurrying(times: int) -> Callable[[bytes], list[bytes]]:
    """Return a rewriting that makes `times` ticks of one, a second apart by their timestamps."""
    begun: list[datetime] = []
    sent = 0

    def rewrite(payload: bytes) -> list[bytes]:
        nonlocal sent
        if not payload.startswith(b'{"type":"equipment_status"'):
            return [frame(payload)]
        text = payload.decode()
        stamps = set(re.findall(r"20\d\d-\d\d-\d\dT[\d:.]+Z", text))
        at = datetime.fromisoformat(json.loads(text)["timestamp"])
        begun.append(at)
        ticks = []
        for _ in range(times):
            sent += 1
            ahead = begun[0] + timedelta(seconds=sent) - at
            ticks.append(frame(moved(text, stamps, ahead).encode()))
        del begun[1:]
        return ticks

    return rewrite


def moved(text: str, stamps: set[str], ahead: timedelta) -> str:
    """Return `text` with all its timestamps moved ahead."""
    later = {
        stamp: (datetime.fromisoformat(stamp) + ahead)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
        for stamp in stamps
    }
    return re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+Z", lambda found: later[found[0]], text)


def wait_for_ticks(server: Server, count: int) -> None:
    """Let the server serve `count` ticks, and leave."""
    with connect(server.ws_address, proxy=None) as client:
        for _ in range(count + 1):
            client.recv(timeout=10)


def measure_memory(page: Page) -> dict[str, float]:
    """Return what a page holds after garbage collection."""
    session = page.context.new_cdp_session(page)
    found = memory(session.send)
    session.detach()
    return found


def memory(send: Callable[..., Any]) -> dict[str, float]:
    """Return what a page holds after garbage collection; `send` sends it a command."""
    send("Performance.enable")
    for _ in range(3):  # what a first collection finalises, a later one frees
        send("HeapProfiler.collectGarbage")
    found = {m["name"]: m["value"] for m in send("Performance.getMetrics")["metrics"]}
    return {"heap_mb": found["JSHeapUsedSize"] / 1e6, "nodes": found["Nodes"]}


if __name__ == "__main__":
    main()
