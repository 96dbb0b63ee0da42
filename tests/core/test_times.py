from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.core.times import iso_utc


@pytest.mark.parametrize(
    ("unix_s", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_762_165_845.123, "2025-11-03T10:30:45.123Z"),
        (1_762_165_845.9999, "2025-11-03T10:30:46.000Z"),
        (1_762_165_845.0004, "2025-11-03T10:30:45.000Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_time_is_utc_rounded_to_the_millisecond(unix_s: float, text: str) -> None:
    assert iso_utc(unix_s) == text


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_every_millisecond_reads_back_as_itself(unix_ms: int) -> None:
    assert round(datetime.fromisoformat(iso_utc(unix_ms / 1000)).timestamp() * 1000) == unix_ms
