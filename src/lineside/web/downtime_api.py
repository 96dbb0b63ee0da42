"""REST of stops and their reasons, planned downtime, and the audit of both.

These are the only routes that write; what they write is about the past and the plan, never to a
PLC. The gate refuses writing requests of foreign pages.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from lineside.core.model import Equipment
from lineside.core.times import iso_utc
from lineside.web.answers import encode, json_response
from lineside.web.asking import (
    JSON,
    PAGE_MAX,
    CodeQuery,
    Cursor,
    From,
    Limit,
    LineQuery,
    Past,
    To,
    described,
    documented,
    moment,
    refused,
    window,
)
from lineside.web.downtime_schema import (
    AuditEntryView,
    AuditView,
    DowntimeReasonsView,
    DowntimeReasonView,
    GivenReason,
    Merge,
    Name,
    NewPlannedDowntime,
    PlannedDowntimesView,
    PlannedDowntimeView,
    Split,
    StopsView,
    StopView,
)
from lineside.web.problem import Problem, not_found

if TYPE_CHECKING:
    from lineside.history.downtime import MarkKind
    from lineside.history.downtime_store import AuditEntry, PlannedDowntime
    from lineside.history.stop_questions import MachineStop
    from lineside.history.store import Store

_DAY_MS = 86_400_000
_STOP_ID = re.compile(r"(?P<code>.{1,200})@(?P<begin>\d{1,15})")

StopId = Annotated[str, Path(description="As in `/api/stops`.", max_length=220)]
PlannedId = Annotated[int, Path(description="As in `/api/planned-downtimes`.", ge=1, le=2**31 - 1)]
Unexplained = Annotated[bool, Query(description="Only stops without a reason.")]

StopsOf = Annotated[
    str | None, Query(alias="code", description="Only of this machine's stops.", max_length=200)
]


class DowntimeApi:
    """Reads and writes one history."""

    def __init__(self, past: Past) -> None:
        self._past = past

    async def stops(
        self,
        request: Request,
        begin: From,
        end: To,
        line: LineQuery = None,
        code: CodeQuery = None,
        unexplained: Unexplained = False,
        cursor: Cursor = None,
        limit: Limit = PAGE_MAX,
    ) -> Response:
        """Return the stops in a window, whole, oldest first: those that key figures of it count.

        They stood longer than `micro_stop` within the planned time of the window.
        """
        asked, skip = window(begin, end, days_max=100), int(cursor or 0)
        chosen = await self._past.choose_in(line, code, asked.begin_ms, asked.end_ms)

        async def question(store: Store) -> tuple[list[MachineStop], str | None]:
            from lineside.history.past import kept_from

            found = await self._stops_there(
                store, chosen.machines, asked.begin_ms, asked.end_ms, as_figures=True
            )
            return found, await kept_from(store, chosen.codes, asked.begin_ms)

        found, whole_from = await self._past.ask(question)
        without_reason = [each for each in found if each.stop.reason is None]
        wanted = without_reason if unexplained else found
        now_ms = self._past.now_ms()
        view = StopsView(
            next=str(skip + limit) if len(wanted) > skip + limit else None,
            total=len(found),
            unexplained=len(without_reason),
            kept_from=whole_from,
            stops=[stop_view(each, now_ms) for each in wanted[skip : skip + limit]],
        )
        return json_response(request, encode(view))

    async def give_reason(self, stop: StopId, body: GivenReason) -> Response:
        """Say why a machine stood, or say it anew."""
        known = [reason.code for reason in self._past.site.downtime_reasons]
        if body.reason not in known:
            raise not_found("downtime reason", body.reason, known)

        async def say(store: Store, found: list[MachineStop]) -> None:
            from lineside.history.downtime import StopReason
            from lineside.history.downtime_store import explain

            (said,) = found
            reason = StopReason(
                at_ms=said.stop.begin_ms,
                reason=body.reason,
                comment=body.comment,
                made_by=body.by,
                made_ms=self._past.now_ms(),
            )
            await explain(store, said.machine.code, reason, said.stop.from_ms, said.stop.end_ms)

        return await self._change([stop], say)

    async def split(self, stop: StopId, body: Split) -> Response:
        """Cut a stop in two, each with a reason of its own."""
        asked_ms = moment("at", body.at)

        async def cut(store: Store, found: list[MachineStop]) -> None:
            from lineside.history.downtime import MarkKind

            (whole,) = found
            at_ms, spans = asked_ms, whole.stop.spans
            if not whole.stop.begin_ms < at_ms < whole.stop.end_ms:
                raise refused("at", "must lie within the stop")
            if not any(span.begin_ms < at_ms < span.end_ms for span in spans):
                # In a break, or where two stops were joined: the next one begins after it.
                at_ms = min(span.begin_ms for span in spans if span.begin_ms >= at_ms)
            await self._mark(store, whole, at_ms, body.by, MarkKind.SPLIT)

        return await self._change([stop], cut)

    async def merge(self, stop: StopId, body: Merge) -> Response:
        """Join two stops of a machine of which one follows the other."""

        async def join(store: Store, found: list[MachineStop]) -> None:
            from lineside.history.downtime import MarkKind

            first, second = sorted(found, key=lambda each: each.stop.begin_ms)
            if first.machine.code != second.machine.code or first.stop == second.stop:
                raise refused("with", "must be another stop of the same machine")
            begin_ms, end_ms = first.stop.begin_ms, second.stop.begin_ms + 1
            between = await self._stops_there(store, [first.machine], begin_ms, end_ms)
            if len([each for each in between if each.stop.begin_ms >= begin_ms]) != 2:
                raise refused("with", "must follow the stop, or come right before it")
            at_ms = await _mark_between(store, first, second)
            await self._mark(store, second, at_ms, body.by, MarkKind.MERGE)

        return await self._change([stop, body.other], join)

    async def planned(
        self, request: Request, begin: From, end: To, line: LineQuery = None
    ) -> Response:
        """Return the planned downtimes that overlap a window."""
        asked = window(begin, end, days_max=4000)
        await self._past.check_line_in(line, asked.begin_ms, asked.end_ms)

        async def question(store: Store) -> list[PlannedDowntime]:
            from lineside.history.downtime_store import planned_downtimes

            return await planned_downtimes(store, asked.begin_ms, asked.end_ms)

        found = await self._past.ask(question)
        view = PlannedDowntimesView(
            planned_downtimes=[planned_view(each) for each in found if line in (None, each.line_id)]
        )
        return json_response(request, encode(view))

    async def add_planned(self, body: NewPlannedDowntime) -> Response:
        """Enter a time in which work is not planned: figures count it no more."""
        asked = window(body.begin, body.end)
        if body.line is None and body.code is None:
            raise refused("line", "name a line, or a machine with `code`")
        chosen = self._past.choose(body.line, body.code)

        async def question(store: Store) -> PlannedDowntime:
            from lineside.history.downtime_store import PlannedDowntime, add_planned_downtime

            return await add_planned_downtime(
                store,
                PlannedDowntime(
                    id=0,
                    line_id=chosen.line.id,
                    code=body.code,
                    begin_ms=asked.begin_ms,
                    end_ms=asked.end_ms,
                    comment=body.comment,
                    made_by=body.by,
                    made_ms=self._past.now_ms(),
                ),
            )

        made = await self._past.write(question)
        return Response(
            encode(planned_view(made)).body, status_code=201, media_type="application/json"
        )

    async def delete_planned(
        self,
        planned: PlannedId,
        by: Annotated[Name, Query(description="Who deletes it.")],
    ) -> Response:
        """Delete a planned downtime."""

        async def question(store: Store) -> bool:
            from lineside.history.downtime_store import By, delete_planned_downtime

            return await delete_planned_downtime(
                store, planned, By(name=by, at_ms=self._past.now_ms())
            )

        if not await self._past.write(question):
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no planned downtime {planned}.")
        return Response(status_code=204)

    async def reasons(self, request: Request) -> Response:
        """Return the tree of downtime reasons, as configured."""
        view = DowntimeReasonsView(
            reasons=[
                DowntimeReasonView(code=r.code, name=r.name, name_en=r.name_en, parent=r.parent)
                for r in self._past.site.downtime_reasons
            ]
        )
        return json_response(request, encode(view))

    async def audit(
        self,
        request: Request,
        begin: From,
        end: To,
        code: StopsOf = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_MAX,
    ) -> Response:
        """Return what was changed by hand, newest first."""
        asked = window(begin, end)

        async def question(store: Store) -> list[AuditEntry]:
            from lineside.history.downtime_store import audit_entries

            before = int(cursor) if cursor is not None else None
            return await audit_entries(
                store,
                asked.begin_ms,
                asked.end_ms,
                code=code,
                before_id=before,
                limit=limit + 1,
            )

        found = await self._past.ask(question)
        view = AuditView(
            next=str(found[limit - 1].id) if len(found) > limit else None,
            entries=[_audit_view(each) for each in found[:limit]],
        )
        return json_response(request, encode(view))

    async def _stops_there(
        self,
        store: Store,
        machines: Any,
        begin_ms: int,
        end_ms: int,
        *,
        as_figures: bool = False,
    ) -> list[MachineStop]:
        """Return the stops in a window. In the history's thread, as all that takes a store."""
        from lineside.history.kpi_rows import plans_of
        from lineside.history.stop_questions import stops_in

        now_ms = self._past.known_until_ms()
        plans = await plans_of(store, self._past.site)
        until_ms = min(end_ms, now_ms)
        if begin_ms >= until_ms:
            return []
        return await stops_in(
            store, plans, machines, begin_ms, until_ms, now_ms, as_figures=as_figures
        )

    async def _change(
        self, ids: Sequence[str], change: Callable[[Store, list[MachineStop]], Awaitable[None]]
    ) -> Response:
        """Find stops, change them, and return those that are there then: in one question.

        Such questions are answered one by one, so that nobody else's change comes between what was
        found and what is written.
        """
        named = [await self._machine_and_begin(each) for each in ids]

        async def question(store: Store) -> list[MachineStop]:
            found = [
                await self._stop_at(store, machine, begin_ms, id_)
                for id_, (machine, begin_ms) in zip(ids, named, strict=True)
            ]
            await change(store, found)
            first = min(found, key=lambda each: each.stop.begin_ms)
            return await self._stops_there(
                store, [first.machine], first.stop.begin_ms, first.stop.end_ms
            )

        stops, now_ms = await self._past.write(question), self._past.now_ms()
        view = StopsView(
            next=None,
            total=len(stops),
            unexplained=sum(each.stop.reason is None for each in stops),
            kept_from=None,
            stops=[stop_view(each, now_ms) for each in stops],
        )
        return Response(encode(view).body, media_type="application/json")

    async def _machine_and_begin(self, id_: str) -> tuple[Equipment, int]:
        match = _STOP_ID.fullmatch(id_)
        if match is None:
            raise refused("stop", "an id is a machine's code, `@` and a time in ms")
        begin_ms = int(match["begin"])
        chosen = await self._past.choose_in(None, match["code"], begin_ms, begin_ms + 1)
        return chosen.machines[0], begin_ms

    async def _stop_at(
        self, store: Store, machine: Equipment, begin_ms: int, id_: str
    ) -> MachineStop:
        """Return the stop that is called so, as it is now."""
        for each in await self._stops_there(store, [machine], begin_ms, begin_ms + 1):
            if each.stop.begin_ms == begin_ms:
                return each
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"There is no stop {id_[:80]!r} now. It may have been cut or joined, or "
            "shifts may have changed: ask for the stops anew.",
        )

    async def _mark(
        self, store: Store, stop: MachineStop, at_ms: int, by: str, kind: MarkKind
    ) -> None:
        from lineside.history.downtime_store import By, set_mark

        author = By(name=by, at_ms=self._past.now_ms())
        await set_mark(store, stop.machine.code, at_ms, kind, author, subject=stop.id)


async def _mark_between(store: Store, first: MachineStop, second: MachineStop) -> int:
    """Return the moment of the cut between two stops; without one the second's begin."""
    from lineside.history.downtime import MarkKind
    from lineside.history.downtime_store import said_of

    code, end_ms = second.machine.code, second.stop.begin_ms + 1
    said = (await said_of(store, [code], first.stop.end_ms, end_ms))[code]
    cuts = [at for at, kind in said.marks.items() if kind is MarkKind.SPLIT]
    return max(cuts, default=second.stop.begin_ms)


def add_downtime_routes(router: APIRouter, api: DowntimeApi) -> None:
    """Add the routes, documented for OpenAPI."""

    def add(path: str, endpoint: Any, name: str, responses: dict[Any, Any], method: str) -> None:
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            operation_id=name,
            summary=name.replace("_", " ").capitalize(),
            responses=responses,
            response_model=None,
            response_class=JSON if method != "DELETE" else Response,
            status_code={"DELETE": 204}.get(method),
            tags=["downtime"],
        )

    changed = {key: value for key, value in documented(StopsView).items() if key != 304}
    changed[403] = described("A page from elsewhere may not write.")
    made = {**changed, 201: {"model": PlannedDowntimeView, "description": "As entered."}}
    del made[200]
    gone = {404: changed[404], 403: changed[403], 422: changed[422], 503: changed[503]}
    add("/api/stops", api.stops, "list_stops", documented(StopsView), "GET")
    add("/api/stops/{stop}/reason", api.give_reason, "give_stop_reason", changed, "POST")
    add("/api/stops/{stop}/split", api.split, "split_stop", changed, "POST")
    add("/api/stops/{stop}/merge", api.merge, "merge_stops", changed, "POST")
    planned, path = documented(PlannedDowntimesView), "/api/planned-downtimes"
    add(path, api.planned, "list_planned_downtimes", planned, "GET")
    add(path, api.add_planned, "add_planned_downtime", made, "POST")
    add(f"{path}/{{planned}}", api.delete_planned, "delete_planned_downtime", gone, "DELETE")
    reasons = documented(DowntimeReasonsView)
    add("/api/downtime-reasons", api.reasons, "list_downtime_reasons", reasons, "GET")
    add("/api/audit", api.audit, "list_audit", documented(AuditView), "GET")


def stop_view(found: MachineStop, now_ms: int) -> StopView:
    """Return one stop as of `now_ms`."""
    stop, reason = found.stop, found.stop.reason
    return StopView(
        id=found.id,
        line_id=found.machine.line_id,
        code=found.machine.code,
        name=found.machine.name,
        begin=iso_utc(stop.begin_ms / 1000),
        end=None if stop.is_open else iso_utc(stop.end_ms / 1000),
        down_ms=stop.down_ms,
        status=stop.status,
        reason=reason.reason if reason is not None else None,
        comment=reason.comment if reason is not None else None,
        by=reason.made_by if reason is not None else None,
        stops=stop.counted,
    )


def planned_view(planned: PlannedDowntime) -> PlannedDowntimeView:
    """Return one planned downtime."""
    return PlannedDowntimeView(
        id=planned.id,
        line_id=planned.line_id,
        code=planned.code,
        begin=iso_utc(planned.begin_ms / 1000),
        end=iso_utc(planned.end_ms / 1000),
        comment=planned.comment,
        by=planned.made_by,
    )


def _audit_view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView(
        id=entry.id,
        at=iso_utc(entry.at_ms / 1000),
        by=entry.made_by,
        action=entry.action,
        subject=entry.subject,
        before=_json_or_text(entry.before),
        after=_json_or_text(entry.after),
    )


def _json_or_text(stored: str | None) -> Any:
    """Return what the audit holds; as it stands there when it is no JSON."""
    try:
        return None if stored is None else msgspec.json.decode(stored)
    except msgspec.DecodeError:
        return stored
