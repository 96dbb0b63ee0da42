"""docs/reference/kpi.md is the definition: a calculator written from it agrees with the product."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import groupby, pairwise
from random import Random

import msgspec
import pytest

from core.calendars import MINUTE_MS, ms, plant, shift
from docs.kpi_by_the_book import Minute, Sums, figures, shift_rows, sums
from lineside.core.calendar import WEEK, LineCalendar
from lineside.core.model import KpiRules, Status, StatusRule
from lineside.core.spans import Span
from lineside.history.kpi import KpiParts, combine, sum_totals, totals_of
from lineside.history.kpi_rows import figures_of, windows_of
from lineside.history.kpi_words import RowGrain, Wanted
from lineside.history.plan import Judged, MachinePlan, RulePlan
from lineside.history.reclassify import ReasonedInterval

ROWS = 10_000
SEEDS = 5
BEGIN_MS = ms("2026-03-02 00:00")
DAY = 24 * 60
STATUSES = ("running", "running", "idle", "stopped", "error", "disconnected", "unseen")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Two shifts of every day in minutes after its midnight, and planned downtime."""

    shifts: list[tuple[int, int]]
    breaks: list[list[tuple[int, int]]]
    downtime: list[tuple[int, int]]
    calendar: LineCalendar

    def planned_minutes(self) -> set[int]:
        """Return the minutes after the begin of all that are in a shift, in no break or downtime.

        They reach over two days: of the first one, with what is left of the shifts before it.
        """
        found = set() if self.shifts else set(range(2 * DAY))
        for midnight in (-DAY, 0, DAY):
            for (begin, end), breaks in zip(self.shifts, self.breaks, strict=True):
                worked = set(range(begin, end)).difference(*(range(b, e) for b, e in breaks))
                found.update(midnight + minute for minute in worked)
        return found.difference(*(range(begin, end) for begin, end in self.downtime))


def a_plan(rng: Random) -> Plan:
    shifts, breaks = [], []
    if rng.random() < 0.9:
        first, second = sorted(rng.sample(range(0, DAY, 5), 2))
        shifts = [(first, rng.randrange(first + 5, second + 1, 5))]
        shifts.append((second, rng.randrange(second + 5, first + DAY + 1, 5)))
        for begin, end in shifts:
            cuts = sorted(rng.sample(range(begin, end + 1), 4)) if end - begin > 9 else []
            breaks.append([(cuts[0], cuts[1]), (cuts[2], cuts[3])] if cuts else [])
    starts = [rng.randrange(2 * DAY) for _ in range(rng.randrange(3))]
    configured = [
        shift(
            f"s{number}",
            f"{begin // 60}:{begin % 60:02d}-{end // 60}:{end % 60:02d}",
            *(f"{b // 60}:{b % 60:02d}-{e // 60}:{e % 60:02d}" for b, e in pauses),
            days=WEEK,
        )
        for number, ((begin, end), pauses) in enumerate(zip(shifts, breaks, strict=True))
    ]
    return Plan(
        shifts=shifts,
        breaks=breaks,
        downtime=[(at, at + rng.randrange(1, 200)) for at in starts],
        calendar=plant(*configured).of_line("weld1"),
    )


def a_life(rng: Random, minutes: int) -> list[str]:
    found: list[str] = []
    while len(found) < minutes:
        found += [rng.choice(STATUSES)] * rng.choice((1, 1, 2, 3, 5, 8, 40))
    return found[:minutes]


def with_absences(rng: Random, life: list[str]) -> list[str]:
    """Return `life` of a machine that was not configured for one or two times of it."""
    for _ in range(rng.choice((0, 0, 1, 2))):
        at = rng.randrange(len(life))
        length = min(rng.choice((1, 5, 60, 600)), len(life) - at)
        life = [*life[:at], *["absent"] * length, *life[at + length :]]
    return life


def intervals(life: list[str], begin_ms: int) -> Iterator[ReasonedInterval]:
    for word, same in groupby(life):
        end_ms = begin_ms + len(list(same)) * MINUTE_MS
        status = None if word in ("unseen", "absent") else Status(word)
        if status is not None:  # what nobody saw is a hole
            yield ReasonedInterval(begin_ms=begin_ms, end_ms=end_ms, status=status)
        begin_ms = end_ms


def configured(life: list[str], begin_ms: int, moves: set[int]) -> Iterator[Span]:
    """Yield when a machine was there; at `moves`, in minutes, it went to another line."""
    for is_absent, same in groupby(life, key=lambda word: word == "absent"):
        end_ms = begin_ms + len(list(same)) * MINUTE_MS
        if not is_absent:
            inside = {BEGIN_MS + at * MINUTE_MS for at in moves}
            cuts = sorted({begin_ms, end_ms, *(at for at in inside if begin_ms < at < end_ms)})
            yield from (Span(one, other) for one, other in pairwise(cuts))
        begin_ms = end_ms


def parts_by_windows(
    rng: Random, life: list[str], plan: Plan, window: Span, rules: KpiRules, moves: set[int]
) -> KpiParts:
    """Return the parts of a window, at times joined from those of two in a row."""
    begin, end = window.begin_ms, window.end_ms
    cut = rng.randrange(begin, end, MINUTE_MS)
    downtime = [Span(*(BEGIN_MS + at * MINUTE_MS for at in each)) for each in plan.downtime]
    judged = Judged(intervals=list(intervals(life, BEGIN_MS)), reach_ms=BEGIN_MS)
    by = RulePlan(plan.calendar, rules, StatusRule(), downtime)
    machine = MachinePlan(plan.calendar, [(0, by)], list(configured(life, BEGIN_MS, moves)))
    pieces = [(begin, cut), (cut, end)] if rng.random() < 0.3 else [(begin, end)]
    return reduce(combine, (machine.parts(judged, one, other) for one, other in pieces))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_figure_is_what_the_book_says(seed: int) -> None:
    rng = Random(seed)
    for number in range(ROWS // SEEDS):
        plan = a_plan(rng)
        micro_stop, failure_after = rng.choice((0, 2, 5)), rng.choice((0, 0, 1, 3))
        rules = KpiRules(
            micro_stop_ms=micro_stop * MINUTE_MS, failure_after_ms=failure_after * MINUTE_MS
        )
        first = rng.randrange(DAY)
        last = first + rng.randint(1, 300)
        window = Span(BEGIN_MS + first * MINUTE_MS, BEGIN_MS + last * MINUTE_MS)
        planned = plan.planned_minutes()
        by_the_book, totals = Sums(), []
        for _ in range(rng.choice((1, 1, 1, 3))):
            life = with_absences(rng, a_life(rng, last + 10))
            moves = {rng.randrange(1, len(life)) for _ in range(rng.choice((0, 0, 1, 3)))}
            moves |= {first} if rng.random() < 0.1 else set()
            minutes = [
                Minute(life[at], life[at] != "absent" and at in planned, at in moves)
                for at in range(first, last)
            ]
            by_the_book += sums(minutes, micro_stop, failure_after)
            totals.append(totals_of(parts_by_windows(rng, life, plan, window, rules, moves)))
        row, expected = figures_of(sum_totals(totals)), figures(by_the_book)
        assert {name: row[name] for name in expected} == expected, (
            number,
            plan.shifts,
            plan.downtime,
        )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_rows_by_shift_and_their_end_are_what_the_book_says(seed: int) -> None:
    rng = Random(seed)
    for number in range(200):
        plan = a_plan(rng)
        first = rng.randrange(DAY, 3 * DAY)
        last = first + rng.randint(1, 3 * DAY)
        now = first + rng.randint(-DAY, 4 * DAY)  # at times before the window, or within it
        wanted = Wanted(
            lines=(),
            begin_ms=BEGIN_MS + first * MINUTE_MS,
            end_ms=BEGIN_MS + min(last, now) * MINUTE_MS,
            grain=RowGrain.SHIFT,
        )
        found = [window.span for window in windows_of(plan.calendar, wanted)]
        expected = shift_rows(plan.shifts, first, last, now, DAY)
        assert found == [Span(*(BEGIN_MS + at * MINUTE_MS for at in row)) for row in expected], (
            number
        )
