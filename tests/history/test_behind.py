"""Which intervals stand behind which figure."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lineside.core.model import KpiRules, Status
from lineside.history.behind import Counted, behind
from lineside.history.kpi_words import Behind

MINUTE_MS = 60_000
RULES = KpiRules()  # stops of up to 2 minutes are micro-stops


def tell(words: str) -> list[Counted]:
    """Return intervals such as "60 running, 40 error off", in minutes; off is not planned."""
    found: list[Counted] = []
    at_ms = 0
    for word in words.split(", "):
        minutes, status, *off = word.split()
        end_ms = at_ms + int(minutes) * MINUTE_MS
        found.append(
            Counted(
                begin_ms=at_ms,
                end_ms=end_ms,
                status=None if status == "unseen" else Status(status),
                is_planned=not off,
            )
        )
        at_ms = end_ms
    return found


def minutes(figure: Behind, words: str, rules: KpiRules = RULES) -> list[int]:
    return [each.length_ms // MINUTE_MS for each in behind(figure, tell(words), lambda _: rules)]


SHIFT = (
    "60 running, 1 idle, 30 running, 12 error, 15 stopped, 40 running, 10 error, 40 error off, "
    "10 error, 3 disconnected, 2 error, 20 running"
)


@pytest.mark.parametrize(
    ("figure", "total"),
    [
        (Behind.STRICT_AVAILABILITY, 203),
        (Behind.AVAILABILITY, 200),
        (Behind.UTILISATION, 185),
        (Behind.TECHNICAL_EFFICIENCY, 150 + 34),
        (Behind.MTBF, 150 + 74),
        (Behind.MTTR, 74),
        (Behind.UNSEEN, 3),
    ],
)
def test_what_is_above_and_below_the_line_of_a_fraction_is_behind_it(
    figure: Behind, total: int
) -> None:
    assert sum(minutes(figure, SHIFT)) == total


def test_a_stop_goes_on_across_a_break_and_short_ones_are_micro_stops() -> None:
    assert minutes(Behind.MICRO_STOPS, SHIFT) == [1, 2]
    assert minutes(Behind.STOPS, SHIFT) == [12, 15, 10, 10]
    assert minutes(Behind.MICRO_STOPS, SHIFT, replace(RULES, micro_stop_ms=0)) == []


def test_a_stop_ends_where_nobody_saw_the_machine() -> None:
    assert minutes(Behind.STOPS, "5 stopped, 1 unseen, 9 stopped") == [5, 9]
    assert minutes(Behind.MICRO_STOPS, "2 stopped, 1 unseen, 9 stopped") == [2]
