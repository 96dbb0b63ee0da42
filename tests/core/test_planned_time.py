"""Working time kept at hand answers as the calendar does, in whatever order it is asked."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.calendars import HOUR_MS, MINUTE_MS, ms, plant, shift
from lineside.core.calendar import WEEK, LineCalendar, ShiftException
from lineside.core.planned_time import PlannedTime
from lineside.core.spans import total_ms

BERLIN = "Europe/Berlin"
CALENDARS = {
    "one shift": plant(shift("day", "06:00-14:00", "10:00-10:10", "12:00-12:40")),
    "three shifts": plant(
        shift("early", "06:00-14:00", "10:00-10:15", days=WEEK),
        shift("late", "14:00-22:00", "18:00-18:30", days=WEEK),
        shift("night", "22:00-30:00", "25:45-26:30", days=WEEK),
        zone=BERLIN,
    ),
    "closed for a month": plant(
        shift("day", "06:00-14:00"),
        exceptions=(ShiftException(first_day=date(2026, 3, 1), last_day=date(2026, 4, 1)),),
    ),
}
DAY_MS = 24 * HOUR_MS
moments = st.integers(ms("2026-02-01 00:00"), ms("2026-05-01 00:00"))


def calendar_of(name: str) -> LineCalendar:
    return CALENDARS[name].of_line("weld1")


@pytest.mark.parametrize("name", CALENDARS)
@settings(max_examples=60)
@given(questions=st.lists(st.tuples(moments, st.integers(1, 40 * DAY_MS)), min_size=1, max_size=6))
def test_answers_are_those_of_the_calendar_whatever_was_asked_before(
    name: str, questions: list[tuple[int, int]]
) -> None:
    calendar = calendar_of(name)
    planned = PlannedTime(calendar)
    for at_ms, length_ms in questions:
        assert planned.is_planned(at_ms) is bool(calendar.planned(at_ms, at_ms + 1))
        spans = calendar.planned(at_ms, at_ms + length_ms)
        assert planned.elapsed_ms(at_ms, at_ms + length_ms) == total_ms(spans)
        following = calendar.planned(at_ms, at_ms + 60 * DAY_MS)
        assert planned.next_ms(at_ms) == following[0].begin_ms


@pytest.mark.parametrize("name", CALENDARS)
@settings(max_examples=60)
@given(at_ms=moments, wanted_ms=st.integers(1, 30 * HOUR_MS))
def test_so_much_planned_time_has_passed_then_and_not_a_millisecond_before(
    name: str, at_ms: int, wanted_ms: int
) -> None:
    calendar = calendar_of(name)
    planned = PlannedTime(calendar)
    planned.is_planned(at_ms)
    then_ms = planned.after_ms(at_ms, wanted_ms)
    assert then_ms is not None
    assert total_ms(calendar.planned(at_ms, then_ms)) == wanted_ms
    assert total_ms(calendar.planned(at_ms, then_ms - 1)) == wanted_ms - 1


def test_a_plant_that_is_closed_for_good_is_never_planned() -> None:
    closed = ShiftException(first_day=date(2026, 3, 2), last_day=date(2031, 3, 2))
    calendar = plant(shift("day", "06:00-14:00"), exceptions=(closed,)).of_line("weld1")
    planned = PlannedTime(calendar)
    at_ms = ms("2026-03-09 08:00")
    assert not planned.is_planned(at_ms)
    assert planned.next_ms(at_ms) is None
    assert planned.after_ms(at_ms, MINUTE_MS) is None


def test_time_that_is_used_up_as_a_shift_ends_is_used_up_at_its_end() -> None:
    planned = PlannedTime(plant(shift("day", "06:00-14:00")).of_line("weld1"))
    assert planned.after_ms(ms("2026-03-02 13:55"), 5 * MINUTE_MS) == ms("2026-03-02 14:00")
    assert planned.after_ms(ms("2026-03-02 15:00"), 8 * HOUR_MS) == ms("2026-03-03 14:00")
    assert planned.after_ms(ms("2026-03-02 15:00"), 8 * HOUR_MS + 1) == ms("2026-03-04 06:00") + 1


class Counting(LineCalendar):
    asked = 0

    def planned(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        self.asked += 1
        return super().planned(*args, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["one shift", "three shifts", "closed for a month"])
def test_a_fortnight_of_ticks_asks_the_calendar_a_few_times(name: str) -> None:
    calendar = Counting(CALENDARS[name], "weld1")
    planned = PlannedTime(calendar)
    begin_ms = ms("2026-03-02 00:00")
    for at_ms in range(begin_ms, begin_ms + 14 * DAY_MS, 5 * MINUTE_MS):
        planned.is_planned(at_ms)
        planned.elapsed_ms(at_ms - 3 * DAY_MS, at_ms)
        planned.next_ms(at_ms)
        planned.after_ms(at_ms, 20 * MINUTE_MS)
    assert calendar.asked <= 20
