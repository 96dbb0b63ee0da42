"""The history cannot be stored: the page goes on and says so, quietly, until it is mended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.axe import violations
from e2e.conftest import OpenMonitor
from e2e.monitor_page import GREEN
from e2e.pictures import picture
from e2e.plant import Plant, ask
from processes import Server
from serving import PATIENCE_S, wait_until

PHONE = (390, 844)


@pytest.fixture
def server(steady_plant: Plant, tmp_path: Path) -> Iterator[Server]:
    environment = {"STATE_DIRECTORY": str(tmp_path)}
    with Server("--config", str(steady_plant.config), environment=environment) as server:
        yield server


def test_a_history_that_is_behind_is_said_and_the_board_stays_live(
    server: Server, steady_plant: Plant, open_monitor: OpenMonitor, tmp_path: Path
) -> None:
    wait_until_behind(server, False)
    with sqlite3.connect(tmp_path / "lineside-history.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        wait_until_behind(server, True)
        english = open_monitor(server, "?lang=en")
        korean = open_monitor(server, "?lang=ko&theme=light", size=PHONE)
        for monitor, words in ((english, "History is behind"), (korean, "이력 저장이 밀려")):
            monitor.expect_live(17)
            monitor.expect_colors(steady_plant.codes, GREEN)
            expect(monitor.page.locator('[data-banner="history"]')).to_contain_text(words)
            assert violations(monitor.page) == []
        picture(english, "history-behind-en")
        picture(korean, "history-behind-ko-phone")
        other.execute("ROLLBACK")
    other.close()
    wait_until_behind(server, False)
    healed = open_monitor(server, "?lang=en")
    healed.expect_live(17)
    expect(healed.page.locator("[data-banner]")).to_have_count(0)


def test_alarms_of_which_not_all_are_known_are_said_to_be_so(
    steady_plant: Plant, open_monitor: OpenMonitor, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "lineside-history.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")  # the alarms of before the start cannot be read
        environment = {"STATE_DIRECTORY": str(tmp_path)}
        with Server("--config", str(steady_plant.config), environment=environment) as server:
            for language, unknown, words in (
                ("en", "not known", "There may be more alarms"),
                ("ko", "알 수 없음", "경보가 더 있을 수 있습니다"),
            ):
                monitor = open_monitor(server, f"?lang={language}")
                monitor.expect_live(17)
                header = monitor.page.get_by_role("banner")
                expect(header.locator("[data-alarms]").first).to_contain_text(unknown)
                assert violations(monitor.page) == []
                monitor.box(min(steady_plant.codes)).click()
                expect(monitor.page.get_by_role("dialog")).to_contain_text(words)
            assert not ask(server, "/api/alarms?state=unacknowledged")["is_complete"]
            other.execute("ROLLBACK")
            known = open_monitor(server, "?lang=en")
            wait_until(
                lambda: ask(server, "/api/alarms?state=unacknowledged")["is_complete"],
                "the alarms of before the start stayed unknown",
            )
            expect(known.page.locator('[data-complete="false"]')).to_have_count(0)
    other.close()


def wait_until_behind(server: Server, is_behind: bool) -> None:
    """Wait until the server says that its history is behind, or that it is not."""

    def is_said() -> bool:
        health = ask(server, "/api/history/health")
        return health["is_behind"] is is_behind and health["written"] > 0

    wait_until(is_said, "the server says otherwise", 2 * PATIENCE_S)
