"""Working times to test with."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from lineside.core.calendar import WEEK, DayKind, Hours, PlantCalendar, Shift, ShiftException

SEOUL = "Asia/Seoul"
WORKDAYS = WEEK[:5]
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def hours(text: str, *breaks: str) -> Hours:
    """Return the hours "22:00-30:00" with breaks such as "24:00-24:30"."""
    begin, end = (minute(part) for part in text.split("-"))
    pairs = (tuple(minute(part) for part in pause.split("-")) for pause in breaks)
    return Hours(begin_minute=begin, end_minute=end, breaks=tuple((b, e) for b, e in pairs))


def shift(
    id_: str,
    text: str,
    *breaks: str,
    days: tuple[DayKind, ...] = WORKDAYS,
    lines: tuple[str, ...] | None = None,
) -> Shift:
    return Shift(id=id_, name=id_.upper(), days=days, hours=hours(text, *breaks), line_ids=lines)


def plant(
    *shifts: Shift,
    zone: str = SEOUL,
    exceptions: tuple[ShiftException, ...] = (),
    holidays: tuple[date, ...] = (),
) -> PlantCalendar:
    return PlantCalendar(time_zone=zone, shifts=shifts, exceptions=exceptions, holidays=holidays)


def ms(text: str, zone: str = SEOUL, *, fold: int = 0) -> int:
    """Return the moment of a local time such as "2026-03-02 06:00"."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(local.timestamp() * 1000)


def shown(at_ms: int, zone: str = SEOUL) -> str:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).strftime("%m-%d %H:%M")
