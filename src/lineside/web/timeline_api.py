"""REST of what machines did when: the timeline, the board of a moment, the shifts.

The lanes are read, made and encoded in the history's thread, one machine at a time: here only the
finished bytes arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from lineside.core.calendar import LineCalendar, ShiftWindow
from lineside.core.model import Equipment, Line, ReasonCode, Site, Status
from lineside.core.spans import union
from lineside.core.times import iso_utc
from lineside.history.lanes import only_in, pieces
from lineside.history.records import StoredChange
from lineside.web.answers import encode, json_response
from lineside.web.asking import (
    JSON,
    CodeQuery,
    From,
    LineQuery,
    Past,
    To,
    documented,
    moment,
    not_known_yet,
    window,
)
from lineside.web.problem import not_found
from lineside.web.schema import EquipmentView, PositionView, ReasonView, TagsView
from lineside.web.timeline_schema import (
    BoardView,
    ShiftsView,
    ShiftView,
    TimelineView,
    TodayView,
)

if TYPE_CHECKING:
    from lineside.history.past import Moment
    from lineside.history.store import Store

RESOLUTION_MAX_MS = 86_400_000
_UNSEEN = "nobody watched: Lineside was not running, or did not know this machine yet"

Resolution = Annotated[
    int,
    Query(
        description="Shorter intervals are merged into one with the worst status of them (0: none "
        "are). Take as much as a pixel stands for.",
        ge=0,
        le=RESOLUTION_MAX_MS,
    ),
]
At = Annotated[AwareDatetime, Query(description="The moment (ISO 8601 with its offset).")]


class TimelineApi:
    """Answers from one history."""

    def __init__(self, past: Past) -> None:
        self._past = past

    async def timeline(
        self,
        request: Request,
        begin: From,
        end: To,
        line: LineQuery = None,
        code: CodeQuery = None,
        resolution_ms: Resolution = 0,
    ) -> Response:
        """Return what machines did in a window, one lane each, with shifts, breaks and alarms.

        With `line` each machine is shown as far as it was in that line, and what it did elsewhere
        is unseen; without, each has one lane of all. Shifts are those of the one line that
        `line_id` names, as configured now: that of the machine, or the first one, when none is
        asked for.
        """
        asked = window(begin, end)
        chosen = await self._past.choose_in(line, code, asked.begin_ms, asked.end_ms)
        now_ms = self._past.now_ms()
        known_until_ms = self._past.known_until_ms()
        until_ms = max(asked.begin_ms, min(asked.end_ms, known_until_ms))
        shifts = chosen.calendar.shift_windows(asked.begin_ms, asked.end_ms)

        async def question(store: Store) -> bytes:
            from lineside.history.alarm_marks import alarm_marks
            from lineside.history.configured import FAR_MS
            from lineside.history.past import known_from_ms, lanes, whole_from_ms

            whole_ms = await whole_from_ms(store, chosen.codes)
            kept_ms = {code: ms for code, ms in whole_ms.items() if asked.begin_ms < ms}
            configured = await store.configurations.read()
            machines = {machine.code: machine for machine in chosen.machines}
            there = {
                code: union(configured.spans_of(code))
                if line is None or not configured.has_moved(code)
                else configured.there(code, line)
                for code in machines
            }
            plc_of = {machine.code: machine.plc_id for machine in chosen.machines}
            marks = [
                mark
                for mark in await alarm_marks(
                    store.database, plc_of, asked.begin_ms, until_ms, resolution_ms
                )
                if line is None
                or not configured.has_moved(mark.code)
                or any(span.holds(mark.at_ms) for span in there[mark.code])
            ]
            head = {
                "from_ms": asked.begin_ms,
                "to_ms": asked.end_ms,
                "now_ms": now_ms,
                "resolution_ms": resolution_ms,
                "time_zone": chosen.calendar.zone.key,
                "line_id": chosen.line.id,
                "shifts": [[s.span.begin_ms, s.span.end_ms, s.name] for s in shifts],
                "breaks": [[b.begin_ms, b.end_ms] for s in shifts for b in s.breaks],
                "alarms": marks,
                "history": {
                    "known_from_ms": await known_from_ms(store),
                    "known_until_ms": known_until_ms,
                    "kept_from_ms": max(kept_ms.values(), default=None),
                },
            }
            encoded = []
            async for lane in lanes(store, chosen.codes, asked.begin_ms, until_ms):
                machine, intervals = machines[lane.code], lane.intervals
                if line is not None and configured.has_moved(lane.code):
                    intervals = only_in(intervals, there[lane.code])
                view = {
                    "code": machine.code,
                    "name": machine.name,
                    "plc_id": machine.plc_id,
                    "kept_from_ms": kept_ms.get(lane.code),
                    "configured": [
                        [span.begin_ms, span.end_ms if span.end_ms < FAR_MS else None]
                        for span in there[lane.code]
                    ],
                    "intervals": pieces(
                        intervals, resolution_ms, goes_on=known_until_ms < asked.end_ms
                    ),
                }
                encoded.append(msgspec.json.encode(view))
            start = msgspec.json.encode(head)[:-1]
            return b"".join((start, b',"equipment":[', b",".join(encoded), b"]}"))

        return json_response(request, await self._past.ask_encoded(question))

    async def board(self, request: Request, at: At, line: LineQuery = None) -> Response:
        """Return the line as it was at one moment, as configured then where that is known.

        A line that was not there yet has no machines. What happened a moment ago is on its way into
        the history: until it is there nothing is known of it (503), which is not unseen.
        """
        at_ms = moment("at", at)
        until_ms = self._past.known_until_ms()
        if at_ms >= until_ms:
            raise not_known_yet(until_ms)
        now_site = self._past.site

        async def question(store: Store) -> tuple[Site, dict[str, Moment]]:
            from lineside.history.past import changes_at, site_at

            site = await site_at(store, at_ms) or now_site
            codes = [each.code for some in site.lines for each in some.equipment]
            return site, await changes_at(store, codes, at_ms)

        site, moments = await self._past.ask(question)
        found = _lines_of(site, now_site, line)
        machines = [machine for each in found for machine in each.equipment]
        places = {each.code: each.position for some in now_site.lines for each in some.equipment}
        view = BoardView(
            at=iso_utc(at_ms / 1000),
            unseen_codes=[each.code for each in machines if each.code not in moments],
            equipment=[
                _equipment_then(each, moments.get(each.code), at_ms, places.get(each.code))
                for each in machines
            ],
        )
        return json_response(request, encode(view))

    async def today(self, request: Request, line: LineQuery = None) -> Response:
        """Return the day of a line that goes on, of the first line when none is named.

        Everything that speaks of a day means this one: a shift belongs to the day on which it
        begins, with all of its hours.
        """
        chosen = self._past.choose(line, None)
        day = chosen.calendar.day_at(self._past.now_ms())
        span = chosen.calendar.day_span(day)
        view = TodayView(
            line_id=chosen.line.id,
            day=day.isoformat(),
            begin=iso_utc(span.begin_ms / 1000),
            end=iso_utc(span.end_ms / 1000),
            time_zone=chosen.calendar.zone.key,
            is_computers_zone=self._past.site.calendar.is_computers_zone,
        )
        return json_response(request, encode(view))

    async def shifts(
        self, request: Request, begin: From, end: To, line: LineQuery = None
    ) -> Response:
        """Return the shifts of a line that overlap a window, whole, as configured now."""
        asked = window(begin, end)
        if line is None or any(each.id == line for each in self._past.site.lines):
            chosen = self._past.choose(line, None)
        else:
            chosen = await self._past.choose_in(line, None, asked.begin_ms, asked.end_ms)
        windows = chosen.calendar.shift_windows(asked.begin_ms, asked.end_ms)
        return json_response(request, encode(shifts_view(chosen.line, chosen.calendar, windows)))


def add_timeline_routes(router: APIRouter, api: TimelineApi) -> None:
    """Add the routes, documented for OpenAPI."""

    def get(path: str, endpoint: Any, name: str, model: type) -> None:
        router.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            operation_id=name,
            summary=name.replace("_", " ").capitalize(),
            responses=documented(model),
            response_model=None,
            response_class=JSON,
            tags=["history"],
        )

    get("/api/timeline", api.timeline, "get_timeline", TimelineView)
    get("/api/board", api.board, "get_board", BoardView)
    get("/api/today", api.today, "get_today", TodayView)
    get("/api/shifts", api.shifts, "list_shifts", ShiftsView)


def shifts_view(line: Line, calendar: LineCalendar, windows: list[ShiftWindow]) -> ShiftsView:
    """Return the shifts of one line."""
    return ShiftsView(
        line_id=line.id,
        time_zone=calendar.zone.key,
        is_around_the_clock=calendar.is_around_the_clock,
        shifts=[shift_view(each) for each in windows],
    )


def shift_view(shift: ShiftWindow) -> ShiftView:
    """Return one shift of one day."""
    return ShiftView(
        id=shift.shift_id,
        name=shift.name,
        day=shift.day.isoformat(),
        begin=iso_utc(shift.span.begin_ms / 1000),
        end=iso_utc(shift.span.end_ms / 1000),
        breaks=[
            (iso_utc(each.begin_ms / 1000), iso_utc(each.end_ms / 1000)) for each in shift.breaks
        ],
    )


def _lines_of(then: Site, now: Site, line_id: str | None) -> list[Line]:
    if line_id is None:
        return list(then.lines)
    found = [line for line in then.lines if line.id == line_id]
    if found:
        return found
    if any(line.id == line_id for line in now.lines):
        return []
    raise not_found("line", line_id, [line.id for line in now.lines])


def _equipment_then(
    machine: Equipment,
    known: Moment | None,
    at_ms: int,
    position: tuple[float, float] | None,
) -> EquipmentView:
    change = None if known is None else known.change
    place = machine.position or position
    tags = msgspec.json.decode(change.tags) if change is not None else []
    values = {tag[0]: tag[2] for tag in tags}
    status = Status.DISCONNECTED if change is None or change.status is None else change.status
    return EquipmentView(
        equipment_code=machine.code,
        equipment_name=machine.name,
        line=machine.line_id,
        plc=machine.plc_id,
        status=status,
        since=iso_utc((at_ms if known is None else known.began_ms) / 1000),
        reason=_reason_then(change),
        tags=TagsView(
            status_tag=_number(values.get("status_tag")),
            error_tag=int(status is Status.ERROR or bool(_number(values.get("error_tag")))),
            connection=change is not None and status is not Status.DISCONNECTED,
        ),
        last_updated=_last_updated(tags, change),
        stale_after_s=machine.rule.stale_after_s,
        stop_after_s=machine.rule.stop_after_s,
        position=None if place is None else PositionView(x=place[0], y=place[1]),
    )


def _reason_then(change: StoredChange | None) -> ReasonView:
    known = set(ReasonCode)
    if change is None or change.reason not in known:
        return ReasonView(
            code=ReasonCode.NEVER_READ,
            tag=None,
            value=None,
            since=None,
            until=None,
            detail=_UNSEEN if change is None else change.detail,
        )
    return ReasonView(
        code=ReasonCode(change.reason),
        tag=change.tag,
        value=None if change.value is None else msgspec.json.decode(change.value),
        since=_iso(change.since_ms),
        until=_iso(change.until_ms),
        detail=change.detail,
    )


def _last_updated(tags: list[Any], change: StoredChange | None) -> str | None:
    ages = [tag[3] for tag in tags]
    if change is None or not ages or None in ages:
        return None
    return iso_utc((change.at_ms - max(ages)) / 1000)


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | float) else 0


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_utc(at_ms / 1000)
