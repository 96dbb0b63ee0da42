"""The time machine over a real history: the past as it was, never to be taken for the present."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from e2e.axe import violations
from e2e.conftest import LARGE, OpenMonitor
from e2e.monitor_page import GRAY, GREEN, MonitorPage
from e2e.past import HOUR_MS, WORK_TIME, Stretch, write_past
from e2e.pictures import picture
from e2e.plant import RUNNING, Plant
from processes import Server

SMALL, PHONE = (1280, 720), (390, 844)
COLORS = {
    "running": "green",
    "idle": "yellow",
    "stopped": "red",
    "error": "purple",
    "disconnected": "gray",
}

Past = dict[str, list[Stretch]]


class Memory:
    """A running plant, its server, and what was written into its history."""

    def __init__(self, plant: Plant, server: Server, past: Past, end_ms: int) -> None:
        self.plant = plant
        self.server = server
        self.past = past
        self.end_ms = end_ms

    def colors_at(self, at_ms: int) -> dict[str, str]:
        """What every box must show at `at_ms`."""
        found = {}
        for code, life in self.past.items():
            status = next(s.status for s in life if s.begin_ms <= at_ms < s.end_ms)
            found[code] = COLORS[status]
        return found

    def second(self, hours_ago: float) -> int:
        """A whole second so many hours before the end of the past, in ms."""
        return round((self.end_ms - hours_ago * HOUR_MS) / 1000) * 1000


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    """A plant with a past of three days."""
    plant = Plant(tmp_path_factory.mktemp("machine"))
    with plant.config.open("a", encoding="utf-8") as config:
        config.write(WORK_TIME)
    end_ms = round(time.time() * 1000) - 20_000
    past = write_past(plant, end_ms, days=3, seed=2)
    with plant.running(), plant.server() as server:
        yield Memory(plant, server, past, end_ms)


def iso(at_ms: int) -> str:
    """The moment as the address has it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written(at_ms: int) -> str:
    """The moment as the banner has it, on the plant's clock."""
    local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo("Asia/Seoul"))
    return local.strftime("%Y-%m-%d %H:%M:%S")


def has_fault(life: list[Stretch], hours: float) -> bool:
    """Whether a fault of some minutes is among the newest `hours`."""
    return any(
        s.status == "error"
        and s.end_ms - s.begin_ms > 3 * 60_000
        and s.begin_ms > life[-1].end_ms - hours * HOUR_MS
        for s in life
    )


def open_past(
    open_monitor: OpenMonitor,
    memory: Memory,
    at_ms: int,
    query: str = "&lang=en",
    *,
    size: tuple[int, int] = LARGE,
) -> MonitorPage:
    """Open a moment by its link, and wait until it is known."""
    monitor = open_monitor(memory.server, f"?at={iso(at_ms)}{query}", size=size)
    moment = monitor.page.locator("[data-moment]")
    expect(moment).to_have_text(written(at_ms), timeout=60_000)
    return monitor


def expect_colors(monitor: MonitorPage, expected: dict[str, str]) -> None:
    """Wait until every box has its colour."""
    for color in set(expected.values()):
        monitor.expect_colors([code for code, c in expected.items() if c == color], color)


def test_the_live_board_begins_with_what_happened_before_the_server_was_started(
    memory: Memory, open_monitor: OpenMonitor
) -> None:
    code, life = next((code, life) for code, life in memory.past.items() if has_fault(life, 6))
    monitor = open_monitor(memory.server, "?lang=en")
    strip = monitor.box(code).locator("[data-span]")
    expect(monitor.box(code).locator('[data-span="purple"]')).not_to_have_count(0, timeout=60_000)
    found = strip.evaluate_all(
        """(spans) => spans.filter((span) => parseFloat(span.style.width) > 1)
            .map((span) => [span.dataset.span, parseFloat(span.style.left) / 100])"""
    )
    begin_ms = time.time() * 1000 - 8 * HOUR_MS
    for color, share in found:
        at_ms = begin_ms + (share + 0.005) * 8 * HOUR_MS
        near = [s for s in life if s.begin_ms - 60_000 <= at_ms <= s.end_ms + 60_000]
        assert not near or color in {COLORS[s.status] for s in near}
    assert len(found) > 5


@pytest.mark.parametrize("hours_ago", [1.0, 4.5, 7.77, 47.0])
def test_a_link_shows_the_line_as_it_was_at_that_second(
    memory: Memory, open_monitor: OpenMonitor, hours_ago: float
) -> None:
    at_ms = memory.second(hours_ago)
    monitor = open_past(open_monitor, memory, at_ms)
    expect_colors(monitor, memory.colors_at(at_ms))
    expect(monitor.page.locator("[data-stale]")).to_have_count(0)


def test_to_the_second_of_a_change(memory: Memory, open_monitor: OpenMonitor) -> None:
    fault = next(s for s in memory.past[RUNNING] if s.status == "error" and s.begin_ms > 0)
    after_ms = -(-fault.begin_ms // 1000) * 1000
    monitor = open_past(open_monitor, memory, after_ms - 1000)
    monitor.expect_colors([RUNNING], GREEN)
    monitor.page.get_by_role("slider", name="Moment").press("ArrowRight")
    expect(monitor.page.locator("[data-moment]")).to_have_text(written(after_ms))
    monitor.expect_colors([RUNNING], "purple")


def test_the_moment_of_a_link_is_announced_on_the_clock_of_the_plant(
    memory: Memory, open_monitor: OpenMonitor
) -> None:
    at_ms = memory.second(4.5)
    monitor = open_past(open_monitor, memory, at_ms)
    announced = monitor.page.get_by_role("status").filter(has_text="Seeing the past")
    expect(announced).to_have_text(f"Seeing the past, {written(at_ms)}. This is not live.")


def test_nothing_of_the_present_stands_beside_the_past(
    memory: Memory, open_monitor: OpenMonitor
) -> None:
    monitor = open_past(open_monitor, memory, memory.second(4.5))
    page = monitor.page
    banner = page.get_by_role("region", name="The past").first
    expect(banner).to_contain_text("과거 PAST")
    expect(banner).to_contain_text("This is not live")
    expect(page).to_have_title(re.compile("^PAST"))
    expect(page.get_by_role("complementary")).to_have_count(0)
    expect(monitor.pill).to_have_count(0)
    expect(page.locator("[data-alarms]")).to_have_count(0)
    expect(page.locator("header time")).to_have_count(0)
    expect(page.locator('[data-live="machines"]')).to_have_count(0)
    filters = page.locator("header").evaluate_all(
        "(found) => found.map((element) => getComputedStyle(element).filter)"
    )
    assert "grayscale(1)" in filters


def test_what_nobody_saw_is_not_filled_in(memory: Memory, open_monitor: OpenMonitor) -> None:
    monitor = open_past(open_monitor, memory, memory.second(37))
    monitor.expect_colors(sorted(memory.plant.codes), GRAY)
    expect(monitor.page.locator("[data-banner=past]")).to_contain_text("17 machines not observed")
    monitor.box(RUNNING).click()
    expect(monitor.dialog).to_contain_text("Nobody observed this machine")


def test_details_are_of_the_moment(memory: Memory, open_monitor: OpenMonitor) -> None:
    fault = next(
        s for s in memory.past[RUNNING] if s.end_ms - s.begin_ms > 5_000 and s.status == "error"
    )
    monitor = open_past(open_monitor, memory, -(-fault.begin_ms // 1000) * 1000 + 1000)
    monitor.expect_colors([RUNNING], "purple")
    monitor.box(RUNNING).click()
    expect(monitor.dialog).to_contain_text("과거 PAST")
    expect(monitor.dialog).to_contain_text("Error tag M200 is 1")
    assert violations(monitor.page) == []
    monitor.page.keyboard.press("Escape")  # closes the dialog, and only that
    expect(monitor.dialog).to_have_count(0)
    expect(monitor.page.locator("[data-moment]")).to_be_visible()


def test_one_key_leads_back_to_a_present_that_went_on(
    memory: Memory, open_monitor: OpenMonitor
) -> None:
    monitor = open_past(open_monitor, memory, memory.second(4.5))
    memory.plant.order(RUNNING, "fault")
    try:
        monitor.page.keyboard.press("Escape")
        expect(monitor.page.locator("[data-moment]")).to_have_count(0)
        monitor.expect_live(17)
        monitor.expect_colors([RUNNING], "purple")
        assert "at=" not in monitor.page.url
        monitor.page.go_back()
        expect(monitor.page.locator("[data-moment]")).to_be_visible()
    finally:
        memory.plant.mend()


def test_it_plays_and_steps_from_change_to_change(
    memory: Memory, open_monitor: OpenMonitor
) -> None:
    at_ms = memory.second(4.5)
    monitor = open_past(open_monitor, memory, at_ms)
    page = monitor.page
    moment = page.locator("[data-moment]")
    expect_colors(monitor, memory.colors_at(at_ms))
    changes = sorted(
        {-(-s.begin_ms // 1000) * 1000 for life in memory.past.values() for s in life[1:]}
    )
    following = [change for change in changes if change > at_ms][:2]
    step = page.get_by_role("button", name="To the next change")
    for change in following:
        step.click()
        expect(moment).to_have_text(written(change))
        expect_colors(monitor, memory.colors_at(change))
    page.get_by_role("button", name="To the previous change").click()
    expect(moment).to_have_text(written(following[0]))
    page.get_by_role("button", name="120×").click()
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(  # two minutes go by in a second, so that one may not be seen
        "(later) => document.querySelector('[data-moment]').textContent >= later",
        arg=written(following[0] + 60_000),
        timeout=60_000,
    )
    page.get_by_role("button", name="Pause").click()
    stopped = moment.inner_text()
    shown = datetime.strptime(stopped, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo("Asia/Seoul"))
    expect_colors(monitor, memory.colors_at(round(shown.timestamp() * 1000)))
    expect(page).to_have_url(re.compile(re.escape(iso(round(shown.timestamp() * 1000)))))


def test_a_hand_drags_through_the_past(memory: Memory, open_monitor: OpenMonitor) -> None:
    monitor = open_past(open_monitor, memory, memory.second(4.5))
    page = monitor.page
    moment = page.locator("[data-moment]")
    box = page.get_by_role("slider", name="Moment").bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 30)
    page.mouse.down()
    first = moment.inner_text()
    page.mouse.move(box["x"] + 400, box["y"] + 30, steps=8)
    page.mouse.up()
    expect(moment).not_to_have_text(first)
    shown = moment.inner_text()
    at_ms = round(
        datetime.strptime(shown, "%Y-%m-%d %H:%M:%S")
        .replace(tzinfo=ZoneInfo("Asia/Seoul"))
        .timestamp()
        * 1000
    )
    expect_colors(monitor, memory.colors_at(at_ms))
    expect(page).to_have_url(re.compile(re.escape(iso(at_ms))))


def test_the_timeline_leads_into_it_and_keeps_the_moment(
    memory: Memory, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(memory.server, "?page=timeline&lang=en")
    page = monitor.page
    chart = page.get_by_role("application")
    expect(page.locator("[data-notice]")).to_have_text("", timeout=60_000)
    chart.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    moment = page.locator("[data-moment]")
    expect(moment).to_be_visible()
    shown = moment.inner_text()
    assert violations(page) == []
    page.get_by_role("link", name="Board").click()
    expect(monitor.boxes).to_have_count(17)
    expect(moment).to_have_text(shown)


def test_a_wall_goes_back_to_the_present_by_itself(
    memory: Memory, open_monitor: OpenMonitor
) -> None:
    monitor = open_past(open_monitor, memory, memory.second(4.5), "&lang=en&wall=1")
    # The page's clock is wound on; nothing else of it is touched.
    monitor.page.evaluate(
        """() => {
            const now = performance.now.bind(performance);
            performance.now = () => now() + 3 * 60_000;
        }"""
    )
    expect(monitor.page.locator("[data-moment]")).to_have_count(0)
    assert "at=" not in monitor.page.url


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_passes_axe_and_is_pictured(
    memory: Memory, open_monitor: OpenMonitor, theme: str, language: str
) -> None:
    at_ms = memory.second(4.5)
    monitor = open_past(open_monitor, memory, at_ms, f"&lang={language}&theme={theme}")
    page = monitor.page
    expect_colors(monitor, memory.colors_at(at_ms))
    for width, height in (LARGE, SMALL, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(500)  # for reasons and the picture of the scrubber
        picture(monitor, f"past-{width}x{height}-{theme}-{language}")
        assert not page.evaluate("() => document.scrollingElement.scrollWidth > innerWidth")
        assert violations(page) == []
