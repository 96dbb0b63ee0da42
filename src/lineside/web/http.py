"""The HTTP side of Lineside as one ASGI application: REST, metrics, documents, the monitor.

It wires routes and headers; what the answers say is decided in `api`, `metrics` and `documents`.
The WebSocket routes come in from outside; the gate stands before this application and adds the
headers that every answer carries.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from http import HTTPStatus
from importlib import resources
from pathlib import Path

import msgspec
from anyio import to_thread
from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineside.core.ports import Clock
from lineside.history.alarm_book import AlarmCounts
from lineside.history.service import History
from lineside.hub.subscribers import HubMetrics
from lineside.web.answers import Encoded, json_response, tagged
from lineside.web.documents import asyncapi_document, openapi_document
from lineside.web.live import LiveView
from lineside.web.metrics import LinesideCollector, Metrics, ServerStats
from lineside.web.monitor_files import MonitorFiles, load_monitor_files
from lineside.web.problem import install_problem_handlers, problem_response
from lineside.web.rest import ServedRoutes, add_rest_routes
from lineside.web.views import ServerInfo

BODY_TIMEOUT_S = 9.0  # for the body of a request to arrive
BODY_MAX_BYTES = 64 * 1024  # of a request: what people write is short
STATIC_DIR = Path(__file__).parent / "static"

# Swagger UI sets style attributes and draws its icons from data: addresses.
DOCS_CSP = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def create_app(
    live: LiveView,
    hub_stats: Callable[[], HubMetrics],
    server_info: ServerInfo,
    clock: Clock,
    *,
    static_dir: Path | None = STATIC_DIR,
    extra_routes: Sequence[BaseRoute] = (),
    server_stats: Callable[[], ServerStats] = ServerStats,
    history: History | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        live: must already hear the bus.
        hub_stats: the hub's `metrics`, asked at each scrape of `/metrics`.
        server_info: its `build` is replaced by the name of the monitor found in `static_dir`.
        clock: the same clock that the snapshots are made with.
        static_dir: the built monitor, read once, here.
        extra_routes: the WebSocket routes; they come before the monitor's catch-all.
        server_stats: asked at each scrape of `/metrics`.
        history: what answers questions about the past; None: nothing is kept.

    Raises:
        LinesideError: `static_dir` cannot be the built monitor.
    """
    monitor = load_monitor_files(static_dir)
    server_info = msgspec.structs.replace(server_info, build=monitor.build)
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(_HeadAsGet), Middleware(_SmallBodies)],
    )
    install_problem_handlers(app)
    rest = ServedRoutes()
    add_rest_routes(rest, live, server_info, clock, history)
    app.router.routes.extend(rest.routes)
    collector = LinesideCollector(
        live,
        hub_stats,
        server_info,
        clock,
        server_stats,
        history.health if history is not None else None,
        (lambda: _alarm_counts(history)) if history is not None else None,
    )
    metrics = Metrics(collector)
    _add_metrics(app, metrics)
    _add_documents(app)
    app.router.routes.extend(extra_routes)
    _add_monitor(app, monitor)
    return app


def _alarm_counts(history: History) -> AlarmCounts | None:
    """Return how many alarms there are by now; None while not all of them are known."""
    return history.alarms.counts() if history.knows_alarms() else None


def _add_metrics(app: FastAPI, metrics: Metrics) -> None:
    async def expose(request: Request) -> Response:
        body, media_type = metrics.expose(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    app.add_route("/metrics", expose, methods=["GET"])


def _add_documents(app: FastAPI) -> None:
    @lru_cache(maxsize=1)
    def encoded_openapi() -> Encoded:
        return tagged(msgspec.json.encode(openapi_document()))

    @lru_cache(maxsize=1)
    def encoded_asyncapi() -> Encoded:
        return tagged(msgspec.json.encode(asyncapi_document()))

    building = asyncio.Lock()

    async def openapi(request: Request) -> Response:
        # Putting it together takes as long as many ticks' worth of work: once, whoever asks.
        async with building:
            encoded = await to_thread.run_sync(encoded_openapi)
        return json_response(request, encoded)

    async def asyncapi(request: Request) -> Response:
        return json_response(request, encoded_asyncapi())

    pages = resources.files("lineside.web") / "pages"
    docs_html = (pages / "docs.html").read_bytes()
    docs_script = (pages / "docs-init.js").read_bytes()

    # Every address on the page is relative, since a proxy may show it in any folder.
    inside_html = re.sub(rb'(href|src)="', rb'\1="../', docs_html)

    async def docs(request: Request) -> Response:
        headers = {"Content-Security-Policy": DOCS_CSP, "Cache-Control": "no-cache"}
        html = inside_html if request.url.path.endswith("/") else docs_html
        return Response(html, media_type="text/html; charset=utf-8", headers=headers)

    async def docs_init(_request: Request) -> Response:
        headers = {"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-cache"}
        return Response(docs_script, headers=headers)

    app.add_route("/openapi.json", openapi, methods=["GET"])
    app.add_route("/asyncapi.json", asyncapi, methods=["GET"])
    app.add_route("/docs", docs, methods=["GET"])
    app.add_route("/docs/", docs, methods=["GET"])
    app.add_route("/docs/docs-init.js", docs_init, methods=["GET"])


def _add_monitor(app: FastAPI, monitor: MonitorFiles) -> None:
    async def serve(request: Request) -> Response:
        return monitor.respond(request, request.path_params["path"])

    app.add_route("/{path:path}", serve, methods=["GET"])


class _HeadAsGet:
    """Answers HEAD wherever GET is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_without_body)


class _SmallBodies:
    """Refuses requests with a body of more than 64 KiB before it is kept anywhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_question = scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS")
        # Nothing outside of REST can be written: that is refused without waiting for its body.
        if is_question or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        body = b""
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return  # the client has gone
                    body += message.get("body", b"")
                    if len(body) > BODY_MAX_BYTES:
                        detail = f"The body may have {BODY_MAX_BYTES} bytes at most."
                        refusal = problem_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
                        await refusal(scope, receive, send)
                        return
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            detail = f"The body did not arrive within {BODY_TIMEOUT_S:g} s."
            await problem_response(HTTPStatus.REQUEST_TIMEOUT, detail)(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)
