"""A real browser in front of real servers and simulated PLCs; a picture of every page that failed.

Playwright's loop lives as long as a module, so that tests elsewhere may use a loop of their own.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright

from e2e.monitor_page import RECORDER, TICK_MS, MonitorPage
from e2e.plant import Plant, wait_until_running
from processes import Server

FAILURES = Path(__file__).parent / "screenshots" / "failures"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LARGE = (1920, 1080)

expect.set_options(timeout=TICK_MS)

OpenMonitor: TypeAlias = Callable[..., MonitorPage]
NewContext: TypeAlias = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window: the build that leaves out what only windows need."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


def launch(playwright: Playwright) -> Browser:
    """Start the browser."""
    executable = shutil.which("chromium-headless-shell")
    assert executable, "these tests need a browser: apt-get install chromium-headless-shell"
    return playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))


@pytest.fixture
def new_context(
    browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browsers with nothing remembered; pictures their pages when the test fails."""
    opened: list[BrowserContext] = []

    def open_context(size: tuple[int, int] = LARGE, **options: Any) -> BrowserContext:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
        opened.append(context)
        return context

    yield open_context
    has_failed = request.node.stash.get(_HAS_FAILED, False)
    for number, page in enumerate(page for context in opened for page in context.pages):
        if has_failed:
            name = re.sub(r"[^\w-]+", "-", request.node.name)
            FAILURES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=FAILURES / f"{name}-{number}.png")
    for context in opened:
        context.close()


@pytest.fixture
def open_monitor(new_context: Callable[..., BrowserContext]) -> OpenMonitor:
    """Opens the monitor of a server, or of any address, in a browser of its own."""

    def open_page(
        at: Server | str, query: str = "", *, size: tuple[int, int] = LARGE, **options: Any
    ) -> MonitorPage:
        page = new_context(size, **options).new_page()
        page.add_init_script(RECORDER)
        page.goto(f"{at if isinstance(at, str) else at.address}/{query}")
        return MonitorPage(page)

    return open_page


@pytest.fixture(scope="session")
def shared_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The plant behind `steady_plant`, for what lives longer than a test."""
    with Plant(tmp_path_factory.mktemp("steady")).running() as plant:
        yield plant


@pytest.fixture
def steady_plant(shared_plant: Plant) -> Iterator[Plant]:
    """A plant in which every machine runs. What a test breaks is mended after it."""
    yield shared_plant
    shared_plant.mend()


@pytest.fixture(scope="session")
def steady(shared_plant: Plant) -> Iterator[Server]:
    """A server for the steady plant, which no test ends."""
    with shared_plant.server() as server:
        yield server


@pytest.fixture(scope="session")
def motley_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant in which every status can be seen: four held by hand, and PLC03 is lost."""
    with Plant(tmp_path_factory.mktemp("motley")).running() as plant:
        plant.show_every_status()
        yield plant


@pytest.fixture(scope="session")
def motley(motley_plant: Plant) -> Iterator[Server]:
    """A server for the motley plant; it had read PLC03 before that was lost."""
    with motley_plant.server() as server:
        wait_until_running(server, motley_plant.codes_of("PLC03"))
        motley_plant.lose("PLC03")
        yield server


_HAS_FAILED: pytest.StashKey[bool] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    report = yield
    if report.failed:
        item.stash[_HAS_FAILED] = True
    return report
