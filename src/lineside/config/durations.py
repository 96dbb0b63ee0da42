"""Durations as people write them in lineside.toml: "500ms", "3s", "5m", "1h", "1d", or a bare 0."""

from __future__ import annotations

import re
from collections.abc import Callable

_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$", re.ASCII)
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
FORMS = '"500ms", "3s", "5m" or "1h"'
PATTERN = r"^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)\s*$"


def parse_duration_s(value: object) -> float:
    """Return the seconds that "500ms", "3s", "5m", "1h", "1d" or the bare number 0 mean.

    Raises:
        ValueError: the text is not a duration; the message names the accepted forms.
    """
    if value == 0 and isinstance(value, int | float) and not isinstance(value, bool):
        return 0.0
    if isinstance(value, str) and (match := _DURATION.match(value)):
        return float(match[1]) * _MS[match[2]] / 1000
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(  # noqa: TRY004  (pydantic reports a ValueError and passes others on)
            f'{value:g} has no unit: write "{value:g}ms", "{value:g}s" or "{value:g}m"'
        )
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    raise ValueError(f"{shown} is not a duration: write number and unit, as in {FORMS}")


def format_duration(seconds: float) -> str:
    """Return `seconds` the way the config writes it, in the largest unit that leaves it whole."""
    milliseconds = round(seconds * 1000)
    if milliseconds == 0:
        return "0"
    for unit in ("d", "h", "m", "s"):
        if milliseconds % _MS[unit] == 0:
            return f"{milliseconds // _MS[unit]}{unit}"
    return f"{milliseconds}ms"


def between(shortest: str, longest: str) -> Callable[[object], float]:
    """Return a validator that takes durations from `shortest` to `longest`, both included."""
    least_s, most_s = parse_duration_s(shortest), parse_duration_s(longest)

    def parse(value: object) -> float:
        seconds = parse_duration_s(value)
        if seconds < least_s:
            raise ValueError(f"{value} is too short: the shortest allowed is {shortest}")
        if seconds > most_s:
            raise ValueError(f"{value} is too long: the longest allowed is {longest}")
        return seconds

    return parse
