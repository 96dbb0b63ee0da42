"""The demo line's past week in bits: repeatable, with breaks, and with a flow of parts."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from lineside.config import load_config
from lineside.core.model import Site
from lineside.demo import DEMO_FLOW, write_demo_config
from lineside.demo.behaviour import Activity
from lineside.demo.week_life import STEP_S, Turn, live_week
from lineside.drivers import DRIVERS

MONDAY_S = 1_700_427_600  # 06:00 in Seoul, when the day shift begins
DAY_S = 86_400


@pytest.fixture(scope="module")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return load_config(write_demo_config(tmp_path_factory.mktemp("demo")), DRIVERS).site


def lived(site: Site, seed: int) -> list[Turn]:
    line = site.lines[0]
    calendar = site.calendar.of_line(line.id)
    return live_week(line.equipment, DEMO_FLOW, calendar, MONDAY_S, MONDAY_S + DAY_S, seed)


def activity_at(turns: list[Turn], at_s: int) -> Activity:
    index = bisect_right(turns, at_s, key=lambda turn: turn.at_s) - 1
    return turns[index].signals.activity


def by_machine(turns: list[Turn]) -> dict[str, list[Turn]]:
    return {code: [turn for turn in turns if turn.code == code] for code in DEMO_FLOW}


def test_the_same_seed_gives_the_same_life_and_another_seed_another(demo_site: Site) -> None:
    assert lived(demo_site, 1) == lived(demo_site, 1)
    assert lived(demo_site, 1) != lived(demo_site, 2)


def test_no_machine_runs_in_a_break(demo_site: Site) -> None:
    machines = by_machine(lived(demo_site, 1))
    calendar = demo_site.calendar.of_line("weld1")
    breaks = [
        each
        for window in calendar.shift_windows(MONDAY_S * 1000, (MONDAY_S + DAY_S) * 1000)
        for each in window.breaks
    ]
    assert len(breaks) == 6
    for each in breaks:
        for at_s in (each.begin_ms // 1000 + 60, each.end_ms // 1000 - 1):
            assert Activity.RUNNING not in {activity_at(t, at_s) for t in machines.values()}


def test_a_machine_starves_only_behind_one_that_does_not_run(demo_site: Site) -> None:
    machines = by_machine(lived(demo_site, 1))
    starved = 0
    for before, after in pairwise(DEMO_FLOW):
        for turn in machines[after]:
            if turn.signals.activity is Activity.STARVED:
                around = (turn.at_s - STEP_S, turn.at_s, turn.at_s + STEP_S - 1)
                seen = {activity_at(machines[before], at_s) for at_s in around}
                assert seen != {Activity.RUNNING}
                starved += 1
    assert starved > 10


def test_the_demo_is_at_work_on_a_sunday_without_breaks(tmp_path: Path) -> None:
    sunday = date(2023, 11, 26)
    begin_ms = 1_700_924_400_000  # its midnight in Seoul
    for today, planned in ((sunday, 1), (None, 0)):
        site = load_config(write_demo_config(tmp_path, today=today), DRIVERS).site
        spans = site.calendar.of_line("weld1").planned(begin_ms, begin_ms + DAY_S * 1000)
        hours = sum(span.length_ms for span in spans) / 3_600_000
        assert hours == 24 * planned
