"""The demo's past week, told through the real recorder into each kind of database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from history.asked import lanes_of
from lineside.config import load_config
from lineside.core.alarm import AlarmState
from lineside.core.calendar import ShiftWindow
from lineside.core.model import PlcLink, Site, StateChange, Status
from lineside.core.ports import BusMessage
from lineside.demo import write_demo_config
from lineside.demo.past_week import Week, plan_week, write_week
from lineside.demo.week_play import PastClock, WeekPlayer
from lineside.drivers import DRIVERS
from lineside.history.database import Database
from lineside.history.event_store import plc_events
from lineside.history.kpi_rows import kpi_rows, plans_of
from lineside.history.kpi_words import Wanted
from lineside.history.records import StoredChange
from lineside.history.spool import Spool
from lineside.history.stop_questions import stops_in
from lineside.history.store import Store

pytestmark = pytest.mark.timeout(900)

FRIDAY = date(2026, 3, 6)
END_S = 1_772_766_000  # that day at 12:00 in Seoul
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("demo")
    return load_config(write_demo_config(folder, today=FRIDAY), DRIVERS).site


@pytest.fixture(scope="module")
def week(site: Site) -> Week:
    return plan_week(site, END_S, 4)


@pytest.fixture(scope="module")
def told(site: Site, week: Week) -> list[StateChange]:
    """What the bus heard of the week."""
    heard: list[BusMessage] = []
    player = WeekPlayer(site, heard.append, PastClock(week.begin_s))
    for begin_s, end_s in week.runs:
        mine = [each for each in week.outages if begin_s <= each.begin_s < end_s]
        player.play([each for each in week.turns if each.at_s < end_s], mine, begin_s, end_s)
    return [each for each in heard if isinstance(each, StateChange)]


def test_the_same_seed_gives_the_same_week_and_another_one_another(site: Site, week: Week) -> None:
    assert plan_week(site, END_S, 4) == week
    assert plan_week(site, END_S, 5).turns != week.turns


async def written(database: Database, site: Site, week: Week, folder: Path) -> Store:
    spool = Spool(folder / "spool")
    spool.open()
    store = Store(database)
    await write_week(store, spool, site, week, "1.2.3")
    spool.close()
    return store


async def test_the_week_is_whole_and_shows_everything(
    database: Database, site: Site, week: Week, told: list[StateChange], tmp_path: Path
) -> None:
    store = await written(database, site, week, tmp_path)
    await _it_tiles(store, site, week)
    changes = await _stored(store, site, week)
    assert 20_000 <= len(changes) <= 40_000
    assert {each.status for each in changes} == set(Status)
    _all_of_it_is_stored(changes, told)
    await _alarms_have_been_through_every_state(store, database, week)
    await _stops_have_been_explained_and_ask(store, site, week)
    await _figures_are_those_of_the_raw_changes(store, site, week, changes)
    events = await plc_events(store, week.begin_s * 1000, END_S * 1000)
    links = {each.link for each in events}
    assert links == {PlcLink.ONLINE, PlcLink.RETRYING, PlcLink.LOST}


async def _it_tiles(store: Store, site: Site, week: Week) -> None:
    """Unseen is the hour in which the server stood, and nothing else."""
    begin_ms, end_ms = week.begin_s * 1000, week.end_s * 1000
    (_, stood_ms), (back_ms, _) = ((b * 1000, e * 1000) for b, e in week.runs)
    assert 3_000_000 < back_ms - stood_ms < 5_000_000
    codes = [each.code for each in site.lines[0].equipment]
    lanes = await lanes_of(store, codes, begin_ms, end_ms)
    assert list(lanes) == codes
    for lane in lanes.values():
        assert (lane[0].begin_ms, lane[-1].end_ms) == (begin_ms, end_ms)
        assert all(a.end_ms == b.begin_ms for a, b in pairwise(lane))
        assert all((a.status, a.reason) != (b.status, b.reason) for a, b in pairwise(lane))
        unseen = [(each.begin_ms, each.end_ms) for each in lane if each.status is None]
        assert unseen == [(stood_ms, back_ms)]


async def _stored(store: Store, site: Site, week: Week) -> list[StoredChange]:
    found: list[StoredChange] = []
    for each in site.lines[0].equipment:
        found += await store.changes([each.code], week.begin_s * 1000, week.end_s * 1000)
    return found


def _all_of_it_is_stored(changes: Sequence[StoredChange], told: Sequence[StateChange]) -> None:
    assert sorted((e.equipment_code, e.at_s * 1000, e.status) for e in told) == sorted(
        (e.equipment_code, e.at_ms, e.status) for e in changes if e.status
    )


async def _alarms_have_been_through_every_state(
    store: Store, database: Database, week: Week
) -> None:
    from sqlalchemy import select

    from lineside.history import schema

    table = schema.alarm_event
    async with database.reading() as connection:
        rows = (await connection.execute(select(table))).all()
        alarms = (await connection.execute(select(schema.alarm))).all()
    assert {AlarmState(row.state) for row in rows} == set(AlarmState)
    assert {row.kind for row in alarms} == {"equipment", "plc"}
    assert all(week.begin_s * 1000 <= row.at_ms <= week.end_s * 1000 for row in rows)
    by = Counter(row.person for row in rows if row.kind == "acknowledged")
    assert len(by) >= 4
    assert None not in by
    states = Counter(row.state for row in alarms)
    assert states["shelved"] == 1
    assert states["normal"] > 100
    open_count = len(alarms) - states["normal"]
    assert 3 <= open_count <= 40


async def _stops_have_been_explained_and_ask(store: Store, site: Site, week: Week) -> None:
    machines = list(site.lines[0].equipment)
    begin_ms, end_ms = week.begin_s * 1000, week.end_s * 1000
    plans = await plans_of(store, site)
    stops = await stops_in(store, plans, machines, begin_ms, end_ms, end_ms)
    codes = {each.stop.reason.reason for each in stops if each.stop.reason is not None}
    assert codes <= {each.code for each in site.downtime_reasons}
    assert len(codes) >= 5
    assert any(each.stop.reason is None for each in stops)


async def _figures_are_those_of_the_raw_changes(
    store: Store, site: Site, week: Week, changes: Sequence[StoredChange]
) -> None:
    """Counted second by second from the stored changes, by the words of the reference."""
    line = site.lines[0]
    calendar = site.calendar.of_line(line.id)
    windows = calendar.shift_windows((week.begin_s + 86_400) * 1000, (week.end_s - 30_000) * 1000)
    shift = next(window for window in windows if window.shift_id == "late")
    compared = 0
    for machine in line.equipment:
        mine = [each for each in changes if each.equipment_code == machine.code]
        wanted = Wanted(
            lines=((line, (machine,)),), begin_ms=shift.span.begin_ms, end_ms=shift.span.end_ms
        )
        (row,) = [row async for row in kpi_rows(store, site, wanted)]
        if await _has_planned_downtime(store, shift, machine.code):
            continue
        compared += 1
        assert row == {**row, **_figures(mine, shift)}, machine.code
    assert compared >= 16


async def _has_planned_downtime(store: Store, shift: ShiftWindow, code: str) -> bool:
    from lineside.history.downtime_store import planned_downtimes

    found = await planned_downtimes(store, shift.span.begin_ms, shift.span.end_ms)
    return any(each.code == code for each in found)


def _figures(changes: Sequence[StoredChange], shift: ShiftWindow) -> dict[str, Any]:
    """Count the seconds one by one: all changes of the week lie on whole seconds."""
    at = {each.at_ms: each.status for each in changes}
    before = [each.status for each in changes if each.at_ms < shift.span.begin_ms]
    status = before[-1]
    seconds: Counter[Status | None] = Counter()
    faults_s: list[int] = []  # how long each lasts; one that the shift begins with is no failure
    gaps_s: list[int] = []  # of running, from each failure to the next
    failures, ran_s, is_open = 0, 0, False
    for now_ms in range(shift.span.begin_ms, shift.span.end_ms, 1000):
        status = at.get(now_ms, status)
        if not any(each.holds(now_ms) for each in shift.breaks):
            seconds[status] += 1
        if status is Status.ERROR:
            if not is_open:
                faults_s.append(0)
                if now_ms > shift.span.begin_ms:
                    gaps_s += [ran_s] if failures else []
                    failures += 1
                ran_s = 0
            faults_s[-1] += 1
        is_open = status is Status.ERROR or (is_open and status is Status.DISCONNECTED)
        ran_s += status is Status.RUNNING
    closed_s = faults_s[:-1] if is_open else faults_s
    planned_s, blind_s = sum(seconds.values()), seconds[Status.DISCONNECTED]
    mtbf_s = sum(gaps_s) / len(gaps_s) if gaps_s else 0
    mttr_s = sum(closed_s) / len(closed_s) if closed_s else 0
    return {
        "planned_busy_ms": planned_s * 1000,
        "running_ms": seconds[Status.RUNNING] * 1000,
        "error_ms": seconds[Status.ERROR] * 1000,
        "availability": pytest.approx(seconds[Status.RUNNING] / (planned_s - blind_s)),
        "coverage": pytest.approx(1 - blind_s / planned_s),
        "failures": failures,
        "mtbf_ms": pytest.approx(1000 * mtbf_s) if failures >= 2 else None,
        "mttr_ms": pytest.approx(1000 * mttr_s) if failures >= 2 else None,
    }
