"""The WebSocket routes: seat, handshake, and what clients say. The ticks come from the hub.

`/ws/monitor` follows the first line, `/ws/monitor/{line}` any line by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from lineside.core.ports import Clock
from lineside.hub.audience import Subscriber
from lineside.hub.close_codes import REASONS, CloseCode
from lineside.hub.frame import pong_payload, text_frame
from lineside.hub.inbound import InboundBudget, InboundLimits, Ping, Verdict, parse_inbound
from lineside.hub.subscribers import Hub
from lineside.web.problem import not_found, problem_response
from lineside.web.wire import EXTENSION, WebSocketWire

_RETRY_AFTER_S = 5


def websocket_routes(
    hub: Hub,
    clock: Clock,
    inbound_limits: InboundLimits = InboundLimits(),  # noqa: B008 -- frozen
) -> list[BaseRoute]:
    """Return the routes of the contract's WebSocket, to be added before any catch-all.

    Args:
        hub: keeps the subscribers; knows the lines.
        clock: for pongs and for the ration of inbound messages.
        inbound_limits: how much one client may say.
    """
    socket = MonitorSocket(hub, clock, inbound_limits)
    paths: Sequence[str] = ("/ws/monitor", "/ws/monitor/{line}")
    return [
        *(WebSocketRoute(path, socket) for path in paths),
        *(Route(path, _upgrade_required, methods=["GET"]) for path in paths),
        WebSocketRoute("/{path:path}", _no_such_socket),
    ]


class MonitorSocket:
    """The ASGI endpoint of one WebSocket after another."""

    def __init__(self, hub: Hub, clock: Clock, inbound_limits: InboundLimits) -> None:
        self._hub = hub
        self._clock = clock
        self._inbound_limits = inbound_limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Seat a client, or answer its handshake with the reason why not."""
        hub = self._hub
        line_id: str | None = scope["path_params"].get("line")
        if not hub.has_line(line_id):
            problem = not_found("line", line_id or "", hub.line_ids)
            await problem_response(problem.status, problem.detail)(scope, receive, send)
            return
        address = scope["client"][0] if scope["client"] else ""
        refusal = hub.reserve_seat(address)
        if refusal is not None:
            response = problem_response(
                HTTPStatus.SERVICE_UNAVAILABLE,
                refusal.value,
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )
            await response(scope, receive, send)
            return
        try:
            await receive()  # websocket.connect
            await send({"type": "websocket.accept"})
            await self._listen(hub.subscribe(_wire(scope), line_id), receive)
        finally:
            hub.release_seat(address)

    async def _listen(self, subscriber: Subscriber, receive: Receive) -> None:
        """Answer what the client says until it is gone."""
        budget = InboundBudget(self._inbound_limits, self._clock().monotonic_s)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            now = self._clock()
            verdict = budget.spend(now.monotonic_s)
            if verdict is Verdict.IGNORE:
                continue
            if verdict is Verdict.CLOSE:
                cast(WebSocketWire, subscriber.wire).fail(
                    CloseCode.POLICY_VIOLATION, REASONS[CloseCode.POLICY_VIOLATION]
                )
                return
            inbound = parse_inbound(message["text"])
            if isinstance(inbound, Ping):
                subscriber.send(text_frame(pong_payload(now.unix_s, inbound.timestamp)))
            else:
                subscriber.send(self._hub.status_frame("error", inbound.message))


def _wire(scope: Scope) -> WebSocketWire:
    """Return the connection itself, which web.server's protocols put into the scope."""
    extensions: dict[str, Any] = scope["extensions"]
    return cast(WebSocketWire, extensions[EXTENSION])


async def _upgrade_required(_request: Request) -> Response:
    return problem_response(
        HTTPStatus.UPGRADE_REQUIRED,
        "This address speaks WebSocket: connect to it with ws://, not http://.",
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )


class _NoSuchSocket:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = "There is no WebSocket here. Try /ws/monitor or /ws/monitor/{line}."
        await problem_response(HTTPStatus.NOT_FOUND, detail)(scope, receive, send)


_no_such_socket = _NoSuchSocket()
