"""Figures from stored parts are exactly those from the intervals, whatever the windows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from builders import code, line, site
from core.calendars import ms, plant, shift
from history.told import a_batch, a_run
from lineside.core.calendar import WEEK
from lineside.core.errors import HistoryError
from lineside.core.model import KpiRules, Site, Status
from lineside.core.spans import Span
from lineside.history import figures as figures_module
from lineside.history import part_work as part_work_module
from lineside.history import schema
from lineside.history.database import Database
from lineside.history.downtime_store import (
    By,
    PlannedDowntime,
    add_planned_downtime,
    delete_planned_downtime,
)
from lineside.history.figures import totals_in
from lineside.history.kpi import Totals
from lineside.history.kpi_rows import plans_of
from lineside.history.part_work import PartWork
from lineside.history.past import Lane, lanes
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.records import Batch, ChangeRecord, config_record
from lineside.history.retention import forget
from lineside.history.rules_applied import RulesApplied, apply_rules, newest_version
from lineside.history.settings import Retention
from lineside.history.store import Store

DAY_MS = 86_400_000
BEGIN_MS = ms("2026-03-02 00:00")
DAYS = 5
END_MS = BEGIN_MS + DAYS * DAY_MS
SETTLED_MS = END_MS + LATE_MAX_MS
KEPT = DAYS + 1  # the past begins on the day before
SHIFTS = plant(
    shift("day", "06:00-14:00", "10:00-10:10", "12:00-12:40", days=WEEK),
    shift("night", "22:00-30:00", "26:00-26:30", days=WEEK[:5]),
)
SITE = replace(site(line("weld1", range(101, 104))), calendar=SHIFTS)
MACHINES = SITE.lines[0].equipment
KINDS = {
    Status.RUNNING: "running",
    Status.IDLE: "idle_wait",
    Status.STOPPED: "stop_elapsed",
    Status.ERROR: "error_tag",
    Status.DISCONNECTED: "plc_lost",
}


def a_past(seed: int, plant: Site = SITE) -> list[Batch]:
    """Return some days of three machines, with two runs and time that nobody saw between them."""
    rng = Random(seed)
    batches = []
    gap_ms = BEGIN_MS + rng.randrange(DAYS * DAY_MS)
    spans = ((BEGIN_MS - DAY_MS // 3, gap_ms), (gap_ms + rng.randrange(1, DAY_MS // 4), END_MS + 1))
    for number, (begin_ms, end_ms) in enumerate(spans, 1):
        if begin_ms >= end_ms:
            continue
        records = []
        for each in range(101, 104):
            at_ms, ran_ms = begin_ms, begin_ms
            while at_ms < end_ms:
                status = rng.choice(list(KINDS))
                is_waiting = status in (Status.IDLE, Status.STOPPED)
                records.append((at_ms, each, status, ran_ms if is_waiting else at_ms))
                at_ms += rng.choice((20_000, 600_000, 7_200_000, DAY_MS)) + rng.randrange(10_000)
                if status is Status.RUNNING:
                    ran_ms = at_ms
        run = a_run(number, begin_ms)
        changes = [
            ChangeRecord(
                seq=seq,
                equipment_code=code(each),
                at_ms=at_ms,
                previous=None,
                status=status,
                reason=KINDS[status],
                since_ms=since_ms,
            )
            for seq, (at_ms, each, status, since_ms) in enumerate(sorted(records), 2)
        ]
        first = config_record(1, begin_ms, plant)
        batches.append(a_batch(run, [first, *changes], alive_ms=end_ms))
    return batches


def windows(seed: int) -> list[Span]:
    """Return windows that begin and end anywhere, and some that begin and end where days do."""
    rng = Random(seed)
    found = [Span(BEGIN_MS, END_MS), Span(BEGIN_MS + DAY_MS, BEGIN_MS + 2 * DAY_MS)]
    for _ in range(6):
        begin, end = sorted(rng.randrange(BEGIN_MS, END_MS) for _ in range(2))
        found.append(Span(begin, end + 1))
    return sorted(found)


async def parts_count(store: Store) -> int:
    async with store.database.reading() as connection:
        count = await connection.scalar(select(func.count()).select_from(schema.kpi_part))
    return int(count or 0)


async def apply_to_all(store: Store) -> None:
    """Apply the newest rules to all the past, as a person may."""
    applied = RulesApplied(
        id=0,
        config_version_id=await newest_version(store) or 0,
        line_id="weld1",
        begin_ms=0,
        end_ms=END_MS + 1,
        comment="",
        made_by="김",
        made_ms=END_MS,
    )
    await apply_rules(store, applied)


async def check(store: Store, plant: Site = SITE, seed: int = 0) -> None:
    plans = await plans_of(store, plant)
    machines = plant.lines[0].equipment
    asked = windows(seed)
    from_parts = await totals_in(store, plans, machines, asked)
    for window, found in zip(asked, from_parts, strict=True):
        # Each window by itself, from one read of its intervals.
        for machine in machines:
            plan = plans.of(machine.code)
            (raw,) = await totals_in(store, plans, [machine], [window], use_parts=False)
            assert found[machine.code] == raw[machine.code], (window, plan.rule_at(window.begin_ms))


@pytest.mark.parametrize("seed", range(4))
async def test_figures_from_parts_are_those_from_intervals(store: Store, seed: int) -> None:
    await store.write(a_past(seed))
    work = PartWork(store, lambda: SETTLED_MS, pause_s=0)
    assert await work.compute() == 3 * KEPT
    await check(store, seed=seed)
    assert await work.compute() == 0


async def test_parts_that_no_longer_fit_are_not_used_and_computed_anew(store: Store) -> None:
    await store.write(a_past(7))
    work = PartWork(store, lambda: SETTLED_MS, pause_s=0)
    await work.compute()
    shorter = plant(shift("day", "06:00-13:00", days=WEEK))
    rules = KpiRules(micro_stop_ms=60_000, failure_after_ms=30_000)
    other_rule = replace(MACHINES[0].rule, stop_after_s=3600.0)
    machines = (replace(MACHINES[0], rule=other_rule), *MACHINES[1:])
    lines = (replace(SITE.lines[0], equipment=machines),)
    for number, changed in enumerate(
        (
            replace(SITE, calendar=shorter),
            replace(SITE, kpi_rules=rules),
            replace(SITE, lines=lines),
        ),
        9_000,
    ):
        await check(store, changed)
        changed_batch = a_batch(a_run(2, BEGIN_MS), [config_record(number, END_MS + 1, changed)])
        await store.write([changed_batch])
        assert await work.compute() == 0  # the past is judged by what held then
        await check(store, changed)
        await apply_to_all(store)
        expected = KEPT if changed.lines != SITE.lines else 3 * KEPT
        assert await work.compute() >= expected
        await check(store, changed)


async def test_a_configuration_that_was_recorded_while_the_clock_was_ahead_is_not_judged_by(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = replace(SITE, calendar=plant(shift("day", "06:00-13:00", days=WEEK)))
    a_year_ahead_ms = END_MS + 365 * DAY_MS
    await store.write(a_past(2))
    ahead = [config_record(9_000, a_year_ahead_ms, shorter)]
    await store.write([a_batch(a_run(8, a_year_ahead_ms), ahead)])
    await store.write([a_batch(a_run(9, END_MS), [config_record(9_001, END_MS, SITE)])])
    await PartWork(store, lambda: SETTLED_MS, pause_s=0).compute()
    # A window too long to be computed while somebody waits: it comes from parts or not at all.
    monkeypatch.setattr(figures_module, "COMPUTED_MAX", 0)
    days = [Span(BEGIN_MS, END_MS)]
    (found,) = await totals_in(store, await plans_of(store, SITE), MACHINES, days)
    assert found[code(101)].times.planned_busy_ms > 0


async def test_planned_downtime_reduces_the_planned_time_and_renews_its_days(
    store: Store,
) -> None:
    await store.write(a_past(3))
    work = PartWork(store, lambda: SETTLED_MS, pause_s=0)
    await work.compute()
    begin_ms = ms("2026-03-03 08:00")
    planned = PlannedDowntime(
        id=0,
        line_id="weld1",
        code=code(102),
        begin_ms=begin_ms,
        end_ms=begin_ms + 3_600_000,
        comment="금형 교체",
        made_by="김",
        made_ms=END_MS,
    )
    day = Span(ms("2026-03-03 00:00"), ms("2026-03-04 00:00"))

    async def busy_ms(number: int) -> int:
        plans = await plans_of(store, SITE)
        (found,) = await totals_in(store, plans, MACHINES, [day])
        return found[code(number)].times.planned_busy_ms

    before = [await busy_ms(number) for number in (101, 102)]
    stored = await add_planned_downtime(store, planned)
    assert [await busy_ms(number) for number in (101, 102)] == [before[0], before[1] - 3_600_000]
    assert await work.compute() == 1
    await check(store)
    assert await delete_planned_downtime(store, stored.id, By(name="김", at_ms=END_MS))
    assert await busy_ms(102) == before[1]
    assert not await delete_planned_downtime(store, stored.id, By(name="김", at_ms=END_MS))


async def test_what_is_stored_late_takes_the_parts_of_its_time_away(store: Store) -> None:
    await store.write(a_past(5))
    await PartWork(store, lambda: SETTLED_MS, pause_s=0).compute()
    count = await parts_count(store)
    late_ms = END_MS - DAY_MS // 2
    late = ChangeRecord(
        seq=9_999, equipment_code=code(101), at_ms=late_ms, previous=None, status=Status.ERROR
    )
    await store.write([a_batch(a_run(3, late_ms), [late], alive_ms=END_MS)])
    assert 0 < await parts_count(store) < count
    await check(store)


async def test_a_late_change_behind_a_younger_one_takes_the_parts_of_its_day_away(
    store: Store,
) -> None:
    await store.write(a_past(5))
    work = PartWork(store, lambda: SETTLED_MS, pause_s=0)
    await work.compute()
    late = [
        ChangeRecord(seq=seq, equipment_code=code(101), at_ms=at_ms, previous=None, status=status)
        for seq, at_ms, status in (
            (9_001, END_MS + 1_000, Status.RUNNING),
            (9_002, END_MS - 1_500, Status.ERROR),
        )
    ]
    await store.write([a_batch(a_run(3, END_MS - 2_000), late, alive_ms=END_MS + 1_000)])
    await check(store)
    assert await work.compute() == 3


async def test_what_is_stored_while_a_day_is_computed_is_not_missing_in_its_parts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write(a_past(5))
    late = ChangeRecord(
        seq=9_999, equipment_code=code(101), at_ms=END_MS - 5_000, previous=None, status=None
    )

    async def overtaken(*args: Any) -> AsyncIterator[Lane]:
        async for lane in lanes(*args):
            yield lane
        await store.write([a_batch(a_run(3, END_MS - 5_000), [late], alive_ms=END_MS)])

    work = PartWork(store, lambda: SETTLED_MS, pause_s=0)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(part_work_module, "lanes", overtaken)
        with pytest.raises(HistoryError, match="changed meanwhile"):
            await work.compute()
    assert await parts_count(store) == 0
    await work.compute()
    await check(store)


async def test_parts_that_were_stored_before_a_restart_are_taken_away_too(
    store: Store, database: Database
) -> None:
    await store.write(a_past(5))
    await PartWork(store, lambda: SETTLED_MS, pause_s=0).compute()
    count = await parts_count(store)
    again = Store(database)
    again.note_parts(BEGIN_MS)  # an old day is computed before anything is stored
    late = ChangeRecord(
        seq=9_999, equipment_code=code(101), at_ms=END_MS - 5_000, previous=None, status=None
    )
    await again.write([a_batch(a_run(3, END_MS - 5_000), [late], alive_ms=END_MS)])
    assert 0 < await parts_count(again) < count


async def test_nothing_is_kept_of_a_day_that_is_not_over(store: Store) -> None:
    await store.write(a_past(6))
    assert await PartWork(store, lambda: SETTLED_MS - 1, pause_s=0).compute() == 3 * (KEPT - 1)
    assert await PartWork(store, lambda: None, pause_s=0).compute() == 0


async def test_figures_of_days_whose_changes_were_deleted_stay_when_rules_change(
    store: Store, database: Database
) -> None:
    statuses = (Status.RUNNING, Status.IDLE)
    first = config_record(1, BEGIN_MS, SITE)
    changes = [
        ChangeRecord(
            seq=number,
            equipment_code=code(101),
            at_ms=BEGIN_MS + (number - 2) * 3_600_000,
            previous=None if number == 2 else statuses[1 - number % 2],
            status=statuses[number % 2],
            reason=KINDS[statuses[number % 2]],
        )
        for number in range(2, 24 * DAYS + 2)
    ]
    await store.write([a_batch(a_run(1, BEGIN_MS), [first, *changes], alive_ms=END_MS)])
    work = PartWork(store, lambda: SETTLED_MS, pause_s=0)
    await work.compute()
    first_day = [Span(BEGIN_MS, BEGIN_MS + DAY_MS)]
    machine = MACHINES[:1]

    async def of_first_day(plant: Site) -> Totals:
        (found,) = await totals_in(store, await plans_of(store, plant), machine, first_day)
        return found[code(101)]

    before = await of_first_day(SITE)
    assert before.times.running_ms > 0
    assert await forget(database, Retention(changes_s=2 * 86_400.0), END_MS / 1000)
    shorter = replace(SITE, calendar=plant(shift("day", "06:00-13:00", days=WEEK)))
    changed = config_record(9_000, END_MS, shorter)
    await store.write([a_batch(a_run(1, BEGIN_MS), [changed], alive_ms=END_MS)])
    await apply_to_all(store)
    assert (await of_first_day(shorter)).times == before.times
    assert await work.compute() > 0
    assert (await of_first_day(shorter)).times == before.times
