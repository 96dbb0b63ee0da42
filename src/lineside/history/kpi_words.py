"""The words in which figures are asked for. Pure, and light to load."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineside.core.asked_time import AskedTime
from lineside.core.calendar import LineCalendar
from lineside.core.model import Equipment, Line
from lineside.core.spans import Span


class RowGrain(StrEnum):
    """Into which pieces a window is cut."""

    WHOLE = "whole"
    SHIFT = "shift"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class RowsBy(StrEnum):
    """What a row is about."""

    LINE = "line"
    EQUIPMENT = "equipment"


class Behind(StrEnum):
    """A figure whose intervals can be asked for."""

    AVAILABILITY = "availability"
    STRICT_AVAILABILITY = "strict_availability"
    UTILISATION = "utilisation"
    TECHNICAL_EFFICIENCY = "technical_efficiency"
    FAILURES = "failures"
    MTBF = "mtbf"
    MTTR = "mttr"
    STOPS = "stops"
    MICRO_STOPS = "micro_stops"
    UNSEEN = "unseen"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which figures are asked for: between two moments, or what `asked` means for each line."""

    lines: tuple[tuple[Line, tuple[Equipment, ...]], ...]
    begin_ms: int
    end_ms: int  # not beyond the present
    grain: RowGrain = RowGrain.WHOLE
    by: RowsBy = RowsBy.EQUIPMENT
    asked: AskedTime | None = None
    is_whole: bool = False  # of each machine all that it did, in whichever line

    def window(self, calendar: LineCalendar) -> Span:
        """Return the time of a line, not beyond the present."""
        span = self.asked_of(calendar)
        return Span(span.begin_ms, min(span.end_ms, self.end_ms))

    def asked_of(self, calendar: LineCalendar) -> Span:
        """Return the time of a line as it was asked for, be it beyond the present."""
        if self.asked is not None:
            return self.asked.of(calendar)
        return Span(self.begin_ms, self.end_ms)
