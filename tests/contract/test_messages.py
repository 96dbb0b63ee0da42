"""Every message of the contract, field by field, as the running server sends it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from processes import Server

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
STATUSES = {"running", "idle", "stopped", "error", "disconnected"}


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[ClientConnection]:
    """A client that has been greeted."""
    async with connect(server.ws_address) as client:
        greeting = json.loads(await client.recv())
        assert (greeting["type"], greeting["status"]) == ("connection_status", "connected")
        yield client


async def tick(client: ClientConnection) -> dict[str, Any]:
    """The next `equipment_status`."""
    while True:
        message: dict[str, Any] = json.loads(await client.recv())
        if message["type"] == "equipment_status":
            return message


async def reply(client: ClientConnection) -> dict[str, Any]:
    """The next message that is no `equipment_status`."""
    while True:
        message: dict[str, Any] = json.loads(await client.recv())
        if message["type"] != "equipment_status":
            return message


def unix_s(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


async def test_the_greeting_comes_at_once_with_every_field(server: Server) -> None:
    async with connect(server.ws_address) as client:
        async with asyncio.timeout(0.5):
            greeting = json.loads(await client.recv())
    assert list(greeting) == ["type", "timestamp", "status", "message", "equipment"]
    assert greeting["message"] == "WebSocket connected successfully"
    assert greeting["equipment"] == []
    assert TIMESTAMP.fullmatch(greeting["timestamp"])


async def test_a_tick_has_exactly_the_fields_of_the_contract(server: Server) -> None:
    async with connected(server) as client:
        message = await tick(client)
    assert list(message) == ["type", "timestamp", "equipment"]
    assert TIMESTAMP.fullmatch(message["timestamp"])
    assert len(message["equipment"]) == 17
    for equipment in message["equipment"]:
        assert list(equipment) == [
            "equipment_code",
            "equipment_name",
            "status",
            "tags",
            "last_updated",
        ]
        assert len(equipment["equipment_code"]) == 14
        assert equipment["status"] in STATUSES
        tags = equipment["tags"]
        assert list(tags) == ["status_tag", "error_tag", "connection"]
        assert type(tags["status_tag"]) is int
        assert tags["error_tag"] in (0, 1)
        assert type(tags["connection"]) is bool
        assert tags["connection"] == (equipment["status"] != "disconnected")
        assert TIMESTAMP.fullmatch(equipment["last_updated"])
        assert unix_s(equipment["last_updated"]) <= unix_s(message["timestamp"])


async def test_the_machines_of_the_contract_come_first_in_configured_order(server: Server) -> None:
    async with connected(server) as client:
        message = await tick(client)
    codes = [e["equipment_code"] for e in message["equipment"]]
    assert codes == [f"KRCWO12ELOA{n}" for n in range(101, 118)]
    names = [e["equipment_name"] for e in message["equipment"][:2]]
    assert names == ["Upper 로봇 용접", "Lower 로봇 용접"]


async def test_a_tick_is_compact_utf8_json_of_about_five_kilobytes(server: Server) -> None:
    async with connected(server) as client:
        text = await client.recv()
        while "equipment_status" not in text:
            text = await client.recv()
    assert isinstance(text, str)
    assert text == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    assert 3_000 < len(text.encode()) < 6_000


async def test_ticks_come_once_a_second_on_the_whole_second_within_100_ms(server: Server) -> None:
    delays = []
    async with connected(server) as client:
        sent = []
        for _ in range(5):
            message = await tick(client)
            delays.append(time.time() - unix_s(message["timestamp"]))
            sent.append(unix_s(message["timestamp"]))
    gaps = [b - a for a, b in itertools.pairwise(sent)]
    assert sorted(gaps)[len(gaps) // 2] == pytest.approx(1.0, abs=0.05)
    assert all(abs(t - round(t)) < 0.25 for t in sent)
    assert sorted(delays)[len(delays) // 2] < 0.1


async def test_fifty_clients_all_get_the_same_bytes(server: Server) -> None:
    async def second_tick(client: ClientConnection) -> tuple[str, str]:
        await tick(client)
        text = await client.recv()
        return json.loads(text)["timestamp"], str(text)

    clients = [await connect(server.ws_address) for _ in range(50)]
    try:
        heard = await asyncio.gather(*(second_tick(client) for client in clients))
    finally:
        await asyncio.gather(*(client.close() for client in clients))
    by_timestamp: dict[str, set[str]] = {}
    for timestamp, text in heard:
        by_timestamp.setdefault(timestamp, set()).add(text)
    assert len(by_timestamp) <= 2
    assert all(len(texts) == 1 for texts in by_timestamp.values())


async def test_a_client_that_vanishes_disturbs_no_other(server: Server) -> None:
    async with connected(server) as client:
        for _ in range(5):
            doomed = await connect(server.ws_address)
            doomed.transport.abort()
        first = unix_s((await tick(client))["timestamp"])
        second = unix_s((await tick(client))["timestamp"])
    assert second - first == pytest.approx(1.0, abs=0.2)


async def test_ping_is_answered_with_pong_and_its_own_timestamp(server: Server) -> None:
    async with connected(server) as client:
        await client.send('{"type":"ping","timestamp":"2025-11-03T10:30:45.123Z"}')
        pong = await reply(client)
    assert pong["type"] == "pong"
    assert abs(unix_s(pong["timestamp"]) - time.time()) < 5
    assert pong["ping_timestamp"] == "2025-11-03T10:30:45.123Z"


@pytest.mark.parametrize(
    "wrong",
    [
        "{",
        "",
        "[]",
        "[" * 60_000,
        "42",
        "null",
        '"ping"',
        "1" + "0" * 5_000,
        '{"type":"pong"}',
        '{"type":"start"}',
        '{"type":["ping"]}',
        '{"typ":"ping"}',
        '{"type":"ping","timestamp":{"a":[1,2,3]}}',
    ],
    ids=lambda text: text[:24] or "empty",
)
async def test_what_is_no_message_gets_a_helpful_error_and_keeps_the_connection(
    server: Server, wrong: str
) -> None:
    async with connected(server) as client:
        await client.send(wrong)
        error = await reply(client)
        assert (error["type"], error["status"]) == ("connection_status", "error")
        assert len(error["message"]) > 10
        await client.send('{"type":"ping","timestamp":"2025-11-03T10:30:45.123Z"}')
        assert (await reply(client))["type"] == "pong"
