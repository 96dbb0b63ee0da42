"""Who may ask: the Host and Origin rules, CORS and the security headers, for HTTP and WebSocket.

A browser sends along whatever page it shows; these rules keep foreign pages from reading the plant
through it, and from changing anything. They do not authenticate people.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineside.clock import system_clock
from lineside.core.ports import Clock
from lineside.web.problem import problem_response
from lineside.web.refusals import Refusals

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?")
_SHOWN_MAX = 80
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_PREFLIGHT_MAX_AGE_S = 600
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class GateRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate lets in.

    `names` are host names and addresses valid with the server's own port; `hosts` are the extra
    ones: with a port they are exact, without one they are valid with any (a reverse proxy's).
    `base_path` is the folder in which a proxy shows this server, whether it takes that off or not;
    `frame_ancestors` are the origins whose pages may show the monitor in a frame.
    """

    names: frozenset[str]
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    base_path: str = ""
    frame_ancestors: tuple[str, ...] = ()


def gate_rules(
    host: str,
    *,
    allowed_hosts: Iterable[str] = (),
    allowed_origins: Iterable[str] = (),
    base_path: str = "",
    frame_ancestors: Iterable[str] = (),
) -> GateRules:
    """Return the rules for a server that listens on `host`, from its configuration."""
    names = {host, "localhost", "127.0.0.1", "::1", socket.gethostname()} - {""}
    return GateRules(
        names=frozenset(_bracketed(name.lower()) for name in names),
        hosts=frozenset(name.lower() for name in allowed_hosts),
        origins=frozenset(origin.lower().rstrip("/") for origin in allowed_origins),
        base_path=base_path.rstrip("/"),
        frame_ancestors=tuple(origin.lower().rstrip("/") for origin in frame_ancestors),
    )


def path_inside(rules: GateRules, scope: Scope) -> str:
    """Return the path of a request as the server's own routes name it, without the base path."""
    path: str = scope["path"]
    base = rules.base_path
    return path[len(base) :] if base and path.startswith(f"{base}/") else path


class Refused(Exception):
    """A request that does not pass; the text is for whoever has to mend it."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def check_host(rules: GateRules, scope: Scope) -> str:
    """Return the Host of a request as browsers write it in an origin, if it is one we serve.

    Raises:
        Refused: 400 when it is missing, repeated or malformed, 421 when it is not ours.
    """
    values = _header(scope, b"host")
    if len(values) != 1:
        raise Refused(HTTPStatus.BAD_REQUEST, "A request carries exactly one Host header.")
    host = values[0].lower()
    match = _HOST.fullmatch(host)
    if match is None or int(match[2] or 0) > 65535:
        raise Refused(HTTPStatus.BAD_REQUEST, f"Host is not a host name: {_shown(host)}.")
    name, default_port = match[1].rstrip("."), _DEFAULT_PORTS.get(scope["scheme"], 80)
    port = int(match[2]) if match[2] else default_port
    server_name, server_port = scope.get("server") or ("", None)
    is_own = port == server_port and (name in rules.names or name == _address(server_name))
    if not is_own and not {name, f"{name}:{port}"} & rules.hosts:
        raise Refused(
            HTTPStatus.MISDIRECTED_REQUEST,
            f"This server does not answer to {_shown(host)}. If it should, add that name to "
            "allowed_hosts under [server] in lineside.toml.",
        )
    return name if port == default_port else f"{name}:{port}"


def check_origin(rules: GateRules, scope: Scope, host: str) -> str | None:
    """Return the origin of a request that may be answered, None when it names none.

    Args:
        rules: whom to let in.
        scope: the ASGI scope.
        host: what `check_host` returned; the server's own pages come from there.

    Raises:
        Refused: 403 for any other origin, `null` included.
    """
    values = _header(scope, b"origin")
    if not values:
        return None
    own = f"{'https' if scope['scheme'] in ('https', 'wss') else 'http'}://{host}"
    if len(values) == 1 and (values[0] == own or values[0] in rules.origins):
        return values[0]
    raise Refused(
        HTTPStatus.FORBIDDEN,
        f"Pages from {_shown(', '.join(values))} may not use this server. If they should, add "
        "that origin to allowed_origins under [server] in lineside.toml.",
    )


class Gate:
    """ASGI middleware. `rules` may be replaced while running; open connections stay."""

    def __init__(self, app: ASGIApp, rules: GateRules, clock: Clock = system_clock) -> None:
        self._app = app
        self.rules = rules
        self._refusals = Refusals(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it with what is wrong."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def refuse_websocket(self, scope: Scope) -> Response | None:
        """Return the answer to a handshake that may not pass, None for one that may."""
        try:
            check_origin(self.rules, scope, check_host(self.rules, scope))
        except Refused as refused:
            self._tell(refused, scope)
            # Before the upgrade, so that the client sees the status and not a closed WebSocket.
            return problem_response(refused.status, refused.detail)
        return None

    def _tell(self, refused: Refused, scope: Scope) -> None:
        """Log what a key of the configuration would mend; nonsense is nobody's to mend."""
        if refused.status is not HTTPStatus.BAD_REQUEST:
            self._refusals.tell(refused.detail, scope["path"])

    def path_inside(self, scope: Scope) -> str:
        """Return the path of a request as the server's own routes name it."""
        return path_inside(self.rules, scope)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            host = check_host(self.rules, scope)
        except Refused as refused:
            self._tell(refused, scope)
            response = problem_response(refused.status, refused.detail)
            await response(scope, receive, _with_headers(send, _security_headers("", self.rules)))
            return
        headers = _security_headers(host, self.rules)
        is_preflight = (
            scope["method"] == "OPTIONS"
            and bool(_header(scope, b"origin"))
            and bool(_header(scope, b"access-control-request-method"))
        )
        answer: Response | None = Response(status_code=204) if is_preflight else None
        try:
            origin = check_origin(self.rules, scope, host)
        except Refused as refused:
            # A plain question is answered, but its page may not read the answer: that is CORS.
            # What would change something is not done for a foreign page.
            origin = None
            if is_preflight or scope["method"] not in _SAFE_METHODS:
                self._tell(refused, scope)
                answer = problem_response(refused.status, refused.detail)
        if origin is not None:
            headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
            headers.append((b"access-control-expose-headers", b"ETag, Retry-After"))
            if is_preflight:
                headers.extend(_PREFLIGHT_HEADERS)
        guarded = _with_headers(send, headers)
        base = self.rules.base_path
        if base and scope["path"] == base and answer is None:
            # What the page asks for lies beside its own address: that has to end in a slash.
            query = scope["query_string"].decode("latin-1")
            answer = RedirectResponse(f"{base}/{'?' if query else ''}{query}", status_code=308)
        path = self.path_inside(scope)
        if path != scope["path"]:
            scope = {**scope, "path": path, "raw_path": quote(path).encode("ascii")}
        await (answer or self._app)(scope, receive, guarded)


_PREFLIGHT_HEADERS = (
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS, POST, DELETE"),
    (b"access-control-allow-headers", b"Content-Type, If-None-Match"),
    (b"access-control-max-age", str(_PREFLIGHT_MAX_AGE_S).encode()),
)


def _security_headers(host: str, rules: GateRules) -> list[tuple[bytes, bytes]]:
    # 'self' does not cover ws: in every browser that hangs on a wall, so the socket is named.
    sockets = f" ws://{host} wss://{host}" if host else ""
    frames = " ".join(("'self'", *rules.frame_ancestors))
    policy = (
        f"default-src 'self'; connect-src 'self'{sockets}; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {frames}"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"vary", b"Origin"),
    ]


def _with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    """Return `send` with `headers` added to the response, except where it has its own."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            # Vary adds up; of every other header the response's own one counts.
            taken = {name.lower() for name, _ in own} - {b"vary"}
            message["headers"] = own + [pair for pair in headers if pair[0] not in taken]
        await send(message)

    return send_with_headers


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in scope["headers"] if key == name]


def _bracketed(name: str) -> str:
    """Return an address as a Host header has it: IPv6 in brackets."""
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _address(text: str) -> str:
    """Return the address a connection came in on, as a Host header has it."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text.lower()
    mapped = getattr(address, "ipv4_mapped", None)
    return _bracketed(str(mapped or address))


def _shown(text: str) -> str:
    return repr(text[:_SHOWN_MAX])
