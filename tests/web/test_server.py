from __future__ import annotations

import asyncio
import errno
import socket
import sys
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope
from structlog.testing import capture_logs

from lineside.core.limits import CONNECTIONS_MAX
from lineside.web.connection_cap import ConnectionCap, connection_limit
from lineside.web.http_stage import MakeListener
from lineside.web.server import LinesideServer, bind, event_loop_factory
from serving import RawClient, eventually, handshake, serving


async def _answer(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nothing asks")


class _NoDoor:
    def admit(self, scope: Scope) -> Response | MakeListener:
        raise AssertionError("nothing asks")

    def seat_count(self, address: str) -> int:
        return 0


def test_a_port_in_use_is_an_oserror_that_says_so() -> None:
    (taken,) = bind("127.0.0.1", 0)
    with taken, pytest.raises(OSError, match="in use") as caught:
        bind("127.0.0.1", taken.getsockname()[1])
    assert caught.value.errno == errno.EADDRINUSE


def test_a_port_that_another_takes_between_bind_and_listen_is_in_use_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        bind_only = socket.socket.bind

        def bind_late(bound: socket.socket, address: Any) -> None:
            bind_only(bound, address)
            other.listen()

        monkeypatch.setattr(socket.socket, "bind", bind_late)
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", other.getsockname()[1])


async def test_a_client_is_the_address_it_comes_from_whatever_its_headers_say() -> None:
    async def who(request: Request) -> Response:
        return Response(request.client.host if request.client else "")

    told = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    async with (
        serving(routes=[Route("/who", who)]) as served,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{served.port}/who", headers=told)
    assert answer.text == "127.0.0.1"


def test_an_address_that_is_not_ours_is_an_oserror() -> None:
    with pytest.raises(OSError, match=r"assign|address"):
        bind("192.0.2.1", 0)


def test_a_name_is_bound_on_every_address_it_has_with_one_port() -> None:
    sockets = bind("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in sockets}) == 1
        assert sockets[0].getsockname()[0] in ("127.0.0.1", "::1")
    finally:
        for each in sockets:
            each.close()


def test_the_event_loop_is_one_that_runs() -> None:
    loop = event_loop_factory()()
    assert loop.run_until_complete(asyncio.sleep(0, "ran")) == "ran"
    loop.close()


async def test_a_low_limit_on_open_files_is_lifted_as_far_as_the_system_allows() -> None:
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        async with serving():
            lifted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert lifted >= CONNECTIONS_MAX or lifted == hard
        assert lifted >= 512
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_the_port_that_the_system_picked_is_known_before_serving() -> None:
    sockets = bind("127.0.0.1", 0)
    server = LinesideServer(_answer, sockets, _NoDoor())
    assert server.port == sockets[0].getsockname()[1] > 0
    for each in sockets:
        each.close()


async def test_cancelling_ends_in_an_orderly_way_too() -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        served.serving.cancel()
        data = await client.rest()
        assert b'"disconnected"' in data
        assert (1012).to_bytes(2, "big") in data
        with pytest.raises(asyncio.CancelledError):
            await served.serving
        with pytest.raises(ConnectionRefusedError):
            await RawClient.connect(served.port)
        client.close()


async def test_a_half_sent_request_does_not_hold_up_the_end() -> None:
    async with serving() as served:
        client = await RawClient.connect(served.port)
        await client.send(handshake(served.port)[:40])
        served.server.stop()
        async with asyncio.timeout(60):
            await served.serving
        client.close()


async def test_two_servers_cannot_have_one_port() -> None:
    async with serving() as served:
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", served.port)


@pytest.mark.parametrize(
    ("descriptors", "limit"),
    [(None, CONNECTIONS_MAX + 500), (1_000_000, CONNECTIONS_MAX + 500), (1024, 924), (64, 32)],
)
def test_connections_leave_descriptors_for_plcs_and_files(
    descriptors: int | None, limit: int
) -> None:
    assert connection_limit(descriptors) == limit


async def test_a_connection_too_many_is_ended_at_once_counted_and_told_once() -> None:
    async with serving() as served:
        served.server.cap.limit = 3
        idle = [await RawClient.connect(served.port) for _ in range(3)]
        with capture_logs() as logs:
            for _ in range(5):
                late = await RawClient.connect(served.port)
                async with asyncio.timeout(60):
                    assert await late.rest() == b""
                late.close()
        assert served.server.cap.rejected_total == 5
        assert [(log["log_level"], log["limit"]) for log in logs] == [("warning", 3)]
        idle.pop().close()
        await eventually(lambda: len(served.server.server_state.connections) == 2, "still open")
        seated = await RawClient.upgraded(served.port)
        for client in (*idle, seated):
            client.close()


async def test_websockets_count_as_connections_too() -> None:
    async with serving() as served:
        served.server.cap.limit = 1
        seated = await RawClient.upgraded(served.port)
        late = await RawClient.connect(served.port)
        assert await late.rest() == b""
        for client in (late, seated):
            client.close()


@pytest.mark.parametrize(
    ("limit", "seats_per_address_max", "expected"),
    [(12_500, 11_000, 11_250), (12_500, 12_000, 11_250), (12_500, 50, 550), (924, 11_000, 832)],
)
def test_one_address_leaves_a_tenth_of_all_connections_to_others(
    limit: int, seats_per_address_max: int, expected: int
) -> None:
    cap = ConnectionCap(limit)
    cap.seats_per_address_max = seats_per_address_max
    assert cap.address_limit == expected


async def test_one_address_cannot_lock_out_the_screens_of_another() -> None:
    async with serving() as served:
        served.server.cap.limit = 20
        seated = [await RawClient.upgraded(served.port) for _ in range(6)]
        idle = [await RawClient.connect(served.port) for _ in range(12)]
        for _ in range(3):
            late = await RawClient.connect(served.port)
            async with asyncio.timeout(60):
                assert await late.rest() == b""
            late.close()
        assert served.server.cap.rejected_total == 3
        other = await RawClient.upgraded(served.port, source="127.0.0.2")
        seated.pop().close()
        await eventually(lambda: served.hub.seat_count("127.0.0.1") == 5, "it keeps its seat")
        again = await RawClient.upgraded(served.port)
        for client in (*seated, *idle, other, again):
            client.close()


async def test_connections_that_ended_are_not_counted_against_their_address() -> None:
    async with serving() as served:
        served.server.cap.limit = 2
        for _ in range(5):
            seated, idle = (
                await RawClient.upgraded(served.port),
                await RawClient.connect(served.port),
            )
            seated.close()
            idle.close()
            await eventually(lambda: not served.server.server_state.connections, "still open")
        assert served.server.cap.rejected_total == 0


async def test_an_end_that_takes_too_long_is_cut_short() -> None:
    (listening,) = bind("127.0.0.1", 0)
    server = LinesideServer(
        _answer, [listening], _NoDoor(), close_websockets=_never, shutdown_timeout_s=0.05
    )
    serving = asyncio.create_task(server.serve())
    await server.ready.wait()
    client = await RawClient.connect(server.port)
    server.stop()
    async with asyncio.timeout(60):
        await serving
        assert await client.rest() == b""
    assert listening.fileno() == -1
    client.close()


async def _never() -> None:
    await asyncio.Event().wait()


def test_only_windows_is_asked_for_an_address_of_our_own() -> None:
    (bound,) = bind("127.0.0.1", 0)
    with bound:
        reuses = bound.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    assert bool(reuses) is (sys.platform != "win32")


def test_every_interface_means_those_of_ipv4_too() -> None:
    sockets = bind("::", 0)
    try:
        port = sockets[0].getsockname()[1]
        for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
            with socket.socket(family) as client:
                assert client.connect_ex((address, port)) == 0
    finally:
        for each in sockets:
            each.close()
