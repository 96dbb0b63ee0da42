"""The server is killed, restarted or frozen: the page tells the truth throughout, and heals."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

import bounds
from e2e.axe import violations
from e2e.conftest import OpenMonitor
from e2e.monitor_page import GRAY, GREEN, TICK_MS, MonitorPage
from e2e.pictures import picture
from e2e.plant import Plant
from processes import Server

RETRY_S = 3.0
GRAY_WITHIN_S = 4.0
ATTEMPTS = ["1/5", "2/5", "3/5", "4/5", "5/5"]
FAILED_WITHIN_MS = 120_000  # five attempts of 3 s, and a margin for a busy machine
HAS_ALL_GLYPHS = (
    "() => document.fonts.check('1em \"Pretendard Variable\"', document.body.innerText)"
)
HEALED_WITHIN_MS = 120_000  # the page asks every 15 s

pytestmark = pytest.mark.measures


@pytest.fixture
def servers(steady_plant: Plant) -> Iterator[tuple[Server, Server]]:
    with steady_plant.server() as first, steady_plant.server() as second:
        yield first, second


# It waits out five attempts and the health question, 35 s by the contract's own clock, twice over.
@pytest.mark.timeout(600)
def test_a_dead_server_is_retried_five_times_then_failed_and_heals_when_it_returns(
    servers: tuple[Server, Server], steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    crashed, restarted = servers
    patient, impatient = open_monitor(crashed), open_monitor(crashed, "?lang=en&theme=light")
    warned = open_monitor(restarted)
    pages = (patient, impatient, warned)
    for monitor in pages:
        monitor.expect_live(17)
        monitor.expect_colors(steady_plant.codes, GREEN)

    lost_at_s = time.time()
    crashed.kill()
    assert restarted.terminate() == 0
    for monitor in pages:
        monitor.expect_connection("reconnecting")
    assert violations(impatient.page) == []  # which holds that page up: its times say nothing
    for monitor in pages:
        monitor.expect_connection("failed", timeout_ms=FAILED_WITHIN_MS)
        _expect_failed_board(monitor, steady_plant)
        _expect_five_attempts(monitor, lost_at_s, is_timed=monitor is not impatient)
        assert monitor.page.evaluate(HAS_ALL_GLYPHS), "what the page says now came too late"
    expect(patient.pill).to_have_text("연결 실패")
    expect(impatient.pill).to_have_text("Connection failed")

    assert violations(patient.page) == violations(impatient.page) == []
    picture(patient, "failed-1920x1080-dark-ko")
    picture(impatient, "failed-1920x1080-light-en")

    # Before there is a server again, or the page may find it by itself in the meantime.
    impatient.banner.get_by_role("button", name="Reconnect").click()
    impatient.expect_connection("reconnecting")
    crashed.start()
    restarted.start()
    impatient.expect_live(17, timeout_ms=60_000)
    for monitor in (patient, warned):
        monitor.expect_connection("connected", timeout_ms=HEALED_WITHIN_MS)
    for monitor in pages:
        monitor.expect_colors(steady_plant.codes, GREEN)
        expect(monitor.banner).to_have_count(0)


def _expect_failed_board(monitor: MonitorPage, plant: Plant) -> None:
    monitor.expect_colors(plant.codes, GRAY)
    expect(monitor.banner).to_be_visible()
    expect(monitor.banner.get_by_role("button")).to_be_enabled()
    # The page is deaf: that is one line, not three lost PLCs and not seventeen machines.
    expect(monitor.attention).to_have_count(1)
    expect(monitor.attention).to_have_attribute("data-attention", "page")


def _expect_five_attempts(monitor: MonitorPage, lost_at_s: float, *, is_timed: bool) -> None:
    said = [(at_s, text) for at_s, text in monitor.recorded()["pill"] if at_s > lost_at_s]
    attempts = [(at_s, text.split()[-1]) for at_s, text in said if "/5" in text]
    assert [count for _, count in attempts] == ATTEMPTS
    if not is_timed:
        return
    gaps_s = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(attempts)]
    bounds.hold(RETRY_S - min(gaps_s), 0.3, "a retry early by (s)")
    bounds.hold(max(gaps_s) - RETRY_S, 1.0, "a retry late by (s)")
    bounds.hold(attempts[0][0] - lost_at_s, 1.0, "said after (s), not after the first wait")


def test_a_server_restart_is_survived_without_a_touch(
    servers: tuple[Server, Server], steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    server, _ = servers
    monitor = open_monitor(server)
    monitor.expect_live(17)
    server.terminate()
    monitor.expect_connection("reconnecting")
    server.start()
    monitor.expect_connection("connected", timeout_ms=FAILED_WITHIN_MS)
    monitor.expect_colors(steady_plant.codes, GREEN)
    attempts = sum("/5" in text for _, text in monitor.recorded()["pill"])
    bounds.hold(attempts, 5, "attempts until it was back")


def test_a_frozen_server_turns_every_box_gray_by_itself_and_thaws(
    servers: tuple[Server, Server], steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    server, _ = servers
    monitor = open_monitor(server)
    monitor.expect_live(17)
    frozen_at_s = time.time()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        # The socket is open and silent; nothing arrives that could say so.
        monitor.expect_colors(steady_plant.codes, GRAY, timeout_ms=TICK_MS)
        expect(monitor.banner).to_have_attribute("data-banner", "stale")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    gray_after_s = [at_s - frozen_at_s for at_s in monitor.turned(GRAY, frozen_at_s).values()]
    assert len(gray_after_s) == 17
    bounds.hold(max(gray_after_s), GRAY_WITHIN_S, "gray after (s)")
    monitor.expect_live(17)
    monitor.expect_colors(steady_plant.codes, GREEN)
    said = [text for at_s, text in monitor.recorded()["pill"] if at_s > frozen_at_s]
    assert said == ["데이터 지연", "연결됨"], "said so, and the socket was kept"
