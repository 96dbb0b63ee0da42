"""The alarms page over a real history: what people do to alarms by name, and what it lists."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace
from playwright.sync_api import BrowserContext, Locator, Page, expect

from e2e.axe import violations
from e2e.conftest import LARGE
from e2e.past import remember
from e2e.pictures import FOLDER, PICTURE_MIN_BYTES
from e2e.plant import (
    FAULT,
    FAULT_WITH_RUN_BIT,
    IDLE,
    STOPPED,
    Plant,
    ask,
    machines,
    wait_until_running,
)
from history.alarms import raised, told
from history.told import a_batch, a_run
from lineside.core.alarm import AlarmEventKind, AlarmNote
from lineside.core.alarm_text import Severity
from lineside.history.records import Batch
from processes import Server
from serving import wait_until

SMALL, PHONE = (1280, 720), (390, 844)
ANSWER_MS = 60_000
MINUTE_MS = 60_000
#: Both themes and both languages, without every pair of them.
LOOKS = [("dark", "ko"), ("light", "en")]
PAST_ALARMS = 120
UNWATCHED = 42  # the one of them that went while nobody watched
STANDING = FAULT_WITH_RUN_BIT  # looked at only after whatever else is done to alarms

OpenAlarms = Callable[..., Page]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant that remembers alarms of yesterday, all of them over."""
    plant = Plant(tmp_path_factory.mktemp("alarms"))
    remember(plant.first_history, [_yesterday()])
    with plant.running():
        yield plant


@pytest.fixture(scope="module")
def server(plant: Plant) -> Iterator[Server]:
    """A server that has seen its machines run, so that their faults are news."""
    with plant.server() as server:
        wait_until_running(server, [FAULT, STOPPED, STANDING])
        yield server


@pytest.fixture
def open_alarms(server: Server, new_context: Callable[..., BrowserContext]) -> OpenAlarms:
    """Opens the page of alarms."""

    def open_page(size: tuple[int, int] = LARGE, **query: str) -> Page:
        page = new_context(size, timezone_id="Asia/Seoul").new_page()
        asked = {"lang": "en", "page": "alarms", **query}
        page.goto(f"{server.address}/?{urlencode(asked)}")
        expect(page.locator('[data-view="alarms"]')).to_be_visible(timeout=ANSWER_MS)
        return page

    return open_page


@pytest.fixture
def fault(plant: Plant, server: Server) -> Iterator[str]:
    """The name of a machine whose fault has just been raised; it runs again afterwards.

    For fewer than ten tests: a fault that comes ten times in ten minutes chatters, and is then
    cleared only after a minute without it.
    """
    plant.order(FAULT, "fault")
    wait_until(lambda: _stands(server, FAULT), "no alarm was raised")
    yield plant.names[FAULT]
    plant.mend()
    wait_until(lambda: not _stands(server, FAULT), "the alarm still stands")


@pytest.fixture(scope="module")
def standing(plant: Plant, server: Server) -> str:
    """The name of a machine whose fault stands until the last test of this module is over."""
    plant.order(STANDING, "fault")
    wait_until(lambda: _stands(server, STANDING), "no alarm was raised")
    return plant.names[STANDING]


def row_of(page: Page, name: str) -> Locator:
    """The newest alarm of a machine in the list."""
    return page.locator("tr[data-alarm]").filter(has_text=name).first


def choice(page: Page, name: str) -> Locator:
    """One of the lists to filter by."""
    return page.get_by_role("combobox", name=re.compile(f"^{name}"))


def test_an_alarm_is_acknowledged_by_name(open_alarms: OpenAlarms, fault: str) -> None:
    page = open_alarms()
    row = row_of(page, fault)
    acknowledge = row.get_by_role("button", name=re.compile("^Acknowledge"))
    expect(acknowledge).to_be_disabled(timeout=ANSWER_MS)  # nobody has said who
    page.get_by_label("Your name").fill("김반장")
    acknowledge.click()
    expect(page.get_by_role("status").filter(has_text="1 alarm acknowledged.")).to_be_visible()
    expect(row).to_have_attribute("data-state", "acknowledged")
    expect(row).to_contain_text("acknowledged by 김반장")
    expect(acknowledge).to_have_count(0)


def test_an_alarm_whose_fault_is_gone_returns_and_is_over_when_acknowledged(
    open_alarms: OpenAlarms, fault: str, plant: Plant
) -> None:
    page = open_alarms()
    page.get_by_label("Your name").fill("김반장")
    row = row_of(page, fault)
    expect(row).to_have_attribute("data-state", "unacknowledged", timeout=ANSWER_MS)
    plant.order(FAULT, "run")
    expect(row).to_have_attribute("data-state", "returned_unacknowledged", timeout=ANSWER_MS)
    expect(row).to_contain_text("lasted")
    row.get_by_role("button", name=re.compile("^Acknowledge")).click()
    expect(row).to_have_count(0, timeout=ANSWER_MS)  # it is no present alarm any more
    choice(page, "State").select_option("normal")
    expect(row).to_contain_text("acknowledged by 김반장", timeout=ANSWER_MS)


def test_an_alarm_is_shelved_for_a_time_commented_and_unshelved(
    open_alarms: OpenAlarms, fault: str, server: Server
) -> None:
    page = open_alarms()
    row = row_of(page, fault)
    row.get_by_role("button", name=re.compile("^Details")).click(timeout=ANSWER_MS)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("박기사")
    dialog.get_by_label("Comment").fill("waiting for a fuse")
    dialog.get_by_role("button", name="Add comment").click()
    happened = dialog.get_by_role("region", name="What happened").get_by_role("listitem")
    newest = happened.first
    expect(newest).to_contain_text("박기사 commented · waiting for a fuse", timeout=ANSWER_MS)
    expect(happened.last).to_contain_text("raised")
    dialog.get_by_role("button", name="Shelve for 1 h").click()
    expect(dialog).to_contain_text("shelved until", timeout=ANSWER_MS)
    shelved = ask(server, "/api/alarms?state=shelved")["alarms"]
    assert [each["code"] for each in shelved] == [FAULT]
    dialog.get_by_role("button", name="Unshelve").click()
    expect(dialog.get_by_role("button", name="Shelve for 1 h")).to_be_visible(timeout=ANSWER_MS)
    expect(newest).to_contain_text("박기사 unshelved", timeout=ANSWER_MS)
    expect(happened.nth(1)).to_contain_text("박기사 shelved")
    page.keyboard.press("Escape")
    expect(row).to_have_attribute("data-state", "unacknowledged")
    assert ask(server, "/api/alarms?state=shelved")["alarms"] == []
    events = ask(server, f"/api/alarms/{shelved[0]['id']}")["events"]
    assert [(each["event"], each["by"]) for each in events][-3:] == [
        ("commented", "박기사"),
        ("shelved", "박기사"),
        ("unshelved", "박기사"),
    ]


def test_several_are_acknowledged_at_once(
    open_alarms: OpenAlarms, fault: str, plant: Plant
) -> None:
    plant.order(STOPPED, "fault")
    page = open_alarms()
    for name in (fault, plant.names[STOPPED]):
        expect(row_of(page, name)).to_have_attribute(
            "data-state", "unacknowledged", timeout=ANSWER_MS
        )
    page.get_by_label("Select all").check()
    page.get_by_label("Your name").fill("김반장")
    page.get_by_role("button", name=re.compile(r"^Acknowledge \d+ selected$")).click()
    expect(page.locator('tr[data-state="unacknowledged"]')).to_have_count(0, timeout=ANSWER_MS)


def test_the_list_is_filtered_and_grows_page_by_page(open_alarms: OpenAlarms, plant: Plant) -> None:
    page = open_alarms()
    choice(page, "State").select_option("normal")
    rows = page.locator("tr[data-alarm]")
    expect(rows).to_have_count(50, timeout=ANSWER_MS)
    more = page.get_by_role("button", name="Show more")
    more.click()
    expect(rows).to_have_count(100, timeout=ANSWER_MS)
    choice(page, "Severity").select_option("critical")
    expect(rows).to_have_count(PAST_ALARMS // 10, timeout=ANSWER_MS)
    expect(more).to_have_count(0)
    choice(page, "Machine").select_option(label=plant.names[IDLE])
    for row in rows.all():
        expect(row).to_contain_text(plant.names[IDLE])
    choice(page, "Severity").select_option("")
    choice(page, "Machine").select_option("")
    page.get_by_label("Search").fill("number 77")
    expect(rows).to_have_count(1, timeout=ANSWER_MS)
    page.get_by_label("Search").fill("no such alarm")
    expect(page.get_by_text("No alarm matches.")).to_be_visible(timeout=ANSWER_MS)


def downloaded(page: Page, name: str) -> bytes:
    with page.expect_download() as found:
        page.get_by_role("link", name=name).click()
    return Path(found.value.path()).read_bytes()


def rows_in(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_alarms_are_taken_along_as_files(open_alarms: OpenAlarms) -> None:
    page = open_alarms()
    choice(page, "State").select_option("")
    for name, begin in (("CSV", b"\xef\xbb\xbf"), ("Excel", b"PK"), ("Parquet", b"PAR1")):
        data = downloaded(page, name)
        assert data.startswith(begin)
        if name == "CSV":
            rows = rows_in(data)
            assert len(rows) >= PAST_ALARMS
            assert "Message number 77" in [row["text_en"] for row in rows]


def test_a_file_has_the_alarms_that_the_page_lists(open_alarms: OpenAlarms, standing: str) -> None:
    page = open_alarms()
    rows = page.locator("tr[data-alarm]")
    expect(row_of(page, standing)).to_be_visible(timeout=ANSWER_MS)
    present = rows_in(downloaded(page, "CSV"))
    assert standing in [row["name"] for row in present]
    assert {row["state"] for row in present}.isdisjoint({"normal"})
    choice(page, "State").select_option("")
    page.get_by_label("Search").fill("number 77")
    expect(rows).to_have_count(1, timeout=ANSWER_MS)
    assert [row["text_en"] for row in rows_in(downloaded(page, "CSV"))] == ["Message number 77"]
    page.get_by_label("Search").fill("")
    choice(page, "Severity").select_option("critical")
    expect(rows).to_have_count(PAST_ALARMS // 10, timeout=ANSWER_MS)
    assert len(rows_in(downloaded(page, "CSV"))) == PAST_ALARMS // 10
    link = page.get_by_role("link", name="CSV").get_attribute("href")
    answer = page.request.get(link or "")  # saved or opened beside the page, and not pressed
    assert len(rows_in(answer.body())) == PAST_ALARMS // 10


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_axe_has_nothing_to_say(
    open_alarms: OpenAlarms, standing: str, theme: str, language: str
) -> None:
    page = open_alarms(lang=language, theme=theme)
    row = row_of(page, standing)
    expect(row).to_be_visible(timeout=ANSWER_MS)
    assert violations(page) == []
    row.get_by_role("button").last.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize(
    ("language", "details", "said"),
    [
        ("ko", "자세히", "복귀 · 아무도 보지 않는 사이"),
        ("en", "Details", "fault gone · while nobody watched"),
    ],
)
def test_what_lineside_notes_of_an_alarm_is_told_in_the_language_of_the_page(
    open_alarms: OpenAlarms, language: str, details: str, said: str
) -> None:
    page = open_alarms(lang=language)
    choice(page, "State" if language == "en" else "상태").select_option("")
    page.get_by_role("searchbox").fill(f"Message number {UNWATCHED}")
    expect(page.locator("tr[data-alarm]")).to_have_count(1, timeout=ANSWER_MS)
    page.get_by_role("button", name=re.compile(details)).click()
    happened = page.get_by_role("dialog").get_by_role("listitem")
    expect(happened.nth(1)).to_contain_text(said, timeout=ANSWER_MS)


@pytest.mark.parametrize(("theme", "language"), LOOKS)
@pytest.mark.parametrize("size", [LARGE, SMALL, PHONE], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_page_fits_and_is_pictured(
    open_alarms: OpenAlarms, standing: str, size: tuple[int, int], theme: str, language: str
) -> None:
    page = open_alarms(size, lang=language, theme=theme)
    expect(row_of(page, standing)).to_be_visible(timeout=ANSWER_MS)
    choice(page, "State" if language == "en" else "상태").select_option("")
    expect(page.locator("tr[data-alarm]")).to_have_count(50, timeout=ANSWER_MS)
    page.evaluate("() => document.fonts.ready.then(() => true)")
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"alarms-{size[0]}x{size[1]}-{theme}-{language}.png"
    page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size > PICTURE_MIN_BYTES
    assert not page.evaluate("() => document.scrollingElement.scrollWidth > innerWidth")
    table = page.locator('[data-table="alarms"]')
    assert table.evaluate(
        "table => table.parentElement.scrollWidth <= table.parentElement.clientWidth"
    )


def _stands(server: Server, code: str) -> bool:
    """Whether a machine's fault stands, whatever people have said to it."""
    return any(each["is_on"] for each in ask(server, f"/api/alarms?code={code}")["alarms"])


def _yesterday() -> Batch:
    """Return alarms that were raised, cleared and acknowledged, one every ten minutes."""
    begin_ms = round(time.time() * 1000) - 24 * 60 * MINUTE_MS
    own = machines()
    records = []
    for number in range(PAST_ALARMS):
        at_ms = begin_ms + number * 10 * MINUTE_MS
        machine = own[number % len(own)]
        alarm, first = raised(
            at_ms * 1000,
            at_ms=at_ms,
            source=machine["code"],
            name=machine["name"],
            plc_id=machine.get("plc"),
            severity=Severity.CRITICAL if number % 10 == 0 else Severity.HIGH,
            text_ko=f"{number}번 메시지",
            text_en=f"Message number {number}",
        )
        note = AlarmNote.NOT_WATCHED if number == UNWATCHED else None
        alarm, second = told(alarm, AlarmEventKind.CLEARED, at_ms + 4 * MINUTE_MS, note=note)
        _, third = told(alarm, AlarmEventKind.ACKNOWLEDGED, at_ms + 5 * MINUTE_MS, "김반장")
        records += [first, second, third]
    numbered = [replace(each, seq=seq) for seq, each in enumerate(records, 1)]
    end_ms = begin_ms + PAST_ALARMS * 10 * MINUTE_MS
    return a_batch(a_run(1, begin_ms), numbered, alive_ms=end_ms, stopped_ms=end_ms)
