"""The REST interface of the past. It asks the history, which answers from its database."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from lineside.core.errors import HistoryError
from lineside.core.times import iso_utc
from lineside.history.records import HistoryHealth, StoredChange
from lineside.history.service import History
from lineside.web.answers import encode, encode_in_slices, json_response
from lineside.web.asking import moment
from lineside.web.live import LiveView
from lineside.web.problem import Problem, not_found, not_ticking
from lineside.web.schema import (
    HistoryHealthView,
    ProblemView,
    StoredChangesView,
    StoredChangeView,
    StoredReasonView,
    StoredTagView,
)

if TYPE_CHECKING:
    from lineside.history.store import Store

PAGE_MAX = 1_000

EquipmentCode = Annotated[str, Path(description="As in `/api/equipment`.", max_length=200)]
From = Annotated[
    AwareDatetime,
    Query(alias="from", description="Changes at or after this time (ISO 8601 with its offset)."),
]
To = Annotated[AwareDatetime, Query(alias="to", description="Changes before this time.")]
After = Annotated[
    str | None,
    Query(description="`next` of the page before.", pattern=r"^\d{1,15}\.\d{1,9}\.\d{1,15}$"),
]
Limit = Annotated[int, Query(description="Changes on one page.", ge=1, le=PAGE_MAX)]


class HistoryApi:
    """Answers from one history."""

    def __init__(self, live: LiveView, history: History | None) -> None:
        self._live = live
        self._history = history

    async def health(self) -> Response:
        """Return how the history fares: whether it is behind, by how much, and why."""
        health = self._history.health() if self._history else HistoryHealth(is_enabled=False)
        facts = msgspec.structs.asdict(health)
        view = HistoryHealthView(
            aside_oldest=_iso(facts.pop("aside_oldest_ms")), **facts, is_behind=health.is_behind
        )
        return Response(
            encode(view).body,
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    async def equipment_changes(
        self,
        request: Request,
        code: EquipmentCode,
        begin: From,
        end: To,
        after: After = None,
        limit: Limit = PAGE_MAX,
    ) -> Response:
        """Return the status changes of one machine in a window, oldest first, page by page."""
        if self._live.site is None:
            raise not_ticking(None)
        if code not in self._live.equipment_by_code:
            configured = await self._ask(lambda store: store.configurations.read())
            if configured.machine(code) is None:  # nor was it ever
                raise not_found("equipment", code, self._live.equipment_by_code)
        begin_ms, end_ms = moment("from", begin), moment("to", end)
        at_ms, run_id, seq = map(int, after.split(".")) if after else (0, 0, 0)

        async def question(store: Store) -> tuple[list[StoredChange], str | None]:
            from lineside.history.past import kept_from

            changes = await store.changes(
                [code],
                begin_ms,
                end_ms,
                after=(at_ms, run_id, seq) if after else None,
                limit=limit + 1,
            )
            return changes, await kept_from(store, [code], begin_ms)

        found, whole_from = await self._ask(question)
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        envelope = StoredChangesView(
            equipment_code=code,
            begin=iso_utc(begin.timestamp()),
            end=iso_utc(end.timestamp()),
            next=f"{last.at_ms}.{last.run_id}.{last.seq}" if last else None,
            kept_from=whole_from,
            changes=[],
        )
        return json_response(request, await encode_in_slices(envelope, page, stored_change_view))

    async def _ask(self, question: Any) -> Any:
        if self._history is None:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "The history is switched off in the configuration."
            )
        try:
            return await self._history.ask(question)
        except HistoryError as error:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The history cannot be read now: {error}.",
                headers={"Retry-After": "5"},
            ) from error


def add_history_routes(router: APIRouter, api: HistoryApi) -> None:
    """Add the routes of the past, documented for OpenAPI."""

    def get(path: str, endpoint: Any, name: str, responses: dict[int | str, Any]) -> None:
        router.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            operation_id=name,
            summary=name.replace("_", " ").capitalize(),
            responses=responses,
            response_model=None,
            response_class=JSONResponse,
            tags=["history"],
        )

    get(
        "/api/history/health",
        api.health,
        "get_history_health",
        {200: {"model": HistoryHealthView, "description": "As described."}},
    )
    get(
        "/api/equipment/{code}/changes",
        api.equipment_changes,
        "list_equipment_changes",
        {
            200: {"model": StoredChangesView, "description": "As described."},
            304: {"description": "The client's copy (If-None-Match) is current."},
            404: _problem("No such equipment; the detail names the nearest code."),
            422: _problem("A time, `after` or `limit` is not understood."),
            503: _problem("The history cannot be read now: see the detail."),
        },
    )


def stored_change_view(change: StoredChange) -> StoredChangeView:
    """Return one stored change."""
    reason = None
    if change.reason is not None:
        reason = StoredReasonView(
            code=change.reason,
            tag=change.tag,
            value=None if change.value is None else msgspec.json.decode(change.value),
            since=_iso(change.since_ms),
            until=_iso(change.until_ms),
            detail=change.detail,
        )
    return StoredChangeView(
        equipment_code=change.equipment_code,
        at=iso_utc(change.at_ms / 1000),
        previous=change.previous,
        status=change.status,
        reason=reason,
        tags=[_tag_view(tag, change.at_ms) for tag in msgspec.json.decode(change.tags)],
    )


def _tag_view(tag: list[Any], at_ms: int) -> StoredTagView:
    role, address, value, age_ms, *doubt = tag
    quality, reason = doubt or ("good", "")
    return StoredTagView(
        role=role,
        address=address,
        value=value,
        quality=quality,
        read_at=None if age_ms is None else _iso(at_ms - age_ms),
        reason=reason,
    )


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_utc(at_ms / 1000)


def _problem(description: str) -> dict[str, Any]:
    return {"model": ProblemView, "description": description}
