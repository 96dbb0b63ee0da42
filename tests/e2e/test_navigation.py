"""Getting around: arrow keys, filters, and choices of language, theme, view and wall mode."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.conftest import OpenMonitor
from e2e.header import expect_room_in_the_header
from e2e.monitor_page import GREEN, PURPLE, MonitorPage
from e2e.plant import FAULT, FAULT_WITH_RUN_BIT, Plant
from processes import Server


def _focused_code(monitor: MonitorPage) -> str | None:
    code: str | None = monitor.page.evaluate("() => document.activeElement.dataset.equipmentCode")
    return code


def test_arrow_keys_move_between_the_boxes_which_are_one_tab_stop(
    motley: Server, motley_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley)
    monitor.expect_live(17)
    codes = [machine["code"] for machine in motley_plant.machines]
    press = monitor.page.keyboard.press
    expect(monitor.page.locator('[data-equipment-code][tabindex="0"]')).to_have_count(1)
    monitor.box(codes[0]).focus()
    press("ArrowRight")
    assert _focused_code(monitor) == codes[1]
    press("ArrowDown")
    below = monitor.box(codes[1]).bounding_box()
    landed = monitor.page.locator(":focus").bounding_box()
    assert below is not None
    assert landed is not None
    assert landed["x"] == pytest.approx(below["x"], abs=1)
    assert landed["y"] > below["y"]
    press("ArrowUp")
    assert _focused_code(monitor) == codes[1]
    press("ArrowLeft")
    press("ArrowLeft")  # the first box is the end of the way
    assert _focused_code(monitor) == codes[0]
    press("End")
    assert _focused_code(monitor) == codes[-1]
    press("Home")
    assert _focused_code(monitor) == codes[0]
    outline = monitor.page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline != "none", "whoever uses the keyboard must see where they are"


def test_the_counts_of_the_header_are_right_and_filter(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley, "?lang=en")
    monitor.expect_live(17)
    counts = {"Running": 7, "Idle": 1, "Stopped": 1, "Fault": 2, "Offline": 6}
    for word, count in counts.items():
        expect(monitor.count_filter(word)).to_contain_text(str(count))
    faults = monitor.count_filter("Fault")
    faults.click()
    expect(faults).to_have_attribute("aria-pressed", "true")
    expect(monitor.boxes).to_have_count(2)
    assert monitor.colors() == {FAULT: PURPLE, FAULT_WITH_RUN_BIT: PURPLE}
    monitor.page.get_by_role("button", name="Show all").click()
    expect(monitor.boxes).to_have_count(17)
    monitor.count_filter("Running").click()
    expect(monitor.boxes).to_have_count(7)
    assert set(monitor.colors().values()) == {GREEN}
    monitor.count_filter("Running").click()
    expect(monitor.boxes).to_have_count(17)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_nothing_in_the_header_lies_over_another_or_is_cut_off(
    motley: Server, open_monitor: OpenMonitor, language: str
) -> None:
    monitor = open_monitor(motley, f"?lang={language}")
    monitor.expect_live(17)
    expect(monitor.page.locator("header [data-alarms]")).to_be_visible(timeout=60_000)
    for width in (1920, 1280, 1024, 390):
        monitor.page.set_viewport_size({"width": width, "height": 844})
        expect_room_in_the_header(monitor.page, width)


def test_choices_take_effect_at_once_and_outlive_a_reload(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley)
    page, root = monitor.page, monitor.root
    expect(root).to_have_attribute("lang", "ko")
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="화면 설정").click()
    page.get_by_role("button", name="밝게").click()
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Floor plan").click()
    for _ in range(2):
        expect(root).to_have_attribute("lang", "en")
        expect(root).to_have_attribute("data-theme", "light")
        expect(page.get_by_role("button", name="Floor plan")).to_have_attribute(
            "aria-pressed", "true"
        )
        expect(page.locator('[data-variant="marker"]')).to_have_count(17)
        page.reload()


def test_wall_mode_hides_what_can_be_pressed_and_escape_leaves_it(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley)
    monitor.expect_live(17)
    monitor.page.get_by_role("button", name="벽면 모드").click()
    expect(monitor.root).to_have_attribute("data-wall", "")
    expect(monitor.page.get_by_role("button", name="화면 설정")).to_have_count(0)
    monitor.page.keyboard.press("Escape")
    expect(monitor.root).not_to_have_attribute("data-wall", "")
    expect(monitor.page.get_by_role("button", name="화면 설정")).to_be_visible()


def test_a_kiosk_says_all_it_wants_in_the_address(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley, "?wall=1&lang=en&theme=light&view=plan")
    monitor.expect_live(17)
    expect(monitor.root).to_have_attribute("data-wall", "")
    expect(monitor.root).to_have_attribute("lang", "en")
    expect(monitor.root).to_have_attribute("data-theme", "light")
    expect(monitor.page.locator('[data-variant="marker"]')).to_have_count(17)
    image = monitor.page.locator("main img")
    assert image.evaluate("img => img.complete && img.naturalWidth > 0"), "the floor plan is drawn"
