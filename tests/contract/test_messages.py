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

import bounds
from processes import Server

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
EARLY_MAX_S = 0.02
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


@pytest.mark.measures
async def test_the_greeting_comes_at_once_with_every_field(server: Server) -> None:
    began_s = time.monotonic()
    async with connect(server.ws_address) as client:
        greeting = json.loads(await client.recv())
        bounds.hold(time.monotonic() - began_s, 0.5, "greeted after (s)")
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


async def test_each_tick_is_of_a_later_second_than_the_one_before_it(server: Server) -> None:
    async with connected(server) as client:
        sent = [unix_s((await tick(client))["timestamp"]) for _ in range(5)]
    # The grid of the ticks may be ahead of the wall clock's seconds by a little.
    seconds = [int(each + EARLY_MAX_S) for each in sent]
    assert seconds == sorted(set(seconds)), sent


@pytest.mark.only_measures
async def test_ticks_come_once_a_second_on_the_whole_second_within_100_ms(server: Server) -> None:
    delays = []
    async with connected(server) as client:
        sent = []
        for _ in range(5):
            message = await tick(client)
            delays.append(time.time() - unix_s(message["timestamp"]))
            sent.append(unix_s(message["timestamp"]))
    gaps = [b - a for a, b in itertools.pairwise(sent)]
    bounds.hold(abs(sorted(gaps)[len(gaps) // 2] - 1.0), 0.05, "a tick off the next by (s)")
    bounds.hold(max(abs(t - round(t)) for t in sent), 0.25, "a tick off its second by (s)")
    bounds.hold(sorted(delays)[len(delays) // 2], 0.1, "median delay (s)")


async def test_fifty_clients_all_get_the_same_bytes(server: Server) -> None:
    async def ticks(client: ClientConnection, until: str) -> dict[str, str]:
        """Hear ticks up to the second one after `until`; by their timestamps, as they came."""
        heard: dict[str, str] = {}
        while sum(timestamp > until for timestamp in heard) < 2:
            text = str(await client.recv())
            heard[json.loads(text)["timestamp"]] = text
        return heard

    clients = [await connect(server.ws_address) for _ in range(50)]
    try:
        everybody_is_here = (await tick(clients[-1]))["timestamp"]
        heard = await asyncio.gather(*(ticks(client, everybody_is_here) for client in clients))
    finally:
        await asyncio.gather(*(client.close() for client in clients))
    common = {timestamp for timestamp in heard[-1] if timestamp > everybody_is_here}
    assert len(common) == 2
    for each in heard:
        assert {at: each.get(at) for at in common} == {at: heard[-1][at] for at in common}


@pytest.mark.measures
async def test_a_client_that_vanishes_disturbs_no_other(server: Server) -> None:
    async with connected(server) as client, connected(server) as other:
        for _ in range(5):
            doomed = await connect(server.ws_address)
            doomed.transport.abort()
        heard = [(await tick(client))["timestamp"] for _ in range(3)]
        heard_too = {(await tick(other))["timestamp"]: None for _ in range(3)}
    assert heard == list(heard_too), "both hear every tick, once and in order"
    gap_s = unix_s(heard[1]) - unix_s(heard[0])
    bounds.hold(abs(gap_s - 1.0), 0.2, "a tick off the next by (s)")


async def test_ping_is_answered_with_pong_and_its_own_timestamp(server: Server) -> None:
    async with connected(server) as client:
        asked_unix_s = int(time.time() * 1000) / 1000  # timestamps have milliseconds
        await client.send('{"type":"ping","timestamp":"2025-11-03T10:30:45.123Z"}')
        pong = await reply(client)
    assert pong["type"] == "pong"
    assert asked_unix_s <= unix_s(pong["timestamp"]) <= time.time()
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
