"""Host and Origin: which pages may read the plant, over HTTP and WebSocket alike."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from builders import T0_S, TurnedClock
from lineside.web.gate import (
    Gate,
    GateRules,
    Refused,
    check_host,
    check_origin,
    gate_rules,
    path_inside,
)
from serving import RawClient, handshake, serving

RULES = gate_rules(
    "0.0.0.0",
    allowed_hosts=["monitor.plant.local", "proxy.plant.local:8443"],
    allowed_origins=["http://localhost:3001", "https://dash.plant.local"],
)

Headers = list[tuple[bytes, bytes]]


def scope_of(
    *headers: tuple[str, str],
    kind: str = "http",
    scheme: str = "http",
    server: tuple[str, int] | None = ("192.168.3.10", 8000),
    method: str = "GET",
) -> dict[str, Any]:
    return {
        "type": kind,
        "scheme": scheme,
        "server": server,
        "method": method,
        "path": "/",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "extensions": {"websocket.http.response": {}},
    }


def host_status(*hosts: str, server: tuple[str, int] = ("192.168.3.10", 8000)) -> int:
    try:
        check_host(RULES, scope_of(*(("Host", host) for host in hosts), server=server))
    except Refused as refused:
        return refused.status.value
    return 200


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8000",
        "LOCALHOST:8000",
        "localhost.:8000",
        "127.0.0.1:8000",
        "[::1]:8000",
        "192.168.3.10:8000",  # the address the connection came in on
        f"{socket.gethostname()}:8000",
        "monitor.plant.local",
        "monitor.plant.local:9000",
        "proxy.plant.local:8443",
    ],
)
def test_a_name_that_is_ours_is_let_in(host: str) -> None:
    assert host_status(host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8000",
        "localhost",  # port 80 is not ours
        "localhost:8001",
        "localhost.evil.example:8000",
        "192.168.3.11:8000",
        "proxy.plant.local",
        "monitor.plant.local.evil.example",
        "[::2]:8000",
    ],
)
def test_a_name_that_is_not_ours_is_misdirected(host: str) -> None:
    assert host_status(host) == 421


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["localhost:8000", "localhost:8000"],
        ["localhost:8000, localhost:8000"],
        ["user@localhost:8000"],
        ["http://localhost:8000"],
        ["localhost:8000/"],
        ["localhost:99999"],
        ["localhost:"],
        ["local host:8000"],
        ["::1"],
        ["\xe9:8000"],
    ],
)
def test_a_host_header_that_is_missing_repeated_or_malformed_is_a_bad_request(
    hosts: list[str],
) -> None:
    assert host_status(*hosts) == 400


@pytest.mark.parametrize("address", ["::1", "::ffff:192.168.3.10", "fe80::1%eth0"])
def test_the_address_a_connection_came_in_on_counts_in_every_notation(address: str) -> None:
    shown = {"::1": "[::1]", "::ffff:192.168.3.10": "192.168.3.10", "fe80::1%eth0": "[fe80::1]"}
    assert host_status(f"{shown[address]}:8000", server=(address, 8000)) == 200


def test_the_default_port_may_be_left_out_where_it_is_ours() -> None:
    assert host_status("localhost", server=("127.0.0.1", 80)) == 200
    assert host_status("localhost:80", server=("127.0.0.1", 80)) == 200


@given(st.text(st.characters(max_codepoint=255)))
def test_any_host_header_gives_a_name_or_a_refusal(host: str) -> None:
    assert host_status(host) in (200, 400, 421)


def origin_of(*origins: str, scheme: str = "ws", host: str = "localhost:8000") -> str | None:
    scope = scope_of(*(("Origin", origin) for origin in origins), scheme=scheme)
    return check_origin(RULES, scope, host)


def test_no_origin_is_no_browser_and_is_let_in() -> None:
    assert origin_of() is None


@pytest.mark.parametrize(
    "origin", ["http://localhost:8000", "http://localhost:3001", "https://dash.plant.local"]
)
def test_our_own_pages_and_the_allowed_ones_are_let_in(origin: str) -> None:
    assert origin_of(origin) == origin


def test_our_own_origin_has_the_scheme_and_the_port_of_the_request() -> None:
    assert origin_of("https://localhost:8000", scheme="wss") == "https://localhost:8000"
    assert origin_of("http://localhost", host="localhost") == "http://localhost"


@pytest.mark.parametrize(
    "origins",
    [
        ["null"],
        [""],
        ["http://evil.example"],
        ["http://localhost:3002"],
        ["https://localhost:3001"],
        ["http://localhost:3001/"],
        ["http://localhost:3001.evil.example"],
        ["HTTP://LOCALHOST:3001"],
        ["http://127.0.0.1:8000"],  # ours, but not the name this request was made to
        ["http://localhost:3001", "http://localhost:3001"],
        ["http://localhost:3001, http://evil.example"],
        ["file://"],
        ["*"],
    ],
)
def test_every_other_origin_is_refused(origins: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        origin_of(*origins)
    assert refused.value.status.value == 403
    assert "allowed_origins" in refused.value.detail


@pytest.mark.parametrize(
    ("headers", "host", "status"),
    [
        ([], None, 101),
        (["Origin: http://localhost:3001"], None, 101),
        (["Origin: http://127.0.0.1:{port}"], None, 101),
        (["Origin: null"], None, 403),
        (["Origin: http://evil.example"], None, 403),
        (["Origin: http://127.0.0.1:{port}", "Origin: http://evil.example"], None, 400),
        ([], "evil.example:{port}", 421),
        ([], "localhost:{port}", 101),
        (["Origin: http://evil.example:{port}"], "evil.example:{port}", 421),
        (["Host: localhost:{port}"], None, 400),
    ],
)
async def test_a_websocket_is_refused_with_a_status_before_the_upgrade(
    headers: list[str], host: str | None, status: int
) -> None:
    async with serving() as served:
        port = served.port
        client = await RawClient.connect(port)
        filled = [header.format(port=port) for header in headers]
        name = host.format(port=port) if host else None
        await client.send(handshake(port, "/ws/monitor", *filled, host=name))
        assert (await client.head()).startswith(f"HTTP/1.1 {status} ")
        assert served.hub.metrics().subscribers == (1 if status == 101 else 0)
        client.close()


async def test_replaced_rules_count_from_the_next_connection_and_touch_no_open_one() -> None:
    async with serving() as served, served.connect(origin="http://localhost:3001") as client:
        await client.recv()
        served.gate.rules = gate_rules("127.0.0.1")
        late = await RawClient.connect(served.port)
        await late.send(handshake(served.port, "/ws/monitor", "Origin: http://localhost:3001"))
        assert (await late.head()).startswith("HTTP/1.1 403 ")
        late.close()
        served.tick()
        assert json.loads(await client.recv())["type"] == "equipment_status"


async def ask(
    *headers: tuple[str, str],
    method: str = "GET",
    rules: GateRules = RULES,
    parts: tuple[bytes, ...] = (b"",),
    is_cut: bool = False,
) -> tuple[int, dict[str, str], bytes]:
    app = FastAPI()

    @app.post("/")
    async def write(request: Request) -> dict[str, int]:
        return {"read_bytes": len(await request.body())}

    @app.get("/")
    def read() -> dict[str, str]:
        return {"read": "yes"}

    scope = scope_of(("Host", "localhost:8000"), *headers, method=method)
    scope |= {"query_string": b"", "root_path": "", "http_version": "1.1", "client": None}
    sent: list[dict[str, Any]] = []

    waiting = list(parts)

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting) or is_cut}

    async def send(message: Any) -> None:
        sent.append(message)

    await Gate(app, rules)(scope, receive, send)
    pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    assert len({name for name, _ in pairs}) == len(pairs), "a header is there twice"
    return sent[0]["status"], dict(pairs), b"".join(part.get("body", b"") for part in sent)


async def test_rest_names_the_allowed_origin_and_nobody_else() -> None:
    status, headers, body = await ask(("Origin", "http://localhost:3001"))
    assert (status, body) == (200, b'{"read":"yes"}')
    assert headers["access-control-allow-origin"] == "http://localhost:3001"
    assert headers["vary"] == "Origin"
    for origin in ("http://evil.example", "null"):
        status, headers, _ = await ask(("Origin", origin))
        assert status == 200
        assert "access-control-allow-origin" not in headers
        assert headers["vary"] == "Origin"


async def test_what_would_change_something_is_not_done_for_a_foreign_page() -> None:
    for origin in ("http://evil.example", "null", "http://localhost:3001.evil.example"):
        status, headers, body = await ask(("Origin", origin), method="POST")
        assert status == 403
        assert b"allowed_origins under [server]" in body
        assert "access-control-allow-origin" not in headers
    for origins in ((), (("Origin", "http://localhost:3001"),)):
        assert (await ask(*origins, method="POST"))[0] == 200


async def test_a_preflight_is_answered_for_what_the_interface_knows() -> None:
    wish = ("Access-Control-Request-Method", "GET")
    status, headers, _ = await ask(("Origin", "http://localhost:3001"), wish, method="OPTIONS")
    assert status == 204
    assert headers["access-control-allow-origin"] == "http://localhost:3001"
    assert headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS, POST, DELETE"
    status, headers, _ = await ask(("Origin", "http://evil.example"), wish, method="OPTIONS")
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control-")]


async def test_what_a_foreign_page_would_write_is_not_even_heard() -> None:
    for method in ("POST", "DELETE", "PUT", "PATCH"):
        status, headers, _ = await ask(("Origin", "http://evil.example"), method=method)
        assert status == 403
        assert not [name for name in headers if name.startswith("access-control-")]


async def test_every_answer_tells_the_browser_what_the_page_may_do() -> None:
    _, headers, _ = await ask()
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self' ws://localhost:8000 wss://localhost:8000" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_a_refusal_says_what_to_write_where() -> None:
    app_never_asked = FastAPI()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing to read")

    async def send(message: Any) -> None:
        sent.append(message)

    await Gate(app_never_asked, RULES)(scope_of(("Host", "evil.example")), receive, send)
    assert sent[0]["status"] == 421
    problem = json.loads(sent[1]["body"])
    assert "'evil.example'" in problem["detail"]
    assert "allowed_hosts under [server]" in problem["detail"]


async def test_a_base_path_is_taken_off_whether_a_proxy_does_it_or_not() -> None:
    rules = gate_rules("127.0.0.1", base_path="/line")
    for path, inside in (
        ("/line/api/lines", "/api/lines"),
        ("/api/lines", "/api/lines"),
        ("/line/", "/"),
        ("/lines", "/lines"),
        ("/line/line/x", "/line/x"),
    ):
        assert path_inside(rules, {**scope_of(), "path": path}) == inside
    async with serving(rules=rules) as served:
        for path in ("/line/ws/monitor", "/ws/monitor"):
            client = await RawClient.connect(served.port)
            await client.send(handshake(served.port, path))
            assert (await client.head()).startswith("HTTP/1.1 101 ")
            client.close()


async def test_the_page_in_a_folder_has_an_address_that_ends_in_a_slash() -> None:
    async with serving(rules=gate_rules("127.0.0.1", base_path="/line")) as served:
        client = await RawClient.connect(served.port)
        request = f"GET /line?line=a HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n"
        await client.send(request.encode())
        head = await client.head()
        assert head.startswith("HTTP/1.1 308 ")
        assert "location: /line/?line=a" in head.lower()
        client.close()


async def test_only_the_pages_that_are_named_may_show_it_in_a_frame() -> None:
    rules = gate_rules("localhost", frame_ancestors=["http://portal.plant.local"])
    _, headers, _ = await ask(rules=rules)
    policy = headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' http://portal.plant.local")


async def test_whoever_is_refused_is_told_in_the_log_seldom_and_with_the_key() -> None:
    clock = TurnedClock(T0_S)
    with capture_logs() as lines:
        gate = Gate(FastAPI(), RULES, clock)
        for _ in range(3):
            gate.refuse_websocket(scope_of(("Host", "192.168.1.10")))
        for number in range(20):
            gate.refuse_websocket(scope_of(("Host", f"host{number}.example")))
    assert len(lines) == 10
    assert "'192.168.1.10'" in lines[0]["problem"]
    assert "allowed_hosts under [server]" in lines[0]["problem"]
    clock.turn(600)
    with capture_logs() as lines:
        gate.refuse_websocket(
            scope_of(("Host", "localhost:8000"), ("Origin", "http://portal.plant.local"))
        )
    assert [line["event"] for line in lines] == [
        "more requests were refused",
        "a request was refused",
    ]
    assert lines[0]["requests"] == 13
    assert "allowed_origins under [server]" in lines[1]["problem"]
