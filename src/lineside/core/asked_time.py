"""A time as somebody asks for it: between two moments, or between two days of a line. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TypeAlias

import msgspec

from lineside.core.calendar import LineCalendar
from lineside.core.spans import Span

Bound: TypeAlias = int | date  # UTC Unix milliseconds, or when the day of a line begins


class AskedTime(msgspec.Struct, frozen=True, kw_only=True):
    """From `begin` up to, but not with, `end`. Days are those of each line, with all its shifts."""

    begin: Bound
    end: Bound

    def of(self, calendar: LineCalendar) -> Span:
        """Return the moments that it means for a line; the span may be empty, or turned round."""
        return Span(_moment_ms(self.begin, calendar), _moment_ms(self.end, calendar))

    def of_all(self, calendars: Iterable[LineCalendar]) -> Span:
        """Return the least time that holds what it means for each of the lines, of at least one."""
        spans = [self.of(calendar) for calendar in calendars]
        return Span(min(span.begin_ms for span in spans), max(span.end_ms for span in spans))


def _moment_ms(bound: Bound, calendar: LineCalendar) -> int:
    return calendar.day_begin_ms(bound) if isinstance(bound, date) else bound
