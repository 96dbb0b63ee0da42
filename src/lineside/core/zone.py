"""The plant's wall clock: from local days and times to UTC Unix milliseconds, and back. Pure.

The rules of a time zone are data of the Python installation (`zoneinfo`); nothing here asks what
time it is.

A local time that the clock skips when it is put forward means the moment of the skip; one that it
shows twice when it is put back means the first. So later local times never mean earlier moments,
and where one thing ends at the local time at which another begins, nothing overlaps and nothing is
lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from lineside.core.spans import Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_LOCAL = datetime(1970, 1, 1)  # noqa: DTZ001  (a wall clock, on purpose)
_MS = timedelta(milliseconds=1)
_ONE_DAY = timedelta(days=1)
_SEARCH_STEP_MS = 1000  # the rules of time zones are kept in whole seconds


class Grain(StrEnum):
    """The pieces of time that reports are cut into."""

    SHIFT = "shift"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def moment_ms(zone: ZoneInfo, day: date, minute: int = 0) -> int:
    """Return the moment at which the clock in `zone` shows a time of `day`.

    Args:
        zone: the plant's time zone.
        day: the local day.
        minute: minutes after midnight as the clock shows them; 1440 and more is the next day.
    """
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001
    local = wall.replace(tzinfo=zone, fold=0)
    at_ms = _unix_ms(local)
    if _wall_at(zone, at_ms) == wall:
        return at_ms
    # Skipped: the two readings of such a time lie on either side of the moment of the skip.
    before_ms, after_ms = sorted((at_ms, _unix_ms(local.replace(fold=1))))
    offset = _offset_ms(zone, before_ms)
    while after_ms - before_ms > _SEARCH_STEP_MS:
        middle_ms = (before_ms + after_ms) // 2 // _SEARCH_STEP_MS * _SEARCH_STEP_MS
        middle_ms = max(middle_ms, before_ms + _SEARCH_STEP_MS)
        if _offset_ms(zone, middle_ms) == offset:
            before_ms = middle_ms
        else:
            after_ms = middle_ms
    return after_ms


def local_day(zone: ZoneInfo, at_ms: int) -> date:
    """Return the day on the calendar in `zone` at a moment."""
    return _wall_at(zone, at_ms).date()


def periods(
    zone: ZoneInfo, grain: Grain, begin_ms: int, end_ms: int
) -> Iterator[tuple[date, Span]]:
    """Return the days, ISO weeks or months that overlap [begin_ms, end_ms), whole, in order.

    They begin and end at midnight, whatever the shifts: `LineCalendar.periods` has a line's days.

    Args:
        zone: the plant's time zone.
        grain: DAY, WEEK or MONTH. Shifts are the calendar's to say.
        begin_ms: start of the window, in UTC Unix milliseconds.
        end_ms: its end.

    Returns:
        Each with its first day. A day with a change of the clock lasts 23 or 25 hours.
    """
    if begin_ms >= end_ms:
        return
    first = first_day(grain, local_day(zone, begin_ms))
    while True:
        following = following_day(grain, first)
        span = Span(moment_ms(zone, first), moment_ms(zone, following))
        if span.begin_ms >= end_ms:
            return
        # Both bounds: a day that the calendar of a zone has skipped is empty.
        if begin_ms < span.end_ms and span.begin_ms < span.end_ms:
            yield first, span
        first = following


def first_day(grain: Grain, day: date) -> date:
    """Return the first day of the day, ISO week or month that `day` lies in."""
    if grain is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain is Grain.MONTH else day


def following_day(grain: Grain, first: date) -> date:
    """Return the first day of what follows the day, ISO week or month that `first` begins."""
    if grain is Grain.MONTH:
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first + (7 if grain is Grain.WEEK else 1) * _ONE_DAY


def _unix_ms(local: datetime) -> int:
    return (local - _EPOCH) // _MS


def _wall_at(zone: ZoneInfo, at_ms: int) -> datetime:
    return (_EPOCH + at_ms * _MS).astimezone(zone).replace(tzinfo=None, fold=0)


def _offset_ms(zone: ZoneInfo, at_ms: int) -> int:
    return (_wall_at(zone, at_ms) - _EPOCH_LOCAL) // _MS - at_ms
