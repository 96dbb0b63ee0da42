"""Shifts, breaks, exceptions and holidays as moments; the days on which clocks change."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import HOUR_MS, MINUTE_MS, hours, ms, plant, shift, shown
from lineside.core.calendar import (
    WEEK,
    DayKind,
    Hours,
    LineCalendar,
    PlantCalendar,
    Shift,
    ShiftException,
)
from lineside.core.spans import Span, total_ms
from lineside.core.zone import Grain, local_day, moment_ms

DAY = shift("day", "06:00-14:00", "10:00-10:10", "12:00-12:40")
NIGHT = shift("night", "22:00-30:00", "26:00-26:30")
BERLIN = "Europe/Berlin"


def line(*args: object, **kwargs: object) -> LineCalendar:
    return plant(*args, **kwargs).of_line("weld1")  # type: ignore[arg-type]


def spans(calendar: LineCalendar, begin: str, end: str) -> list[str]:
    found = calendar.planned(ms(begin), ms(end))
    return [f"{shown(span.begin_ms)} to {shown(span.end_ms)}" for span in found]


def test_planned_time_is_the_shift_without_its_breaks() -> None:
    assert spans(line(DAY), "2026-03-02 00:00", "2026-03-03 00:00") == [
        "03-02 06:00 to 03-02 10:00",
        "03-02 10:10 to 03-02 12:00",
        "03-02 12:40 to 03-02 14:00",
    ]


def test_planned_time_is_cut_at_the_window() -> None:
    assert spans(line(DAY), "2026-03-02 09:00", "2026-03-02 11:00") == [
        "03-02 09:00 to 03-02 10:00",
        "03-02 10:10 to 03-02 11:00",
    ]


def test_planned_downtime_is_no_planned_time() -> None:
    begin, end = ms("2026-03-02 06:00"), ms("2026-03-02 09:00")
    rest = line(DAY).planned(begin, end, [Span(begin + HOUR_MS, begin + 2 * HOUR_MS)])
    assert rest == (Span(begin, begin + HOUR_MS), Span(begin + 2 * HOUR_MS, end))


def test_an_overnight_shift_belongs_to_the_day_on_which_it_begins() -> None:
    calendar = line(NIGHT)
    window = calendar.shift_at(ms("2026-03-03 03:00"))  # Tuesday, early
    assert window is not None
    assert (window.shift_id, window.day) == ("night", date(2026, 3, 2))
    assert shown(window.breaks[0].begin_ms) == "03-03 02:00"
    assert calendar.shift_at(ms("2026-03-02 03:00")) is None  # nobody began on Sunday
    saturday = calendar.shift_at(ms("2026-03-07 05:59"))
    assert saturday is not None
    assert saturday.day == date(2026, 3, 6)


def test_a_shift_holds_its_begin_and_its_breaks_and_not_its_end() -> None:
    calendar = line(DAY)
    for at, is_in in (("06:00", True), ("12:10", True), ("13:59", True), ("14:00", False)):
        assert (calendar.shift_at(ms(f"2026-03-02 {at}")) is not None) is is_in


def test_a_line_without_shifts_is_planned_around_the_clock() -> None:
    working = plant(shift("day", "06:00-14:00", lines=("weld1",)))
    begin, end = ms("2026-03-07 06:00"), ms("2026-03-07 14:00")  # a Saturday
    calendar = working.of_line("press1")
    assert calendar.is_around_the_clock
    assert calendar.planned(begin, end) == (Span(begin, end),)
    assert calendar.shift_windows(begin, end) == []
    assert working.of_line("weld1").planned(begin, end) == ()


@pytest.mark.parametrize("shift_id", [None, "day"])
def test_a_closed_day_has_no_shifts(shift_id: str | None) -> None:
    closed = ShiftException(
        first_day=date(2026, 3, 3), last_day=date(2026, 3, 4), shift_id=shift_id
    )
    calendar = line(DAY, exceptions=(closed,))
    worked = [w.day.day for w in calendar.shift_windows(ms("2026-03-02 00:00"), ms("2026-03-08"))]
    assert worked == [2, 5, 6]


def test_a_night_that_began_before_a_closed_day_goes_on_to_its_end() -> None:
    closed = ShiftException(first_day=date(2026, 3, 3), last_day=date(2026, 3, 3))
    calendar = line(NIGHT, exceptions=(closed,))
    assert calendar.shift_at(ms("2026-03-03 03:00")) is not None
    assert calendar.shift_at(ms("2026-03-03 23:00")) is None
    assert calendar.shift_at(ms("2026-03-04 03:00")) is None


def test_other_hours_replace_a_shift_and_bring_it_to_a_free_day() -> None:
    saturday = date(2026, 3, 7)
    extra = ShiftException(
        first_day=saturday, last_day=saturday, shift_id="day", hours=hours("08:00-12:00")
    )
    calendar = line(DAY, NIGHT, exceptions=(extra,))
    assert spans(calendar, "2026-03-07 07:00", "2026-03-09 00:00") == ["03-07 08:00 to 03-07 12:00"]


def test_an_exception_of_one_shift_wins_over_that_of_all() -> None:
    day = date(2026, 3, 3)
    kept = ShiftException(first_day=day, last_day=day, shift_id="day", hours=hours("07:00-08:00"))
    closed = ShiftException(first_day=day, last_day=day)
    for exceptions in ((kept, closed), (closed, kept)):
        calendar = line(DAY, NIGHT, exceptions=exceptions)
        assert [w.shift_id for w in calendar.shifts_of(day)] == ["day"]


def test_an_exception_of_another_line_says_nothing() -> None:
    day = date(2026, 3, 3)
    closed = ShiftException(first_day=day, last_day=day, line_ids=("press1",))
    assert line(DAY, exceptions=(closed,)).shifts_of(day)


def test_on_a_holiday_only_those_work_whose_days_name_it() -> None:
    day = date(2026, 3, 2)
    guard = shift("guard", "06:00-14:00", days=(*WEEK, DayKind.HOLIDAY))
    calendar = line(DAY, guard, holidays=(day,))
    assert [window.shift_id for window in calendar.shifts_of(day)] == ["guard"]


@pytest.mark.parametrize(
    ("day", "worked_h"), [("2026-03-28", 7), ("2026-10-24", 9), ("2026-06-05", 8)]
)
def test_the_night_of_a_clock_change_is_an_hour_shorter_or_longer(day: str, worked_h: int) -> None:
    night = shift("night", "22:00-30:00", days=WEEK)
    calendar = plant(night, zone=BERLIN).of_line("weld1")
    [window] = calendar.shifts_of(date.fromisoformat(day))
    assert window.span.length_ms == worked_h * HOUR_MS


def test_a_break_that_the_clock_skips_takes_no_time() -> None:
    night = shift("night", "22:00-30:00", "26:15-26:45", days=WEEK)
    calendar = plant(night, zone=BERLIN).of_line("weld1")
    [window] = calendar.shifts_of(date(2026, 3, 28))
    assert window.breaks == ()
    assert total_ms(window.planned) == 7 * HOUR_MS
    [window] = calendar.shifts_of(date(2026, 10, 24))
    assert total_ms(window.breaks) == 30 * MINUTE_MS


def test_shift_periods_are_those_of_the_line_and_of_a_line_without_shifts_its_days() -> None:
    begin, end = ms("2026-03-02 00:00"), ms("2026-03-03 00:00")
    calendar = line(DAY, NIGHT)
    assert [p.shift_id for p in calendar.periods(Grain.SHIFT, begin, end)] == ["day", "night"]
    day = Span(begin, ms("2026-03-03 06:00"))  # with its night
    assert [p.span for p in calendar.periods(Grain.DAY, begin, end)] == [day]
    assert [p.grain for p in line().periods(Grain.SHIFT, begin, end)] == [Grain.DAY]


def days_of(calendar: LineCalendar, begin: str, end: str, grain: Grain = Grain.DAY) -> list[str]:
    found = calendar.periods(grain, ms(begin), ms(end))
    return [f"{p.day} from {shown(p.span.begin_ms)} to {shown(p.span.end_ms)}" for p in found]


def test_a_day_goes_on_until_its_last_shift_has_ended() -> None:
    assert days_of(line(NIGHT), "2026-03-05 12:00", "2026-03-08 12:00") == [
        "2026-03-05 from 03-05 06:00 to 03-06 06:00",
        "2026-03-06 from 03-06 06:00 to 03-07 06:00",  # Friday, with all of its night
        "2026-03-07 from 03-07 06:00 to 03-08 00:00",
        "2026-03-08 from 03-08 00:00 to 03-09 00:00",
    ]


def test_weeks_and_months_are_made_of_whole_days() -> None:
    nightly = line(shift("night", "22:00-30:00", days=WEEK))
    assert days_of(nightly, "2026-03-02 12:00", "2026-03-03", Grain.WEEK) == [
        "2026-03-02 from 03-02 06:00 to 03-09 06:00"
    ]
    assert days_of(nightly, "2026-03-02 12:00", "2026-03-03", Grain.MONTH) == [
        "2026-03-01 from 03-01 06:00 to 04-01 06:00"
    ]


def test_a_moment_belongs_to_the_day_whose_shift_goes_on() -> None:
    calendar = line(NIGHT)
    assert calendar.day_at(ms("2026-03-03 05:59")) == date(2026, 3, 2)
    assert calendar.day_at(ms("2026-03-03 06:00")) == date(2026, 3, 3)
    assert calendar.day_at(ms("2026-03-02 05:59")) == date(2026, 3, 2)  # nobody began on Sunday


@pytest.mark.parametrize("zone", ["Asia/Seoul", BERLIN, "Africa/Cairo", "Pacific/Apia"])
@given(
    shifts=st.lists(
        st.tuples(st.integers(0, 1439), st.integers(1, 1440), st.sets(st.sampled_from(DayKind))),
        max_size=3,
    ),
    day=st.dates(date(2010, 1, 1), date(2030, 1, 1)),
    length=st.integers(1, 60),
)
def test_days_tile_the_time_and_hold_their_shifts_whole(
    zone: str, shifts: list[tuple[int, int, set[DayKind]]], day: date, length: int
) -> None:
    calendar = plant(
        *(
            Shift(
                id=f"s{number}",
                name="",
                days=tuple(days),
                hours=Hours(begin_minute=begin, end_minute=begin + length_min),
            )
            for number, (begin, length_min, days) in enumerate(shifts)
        ),
        zone=zone,
    ).of_line("weld1")
    begin_ms = moment_ms(ZoneInfo(zone), day, 777)
    end_ms = begin_ms + length * 24 * HOUR_MS
    for grain in (Grain.DAY, Grain.WEEK, Grain.MONTH):
        found = calendar.periods(grain, begin_ms, end_ms)
        assert found[0].span.holds(begin_ms)
        assert found[-1].span.holds(end_ms - 1)
        assert all(one.span.end_ms == next_.span.begin_ms for one, next_ in pairwise(found))
    for period in calendar.periods(Grain.DAY, begin_ms, end_ms):
        assert calendar.day_at(period.span.begin_ms) == period.day
        assert calendar.day_at(period.span.end_ms - 1) == period.day
        for window in calendar.shifts_of(period.day):
            # Where shifts overlap, which `check` refuses, the earlier day keeps what is its own.
            assert window.span.end_ms <= period.span.end_ms


def test_a_plant_calendar_can_be_written_as_json_and_read_back() -> None:
    closed = ShiftException(first_day=date(2026, 3, 3), last_day=date(2026, 3, 4))
    calendar = plant(DAY, NIGHT, exceptions=(closed,), holidays=(date(2026, 3, 2),))
    assert msgspec.json.decode(msgspec.json.encode(calendar), type=PlantCalendar) == calendar


ZONES = ["Asia/Seoul", BERLIN, "America/New_York", "Africa/Cairo", "Pacific/Apia"]
THREE = (
    shift("early", "06:00-14:00", "10:00-10:15", days=WEEK),
    shift("late", "14:00-22:00", "18:00-18:30", days=WEEK),
    shift("night", "22:00-30:00", "25:45-26:30", days=WEEK),
)


@pytest.mark.parametrize("zone", ZONES)
@given(day=st.dates(date(2005, 1, 1), date(2035, 1, 1)), length_h=st.integers(1, 100))
def test_three_shifts_tile_the_time_across_every_clock_change(
    zone: str, day: date, length_h: int
) -> None:
    calendar = plant(*THREE, zone=zone).of_line("weld1")
    begin = moment_ms(ZoneInfo(zone), day, 7 * 60)
    end = begin + length_h * HOUR_MS
    windows = calendar.shift_windows(begin, end)
    assert windows[0].span.begin_ms <= begin
    assert windows[-1].span.end_ms >= end
    for window, following in pairwise(windows):
        assert window.span.end_ms == following.span.begin_ms
    breaks_ms = total_ms(b for w in windows for b in w.breaks)
    first_ms, last_ms = windows[0].span.begin_ms, windows[-1].span.end_ms
    assert total_ms(calendar.planned(first_ms, last_ms)) + breaks_ms == last_ms - first_ms


@pytest.mark.parametrize("zone", ZONES)
@given(
    day=st.dates(date(1995, 1, 1), date(2035, 1, 1)),
    begin=st.integers(0, 1439),
    length=st.integers(1, 1440),
)
def test_hours_become_the_moments_at_which_the_clock_shows_them(
    zone: str, day: date, begin: int, length: int
) -> None:
    hours_ = Hours(begin_minute=begin, end_minute=begin + length)
    kinds = tuple(DayKind)
    worked = Shift(id="a", name="A", days=kinds, hours=hours_)
    found = [w.span for w in plant(worked, zone=zone).of_line("weld1").shifts_of(day)]
    begin_ms = moment_ms(ZoneInfo(zone), day, begin)
    end_ms = moment_ms(ZoneInfo(zone), day, begin + length)
    assert found == ([Span(begin_ms, end_ms)] if begin_ms < end_ms else [])


@given(
    at=st.integers(ms("2026-01-01 00:00"), ms("2027-01-01 00:00")),
    zone=st.sampled_from(ZONES),
)
def test_a_moment_is_planned_exactly_when_its_wall_clock_says_so(at: int, zone: str) -> None:
    """Where no clock changes, against the minutes that the wall shows."""
    calendar = plant(DAY, NIGHT, zone=zone).of_line("weld1")
    day = local_day(ZoneInfo(zone), at)
    midnight = moment_ms(ZoneInfo(zone), day)
    following = moment_ms(ZoneInfo(zone), day + timedelta(1))
    before = moment_ms(ZoneInfo(zone), day - timedelta(1))
    if following - midnight != 24 * HOUR_MS or midnight - before != 24 * HOUR_MS:
        return
    minute = (at - midnight) // MINUTE_MS
    is_planned = day.weekday() < 5 and (
        (360 <= minute < 840 and not 600 <= minute < 610 and not 720 <= minute < 760)
        or minute >= 1320
    )
    is_early = minute < 360 and not 120 <= minute < 150
    is_planned = is_planned or ((day - timedelta(1)).weekday() < 5 and is_early)
    assert bool(calendar.planned(at, at + 1)) is is_planned
