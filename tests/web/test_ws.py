"""The contract over a real socket: what a well-behaved client and a clumsy one see."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from builders import TurnedClock, line, site, site_change
from lineside.hub.inbound import InboundLimits
from lineside.hub.subscribers import Hub, HubLimits
from serving import RawClient, eventually, handshake, serving, seventeen_machines

CONNECTED = {
    "type": "connection_status",
    "timestamp": "2025-11-03T10:30:45.000Z",
    "status": "connected",
    "message": "WebSocket connected successfully",
    "equipment": [],
}


async def hear(client: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await client.recv())
    return message


async def closed(client: ClientConnection) -> tuple[int, str, list[dict[str, Any]]]:
    """Read to the end; return the close code, its reason and what came before."""
    before: list[dict[str, Any]] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            before.append(await hear(client))
    return client.close_code or 0, client.close_reason or "", before


async def refused(connecting: Any) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as caught:
        async with connecting:
            pass
    return caught.value


async def test_a_client_is_greeted_at_once_and_hears_its_line_at_the_next_tick() -> None:
    async with serving() as served, served.connect() as client:
        assert await hear(client) == CONNECTED
        served.tick()
        message = await hear(client)
        assert message["type"] == "equipment_status"
        assert message["timestamp"] == "2025-11-03T10:30:46.000Z"
        assert len(message["equipment"]) == 17
        assert {each["status"] for each in message["equipment"]} == {
            "running",
            "idle",
            "stopped",
            "error",
            "disconnected",
        }


async def test_the_contracts_integration_script_finds_equipment_in_its_first_ten_messages() -> None:
    async with serving() as served, served.connect() as client:
        counts = []
        for _ in range(10):
            data = json.loads(await client.recv())
            counts.append((data["type"], len(data["equipment"])))
            served.tick()
        assert counts == [("connection_status", 0)] + [("equipment_status", 17)] * 9


async def test_every_client_hears_the_same_bytes() -> None:
    async with serving() as served:
        clients = [await served.connect() for _ in range(20)]
        for client in clients:
            await hear(client)
        served.tick()
        heard = {await client.recv() for client in clients}
        assert len(heard) == 1
        await served.settled()
        served.tick()  # this one goes directly to the sockets
        heard = {await client.recv() for client in clients}
        assert len(heard) == 1
        for client in clients:
            await client.close()


async def test_a_client_that_takes_compression_hears_the_same_as_one_that_does_not() -> None:
    async with (
        serving() as served,
        served.connect(compression="deflate") as deflated,
        served.connect() as plain,
    ):
        assert [each.name for each in deflated.protocol.extensions] == ["permessage-deflate"]
        assert await hear(deflated) == await hear(plain) == CONNECTED
        for _ in range(3):
            served.tick()
            assert await deflated.recv() == await plain.recv()
            await served.settled()
        assert served.hub.metrics().frames_sent_total == 6
        await deflated.send('{"type":"ping","timestamp":"mine"}')
        assert (await hear(deflated))["ping_timestamp"] == "mine"


async def test_each_line_has_its_own_address_and_the_first_has_two() -> None:
    async with (
        serving() as served,
        served.connect("/ws/monitor") as first,
        served.connect("/ws/monitor/weld1") as weld,
        served.connect("/ws/monitor/pack") as pack,
    ):
        for client in (first, weld, pack):
            await hear(client)
        served.tick()
        assert await first.recv() == await weld.recv()
        assert len((await hear(pack))["equipment"]) == 2


async def test_a_line_that_does_not_exist_is_404_before_the_upgrade_and_names_the_nearest() -> None:
    async with serving() as served:
        error = await refused(served.connect("/ws/monitor/weld2"))
        assert error.response.status_code == 404
        assert "weld1" in (error.response.body or b"").decode()
        error = await refused(served.connect("/ws/elsewhere"))
        assert error.response.status_code == 404


async def test_ping_is_answered_with_the_servers_time_and_its_own_timestamp() -> None:
    async with serving() as served, served.connect() as client:
        await hear(client)
        served.clock.turn(0.25)
        await client.send('{"type":"ping","timestamp":"2025-11-03T10:30:45.123Z"}')
        assert await client.recv() == (
            '{"type":"pong","timestamp":"2025-11-03T10:30:45.250Z",'
            '"ping_timestamp":"2025-11-03T10:30:45.123Z"}'
        )


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "1",
        '{"type":"subscribe"}',
        '{"type":"ping","timestamp":5}',
        "[" * 20_000,
        '{"type":' + "9" * 50_000 + "}",
    ],
)
async def test_a_mistake_gets_an_error_status_and_the_connection_stays(text: str) -> None:
    async with serving() as served, served.connect() as client:
        await hear(client)
        await client.send(text)
        answer = await hear(client)
        assert (answer["type"], answer["status"]) == ("connection_status", "error")
        assert answer["message"]
        assert answer["equipment"] == []
        served.tick()
        assert (await hear(client))["type"] == "equipment_status"


async def test_more_than_the_ration_is_not_answered() -> None:
    rules = InboundLimits(per_s=1.0, burst=2, flood=50)
    async with serving(inbound_limits=rules) as served, served.connect() as client:
        await hear(client)
        for number in range(5):
            await client.send(json.dumps({"type": "ping", "timestamp": str(number)}))
        assert [(await hear(client))["ping_timestamp"] for _ in range(2)] == ["0", "1"]
        # A control ping comes back behind everything else: nothing more was answered before it.
        await (await client.ping())
        served.clock.turn(1.0)
        await client.send('{"type":"ping","timestamp":"later"}')
        assert (await hear(client))["ping_timestamp"] == "later"


async def test_a_flood_is_closed_with_1008_and_a_reason() -> None:
    rules = InboundLimits(per_s=1.0, burst=2, flood=10)
    async with serving(inbound_limits=rules) as served, served.connect() as client:
        await hear(client)
        for _ in range(12):
            await client.send('{"type":"ping"}')
        code, reason, before = await closed(client)
        assert (code, reason) == (1008, "too many messages: one per second is answered")
        assert [message["type"] for message in before] == ["pong", "pong"]
        await eventually(lambda: served.hub.metrics().subscribers == 0, "it still subscribes")


async def test_binary_is_closed_with_1003() -> None:
    async with serving() as served, served.connect() as client:
        await hear(client)
        await client.send(b'{"type":"ping"}')
        code, reason, _ = await closed(client)
        assert (code, reason) == (1003, "only text messages are understood here")


async def test_64_kib_is_a_message_and_one_byte_more_is_1009() -> None:
    async with serving() as served:
        async with served.connect() as client:
            await hear(client)
            await client.send('"' + "x" * (64 * 1024 - 2) + '"')
            assert (await hear(client))["status"] == "error"
            await client.send('"' + "x" * (64 * 1024 - 1) + '"')
            assert (await closed(client))[0] == 1009
        async with served.connect() as client:
            await hear(client)
            await client.send(["x" * 40_000, "x" * 40_000])  # fragments add up
            assert (await closed(client))[0] == 1009


async def test_a_megabyte_is_refused_with_a_close_frame_and_not_with_a_reset() -> None:
    async with serving() as served, served.connect() as client:
        await hear(client)
        sending = asyncio.ensure_future(client.send("x" * 1_000_000))
        assert (await closed(client))[0] == 1009
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (HubLimits(connections_max=3), "as many connections as it serves"),
        (HubLimits(connections_per_address_max=3), "as one address may have"),
    ],
)
async def test_one_connection_too_many_is_503_and_a_seat_left_is_free(
    limits: HubLimits, told: str
) -> None:
    async with serving(hub_limits=limits) as served:
        clients = [await served.connect() for _ in range(3)]
        error = await refused(served.connect())
        assert error.response.status_code == 503
        assert error.response.headers["Retry-After"] == "5"
        assert told in (error.response.body or b"").decode()
        assert served.hub.metrics().rejected_total == 1
        await clients.pop().close()
        async with served.connect() as late:
            assert (await hear(late))["status"] == "connected"
        for client in clients:
            await client.close()


async def test_a_client_that_vanishes_takes_only_itself_along() -> None:
    async with serving() as served, served.connect() as stays:
        await hear(stays)
        goes = await RawClient.upgraded(served.port)
        served.tick()
        await hear(stays)
        await eventually(lambda: served.hub.metrics().subscribers == 2, "not both subscribe")
        goes.reset()
        await served.settled()
        served.tick()
        await hear(stays)
        await eventually(lambda: served.hub.metrics().subscribers == 1, "it still subscribes")
        served.tick()
        assert (await hear(stays))["type"] == "equipment_status"


async def test_the_default_line_follows_the_configuration() -> None:
    async with serving() as served, served.connect() as client:
        await hear(client)
        weld, pack = served.plant.lines
        served.plant = site(pack, weld)
        served.hub.on_message(site_change(served.plant))
        served.tick()
        assert len((await hear(client))["equipment"]) == 2


async def test_a_line_that_is_gone_says_disconnected_and_1012_to_its_clients_alone() -> None:
    async with (
        serving() as served,
        served.connect() as default,
        served.connect("/ws/monitor/pack") as pack,
    ):
        await hear(default)
        await hear(pack)
        served.plant = site(served.plant.lines[0])
        served.hub.on_message(site_change(served.plant))
        code, _, before = await closed(pack)
        assert code == 1012
        assert [message["status"] for message in before] == ["disconnected"]
        served.tick()
        assert len((await hear(default))["equipment"]) == 17
        assert (await refused(served.connect("/ws/monitor/pack"))).response.status_code == 404


async def test_a_new_line_can_be_heard_as_soon_as_it_is_configured() -> None:
    async with serving(plant=site(line("weld1", range(101, 118)))) as served:
        served.plant = seventeen_machines()
        served.hub.on_message(site_change(served.plant))
        async with served.connect("/ws/monitor/pack") as pack:
            await hear(pack)
            served.tick()
            assert len((await hear(pack))["equipment"]) == 2


async def test_a_shutdown_says_disconnected_to_all_and_closes_with_1012() -> None:
    async with serving() as served:
        clients = [await served.connect() for _ in range(5)]
        for client in clients:
            await hear(client)
        served.server.stop()
        for client in clients:
            code, reason, before = await closed(client)
            assert (code, reason) == (1012, "the server is restarting, connect again")
            assert [message["status"] for message in before] == ["disconnected"]
        await served.serving


async def test_frames_sent_before_the_handshake_answer_are_no_subscription() -> None:
    async with serving() as served:
        client = await RawClient.connect(served.port)
        await client.send(handshake(served.port, "/ws/monitor", "Origin: http://evil.example"))
        assert (await client.head()).startswith("HTTP/1.1 403 ")
        assert served.hub.metrics().subscribers == 0
        client.close()


async def test_plain_http_is_told_to_upgrade() -> None:
    async with serving() as served:
        client = await RawClient.connect(served.port)
        await client.send(
            f"GET /ws/monitor HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        answer = (await client.rest()).decode()
        assert answer.startswith("HTTP/1.1 426 ")
        assert "ws://" in answer
        client.close()


async def test_a_proxy_that_takes_the_upgrade_away_is_named_in_answer_and_log() -> None:
    with capture_logs() as lines:
        async with serving() as served:
            for _ in range(3):
                client = await RawClient.connect(served.port)
                await client.send(
                    f"GET /ws/monitor HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                    "Connection: close\r\n\r\n".encode()
                )
                answer = (await client.rest()).decode()
                assert answer.startswith("HTTP/1.1 426 ")
                assert "the proxy" in answer
                client.close()
    (told,) = [each for each in lines if each["event"] == "a request was refused"]
    assert "Upgrade and Connection" in told["problem"]


def test_a_hub_without_lines_has_no_default_line() -> None:
    assert not Hub(TurnedClock()).has_line(None)
    assert not Hub(TurnedClock(), ["weld1"]).has_line("pack")
