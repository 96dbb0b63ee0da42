"""The server's clock decides what now is: a screen with a wrong clock shows what all others do."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.conftest import LARGE, NewContext
from e2e.monitor_page import MonitorPage
from e2e.past_plant import PastPlant
from e2e.pictures import picture
from e2e.plant import FAULT
from processes import Server

DAY_MS = 86_400_000
ANSWER_MS = 120_000  # guards against hanging, no bound
#: How far the clock of the screen is ahead, and what the page says of that.
WRONG = [(-3 * DAY_MS, "화면 시계 3일 느림"), (365 * DAY_MS, "화면 시계 365일 빠름")]

_AHEAD = """
(() => {
  const Real = Date;
  window.Date = class extends Real {
    constructor(...parts) {
      if (parts.length === 0) super(Real.now() + AHEAD); else super(...parts);
    }
    static now() { return Real.now() + AHEAD; }
  };
})()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A plant with two weeks behind it, in which a machine fails now."""
    with PastPlant(tmp_path_factory.mktemp("clock")).running() as plant:
        plant.order(FAULT, "fault")
        with plant.server() as server:
            yield server


@pytest.fixture
def screens(server: Server, new_context: NewContext) -> dict[int, Page]:
    """The same page on a screen with the right time, and on those with a wrong one."""
    return {
        ahead_ms: _open(server, new_context(LARGE), ahead_ms)
        for ahead_ms in (0, *(ahead_ms for ahead_ms, _ in WRONG))
    }


def test_today_is_the_servers_day_and_a_wrong_screen_says_so_quietly(
    server: Server, screens: dict[int, Page]
) -> None:
    today = {}
    for ahead_ms, page in screens.items():
        monitor = MonitorPage(page)
        monitor.expect_live(17)
        monitor.box(FAULT).click()
        facts = monitor.dialog.locator("[data-today]")
        expect(facts.locator("p").first).to_contain_text("오늘 고장", timeout=ANSWER_MS)
        expect(facts.locator("li")).to_have_count(1, timeout=ANSWER_MS)
        today[ahead_ms] = facts.locator("p:first-of-type, li").all_inner_texts()
        page.keyboard.press("Escape")
        picture(monitor, f"screen-clock-{ahead_ms // DAY_MS}d")
    assert today == dict.fromkeys(screens, today[0])
    off = {ms: page.locator("[data-screen-clock]") for ms, page in screens.items()}
    expect(off[0]).to_have_count(0)
    for ahead_ms, words in WRONG:
        expect(off[ahead_ms]).to_have_text(words)


def test_the_alarms_of_the_last_days_are_the_same_on_every_screen(
    server: Server, screens: dict[int, Page], tmp_path: Path
) -> None:
    listed, taken = {}, {}
    for ahead_ms, page in screens.items():
        page.goto(f"{server.address}/?page=alarms&lang=en")
        page.get_by_role("combobox", name=re.compile("^State")).select_option("normal")
        rows = page.locator("tr[data-alarm]")
        expect(rows.first).to_be_visible(timeout=ANSWER_MS)
        listed[ahead_ms] = [text.split("\n")[0] for text in rows.all_inner_texts()]
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        path = tmp_path / f"{ahead_ms}.csv"
        download.value.save_as(path)
        taken[ahead_ms] = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    assert len(taken[0]) > 10
    assert {ahead_ms: len(rows) for ahead_ms, rows in taken.items()} == dict.fromkeys(
        screens, len(taken[0])
    )
    assert listed == dict.fromkeys(screens, listed[0])


def _open(server: Server, context: BrowserContext, ahead_ms: int) -> Page:
    page = context.new_page()
    page.add_init_script(_AHEAD.replace("AHEAD", str(ahead_ms)))
    page.goto(f"{server.address}/?lang=ko")
    return page
