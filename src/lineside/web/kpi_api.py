"""REST of key figures: rows of them, the intervals behind them, the report of a day, a preview."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lineside.core.asked_time import AskedTime
from lineside.core.calendar import MINUTES_PER_DAY, Hours, PlantCalendar, ShiftWindow
from lineside.core.model import Equipment, Line, Site
from lineside.history.kpi_words import Behind, RowGrain, RowsBy, Wanted
from lineside.web.answers import json_response
from lineside.web.asking import (
    JSON,
    PAGE_MAX,
    Chosen,
    CodeQuery,
    Cursor,
    From,
    FromOrDay,
    Limit,
    LineQuery,
    Past,
    To,
    ToOrDay,
    asked_time,
    documented,
    refused,
    window,
    window_of_all,
)
from lineside.web.kpi_schema import (
    CountedIntervalsView,
    FailuresView,
    KpiPreviewView,
    KpiRowsView,
    ReportView,
)
from lineside.web.problem import not_found
from lineside.web.timeline_api import shift_view
from lineside.web.words import StorableText

if TYPE_CHECKING:
    from lineside.history.store import Store

PREVIEW_MAX_DAYS = 100
PREVIEW_MAX_MACHINE_DAYS = 20_000
_DAY_MS = 86_400_000
_REPORT_DAYS = 17  # the trend, and a day of another zone on either side
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"

GrainQuery = Annotated[
    RowGrain, Query(description="Into which pieces the window is cut, by the plant's clock.")
]
ByQuery = Annotated[RowsBy, Query(description="One row per machine, or one per line.")]
DayQuery = Annotated[date | None, Query(description="Local day; left out: the one that goes on.")]
ShiftQuery = Annotated[
    str | None,
    Query(
        description="Id of a shift; left out: the whole day. `all` is the whole day, too, where no "
        "shift is called so.",
        max_length=200,
    ),
]
BehindQuery = Annotated[
    Behind | None, Query(description="Only the intervals that this figure is made of.")
]
OneCode = Annotated[str, Query(alias="code", description="Of the machine.", max_length=200)]


class ShiftHours(BaseModel):
    """Other hours for one configured shift; its days and its breaks stay."""

    model_config = ConfigDict(extra="forbid")

    id: StorableText = Field(max_length=200)
    start: str = Field(description="By the plant's clock.", pattern=CLOCK)
    end: str = Field(description="Not after `start`: on the next day.", pattern=CLOCK)


class Preview(BaseModel):
    """Another `stop_after` or other hours of shifts to try on the past."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    line: StorableText = Field(max_length=200)
    stop_after: float | None = Field(
        default=None,
        description="Seconds of waiting after which idle is stopped, of the machines that have no "
        "`stop_after` of their own; null: never; left out: as configured.",
        ge=0,
        le=604_800,
    )
    shifts: list[ShiftHours] = Field(
        default=[], description="Shifts with other hours.", max_length=20
    )
    begin: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")


class KpiApi:
    """Answers from one history."""

    def __init__(self, past: Past) -> None:
        self._past = past

    async def kpis(
        self,
        request: Request,
        begin: FromOrDay,
        end: ToOrDay,
        line: LineQuery = None,
        code: CodeQuery = None,
        grain: GrainQuery = RowGrain.WHOLE,
        by: ByQuery = RowsBy.EQUIPMENT,
        cursor: Cursor = None,
        limit: Limit = PAGE_MAX,
    ) -> Response:
        """Return key figures with their coverage, per machine or line and piece of the window.

        The past is judged by what was configured then. Machines that were taken out since are in
        the answer when they were there at some time of the window, and one that was moved has a row
        in each of its lines, of its time there; asked for by `code` alone, one row of all. Days
        are those of each line and
        hold their shifts whole, also after midnight; weeks and months are made of them. Pieces are
        cut where the window begins and ends.
        """
        site, skip = self._past.site, int(cursor or 0)
        asked = asked_time(begin, end)
        around = window_of_all(asked, site.lines, site)
        chosen = await self._past.choose_in(line, code, around.begin_ms, around.end_ms)
        wanted = self._wanted(asked, chosen, grain, by)
        if line is None and code is not None:
            wanted = msgspec.structs.replace(wanted, is_whole=True)

        async def question(store: Store) -> bytes:
            from lineside.history.kpi_rows import kpi_rows

            rows: list[bytes] = []
            following = None
            async for row in kpi_rows(store, site, wanted, skip=skip):
                if len(rows) == limit:
                    following = str(skip + limit)
                    break
                rows.append(msgspec.json.encode(row))
            head = msgspec.json.encode({"next": following})[:-1]
            return b"".join((head, b',"rows":[', b",".join(rows), b"]}"))

        return json_response(request, await self._past.ask_encoded(question))

    async def intervals(
        self,
        request: Request,
        code: OneCode,
        begin: From,
        end: To,
        line: LineQuery = None,
        figure: BehindQuery = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_MAX,
    ) -> Response:
        """Return every interval of one machine with how it was counted. Breaks cut them.

        With `line` it is counted as in a row of that line: only while the machine was in it.
        """
        asked = window(begin, end, days_max=40)
        chosen = await self._past.choose_in(line, code, asked.begin_ms, asked.end_ms)
        site, now_ms = self._past.site, self._past.known_until_ms()
        until_ms = max(asked.begin_ms, min(asked.end_ms, now_ms))
        skip = int(cursor or 0)

        async def question(store: Store) -> bytes:
            from lineside.history.behind import amount, behind
            from lineside.history.counted import counted_intervals
            from lineside.history.past import kept_from

            found = await counted_intervals(
                store, site, chosen.machines, asked.begin_ms, until_ms, now_ms, line_id=line
            )
            count, count_ms = (None, None) if figure is None else amount(figure, found)
            found = found if figure is None else behind(figure, found)
            shown = found[skip : skip + limit]
            return msgspec.json.encode(
                {
                    "code": code,
                    "next": str(skip + limit) if len(found) > skip + limit else None,
                    "total": len(found),
                    "total_ms": sum(each.length_ms for each in found),
                    "count": count,
                    "count_ms": count_ms,
                    "kept_from": await kept_from(store, [code], asked.begin_ms),
                    "intervals": [each.told() for each in shown],
                }
            )

        return json_response(request, await self._past.ask_encoded(question))

    async def failures(self, request: Request, code: OneCode, begin: From, end: To) -> Response:
        """Return when each failure began and ended that figures of a machine count in a window."""
        asked = window(begin, end, days_max=40)
        await self._past.choose_in(None, code, asked.begin_ms, asked.end_ms)
        site, until_ms = self._past.site, min(asked.end_ms, self._past.known_until_ms())

        async def question(store: Store) -> bytes:
            from lineside.history.counted import failures_in
            from lineside.history.past import kept_from

            found = await failures_in(store, site, code, asked.begin_ms, until_ms)
            return msgspec.json.encode(
                {
                    "code": code,
                    "kept_from": await kept_from(store, [code], asked.begin_ms),
                    "failures": [(each.begin_ms, each.end_ms) for each in found],
                }
            )

        return json_response(request, await self._past.ask_encoded(question))

    async def report(
        self,
        request: Request,
        line: LineQuery = None,
        day: DayQuery = None,
        shift: ShiftQuery = None,
    ) -> Response:
        """Return the report of one day or shift of a line, the first one when none is named.

        A day is that of its shifts: one that ends after midnight belongs to it.
        """
        site, now_ms = self._past.site, self._past.known_until_ms()
        if day is not None and not 1971 <= day.year <= 2099:
            raise refused("day", "must lie between 1971 and 2099")
        begin_ms, end_ms = _around(day, now_ms)
        chosen = await self._past.choose_in(line, None, begin_ms, end_ms)

        async def question(store: Store) -> bytes:
            from lineside.history.report import report

            that = day or chosen.calendar.day_at(now_ms)
            shifts = chosen.calendar.shifts_of(that)
            is_named = any(each.id == shift for each in site.calendar.shifts)
            asked = None if shift == "all" and not is_named else shift
            found = await report(
                store, site, chosen.line, that, _shift(asked, shifts, chosen.line), now_ms
            )
            found["shifts"] = [shift_view(each).model_dump() for each in shifts]
            return msgspec.json.encode(found)

        return json_response(request, await self._past.ask_encoded(question))

    async def preview(self, body: Preview) -> Response:
        """Return a line's figures as they are, and as another configuration would have made them.

        Nothing is changed. Machines that were taken out or moved away since are in the answer when
        they were there, as in `/api/kpis`, and judged by the rules of the line as well; they keep
        a `stop_after` of their own. With neither `stop_after` nor
        `shifts` it shows what the rules in force would make of the past; with its `version` they
        can be applied: POST /api/rules/applied. Other rules are written into lineside.toml first.
        """
        asked = window(body.begin, body.end, days_max=PREVIEW_MAX_DAYS)
        site = self._past.site
        moments = AskedTime(begin=asked.begin_ms, end=asked.end_ms)
        self._past.choose(body.line, None)  # rules of a line that is gone cannot be changed
        chosen = await self._past.choose_in(body.line, None, asked.begin_ms, asked.end_ms)
        wanted = self._wanted(moments, chosen, RowGrain.WHOLE, RowsBy.EQUIPMENT)
        count = sum(len(machines) for _, machines in wanted.lines)
        days_max = PREVIEW_MAX_MACHINE_DAYS // max(1, count)
        if wanted.end_ms - wanted.begin_ms > days_max * _DAY_MS:
            raise refused("to", f"a preview of {count} machines may have {days_max} days at most")
        other_site = msgspec.structs.replace(site, calendar=_with_hours(site, body.shifts))
        is_stop_after_tried = "stop_after" in body.model_fields_set
        if is_stop_after_tried:
            other_site = _with_stop_after(other_site, body.line, body.stop_after)

        from lineside.history.preview import preview

        found = await preview(
            self._past.ask,
            site,
            other_site,
            wanted,
            {"breaks": _changed_breaks(site.calendar, other_site.calendar)},
            is_tried=bool(body.shifts) or is_stop_after_tried,
            is_stop_after_tried=is_stop_after_tried,
        )
        return Response(found, media_type="application/json")

    def _wanted(self, asked: AskedTime, chosen: Chosen, grain: RowGrain, by: RowsBy) -> Wanted:
        whole = window_of_all(asked, [each for each, _ in chosen.lines], self._past.site)
        return Wanted(
            lines=chosen.lines,
            begin_ms=whole.begin_ms,
            end_ms=min(whole.end_ms, self._past.known_until_ms()),
            asked=asked,
            grain=grain,
            by=by,
        )


def add_kpi_routes(router: APIRouter, api: KpiApi) -> None:
    """Add the routes, documented for OpenAPI."""

    def add(path: str, endpoint: Any, name: str, model: type, method: str = "GET") -> None:
        responses = documented(model)
        if method != "GET":
            del responses[304]
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            operation_id=name,
            summary=name.replace("_", " ").capitalize(),
            responses=responses,
            response_model=None,
            response_class=JSON,
            tags=["kpi"],
        )

    add("/api/kpis", api.kpis, "list_kpis", KpiRowsView)
    add("/api/kpis/intervals", api.intervals, "list_counted_intervals", CountedIntervalsView)
    add("/api/kpis/failures", api.failures, "list_failures", FailuresView)
    add("/api/report", api.report, "get_report", ReportView)
    add("/api/kpis/preview", api.preview, "preview_kpis", KpiPreviewView, "POST")


def _around(day: date | None, now_ms: int) -> tuple[int, int]:
    """Return a time that a report of `day` and its trend lie in, whatever the plant's zone."""
    if day is None:
        return now_ms - _REPORT_DAYS * _DAY_MS, now_ms
    noon_ms = (day - date(1970, 1, 1)).days * _DAY_MS + _DAY_MS // 2
    return noon_ms - _REPORT_DAYS * _DAY_MS, noon_ms + 3 * _DAY_MS


def _shift(wanted: str | None, shifts: tuple[ShiftWindow, ...], line: Line) -> ShiftWindow | None:
    if wanted is None:
        return None
    for each in shifts:
        if each.shift_id == wanted:
            return each
    raise not_found(f"shift of {line.id} on that day", wanted, [each.shift_id for each in shifts])


def _with_stop_after(site: Site, line_id: str, stop_after_s: float | None) -> Site:
    """Return the plant with another `stop_after` of a line; machines keep one of their own."""

    def tried(machine: Equipment) -> Equipment:
        if machine.has_own_stop_after:
            return machine
        rule = msgspec.structs.replace(machine.rule, stop_after_s=stop_after_s)
        return msgspec.structs.replace(machine, rule=rule)

    lines = (
        msgspec.structs.replace(
            line, stop_after_s=stop_after_s, equipment=tuple(map(tried, line.equipment))
        )
        if line.id == line_id
        else line
        for line in site.lines
    )
    return msgspec.structs.replace(site, lines=tuple(lines))


def _with_hours(site: Site, wanted: list[ShiftHours]) -> PlantCalendar:
    """Return the plant's calendar with other hours; breaks outside of them are none."""
    calendar = site.calendar
    known = [shift.id for shift in calendar.shifts]
    others = {each.id: each for each in wanted}
    for each in wanted:
        if each.id not in known:
            raise not_found("shift", each.id, known)
    return msgspec.structs.replace(
        calendar,
        shifts=tuple(
            msgspec.structs.replace(shift, hours=_other_hours(shift.hours, others[shift.id]))
            if shift.id in others
            else shift
            for shift in calendar.shifts
        ),
    )


def _changed_breaks(usual: PlantCalendar, tried: PlantCalendar) -> list[dict[str, Any]]:
    """Return the breaks of shifts that have others in the hours that are tried."""

    def written(hours: Hours) -> list[str]:
        minutes = ((begin % MINUTES_PER_DAY, end % MINUTES_PER_DAY) for begin, end in hours.breaks)
        return [f"{_clock(begin)}-{_clock(end)}" for begin, end in minutes]

    return [
        {"id": other.id, "breaks": written(other.hours)}
        for shift, other in zip(usual.shifts, tried.shifts, strict=True)
        if sorted(written(shift.hours)) != sorted(written(other.hours))
    ]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _other_hours(usual: Hours, wanted: ShiftHours) -> Hours:
    begin, end = _minute(wanted.start), _minute(wanted.end)
    end += MINUTES_PER_DAY if end <= begin else 0
    breaks = []
    for first, last in usual.breaks:
        # A break keeps its time of the clock, on whichever of the two days the hours have it.
        for day in (-MINUTES_PER_DAY, 0, MINUTES_PER_DAY):
            inside = max(first + day, begin), min(last + day, end)
            if inside[0] < inside[1]:
                breaks.append(inside)
    return Hours(begin_minute=begin, end_minute=end, breaks=tuple(sorted(breaks)))


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
