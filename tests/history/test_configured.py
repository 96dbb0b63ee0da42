"""The past is judged by what held then; a machine has planned time while it is configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from builders import code, line, site
from core.calendars import ms, plant, shift
from history.told import a_batch, a_run
from lineside.core.calendar import WEEK
from lineside.core.model import KpiRules, Site, Status
from lineside.core.spans import Span
from lineside.history.downtime_store import PlannedDowntime, add_planned_downtime
from lineside.history.figures import totals_in
from lineside.history.kpi import Kpis, Times, kpis_of, sum_totals
from lineside.history.kpi_rows import plans_by, plans_of
from lineside.history.part_work import PartWork
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.records import ChangeRecord, Record, config_record
from lineside.history.stop_questions import stops_in
from lineside.history.store import Store

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
OCTOBER = Span(ms("2026-10-01 00:00"), ms("2026-11-01 00:00"))
TWENTIETH_MS = ms("2026-10-20 00:00")
FOUR = site(line("weld1", range(101, 105)))
FIVE = site(line("weld1", range(101, 106)))


def running(numbers: range, at_ms: int, first_seq: int) -> list[ChangeRecord]:
    return [
        ChangeRecord(
            seq=first_seq + index,
            equipment_code=code(number),
            at_ms=at_ms,
            previous=None,
            status=Status.RUNNING,
            reason="running",
        )
        for index, number in enumerate(numbers)
    ]


async def record(store: Store, *versions: tuple[int, Site], end_ms: int = OCTOBER.end_ms) -> None:
    """Store one run in which every machine runs from when it is configured on."""
    seq, known = 1, set[int]()
    records: list[Record] = []
    for at_ms, configured in versions:
        records.append(config_record(seq, at_ms, configured))
        numbers = {int(each.code[-3:]) for some in configured.lines for each in some.equipment}
        for number in sorted(numbers - known):
            records += running(range(number, number + 1), at_ms, seq := seq + 1)
        for number in sorted(known - numbers):
            seq += 1
            records.append(
                ChangeRecord(
                    seq=seq, equipment_code=code(number), at_ms=at_ms, previous=None, status=None
                )
            )
        known, seq = numbers, seq + 1
    await store.write([a_batch(a_run(1, versions[0][0]), records, alive_ms=end_ms)])


async def figures(store: Store, now: Site, codes: Sequence[str], window: Span = OCTOBER) -> Kpis:
    machines = [m for some in (FIVE, now) for m in some.lines[0].equipment]
    chosen = list({m.code: m for m in machines if m.code in codes}.values())
    (found,) = await totals_in(store, await plans_of(store, now), chosen, [window])
    return kpis_of(sum_totals(found.values()))


FIVE_CODES = [code(number) for number in range(101, 106)]


async def test_a_machine_configured_on_the_twentieth_has_no_planned_time_before_it(
    store: Store,
) -> None:
    await record(store, (OCTOBER.begin_ms, FOUR), (TWENTIETH_MS, FIVE))
    of_line = await figures(store, FIVE, FIVE_CODES)
    assert (of_line.coverage, of_line.is_sufficient) == (1.0, True)
    assert of_line.strict_availability == 1.0
    mine = (await figures(store, FIVE, [code(105)])).totals.times
    assert mine == Times(running_ms=12 * DAY_MS)  # and nothing that nobody has seen
    tenth = Span(ms("2026-10-10 00:00"), ms("2026-10-11 00:00"))
    assert (await figures(store, FIVE, FIVE_CODES, tenth)).coverage == 1.0
    assert (await figures(store, FIVE, [code(105)], tenth)).coverage is None


async def test_a_machine_that_was_taken_out_has_planned_time_up_to_then_and_stays_reportable(
    store: Store,
) -> None:
    await record(store, (OCTOBER.begin_ms, FIVE), (TWENTIETH_MS, FOUR))
    mine = await figures(store, FOUR, [code(105)])
    assert mine.totals.times == Times(running_ms=19 * DAY_MS)
    assert mine.coverage == 1.0
    configured = await store.configurations.read()
    assert configured.taken_out_ms(code(105)) == TWENTIETH_MS
    assert configured.taken_out_ms(code(101)) is None


async def test_a_machine_that_was_away_for_a_while_has_no_planned_time_meanwhile(
    store: Store,
) -> None:
    back_ms = TWENTIETH_MS + 2 * DAY_MS
    await record(store, (OCTOBER.begin_ms, FIVE), (TWENTIETH_MS, FOUR), (back_ms, FIVE))
    mine = await figures(store, FIVE, [code(105)])
    assert mine.totals.times == Times(running_ms=29 * DAY_MS)


async def test_time_in_which_the_server_was_off_stays_planned_and_unseen(store: Store) -> None:
    await record(store, (OCTOBER.begin_ms, FOUR), end_ms=TWENTIETH_MS)
    mine = await figures(store, FOUR, [code(101)])
    assert mine.totals.times == Times(running_ms=19 * DAY_MS, unseen_ms=12 * DAY_MS)


WAITED = ms("2026-10-05 08:00")


def with_stop_after(plant_site: Site, stop_after_s: float) -> Site:
    lines = tuple(
        replace(
            some,
            equipment=tuple(
                replace(each, rule=replace(each.rule, stop_after_s=stop_after_s))
                for each in some.equipment
            ),
        )
        for some in plant_site.lines
    )
    return replace(plant_site, lines=lines)


async def waits(store: Store, begin_ms: int, seq: int) -> None:
    """Machine 101 waits for one hour from `begin_ms` on."""
    spans = ((begin_ms, Status.IDLE, "idle_wait"), (begin_ms + HOUR_MS, Status.RUNNING, "running"))
    changes = [
        ChangeRecord(
            seq=seq + index,
            equipment_code=code(101),
            at_ms=at_ms,
            previous=None,
            status=status,
            reason=reason,
            since_ms=begin_ms if status is Status.IDLE else at_ms,
        )
        for index, (at_ms, status, reason) in enumerate(spans)
    ]
    await store.write([a_batch(a_run(1, OCTOBER.begin_ms), changes, alive_ms=OCTOBER.end_ms)])


async def test_the_past_is_judged_by_the_stop_timer_that_held_then(store: Store) -> None:
    short, long = with_stop_after(FOUR, 60.0), with_stop_after(FOUR, 1_800.0)
    await record(store, (OCTOBER.begin_ms, short), (TWENTIETH_MS, long))
    await waits(store, WAITED, 9_000)
    await waits(store, WAITED + 20 * DAY_MS, 9_100)
    for _ in range(2):  # from the intervals, then from stored parts
        times = (await figures(store, long, [code(101)])).totals.times
        assert times.idle_ms == 60_000 + 1_800_000
        assert times.stopped_ms == 2 * HOUR_MS - times.idle_ms
        await PartWork(store, lambda: OCTOBER.end_ms + LATE_MAX_MS, pause_s=0).compute()
    machine = list(long.lines[0].equipment[:1])
    plans = await plans_by(store, long)
    (by_today,) = await totals_in(store, plans, machine, [OCTOBER])
    assert by_today[code(101)].times.idle_ms == 2 * 1_800_000  # what a preview shows


async def test_the_past_is_judged_by_the_shifts_that_held_then(store: Store) -> None:
    early = replace(FOUR, calendar=plant(shift("day", "06:00-14:00", days=WEEK)))
    late = replace(FOUR, calendar=plant(shift("day", "14:00-20:00", days=WEEK)))
    noon_ms = ms("2026-10-20 12:00")
    await record(store, (OCTOBER.begin_ms, early), (noon_ms, late))

    async def planned(day: str) -> tuple[Span, ...]:
        plan = (await plans_of(store, late)).of(code(101))
        return plan.planned(ms(f"{day} 00:00"), ms(f"{day} 00:00") + DAY_MS)

    def spans(day: str, *hours: tuple[str, str]) -> tuple[Span, ...]:
        return tuple(Span(ms(f"{day} {begin}"), ms(f"{day} {end}")) for begin, end in hours)

    assert await planned("2026-10-19") == spans("2026-10-19", ("06:00", "14:00"))
    assert await planned("2026-10-20") == spans(
        "2026-10-20", ("06:00", "12:00"), ("14:00", "20:00")
    )
    assert await planned("2026-10-21") == spans("2026-10-21", ("14:00", "20:00"))


async def test_a_stop_is_told_from_a_micro_stop_by_what_held_then(store: Store) -> None:
    rough = replace(with_stop_after(FOUR, 60.0), kpi_rules=KpiRules(micro_stop_ms=2 * HOUR_MS))
    fine = replace(rough, kpi_rules=KpiRules(micro_stop_ms=60_000))
    await record(store, (OCTOBER.begin_ms, rough), (TWENTIETH_MS, fine))
    await waits(store, WAITED, 9_000)
    await waits(store, WAITED + 20 * DAY_MS, 9_100)
    counts = (await figures(store, fine, [code(101)])).totals.stops
    assert (counts.micro_stops, counts.stops) == (1, 1)
    found = await stops_in(
        store,
        await plans_of(store, fine),
        fine.lines[0].equipment,
        OCTOBER.begin_ms,
        OCTOBER.end_ms,
        OCTOBER.end_ms,
    )
    assert [each.stop.from_ms > TWENTIETH_MS for each in found] == [True]


async def test_the_list_of_stops_is_that_of_the_figures_where_micro_stop_was_changed(
    store: Store,
) -> None:
    seoul = replace(with_stop_after(FOUR, 60.0), calendar=plant())
    rough = replace(seoul, kpi_rules=KpiRules(micro_stop_ms=2 * HOUR_MS))
    fine = replace(rough, kpi_rules=KpiRules(micro_stop_ms=60_000))
    await record(store, (OCTOBER.begin_ms, rough), (TWENTIETH_MS + 15 * HOUR_MS, fine))
    for seq, hours in ((9_000, -10.0), (9_100, -0.5), (9_200, 8.0), (9_300, 14.5), (9_400, 20.0)):
        await waits(store, TWENTIETH_MS + int(hours * HOUR_MS), seq)
    plans = await plans_of(store, fine)
    for begin_h, end_h in ((-24, 48), (-24, 18), (6, 30), (-0.25, 24), (7, 8.5), (14.75, 15.25)):
        window = Span(TWENTIETH_MS + int(begin_h * HOUR_MS), TWENTIETH_MS + int(end_h * HOUR_MS))
        counts = (await figures(store, fine, [code(101)], window)).totals.stops
        machines = fine.lines[0].equipment[:1]
        ends = (window.begin_ms, window.end_ms, OCTOBER.end_ms)
        found = await stops_in(store, plans, machines, *ends, as_figures=True)
        assert sum(each.stop.counted for each in found) == counts.stops
        assert sum(each.stop.down_in(*ends[:2]) for each in found) == counts.stop_ms


async def test_a_stop_over_midnight_is_one_where_micro_stop_was_changed_the_day_after(
    store: Store,
) -> None:
    seoul = replace(with_stop_after(FOUR, 60.0), calendar=plant())
    rough = replace(seoul, kpi_rules=KpiRules(micro_stop_ms=120_000))
    fine = replace(rough, kpi_rules=KpiRules(micro_stop_ms=60_000))
    await record(store, (OCTOBER.begin_ms, rough), (TWENTIETH_MS + 15 * HOUR_MS, fine))
    await waits(store, TWENTIETH_MS - HOUR_MS // 2, 9_000)
    counts = (await figures(store, fine, [code(101)])).totals.stops
    assert (counts.stops, counts.stop_ms) == (1, HOUR_MS)


async def test_a_stop_ends_when_its_machine_is_taken_out(store: Store) -> None:
    await record(store, (OCTOBER.begin_ms, FOUR), (TWENTIETH_MS, THREE_LEFT))
    fault: dict[str, Any] = {"previous": None, "status": Status.ERROR, "reason": "error_tag"}
    at_ms = TWENTIETH_MS - HOUR_MS
    change = ChangeRecord(seq=9_000, equipment_code=code(104), at_ms=at_ms, **fault)
    run = a_run(1, OCTOBER.begin_ms)
    await store.write([a_batch(run, [change], alive_ms=OCTOBER.end_ms)])
    plans = await plans_of(store, THREE_LEFT)
    gone = FOUR.lines[0].equipment[3:]
    ends = (OCTOBER.begin_ms, OCTOBER.end_ms, OCTOBER.end_ms)
    (found,) = await stops_in(store, plans, gone, *ends)
    assert (found.stop.is_open, found.stop.end_ms) == (False, TWENTIETH_MS)


THREE_LEFT = site(line("weld1", range(101, 104)))


async def test_planned_downtime_stays_with_a_machine_that_moves_to_another_line(
    store: Store,
) -> None:
    before = site(line("weld1", range(101, 103)), line("pack", range(103, 104)))
    after = site(line("weld1", range(101, 102)), line("pack", range(102, 104)))
    await record(store, (OCTOBER.begin_ms, before), (TWENTIETH_MS, after))

    async def plan(line_id: str, of: str | None, begin: str, hours: int) -> None:
        planned = PlannedDowntime(
            id=0,
            line_id=line_id,
            code=of,
            begin_ms=ms(begin),
            end_ms=ms(begin) + hours * HOUR_MS,
            comment="금형 교체",
            made_by="김",
            made_ms=OCTOBER.end_ms,
        )
        await add_planned_downtime(store, planned)

    async def unplanned_h(number: int, day: str) -> float:
        window = Span(ms(f"{day} 00:00"), ms(f"{day} 00:00") + DAY_MS)
        machines = [m for some in after.lines for m in some.equipment if m.code == code(number)]
        (found,) = await totals_in(store, await plans_of(store, after), machines, [window])
        return 24 - found[code(number)].times.planned_busy_ms / HOUR_MS

    await plan("weld1", code(102), "2026-10-10 01:00", 2)  # its own
    await plan("weld1", None, "2026-10-10 04:00", 1)  # of the line that it was in then
    await plan("pack", None, "2026-10-10 06:00", 4)  # of the line that it is in now
    await plan("weld1", None, "2026-10-25 04:00", 1)
    await plan("pack", None, "2026-10-25 06:00", 4)
    await plan("weld1", code(102), "2026-10-25 12:00", 2)  # entered before it was moved
    days = ("2026-10-10", "2026-10-25")
    assert [await unplanned_h(102, day) for day in days] == [3, 6]
    assert [await unplanned_h(101, day) for day in days] == [1, 1]
    assert [await unplanned_h(103, day) for day in days] == [4, 4]


async def test_stops_and_failures_end_where_a_machine_is_taken_out_and_put_back(
    store: Store,
) -> None:
    """Nothing is known of it meanwhile; the list has the stops that the figures count."""
    back_ms = TWENTIETH_MS + 2 * DAY_MS
    await record(store, (OCTOBER.begin_ms, FOUR), (TWENTIETH_MS, THREE_LEFT), (back_ms, FOUR))
    changes = [
        ChangeRecord(
            seq=9_000 + index,
            equipment_code=code(104),
            at_ms=at_ms,
            previous=None,
            status=Status.ERROR if reason == "error_tag" else Status.RUNNING,
            reason=reason,
        )
        for index, (at_ms, reason) in enumerate(
            (
                (TWENTIETH_MS - HOUR_MS, "error_tag"),
                (back_ms, "error_tag"),
                (back_ms + 2 * HOUR_MS, "running"),
            )
        )
    ]
    run = a_run(1, OCTOBER.begin_ms)
    await store.write([a_batch(run, changes, alive_ms=OCTOBER.end_ms)])
    machine = list(FOUR.lines[0].equipment[3:])
    for window in (OCTOBER, Span(TWENTIETH_MS - 2 * HOUR_MS, back_ms + 5 * HOUR_MS)):
        totals = (await figures(store, FOUR, [code(104)], window)).totals
        ends = (window.begin_ms, window.end_ms, OCTOBER.end_ms)
        plans = await plans_of(store, FOUR)
        found = await stops_in(store, plans, machine, *ends, as_figures=True)
        assert totals.stops.stops == sum(each.stop.counted for each in found) == 2
        assert totals.failures == 2
        assert (totals.repairs, totals.repair_ms) == (1, 2 * HOUR_MS)
