"""The timeline over a real history: what it shows, and how hands, keys and ears move through it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.axe import violations
from e2e.conftest import LARGE, OpenMonitor
from e2e.monitor_page import MonitorPage
from e2e.past import WORK_TIME, Stretch, write_past
from e2e.pictures import picture
from e2e.plant import RUNNING, Plant
from processes import Server

SMALL, PHONE = (1280, 720), (390, 844)
RECORDED_MS = 90_000  # the recorder writes within seconds, the page asks again every 10 s

Past = dict[str, list[Stretch]]

#: A stretch of one colour in the middle of a lane, as the canvas shows it: its pixels by lane.
_LANE_COLORS = """
(count) => {
  const canvas = document.querySelector('[role="application"] canvas');
  const { width, height, data } = canvas.getContext('2d').getImageData(
    0, 0, canvas.width, canvas.height);
  const colors = new Set();
  for (let i = 0; i < width * height * 4; i += 4) {
    colors.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
    if (colors.size > count) break;
  }
  return colors.size;
}
"""


@pytest.fixture(scope="module")
def past_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plant, Past]]:
    """A steady plant whose history has a week in it."""
    plant = Plant(tmp_path_factory.mktemp("past"))
    with plant.config.open("a", encoding="utf-8") as config:
        config.write(WORK_TIME)
    past = write_past(plant, round(time.time() * 1000) - 20_000, days=7.2)
    with plant.running():
        yield plant, past


@pytest.fixture(scope="module")
def remembering(past_plant: tuple[Plant, Past]) -> Iterator[Server]:
    """A server that remembers the week."""
    with past_plant[0].server() as server:
        yield server


def open_timeline(
    open_monitor: OpenMonitor, server: Server, query: str = "", *, size: tuple[int, int] = LARGE
) -> MonitorPage:
    """Open the timeline, and wait until it shows something."""
    monitor = open_monitor(server, f"?page=timeline&lang=en{query}", size=size)
    expect(chart(monitor.page)).to_be_visible(timeout=60_000)
    expect(monitor.page.locator("[data-notice]")).to_have_text("", timeout=60_000)
    return monitor


def chart(page: Page) -> Locator:
    """The lanes, for hands and keys."""
    return page.get_by_role("application", name="Timeline per machine")


def said(page: Page) -> Locator:
    """What is said of the chosen stretch."""
    return page.locator('[data-live="timeline"]')


def test_it_is_one_press_away_and_has_an_address_of_its_own(
    remembering: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(remembering, "?lang=en")
    monitor.expect_live(17)
    page = monitor.page
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Timeline").click()
    expect(chart(page)).to_be_visible()
    assert "page=timeline" in page.url
    expect(page.get_by_role("complementary")).to_have_count(0)
    page.go_back()
    expect(monitor.boxes).to_have_count(17)
    page.go_forward()
    expect(chart(page)).to_be_visible()


def test_the_plants_clock_is_on_the_axis(remembering: Server, open_monitor: OpenMonitor) -> None:
    monitor = open_timeline(open_monitor, remembering)
    timeline = monitor.page.get_by_role("region", name="Timeline")
    expect(timeline.get_by_text("Plant time Asia/Seoul")).to_be_visible()


def test_every_lane_can_be_read_as_a_table(
    remembering: Server, past_plant: tuple[Plant, Past], open_monitor: OpenMonitor
) -> None:
    plant, past = past_plant
    monitor = open_timeline(open_monitor, remembering)
    name = plant.names[RUNNING]
    monitor.page.get_by_role("button", name=f"{name}: show as a table").click()
    table = monitor.dialog.get_by_role("table")
    expect(table).to_be_visible()
    begin_ms = time.time() * 1000 - 7 * 3_600_000
    shown = [stretch for stretch in past[RUNNING] if stretch.begin_ms > begin_ms]
    faults = sum(1 for each in shown if each.status == "error")
    rows = table.get_by_role("row").filter(has=monitor.page.get_by_role("rowheader", name="Fault"))
    assert rows.count() >= faults
    assert table.get_by_role("row").count() > len(shown) * 0.5
    assert violations(monitor.page) == []
    monitor.page.keyboard.press("Escape")
    expect(monitor.dialog).to_have_count(0)


def test_keys_walk_through_stretches_and_machines_and_say_each(
    remembering: Server, past_plant: tuple[Plant, Past], open_monitor: OpenMonitor
) -> None:
    plant, _ = past_plant
    names = [machine["name"] for machine in plant.machines]
    monitor = open_timeline(open_monitor, remembering)
    page = monitor.page
    chart(page).focus()
    page.keyboard.press("ArrowRight")
    expect(said(page)).to_contain_text(f"{names[0]}: ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    first = said(page).inner_text()
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d – ", first), first
    page.keyboard.press("ArrowLeft")
    expect(said(page)).not_to_have_text(first)
    page.keyboard.press("ArrowDown")
    expect(said(page)).to_contain_text(f"{names[1]}: ")
    page.keyboard.press("Escape")
    expect(said(page)).to_have_text("")


def test_wheel_drag_and_keys_zoom_and_pan(remembering: Server, open_monitor: OpenMonitor) -> None:
    monitor = open_timeline(open_monitor, remembering)
    page = monitor.page
    title = page.locator("p:has(> b)", has_text="Plant time").locator("b")
    eight = page.get_by_role("button", name="8 h")
    expect(eight).to_have_attribute("aria-pressed", "true")
    box = chart(page).bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.move(*middle)
    before = title.inner_text()
    page.mouse.wheel(0, -400)
    expect(title).not_to_have_text(before)
    expect(eight).to_have_attribute("aria-pressed", "false")
    before = title.inner_text()
    page.mouse.down()
    page.mouse.move(middle[0] + 300, middle[1], steps=5)
    page.mouse.up()
    expect(title).not_to_have_text(before)
    now = page.get_by_role("button", name="Now")
    expect(now).to_have_attribute("aria-pressed", "false")
    chart(page).focus()
    page.keyboard.press("End")
    expect(now).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("-")
    page.get_by_role("button", name="7 d").click()
    expect(title).to_contain_text(re.compile(r"\w{3} \d+ \w{3} .* – \w{3} \d+ \w{3}"))


def test_two_fingers_zoom(remembering: Server, open_monitor: OpenMonitor) -> None:
    monitor = open_timeline(open_monitor, remembering, size=PHONE)
    page = monitor.page
    eight = page.get_by_role("button", name="8 h")
    expect(eight).to_have_attribute("aria-pressed", "true")
    client = page.context.new_cdp_session(page)
    box = chart(page).bounding_box()
    assert box
    y = box["y"] + 40

    def touch(kind: str, *xs: float) -> None:
        points: list[dict[str, Any]] = [{"x": x, "y": y, "id": i} for i, x in enumerate(xs)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 150, 220)
    for spread in range(5, 60, 5):
        touch("touchMove", 150 - spread, 220 + spread)
    touch("touchEnd")
    expect(eight).to_have_attribute("aria-pressed", "false")


def test_a_press_says_status_reason_and_times(
    remembering: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_timeline(open_monitor, remembering)
    box = chart(monitor.page).bounding_box()
    assert box
    monitor.page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + 15)
    tip = monitor.page.locator("[data-tip]")
    expect(tip).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"))
    expect(tip.get_by_role("button", name="Board at this moment")).to_be_visible()
    assert violations(monitor.page) == []


def test_a_fault_carries_the_mark_and_the_words_of_its_alarm(
    remembering: Server, past_plant: tuple[Plant, Past], open_monitor: OpenMonitor
) -> None:
    _, past = past_plant
    fault = [s for s in past[RUNNING] if s.status == "error"][-1]
    at = datetime.fromtimestamp(fault.begin_ms / 1000 + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    monitor = open_timeline(open_monitor, remembering, f"&at={at}")
    page = monitor.page
    chart(page).focus()
    page.keyboard.press("ArrowRight")
    for _ in range(60):
        if "Fault" in said(page).inner_text():
            break
        page.keyboard.press("ArrowLeft")
    expect(said(page)).to_contain_text("Alarm Machine fault")
    local = datetime.fromtimestamp(fault.begin_ms / 1000, ZoneInfo("Asia/Seoul"))
    tip = page.locator("[data-tip]")
    expect(tip).to_contain_text(f"Alarm Machine fault {local:%H:%M:%S}")


def test_what_happens_now_comes_into_the_lane_by_itself(
    remembering: Server, past_plant: tuple[Plant, Past], open_monitor: OpenMonitor
) -> None:
    plant, _ = past_plant
    monitor = open_timeline(open_monitor, remembering)
    page = monitor.page
    plant.order(RUNNING, "fault")
    try:
        chart(page).focus()

        def newest() -> str:
            page.keyboard.press("Escape")
            page.keyboard.press("ArrowRight")
            return said(page).inner_text()

        deadline = time.monotonic() + RECORDED_MS / 1000
        while "Fault" not in newest() and time.monotonic() < deadline:
            page.wait_for_timeout(500)
        expect(said(page)).to_contain_text("Fault, Fault signal")
        expect(said(page)).to_contain_text("until now")
    finally:
        plant.mend()


def test_it_is_drawn_in_pixels_for_a_dense_screen(
    remembering: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(remembering, "?page=timeline&lang=en", size=SMALL, device_scale_factor=2)
    expect(chart(monitor.page)).to_be_visible(timeout=60_000)
    canvas = chart(monitor.page).locator("canvas")
    expect(monitor.page.locator("[data-notice]")).to_have_text("", timeout=60_000)
    sizes = canvas.evaluate("(c) => [c.width / c.clientWidth, c.height / c.clientHeight]")
    assert sizes == pytest.approx([2, 2], abs=0.01)
    assert monitor.page.evaluate(_LANE_COLORS, 8) > 8


def test_a_server_without_history_says_so_and_nothing_breaks(
    tmp_path_factory: pytest.TempPathFactory, open_monitor: OpenMonitor
) -> None:
    plant = Plant(tmp_path_factory.mktemp("forgetful"))
    with plant.config.open("a", encoding="utf-8") as config:
        config.write("\n[history]\nenabled = false\n")
    with plant.server() as server:
        monitor = open_monitor(server, "?page=timeline&lang=en")
        notice = monitor.page.locator("[data-notice]")
        expect(notice).to_contain_text("cannot be loaded", timeout=60_000)
        expect(chart(monitor.page)).to_be_visible()


def test_the_boards_detail_knows_what_was_before_the_server_started(
    remembering: Server, past_plant: tuple[Plant, Past], open_monitor: OpenMonitor
) -> None:
    _, past = past_plant
    code = max(past, key=lambda each: past[each][-1].begin_ms)  # the last to change
    monitor = open_monitor(remembering, "?lang=en")
    monitor.expect_live(17)
    monitor.box(code).click()
    today = monitor.dialog.get_by_role("region", name="Today", exact=True)
    changed_at = datetime.fromtimestamp(past[code][-1].begin_ms / 1000, ZoneInfo("Asia/Seoul"))
    expect(today.get_by_role("list")).to_contain_text(f"{changed_at:%H:%M:%S}")


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_passes_axe_and_is_pictured(
    remembering: Server, open_monitor: OpenMonitor, theme: str, language: str
) -> None:
    monitor = open_monitor(remembering, f"?page=timeline&lang={language}&theme={theme}")
    page = monitor.page
    expect(page.get_by_role("application")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name={"ko": "24시간", "en": "24 h"}[language]).click()
    for width, height in (LARGE, SMALL, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(1_200)  # for the finer records to replace the coarser ones
        expect(page.locator("[data-notice]")).to_have_text("", timeout=60_000)
        picture(monitor, f"timeline-{width}x{height}-{theme}-{language}")
        assert not page.evaluate("() => document.scrollingElement.scrollWidth > innerWidth")
        assert violations(page) == []
