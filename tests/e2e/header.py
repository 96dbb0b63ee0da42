"""Whether the header has room for what it shows."""

from __future__ import annotations

import itertools

from playwright.sync_api import Page


def expect_room_in_the_header(page: Page, width: int) -> None:
    """Judge that the parts of the header are inside a page `width` pixels wide, side by side."""
    parts = page.evaluate(
        """() => [...document.querySelectorAll('header > div > *, header > div > * > *')]
            .filter((part) => part.checkVisibility() && !part.closest('[popover]')
                && part.offsetWidth > 1)
            .map((part) => ({
                what: part.outerHTML.slice(0, 60),
                isOuter: part.parentElement.matches('header > div'),
                box: part.getBoundingClientRect().toJSON() }))"""
    )
    for part in parts:
        assert part["box"]["left"] >= 0, part
        assert part["box"]["right"] <= width, part
    for group in (True, False):
        boxes = [part for part in parts if part["isOuter"] is group]
        for one, other in itertools.combinations(boxes, 2):
            assert not _overlap(one["box"], other["box"]), (one, other)


def _overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    wide = min(one["right"], other["right"]) - max(one["left"], other["left"])
    high = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return wide > 1 and high > 1
