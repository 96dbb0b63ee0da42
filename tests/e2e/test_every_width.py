"""From a phone to a wall of 4K, one CSS pixel at a time if need be: the page stands still.

One page is opened per plant and drawn wider and wider. At each width nothing of the board changes
its size while nothing is new, the parts of the header stand side by side, and nothing scrolls
sideways.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import OpenMonitor
from e2e.header import expect_room_in_the_header
from e2e.large_plant import LargePlant
from e2e.monitor_page import MonitorPage
from e2e.pictures import picture
from processes import Server

HEIGHT = 900
PICTURED = (360, 700, 850, 1060, 1200, 1550)
#: Every breakpoint has a width on each of its sides; between them steps of about two fingers.
WIDTHS = sorted(
    {*range(320, 1120, 50), 640, 641, 651, 800, 801, 1060, 1080, 1081, *range(1120, 1600, 120)}
    | {edge + side for edge in (1400, 1500, 1600, 1700, 1800) for side in (0, 1)}
    | {1920, 2560, 3840, *PICTURED}
)
FRAMES = 5

#: Resolves to what changed its size within so many frames, though nothing was new; a tick that
#: came meanwhile is new, and then it looks again.
_RESIZED = """
(frames) => new Promise((resolve) => {
  const elements = [...document.querySelectorAll(
    'header, main, main > *, main ul, main li, main [data-equipment-code]')];
  const clock = () => document.querySelector('header time')?.textContent;
  const look = () => {
    const heard = new Map();
    const observer = new ResizeObserver((entries) => {
      for (const { target } of entries) heard.set(target, (heard.get(target) ?? -1) + 1);
    });
    const begun = clock();
    for (const element of elements) observer.observe(element);
    let left = frames;
    const next = () => {
      if ((left -= 1) > 0) return requestAnimationFrame(next);
      observer.disconnect();
      if (clock() !== begun) return look();
      const changed = [...heard].filter(([, count]) => count > 0);
      resolve(changed.slice(0, 5).map(([element, count]) =>
        `${element.tagName} ${element.dataset.equipmentCode ?? element.className} ${count} times`));
    };
    requestAnimationFrame(next);
  };
  // The width itself is news: a frame for the style sheet, another for what the page measures.
  requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(look)));
})
"""
_SIDEWAYS = "() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
#: How much of the line's name can be read, of what there is; in CSS pixels.
_NAME = """
() => {
  const name = document.querySelector('header h1');
  return [name.clientWidth, Math.min(name.scrollWidth, 80)];
}
"""
#: A frame for the style sheet, another for what the page measures.
_FRAMES_PASSED = """
() => new Promise((resolve) =>
  requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve))))
"""
#: Whether it can be seen, in words or by a sign.
_SAYS_NOT_KNOWN = """
() => /^(\\?|not known|알 수 없음)$/.test(
  document.querySelector('header [data-complete="false"] b')?.innerText)
"""
_LOW_BOXES = """
() => [...document.querySelectorAll('main [data-equipment-code]')]
  .filter((box) => box.getBoundingClientRect().height < 60)
  .map((box) => box.dataset.equipmentCode)
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Server]]:
    """Give a server of a plant with so many machines, all of them running."""
    with ExitStack() as stack:

        @functools.cache
        def serve(count: int) -> Server:
            plant = LargePlant(tmp_path_factory.mktemp("wide"), count)
            stack.enter_context(plant.running(is_steady=True))
            return stack.enter_context(plant.server())

        yield serve


@pytest.fixture(scope="module")
def unreadable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that cannot read the alarms of before its start: its database is locked."""
    plant = LargePlant(tmp_path_factory.mktemp("locked"), 17)
    with (
        closing(sqlite3.connect(plant.first_history / "lineside-history.db")) as other,
        plant.running(is_steady=True),
    ):
        other.execute("BEGIN EXCLUSIVE")
        with plant.server() as server:
            yield server


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("count", "query"),
    [
        (3, "lang=ko"),
        (17, "lang=ko"),
        (17, "lang=en"),
        (17, "lang=ko&wall=1"),
        (60, "lang=en&wall=1"),
        (120, "lang=ko"),
    ],
)
def test_at_no_width_does_the_page_flip_overlap_or_scroll_sideways(
    servers: Callable[[int], Server], open_monitor: OpenMonitor, count: int, query: str
) -> None:
    monitor = open_monitor(servers(count), f"?{query}", size=(WIDTHS[0], HEIGHT))
    monitor.expect_live(count)
    found = {width: _judge(monitor, width, f"{count}-{query}") for width in WIDTHS}
    wrong = [f"{width}: {'; '.join(each)}" for width, each in found.items() if each]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("query", ["lang=ko", "lang=en", "lang=ko&wall=1", "lang=en&wall=1"])
def test_at_no_width_does_the_header_lack_room_for_alarms_that_are_not_known(
    unreadable: Server, open_monitor: OpenMonitor, query: str
) -> None:
    page = open_monitor(unreadable, f"?{query}", size=(WIDTHS[0], HEIGHT)).page
    not_known = page.get_by_role("banner").locator('[data-complete="false"]')
    expect(not_known).to_be_attached()
    wrong: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.evaluate(_FRAMES_PASSED)
        wrong += (f"{width}: {each}" for each in _judge_header(page, width))
        if not page.evaluate(_SAYS_NOT_KNOWN):
            wrong.append(f"{width}: does not say that they are not known")
    assert wrong == [], "\n".join(wrong)


def _judge_header(page: Page, width: int) -> list[str]:
    """Return what is wrong with the header at this width."""
    wrong: list[str] = []
    try:
        expect_room_in_the_header(page, width)
    except AssertionError as error:
        wrong.append(f"header: {str(error)[:300]}")
    shown, wanted = page.evaluate(_NAME)
    if shown < wanted:
        wrong.append(f"only {shown} px of the line's name")
    return wrong


def _judge(monitor: MonitorPage, width: int, name: str) -> list[str]:
    """Return what is wrong with the page at this width; picture some, under `name`."""
    page = monitor.page
    page.set_viewport_size({"width": width, "height": HEIGHT})
    wrong: list[str] = page.evaluate(_RESIZED, FRAMES)
    wrong += _judge_header(page, width)
    if (sideways := page.evaluate(_SIDEWAYS)) > 0:
        wrong.append(f"scrolls sideways by {sideways} px")
    if width in PICTURED:
        picture(monitor, f"width-{width}-{name}")
    return [*wrong, *(f"{code} has no height" for code in page.evaluate(_LOW_BOXES))]
