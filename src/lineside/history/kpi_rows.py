"""Rows of key figures: which windows of which machines, and what they come to.

Rows are plain dictionaries of the shape that REST, exports and reports share: a report may have
thousands, which are encoded where they are made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from lineside.core.calendar import LineCalendar
from lineside.core.model import Equipment, Line, Site
from lineside.core.spans import Span
from lineside.core.times import iso_utc
from lineside.core.zone import Grain
from lineside.history.downtime_store import planned_downtimes
from lineside.history.figures import Plans, totals_in
from lineside.history.kpi import Totals, kpis_of, sum_totals
from lineside.history.kpi_words import RowGrain, RowsBy, Wanted
from lineside.history.store import Store

_FAR_MS = 4_102_444_800_000
_ROWS_AT_ONCE = 2_000


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One window and what it is called."""

    label: str
    span: Span


async def plans_of(store: Store, site: Site) -> Plans:
    """Return what machines are judged by, planned downtime included: the past by what held then."""
    downtimes = await planned_downtimes(store, 0, _FAR_MS)
    return Plans(site, downtimes, configured=await store.configurations.read())


async def plans_by(store: Store, site: Site) -> Plans:
    """Return plans that judge all the past by `site`."""
    downtimes = await planned_downtimes(store, 0, _FAR_MS)
    configured = await store.configurations.read()
    return Plans(site, downtimes, configured, is_by_site=True)


async def kpi_rows(
    store: Store, site: Site, wanted: Wanted, *, skip: int = 0, plans: Plans | None = None
) -> AsyncIterator[dict[str, Any]]:
    """Yield the rows that are wanted, line by line, window by window, from number `skip` on.

    Raises:
        HistoryError: the database cannot be read now, or too little is computed yet.
    """
    plans = plans or await plans_of(store, site)
    for line, machines in _lines(wanted, site, plans):
        windows = windows_of(site.calendar.of_line(line.id), wanted)
        per_window = len(machines) if wanted.by is RowsBy.EQUIPMENT else 1
        if skip >= len(windows) * per_window:
            skip -= len(windows) * per_window
            continue
        windows, skip = windows[skip // per_window :], skip % per_window
        step = max(1, _ROWS_AT_ONCE // max(1, len(machines)))
        for first in range(0, len(windows), step):
            some = windows[first : first + step]
            spans = [window.span for window in some]
            line_id = None if wanted.is_whole else line.id
            found = await totals_in(store, plans, machines, spans, line_id=line_id)
            for window, sums in zip(some, found, strict=True):
                rows = _rows(line, machines, window, sums, wanted.by, plans)
                for row in rows[skip:]:
                    yield row
                skip = 0


def _lines(
    wanted: Wanted, site: Site, plans: Plans
) -> Iterator[tuple[Line, tuple[Equipment, ...]]]:
    """Yield which machines have rows: those that were in a line in its window.

    All that one machine did is one row, under its line of now, or else the last that it was in.
    """
    if wanted.is_whole:
        code, lines = wanted.lines[0][1][0].code, [line.id for line, _ in wanted.lines]
        last = plans.last_line(code, lines, wanted.begin_ms, wanted.end_ms)
        yield from (some for some in wanted.lines if some[0].id == last)
        return
    for line, machines in wanted.lines:
        span = wanted.asked_of(site.calendar.of_line(line.id))
        there = (each for each in machines if plans.is_in(each, span.begin_ms, span.end_ms))
        yield line, tuple(there)


def windows_of(calendar: LineCalendar, wanted: Wanted) -> list[Window]:
    """Return the windows that are wanted, cut at both ends of the whole."""
    asked = wanted.window(calendar)
    begin_ms, end_ms = asked.begin_ms, asked.end_ms
    if begin_ms >= end_ms:
        return []
    if wanted.grain is RowGrain.WHOLE:
        return [Window(label="", span=Span(begin_ms, end_ms))]
    found = []
    for period in calendar.periods(Grain(wanted.grain.value), begin_ms, end_ms):
        span = Span(max(period.span.begin_ms, begin_ms), min(period.span.end_ms, end_ms))
        found.append(Window(label=label(period.grain, period.day, period.shift_id), span=span))
    return found


def label(grain: Grain, day: date, shift_id: str | None) -> str:
    """Return what a window is called: 2026-03-02, 2026-W10, 2026-03, 2026-03-02 day."""
    if grain is Grain.WEEK:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    if grain is Grain.MONTH:
        return f"{day:%Y-%m}"
    return f"{day} {shift_id}" if shift_id else str(day)


def figures_of(totals: Totals) -> dict[str, Any]:
    """Return the figures that `totals` give, flat."""
    found, times = kpis_of(totals), totals.times
    return {
        "availability": found.availability,
        "coverage": found.coverage,
        "is_sufficient": found.is_sufficient,
        "strict_availability": found.strict_availability,
        "utilisation": found.utilisation,
        "technical_efficiency": found.technical_efficiency,
        "mtbf_ms": found.mtbf_ms,
        "mttr_ms": found.mttr_ms,
        "oee": found.oee,
        "failures": found.failures,
        "stops": totals.stops.stops,
        "stop_ms": totals.stops.stop_ms,
        "micro_stops": totals.stops.micro_stops,
        "micro_stop_ms": totals.stops.micro_stop_ms,
        "planned_busy_ms": times.planned_busy_ms,
        "running_ms": times.running_ms,
        "idle_ms": times.idle_ms,
        "stopped_ms": times.stopped_ms,
        "error_ms": times.error_ms,
        "disconnected_ms": times.disconnected_ms,
        "unseen_ms": times.unseen_ms,
        "failures_kept_from": _iso(totals.kept_from_ms),
    }


def row_of(
    window: Window,
    line: Line,
    machine: Equipment | None,
    totals: Totals,
    taken_out_ms: int | None = None,
) -> dict[str, Any]:
    """Return one row; `machine` None: of the whole line; `taken_out_ms`: when it was taken out."""
    return {
        "begin": iso_utc(window.span.begin_ms / 1000),
        "end": iso_utc(window.span.end_ms / 1000),
        "label": window.label,
        "line_id": line.id,
        "code": machine.code if machine is not None else None,
        "name": machine.name if machine is not None else line.name,
        "taken_out": _iso(taken_out_ms),
        **figures_of(totals),
    }


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_utc(at_ms / 1000)


def _rows(
    line: Line,
    machines: Sequence[Equipment],
    window: Window,
    sums: Mapping[str, Totals],
    by: RowsBy,
    plans: Plans,
) -> list[dict[str, Any]]:
    if by is RowsBy.LINE:
        return [row_of(window, line, None, sum_totals(sums.values()))]
    return [
        row_of(window, line, machine, sums[machine.code], plans.taken_out_ms(machine.code))
        for machine in machines
    ]
