"""REST of what happened to PLC connections and to the server, and of the config at a moment."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from lineside.core.errors import HistoryError
from lineside.core.times import iso_utc
from lineside.history.records import StoredPlcEvent, StoredServerEvent
from lineside.web.answers import encode_in_slices, json_response
from lineside.web.asking import (
    JSON,
    PAGE_MAX,
    From,
    Limit,
    Past,
    To,
    described,
    documented,
    moment,
    window,
)
from lineside.web.event_schema import (
    ConfigVersionView,
    PlcEventsView,
    PlcEventView,
    ServerEventsView,
    ServerEventView,
)
from lineside.web.problem import Problem, not_found

if TYPE_CHECKING:
    from lineside.history.event_store import EventKey
    from lineside.history.records import ConfigRecord
    from lineside.history.store import Store

PlcQuery = Annotated[
    str | None,
    Query(
        alias="plc",
        description="Only this PLC, as in `/api/plcs`; left out: also those that are configured "
        "no more.",
        max_length=200,
    ),
]
Cursor = Annotated[
    str | None,
    Query(description="`next` of the page before.", pattern=r"^\d{1,15}\.\d{1,9}\.\d{1,15}$"),
]
At = Annotated[AwareDatetime, Query(description="The moment (ISO 8601 with its offset).")]


class EventApi:
    """Answers from one history."""

    def __init__(self, past: Past) -> None:
        self._past = past

    async def plc_events(
        self,
        request: Request,
        begin: From,
        end: To,
        plc: PlcQuery = None,
        cursor: Cursor = None,
        limit: Limit = PAGE_MAX,
    ) -> Response:
        """Return when PLCs were lost and came back, and why, oldest first.

        Each start of recording begins with how every connection was.
        """
        asked, known = window(begin, end), [each.id for each in self._past.site.plcs]
        if plc is not None and plc not in known:
            raise not_found("PLC", plc, known)

        async def question(store: Store) -> list[StoredPlcEvent]:
            from lineside.history.event_store import plc_events

            return await plc_events(
                store,
                asked.begin_ms,
                asked.end_ms,
                plc_ids=None if plc is None else [plc],
                after=_key(cursor),
                limit=limit + 1,
            )

        found = await self._past.ask(question)
        envelope = PlcEventsView(next=_next(found, limit), events=[])
        encoded = await encode_in_slices(envelope, found[:limit], plc_event_view)
        return json_response(request, encoded)

    async def server_events(
        self,
        request: Request,
        begin: From,
        end: To,
        cursor: Cursor = None,
        limit: Limit = PAGE_MAX,
    ) -> Response:
        """Return starts, stops and faults of the server and its history, oldest first."""
        asked = window(begin, end)

        async def question(store: Store) -> list[StoredServerEvent]:
            from lineside.history.event_store import server_events

            return await server_events(
                store, asked.begin_ms, asked.end_ms, after=_key(cursor), limit=limit + 1
            )

        found = await self._past.ask(question)
        envelope = ServerEventsView(next=_next(found, limit), events=[])
        encoded = await encode_in_slices(envelope, found[:limit], server_event_view)
        return json_response(request, encoded)

    async def config(self, request: Request, at: At) -> Response:
        """Return the configuration that held at one moment. It holds no secrets."""
        at_ms = moment("at", at)

        async def question(store: Store) -> bytes:
            config = await store.config_at(at_ms)
            if config is not None:
                try:
                    msgspec.json.decode(config.site)
                except msgspec.DecodeError as error:
                    store.database.left_out.note("config_version", config.at_ms, str(error))
                    raise HistoryError(
                        "the configuration of that moment is not understood"
                    ) from error
            return _encoded(config)

        return json_response(request, await self._past.ask_encoded(question))


def add_event_routes(router: APIRouter, api: EventApi) -> None:
    """Add the routes, documented for OpenAPI."""

    def get(path: str, endpoint: Any, name: str, responses: dict[Any, Any]) -> None:
        router.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            operation_id=name,
            summary=name.replace("_", " ").capitalize(),
            responses=responses,
            response_model=None,
            response_class=JSON,
            tags=["history"],
        )

    of_plcs = documented(PlcEventsView, not_found="No such PLC; the detail names the nearest.")
    get("/api/plc-events", api.plc_events, "list_plc_events", of_plcs)
    of_server = {key: value for key, value in documented(ServerEventsView).items() if key != 404}
    get("/api/server-events", api.server_events, "list_server_events", of_server)
    of_config = documented(ConfigVersionView)
    of_config[404] = described("No configuration is known of so early a moment.")
    get("/api/config", api.config, "get_config", of_config)


def plc_event_view(event: StoredPlcEvent) -> PlcEventView:
    """Return one event of a PLC."""
    return PlcEventView(
        at=iso_utc(event.at_ms / 1000),
        plc_id=event.plc_id,
        link=event.link,
        fault=event.fault or None,
        cause=event.cause or None,
        end_code=None if event.end_code is None else f"{event.end_code:04X}",
    )


def server_event_view(event: StoredServerEvent) -> ServerEventView:
    """Return one event of the server."""
    return ServerEventView(at=iso_utc(event.at_ms / 1000), kind=event.kind, detail=event.detail)


def _encoded(config: ConfigRecord | None) -> bytes:
    """Return a version of the configuration as the body of an answer."""
    if config is None:
        raise Problem(
            HTTPStatus.NOT_FOUND, "The history knows no configuration of so early a moment."
        )
    head = {"since": iso_utc(config.at_ms / 1000), "fingerprint": config.fingerprint}
    # It is JSON already, and of a large plant too long to be taken apart for this.
    return b"".join((msgspec.json.encode(head)[:-1], b',"site":', config.site.encode(), b"}"))


def _key(cursor: str | None) -> EventKey | None:
    if cursor is None:
        return None
    at_ms, run_id, seq = map(int, cursor.split("."))
    return at_ms, run_id, seq


def _next(found: list[Any], limit: int) -> str | None:
    """Return the cursor of the page after the first `limit` of what was found."""
    if len(found) <= limit:
        return None
    last = found[limit - 1]
    return f"{last.at_ms}.{last.run_id}.{last.seq}"
