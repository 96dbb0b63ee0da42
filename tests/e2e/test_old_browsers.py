"""A browser that is older than the page: it works, or says in a sentence that it cannot."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from e2e.conftest import LARGE, NewContext, OpenMonitor
from e2e.monitor_page import MonitorPage
from e2e.plant import RUNNING, Plant
from e2e.upgrade import too_new
from processes import Server

SAID_MS = 120_000  # guards against hanging, no bound


def test_without_the_youngest_ways_to_end_a_question_rest_is_still_asked(
    steady: Server, new_context: NewContext
) -> None:
    page = new_context(LARGE).new_page()
    page.add_init_script("delete AbortSignal.any; delete AbortSignal.timeout;")
    page.goto(f"{steady.address}/?lang=ko")
    monitor = MonitorPage(page)
    monitor.expect_live(17)
    expect(page.get_by_role("heading", name="용접 1라인")).to_be_visible()
    monitor.box(RUNNING).click()
    expect(monitor.dialog.locator("[data-today] p").first).to_contain_text("오늘", timeout=SAID_MS)


def test_a_browser_that_cannot_read_the_page_says_so_in_both_languages(
    steady_plant: Plant, new_context: NewContext, tmp_path: Path
) -> None:
    server = Server("--config", str(steady_plant.config), environment=_environment(tmp_path))
    with server:
        page = new_context(LARGE).new_page()
        page.goto(server.address)
        sentence = page.locator("#unshown")
        expect(sentence).to_be_visible(timeout=SAID_MS)
        expect(sentence).to_contain_text("이 브라우저로는 이 화면을 표시할 수 없습니다")
        expect(sentence).to_contain_text("This browser cannot show this page")


def test_a_page_that_is_shown_says_nothing_of_browsers(
    steady: Server, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady, "?lang=ko")
    monitor.expect_live(17)
    expect(monitor.page.locator("#unshown")).to_be_hidden()


def _environment(folder: Path) -> dict[str, str]:
    history = folder / "history"
    history.mkdir()
    return {"STATE_DIRECTORY": str(history), **too_new(folder)}
