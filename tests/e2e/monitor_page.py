"""The monitor as a test sees it: by role where people look, by its stable attributes elsewhere."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Collection, Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect

GREEN, YELLOW, RED, PURPLE, GRAY = "green", "yellow", "red", "purple", "gray"
#: Until a change in a PLC is on the screen: poll, tick and paint take 2 s; the rest is for machines
#: that are busy. Where the time itself is promised, a test measures it.
TICK_MS = 60_000
#: Asking at every animation frame, as Playwright does by itself, would draw sixty frames a second.
POLLING_MS = 100

#: Writes down, in the page, when which box changed its colour and what the connection pill said.
RECORDER = """
(() => {
  const boxes = [], pill = [];
  const colors = new Map();
  window.recorded = { boxes, pill };
  const look = () => {
    for (const box of document.querySelectorAll('[data-equipment-code]')) {
      const { equipmentCode: code, color } = box.dataset;
      if (colors.get(code) === color) continue;
      colors.set(code, color);
      boxes.push([Date.now() / 1000, code, color]);
    }
    const said = document.querySelector('span[data-phase]')?.textContent ?? '';
    if (said !== '' && said !== pill.at(-1)?.[1]) pill.push([Date.now() / 1000, said]);
  };
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
})()
"""

_COLORS = """
() => Object.fromEntries([...document.querySelectorAll('[data-equipment-code]')]
  .map(({ dataset }) => [dataset.equipmentCode, dataset.color]))
"""
_HAVE_COLOR = """
([codes, color]) => codes.every((code) =>
  document.querySelector(`[data-equipment-code="${code}"]`)?.dataset.color === color)
"""


class MonitorPage:
    """One open monitor, and what is asked of it in every test."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator("html")
        self.boxes = page.locator("[data-equipment-code]")
        self.pill = page.locator("span[data-phase]")
        self.attention = page.get_by_role("complementary").locator("[data-attention]")
        self.banner = page.get_by_role("alert")
        self.dialog = page.get_by_role("dialog")

    def box(self, code: str) -> Locator:
        """One machine's box."""
        return self.page.locator(f'[data-equipment-code="{code}"]')

    def count_filter(self, word: str) -> Locator:
        """The header's count of one status, which is also its filter."""
        return (
            self.page.get_by_role("banner")
            .get_by_role("button")
            .filter(has=self.page.get_by_text(word, exact=True))
        )

    def colors(self) -> Mapping[str, str]:
        """Every box's colour, by code."""
        found: Mapping[str, str] = self.page.evaluate(_COLORS)
        return found

    def expect_colors(
        self, codes: Collection[str], color: str, *, timeout_ms: float = TICK_MS
    ) -> None:
        """Wait until every machine of `codes` has `color`."""
        try:
            self.page.wait_for_function(
                _HAVE_COLOR, arg=[list(codes), color], polling=POLLING_MS, timeout=timeout_ms
            )
        except Exception as error:
            shown = {code: found for code, found in self.colors().items() if code in codes}
            raise AssertionError(f"not {color} within {timeout_ms} ms: {shown}") from error

    def expect_connection(self, word: str, *, timeout_ms: float = TICK_MS) -> None:
        """Wait until the page says "connected", "reconnecting" or "failed" of its connection."""
        expect(self.root).to_have_attribute("data-connection", word, timeout=timeout_ms)

    def expect_live(self, count: int, *, timeout_ms: float = TICK_MS) -> None:
        """Wait until the page is connected, shows `count` machines and believes its data."""
        self.expect_connection("connected", timeout_ms=timeout_ms)
        expect(self.boxes).to_have_count(count, timeout=timeout_ms)
        expect(self.page.locator("[data-stale]")).to_have_count(0, timeout=timeout_ms)

    def recorded(self) -> dict[str, Any]:
        """What the recorder has seen so far."""
        found: dict[str, Any] = self.page.evaluate("() => window.recorded")
        return found

    def colors_of(self, code: str) -> list[str]:
        """Every colour that a machine's box has had, in order, however short the time."""
        return [color for _, found, color in self.recorded()["boxes"] if found == code]

    def turned(self, color: str, since_s: float) -> dict[str, float]:
        """When each machine first turned to `color` after Unix time `since_s`, by code."""
        times: dict[str, float] = {}
        for at_s, code, found in self.recorded()["boxes"]:
            if at_s >= since_s and found == color:
                times.setdefault(code, at_s)
        return times


def painted_color(box: Locator) -> tuple[float, float, float]:
    """Return hue (degrees), saturation and value (0 to 1) of what a box is painted with.

    A box is hatched, if only in one colour: what counts is the first colour of its hatching.
    """
    image = box.evaluate("(element) => getComputedStyle(element).backgroundImage")
    red, green, blue = (
        int(part) / 255 for part in re.findall(r"rgb\((.+?)\)", image)[0].split(",")
    )
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    return hue * 360, saturation, value
