"""The report of a day whose changes were deleted: figures that were kept, and no empty lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, expect

from e2e.past import forget_past, remember
from e2e.past_plant import SEOUL
from e2e.plant import Plant, ask
from history.told import with_previous
from lineside.config import load_config
from lineside.drivers import DRIVERS
from processes import Server
from web.memory import told

ANSWER_MS = 60_000
DAYS = 6
HOUR = "r" * 50 + "e" * 10
STOPS = 24 * 7  # a day, of seven machines
GONE = {"en": "are not kept any more", "ko": "지워졌습니다"}


class OldPlant(Plant):
    """A plant of which the last two days are kept, and of what was before it the figures."""

    def __init__(self, folder: Path) -> None:
        """Write the config and the past into `folder`."""
        super().__init__(folder)
        now = datetime.now(SEOUL)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        begin = midnight - timedelta(days=DAYS)
        self.first_day: date = begin.date()
        self.last_day: date = (midnight - timedelta(days=1)).date()
        letters = HOUR * (24 * DAYS)
        days = dict.fromkeys(range(101, 108), letters)
        site = load_config(self.config, DRIVERS).site
        past = told(site, round(begin.timestamp() * 1_000), days)
        remember(self.first_history, [with_previous(batch) for batch in past])
        kept_s = (now - midnight).total_seconds() + 2 * 86_400
        forget_past(self.first_history, round(now.timestamp() * 1_000), kept_s)

    def _toml(self) -> str:
        return super()._toml() + '\n[plant]\ntime_zone = "Asia/Seoul"\n'


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> OldPlant:
    """A plant with a past that was partly deleted."""
    return OldPlant(tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="module")
def server(old: OldPlant) -> Iterator[Server]:
    """A server for it; its PLCs are off."""
    with old.server() as server:
        yield server


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_day_without_changes_has_its_figures_and_says_that_its_stops_are_gone(
    old: OldPlant, server: Server, new_context: Callable[..., BrowserContext], language: str
) -> None:
    report = ask(server, f"/api/report?line=weld1&day={old.first_day}")
    assert (report["kpis"]["stops"], report["pareto_by_reason"]) == (STOPS, [])
    page = new_context((1600, 1000)).new_page()
    query = {"lang": language, "page": "report", "day": old.first_day.isoformat()}
    page.goto(f"{server.address}/?{urlencode(query)}")
    stops = page.locator('[data-panel="stops"]')
    expect(stops.locator("[data-kept-from]")).to_contain_text(GONE[language], timeout=ANSWER_MS)
    expect(page.locator('[data-view="report"]')).to_contain_text(str(STOPS))
    none = "No stop waits" if language == "en" else "기다리는 정지"
    expect(stops).not_to_contain_text(none)
    pareto = page.locator('[data-chart="pareto-reason"]')
    expect(pareto).not_to_contain_text("There was no downtime")
    expect(pareto).to_contain_text("not kept any more" if language == "en" else "지워져")
    page.locator('[data-kpi="stops"]').first.click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("button").filter(has_text="24").first.click()
    expect(drawer.locator("[data-kept-from]")).to_contain_text(GONE[language], timeout=ANSWER_MS)


def test_a_day_of_which_all_is_kept_says_nothing_of_the_kind(
    old: OldPlant, server: Server, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context((1600, 1000)).new_page()
    query = {"lang": "en", "page": "report", "day": old.last_day.isoformat()}
    page.goto(f"{server.address}/?{urlencode(query)}")
    stops = page.locator('[data-panel="stops"]')
    expect(stops).to_contain_text(f"{STOPS} stops without a reason", timeout=ANSWER_MS)
    expect(page.locator("[data-kept-from]")).to_have_count(0)


DELETED = {
    "en": ("Deleted", "not kept any more", "at this moment were deleted"),
    "ko": ("삭제됨", "지워졌습니다", "이 시점의 상태 변화가 지워졌습니다"),
}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_time_whose_changes_were_deleted_is_called_so_on_the_timeline_and_at_a_moment(
    old: OldPlant, server: Server, new_context: Callable[..., BrowserContext], language: str
) -> None:
    word, why, then = DELETED[language]
    page = new_context((1600, 1000)).new_page()
    noon = datetime.combine(old.first_day + timedelta(days=1), datetime.min.time(), SEOUL)
    at = (noon + timedelta(hours=12)).isoformat()
    page.goto(f"{server.address}/?{urlencode({'lang': language, 'page': 'timeline', 'at': at})}")
    legend = page.get_by_role("list", name={"en": "Legend", "ko": "범례"}[language])
    expect(legend).to_contain_text(word, timeout=ANSWER_MS)
    name = {"en": "show as a table", "ko": "표로 보기"}[language]
    page.get_by_role("button", name=re.compile(name)).first.click()
    table = page.get_by_role("dialog").get_by_role("table")
    gone = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name=word))
    expect(gone.first).to_contain_text(why)
    page.keyboard.press("Escape")
    expect(page.locator('[data-banner="past"]')).to_contain_text(then, timeout=ANSWER_MS)
