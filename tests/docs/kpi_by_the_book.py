"""A calculator of key figures, written from docs/reference/kpi.md alone.

It knows nothing of the code that it judges: a time is a list of minutes, each with what the machine
did in it and whether it is planned. A machine that was not configured did "absent". Every rule is
written as it is read there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

MINUTE_MS = 60_000
UNKNOWN = ("disconnected", "unseen")
STANDING = ("idle", "stopped", "error")


@dataclass
class Minute:
    """One minute of a machine; `is_new_there`: it was moved to this line as the minute began."""

    status: str
    is_planned: bool
    is_new_there: bool = False


@dataclass
class Sums:
    """What one machine, or several, come to. Times in minutes."""

    pbt: int = 0
    u: int = 0
    apt: int = 0
    adet: int = 0
    aubt: int = 0
    failures: int = 0
    gaps: int = 0
    gap_running: int = 0
    closed: int = 0
    closed_length: int = 0
    stops: list[int] = field(default_factory=list)
    micro_stops: list[int] = field(default_factory=list)

    def __add__(self, other: Sums) -> Sums:
        names = list(self.__dataclass_fields__)
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in names})


def sums(window: list[Minute], micro_stop: int, failure_after: int) -> Sums:
    """Return what one machine did in a window."""
    found = Sums()
    for minute in window:
        if minute.is_planned:
            found.pbt += 1
            found.u += minute.status in UNKNOWN
            found.apt += minute.status == "running"
            found.adet += minute.status == "error"
            found.aubt += minute.status in ("running", "idle", "error")
    for length in stop_lengths(window):
        (found.micro_stops if length <= micro_stop else found.stops).append(length)
    add_failures(found, window, failure_after)
    return found


def stop_lengths(window: list[Minute]) -> list[int]:
    lengths, length = [], 0
    for minute in window:
        if minute.is_new_there:
            lengths.append(length)
            length = 0
        if minute.status in STANDING:
            length += minute.is_planned
        elif minute.status in ("running", "absent") or minute.is_planned:
            lengths.append(length)
            length = 0
    return [each for each in [*lengths, length] if each > 0]


def add_failures(found: Sums, window: list[Minute], failure_after: int) -> None:
    statuses = [
        each for minute in window for each in ["absent"] * minute.is_new_there + [minute.status]
    ]
    entered: list[tuple[int, int]] = []  # first minute and the one behind the last
    at = 0
    while at < len(statuses):
        if statuses[at] not in ("error", *UNKNOWN):
            at += 1
            continue
        begin = at
        while at < len(statuses) and statuses[at] in ("error", *UNKNOWN):
            at += 1
        errors = [minute for minute in range(begin, at) if statuses[minute] == "error"]
        if not errors:
            continue
        first, last = errors[0], errors[-1] + 1
        if last - first < failure_after:
            continue
        if last == at and at < len(statuses) and statuses[at] in ("running", "idle", "stopped"):
            found.closed += 1
            found.closed_length += last - first
        if first > 0:
            entered.append((first, last))
    found.failures = len(entered)
    for (_, end), (begin, _) in pairwise(entered):
        found.gaps += 1
        found.gap_running += statuses[end:begin].count("running")


def shift_rows(
    shifts: list[tuple[int, int]], first: int, last: int, now: int, day: int
) -> list[tuple[int, int]]:
    """Return the minutes of each row of a window by shifts, of a line that works `shifts` daily.

    `shifts` are minutes after midnight, in order; without any a row is a day of `day` minutes.
    """
    last = min(last, now)
    days = range(first // day - 1, last // day + 1)
    wholes = [(at * day + begin, at * day + end) for at in days for begin, end in shifts]
    if not shifts:
        wholes = [(at * day, at * day + day) for at in days]
    rows = [(max(begin, first), min(end, last)) for begin, end in wholes]
    return [(begin, end) for begin, end in rows if begin < end]


def figures(found: Sums) -> dict[str, float | None]:
    """Return the figures that follow from sums, as REST calls them."""

    def share(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    is_told = found.failures >= 2
    coverage = None if not found.pbt else (found.pbt - found.u) / found.pbt
    return {
        "coverage": coverage,
        "is_sufficient": coverage is not None and coverage >= 0.95,
        "availability": share(found.apt, found.pbt - found.u),
        "strict_availability": share(found.apt, found.pbt),
        "utilisation": share(found.apt, found.aubt),
        "technical_efficiency": share(found.apt, found.apt + found.adet),
        "failures": found.failures,
        "mtbf_ms": share(found.gap_running * MINUTE_MS, found.gaps) if is_told else None,
        "mttr_ms": share(found.closed_length * MINUTE_MS, found.closed) if is_told else None,
        "oee": None,
        "stops": len(found.stops),
        "stop_ms": sum(found.stops) * MINUTE_MS,
        "micro_stops": len(found.micro_stops),
        "micro_stop_ms": sum(found.micro_stops) * MINUTE_MS,
    }
