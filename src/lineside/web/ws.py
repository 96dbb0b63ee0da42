"""The WebSocket addresses: who gets a seat, and what clients say. The ticks come from the hub.

`/ws/monitor` follows the first line, `/ws/monitor/{line}` any line by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from lineside.core.ports import Clock
from lineside.hub.close_codes import REASONS, CloseCode
from lineside.hub.frame import Encoding, pong_payload, text_frame
from lineside.hub.inbound import InboundBudget, InboundLimits, Ping, Verdict, parse_inbound
from lineside.hub.subscribers import Hub
from lineside.web.http_stage import MakeListener
from lineside.web.problem import not_found, problem_response
from lineside.web.refusals import Refusals
from lineside.web.wire import WebSocketWire

_PATH = "/ws/monitor"
_RETRY_AFTER_S = 5
_TAKEN_AWAY = (
    "A WebSocket came without its upgrade: let the proxy in front of Lineside pass on Upgrade and "
    "Connection, with HTTP/1.1."
)


class MonitorDoor:
    """Opens the contract's WebSocket to whoever may hear a line."""

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        refuse: Callable[[Scope], Response | None],
        inbound_limits: InboundLimits = InboundLimits(),  # noqa: B008 -- frozen
        *,
        path_of: Callable[[Scope], str] = lambda scope: str(scope["path"]),
    ) -> None:
        """Make a door to the lines of `hub`.

        Args:
            hub: keeps the subscribers; knows the lines.
            clock: for pongs and for the ration of inbound messages.
            refuse: the gate's answer to a handshake that may not pass.
            inbound_limits: how much one client may say.
            path_of: the path of a handshake without what a proxy put before it.
        """
        self._path_of = path_of
        self._hub = hub
        self._clock = clock
        self._refuse = refuse
        self._inbound_limits = inbound_limits

    def admit(self, scope: Scope) -> Response | MakeListener:
        """Seat a client, or return the reason why not as the answer to its handshake."""
        refusal = self._refuse(scope)
        if refusal is not None:
            return refusal
        path = self._path_of(scope)
        line_id = path[len(_PATH) + 1 :] or None
        if path != _PATH and (not path.startswith(f"{_PATH}/") or line_id is None):
            return problem_response(
                HTTPStatus.NOT_FOUND,
                "There is no WebSocket here. Try /ws/monitor or /ws/monitor/{line}.",
            )
        hub = self._hub
        if not hub.has_line(line_id):
            problem = not_found("line", line_id or "", hub.line_ids)
            return problem_response(problem.status, problem.detail)
        address = scope["client"][0] if scope["client"] else ""
        no_seat = hub.reserve_seat(address)
        if no_seat is not None:
            return problem_response(
                HTTPStatus.SERVICE_UNAVAILABLE,
                no_seat.value,
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )
        return partial(MonitorListener, hub, self._clock, self._inbound_limits, address, line_id)

    def seat_count(self, address: str) -> int:
        """Return how many seats `address` has."""
        return self._hub.seat_count(address)


class MonitorListener:
    """What one seated client says, and the answers."""

    __slots__ = ("_address", "_budget", "_clock", "_hub", "_limits", "_subscriber", "_wire")

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        inbound_limits: InboundLimits,
        address: str,
        line_id: str | None,
        wire: WebSocketWire,
    ) -> None:
        """Greet the client and let it hear its line."""
        self._hub = hub
        self._clock = clock
        self._limits = inbound_limits
        self._address = address
        self._wire = wire
        self._budget: InboundBudget | None = None  # most screens never say anything
        encoding = Encoding.DEFLATE if wire.is_deflated else Encoding.PLAIN
        self._subscriber = hub.subscribe(wire, line_id, encoding)

    def on_message(self, message: str | bytes) -> None:
        """Answer one message, if the client's ration allows it."""
        now = self._clock()
        if self._budget is None:
            self._budget = InboundBudget(self._limits, now.monotonic_s)
        verdict = self._budget.spend(now.monotonic_s)
        if verdict is Verdict.IGNORE:
            return
        if verdict is Verdict.CLOSE:
            self._wire.fail(CloseCode.POLICY_VIOLATION, REASONS[CloseCode.POLICY_VIOLATION])
            return
        inbound = parse_inbound(message)
        if isinstance(inbound, Ping):
            self._subscriber.send(text_frame(pong_payload(now.unix_s, inbound.timestamp)))
        else:
            self._subscriber.send(self._hub.status_frame("error", inbound.message))

    def on_closed(self) -> None:
        """Give back the seat."""
        self._hub.release_seat(self._address)


def upgrade_routes(clock: Clock) -> list[BaseRoute]:
    """Return the routes that tell plain HTTP where the WebSockets are."""
    refusals = Refusals(clock)

    async def upgrade_required(request: Request) -> Response:
        detail = "This address speaks WebSocket: connect to it with ws://, not http://."
        if "sec-websocket-key" in request.headers:
            detail = _TAKEN_AWAY
            refusals.tell(detail, request.url.path)
        return problem_response(
            HTTPStatus.UPGRADE_REQUIRED,
            detail,
            headers={"Upgrade": "websocket", "Connection": "Upgrade"},
        )

    paths: Sequence[str] = (_PATH, f"{_PATH}/{{line}}")
    return [Route(path, upgrade_required, methods=["GET"]) for path in paths]
