"""Which intervals stand behind which figure: those that were counted, and no others."""

from __future__ import annotations

from itertools import groupby, pairwise
from random import Random

import pytest
from msgspec.structs import replace

from builders import equipment
from core.calendars import ms, plant, shift
from lineside.core.calendar import WEEK
from lineside.core.model import KpiRules, Status
from lineside.core.spans import Span
from lineside.history.across import totals_across
from lineside.history.behind import Bookkeeping, Counted, amount, behind
from lineside.history.kpi import Totals
from lineside.history.kpi_words import Behind
from lineside.history.lanes import LaneInterval
from lineside.history.plan import MachinePlan, RulePlan, cover

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
RULES = KpiRules()  # stops of up to 2 minutes are micro-stops


def tell(words: str, rules: KpiRules = RULES) -> list[Counted]:
    """Return how "60 running, 40 error off" is counted, in minutes; off is not planned."""
    book, at_ms = Bookkeeping(0, lambda _: rules), 0
    for word in words.split(", "):
        minutes, status, *off = word.split()
        end_ms = at_ms + int(minutes) * MINUTE_MS
        if status == "absent":
            book.skip(end_ms)
        else:
            book.take(at_ms, end_ms, None if status == "unseen" else Status(status), not off)
        at_ms = end_ms
    return book.counted()


def minutes(figure: Behind, words: str, rules: KpiRules = RULES) -> list[int]:
    return [each.length_ms // MINUTE_MS for each in behind(figure, tell(words, rules))]


SHIFT = (
    "60 running, 1 idle, 30 running, 12 error, 15 stopped, 40 running, 10 error, 40 error off, "
    "10 error, 3 disconnected, 2 error, 20 running"
)


@pytest.mark.parametrize(
    ("figure", "total"),
    [
        (Behind.STRICT_AVAILABILITY, 203),
        (Behind.AVAILABILITY, 200),
        (Behind.UTILISATION, 185),
        (Behind.TECHNICAL_EFFICIENCY, 150 + 34),
        (Behind.FAILURES, 12 + 65),
        (Behind.MTBF, 12 + 40 + 65),
        (Behind.MTTR, 12 + 65),
        (Behind.UNSEEN, 3),
    ],
)
def test_what_is_above_and_below_the_line_of_a_fraction_is_behind_it(
    figure: Behind, total: int
) -> None:
    assert sum(minutes(figure, SHIFT)) == total


def test_a_stop_goes_on_across_a_break_and_short_ones_are_micro_stops() -> None:
    assert minutes(Behind.MICRO_STOPS, SHIFT) == [1, 2]
    assert minutes(Behind.STOPS, SHIFT) == [12, 15, 10, 10]
    assert minutes(Behind.MICRO_STOPS, SHIFT, replace(RULES, micro_stop_ms=0)) == []


def test_a_stop_ends_where_nobody_saw_the_machine_and_where_it_was_absent() -> None:
    assert minutes(Behind.STOPS, "5 stopped, 1 unseen, 9 stopped") == [5, 9]
    assert minutes(Behind.MICRO_STOPS, "2 stopped, 1 unseen, 9 stopped") == [2]
    assert minutes(Behind.MICRO_STOPS, "2 stopped, 0 absent, 9 stopped") == [2]


def test_an_error_shorter_than_failure_after_stands_behind_no_figure_of_failures() -> None:
    rules = replace(RULES, failure_after_ms=5 * MINUTE_MS)
    words = "9 running, 4 error, 9 running, 6 error, 7 running, 1 error, 8 running, 5 error, 1 idle"
    assert minutes(Behind.FAILURES, words, rules) == [6, 5]
    assert minutes(Behind.MTTR, words, rules) == [6, 5]
    assert minutes(Behind.MTBF, words, rules) == [6, 7, 8, 5]
    assert minutes(Behind.TECHNICAL_EFFICIENCY, words, rules) == [9, 4, 9, 6, 7, 1, 8, 5]


def test_a_failure_whose_end_nobody_saw_is_no_repair() -> None:
    words = "9 running, 4 error, 1 disconnected, 9 running, 6 error, 7 running, 3 error"
    assert minutes(Behind.FAILURES, words) == [4, 6, 3]
    assert minutes(Behind.MTTR, words) == [6]


def test_a_failure_that_was_out_of_sight_meanwhile_is_one_with_all_its_time() -> None:
    counted = tell("9 running, 4 error, 2 disconnected, 1 unseen, 3 error, 1 disconnected, 9 idle")
    found = behind(Behind.FAILURES, counted)
    assert [each.length_ms // MINUTE_MS for each in found] == [4, 2, 1, 3]
    assert {each.failure_ms for each in found} == {9 * MINUTE_MS}


def test_an_error_from_before_the_window_is_a_repair_and_no_failure() -> None:
    words = "5 error, 9 running, 4 error, 9 running"
    assert minutes(Behind.FAILURES, words) == [4]
    assert minutes(Behind.MTTR, words) == [5, 4]
    assert minutes(Behind.MTBF, words) == []


SHIFTS = plant(
    shift("day", "06:00-14:00", "10:00-10:10", "12:00-12:40", days=WEEK),
    shift("night", "22:00-30:00", "26:00-26:30", days=WEEK[:5]),
)
BEGIN_MS = ms("2026-03-02 00:00")
END_MS = BEGIN_MS + 72 * HOUR_MS
REASONS = {"idle": "idle_wait", "stopped": "stop_elapsed", "disconnected": "plc_lost"}


def a_plan(rng: Random) -> MachinePlan:
    """Return what judges a machine whose rules changed, and that was taken out and moved."""
    changed = [BEGIN_MS, *sorted(rng.randrange(BEGIN_MS, END_MS) for _ in range(rng.randrange(5)))]
    plans = []
    for at_ms in changed:
        rules = KpiRules(
            micro_stop_ms=rng.choice((0, 2, 15, 60)) * MINUTE_MS,
            failure_after_ms=rng.choice((0, 1, 10, 30)) * MINUTE_MS,
        )
        rule = replace(equipment(101).rule, stop_after_s=rng.choice((60.0, 600.0, 3600.0)))
        plans.append((at_ms, RulePlan(SHIFTS.of_line("weld1"), rules, rule)))
    cuts = sorted({rng.randrange(BEGIN_MS, END_MS) for _ in range(rng.randrange(4))})
    spans = [Span(begin, end) for begin, end in pairwise([BEGIN_MS, *cuts, END_MS])]
    configured = [each for each in spans if rng.random() < 0.8] if rng.random() < 0.8 else None
    return MachinePlan(SHIFTS.of_line("weld1"), plans, configured)


def a_lane(rng: Random) -> list[LaneInterval]:
    found, at_ms = [], BEGIN_MS
    while at_ms < END_MS:
        status = rng.choice((*Status, Status.ERROR, Status.RUNNING, None))
        end_ms = min(END_MS, at_ms + rng.choice((1, 5, 20, 90, 300)) * rng.randrange(1, MINUTE_MS))
        reason = None if status is None else REASONS.get(status.value, "running")
        name = None if status is None else status.value
        found.append(LaneInterval(begin_ms=at_ms, end_ms=end_ms, status=name, reason=reason))
        at_ms = end_ms
    return found


def a_window(rng: Random, plan: MachinePlan, lane: list[LaneInterval]) -> Span:
    """Return one that begins anywhere, with an interval, or with what the plan changes at."""
    begins = [rng.randrange(BEGIN_MS, END_MS - 1), rng.choice(lane).begin_ms, BEGIN_MS]
    begins += [span.begin_ms for span in plan.configured or ()]
    begin_ms = rng.choice(begins)
    return Span(begin_ms, rng.randrange(begin_ms, END_MS) + 1)


@pytest.mark.parametrize("seed", range(40))
def test_the_number_and_the_sum_of_what_stands_behind_a_figure_are_the_figure(seed: int) -> None:
    rng = Random(seed)
    plan, lane = a_plan(rng), a_lane(rng)
    for _ in range(5):
        window = a_window(rng, plan, lane)
        judged = plan.judge(lane, window.begin_ms, window.end_ms)
        tiles = [tile.span for tile in cover(plan.calendar, window.begin_ms, window.end_ms)]
        totals = totals_across(plan.parts(judged, each.begin_ms, each.end_ms) for each in tiles)
        counted = plan.counted(judged, window.begin_ms, window.end_ms)
        assert {figure: amount(figure, counted) for figure in Behind} == amounts(totals, counted)


def amounts(totals: Totals, counted: list[Counted]) -> dict[Behind, tuple[int | None, int]]:
    """Return how often and how long each figure counts, by the sums that it is computed from."""
    times, stops = totals.times, totals.stops
    failed = {each.failure_ms for each in counted if Behind.FAILURES in each.figures}
    assert len(failed) == totals.failures
    failed_ms = sum(
        sum(each.length_ms for each in some)
        for failure, some in groupby(counted, key=lambda each: each.failure_ms)
        if failure in failed
    )
    seen_ms = times.planned_busy_ms - times.not_seen_ms
    return {
        Behind.STRICT_AVAILABILITY: (None, times.planned_busy_ms),
        Behind.AVAILABILITY: (None, seen_ms),
        Behind.UTILISATION: (None, times.actual_busy_ms),
        Behind.TECHNICAL_EFFICIENCY: (None, times.actual_production_ms + times.actual_delay_ms),
        Behind.UNSEEN: (None, times.not_seen_ms),
        Behind.FAILURES: (totals.failures, failed_ms),
        Behind.MTBF: (totals.gaps, totals.gap_ms),
        Behind.MTTR: (totals.repairs, totals.repair_ms),
        Behind.STOPS: (stops.stops, stops.stop_ms),
        Behind.MICRO_STOPS: (stops.micro_stops, stops.micro_stop_ms),
    }
