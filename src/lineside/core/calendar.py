"""When work is planned: shifts, breaks, exceptions and holidays, turned into moments. Pure.

`PlantCalendar` is what is configured, in local days and minutes. `LineCalendar` is one line's view
of it, in UTC Unix milliseconds. A shift belongs to the day on which it begins, also when it ends on
the next. A line without shifts is planned around the clock.

The *day of a line* is the one day that pages, REST, exports and figures mean. It begins at midnight
by the plant's clock, or, where a shift of an earlier day still goes on then, when that shift ends.
So days follow each other without a gap, and each holds all of its shifts. Weeks and months are made
of such days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

import msgspec

from lineside.core.spans import Span, clip, subtract, union
from lineside.core.zone import Grain, first_day, following_day, local_day, moment_ms

MINUTES_PER_DAY = 24 * 60
_MINUTE_MS = 60_000
_ONE_DAY = timedelta(days=1)
_REACH = timedelta(days=2)  # a shift lasts up to a day, and a zone may skip one
_DAYS_KEPT = 1000  # days that a line calendar remembers


class DayKind(StrEnum):
    """What a day is to the shifts: a public holiday, or otherwise its weekday."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"
    HOLIDAY = "holiday"


WEEK = tuple(DayKind)[:7]


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Working hours in minutes after the midnight with which their day begins.

    `end_minute` lies up to 24 hours after `begin_minute`: overnight it is above 1440. `breaks` are
    pairs of such minutes within the hours, in order.
    """

    begin_minute: int
    end_minute: int
    breaks: tuple[tuple[int, int], ...] = ()


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One shift as configured. `line_ids` None: every line works it."""

    id: str
    name: str
    days: tuple[DayKind, ...]
    hours: Hours
    line_ids: tuple[str, ...] | None = None


class ShiftException(msgspec.Struct, frozen=True, kw_only=True):
    """Days on which it is otherwise: other hours, or none. `last_day` is included.

    `line_ids` and `shift_id` None: every line, every shift. An exception with hours makes its shift
    take place, whatever kind of day it is.
    """

    first_day: date
    last_day: date
    name: str = ""
    line_ids: tuple[str, ...] | None = None
    shift_id: str | None = None
    hours: Hours | None = None

    def concerns(self, day: date, line_id: str, shift_id: str) -> bool:
        """Whether it says something of this shift of this line on `day`."""
        return (
            self.first_day <= day <= self.last_day
            and (self.line_ids is None or line_id in self.line_ids)
            and (self.shift_id is None or self.shift_id == shift_id)
        )


class PlantCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """The working time of a plant as configured; it can be written as JSON and read back.

    `is_computers_zone`: the configuration names no time zone, so that the computer's holds.
    """

    time_zone: str = "UTC"
    is_computers_zone: bool = False
    shifts: tuple[Shift, ...] = ()
    exceptions: tuple[ShiftException, ...] = ()
    holidays: tuple[date, ...] = ()

    def of_line(self, line_id: str) -> LineCalendar:
        """Return the calendar of one line."""
        return LineCalendar(self, line_id)


class ShiftWindow(msgspec.Struct, frozen=True, kw_only=True):
    """One shift of one day. `breaks` are tidy and lie within it."""

    shift_id: str
    name: str
    day: date  # on which it begins
    span: Span
    breaks: tuple[Span, ...] = ()

    @property
    def planned(self) -> tuple[Span, ...]:
        """The time of the shift without its breaks."""
        return subtract((self.span,), self.breaks)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of a report: a shift, day, week or month, whole. `shift_id` of shifts alone."""

    grain: Grain
    day: date  # its first
    span: Span
    shift_id: str | None = None


class LineCalendar:
    """The working time of one line, in UTC Unix milliseconds."""

    def __init__(self, plant: PlantCalendar, line_id: str) -> None:
        """Look at `plant` as the line `line_id` does."""
        self.zone = ZoneInfo(plant.time_zone)
        self._line_id = line_id
        self._shifts = [s for s in plant.shifts if s.line_ids is None or line_id in s.line_ids]
        # Those that name a shift come last: they are the more particular, and the last one holds.
        mine = [e for e in plant.exceptions if e.line_ids is None or line_id in e.line_ids]
        self._exceptions = sorted(mine, key=lambda e: e.shift_id is not None)
        self._holidays = frozenset(plant.holidays)
        self._days: dict[date, tuple[ShiftWindow, ...]] = {}
        self._midnights: dict[date, int] = {}

    @property
    def key(self) -> tuple[tuple[Shift, ...], tuple[ShiftException, ...]]:
        """What makes this line's time its own: lines of one plant with equal keys work alike."""
        return tuple(self._shifts), tuple(self._exceptions)

    @property
    def is_around_the_clock(self) -> bool:
        """Whether all time is planned, because the line has no shifts."""
        return not self._shifts

    @cached_property
    def _excepted_days(self) -> frozenset[date]:
        days: set[date] = set()
        for exception in self._exceptions:
            length = (exception.last_day - exception.first_day).days + 1
            days.update(exception.first_day + i * _ONE_DAY for i in range(length))
        return frozenset(days)

    def shifts_of(self, day: date) -> tuple[ShiftWindow, ...]:
        """Return the shifts that begin on the local `day`, in order."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            known = self._days[day] = self._find_shifts(day)
        return known

    def shift_windows(self, begin_ms: int, end_ms: int) -> list[ShiftWindow]:
        """Return the shifts that overlap [begin_ms, end_ms), whole, in order."""
        if begin_ms >= end_ms or not self._shifts:
            return []
        day = local_day(self.zone, begin_ms) - _REACH
        last = local_day(self.zone, end_ms - 1)
        found = []
        while day <= last:
            found += [
                window
                for window in self.shifts_of(day)
                if window.span.begin_ms < end_ms and begin_ms < window.span.end_ms
            ]
            day += _ONE_DAY
        return sorted(found, key=lambda window: window.span)

    def shift_at(self, at_ms: int) -> ShiftWindow | None:
        """Return the shift that a moment lies in, be it in a break; None outside of shifts."""
        windows = self.shift_windows(at_ms, at_ms + 1)
        return windows[0] if windows else None

    def planned(
        self, begin_ms: int, end_ms: int, downtime: Iterable[Span] = ()
    ) -> tuple[Span, ...]:
        """Return the planned busy time within [begin_ms, end_ms), tidy.

        Args:
            begin_ms: start of the window, in UTC Unix milliseconds.
            end_ms: its end.
            downtime: planned downtime, which is no working time either.
        """
        if self.is_around_the_clock:
            work: Sequence[Span] = (Span(begin_ms, end_ms),)
        else:
            windows = self.shift_windows(begin_ms, end_ms)
            work = union(span for window in windows for span in window.planned)
        return subtract(clip(work, begin_ms, end_ms), downtime)

    def periods(self, grain: Grain, begin_ms: int, end_ms: int) -> list[Period]:
        """Return the shifts, days, weeks or months that overlap [begin_ms, end_ms), whole.

        Shifts of a line that works around the clock are its days.
        """
        if grain is Grain.SHIFT and not self.is_around_the_clock:
            return [
                Period(grain=grain, day=window.day, span=window.span, shift_id=window.shift_id)
                for window in self.shift_windows(begin_ms, end_ms)
            ]
        if begin_ms >= end_ms:
            return []
        pieces = Grain.DAY if grain is Grain.SHIFT else grain
        found: list[Period] = []
        first = first_day(pieces, self.day_at(begin_ms))
        while True:
            after = following_day(pieces, first)
            span = Span(self.day_begin_ms(first), self.day_begin_ms(after))
            if span.begin_ms >= end_ms:
                return found
            # A day that the calendar of a zone has skipped is empty.
            if begin_ms < span.end_ms and span.begin_ms < span.end_ms:
                found.append(Period(grain=pieces, day=first, span=span))
            first = after

    def day_begin_ms(self, day: date) -> int:
        """Return when the line's `day` begins: at midnight, or when an earlier shift has ended."""
        begin_ms = self._midnight_ms(day)
        for back in (1, 2):
            for window in self.shifts_of(day - back * _ONE_DAY):
                begin_ms = max(begin_ms, window.span.end_ms)
        return begin_ms

    def day_span(self, day: date) -> Span:
        """Return the time of the line's `day`; it is empty where the clock skipped the day."""
        return Span(self.day_begin_ms(day), self.day_begin_ms(day + _ONE_DAY))

    def day_at(self, at_ms: int) -> date:
        """Return the day of the line that a moment belongs to."""
        day = local_day(self.zone, at_ms)
        while at_ms < self.day_begin_ms(day):
            day -= _ONE_DAY
        return day

    def _find_shifts(self, day: date) -> tuple[ShiftWindow, ...]:
        kind = DayKind.HOLIDAY if day in self._holidays else WEEK[day.weekday()]
        found = []
        for shift in self._shifts:
            hours = shift.hours if kind in shift.days else None
            if day in self._excepted_days:
                for exception in self._exceptions:
                    if exception.concerns(day, self._line_id, shift.id):
                        hours = exception.hours
            if hours is not None and (window := self._window(shift, day, hours)) is not None:
                found.append(window)
        return tuple(sorted(found, key=lambda window: window.span))

    def _window(self, shift: Shift, day: date, hours: Hours) -> ShiftWindow | None:
        span = self._span(day, hours.begin_minute, hours.end_minute)
        if span.begin_ms >= span.end_ms:
            return None  # the clock has skipped all of it
        breaks = union(self._span(day, begin, end) for begin, end in hours.breaks)
        return ShiftWindow(
            shift_id=shift.id,
            name=shift.name,
            day=day,
            span=span,
            breaks=clip(breaks, span.begin_ms, span.end_ms),
        )

    def _span(self, day: date, begin_minute: int, end_minute: int) -> Span:
        return Span(self._moment_ms(day, begin_minute), self._moment_ms(day, end_minute))

    def _moment_ms(self, day: date, minute: int) -> int:
        """As `moment_ms`, without asking the zone on days around which no clock changes."""
        midnight_ms = self._midnight_ms(day)
        if self._midnight_ms(day + _REACH) - midnight_ms == 2 * MINUTES_PER_DAY * _MINUTE_MS:
            return midnight_ms + minute * _MINUTE_MS
        return moment_ms(self.zone, day, minute)

    def _midnight_ms(self, day: date) -> int:
        known = self._midnights.get(day)
        if known is None:
            if len(self._midnights) >= _DAYS_KEPT:
                self._midnights.clear()
            known = self._midnights[day] = moment_ms(self.zone, day)
        return known
