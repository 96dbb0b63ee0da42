"""axe-core finds nothing to complain of, on any page and in any state. The states of a lost
server are judged in `test_server_lost.py`, where they are brought about.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.axe import violations
from e2e.conftest import OpenMonitor
from e2e.plant import FAULT, STOPPED, Plant
from processes import Server


@pytest.mark.parametrize(("theme", "palette"), [("dark", "contract"), ("light", "iec")])
def test_the_board(motley: Server, open_monitor: OpenMonitor, theme: str, palette: str) -> None:
    monitor = open_monitor(motley, f"?theme={theme}&palette={palette}")
    monitor.expect_live(17)
    expect(monitor.attention).to_have_count(4)
    assert violations(monitor.page) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("state", ["plan", "wall", "phone", "phone-list", "detail", "settings"])
def test_every_other_view(
    motley: Server, open_monitor: OpenMonitor, state: str, theme: str
) -> None:
    size = (390, 844) if state.startswith("phone") else (1280, 720)
    query = {"plan": "&view=plan", "wall": "&wall=1"}.get(state, "")
    monitor = open_monitor(motley, f"?theme={theme}&lang=en{query}", size=size)
    monitor.expect_live(17)
    if state == "phone-list":
        monitor.page.get_by_role("complementary").get_by_role("button").first.click()
        expect(monitor.attention.first).to_be_visible()
    if state == "detail":
        monitor.box(FAULT).click()
        expect(monitor.dialog.get_by_role("table")).to_be_visible()
    if state == "settings":
        monitor.page.get_by_role("button", name="Display settings").click()
        expect(monitor.page.get_by_role("button", name="한국어")).to_be_visible()
    assert violations(monitor.page) == []


def test_a_filter_that_leaves_nothing(motley: Server, open_monitor: OpenMonitor) -> None:
    monitor = open_monitor(motley)
    monitor.expect_live(17)
    monitor.count_filter("가동").click()
    expect(monitor.boxes).to_have_count(7)
    assert violations(monitor.page) == []


def test_the_documentation_of_the_api(motley: Server, open_monitor: OpenMonitor) -> None:
    # As far as it is ours: what Swagger UI draws inside its own element is not.
    """Judged as far as it is ours: what Swagger UI draws inside its own element is not."""
    page = open_monitor(f"{motley.address}/docs").page
    expect(page.locator(".swagger-ui .info")).to_be_visible(timeout=60_000)
    assert violations(page, but_not=".swagger-ui") == []


def test_changes_are_announced_and_ticks_are_not(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady, "?lang=en")
    monitor.expect_live(17)
    live = monitor.page.locator('[role="status"][data-live="machines"]')
    before = live.inner_text()
    monitor.page.evaluate(
        """() => {
            window.said = [];
            new MutationObserver(() => window.said.push(1)).observe(
              document.querySelector('[data-live="machines"]'),
              { subtree: true, childList: true, characterData: true });
        }"""
    )
    clock = monitor.page.locator("header time")
    is_steady = False
    while not is_steady:  # on a busy computer a tick may be late, which is said
        seen = len(monitor.recorded()["boxes"])
        monitor.page.evaluate("() => { window.said.length = 0; }")
        for _ in range(3):
            shown = clock.inner_text()
            expect(clock).not_to_have_text(shown)
        said = monitor.page.evaluate("() => window.said.length")
        is_steady = len(monitor.recorded()["boxes"]) == seen
    assert said == 0, before
    steady_plant.order(STOPPED, "fault")
    expect(live).to_have_text(f"{steady_plant.names[STOPPED]}: Fault")
