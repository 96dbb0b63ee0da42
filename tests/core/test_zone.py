"""The plant's wall clock: days, weeks and months, and clocks that are put forward and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import HOUR_MS, ms
from lineside.core.zone import Grain, local_day, moment_ms, periods

BERLIN = ZoneInfo("Europe/Berlin")
SEOUL = ZoneInfo("Asia/Seoul")
# Half an hour; at midnight; a day that is missing; no change at all.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Seoul",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Pacific/Apia",
        "UTC",
    )
]
days = st.dates(date(1990, 1, 1), date(2040, 12, 31))


def utc_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_a_korean_day_begins_nine_hours_before_that_of_utc() -> None:
    assert moment_ms(SEOUL, date(2026, 3, 2), 6 * 60) == utc_ms("2026-03-01 21:00")


def test_a_time_that_the_clock_skips_means_the_moment_of_the_skip() -> None:
    day = date(2026, 3, 29)  # 02:00 becomes 03:00
    assert moment_ms(BERLIN, day, 2 * 60 + 30) == utc_ms("2026-03-29 01:00")
    assert moment_ms(BERLIN, day, 2 * 60) == moment_ms(BERLIN, day, 3 * 60)
    assert moment_ms(BERLIN, day, 60) == utc_ms("2026-03-29 00:00")


def test_a_time_that_the_clock_shows_twice_means_the_first() -> None:
    day = date(2026, 10, 25)  # 03:00 becomes 02:00
    assert moment_ms(BERLIN, day, 2 * 60 + 30) == utc_ms("2026-10-25 00:30")
    assert moment_ms(BERLIN, day, 3 * 60) == utc_ms("2026-10-25 02:00")


@pytest.mark.parametrize("zone", ZONES, ids=str)
@given(day=days, minutes=st.tuples(st.integers(0, 2880), st.integers(0, 2880)))
def test_later_local_times_are_never_earlier_moments(
    zone: ZoneInfo, day: date, minutes: tuple[int, int]
) -> None:
    early, late = sorted(minutes)
    assert moment_ms(zone, day, early) <= moment_ms(zone, day, late)
    assert moment_ms(zone, day, early + 1440) == moment_ms(zone, day + timedelta(1), early)


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("grain", [Grain.DAY, Grain.WEEK, Grain.MONTH])
@given(day=days, length_h=st.integers(1, 2000))
def test_days_weeks_and_months_tile_the_time(
    zone: ZoneInfo, grain: Grain, day: date, length_h: int
) -> None:
    begin_ms = utc_ms(day.isoformat()) + 1234
    end_ms = begin_ms + length_h * HOUR_MS
    found = list(periods(zone, grain, begin_ms, end_ms))
    assert found[0][1].begin_ms <= begin_ms < found[0][1].end_ms
    assert found[-1][1].begin_ms < end_ms <= found[-1][1].end_ms
    for (_, span), (_, following) in pairwise(found):
        assert span.end_ms == following.begin_ms
    for first, span in found:
        # A skipped day is part of no period, and gives its name to none but those it begins.
        assert local_day(zone, span.begin_ms) >= first
        assert grain is not Grain.WEEK or first.weekday() == 0
        assert grain is not Grain.MONTH or first.day == 1


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_the_day_of_a_clock_change_is_an_hour_shorter_or_longer(day: date, hours: int) -> None:
    noon_ms = moment_ms(BERLIN, day, 12 * 60)
    [(first, span)] = periods(BERLIN, Grain.DAY, noon_ms, noon_ms + 1)
    assert first == day
    assert span.length_ms == hours * HOUR_MS


def test_a_day_that_a_zone_has_skipped_is_no_day() -> None:
    apia = "Pacific/Apia"  # went from 29 December to 31 December 2011
    begin_ms, end_ms = ms("2011-12-29 00:00", apia), ms("2012-01-01 00:00", apia)
    found = [day for day, _ in periods(ZoneInfo(apia), Grain.DAY, begin_ms, end_ms)]
    assert found == [date(2011, 12, 29), date(2011, 12, 31)]


def test_iso_weeks_begin_on_monday_and_cross_the_year() -> None:
    begin_ms = ms("2027-01-01 08:00")
    [(first, span)] = periods(SEOUL, Grain.WEEK, begin_ms, begin_ms + 1)
    assert first == date(2026, 12, 28)
    assert span.end_ms == ms("2027-01-04 00:00")


def test_an_empty_window_has_no_days() -> None:
    assert list(periods(SEOUL, Grain.DAY, 1000, 1000)) == []
