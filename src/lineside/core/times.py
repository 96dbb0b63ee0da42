"""Times as people and JSON read them. It formats; it never asks a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=8192)
def iso_utc(unix_s: float) -> str:
    """Return Unix time as ISO 8601 UTC with milliseconds: "2025-11-03T10:30:45.123Z".

    Args:
        unix_s: seconds since 1970-01-01 UTC; rounded to the nearest millisecond, because a time
            such as 1762165845.123 has no exact double and truncating would show .122.
    """
    # From tick to tick nearly all times are the same ones again, hence the cache.
    second, millisecond = divmod(round(unix_s * 1000), 1000)
    whole = (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{millisecond:03d}Z"
