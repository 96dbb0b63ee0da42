"""Changed rules: the report shows what they would make of the past, and applies them to it.

Yesterday's day shift had its break at noon; today's rules have it at ten, when one machine had its
stop of 27 minutes. By then's rules that machine ran 442 of 480 planned minutes, by today's all but
1 min of a micro-stop and 10 min out of sight: 469 of 480.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, expect

from e2e.axe import violations
from e2e.conftest import LARGE
from e2e.past_plant import TOLD_CODE, PastPlant
from e2e.pictures import FOLDER
from processes import Server

ANSWER_MS = 60_000


@pytest.fixture(scope="module")
def changed_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PastPlant]:
    """A plant whose break is at another time than in the two weeks that are known of it."""
    plant = PastPlant(tmp_path_factory.mktemp("changed"))
    config = plant.config.read_text(encoding="utf-8")
    plant.config.write_text(config.replace("12:00-13:00", "10:00-11:00"), encoding="utf-8")
    with plant.running():
        yield plant


@pytest.fixture(scope="module")
def changed_server(changed_plant: PastPlant) -> Iterator[Server]:
    """A server for it."""
    with changed_plant.server() as server:
        yield server


def test_todays_rules_are_shown_on_the_past_then_applied_by_name_and_taken_back(
    changed_plant: PastPlant, changed_server: Server, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(LARGE, timezone_id="America/New_York").new_page()
    day = changed_plant.yesterday.isoformat()
    asked = {"lang": "en", "page": "report", "day": day, "shift": "day"}
    page.goto(f"{changed_server.address}/?{urlencode(asked)}")
    told = page.get_by_role("table", name="Key figures").locator(
        f'[data-machine="{TOLD_CODE}"] [data-kpi="strict_availability"]'
    )
    expect(told).to_contain_text("92.1 %", timeout=ANSWER_MS)
    panel = page.locator('[data-panel="preview"]')
    show = panel.get_by_role("button", name="Preview with today’s rules")
    open_form = panel.get_by_role("button", name="Apply these rules to this time")
    expect(open_form).to_have_count(0)  # before the difference was shown

    show.click()
    shown = panel.locator(f'[data-machine="{TOLD_CODE}"] [data-kpi="strict_availability"]')
    expect(shown).to_contain_text("92.1 % → 97.7 %", timeout=ANSWER_MS)
    open_form.click()
    form = panel.get_by_role("form", name="Apply these rules to this time")
    expect(form).to_contain_text(f"{day[5:]} 08:00 to {day[5:]} 17:00")
    apply = form.get_by_role("button", name="Apply", exact=True)
    expect(apply).to_be_disabled()
    form.get_by_label("Your name").fill("김반장")
    form.get_by_label("Why").fill("The break has moved")
    panel.screenshot(path=FOLDER / "rules-on-the-past.png")
    assert violations(page) == []
    apply.click()
    expect(told).to_contain_text("97.7 %", timeout=ANSWER_MS)
    applied = panel.locator('[data-table="rules-applied"] tbody tr')
    expect(applied).to_contain_text("The break has moved")
    expect(applied).to_contain_text("김반장")
    assert violations(page) == []

    show.click()
    expect(panel).to_contain_text("judged by today’s rules already", timeout=ANSWER_MS)
    expect(open_form).to_have_count(0)
    applied.get_by_role("button", name="Take back").click()
    expect(applied).to_have_count(0, timeout=ANSWER_MS)
    expect(told).to_contain_text("92.1 %", timeout=ANSWER_MS)
