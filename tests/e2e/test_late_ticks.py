"""Something between server and page holds ticks back: what is late is not shown as the present."""

from __future__ import annotations

import json
import threading
from collections import deque

from playwright.sync_api import expect

from e2e.conftest import OpenMonitor
from e2e.monitor_page import GRAY, GREEN, PURPLE, TICK_MS, MonitorPage
from e2e.plant import RUNNING, Plant
from e2e.relay import Relay, frame
from processes import Server

LATE_TICKS = 8
LOOK_MS = 200
GROWN_S = 120.0  # 8 ticks late after 16, on a computer that does other things
GRAY_MS = 30_000  # a question for news, and its answer


class Queue:
    """Lets every second tick pass, and it is the oldest: the others wait behind it."""

    def __init__(self) -> None:
        self.is_slow = False
        self.is_late = threading.Event()
        self.late_count = 0  # ticks that were let pass late
        self._waiting: deque[bytes] = deque()
        self._count = 0

    def __call__(self, payload: bytes) -> list[bytes]:
        if json.loads(payload)["type"] != "equipment_status":
            return [frame(payload)]
        self._waiting.append(payload)
        self._count += 1
        if not self.is_slow:
            passed = [frame(each) for each in self._waiting]
            self._waiting.clear()
            return passed
        if len(self._waiting) > LATE_TICKS:
            self.is_late.set()
            self.late_count += 1
            return [frame(self._waiting.popleft())]
        return [frame(self._waiting.popleft())] if self._count % 2 else []


def let_late_ticks_pass(monitor: MonitorPage, queue: Queue, count: int) -> None:
    wanted = queue.late_count + count
    while queue.late_count < wanted:
        monitor.page.wait_for_timeout(LOOK_MS)


def colors_since(monitor: MonitorPage, count: int) -> list[str]:
    return monitor.colors_of(RUNNING)[count:]


def test_ticks_that_are_held_back_turn_the_page_gray_and_not_green_again(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    queue = Queue()
    with Relay(steady_plant.own_pages[0], steady.port, queue).running() as relay:
        monitor = open_monitor(relay.address)
        monitor.expect_live(17)
        expect(monitor.box(RUNNING)).to_have_attribute("data-color", GREEN, timeout=TICK_MS)
        queue.is_slow = True
        assert queue.is_late.wait(GROWN_S)
        steady_plant.order(RUNNING, "fault")
        # How late a tick is, the page learns from an answer to a question of its own.
        with monitor.page.expect_response("**/api/**", timeout=TICK_MS) as answered:
            pass
        answered.value.finished()
        let_late_ticks_pass(monitor, queue, 2)
        monitor.expect_colors([RUNNING], GRAY, timeout_ms=GRAY_MS)
        count = len(monitor.colors_of(RUNNING))
        let_late_ticks_pass(monitor, queue, 4)
        assert colors_since(monitor, count) == []
        queue.is_slow = False
        expect(monitor.box(RUNNING)).to_have_attribute("data-color", PURPLE, timeout=GRAY_MS)
        assert GREEN not in colors_since(monitor, count)
        steady_plant.order(RUNNING, "run")
        expect(monitor.box(RUNNING)).to_have_attribute("data-color", GREEN, timeout=GRAY_MS)
        monitor.expect_live(17)
