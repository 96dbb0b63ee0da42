"""The report and the machine page, over a past that is really stored: figures, and what people say.

The figures of yesterday's day shift of one machine, by hand: 9 h less a break of 1 h are 480 min
planned; 10 of them were out of sight, 27 in one stop and 1 in a micro-stop, so that it ran 442.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.axe import violations
from e2e.conftest import LARGE
from e2e.header import expect_room_in_the_header
from e2e.past_plant import DAYS, FAILED_FIRST_CODE, SEOUL, TOLD_CODE, UNSEEN_CODE, PastPlant
from e2e.pictures import FOLDER, PICTURE_MIN_BYTES
from e2e.plant import ask
from processes import Server

SMALL, PHONE = (1280, 720), (390, 844)
ANSWER_MS = 60_000
#: Both themes and both languages, without every pair of them.
LOOKS = [("dark", "ko"), ("light", "en")]
LOADING = re.compile("^(Loading|불러오는 중)$")

OpenReport = Callable[..., Page]


@pytest.fixture(scope="module")
def past_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PastPlant]:
    """A plant of which two weeks are known."""
    plant = PastPlant(tmp_path_factory.mktemp("past"))
    with plant.running():
        yield plant


@pytest.fixture(scope="module")
def past_server(past_plant: PastPlant) -> Iterator[Server]:
    """A server for it."""
    with past_plant.server() as server:
        yield server


@pytest.fixture
def open_report(
    past_plant: PastPlant, past_server: Server, new_context: Callable[..., BrowserContext]
) -> OpenReport:
    """Opens yesterday's day shift, or whatever is asked for, on a screen far from the plant."""

    def open_page(size: tuple[int, int] = LARGE, **query: str) -> Page:
        page = new_context(size, timezone_id="America/New_York").new_page()
        asked = {
            "lang": "en",
            "page": "report",
            "day": past_plant.yesterday.isoformat(),
            "shift": "day",
            **query,
        }
        page.goto(f"{past_server.address}/?{urlencode(asked)}")
        if asked["page"] == "report":
            expect(page.get_by_role("table", name=re.compile("figures|지표"))).to_be_visible(
                timeout=ANSWER_MS
            )
        return page

    return open_page


def cell(page: Page, code: str, kpi: str) -> Any:
    """One machine's figure in the table."""
    table = page.get_by_role("table", name=re.compile("figures|지표"))
    return table.locator(f'[data-machine="{code}"] [data-kpi="{kpi}"]')


def test_the_figures_are_those_computed_by_hand(open_report: OpenReport) -> None:
    page = open_report()
    expect(cell(page, TOLD_CODE, "availability")).to_contain_text("94.0 %")  # 442 / 470
    expect(cell(page, TOLD_CODE, "availability")).to_contain_text("97.9 % seen")
    expect(cell(page, TOLD_CODE, "strict_availability")).to_contain_text("92.1 %")  # 442 / 480
    expect(cell(page, TOLD_CODE, "stops")).to_contain_text("1")
    expect(cell(page, TOLD_CODE, "micro_stops")).to_contain_text("1")


def test_a_machine_hardly_seen_has_no_availability_and_its_unseen_time_stands_there(
    open_report: OpenReport,
) -> None:
    page = open_report()
    availability = cell(page, UNSEEN_CODE, "availability")
    expect(availability).to_contain_text("Insufficient data")
    expect(availability).to_contain_text("87.5 % seen")
    expect(page.locator(f'[data-machine="{UNSEEN_CODE}"] td').last).to_contain_text("1 h")
    expect(page.locator('[data-panel="unseen"]')).to_contain_text("Time not seen")


def test_what_is_not_known_is_a_dash_that_says_why(open_report: OpenReport) -> None:
    page = open_report()
    mtbf = cell(page, TOLD_CODE, "mtbf").get_by_role("button")
    expect(mtbf).to_have_text("–")
    expect(mtbf).to_have_accessible_name(re.compile("Fewer than 2 failures"))


def test_a_figure_opens_down_to_its_intervals(open_report: OpenReport) -> None:
    page = open_report()
    cell(page, TOLD_CODE, "stops").get_by_role("button").click()
    drawer = page.get_by_role("dialog")
    rows = drawer.get_by_role("row")
    expect(rows.filter(has_text="10:00:00")).to_contain_text("Fault", timeout=ANSWER_MS)
    expect(drawer).to_contain_text("27 min in all")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    cell(page, TOLD_CODE, "micro_stops").get_by_role("button").click()
    expect(drawer).to_contain_text("2 intervals, 1 min in all", timeout=ANSWER_MS)
    page.keyboard.press("Escape")
    page.locator('[data-kpi="availability"]').first.click()
    drawer.get_by_role("button", name=re.compile("Upper 로봇 용접")).click()
    expect(drawer.get_by_role("heading")).to_contain_text("Upper 로봇 용접")


def test_a_stop_asks_for_a_reason_which_stays_with_the_name(
    open_report: OpenReport, past_server: Server, past_plant: PastPlant
) -> None:
    page = open_report()
    panel = page.locator('[data-panel="stops"]')
    name = past_plant.names[TOLD_CODE]
    ask_for = panel.get_by_role("button", name=f"Reason for the stop of {name} at 10:00")
    expect(ask_for).to_be_visible(timeout=ANSWER_MS)
    of_micro_stop = panel.get_by_role("button", name=f"Reason for the stop of {name} at 13:30")
    expect(of_micro_stop).to_have_count(0)  # nobody is asked about it
    ask_for.click()
    dialog = page.get_by_role("dialog")
    save = dialog.get_by_role("button", name="Save")
    expect(save).to_be_disabled()  # without a reason and a name
    dialog.get_by_role("radio", name="Electrical").check()
    dialog.get_by_label("Comment").fill("fuse")
    dialog.get_by_label("Your name").fill("김반장")
    save.click()
    expect(panel.get_by_role("status")).to_have_text("Saved.", timeout=ANSWER_MS)
    expect(ask_for).to_have_count(0)
    panel.get_by_label("Show stops with a reason too").check()
    row = panel.get_by_role("row").filter(has_text="Breakdown › Electrical")
    expect(row).to_contain_text("fuse")
    expect(row).to_contain_text("by 김반장")
    expect(page.locator('[data-chart="pareto-reason"]')).to_contain_text("Electrical")
    stored = ask(past_server, f"/api/stops?code={TOLD_CODE}&{_window(past_plant)}")["stops"]
    assert [(each["reason"], each["by"]) for each in stored] == [("E10", "김반장")]
    page.reload()
    panel.get_by_label("Show stops with a reason too").check()
    ask_for.click()
    expect(dialog.get_by_label("Your name")).to_have_value("김반장")
    written = dialog.get_by_role("region", name="What was written about it")
    expect(written).to_contain_text(
        "김반장 gave the reason Breakdown › Electrical · fuse", timeout=ANSWER_MS
    )
    dialog.get_by_role("radio", name="Out of material").check()
    save.click()
    expect(dialog).to_have_count(0, timeout=ANSWER_MS)
    ask_for.click()
    expect(written).to_contain_text(
        "changed the reason Breakdown › Electrical to Out of material", timeout=ANSWER_MS
    )


def test_a_stop_is_split_and_merged(
    open_report: OpenReport, past_server: Server, past_plant: PastPlant
) -> None:
    page = open_report()
    panel = page.locator('[data-panel="stops"]')
    panel.get_by_label("Show stops with a reason too").check()
    name = past_plant.names[TOLD_CODE]
    at_ten = panel.get_by_role("button", name=f"Reason for the stop of {name} at 10:00")
    at_twelve = panel.get_by_role("button", name=f"Reason for the stop of {name} at 10:12")
    at_ten.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("박기사")
    dialog.get_by_label(re.compile("^Split at")).fill("10:12:00")
    dialog.get_by_role("button", name="Split").click()
    expect(at_twelve).to_be_visible(timeout=ANSWER_MS)
    query = f"/api/stops?code={TOLD_CODE}&{_window(past_plant)}"
    assert [each["down_ms"] for each in ask(past_server, query)["stops"]] == [720_000, 900_000]
    at_twelve.click()
    dialog.get_by_role("button", name="Merge").click()
    expect(at_twelve).to_have_count(0, timeout=ANSWER_MS)
    assert [each["down_ms"] for each in ask(past_server, query)["stops"]] == [1_620_000]


def test_planned_downtime_is_entered_counts_at_once_and_is_removed(
    open_report: OpenReport, past_plant: PastPlant
) -> None:
    page = open_report()
    panel = page.locator('[data-panel="planned"]')
    panel.get_by_role("button", name="Add planned downtime").click()
    form = panel.get_by_role("form")
    form.get_by_label("Machine").select_option(label=past_plant.names[UNSEEN_CODE])
    day = past_plant.yesterday.isoformat()
    form.get_by_label("From").fill(f"{day}T10:00")
    form.get_by_label("To", exact=True).fill(f"{day}T09:00")
    form.get_by_label("Your name").fill("김반장")
    expect(form).to_contain_text("It must end after it begins.")
    expect(form.get_by_role("button", name="Save")).to_be_disabled()
    form.get_by_label("From").fill(f"{day}T09:00")
    form.get_by_label("To", exact=True).fill(f"{day}T10:00")
    form.get_by_role("button", name="Save").click()
    availability = cell(page, UNSEEN_CODE, "availability")
    expect(availability).to_contain_text("100 % seen", timeout=ANSWER_MS)
    remove = panel.get_by_role("button", name=re.compile("^Remove the planned downtime"))
    remove.click()
    expect(remove).to_have_count(0, timeout=ANSWER_MS)
    expect(availability).to_contain_text("Insufficient data", timeout=ANSWER_MS)


def test_another_stop_after_and_other_hours_are_tried_on_the_past(open_report: OpenReport) -> None:
    page = open_report()
    panel = page.locator('[data-panel="preview"]')
    show = panel.get_by_role("button", name="Preview", exact=True)
    expect(show).to_have_count(0)  # nothing is tried yet
    panel.get_by_label("주간 from").fill("10:27")
    show.click()
    strict = panel.locator(f'[data-machine="{TOLD_CODE}"] [data-kpi="strict_availability"]')
    # Less 2 h 27 min with the stop of 27 min: 442 - 120 of 480 - 147.
    expect(strict).to_contain_text("92.1 % → 96.7 %", timeout=ANSWER_MS)
    expect(panel.get_by_role("group", name="To apply it")).to_have_text(
        '[[shift]]\nid = "day"\nstart = "10:27"\nend = "17:00"'
    )
    panel.get_by_label("Stopped after (minutes)").fill("10")
    show.click()
    expect(panel.get_by_role("group", name="To apply it")).to_contain_text('stop_after = "10m"')
    expect(cell(page, TOLD_CODE, "strict_availability")).to_contain_text("92.1 %")


def test_the_alarms_that_came_most_often_are_counted(open_report: OpenReport) -> None:
    page = open_report()
    ranking = page.get_by_role("region", name="Most frequent alarms").get_by_role("listitem")
    expect(ranking.filter(has_text="Clamp pressure low").first).to_be_visible()
    counts = [int(text) for text in ranking.locator("b").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] >= 1


def test_the_machine_page_lists_its_last_alarms_by_the_clock_of_the_plant(
    open_report: OpenReport, past_plant: PastPlant
) -> None:
    page = open_report(page="machine", code=TOLD_CODE)
    alarms = page.get_by_role("region", name="Last alarms").locator("tr[data-alarm]")
    expect(alarms).to_have_count(10, timeout=ANSWER_MS)
    day = past_plant.yesterday.strftime("%m-%d")
    newest = alarms.first
    expect(newest).to_contain_text(f"{day} 10:00")
    expect(newest).to_contain_text(f"{day} 10:12")
    expect(newest).to_contain_text("lasted 12 min")
    expect(newest).to_contain_text("acknowledged by 김정비")


def test_a_screen_far_from_the_plant_shows_the_plants_clock_and_says_whose_it_is(
    open_report: OpenReport,
) -> None:
    page = open_report(page="board")
    clock, whose = page.locator("header time"), page.locator("header [data-zone]")
    expect(whose).to_have_text("Plant time Asia/Seoul", timeout=ANSWER_MS)
    assert is_now_in_seoul(clock.inner_text())
    page.locator(f'[data-equipment-code="{TOLD_CODE}"]').click()
    tags = page.get_by_role("dialog").get_by_role("region", name="Raw tags")
    expect(tags.get_by_role("row")).not_to_have_count(0)
    assert is_now_in_seoul(tags.get_by_role("row").last.get_by_role("cell").last.inner_text())
    page.keyboard.press("Escape")
    for width in (1920, 1280, 1024, 390):
        page.set_viewport_size({"width": width, "height": 844})
        expect(whose).to_be_visible()
        expect_room_in_the_header(page, width)


def test_a_screen_on_the_clock_of_the_plant_is_not_told_whose_it_is(
    past_server: Server, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(timezone_id="Asia/Tokyo").new_page()
    with page.expect_response(lambda response: "/api/today" in response.url):
        page.goto(f"{past_server.address}/?lang=en")
    clock = page.locator("header time")
    for _ in range(2):  # what was answered is shown with the next tick
        expect(clock).not_to_have_text(clock.inner_text())
    assert is_now_in_seoul(clock.inner_text())
    expect(page.locator("header [data-zone]")).to_have_count(0)


def is_now_in_seoul(text: str) -> bool:
    """Return whether `text` begins with a time of less than a minute ago on Seoul's clock."""
    hours, minutes, seconds = (int(part) for part in text[:8].split(":"))
    now = datetime.now(SEOUL)
    ago_s = now.hour * 3_600 + now.minute * 60 + now.second - (hours * 60 + minutes) * 60 - seconds
    return ago_s % 86_400 < 60 or ago_s % 86_400 > 86_400 - 2


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_everything_behind_the_report_can_be_taken_along(
    open_report: OpenReport, kind: str
) -> None:
    page = open_report()
    page.get_by_role("button", name="Download").click()
    dialog = page.get_by_role("dialog")
    begins = {"csv": b"\xef\xbb\xbf", "xlsx": b"PK", "parquet": b"PAR1"}
    format_ = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet"}[kind]
    tables = ("Key figures", "Stops", "Alarms", "Intervals", "Changes", "PLC connections", "Server")
    for table in tables:
        with page.expect_download() as found:
            dialog.get_by_role("link", name=f"{table}, {format_}").click()
        assert found.value.suggested_filename.endswith(f".{kind}")
        assert Path(found.value.path()).read_bytes().startswith(begins[kind])


def test_days_and_shifts_are_stepped_through(
    open_report: OpenReport, past_plant: PastPlant
) -> None:
    page = open_report()
    picker = page.get_by_role("region", name="Day and shift")
    day = picker.get_by_label("Day", exact=True)
    expect(picker).to_contain_text("08:00–17:00")
    picker.get_by_role("button", name="Next").click()
    expect(picker).to_contain_text("20:00–05:00", timeout=ANSWER_MS)
    picker.get_by_role("button", name="Previous").click()
    expect(picker).to_contain_text("08:00–17:00", timeout=ANSWER_MS)
    expect(day).to_have_value(past_plant.yesterday.isoformat())
    picker.get_by_label("Shift").select_option("")
    expect(page).to_have_url(re.compile(r"^(?!.*shift=)"))
    picker.get_by_role("button", name="Today").click()
    expect(page).to_have_url(re.compile(r"^(?!.*day=)"))
    page.go_back()
    expect(day).to_have_value(past_plant.yesterday.isoformat(), timeout=ANSWER_MS)


def test_the_machine_page_shows_its_day_and_what_precedes_its_failures(
    open_report: OpenReport,
) -> None:
    page = open_report(page="machine", code="KRCWO12ELOA105")
    before = page.get_by_role("region", name="What usually precedes its failures")
    # Of a drawn machine nearly every failure follows a minute of waiting.
    expect(before).to_contain_text("Status Idle", timeout=ANSWER_MS)
    expect(page.locator('[data-kpi="mtbf"]')).to_contain_text("Last 30 days")
    expect(page.get_by_role("img")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "tile", "looked", "left"),
    [
        ("en", r"(\d+) failures", r"(\d+) of (\d+) failures looked at", r"(\d+) left out"),
        ("ko", r"고장 (\d+)", r"고장 (\d+)번 가운데 (\d+)번을 살폈", r"(\d+)번은 그 전 10분"),
    ],
)
def test_the_failures_that_are_looked_at_are_those_that_the_figures_count(
    open_report: OpenReport,
    past_server: Server,
    past_plant: PastPlant,
    language: str,
    tile: str,
    looked: str,
    left: str,
) -> None:
    page = open_report(page="machine", code=FAILED_FIRST_CODE, lang=language)
    text = page.get_by_text(re.compile(looked)).first
    expect(text).to_be_visible(timeout=ANSWER_MS)
    counted = _numbers(tile, page.locator('[data-kpi="mttr"]').inner_text())
    several = sorted(_numbers(looked, text.inner_text()))  # those looked at, and all
    left_out = _numbers(left, text.inner_text())
    assert several[1:] == counted
    assert several[0] + sum(left_out) == several[1]
    first_day = (past_plant.yesterday - timedelta(days=DAYS - 1)).isoformat()
    window = urlencode({"from": f"{first_day}T00:00:00+09:00", "to": f"{first_day}T00:20:00+09:00"})
    asked = f"/api/kpis/failures?code={FAILED_FIRST_CODE}&{window}"
    assert len(ask(past_server, asked)["failures"]) == 1  # with which the history begins
    assert sum(left_out) >= 1  # nobody saw what was before it
    # Errors that are too short to count are in neither.
    page.locator('[data-kpi="mttr"]').click()
    drawer = page.get_by_role("dialog")
    words = {"en": r"(\d+) repairs in", "ko": r"복구 (\d+)번"}[language]
    sums = drawer.get_by_text(re.compile(words))
    expect(sums).to_be_visible(timeout=ANSWER_MS)
    assert _numbers(words, sums.inner_text()) == counted


def _numbers(pattern: str, text: str) -> list[int]:
    found = re.search(pattern, text)
    return [] if found is None else [int(each) for each in found.groups()]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_report_prints_on_a4(open_report: OpenReport, language: str) -> None:
    page = open_report(lang=language, theme="dark")
    expect(page.get_by_text(LOADING)).to_have_count(0, timeout=ANSWER_MS)
    FOLDER.mkdir(exist_ok=True)
    pdf = page.pdf(path=FOLDER / f"report-{language}.pdf", prefer_css_page_size=True)
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)
    assert box, "no page"
    assert [round(float(each)) for each in box.groups()] == [595, 842]
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
    assert _draws(pdf), "nothing is drawn"
    page.emulate_media(media="print")
    head = page.get_by_text(re.compile("Printed|출력")).first
    expect(head).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^(Print|인쇄)$"))).to_be_hidden()
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"


@pytest.mark.parametrize(("theme", "language"), LOOKS)
@pytest.mark.parametrize("view", ["report", "machine"])
def test_axe_has_nothing_to_say(
    open_report: OpenReport, view: str, theme: str, language: str
) -> None:
    palette = "contract" if language == "ko" else "iec"
    page = open_report(page=view, theme=theme, palette=palette, lang=language, code=TOLD_CODE)
    expect(page.locator('[data-panel="stops"]')).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_text(LOADING)).to_have_count(0, timeout=ANSWER_MS)
    assert violations(page) == []
    page.locator('[data-kpi="availability"]').first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize(("theme", "language"), LOOKS)
@pytest.mark.parametrize("view", ["report", "machine"])
def test_the_views_fit_and_are_pictured(
    open_report: OpenReport, view: str, theme: str, language: str
) -> None:
    page = open_report(page=view, theme=theme, lang=language, code=TOLD_CODE)
    expect(page.locator('[data-panel="stops"] h2')).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_text(LOADING)).to_have_count(0, timeout=ANSWER_MS)
    page.evaluate("() => document.fonts.ready.then(() => true)")
    FOLDER.mkdir(exist_ok=True)
    for width, height in (LARGE, SMALL, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        path = FOLDER / f"{view}-{width}x{height}-{theme}-{language}.png"
        page.screenshot(path=path, animations="disabled")
        assert path.stat().st_size > PICTURE_MIN_BYTES
        assert not page.evaluate("() => document.scrollingElement.scrollWidth > innerWidth"), width


def _window(plant: PastPlant) -> str:
    day = plant.yesterday.isoformat()
    return urlencode({"from": f"{day}T08:00:00+09:00", "to": f"{day}T17:00:00+09:00"})


def _draws(pdf: bytes) -> bool:
    """Whether any of the document's streams sets text."""
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            if b" Tf" in zlib.decompress(found[1]):
                return True
        except zlib.error:
            continue
    return False
