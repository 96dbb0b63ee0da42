"""Times of day, days and time zones as people write them, and the public holidays of countries.

The only place that asks the `holidays` package and the list of time zones.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import Annotated, Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BeforeValidator, WithJsonSchema

from lineside.core.calendar import MINUTES_PER_DAY, WEEK, DayKind

TIME_PATTERN = r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$|^24:00$"
BREAK_PATTERN = r"^\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}$"
DAYS_PATTERN = r"^(mon|tue|wed|thu|fri|sat|sun|holiday)(-(mon|tue|wed|thu|fri|sat|sun))?$"
HOLIDAY_YEARS = range(2010, 2051)
DAY_WORDS = ", ".join(f'"{day}"' for day in DayKind)

_Parsed = TypeVar("_Parsed")
_KOREAN_DAYS = dict(zip("월화수목금토일", WEEK, strict=True)) | {"공휴일": DayKind.HOLIDAY}
_COUNTRY = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,4}))?")
_ZONES_BY_SHORT_NAME = {"KST": "Asia/Seoul", "JST": "Asia/Tokyo", "GMT": "UTC", "Z": "UTC"}
_ZONES_BY_OFFSET = {"9": "Asia/Seoul", "8": "Asia/Shanghai", "7": "Asia/Ho_Chi_Minh"}


def parse_minute(value: object) -> int:
    """Return the minutes after midnight that "06:00" means; "24:00" is the end of the day.

    Raises:
        ValueError: it is no time of day.
    """
    if isinstance(value, time) and value.tzinfo is None and not value.second + value.microsecond:
        return value.hour * 60 + value.minute
    if isinstance(value, str) and re.match(TIME_PATTERN, value.strip()):
        hour, _, minute = value.strip().partition(":")
        return int(hour) * 60 + int(minute)
    raise ValueError(f'{_quoted(value)} is not a time of day: write hours and minutes, as "06:00"')


def format_minute(minute: int) -> str:
    """Return minutes after midnight as a clock shows them; "24:00" stays."""
    if minute > MINUTES_PER_DAY:
        minute -= MINUTES_PER_DAY
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _parse_breaks(value: object) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list | tuple):
        raise ValueError('write a list of breaks, as in ["10:00-10:10", "12:00-12:40"]')  # noqa: TRY004
    return tuple(_each(value, _parse_break))


def _parse_break(value: object) -> tuple[int, int]:
    if not isinstance(value, str) or not re.match(BREAK_PATTERN, value.strip()):
        raise ValueError(f'{_quoted(value)} is not a break: write begin and end, "12:00-12:40"')
    begin, _, end = value.partition("-")
    pair = parse_minute(begin), parse_minute(end)
    if pair[0] == pair[1]:
        raise ValueError(f'"{value}" takes no time')
    return pair


def _parse_days(value: object) -> tuple[DayKind, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError('write a list of days, as in ["mon-fri"] or ["sat", "sun"]')
    try:
        found = {day for days in _each(value, _parse_day_range) for day in days}
    except ValueError as error:
        raise ValueError(f'{error}. The days are {DAY_WORDS}, ranges as in "mon-fri"') from None
    return tuple(day for day in DayKind if day in found)


def _each(values: Iterable[object], parse: Callable[[object], _Parsed]) -> list[_Parsed]:
    """Return every value parsed, or tell the mistakes of all of them at once."""
    parsed, mistakes = [], []
    for value in values:
        try:
            parsed.append(parse(value))
        except ValueError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return parsed


def _parse_day_range(value: object) -> Sequence[DayKind]:
    first, dash, last = value.partition("-") if isinstance(value, str) else ("", "", "")
    if not dash and (day := _day(first)):
        return [day]
    begin, end = _day(first), _day(last)
    if begin in WEEK and end in WEEK:
        i, j = WEEK.index(begin), WEEK.index(end)
        return WEEK[i : j + 1] if i <= j else WEEK[i:] + WEEK[: j + 1]
    guess = _KOREAN_DAYS.get(str(value).removesuffix("요일")) or _day(str(value)[:3])
    hint = f' (write "{guess}")' if guess and not dash else ""
    raise ValueError(f"{_quoted(value)} is no day{hint}")


def _day(word: str) -> DayKind | None:
    word = word.strip().lower()
    return DayKind(word) if word in set(DayKind) else None


def _parse_date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        message = f"{_quoted(value)} is not a day: write year, month and day, as in 2026-09-28"
        raise ValueError(message) from None


def _parse_time_zone(value: object) -> str:
    if isinstance(value, str):
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise ValueError(
        f'{_quoted(value)} is not a time zone: write its name, as in "Asia/Seoul"'
        + _zone_guess(str(value))
    )


def _zone_guess(text: str) -> str:
    offset = re.fullmatch(r"(?:UTC|GMT)?\s*\+0?(\d)(?::?00)?", text.strip(), re.IGNORECASE)
    guess = _ZONES_BY_SHORT_NAME.get(text.strip().upper())
    if offset is not None:
        guess = _ZONES_BY_OFFSET.get(offset[1])
    if guess is None:
        cities = {name.rpartition("/")[2].lower(): name for name in sorted(available_timezones())}
        city = text.rpartition("/")[2].strip().lower().replace(" ", "_")
        near = difflib.get_close_matches(city, cities, n=1, cutoff=0.75)
        guess = cities[near[0]] if near else None
    return f'; did you mean "{guess}"?' if guess else ""


def _parse_country(value: object) -> str:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
        guess = '; for Korea "KR"' if str(value).lower() in ("kor", "korea", "한국", "ko") else ""
        raise ValueError(f'{_quoted(value)} is not a country code of two letters, as "KR"{guess}')
    if public_holidays(value) is None:
        raise ValueError(f'the holidays of "{value}" are not known; for Korea write "KR"')
    return value


@lru_cache(maxsize=8)
def public_holidays(country: str) -> tuple[date, ...] | None:
    """Return the public holidays of `HOLIDAY_YEARS`, in order; None for an unknown country.

    Args:
        country: ISO 3166 code of a country, or of a part of one: "KR", "DE-BY".
    """
    import holidays  # 10 MB and 50 ms that a plant without holidays need not spend

    code, _, part = country.partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=HOLIDAY_YEARS)
    except NotImplementedError:
        return None
    return tuple(sorted(found))


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _json(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


TimeOfDay: TypeAlias = Annotated[
    int, BeforeValidator(parse_minute), _json(type="string", pattern=TIME_PATTERN)
]
Breaks: TypeAlias = Annotated[
    tuple[tuple[int, int], ...],
    BeforeValidator(_parse_breaks),
    _json(type="array", items={"type": "string", "pattern": BREAK_PATTERN}),
]
Days: TypeAlias = Annotated[
    tuple[DayKind, ...],
    BeforeValidator(_parse_days),
    _json(type="array", minItems=1, items={"type": "string", "pattern": DAYS_PATTERN}),
]
LocalDate: TypeAlias = Annotated[
    date, BeforeValidator(_parse_date), _json(type="string", format="date")
]
TimeZone: TypeAlias = Annotated[str, BeforeValidator(_parse_time_zone), _json(type="string")]
Country: TypeAlias = Annotated[
    str,
    BeforeValidator(_parse_country),
    _json(type="string", pattern=f"^{_COUNTRY.pattern}$"),
]
