"""A PLC is killed: its machines, and only they, go gray in time, and come back by themselves."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

import bounds
from e2e.conftest import OpenMonitor
from e2e.monitor_page import GRAY, GREEN, TICK_MS
from e2e.plant import Plant
from processes import Server

GRAY_WITHIN_S = 4.0
BACK_WITHIN_MS = 90_000  # the longest backoff is 10 s

pytestmark = pytest.mark.measures


def test_a_killed_plc_grays_its_own_machines_within_four_seconds_and_they_come_back(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady)
    lost = steady_plant.codes_of("PLC02")
    monitor.expect_colors(steady_plant.codes, GREEN, timeout_ms=BACK_WITHIN_MS)
    expect(monitor.attention).to_have_count(0)

    killed_at_s = time.time()
    steady_plant.lose("PLC02")
    monitor.expect_colors(lost, GRAY, timeout_ms=TICK_MS)
    gray_after_s = {c: at_s - killed_at_s for c, at_s in monitor.turned(GRAY, killed_at_s).items()}
    assert set(gray_after_s) == lost, "every machine of the PLC, and no other"
    bounds.hold(max(gray_after_s.values()), GRAY_WITHIN_S, "gray after (s)")

    # One event is one line: not one per machine.
    expect(monitor.attention).to_have_count(1)
    expect(monitor.attention).to_have_attribute("data-attention", "plc")
    expect(monitor.attention).to_contain_text("PLC02")
    expect(monitor.attention).to_contain_text(str(len(lost)))

    steady_plant.restore("PLC02")
    monitor.expect_colors(lost, GREEN, timeout_ms=BACK_WITHIN_MS)
    expect(monitor.attention).to_have_count(0)
    others = steady_plant.codes - lost
    assert not others & set(monitor.turned(GRAY, killed_at_s)), "the others were never disturbed"


def test_a_plc_that_hangs_is_as_gray_as_one_that_is_gone(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    monitor = open_monitor(steady)
    silent = steady_plant.codes_of("PLC03")
    monitor.expect_colors(silent, GREEN, timeout_ms=BACK_WITHIN_MS)

    hung_at_s = time.time()
    steady_plant.plcs["PLC03"].say("PLC03 hang")
    monitor.expect_colors(silent, GRAY, timeout_ms=TICK_MS)
    gray_after_s = [at_s - hung_at_s for at_s in monitor.turned(GRAY, hung_at_s).values()]
    bounds.hold(max(gray_after_s), GRAY_WITHIN_S, "gray after (s)")

    steady_plant.plcs["PLC03"].say("PLC03 ok")
    monitor.expect_colors(silent, GREEN, timeout_ms=BACK_WITHIN_MS)
