"""The key figures by an independent way: a letter for each unit of time, and regular expressions.

Slow and plain on purpose; it shares no code with `lineside.history`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lineside.core.model import KpiRules, Status
from lineside.history.kpi import Totals

_LETTERS = {
    Status.RUNNING: "r",
    Status.IDLE: "i",
    Status.STOPPED: "s",
    Status.ERROR: "e",
    Status.DISCONNECTED: "d",
    None: "u",
}


def letters(statuses: Sequence[Status | None]) -> str:
    return "".join(_LETTERS[status] for status in statuses)


def check_totals(
    totals: Totals, statuses: Sequence[Status | None], planned: Sequence[bool], rules: KpiRules
) -> None:
    """Hold `totals` against what the letters say; one letter is one millisecond."""
    text = letters(statuses)
    _check_times(totals, text, planned)
    _check_stops(totals, text, planned, rules)
    _check_failures(totals, text, rules)


def _check_times(totals: Totals, text: str, planned: Sequence[bool]) -> None:
    work = "".join(letter for letter, is_planned in zip(text, planned, strict=True) if is_planned)
    times = totals.times
    assert times.planned_busy_ms == len(work)
    assert times.actual_production_ms == work.count("r")
    assert times.not_seen_ms == work.count("d") + work.count("u")
    assert times.actual_delay_ms == work.count("e")
    assert times.actual_busy_ms == work.count("r") + work.count("i") + work.count("e")
    assert times.stopped_ms == work.count("s")


def _check_stops(totals: Totals, text: str, planned: Sequence[bool], rules: KpiRules) -> None:
    marks = ""
    for letter, is_planned in zip(text, planned, strict=True):
        if is_planned:
            marks += "n" if letter in "ise" else "|"
        elif letter == "r":
            marks += "|"
    stops = [len(stop) for stop in marks.split("|") if stop]
    short = [length for length in stops if length <= rules.micro_stop_ms]
    long = [length for length in stops if length > rules.micro_stop_ms]
    assert (totals.stops.micro_stops, totals.stops.micro_stop_ms) == (len(short), sum(short))
    assert (totals.stops.stops, totals.stops.stop_ms) == (len(long), sum(long))


def _check_failures(totals: Totals, text: str, rules: KpiRules) -> None:
    found = [
        match
        for match in re.finditer("e(?:[edu]*e)?", text)
        if match.end() - match.start() >= rules.failure_after_ms
    ]
    entered = [match for match in found if match.start() > 0]
    closed = [m.end() - m.start() for m in found if re.match("[ris]", text[m.end() :])]
    assert totals.failures == len(entered)
    assert (totals.repairs, totals.repair_ms) == (len(closed), sum(closed))
    running = text[entered[0].end() : entered[-1].start()].count("r") if entered else 0
    assert (totals.gaps, totals.gap_ms) == (max(0, len(entered) - 1), running)
