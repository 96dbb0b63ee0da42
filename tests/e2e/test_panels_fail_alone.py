"""Whatever happens to a part of the page, it says so, tries again, and the board lives."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.conftest import OpenMonitor
from e2e.monitor_page import GRAY, GREEN, PURPLE
from e2e.pictures import picture
from e2e.plant import RUNNING, Plant
from e2e.upgrade import upgraded
from processes import Server

HEALED_MS = 120_000  # guards against hanging: a server may start in the meantime
#: Puts every text of the page into two `<font>`, moved as some translators do it, or copied as
#: others do; gives how many.
_TRANSLATE = """
(isCopied) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (walker.currentNode.data.trim()) texts.push(walker.currentNode);
  for (const text of texts) {
    const [outer, inner] = [document.createElement('font'), document.createElement('font')];
    outer.append(inner);
    text.replaceWith(outer);
    inner.append(isCopied ? text.data : text);
  }
  return texts.length;
}
"""
_TIME_MOVES = """
(code) => new Promise((resolve) => {
  const box = document.querySelector(`[data-equipment-code="${code}"]`);
  const before = box.textContent;
  const look = () => box.textContent !== before ? resolve(true) : requestAnimationFrame(look);
  look();
})
"""


@pytest.mark.parametrize("is_copied", [False, True], ids=["moved", "copied"])
def test_words_follow_however_a_translator_wraps_them(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor, is_copied: bool
) -> None:
    monitor = open_monitor(steady, "?lang=ko")
    monitor.expect_live(17)
    expect(monitor.root).to_have_attribute("translate", "no")
    box = monitor.box(RUNNING)
    for order, word, color in (("fault", "설비이상", PURPLE), ("run", "가동", GREEN)):
        assert monitor.page.evaluate(_TRANSLATE, is_copied) > 50
        assert monitor.page.evaluate(_TIME_MOVES, RUNNING)
        steady_plant.order(RUNNING, order)
        monitor.expect_colors([RUNNING], color)
        expect(box).to_contain_text(word)
        expect(monitor.attention).to_have_count(1 if order == "fault" else 0)
    monitor.page.evaluate(_TRANSLATE, is_copied)
    with silent(steady):
        monitor.expect_colors(steady_plant.codes, GRAY)
        expect(box).to_contain_text("접속이상")
    monitor.expect_live(17)
    monitor.expect_colors(steady_plant.codes, GREEN)
    expect(box).to_contain_text("가동")


def test_a_board_whose_document_was_torn_is_made_anew(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady, "?lang=ko")
    monitor.expect_live(17)
    monitor.page.evaluate("() => document.querySelectorAll('main li').forEach((li) => li.remove())")
    monitor.count_filter("설비이상").click()
    monitor.count_filter("설비이상").click()
    expect(monitor.boxes).to_have_count(17, timeout=HEALED_MS)
    monitor.expect_colors(steady_plant.codes, GREEN)


def test_a_view_that_cannot_be_fetched_says_so_and_opens_when_the_network_is_back(
    steady: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady, "?lang=ko")
    monitor.expect_live(17)
    monitor.page.context.set_offline(True)
    _tab(monitor.page, "경보").click()
    expect(monitor.page.locator('[data-panel="missing"]')).to_contain_text("불러오지 못했습니다")
    picture(monitor, "panel-missing-ko")
    expect(monitor.page.get_by_role("banner")).to_be_visible()
    _tab(monitor.page, "현황").click()
    expect(monitor.boxes).to_have_count(17)
    _tab(monitor.page, "경보").click()
    monitor.page.context.set_offline(False)
    expect(monitor.page.locator('[data-view="alarms"]')).to_be_visible(timeout=HEALED_MS)
    _tab(monitor.page, "현황").click()
    monitor.expect_live(17)


def test_a_page_of_before_an_upgrade_opens_what_is_fetched_later(
    steady_plant: Plant, open_monitor: OpenMonitor, tmp_path: Path
) -> None:
    with steady_plant.server() as old:
        monitor = open_monitor(old, "?lang=ko")
        monitor.expect_live(17)
        words, environment = list(old.words), dict(old._environment)
    new = Server(*words[4:-2], environment={**environment, **upgraded(tmp_path)})
    new.words[-1] = words[-1]
    with new:
        monitor.expect_live(17, timeout_ms=60_000)
        _tab(monitor.page, "보고서").click()
        expect(monitor.page.locator('[data-view="report"]')).to_be_visible(timeout=HEALED_MS)
        _tab(monitor.page, "현황").click()
        monitor.expect_live(17)


def _tab(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation").get_by_role("link", name=name)


@contextmanager
def silent(server: Server) -> Iterator[None]:
    """Stop a server as it stands: its connections stay open and say nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)
