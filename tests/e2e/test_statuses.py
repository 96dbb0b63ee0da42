"""The five statuses: the colour, the icon and the word of each, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

import pytest
from playwright.sync_api import expect

from e2e.conftest import OpenMonitor
from e2e.monitor_page import GRAY, GREEN, PURPLE, RED, TICK_MS, YELLOW, painted_color
from e2e.plant import FAULT, FAULT_WITH_RUN_BIT, IDLE, RUNNING, STOPPED, Plant, ask
from processes import Server

LOST = "KRCWO12ELOA117"
COLORS = {RUNNING: GREEN, IDLE: YELLOW, STOPPED: RED, FAULT: PURPLE, LOST: GRAY}
WORDS = {
    "ko": {RUNNING: "가동", IDLE: "비가동", STOPPED: "정지", FAULT: "설비이상", LOST: "접속이상"},
    "en": {RUNNING: "Running", IDLE: "Idle", STOPPED: "Stopped", FAULT: "Fault", LOST: "Offline"},
}
HUES: dict[str, Callable[[float], bool]] = {
    GREEN: lambda hue: 90 < hue < 170,
    YELLOW: lambda hue: 40 < hue < 60,
    RED: lambda hue: hue < 12 or hue > 348,
    PURPLE: lambda hue: 265 < hue < 295,
}


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_status_has_its_colour_its_word_and_an_icon_of_its_own(
    motley: Server,
    motley_plant: Plant,
    open_monitor: OpenMonitor,
    language: str,
    theme: str,
) -> None:
    monitor = open_monitor(motley, f"?lang={language}&theme={theme}")
    expect(monitor.root).to_have_attribute("lang", language)
    monitor.expect_live(17)
    icons = set()
    for code, color in COLORS.items():
        box, word = monitor.box(code), WORDS[language][code]
        expect(box).to_have_attribute("data-color", color, timeout=TICK_MS)
        expect(box.get_by_text(word, exact=True)).to_be_visible()
        for said in (motley_plant.names[code], word, code):
            expect(box).to_have_accessible_name(re.compile(rf"(^|\W){said}(\W|$)"))
        icon = box.locator("svg")
        expect(icon).to_be_visible()
        shape = icon.inner_html()
        assert shape == monitor.count_filter(word).locator("svg").inner_html()
        icons.add(shape)
        hue, saturation, _ = painted_color(box)
        if color == GRAY:
            assert saturation < 0.3
        else:
            assert HUES[color](hue), f"{color} is painted with hue {hue:.0f}"
    assert len(icons) == 5


def test_a_fault_wins_over_a_run_bit_that_is_still_on(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley)
    expect(monitor.box(FAULT_WITH_RUN_BIT)).to_have_attribute("data-color", PURPLE)
    tags = ask(motley, f"/api/equipment/{FAULT_WITH_RUN_BIT}")["tags"]
    assert (tags["status_tag"], tags["error_tag"]) == (1, 1)


def test_what_cannot_be_seen_is_gray_whatever_its_last_values_were(
    motley: Server, motley_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley)
    monitor.expect_colors(motley_plant.codes_of("PLC03"), GRAY)
    tags = ask(motley, f"/api/equipment/{LOST}")["tags"]
    assert (tags["status_tag"], tags["connection"]) == (1, False)


def test_a_machine_is_followed_from_status_to_status(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady)
    box = monitor.box(IDLE)
    expect(box).to_have_attribute("data-color", GREEN, timeout=TICK_MS)
    for verb, color in (("idle", YELLOW), ("stop", RED), ("fault", PURPLE), ("run", GREEN)):
        steady_plant.order(IDLE, verb)
        expect(box).to_have_attribute("data-color", color, timeout=TICK_MS)
    # Gray, if anything held up the ticks for long, is not what is asked for here.
    colors = [color for color, _ in groupby(c for c in monitor.colors_of(IDLE) if c != GRAY)]
    assert colors == [GREEN, YELLOW, RED, PURPLE, GREEN]
