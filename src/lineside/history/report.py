"""The report of one day or shift of a line. It runs in the history's thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from lineside.core.calendar import LineCalendar, ShiftWindow
from lineside.core.model import DowntimeReason, Line, Site
from lineside.core.spans import Span
from lineside.core.times import iso_utc
from lineside.history.alarm_counts import AlarmCount, alarm_counts
from lineside.history.figures import Plans, totals_in
from lineside.history.kpi import sum_totals
from lineside.history.kpi_rows import Window, figures_of, plans_of, row_of
from lineside.history.past import kept_from
from lineside.history.stop_questions import MachineStop, stops_in
from lineside.history.store import Store

TREND_DAYS = 14


async def report(
    store: Store, site: Site, line: Line, day: date, shift: ShiftWindow | None, now_ms: int
) -> dict[str, Any]:
    """Return the report of a line's `day`, or of one `shift` of it, as far as it has gone by.

    `line` has those machines, too, that were there in the trend and were taken out or moved since.

    Raises:
        HistoryError: the database cannot be read now, or too little is computed yet.
    """
    calendar = site.calendar.of_line(line.id)
    plans = await plans_of(store, site)
    whole = calendar.day_span(day) if shift is None else shift.span
    window = Window(label=str(day), span=_until(whole, now_ms))
    begin_ms, end_ms = window.span.begin_ms, window.span.end_ms
    machines = [each for each in line.equipment if plans.is_in(each, whole.begin_ms, whole.end_ms)]
    (sums,) = await totals_in(store, plans, machines, [window.span], line_id=line.id)
    stops: list[MachineStop] = []
    alarms: list[AlarmCount] = []
    if window.span.length_ms > 0:
        stops = await stops_in(store, plans, machines, begin_ms, end_ms, now_ms, as_figures=True)
        codes = [machine.code for machine in machines]
        alarms = await alarm_counts(store.database, codes, begin_ms, end_ms, line.id)
    return {
        "line_id": line.id,
        "line_name": line.name,
        "day": str(day),
        "shift": None if shift is None else shift.shift_id,
        "begin": iso_utc(whole.begin_ms / 1000),
        "end": iso_utc(whole.end_ms / 1000),
        "time_zone": calendar.zone.key,
        "kpis": figures_of(sum_totals(sums.values())),
        "machines": [
            row_of(window, line, each, sums[each.code], plans.taken_out_ms(each.code))
            for each in machines
        ],
        "pareto_by_machine": pareto_by_machine(stops, window.span),
        "pareto_by_reason": pareto_by_reason(stops, window.span, site.downtime_reasons),
        "trend": await _trend(store, plans, calendar, line, day, shift, now_ms),
        "alarms": [msgspec.structs.asdict(each) for each in alarms],
        "kept_from": await kept_from(store, [each.code for each in machines], begin_ms),
    }


async def _trend(
    store: Store,
    plans: Plans,
    calendar: LineCalendar,
    line: Line,
    day: date,
    shift: ShiftWindow | None,
    now_ms: int,
) -> list[dict[str, Any]]:
    windows = []
    for back in range(TREND_DAYS - 1, -1, -1):
        that = day - timedelta(days=back)
        whole = calendar.day_span(that)
        if shift is not None:
            same = [s for s in calendar.shifts_of(that) if s.shift_id == shift.shift_id]
            if not same:
                continue
            whole = same[0].span
        if whole.begin_ms < now_ms:
            windows.append(Window(label=str(that), span=_until(whole, now_ms)))
    spans = [window.span for window in windows]
    found = await totals_in(store, plans, line.equipment, spans, line_id=line.id)
    return [
        row_of(window, line, None, sum_totals(sums.values()))
        for window, sums in zip(windows, found, strict=True)
    ]


def pareto_by_machine(stops: Iterable[MachineStop], span: Span) -> list[dict[str, Any]]:
    """Return the machines by the downtime of their stops in a window, the worst first."""
    rows: dict[str, dict[str, Any]] = {}
    for each in stops:
        code, name = each.machine.code, each.machine.name
        row = rows.setdefault(
            code, {"code": code, "name": name, "name_en": None, "down_ms": 0, "count": 0}
        )
        row["down_ms"] += each.stop.down_in(span.begin_ms, span.end_ms)
        row["count"] += each.stop.counted
    return _worst_first(rows.values())


def pareto_by_reason(
    stops: Iterable[MachineStop], span: Span, reasons: Sequence[DowntimeReason]
) -> list[dict[str, Any]]:
    """Return the reasons by the downtime of their stops in a window, the worst first."""
    names = {reason.code: reason for reason in reasons}
    down_ms: dict[str | None, int] = defaultdict(int)
    count: dict[str | None, int] = defaultdict(int)
    for each in stops:
        code = each.stop.reason.reason if each.stop.reason is not None else None
        down_ms[code] += each.stop.down_in(span.begin_ms, span.end_ms)
        count[code] += each.stop.counted
    rows = []
    for code, taken_ms in down_ms.items():
        known = names.get(code or "")
        name = known.name if known is not None else code or ""
        name_en = known.name_en if known is not None else None
        row = {"code": code, "name": name, "name_en": name_en}
        rows.append({**row, "down_ms": taken_ms, "count": count[code]})
    return _worst_first(rows)


def _worst_first(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [row for row in rows if row["down_ms"] > 0]
    return sorted(found, key=lambda row: (-row["down_ms"], row["code"] or ""))


def _until(span: Span, now_ms: int) -> Span:
    return Span(span.begin_ms, max(span.begin_ms, min(span.end_ms, now_ms)))
