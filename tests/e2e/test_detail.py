"""The dialog that answers "why is it this colour?", by mouse and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from e2e.axe import violations
from e2e.conftest import OpenMonitor
from e2e.monitor_page import GRAY, GREEN
from e2e.plant import FAULT, FAULT_WITH_RUN_BIT, IDLE, RUNNING, STOPPED, Plant
from processes import Server

LOST = "KRCWO12ELOA112"
_CODE = re.compile(r"^\d+$")
NEWS_MS = 25_000  # a page asks for news every few seconds, and for everything once a minute
NOTED_MS = 60_000  # alarms are asked for every ten seconds, and with the next tick shown
SENTENCES = {
    "ko": {
        RUNNING: "상태 태그 M100이 1이고 이상 신호가 없습니다",
        IDLE: "비가동 태그 M300이 1입니다",
        STOPPED: "상태 태그 M101이 0인 채로 2초가 넘어 정지로 바뀌었습니다",
        FAULT: "이상 태그 M203이 1입니다",
        LOST: "PLC03이",
    },
    "en": {
        RUNNING: "Status tag M100 is 1 and there is no fault signal",
        IDLE: "Idle tag M300 is 1: the machine says that it waits",
        STOPPED: "Status tag M101 has been 0 for more than 2 s, so idle became stopped",
        FAULT: "Error tag M203 is 1. The machine has reported a fault",
        LOST: "PLC03 has not answered for",
    },
}
WHY = {"ko": "왜 이 색인가?", "en": "Why is it this colour?"}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_reason_of_every_colour_is_one_tap_away(
    motley: Server, motley_plant: Plant, open_monitor: OpenMonitor, language: str
) -> None:
    monitor = open_monitor(motley, f"?lang={language}")
    monitor.expect_live(17)
    for code, sentence in SENTENCES[language].items():
        monitor.box(code).click()
        expect(monitor.dialog).to_have_accessible_name(motley_plant.names[code])
        expect(monitor.dialog.get_by_role("region", name=WHY[language])).to_contain_text(sentence)
        monitor.page.keyboard.press("Escape")
        expect(monitor.dialog).to_have_count(0)


def test_why_a_machine_is_gray_is_another_on_every_page_while_it_stays_gray(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady, "?lang=en")
    monitor.expect_live(17)
    code = sorted(steady_plant.codes_of("PLC02"))[0]
    monitor.expect_colors([code], GREEN)
    steady_plant.plcs["PLC02"].say("PLC02 stop")
    expect(monitor.box(code)).to_contain_text("PLC02 not in RUN", timeout=NEWS_MS)
    steady_plant.lose("PLC02")
    expect(monitor.box(code)).to_contain_text("PLC02 does not answer", timeout=NEWS_MS)
    assert monitor.colors_of(code)[-1] == GRAY
    later = open_monitor(steady, "?lang=en")
    expect(later.box(code)).to_contain_text("PLC02 does not answer", timeout=NEWS_MS)


def test_the_raw_tags_are_shown_with_address_value_quality_and_time(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley, "?lang=en")
    monitor.expect_live(17)
    monitor.box(FAULT_WITH_RUN_BIT).click()
    rows = monitor.dialog.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(4)
    tags: list[tuple[str, str, str | re.Pattern[str]]] = [
        ("Status tag", "M103", "1"),
        ("Error tag", "M203", "1"),
        ("Alarm code", "D13", _CODE),
    ]
    for number, (role, address, value) in enumerate(tags, 1):
        row = rows.nth(number)
        expect(row.get_by_role("rowheader")).to_have_text(role)
        cells = row.get_by_role("cell")
        expect(cells.nth(0)).to_have_text(address)
        expect(cells.nth(1)).to_have_text(value)
        expect(cells.nth(2)).to_have_text("Good")
        expect(cells.nth(3)).to_contain_text("ago")
    expect(monitor.dialog).to_contain_text("PLC01")


def test_the_age_of_the_plcs_data_is_shown_with_its_median_and_95th_percentile(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley, "?lang=en")
    monitor.expect_live(17)
    monitor.box(RUNNING).click()
    health = monitor.dialog.get_by_role("region", name="PLC01")
    age = health.get_by_role("term").filter(has_text="Data age on the screen")
    ms = r"[\d.]+ ms"
    expect(age.locator("+ dd")).to_have_text(re.compile(rf"^{ms} \(median {ms}, 95% {ms}\)$"))


def test_enter_opens_escape_closes_and_the_focus_returns(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley)
    monitor.expect_live(17)
    box = monitor.box(IDLE)
    box.focus()
    monitor.page.keyboard.press("Enter")
    expect(monitor.dialog).to_be_visible()
    assert monitor.dialog.evaluate("dialog => dialog.contains(document.activeElement)")
    for _ in range(6):  # however often: the focus stays inside
        monitor.page.keyboard.press("Tab")
    inside = "d => d.contains(document.activeElement) || document.activeElement === document.body"
    assert monitor.dialog.evaluate(inside)
    monitor.page.keyboard.press("Escape")
    expect(monitor.dialog).to_have_count(0)
    expect(box).to_be_focused()


def test_the_dialog_closes_by_its_button_and_by_a_click_beside_it(
    motley: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley)
    monitor.expect_live(17)
    monitor.box(RUNNING).click()
    monitor.dialog.get_by_role("button", name="닫기").click()
    expect(monitor.dialog).to_have_count(0)
    monitor.box(RUNNING).click()
    expect(monitor.dialog).to_be_visible()
    monitor.page.mouse.click(4, 4)
    expect(monitor.dialog).to_have_count(0)


def test_a_line_of_the_attention_list_opens_its_machine(
    motley: Server, motley_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(motley)
    monitor.expect_live(17)
    # Worst first: two faults, then what is stopped, then the lost PLC as one line.
    kinds = ["machine", "machine", "machine", "plc"]
    expect(monitor.attention).to_have_count(len(kinds))
    for line, kind in zip(monitor.attention.all(), kinds, strict=True):
        expect(line).to_have_attribute("data-attention", kind)
    monitor.attention.nth(2).click()
    expect(monitor.dialog).to_have_accessible_name(motley_plant.names[STOPPED])


def test_an_alarm_is_acknowledged_by_name_and_list_and_dialog_say_by_whom(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady, "?lang=en")
    monitor.expect_live(17)
    steady_plant.order(IDLE, "fault")
    line = monitor.attention.filter(has_text=steady_plant.names[IDLE])
    expect(line).to_contain_text(
        re.compile(r"since \d\d:\d\d Not acknowledged yet"), timeout=NOTED_MS
    )
    monitor.box(IDLE).click()
    facts = monitor.dialog.get_by_role("region", name="Faults and alarms today")
    expect(facts.get_by_role("listitem")).to_contain_text(re.compile(r"raised \d\d:\d\d"))
    acknowledge = facts.get_by_role("button", name="Acknowledge")
    expect(acknowledge).to_be_disabled()
    facts.get_by_label("Your name").fill("김정비")
    assert violations(monitor.page) == []
    acknowledge.click()
    expect(facts).to_contain_text(
        re.compile(r"acknowledged by 김정비, \d\d:\d\d"), timeout=NOTED_MS
    )
    expect(acknowledge).to_have_count(0)
    monitor.page.keyboard.press("Escape")
    expect(line).to_contain_text("acknowledged by 김정비")
