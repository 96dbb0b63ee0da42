"""From what a machine did to its key figures, in parts that can be joined. Pure.

The terms are those of ISO 22400-2; docs/reference/kpi.md says what each means here and computes an
example. `parts_of` looks at one machine in one window; `combine` joins the parts of two windows of
which the second begins where the first ends, and gives exactly the parts of the joined window.
Figures of several machines are sums: `totals_of` each, then `sum_totals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from lineside.core.model import KpiRules, Status
from lineside.core.spans import Span
from lineside.history.failures import FailureBuilder, FailureParts, Failures
from lineside.history.stops import StopBuilder, StopCounts, StopParts

COVERAGE_LEAST = 0.95  # of the planned time must have been seen for an availability to be believed


class StatusInterval(Protocol):
    """One machine from `begin_ms` up to, not including, `end_ms`. `status` None: unseen."""

    @property
    def begin_ms(self) -> int: ...  # noqa: D102
    @property
    def end_ms(self) -> int: ...  # noqa: D102
    @property
    def status(self) -> Status | None: ...  # noqa: D102


class Times(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """How long each status lasted within the planned busy time."""

    running_ms: int = 0
    idle_ms: int = 0
    stopped_ms: int = 0
    error_ms: int = 0
    disconnected_ms: int = 0
    unseen_ms: int = 0  # nobody looked: the server was down

    @property
    def planned_busy_ms(self) -> int:
        """PBT: the time in which the machine was planned to work."""
        return self.running_ms + self.idle_ms + self.stopped_ms + self.error_ms + self.not_seen_ms

    @property
    def not_seen_ms(self) -> int:
        """U: how much of it nobody saw."""
        return self.disconnected_ms + self.unseen_ms

    @property
    def actual_production_ms(self) -> int:
        """APT: how much of it the machine ran."""
        return self.running_ms

    @property
    def actual_delay_ms(self) -> int:
        """ADET: how much of it the machine could not work for a fault of its own."""
        return self.error_ms

    @property
    def actual_busy_ms(self) -> int:
        """AUBT: how much of it the machine was in use: ran, waited shortly, or had a fault."""
        return self.running_ms + self.idle_ms + self.error_ms

    def __add__(self, other: Times) -> Times:
        return Times(
            running_ms=self.running_ms + other.running_ms,
            idle_ms=self.idle_ms + other.idle_ms,
            stopped_ms=self.stopped_ms + other.stopped_ms,
            error_ms=self.error_ms + other.error_ms,
            disconnected_ms=self.disconnected_ms + other.disconnected_ms,
            unseen_ms=self.unseen_ms + other.unseen_ms,
        )


class KpiParts(msgspec.Struct, frozen=True, kw_only=True):
    """All that one machine's window contributes to its figures.

    `KpiParts(rules=rules)` is the empty window: combining with it changes nothing.
    """

    rules: KpiRules
    window: Span | None = None
    times: Times = Times()
    stops: StopParts = StopParts()
    failures: FailureParts = FailureParts()


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The sums that figures are made of, for one machine or several. `Totals()` is nothing.

    `gaps` are the times between two failures of one machine, `gap_ms` the running time in them.
    `kept_from_ms` is from when on changes are kept, where some that failures are counted from were
    deleted: these are not known then. None: nothing is missing.
    """

    times: Times = Times()
    stops: StopCounts = StopCounts()
    failures: int = 0
    gaps: int = 0
    gap_ms: int = 0
    repairs: int = 0
    repair_ms: int = 0
    kept_from_ms: int | None = None

    def __add__(self, other: Totals) -> Totals:
        kept = [at for at in (self.kept_from_ms, other.kept_from_ms) if at is not None]
        return Totals(
            times=self.times + other.times,
            stops=self.stops + other.stops,
            failures=self.failures + other.failures,
            gaps=self.gaps + other.gaps,
            gap_ms=self.gap_ms + other.gap_ms,
            repairs=self.repairs + other.repairs,
            repair_ms=self.repair_ms + other.repair_ms,
            kept_from_ms=max(kept, default=None),
        )


def totals_from(times: Times, stops: StopCounts, failures: Failures) -> Totals:
    """Return the sums of one machine, whose gaps lie between its failures."""
    return Totals(
        times=times,
        stops=stops,
        failures=failures.count,
        gaps=max(0, failures.count - 1),
        gap_ms=failures.between_ms,
        repairs=failures.closed,
        repair_ms=failures.closed_ms,
    )


class Kpis(msgspec.Struct, frozen=True, kw_only=True):
    """The key figures. Shares are 0 to 1, times milliseconds; None where there is no answer.

    `is_sufficient` false means "insufficient data": too little was seen to believe `availability`.
    """

    totals: Totals
    availability: float | None
    coverage: float | None
    is_sufficient: bool
    strict_availability: float | None
    utilisation: float | None
    technical_efficiency: float | None
    failures: int | None  # None: changes that they are counted from were deleted
    mtbf_ms: float | None
    mttr_ms: float | None
    oee: float | None = None  # until there are counts of pieces: 100 % quality is never assumed


def parts_of(
    intervals: Iterable[StatusInterval],
    planned: Sequence[Span],
    begin_ms: int,
    end_ms: int,
    rules: KpiRules,
    configured: Sequence[Span] | None = None,
) -> KpiParts:
    """Return what one machine's [begin_ms, end_ms) contributes to its figures.

    Args:
        intervals: what it did, in order, without overlaps; what they leave open is unseen. More
            than one span in `configured` asks for a sequence.
        planned: the planned busy time, tidy; it may reach beyond the window, as may `intervals`.
        begin_ms: start of the window, in UTC Unix milliseconds.
        end_ms: its end; at or before its begin the window is empty.
        rules: what counts as a micro-stop and as a failure.
        configured: when in the window it was configured, in order; what lies between ends stops
            and failures, where nothing lies between, too. None: throughout.
    """
    if begin_ms >= end_ms:
        return KpiParts(rules=rules)
    stops = StopBuilder(rules.micro_stop_ms)
    failures = FailureBuilder(begin_ms, rules.failure_after_ms)
    planned_ms: dict[Status | None, int] = dict.fromkeys((*Status, None), 0)

    def take(begin: int, end: int, status: Status | None, is_planned: bool) -> None:
        failures.add(begin, end, status)
        stops.add(end - begin, status, is_planned=is_planned)
        if is_planned:
            planned_ms[status] += end - begin

    def skip(until_ms: int) -> None:
        failures.add_absence(until_ms)
        stops.add_absence()

    walk(intervals, planned, begin_ms, end_ms, configured, take, skip)
    return KpiParts(
        rules=rules,
        window=Span(begin_ms, end_ms),
        times=Times(
            running_ms=planned_ms[Status.RUNNING],
            idle_ms=planned_ms[Status.IDLE],
            stopped_ms=planned_ms[Status.STOPPED],
            error_ms=planned_ms[Status.ERROR],
            disconnected_ms=planned_ms[Status.DISCONNECTED],
            unseen_ms=planned_ms[None],
        ),
        stops=stops.parts(),
        failures=failures.parts(),
    )


def walk(
    intervals: Iterable[StatusInterval],
    planned: Sequence[Span],
    begin_ms: int,
    end_ms: int,
    configured: Sequence[Span] | None,
    take: Callable[[int, int, Status | None, bool], None],
    skip: Callable[[int], None],
) -> None:
    """Tell what figures of a window are made of, in order; args as for `parts_of`.

    Args:
        intervals: what the machine did.
        planned: the planned busy time.
        begin_ms: start of the window.
        end_ms: its end.
        configured: when in it the machine was configured.
        take: is told each piece: begin, end, status, whether planned.
        skip: is told until when the machine was not configured, be it for no time at all.
    """
    there_in = (Span(begin_ms, end_ms),) if configured is None else configured
    reached_ms: int | None = None
    for there in there_in:
        if reached_ms is not None or begin_ms < there.begin_ms:
            skip(there.begin_ms)
        for begin, end, status, is_planned in pieces_of(
            intervals, planned, there.begin_ms, there.end_ms
        ):
            take(begin, end, status, is_planned)
        reached_ms = there.end_ms
    if reached_ms is None or reached_ms < end_ms:
        skip(end_ms)


def pieces_of(
    intervals: Iterable[StatusInterval], planned: Sequence[Span], begin_ms: int, end_ms: int
) -> Iterator[tuple[int, int, Status | None, bool]]:
    """Yield what figures are made of: begin, end, status, whether planned; they tile the window."""
    return _cut_by_plan(_tiles(intervals, begin_ms, end_ms), planned)


def combine(first: KpiParts, second: KpiParts) -> KpiParts:
    """Return the parts of two windows of one machine as those of the joined window.

    Raises:
        ValueError: the second does not begin where the first ends, or their rules differ.
    """
    if first.rules != second.rules:
        raise ValueError("parts with different rules cannot be combined")
    if first.window is None:
        return second
    if second.window is None:
        return first
    if first.window.end_ms != second.window.begin_ms:
        raise ValueError("the second window must begin where the first ends")
    rules = first.rules
    return KpiParts(
        rules=rules,
        window=Span(first.window.begin_ms, second.window.end_ms),
        times=first.times + second.times,
        stops=first.stops.followed_by(second.stops, rules.micro_stop_ms),
        failures=first.failures.followed_by(second.failures, rules.failure_after_ms),
    )


def totals_of(parts: KpiParts) -> Totals:
    """Return the sums of one machine's window."""
    if parts.window is None:
        return Totals()
    found = parts.failures.failures(parts.window.begin_ms, parts.rules.failure_after_ms)
    return totals_from(parts.times, parts.stops.counts(parts.rules.micro_stop_ms), found)


def sum_totals(totals: Iterable[Totals]) -> Totals:
    """Return the sums of several machines, in any order."""
    return sum(totals, Totals())


def kpis_of(totals: Totals) -> Kpis:
    """Return the key figures that `totals` give."""
    times = totals.times
    busy_ms, running_ms = times.planned_busy_ms, times.actual_production_ms
    coverage = _ratio(busy_ms - times.not_seen_ms, busy_ms)
    failures = totals.failures if totals.kept_from_ms is None else None
    has_failed_twice = failures is not None and failures >= 2
    return Kpis(
        totals=totals,
        availability=_ratio(running_ms, busy_ms - times.not_seen_ms),
        coverage=coverage,
        is_sufficient=coverage is not None and coverage >= COVERAGE_LEAST,
        strict_availability=_ratio(running_ms, busy_ms),
        utilisation=_ratio(running_ms, times.actual_busy_ms),
        technical_efficiency=_ratio(running_ms, running_ms + times.actual_delay_ms),
        failures=failures,
        mtbf_ms=_ratio(totals.gap_ms, totals.gaps) if has_failed_twice else None,
        mttr_ms=_ratio(totals.repair_ms, totals.repairs) if has_failed_twice else None,
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _tiles(
    intervals: Iterable[StatusInterval], begin_ms: int, end_ms: int
) -> Iterator[tuple[int, int, Status | None]]:
    """Clip `intervals` to the window, and fill what they leave open with unseen time."""
    reached_ms = begin_ms
    for interval in intervals:
        begin, end = max(interval.begin_ms, begin_ms), min(interval.end_ms, end_ms)
        if begin >= end:
            continue
        if begin > reached_ms:
            yield reached_ms, begin, None
        yield begin, end, interval.status
        reached_ms = end
    if reached_ms < end_ms:
        yield reached_ms, end_ms, None


def _cut_by_plan(
    tiles: Iterable[tuple[int, int, Status | None]], planned: Sequence[Span]
) -> Iterator[tuple[int, int, Status | None, bool]]:
    """Cut tiles where planned time begins and ends, and say of each piece whether it is planned."""
    index = 0
    for tile_begin, tile_end, status in tiles:
        begin = tile_begin
        while begin < tile_end:
            while index < len(planned) and planned[index].end_ms <= begin:
                index += 1
            span = planned[index] if index < len(planned) else None
            if span is None or span.begin_ms >= tile_end:
                yield begin, tile_end, status, False
                break
            if begin < span.begin_ms:
                yield begin, span.begin_ms, status, False
                begin = span.begin_ms
            end = min(tile_end, span.end_ms)
            yield begin, end, status, True
            begin = end
