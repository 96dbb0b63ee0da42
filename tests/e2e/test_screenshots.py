"""Pictures of the board at every size, in every dress, for people to look at.

They are written to `screenshots/`, which git ignores. What a machine can judge of them is judged:
nothing scrolls that must not, no name and no status word is clipped, and no picture is blank.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from e2e.conftest import LARGE, OpenMonitor
from e2e.monitor_page import MonitorPage
from e2e.pictures import picture
from e2e.plant import FAULT, Plant
from processes import Server

SMALL, PHONE = (1280, 720), (390, 844)
SIZES = [LARGE, SMALL, PHONE]

#: Every name and status word that does not fit where it is drawn, and every box that overlaps
#: its neighbour or leaves the page.
_MISFITS = """
(texts) => {
  const misfits = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.data.trim();
    const element = node.parentElement;
    if (!texts.includes(text) || element.getClientRects().length === 0) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const drawn = range.getBoundingClientRect();
    const frame = (element.closest('[data-equipment-code]') ?? element).getBoundingClientRect();
    const isOut = drawn.left < frame.left - 1 || drawn.right > frame.right + 1
      || drawn.top < frame.top - 1 || drawn.bottom > frame.bottom + 1;
    const isCut = element.clientWidth > 0 && (element.scrollWidth > element.clientWidth + 1
      || element.scrollHeight > element.clientHeight + 3);
    if (isOut || isCut) misfits.push(`${text}: ${isOut ? 'leaves its box' : 'is cut'} (`
      + `${element.scrollWidth}x${element.scrollHeight} in `
      + `${element.clientWidth}x${element.clientHeight})`);
  }
  const isPanned = (element) => element !== null
    && (/auto|scroll/.test(getComputedStyle(element).overflowX) || isPanned(element.parentElement));
  const boxes = [...document.querySelectorAll('[data-equipment-code]')]
    .map((box) => [box.dataset.equipmentCode, box.getBoundingClientRect(), isPanned(box)]);
  for (const [code, a, mayLeave] of boxes) {
    const leaves = a.left < -1 || a.right > innerWidth + 1;
    if (leaves && !mayLeave) misfits.push(`${code} leaves the page`);
    for (const [other, b] of boxes) {
      if (code < other && a.left < b.right - 1 && b.left < a.right - 1
        && a.top < b.bottom - 1 && b.top < a.bottom - 1) misfits.push(`${code} covers ${other}`);
    }
  }
  return misfits;
}
"""
_SCROLLS = """
() => {
  const root = document.scrollingElement;
  const main = [...document.querySelectorAll('main, main *')].filter((element) =>
    /auto|scroll/.test(getComputedStyle(element).overflowY)
    && element.scrollHeight > element.clientHeight + 1);
  return {
    sideways: root.scrollWidth > innerWidth,
    down: root.scrollHeight > innerHeight || main.length > 0,
  };
}
"""
WORDS = {
    "ko": ["가동", "비가동", "정지", "설비이상", "접속이상"],
    "en": ["Running", "Idle", "Stopped", "Fault", "Offline"],
}


def expect_fit(monitor: MonitorPage, plant: Plant, language: str, *, may_scroll: bool) -> None:
    """Judge scrolling, clipping and overlaps."""
    scrolls: dict[str, Any] = monitor.page.evaluate(_SCROLLS)
    assert not scrolls["sideways"]
    assert may_scroll or not scrolls["down"]
    texts = [*WORDS[language], *plant.names.values()]
    assert monitor.page.evaluate(_MISFITS, texts) == []


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_board_fits_and_is_pictured(
    motley: Server,
    motley_plant: Plant,
    open_monitor: OpenMonitor,
    size: tuple[int, int],
    theme: str,
    language: str,
) -> None:
    monitor = open_monitor(motley, f"?lang={language}&theme={theme}", size=size)
    monitor.expect_live(17)
    expect(monitor.attention).to_have_count(4)
    picture(monitor, f"board-{size[0]}x{size[1]}-{theme}-{language}")
    expect_fit(monitor, motley_plant, language, may_scroll=size == PHONE)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", ["plan", "wall", "detail"])
def test_the_other_views_fit_and_are_pictured(
    motley: Server,
    motley_plant: Plant,
    open_monitor: OpenMonitor,
    view: str,
    size: tuple[int, int],
) -> None:
    theme, language = ("light", "en") if size == SMALL else ("dark", "ko")
    more = {"plan": "&view=plan", "wall": "&wall=1"}.get(view, "")
    monitor = open_monitor(motley, f"?lang={language}&theme={theme}{more}", size=size)
    monitor.expect_live(17)
    expect(monitor.attention).to_have_count(4)
    if view == "plan":
        monitor.page.wait_for_function("() => document.querySelector('main img')?.naturalWidth > 0")
    if view == "detail":
        monitor.box(FAULT).click()
        expect(monitor.dialog.get_by_role("table")).to_be_visible()
    picture(monitor, f"{view}-{size[0]}x{size[1]}-{theme}-{language}")
    expect_fit(monitor, motley_plant, language, may_scroll=size == PHONE)
