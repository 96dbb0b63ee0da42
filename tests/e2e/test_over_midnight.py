"""What lasted over midnight, in every table of stretches: its end never reads as on the same day.

It is about noon at this plant, whenever the tests run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from builders import code
from e2e.past import remember
from e2e.plant import Plant
from history.told import with_previous
from lineside.config import load_config
from lineside.drivers import DRIVERS
from processes import Server
from web.memory import MINUTE_MS, told

ANSWER_MS = 60_000
NOON = 12
LANGUAGES = ("en", "ko")
TIME = re.compile(r"(\d\d-\d\d )?\d\d:\d\d(:\d\d)?")
STOOD = code(101)


class Stop(NamedTuple):
    """A fault of the machine: days after the first day, and times of day."""

    begin_day: int
    begin: str
    end_day: int
    end: str


LONG = Stop(0, "13:50", 1, "22:09")  # more than 32 hours
OVER_MIDNIGHT = Stop(1, "23:30", 2, "00:40")
WITHIN_A_DAY = Stop(2, "08:10", 2, "08:30")
STOPS = (LONG, OVER_MIDNIGHT, WITHIN_A_DAY)
TOLD_MINUTES = 58 * 60  # until 10:00 of the third day, which is today


class StoodPlant(Plant):
    """A plant whose first machine stood over midnight, twice; all else ran."""

    def __init__(self, folder: Path) -> None:
        """Write the config and the past into `folder`."""
        self.zone = ZoneInfo(f"Etc/GMT{datetime.now(UTC).hour - NOON:+d}")
        super().__init__(folder)
        today = datetime.now(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        self.begin = today - timedelta(days=2)
        letters = ["r"] * TOLD_MINUTES
        for stop in STOPS:
            first, last = (self._minute(stop.begin_day, stop.begin), self._minute(*stop[2:]))
            letters[first:last] = "e" * (last - first)
        lives = {101: "".join(letters), 102: "r" * TOLD_MINUTES}
        site = load_config(self.config, DRIVERS).site
        past = told(site, round(self.begin.timestamp() * 1_000), lives, unit_ms=MINUTE_MS)
        remember(self.first_history, [with_previous(batch) for batch in past])

    def at(self, day: int, time: str) -> str:
        """Return that time as tables write it, with its day: `11-29 22:09`."""
        return f"{self.begin + timedelta(days=day):%m-%d} {time}"

    def _toml(self) -> str:
        return super()._toml() + f'\n[plant]\ntime_zone = "{self.zone.key}"\n'

    @staticmethod
    def _minute(day: int, time: str) -> int:
        return (day * 24 + int(time[:2])) * 60 + int(time[3:])


@pytest.fixture(scope="module")
def stood(tmp_path_factory: pytest.TempPathFactory) -> StoodPlant:
    """A plant with such a past."""
    return StoodPlant(tmp_path_factory.mktemp("stood"))


@pytest.fixture(scope="module")
def server(stood: StoodPlant) -> Iterator[Server]:
    """A server for it; its PLCs are off."""
    with stood.server() as server:
        yield server


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(server: Server, new_context: Callable[..., BrowserContext]) -> OpenPage:
    """Opens a page of the line, of that machine."""

    def open_it(**query: str) -> Page:
        page = new_context((1600, 1000)).new_page()
        page.goto(f"{server.address}/?{urlencode({'line': 'weld1', 'code': STOOD, **query})}")
        return page

    return open_it


def spans_in(page: Page, table: str) -> list[list[str]]:
    """Return from when to when each row of `table` is, once it has rows."""
    rows = page.locator(f"{table} tbody tr")
    expect(rows.first).to_be_visible(timeout=ANSWER_MS)
    cells = [row.locator("td").all_inner_texts() for row in rows.all()]
    return sorted([text for text in row if TIME.fullmatch(text)] for row in cells)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stop_of_the_report_ends_on_the_day_on_which_it_ended(
    stood: StoodPlant, open_page: OpenPage, language: str
) -> None:
    yesterday = f"{stood.begin + timedelta(days=1):%Y-%m-%d}"
    page = open_page(lang=language, page="report", day=yesterday)
    assert spans_in(page, '[data-table="stops"]') == [
        [stood.at(0, "13:50"), stood.at(1, "22:09")],
        [stood.at(1, "23:30"), stood.at(2, "00:40")],
    ]
    # Who explains or splits the stop reads the same.
    page.locator('[data-table="stops"] button').first.click()
    dialog = page.get_by_role("dialog")
    spans = [f"{stood.at(*each[:2])} – {stood.at(*each[2:])}" for each in STOPS[:2]]
    either = re.compile("|".join(map(re.escape, spans)))
    expect(dialog.get_by_text(either)).to_have_count(2, timeout=ANSWER_MS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stop_of_the_machine_page_names_the_day_of_its_end_where_it_is_another(
    stood: StoodPlant, open_page: OpenPage, language: str
) -> None:
    page = open_page(lang=language, page="machine")
    assert spans_in(page, '[data-table="stops"]') == [
        [stood.at(1, "23:30"), stood.at(2, "00:40")],
        [stood.at(2, "08:10"), "08:30"],
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stretch_behind_a_figure_names_the_day_of_its_end_where_it_is_another(
    stood: StoodPlant, open_page: OpenPage, language: str
) -> None:
    page = open_page(lang=language, page="machine")
    page.locator('[data-kpi="mttr"]').click()  # of thirty days
    found = spans_in(page, "dialog")
    assert [stood.at(0, "13:50"), stood.at(1, "22:09")] in found
    assert [stood.at(2, "08:10"), "08:30"] in found
    page.keyboard.press("Escape")
    page.locator('[data-kpi="stops"]').click()  # of today, in which it began at midnight
    assert ["08:10:00", "08:30:00"] in spans_in(page, "dialog")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_past_moment_names_the_day_since_which_it_was_so_where_it_is_another(
    stood: StoodPlant, open_page: OpenPage, language: str
) -> None:
    for minutes, since in ((10, stood.at(1, "23:30:00")), (8 * 60 + 15, "08:10:00")):
        at = stood.begin + timedelta(days=2, minutes=minutes)
        page = open_page(lang=language, at=at.isoformat())
        page.locator(f'[data-equipment-code="{STOOD}"]').click(timeout=ANSWER_MS)
        words = {"en": f"since {since}", "ko": f"{since}부터"}[language]
        expect(page.get_by_role("dialog")).to_contain_text(words, timeout=ANSWER_MS)
