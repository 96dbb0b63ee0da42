"""The REST interface of the line. It reads the LiveView and never writes anywhere.

Questions about the present are refused with 503 while the board does not tick: a status that was
true a minute ago is not an answer to "what is this machine doing?".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from lineside.core.model import EquipmentState, Line, Site, Snapshot, StateChange, Status
from lineside.core.ports import Clock
from lineside.core.times import iso_utc
from lineside.history.records import HistoryHealth
from lineside.web.answers import (
    Encoded,
    SharedAnswers,
    encode,
    encode_in_slices,
    is_held,
    json_response,
    tagged,
)
from lineside.web.floor_plan import FLOOR_PLAN_CSP, FloorPlanError, read_floor_plan
from lineside.web.live import LiveView
from lineside.web.problem import (
    Problem,
    not_found,
    not_ticking,
    not_ticking_detail,
)
from lineside.web.schema import (
    ChangesView,
    EquipmentDetailView,
    EquipmentListView,
    HealthView,
    LinesView,
    NewsView,
    PlcsView,
    ProblemView,
)
from lineside.web.views import (
    ServerInfo,
    change_view,
    equipment_detail_view,
    equipment_view,
    line_view,
    listed_equipment,
    plcs_view,
    server_view,
)

CHANGES_PER_ANSWER_MAX = 10_000  # about 3 MB

LineId = Annotated[str, Path(description="As in `/api/lines`.", max_length=200)]
EquipmentCode = Annotated[str, Path(description="As in `/api/equipment`.", max_length=200)]
LineFilter = Annotated[str | None, Query(alias="line", description="Only this line's machines.")]
StatusFilter = Annotated[Status | None, Query(description="Only machines in this status.")]
Since = Annotated[
    AwareDatetime | None,
    Query(description="Only changes at or after this time (ISO 8601 with its offset or `Z`)."),
]


class LineApi:
    """Answers for one LiveView."""

    def __init__(
        self,
        live: LiveView,
        server_info: ServerInfo,
        clock: Clock,
        history_health: Callable[[], HistoryHealth] = HistoryHealth,
    ) -> None:
        self._live = live
        self._info = server_info
        self._clock = clock
        self._history_health = history_health
        self.shared = SharedAnswers()

    async def lines(self, request: Request) -> Response:
        """Return every line, and who serves it.

        While the board does not tick, every machine counts as disconnected. `now` is shared by
        all who ask within the same second.
        """
        return json_response(request, self._shared_lines())

    async def line_changes(self, request: Request, line: LineId, since: Since = None) -> Response:
        """Return the recent status changes of one line, oldest first.

        At most 10,000, the newest; `observed_since` then moves up to the oldest of them.
        """
        found = self._line(line)
        self._present()
        if since is not None:
            return json_response(request, await self._encode_changes(found, since.timestamp()))
        now_second = int(self._clock().unix_s)
        revision = (self._live.revision, self._live.change_revision, now_second)
        encoded = await self.shared.get_sliced(
            ("changes", line), revision, lambda: self._encode_changes(found, None)
        )
        return json_response(request, encoded)

    async def floor_plan(self, request: Request, line: LineId) -> Response:
        """Return the line's floor plan image: SVG, PNG, JPEG or WebP."""
        found = self._line(line)
        if found.floor_plan is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"The line {line!r} has no floor plan.")
        try:
            # The file may lie on a share that hangs; the loop must not hang with it.
            image = await to_thread.run_sync(read_floor_plan, FilePath(found.floor_plan))
        except FloorPlanError as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error)) from error
        headers = {
            "ETag": tagged(image.body).etag,
            "Cache-Control": "no-cache",
            "Content-Security-Policy": FLOOR_PLAN_CSP,
            "X-Content-Type-Options": "nosniff",
        }
        if is_held(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(image.body, media_type=image.media_type, headers=headers)

    async def equipment_list(
        self, request: Request, line: LineFilter = None, status: StatusFilter = None
    ) -> Response:
        """Return every machine at the last tick, in configured order."""
        if line is not None:
            self._line(line)
        snapshot = self._present()
        machines, news = self._live.equipment_by_code, self._live.news(line)

        async def encode_list() -> Encoded:
            listed = listed_equipment(snapshot, machines, line_id=line, status=status)
            at = iso_utc(snapshot.at.unix_s)
            envelope = EquipmentListView(at=at, sequence=snapshot.sequence, news=news, equipment=[])
            return await encode_in_slices(envelope, listed, lambda each: equipment_view(*each))

        encoded = await self.shared.get_sliced(
            ("equipment", line, status), self._live.revision, encode_list
        )
        return json_response(request, encoded)

    async def news(self, request: Request, line: LineFilter = None) -> Response:
        """Return a word that changes when there is news for who knows the list of equipment.

        A screen asks for it every few seconds; who holds it is answered 304.
        """
        if line is not None:
            self._line(line)
        self._present()
        news = self._live.news(line)
        encoded = self.shared.get(("news", line), news, lambda: NewsView(news=news))
        return json_response(request, encoded)

    async def equipment(self, request: Request, code: EquipmentCode) -> Response:
        """Return one machine with its raw tags, its rule and its recent changes."""
        self._site()
        found = self._live.equipment_by_code.get(code)
        if found is None:
            raise not_found("equipment", code, self._live.equipment_by_code)
        snapshot = self._present()
        state = _state_of(snapshot, code)
        if state is None:
            detail = f"{code} was just added to the configuration; the next tick will show it."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "1"})
        known_since_s = self._live.known_since_s(code)
        view = equipment_detail_view(
            snapshot,
            state,
            found[1],
            self._live.changes(code),
            snapshot.at.unix_s if known_since_s is None else known_since_s,
        )
        return json_response(request, encode(view))

    async def plcs(self, request: Request) -> Response:
        """Return every PLC's health at the last tick."""
        snapshot = self._present()
        site = self._site()
        encoded = self.shared.get("plcs", self._live.revision, lambda: plcs_view(snapshot, site))
        return json_response(request, encoded)

    async def healthz(self) -> Response:
        """Say that the process answers, whatever the state of the plant."""
        return self._health(HTTPStatus.OK, "")

    async def readyz(self) -> Response:
        """Say whether the board ticks: 503 without a snapshot in the last 3 seconds."""
        if self._live.is_ticking():
            return self._health(HTTPStatus.OK, "")
        detail = not_ticking_detail(self._live.snapshot_age_s())
        return self._health(HTTPStatus.SERVICE_UNAVAILABLE, detail)

    def _health(self, status: HTTPStatus, detail: str) -> Response:
        view = HealthView(
            status="ok" if status is HTTPStatus.OK else "unavailable",
            version=self._info.version,
            build=self._info.build,
            now=iso_utc(self._clock().unix_s),
            detail=detail,
        )
        return Response(
            encode(view).body,
            status_code=status.value,
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    def _shared_lines(self) -> Encoded:
        site = self._site()
        snapshot = self._live.snapshot if self._live.is_ticking() else None
        now_s = self._clock().unix_s
        revision = (self._live.revision, snapshot is None, int(now_s))
        return self.shared.get("lines", revision, lambda: self._lines_view(site, snapshot, now_s))

    def _lines_view(self, site: Site, snapshot: Snapshot | None, now_s: float) -> LinesView:
        states = {} if snapshot is None else {state.id: state for state in snapshot.lines}
        return LinesView(
            server=server_view(
                self._info, site, now_s, is_history_behind=self._history_health().is_behind
            ),
            lines=[
                line_view(line, states.get(line.id), is_default=index == 0)
                for index, line in enumerate(site.lines)
            ],
        )

    async def _encode_changes(self, line: Line, since_s: float | None) -> Encoded:
        changes: list[StateChange] = []
        for equipment in line.equipment:
            changes.extend(_at_or_after(self._live.changes(equipment.code), since_s))
        changes.sort(key=lambda change: change.at_s)
        now = self._clock()
        observed_since_s = self._live.observed_since_s
        if observed_since_s is None:
            observed_since_s = now.unix_s
        if len(changes) > CHANGES_PER_ANSWER_MAX:
            changes = changes[-CHANGES_PER_ANSWER_MAX:]
            observed_since_s = max(observed_since_s, changes[0].at_s)
        known_since = {
            equipment.code: iso_utc(known_s)
            for equipment in line.equipment
            if (known_s := self._live.known_since_s(equipment.code)) is not None
            and known_s > observed_since_s
        }
        envelope = ChangesView(
            observed_since=iso_utc(observed_since_s),
            observed_since_by_equipment=known_since,
            now=iso_utc(now.unix_s),
            changes=[],
        )
        return await encode_in_slices(envelope, changes, change_view)

    def _present(self) -> Snapshot:
        snapshot = self._live.snapshot
        if snapshot is None or not self._live.is_ticking():
            raise not_ticking(self._live.snapshot_age_s())
        return snapshot

    def _site(self) -> Site:
        if self._live.site is None:
            raise not_ticking(None)
        return self._live.site

    def _line(self, line_id: str) -> Line:
        found = self._live.find_line(line_id)
        if found is None:
            raise not_found("line", line_id, [line.id for line in self._site().lines])
        return found


def add_line_routes(router: APIRouter, api: LineApi) -> None:
    """Add the routes of the REST interface, documented for OpenAPI."""
    line, unseen = _problem("No such line."), _problem("The board does not tick: see the detail.")
    plan = _problem("No such line, no floor plan, or an image that cannot be served.")

    def get(
        path: str,
        endpoint: Any,
        name: str,
        responses: dict[int | str, Any],
        tag: str,
        response_class: type[Response] = JSONResponse,
    ) -> None:
        router.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            operation_id=name,
            summary=name.replace("_", " ").capitalize(),
            responses=responses,
            response_model=None,
            response_class=response_class,
            tags=[tag],
        )

    ok = _ok
    get("/api/lines", api.lines, "list_lines", {**ok(LinesView), 503: unseen}, "line")
    get(
        "/api/lines/{line}/changes",
        api.line_changes,
        "list_line_changes",
        {**ok(ChangesView), 404: line, 422: _problem("`since` is not a time."), 503: unseen},
        "line",
    )
    get(
        "/api/lines/{line}/floor-plan",
        api.floor_plan,
        "get_floor_plan",
        {
            200: _IMAGE,
            304: _NOT_MODIFIED,
            404: plan,
            422: _problem("The id is too long."),
            503: unseen,
        },
        "line",
        Response,
    )
    get(
        "/api/equipment",
        api.equipment_list,
        "list_equipment",
        {
            **ok(EquipmentListView),
            404: line,
            422: _problem("`status` is none of the five."),
            503: unseen,
        },
        "equipment",
    )
    get(
        "/api/news",
        api.news,
        "get_news",
        {**ok(NewsView), 404: line, 422: _problem("The id is too long."), 503: unseen},
        "equipment",
    )
    get(
        "/api/equipment/{code}",
        api.equipment,
        "get_equipment",
        {
            **ok(EquipmentDetailView),
            404: _problem("No such equipment; the detail names the nearest code."),
            422: _problem("The code is too long."),
            503: unseen,
        },
        "equipment",
    )
    get("/api/plcs", api.plcs, "list_plcs", {**ok(PlcsView), 503: unseen}, "plc")
    get("/healthz", api.healthz, "get_health", {200: {"model": HealthView}}, "server")
    not_ready = {"model": HealthView, "description": "The board does not tick."}
    get(
        "/readyz",
        api.readyz,
        "get_readiness",
        {200: {"model": HealthView}, 503: not_ready},
        "server",
    )


_NOT_MODIFIED: dict[str, Any] = {"description": "The client's copy (If-None-Match) is current."}
_IMAGE: dict[str, Any] = {
    "description": "The image file as configured.",
    "content": {
        media_type: {"schema": {"type": "string", "format": "binary"}}
        for media_type in ("image/svg+xml", "image/png", "image/jpeg", "image/webp")
    },
}


def _ok(model: type) -> dict[int | str, Any]:
    return {200: {"model": model, "description": "As described."}, 304: _NOT_MODIFIED}


def _problem(description: str) -> dict[str, Any]:
    return {"model": ProblemView, "description": description}


def _at_or_after(changes: tuple[StateChange, ...], since_s: float | None) -> Iterator[StateChange]:
    return (change for change in changes if since_s is None or change.at_s >= since_s)


def _state_of(snapshot: Snapshot, code: str) -> EquipmentState | None:
    return next(
        (state for line in snapshot.lines for state in line.equipment if state.code == code), None
    )
