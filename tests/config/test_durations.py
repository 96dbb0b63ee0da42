"""Durations read as people write them, and are written back the same way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.config.durations import between, format_duration, parse_duration_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        (" 700 ms ", 0.7),
        ("3s", 3.0),
        ("1.5s", 1.5),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1d", 86400.0),
        (0, 0.0),
        (0.0, 0.0),
    ],
)
def test_a_number_with_its_unit_is_a_duration(text: object, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 sec", "-1s", "1e3s", "٥s", "never", None, True, []])
def test_anything_else_is_refused_with_the_accepted_forms(text: object) -> None:
    with pytest.raises(ValueError, match=r'"500ms", "3s", "5m" or "1h"'):
        parse_duration_s(text)


def test_a_bare_number_is_refused_with_the_units_it_could_have() -> None:
    with pytest.raises(ValueError, match='500 has no unit: write "500ms", "500s" or "500m"'):
        parse_duration_s(500)


@given(st.integers(0, 10**12))
def test_what_is_written_reads_back_to_the_millisecond(milliseconds: int) -> None:
    text = format_duration(milliseconds / 1000)
    assert parse_duration_s(0 if text == "0" else text) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(("seconds", "text"), [(0.5, "500ms"), (90, "90s"), (300, "5m"), (0, "0")])
def test_a_duration_is_written_in_the_largest_unit_that_leaves_it_whole(
    seconds: float, text: str
) -> None:
    assert format_duration(seconds) == text


def test_the_ends_of_a_range_belong_to_it() -> None:
    parse = between("20ms", "1h")
    assert (parse("20ms"), parse("1h")) == (0.02, 3600.0)
    with pytest.raises(ValueError, match="19ms is too short: the shortest allowed is 20ms"):
        parse("19ms")
    with pytest.raises(ValueError, match="61m is too long: the longest allowed is 1h"):
        parse("61m")
