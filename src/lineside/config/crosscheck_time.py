"""Checks what the tables of working time and of downtime reasons say of each other. Pure.

As in `crosscheck`, a key whose own mistake has been noted is not judged again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from lineside.config.crosscheck import Drafts, check_unique
from lineside.config.findings import Findings, Origin
from lineside.config.schema import (
    DowntimeReasonConfig,
    PlantConfig,
    ShiftConfig,
    ShiftExceptionConfig,
)
from lineside.config.shifts import exception_hours, exception_shift, hours_of, plant_calendar
from lineside.config.tables import Draft
from lineside.config.wall_time import format_minute
from lineside.core.calendar import MINUTES_PER_DAY, WEEK, DayKind, Hours, LineCalendar
from lineside.core.limits import SHIFT_EXCEPTION_DAYS_MAX

_HOURS_KEYS = frozenset({"start", "end", "breaks"})
_ONE_DAY = timedelta(days=1)


def check_work_time(drafts: Drafts, findings: Findings) -> None:
    """Note shifts and exceptions that contradict each other, the plant or themselves."""
    check_unique(drafts.shifts, "id", lambda shift: shift.id, "two shifts", findings)
    problems_before = len(findings.problems)
    _check_plant(drafts, findings)
    for shift in drafts.shifts:
        _check_lines(shift, drafts, findings)
        _check_shift(shift, findings)
    for exception in drafts.exceptions:
        _check_lines(exception, drafts, findings)
        _check_days(exception, findings)
        _check_exception(exception, drafts, findings)
    _check_doubled_exceptions(drafts.exceptions, findings)
    _check_overlaps(drafts, findings)
    bad = [d.bad for tables in (drafts.shifts, drafts.exceptions, drafts.lines) for d in tables]
    if len(findings.problems) == problems_before and not any(bad):
        _check_excepted_hours(drafts, findings)


def check_downtime_reasons(
    reasons: Sequence[Draft[DowntimeReasonConfig]], findings: Findings
) -> None:
    """Note doubled codes, parents that do not exist, and reasons that are kinds of themselves."""
    check_unique(reasons, "code", lambda reason: reason.code, "two reasons", findings)
    parents: dict[str, str | None] = {}
    for draft in reasons:
        if draft.has("code"):
            parents.setdefault(draft.table.code, draft.table.parent)
    are_all_named = all(draft.has("code") for draft in reasons)
    told: set[str] = set()
    for draft in reasons:
        parent = draft.table.parent
        if parent is None or "parent" in draft.bad:
            continue
        if parent not in parents:
            if are_all_named:
                hint = f"the codes are {', '.join(parents)}"
                findings.problem(draft.origin, ("parent",), f'there is no reason "{parent}"', hint)
            continue
        circle = _circle(draft.table.code, parents) if draft.has("code") else []
        if circle and not told.intersection(circle):
            told.update(circle)
            findings.problem(
                draft.origin,
                ("parent",),
                f"{draft.table.code} is a kind of itself: {' → '.join(circle)}",
                "the reasons form a tree: leave parent out of the topmost",
            )


def _circle(code: str, parents: dict[str, str | None]) -> list[str]:
    """Return the way from `code` over its parents back to it; empty when it leads elsewhere."""
    way, at = [code], parents.get(code)
    while at is not None and at not in way:
        way.append(at)
        at = parents.get(at)
    return [*way, code] if at == code else []


def _check_plant(drafts: Drafts, findings: Findings) -> None:
    plant, shifts = drafts.plant, drafts.shifts
    if shifts and (plant is None or not ({"time_zone"} & plant.bad or plant.has("time_zone"))):
        message = "is needed, because there are shifts: their hours are those of the plant's clock"
        hint = 'write time_zone = "Asia/Seoul" below [plant]'
        if plant is not None:
            findings.problem(plant.origin, ("time_zone",), message, hint)
        else:
            file = shifts[0].origin.file
            findings.file_problem(file, message, hint, path="plant.time_zone")
    has_holidays = plant is not None and (plant.has("holidays") or "holidays" in plant.bad)
    for shift in shifts:
        if "days" not in shift.bad and DayKind.HOLIDAY in shift.table.days and not has_holidays:
            findings.warning(
                shift.origin, ("days",), '"holiday" has no effect: [plant] names no holidays'
            )


def _check_lines(
    draft: Draft[ShiftConfig] | Draft[ShiftExceptionConfig], drafts: Drafts, findings: Findings
) -> None:
    known = [line.table.id for line in drafts.lines if line.has("id")]
    if "lines" in draft.bad or len(known) < len(drafts.lines) or not known:
        return
    seen: set[str] = set()
    for index, name in enumerate(draft.table.lines or ()):
        if name not in known:
            hint = f"the lines are {', '.join(known)}"
            findings.problem(draft.origin, ("lines", index), f'there is no line "{name}"', hint)
        elif name in seen:
            findings.problem(draft.origin, ("lines", index), f'"{name}" is named twice')
        seen.add(name)


def _check_shift(draft: Draft[ShiftConfig], findings: Findings) -> None:
    table = draft.table
    if not {"start", "end"} & draft.bad:
        _check_hours(draft.origin, hours_of(table.start, table.end, table.breaks), findings)


def _check_hours(origin: Origin, hours: Hours, findings: Findings) -> None:
    if hours.begin_minute == MINUTES_PER_DAY:
        findings.problem(origin, ("start",), 'no day has a 24:00 to begin at: write "00:00"')
        return
    for begin, end in hours.breaks:
        if end > hours.end_minute:
            findings.problem(
                origin,
                ("breaks",),
                f"the break {_shown(begin, end)} does not lie in "
                f"{_shown(hours.begin_minute, hours.end_minute)}",
                "a break begins and ends within the hours of its shift",
            )
    for (begin, end), (following, last) in pairwise(hours.breaks):
        if following < end:
            findings.problem(
                origin,
                ("breaks",),
                f"the breaks {_shown(begin, end)} and {_shown(following, last)} overlap",
                "make one of them",
            )


def _check_days(draft: Draft[ShiftExceptionConfig], findings: Findings) -> None:
    table = draft.table
    if {"date", "until"} & draft.bad or table.until is None:
        return
    if table.until < table.date:
        message = f"{table.until} lies before {table.date}"
        findings.problem(draft.origin, ("until",), message, "until is the last day, included")
    elif (table.until - table.date).days >= SHIFT_EXCEPTION_DAYS_MAX:
        message = f"these are more than {SHIFT_EXCEPTION_DAYS_MAX} days"
        findings.problem(draft.origin, ("until",), message, "change the [[shift]] itself")


def _check_exception(
    draft: Draft[ShiftExceptionConfig], drafts: Drafts, findings: Findings
) -> None:
    table = draft.table
    shifts = [shift.table for shift in drafts.shifts if shift.has("id")]
    names = ", ".join(shift.id for shift in shifts)
    if len(shifts) < len(drafts.shifts) or "shift" in draft.bad:
        return
    if not shifts:
        message = "there is no shift to make an exception from"
        findings.problem(draft.origin, (), message, "add a [[shift]]")
        return
    if table.shift is not None and table.shift not in {shift.id for shift in shifts}:
        message = f'there is no shift "{table.shift}"'
        findings.problem(draft.origin, ("shift",), message, f"the shifts are {names}")
        return
    if not _has_effect(draft, drafts):
        message = "has no effect: none of these lines works such a shift"
        findings.problem(draft.origin, ("lines",), message, "name lines that do, or leave it out")
    if _HOURS_KEYS & draft.bad:
        return
    for key, other in (("start", "end"), ("end", "start")):
        if getattr(table, key) is None and getattr(table, other) is not None:
            message = f"{other} without {key}: other hours need both"
            findings.problem(draft.origin, (other,), message, f"add {key} = …")
            return
    if table.start is None:
        if table.breaks is not None:
            hint = "add start and end, or leave breaks out: without hours the days are closed"
            findings.problem(draft.origin, ("breaks",), "breaks without hours", hint)
        return
    shift = exception_shift(table, shifts)
    if shift is None:
        hint = f"add shift = … with one of {names}"
        findings.problem(draft.origin, ("shift",), "other hours need the shift they are of", hint)
        return
    hours = exception_hours(table, shift)
    if hours is not None:
        _check_hours(draft.origin, hours, findings)


def _has_effect(draft: Draft[ShiftExceptionConfig], drafts: Drafts) -> bool:
    """Whether a line that an exception names works a shift that it concerns."""
    table = draft.table
    if table.lines is None or "lines" in draft.bad:
        return True
    known = {line.table.id for line in drafts.lines}
    return not known.issuperset(table.lines) or any(
        "lines" in shift.bad
        or shift.table.lines is None
        or not set(shift.table.lines).isdisjoint(table.lines)
        for shift in drafts.shifts
        if table.shift in (None, shift.table.id)
    )


def _check_doubled_exceptions(
    exceptions: Sequence[Draft[ShiftExceptionConfig]], findings: Findings
) -> None:
    """Two exceptions of the same shift on the same day of the same line cannot both hold."""
    good = [d for d in exceptions if not {"date", "until", "lines", "shift"} & d.bad]
    for index, draft in enumerate(good):
        first = next((d for d in good[:index] if _are_of_one_day(d.table, draft.table)), None)
        if first is not None:
            day = max(first.table.date, draft.table.date)
            findings.problem(
                draft.origin,
                ("date",),
                f"{day} has another exception already, on {first.origin.place()}",
                "make one of them, or name different lines or shifts",
            )


def _are_of_one_day(a: ShiftExceptionConfig, b: ShiftExceptionConfig) -> bool:
    if a.shift != b.shift or a.date > (b.until or b.date) or b.date > (a.until or a.date):
        return False
    return a.lines is None or b.lines is None or not set(a.lines).isdisjoint(b.lines)


def _check_overlaps(drafts: Drafts, findings: Findings) -> None:
    lines = [line.table.id for line in drafts.lines if line.has("id")]
    good = [d.table for d in drafts.shifts if not {"lines", "days", "start", "end"} & d.bad]
    origins = {id(draft.table): draft.origin for draft in drafts.shifts}
    for index, shift in enumerate(good):
        for other in good[:index]:
            works = [table.lines or lines for table in (other, shift)]
            common = [line for line in lines if line in works[0] and line in works[1]]
            if common and _do_meet(other, shift):
                hours = f"{format_minute(other.start)}-{format_minute(other.end)}"
                findings.problem(
                    origins[id(shift)],
                    ("start",),
                    f'overlaps the shift "{other.id}" ({hours}) of line {", ".join(common)}',
                    "a line works one shift at a time: change hours, days or lines",
                )
                break


def _do_meet(a: ShiftConfig, b: ShiftConfig) -> bool:
    """Whether two shifts of one line ever work at the same time."""
    first, second = hours_of(a.start, a.end, ()), hours_of(b.start, b.end, ())
    on_one_day = first.begin_minute < second.end_minute and second.begin_minute < first.end_minute
    if on_one_day and set(a.days) & set(b.days):
        return True
    return _reaches(first, a.days, second, b.days) or _reaches(second, b.days, first, a.days)


def _reaches(
    night: Hours, days: Iterable[DayKind], following: Hours, next_days: Iterable[DayKind]
) -> bool:
    """Whether `night` lasts into `following` on some day after one of its own."""
    if following.begin_minute + MINUTES_PER_DAY >= night.end_minute:
        return False
    after: set[DayKind] = set()
    for day in days:
        after |= {DayKind.HOLIDAY}  # any day may be before a holiday, and any after one
        after |= set(WEEK) if day is DayKind.HOLIDAY else {WEEK[(WEEK.index(day) + 1) % 7]}
    return bool(after & set(next_days))


def _check_excepted_hours(drafts: Drafts, findings: Findings) -> None:
    """Hours of exceptional days must not run into another shift. All tables are sound."""
    plant = PlantConfig(holidays=drafts.plant.table.holidays if drafts.plant else None)
    shifts = [draft.table for draft in drafts.shifts]
    calendar = plant_calendar(plant, shifts, [draft.table for draft in drafts.exceptions], "UTC")
    lines = {line.table.id: calendar.of_line(line.table.id) for line in drafts.lines}
    for draft in drafts.exceptions:
        shift = exception_shift(draft.table, shifts)
        if draft.table.start is None or shift is None:
            continue
        concerned = draft.table.lines or shift.lines or tuple(lines)
        met = next(filter(None, (_met(lines[name], draft, shift) for name in concerned)), None)
        if met is not None:
            day, other = met
            findings.problem(
                draft.origin,
                ("start",),
                f'on {day} the shift "{shift.id}" would overlap the shift "{other}"',
                "a line works one shift at a time: change the hours, or close the other shift",
            )


def _met(
    calendar: LineCalendar, draft: Draft[ShiftExceptionConfig], shift: ShiftConfig
) -> tuple[date, str] | None:
    """Return the first day on which an exception's hours meet another shift, and its id."""
    day, last = draft.table.date, draft.table.until or draft.table.date
    while day <= last:
        near = [w for i in (-1, 0, 1) for w in calendar.shifts_of(day + i * _ONE_DAY)]
        for own in near:
            if own.day != day or own.shift_id != shift.id:
                continue
            for other in near:
                is_own = other is own
                if not is_own and (
                    other.span.begin_ms < own.span.end_ms and own.span.begin_ms < other.span.end_ms
                ):
                    return day, other.shift_id
        day += _ONE_DAY
    return None


def _shown(begin: int, end: int) -> str:
    return f"{format_minute(begin)}-{format_minute(end)}"
