"""Lists that are longer than what is drawn at once: what they count and sum up is of all of it.

The first two machines run for a minute and have a fault for three, over and over: 360 stops and 360
faults of each in a day. The first has done so for more than a month, the second for one day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from builders import code
from e2e.past import remember
from e2e.past_plant import SEOUL
from e2e.plant import Plant, ask
from lineside.config import load_config
from lineside.drivers import DRIVERS
from processes import Server
from web.memory import told

ANSWER_MS = 60_000
DAY_MINUTES = 24 * 60
CYCLE = "reee"
PAST_DAYS, MONTH_DAYS = 32, 30
STOPS = 2 * DAY_MINUTES // len(CYCLE)
#: Of the first machine in a month, of which today has none: nobody sees the machines today.
FAULTS = (MONTH_DAYS - 1) * DAY_MINUTES // len(CYCLE)
REPAIRS = FAULTS - 1

Open = Callable[..., Page]


class RestlessPlant(Plant):
    """A plant in which two machines have changed all the time, until the last midnight."""

    def __init__(self, folder: Path) -> None:
        """Write the config and the past into `folder`."""
        super().__init__(folder)
        today = datetime.now(SEOUL).replace(hour=0, minute=0, second=0, microsecond=0)
        self.yesterday: date = (today - timedelta(days=1)).date()
        begin_ms = round((today - timedelta(days=PAST_DAYS)).timestamp() * 1000)
        calm = "r" * ((PAST_DAYS - 1) * DAY_MINUTES)
        restless = CYCLE * (DAY_MINUTES // len(CYCLE))
        days = {101: restless * PAST_DAYS, 102: calm + restless}
        site = load_config(self.config, DRIVERS).site
        remember(self.first_history, told(site, begin_ms, days))

    def _toml(self) -> str:
        return super()._toml() + '\n[plant]\ntime_zone = "Asia/Seoul"\n'

    @property
    def yesterday_asked(self) -> str:
        """Yesterday as REST is asked about it."""
        begin = datetime.combine(self.yesterday, datetime.min.time(), SEOUL)
        end = begin + timedelta(days=1)
        return urlencode({"line": "weld1", "from": begin.isoformat(), "to": end.isoformat()})


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> RestlessPlant:
    """A plant with long lists."""
    return RestlessPlant(tmp_path_factory.mktemp("restless"))


@pytest.fixture(scope="module")
def server(restless: RestlessPlant) -> Iterator[Server]:
    """A server for it; its PLCs are off."""
    with restless.server() as server:
        yield server


@pytest.fixture
def open_at(server: Server, new_context: Callable[..., BrowserContext]) -> Open:
    """Opens a page of the line."""

    def open_page(**query: str) -> Page:
        page = new_context((1600, 1000), timezone_id="America/New_York").new_page()
        page.goto(f"{server.address}/?{urlencode({'lang': 'en', **query})}")
        return page

    return open_page


def test_stops_without_a_reason_are_counted_beyond_those_that_are_listed(
    open_at: Open, server: Server, restless: RestlessPlant
) -> None:
    kpis = ask(server, f"/api/kpis?by=line&{restless.yesterday_asked}")["rows"]
    assert [row["stops"] for row in kpis] == [STOPS]
    page = open_at(page="report", day=restless.yesterday.isoformat())
    panel = page.locator('[data-panel="stops"]')
    expect(panel.get_by_role("heading")).to_contain_text(
        f"{STOPS} stops without a reason", timeout=ANSWER_MS
    )
    rows = panel.locator("[data-stop]")
    expect(rows).to_have_count(500)
    expect(panel).to_contain_text(f"The first 500 of {STOPS} are shown.")
    panel.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(STOPS, timeout=ANSWER_MS)
    expect(panel).not_to_contain_text("are shown")
    # Those beside a stop can be joined with it wherever in the list they stand.
    rows.last.get_by_role("button").click()
    other = page.get_by_role("dialog").get_by_label("Stop to merge with")
    expect(other.get_by_role("option")).to_have_count(1, timeout=ANSWER_MS)


def test_stretches_behind_a_figure_are_summed_beyond_those_that_are_drawn(open_at: Open) -> None:
    page = open_at(page="machine", code=code(101))
    tile = page.locator('[data-kpi="mttr"]')
    expect(tile).to_contain_text(f"{FAULTS} failures", timeout=ANSWER_MS)
    tile.click()
    drawer = page.get_by_role("dialog")
    # Of the last one nobody saw the end: it is no repair.
    expect(drawer).to_contain_text(f"{REPAIRS} intervals, 21 d 17 h in all", timeout=ANSWER_MS)
    assert REPAIRS * 3 == (21 * 24 + 18) * 60 - 3
    expect(drawer).to_contain_text(f"The first 500 of {REPAIRS} are shown.")
    drawer.get_by_role("button", name="Show more").click()
    expect(drawer).to_contain_text(f"The first 1000 of {REPAIRS} are shown.", timeout=ANSWER_MS)
    expect(drawer.locator("tbody tr")).to_have_count(1000)
    page.keyboard.press("Escape")
    before = page.get_by_role("region", name="What usually precedes its failures")
    expect(before).to_contain_text(f"of {FAULTS} failures looked at", timeout=ANSWER_MS)
