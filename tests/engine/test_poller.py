"""One PLC's poller: it keeps time, never gives up, and tells the truth about its link."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from engine.scripted_plc import ScriptedPlc
from lineside.core.limits import POLL_LEAD_JITTER_S
from lineside.core.model import Plc, PlcLink, PlcState, Reading
from lineside.engine.poller import Poller
from lineside.engine.schedule import JustInTime
from virtual_time import VirtualTimeLoop, run_beside

Script = Callable[["Bench"], Coroutine[Any, Any, None]]


class Bench:
    """A poller, its scripted PLC, and everything the poller said."""

    def __init__(self, loop: VirtualTimeLoop, link: PlcLink) -> None:
        self.loop = loop
        self.plc = ScriptedPlc("PLC01", loop.clock, tags={"M100": True})
        self.readings: list[Reading] = []
        self.states: list[tuple[float, PlcState]] = []
        self.poller = Poller(
            Plc(id="PLC01", driver="melsec", endpoint="-", period_s=0.5),
            self.plc,
            loop.clock,
            JustInTime(0.5, 1.0),
            lambda: math.floor(loop.time()) + 1.0,
            on_reading=self.readings.append,
            on_state=lambda state: self.states.append((loop.time(), state)),
            link=link,
            random=Random(1),
        )

    def links(self) -> list[PlcLink]:
        links = [state.link for _, state in self.states]
        return [link for i, link in enumerate(links) if i == 0 or links[i - 1] is not link]


def bench(script: Script, link: PlcLink = PlcLink.CONNECTING) -> Bench:
    """Run a poller while `script` plays, then cancel it."""
    loop = VirtualTimeLoop()
    made = Bench(loop, link)
    run_beside(made.poller.run(), script(made), loop)
    return made


def test_its_answers_come_just_before_the_tick_however_long_they_take() -> None:
    async def script(made: Bench) -> None:
        made.plc.answer_s = 0.137
        await asyncio.sleep(600)

    made = bench(script)
    assert len(made.readings) == pytest.approx(1200, abs=2)
    answered_s = [reading.read_at.monotonic_s for reading in made.readings[1:]]
    assert {round(-t % 0.5, 6) for t in answered_s} == {POLL_LEAD_JITTER_S}
    state = made.states[-1][1]
    assert state.lead_ms == pytest.approx(140, abs=0.1)
    assert state.late_poll_count == 0
    assert state.missed_poll_count == 0


def test_each_answer_that_came_after_its_tick_is_counted_as_late() -> None:
    async def script(made: Bench) -> None:
        for _ in range(5):
            made.plc.answer_s = 0.01
            await asyncio.sleep(99.8)
            made.plc.answer_s = 0.1
            await asyncio.sleep(0.2)
        await asyncio.sleep(1)

    made = bench(script)
    assert made.states[-1][1].late_poll_count == 5
    assert made.states[-1][1].missed_poll_count == 0


def test_an_answer_slower_than_the_period_skips_polls_and_never_bursts() -> None:
    async def script(made: Bench) -> None:
        made.plc.answer_s = 1.2
        await asyncio.sleep(60)

    made = bench(script)
    gaps = [b - a for a, b in zip(made.plc.read_times_s, made.plc.read_times_s[1:], strict=False)]
    assert min(gaps) >= 1.2
    assert made.states[-1][1].missed_poll_count > 30


def test_a_silent_plc_is_retried_once_then_lost_then_online_again_by_itself() -> None:
    async def script(made: Bench) -> None:
        await asyncio.sleep(10)
        made.plc.is_up = False
        await asyncio.sleep(60)
        made.plc.is_up = True
        await asyncio.sleep(15)

    made = bench(script)
    assert made.links() == [PlcLink.ONLINE, PlcLink.RETRYING, PlcLink.LOST, PlcLink.ONLINE]
    lost_at = next(t for t, s in made.states if s.link is PlcLink.LOST)
    assert lost_at - 10 < 3.2
    back_at = next(t for t, s in made.states if t > 70 and s.link is PlcLink.ONLINE)
    assert back_at - 70 <= 10 + 1 + 0.1  # one backoff, one attempt that was under way, one poll


def test_a_plc_that_was_never_there_is_lost_at_once_and_says_why() -> None:
    async def script(made: Bench) -> None:
        made.plc.is_up = False
        await asyncio.sleep(1.1)

    made = bench(script)
    state = made.states[-1][1]
    assert state.link is PlcLink.LOST
    assert state.last_fault is not None
    assert (state.last_fault.message, state.last_fault.cause) == (
        "no answer within 1 s",
        "powered off?",
    )
    assert state.backoff_s is not None


def test_backoff_grows_to_ten_seconds_and_is_forgotten_after_a_good_poll() -> None:
    async def script(made: Bench) -> None:
        made.plc.is_up = False
        made.plc.timeout_s = 0.001
        await asyncio.sleep(120)
        made.plc.is_up = True
        await asyncio.sleep(15)
        made.plc.is_up = False
        await asyncio.sleep(1)

    made = bench(script)
    gaps = [b - a for a, b in zip(made.plc.open_times_s, made.plc.open_times_s[1:], strict=False)]
    assert 0.4 <= gaps[0] <= 0.61
    assert 8.0 <= max(gaps) <= 10.1
    assert made.states[-1][1].link in (PlcLink.RETRYING, PlcLink.LOST)
    after_good = [s for _, s in made.states if s.link is PlcLink.RETRYING]
    assert after_good[0].backoff_s == pytest.approx(0.5, rel=0.21)


def test_a_link_that_flaps_is_logged_but_not_each_time() -> None:
    async def script(made: Bench) -> None:
        made.plc.timeout_s = 0.001
        for _ in range(120):
            made.plc.is_up = False
            await asyncio.sleep(0.6)
            made.plc.is_up = True
            await asyncio.sleep(1.4)

    with capture_logs() as logs:
        made = bench(script)
    assert PlcLink.RETRYING in made.links()
    failed = [entry for entry in logs if entry["event"] == "plc poll failed"]
    assert 2 <= len(failed) <= 5
    assert failed[-1]["fault_count"] > 10


def test_a_poller_that_takes_over_an_online_plc_gives_it_a_second_chance() -> None:
    async def script(made: Bench) -> None:
        made.plc.is_up = False
        made.plc.timeout_s = 0.01
        await asyncio.sleep(0.1)
        made.plc.is_up = True
        await asyncio.sleep(2)

    assert bench(script, PlcLink.ONLINE).links() == [PlcLink.RETRYING, PlcLink.ONLINE]
    assert bench(script, PlcLink.CONNECTING).links() == [PlcLink.LOST, PlcLink.ONLINE]


def test_a_defect_in_a_driver_is_survived_and_named() -> None:
    async def script(made: Bench) -> None:
        await asyncio.sleep(2)
        made.plc.surprise = lambda: ZeroDivisionError("oops")
        await asyncio.sleep(2)
        made.plc.surprise = None
        await asyncio.sleep(10)

    made = bench(script)
    faults = [s.last_fault.message for _, s in made.states if s.last_fault is not None]
    assert "internal error: ZeroDivisionError: oops" in faults
    assert made.states[-1][1].link is PlcLink.ONLINE


def test_cancelling_it_closes_the_connection() -> None:
    async def script(made: Bench) -> None:
        await asyncio.sleep(2)
        assert made.plc.is_open

    assert not bench(script).plc.is_open


def test_latency_figures_are_of_the_last_hundred_polls() -> None:
    async def script(made: Bench) -> None:
        await asyncio.sleep(100)
        made.plc.answer_s = 0.08
        await asyncio.sleep(51)

    state = bench(script).states[-1][1]
    assert state.latency_p50_ms == pytest.approx(80, abs=0.1)
    assert state.latency_p95_ms == pytest.approx(80, abs=0.1)
    assert state.requests_per_poll == 2
