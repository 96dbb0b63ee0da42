"""Times as people and JSON read them. It formats; it never asks a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso_utc(unix_s: float) -> str:
    """Return Unix time as ISO 8601 UTC with milliseconds: "2025-11-03T10:30:45.123Z".

    Args:
        unix_s: seconds since 1970-01-01 UTC; rounded to the nearest millisecond, because a time
            such as 1762165845.123 has no exact double and truncating would show .122.
    """
    second, millisecond = divmod(round(unix_s * 1000), 1000)
    return f"{_whole_second(second)}.{millisecond:03d}Z"


def unix_ms(unix_s: float) -> int:
    """Return Unix time in whole milliseconds, rounded as `iso_utc` rounds it."""
    return round(unix_s * 1000)


@lru_cache(maxsize=1024)
def _whole_second(second: int) -> str:
    # Nearly all times that are written lie in the same few seconds, hence the cache.
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def ms_of_iso(text: str) -> int:
    """Return the Unix milliseconds of a time that `iso_utc` wrote."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
