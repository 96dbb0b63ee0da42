"""Turns the tables of working time into the plant's calendar. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.config.schema import PlantConfig, ShiftConfig, ShiftExceptionConfig
from lineside.config.wall_time import public_holidays
from lineside.core.calendar import (
    MINUTES_PER_DAY,
    Hours,
    PlantCalendar,
    Shift,
    ShiftException,
)


def plant_calendar(
    plant: PlantConfig,
    shifts: Sequence[ShiftConfig],
    exceptions: Sequence[ShiftExceptionConfig],
    computer_zone: str,
) -> PlantCalendar:
    """Return the calendar that tables without mistakes describe.

    Args:
        plant: whose clock it follows, and the holidays.
        shifts: when work is planned.
        exceptions: days on which it is otherwise.
        computer_zone: the time zone to follow where `plant` names none.
    """
    return PlantCalendar(
        time_zone=plant.time_zone or computer_zone,
        is_computers_zone=plant.time_zone is None,
        shifts=tuple(
            Shift(
                id=shift.id,
                name=shift.name,
                days=shift.days,
                hours=hours_of(shift.start, shift.end, shift.breaks),
                line_ids=shift.lines,
            )
            for shift in shifts
        ),
        exceptions=tuple(_exception(table, shifts) for table in exceptions),
        holidays=(public_holidays(plant.holidays) or ()) if plant.holidays else (),
    )


def hours_of(start: int, end: int, breaks: Sequence[tuple[int, int]]) -> Hours:
    """Return hours as minutes after the midnight of the day on which they begin.

    Args:
        start: minutes of the clock at which they begin.
        end: those at which they end; not after `start`: on the next day.
        breaks: pairs of such minutes. One that does not lie in the hours ends after them.
    """
    placed = []
    for begin, finish in breaks:
        first = begin if begin >= start else begin + MINUTES_PER_DAY
        last = first + (finish - begin) % MINUTES_PER_DAY
        placed.append((first, last))
    return Hours(
        begin_minute=start,
        end_minute=end if end > start else end + MINUTES_PER_DAY,
        breaks=tuple(sorted(placed)),
    )


def exception_hours(table: ShiftExceptionConfig, shift: ShiftConfig | None) -> Hours | None:
    """Return the hours that an exception gives to `shift`; None when it closes it."""
    if table.start is None or table.end is None:
        return None
    if table.breaks is not None:
        return hours_of(table.start, table.end, table.breaks)
    usual = hours_of(table.start, table.end, shift.breaks if shift else ())
    inside = tuple(
        (begin, min(end, usual.end_minute))
        for begin, end in usual.breaks
        if begin < usual.end_minute
    )
    return Hours(begin_minute=usual.begin_minute, end_minute=usual.end_minute, breaks=inside)


def exception_shift(
    table: ShiftExceptionConfig, shifts: Sequence[ShiftConfig]
) -> ShiftConfig | None:
    """Return the one shift that an exception concerns; None for all, or for one that is not."""
    named = [shift for shift in shifts if shift.id == table.shift]
    if table.shift is None and table.start is not None and len(shifts) == 1:
        return shifts[0]
    return named[0] if named else None


def _exception(table: ShiftExceptionConfig, shifts: Sequence[ShiftConfig]) -> ShiftException:
    shift = exception_shift(table, shifts)
    return ShiftException(
        first_day=table.date,
        last_day=table.until or table.date,
        name=table.name or "",
        line_ids=table.lines,
        shift_id=shift.id if shift else None,
        hours=exception_hours(table, shift),
    )
