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
from lineside.history.kpi_rows import plans_by, plans_of
from lineside.history.part_work import PartWork
from lineside.history.past import Lane, lanes
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.records import Batch, ChangeRecord, config_record
from lineside.history.retention import forget
from lineside.history.rules_applied import (
    RulesApplied,
    apply_rules,
    newest_version,
    take_back_rules,
)
from lineside.history.settings import Retention
from lineside.history.stops import StopCounts
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


def an_hourly_past(plant: Site = SITE) -> Batch:
    """Return some days of one machine that runs and waits for an hour each."""
    statuses = (Status.RUNNING, Status.IDLE)
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
    first = config_record(1, BEGIN_MS, plant)
    return a_batch(a_run(1, BEGIN_MS), [first, *changes], alive_ms=END_MS)


FIRST_DAY = Span(BEGIN_MS, BEGIN_MS + DAY_MS)
SHORTER = replace(SITE, calendar=plant(shift("day", "06:00-13:00", days=WEEK)))
AN_HOUR = PlannedDowntime(
    id=0,
    line_id="weld1",
    code=None,
    begin_ms=BEGIN_MS + 7 * 3_600_000,
    end_ms=BEGIN_MS + 8 * 3_600_000,
    comment="",
    made_by="김",
    made_ms=END_MS,
)


async def of_time(store: Store, span: Span = FIRST_DAY, plant: Site = SITE) -> Totals:
    (found,) = await totals_in(store, await plans_of(store, plant), MACHINES[:1], [span])
    return found[code(101)]


async def forget_two_days(store: Store, database: Database) -> PartWork:
    """Compute all parts, and delete the changes that they came from, but for the last days."""
    work = PartWork(store, lambda: SETTLED_MS, pause_s=0)
    await work.compute()
    assert await forget(database, Retention(changes_s=2 * 86_400.0), END_MS / 1000)
    return work


async def test_figures_of_days_whose_changes_were_deleted_stay(
    store: Store, database: Database
) -> None:
    await store.write([an_hourly_past()])
    before = await of_time(store)
    work = await forget_two_days(store, database)
    assert before.times.running_ms > 0
    assert await of_time(store) == before
    await store.write(  # rules that change later judge what is later
        [a_batch(a_run(1, BEGIN_MS), [config_record(9_000, END_MS, SHORTER)], alive_ms=END_MS)]
    )
    await work.compute()
    assert await of_time(store, plant=SHORTER) == before


async def test_days_whose_changes_were_deleted_have_no_coverage_under_other_rules(
    store: Store, database: Database
) -> None:
    await store.write([an_hourly_past()])
    before = await of_time(store)
    work = await forget_two_days(store, database)
    changed = config_record(9_000, END_MS, SHORTER)
    await store.write([a_batch(a_run(1, BEGIN_MS), [changed], alive_ms=END_MS)])
    await apply_to_all(store)
    for _ in range(2):
        found = await of_time(store, plant=SHORTER)
        assert found.times.planned_busy_ms == 7 * 3_600_000
        assert found.times.not_seen_ms == found.times.planned_busy_ms
        assert found.stops == StopCounts()
        await work.compute()
    assert await take_back_rules(store, 1, By(name="김", at_ms=END_MS))
    await work.compute()
    assert await of_time(store, plant=SHORTER) == before  # what was kept is kept


async def test_what_a_preview_tries_gives_days_whose_changes_were_deleted_no_coverage(
    store: Store, database: Database
) -> None:
    await store.write([an_hourly_past()])
    await forget_two_days(store, database)
    sooner = replace(MACHINES[0], rule=replace(MACHINES[0].rule, stop_after_s=10.0))
    impatient = replace(SITE, lines=(replace(SITE.lines[0], equipment=(sooner, *MACHINES[1:])),))
    for plans in (await plans_by(store, SHORTER), await plans_by(store, impatient)):
        (found,) = await totals_in(store, plans, MACHINES[:1], [FIRST_DAY])
        times = found[code(101)].times
        assert times.not_seen_ms == times.planned_busy_ms > 0


async def test_planned_downtime_counts_on_days_whose_changes_were_deleted(
    store: Store, database: Database
) -> None:
    await store.write([an_hourly_past()])
    small_hours = Span(BEGIN_MS, BEGIN_MS + 6 * 3_600_000)  # nothing is planned then but of before
    late = Span(BEGIN_MS + 22 * 3_600_000, BEGIN_MS + DAY_MS)
    before, of_night = await of_time(store), await of_time(store, late)
    of_small_hours = await of_time(store, small_hours)
    await forget_two_days(store, database)
    entered = await add_planned_downtime(store, AN_HOUR)
    found = await of_time(store)
    assert found.times.planned_busy_ms == before.times.planned_busy_ms - 3_600_000
    inside = await of_time(store, Span(AN_HOUR.begin_ms, AN_HOUR.end_ms))
    assert inside.times.planned_busy_ms == 0
    # Of the shift in which it lies nothing is known any more; the others stay, in the day too.
    early = await of_time(store, Span(BEGIN_MS + 6 * 3_600_000, BEGIN_MS + 14 * 3_600_000))
    assert early.times.not_seen_ms == early.times.planned_busy_ms > 0
    assert await of_time(store, late) == of_night
    assert found.times.running_ms == of_night.times.running_ms + of_small_hours.times.running_ms
    await delete_planned_downtime(store, entered.id, By(name="김", at_ms=END_MS))
    assert await of_time(store) == before


async def test_a_year_of_deleted_changes_is_not_told_as_still_being_computed(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures_module, "COMPUTED_MAX", 0)
    await store.write([an_hourly_past()])
    work = PartWork(store, lambda: SETTLED_MS, pause_s=0)
    await work.compute()
    assert await forget(database, Retention(changes_s=2 * 86_400.0), END_MS / 1000)
    plans = await plans_by(store, SHORTER)
    (found,) = await totals_in(store, plans, MACHINES[:1], [FIRST_DAY])
    assert found[code(101)].times.running_ms == 0


async def test_changes_that_were_deleted_up_to_a_start_of_the_server_are_known_to_be_gone(
    store: Store, database: Database
) -> None:
    """The oldest change that is left tells of no status before it, for a run begins with it."""
    restart_ms = BEGIN_MS + 36 * 3_600_000
    second_day = Span(FIRST_DAY.end_ms, FIRST_DAY.end_ms + DAY_MS)
    first = an_hourly_past()
    early = [each for each in first.records if each.at_ms < restart_ms]
    again = ChangeRecord(
        seq=1,
        equipment_code=code(101),
        at_ms=restart_ms,
        previous=None,
        status=Status.RUNNING,
        reason="running",
    )
    await store.write(
        [
            a_batch(a_run(1, BEGIN_MS), early, alive_ms=restart_ms, stopped_ms=restart_ms),
            a_batch(a_run(2, restart_ms), [again], alive_ms=END_MS),
        ]
    )
    before = [await of_time(store, day) for day in (FIRST_DAY, second_day)]
    work = await forget_two_days(store, database)
    whole_day = replace(AN_HOUR, begin_ms=BEGIN_MS, end_ms=second_day.end_ms)
    entered = await add_planned_downtime(store, whole_day)
    await work.compute()
    await delete_planned_downtime(store, entered.id, By(name="김", at_ms=END_MS))
    await work.compute()
    assert [await of_time(store, day) for day in (FIRST_DAY, second_day)] == before
