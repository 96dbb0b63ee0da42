"""The past week against the live rule: a board that reads every second says the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest

from lineside.config import load_config
from lineside.core.board import Board
from lineside.core.model import (
    CpuState,
    Instant,
    PlcFault,
    PlcLink,
    PlcState,
    Quality,
    Reading,
    Site,
    StateChange,
    Status,
    TagValue,
)
from lineside.core.ports import BusMessage
from lineside.demo import DEMO_FLOW, write_demo_config
from lineside.demo.plant import tag_values
from lineside.demo.week_life import Turn, live_week
from lineside.demo.week_play import Outage, PastClock, WeekPlayer
from lineside.drivers import DRIVERS

MONDAY_11_50 = 1_700_448_600  # in Seoul, ten minutes before a break of forty
HOUR_S = 3600


@pytest.fixture(scope="module")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("demo")
    return load_config(write_demo_config(folder, today=date(2023, 11, 24)), DRIVERS).site


def life(site: Site, begin_s: int, end_s: int, seed: int) -> list[Turn]:
    line = site.lines[0]
    calendar = site.calendar.of_line(line.id)
    return live_week(line.equipment, DEMO_FLOW, calendar, begin_s, end_s, seed)


def played(
    site: Site, turns: list[Turn], outages: list[Outage], begin_s: int, end_s: int
) -> list[StateChange]:
    heard: list[BusMessage] = []
    WeekPlayer(site, heard.append, PastClock(begin_s)).play(turns, outages, begin_s, end_s)
    return [each for each in heard if isinstance(each, StateChange)]


def on_a_board(
    site: Site, turns: Iterable[Turn], outages: list[Outage], begin_s: int, end_s: int
) -> list[StateChange]:
    """The changes of a real board to which every PLC answers once a second, before each tick."""
    board = Board(site, at(begin_s))
    machines = {each.code: each for line in site.lines for each in line.equipment}
    values: dict[str, dict[str, int]] = {plc.id: {} for plc in site.plcs}
    waiting = list(turns)
    found: list[StateChange] = []
    links = {plc.id: PlcLink.CONNECTING for plc in site.plcs}
    for now_s in range(begin_s, end_s):
        while waiting and waiting[0].at_s <= now_s:
            turn = waiting.pop(0)
            machine = machines[turn.code]
            assert machine.plc_id is not None
            values[machine.plc_id].update(tag_values(machine, turn.signals))
        for plc in site.plcs:
            silent_s = max(
                (
                    now_s - o.begin_s
                    for o in outages
                    if o.plc_id == plc.id and o.begin_s <= now_s < o.end_s
                ),
                default=None,
            )
            if silent_s in (None, 1, 2):
                link = {None: PlcLink.ONLINE, 1: PlcLink.RETRYING, 2: PlcLink.LOST}[silent_s]
                if link is not links[plc.id]:
                    links[plc.id] = link
                    fault = PlcFault(message="no answer within 1 s", at_s=now_s)
                    state = PlcState(id=plc.id, link=link, since_s=now_s, last_fault=fault)
                    found += board.note_plc(state, at(now_s)) if now_s > begin_s else []
            if silent_s is None:
                found += board.fold(a_reading(plc.id, plc.heartbeat, values[plc.id], now_s))
        found += board.tick(at(now_s))[1]
    return found


def at(unix_s: int) -> Instant:
    return Instant(unix_s=unix_s, monotonic_s=unix_s)


def a_reading(plc_id: str, heartbeat: str | None, values: dict[str, int], now_s: int) -> Reading:
    both = {**values, **({heartbeat: now_s % 1000} if heartbeat else {})}
    return Reading(
        plc_id=plc_id,
        read_at=at(now_s),
        latency_s=0.01,
        request_count=1,
        cpu_state=CpuState.RUN,
        tags={
            address: TagValue(value=value, quality=Quality.GOOD, read_at=at(now_s))
            for address, value in both.items()
        },
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_it_tells_what_a_board_that_reads_every_second_would_tell(
    demo_site: Site, seed: int
) -> None:
    begin_s, end_s = MONDAY_11_50, MONDAY_11_50 + 2 * HOUR_S
    turns = life(demo_site, begin_s, end_s, seed)
    outages = [Outage(plc_id="PLC02", begin_s=begin_s + 5000, end_s=begin_s + 5400)]
    outages += [Outage(plc_id="PLC01", begin_s=begin_s + 5100, end_s=begin_s + 5117)]
    told = sorted(played(demo_site, turns, outages, begin_s, end_s), key=in_order)
    wanted = sorted(on_a_board(demo_site, turns, outages, begin_s, end_s), key=in_order)
    assert told == wanted
    assert {each.status for each in told} == set(Status)


def in_order(change: StateChange) -> tuple[float, str]:
    return change.at_s, change.equipment_code
