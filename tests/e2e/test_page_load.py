"""The page under load: with 17 machines and with 500, a tick is one commit, and a box that shows
nothing new is not rendered. What is loaded first stays small.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import lineside.web
from e2e.large_plant import LargePlant
from e2e.monitor_page import GREEN, PURPLE, MonitorPage
from e2e.renders import COUNTER, POLLING_MS, TickRenders, take_plain
from processes import Process

SIZES = (17, 500)
QUIET_TICKS = 4
BUSY_TICKS = 5
TICKS_PER_ORDER = 3
SETTLED_WITHIN_MS = 90_000
INITIAL_JS_MAX_BYTES = 120_000
#: Whose clock it is, the page has to be told as well.
PLANT = '[plant]\ntime_zone = "Asia/Seoul"\n'

STATIC = Path(lineside.web.__file__).parent / "static"


@dataclass(frozen=True, kw_only=True)
class Board:
    """A settled board: it has its history, every machine runs, and no change is fresh."""

    plant: LargePlant
    orders: Process
    monitor: MonitorPage


@pytest.fixture(scope="module")
def boards(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, Board]]:
    """A board of each size, by size. They settle at the same time."""
    with ExitStack() as stack:
        boards = {}
        for size in SIZES:
            plant = LargePlant(tmp_path_factory.mktemp("large"), size)
            with plant.config.open("a", encoding="utf-8") as config:
                config.write(PLANT)
            orders = stack.enter_context(plant.running(is_steady=True))
            server = stack.enter_context(plant.server())
            context = browser.new_context(viewport={"width": 1920, "height": 1080})
            stack.callback(context.close)
            page = context.new_page()
            page.add_init_script(COUNTER)
            page.goto(f"{server.address}/")
            boards[size] = Board(plant=plant, orders=orders, monitor=MonitorPage(page))
        for size, board in boards.items():
            board.monitor.expect_live(size)
            board.monitor.expect_colors(board.plant.codes, GREEN, timeout_ms=SETTLED_WITHIN_MS)
            board.monitor.page.wait_for_function(
                "() => document.querySelector('[data-fresh]') === null", polling=POLLING_MS
            )
        yield boards


@pytest.mark.parametrize("size", SIZES)
def test_a_tick_that_changes_nothing_renders_no_box_though_all_of_them_count(
    boards: dict[int, Board], size: int
) -> None:
    board = boards[size]
    ticks: list[TickRenders] = []
    while sum(not tick.news for tick in ticks) < QUIET_TICKS:
        ticks += take_plain(board.monitor.page, QUIET_TICKS)
    expect_one_commit_per_tick(ticks)
    for tick in ticks:
        assert tick.changed == frozenset(board.plant.codes), "the time in status goes on in all"
        assert tick.news or tick.rendered == frozenset(), tick.rendered


@pytest.mark.parametrize("size", SIZES)
def test_only_boxes_that_show_something_new_are_rendered(
    boards: dict[int, Board], size: int
) -> None:
    board = boards[size]
    changing = board.plant.codes[1:4]
    ticks: list[TickRenders] = []
    orders = cycle([("fault", PURPLE), ("run", GREEN)])
    while len(ticks) < BUSY_TICKS or not any(tick.news >= set(changing) for tick in ticks):
        verb, color = next(orders)
        for code in changing:
            board.orders.say(f"{code} {verb}")
        ticks += take_plain(board.monitor.page, TICKS_PER_ORDER)
        board.monitor.expect_colors(changing, color)
    expect_one_commit_per_tick(ticks)
    for tick in ticks:
        assert tick.rendered <= tick.news, tick.rendered - tick.news
        assert tick.changed == frozenset(board.plant.codes), "the time in status goes on in all"
    assert any(tick.rendered for tick in ticks)


def test_what_the_page_loads_before_it_shows_anything_stays_small() -> None:
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(
        r'<(?:script|link rel="modulepreload")[^>]*(?:src|href)="\./([^"]+)"', index
    )
    assert scripts, index
    files = [STATIC / script for script in scripts]
    size_bytes = sum(len(gzip.compress(file.read_bytes())) for file in files)
    assert size_bytes < INITIAL_JS_MAX_BYTES, f"{size_bytes} bytes: {scripts}"


def expect_one_commit_per_tick(ticks: list[TickRenders]) -> None:
    """Hold plain ticks to one commit each."""
    assert [tick.commits for tick in ticks] == [1] * len(ticks)
