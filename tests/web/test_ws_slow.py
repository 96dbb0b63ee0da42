"""Clients that do not read: nobody else notices; they hear whole frames only, and are ended."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from builders import T0_S
from lineside.core.times import iso_utc
from lineside.web.wire import WireLimits
from serving import RawClient, Served, eventually, masked, parse_frames, serving

SMALL_BUFFER_BYTES = 4096
UNDRAINED_TIMEOUT_S = 15.0
TICKS_MAX = 400

either_way = pytest.mark.parametrize(
    "wire_limits",
    [WireLimits(), WireLimits(writes_directly=False)],
    ids=["direct", "through the transport"],
)


async def tick_until_full(served: Served, healthy: ClientConnection) -> None:
    """Tick, with `healthy` keeping up, until the other client has bytes waiting for good."""
    for _ in range(TICKS_MAX):
        missed = served.hub.metrics().missed_ticks_total
        served.tick()
        message = json.loads(await healthy.recv())
        assert message["timestamp"] == iso_utc(served.clock.unix_s)
        if served.hub.metrics().missed_ticks_total > missed:
            return
    raise AssertionError("the client that reads nothing never filled up")


def messages(frames: list[Frame]) -> list[dict[str, Any]]:
    return [json.loads(bytes(each.data)) for each in frames if each.opcode is Opcode.TEXT]


@either_way
async def test_a_client_that_reads_nothing_delays_nobody_and_is_aborted_after_15_s(
    wire_limits: WireLimits,
) -> None:
    async with serving(wire_limits=wire_limits) as served, served.connect() as healthy:
        await healthy.recv()
        stuck = await RawClient.upgraded(served.port, receive_buffer_bytes=SMALL_BUFFER_BYTES)
        await tick_until_full(served, healthy)
        full_at_s = served.clock.unix_s
        while served.hub.metrics().aborted_total == 0:
            assert served.clock.unix_s - full_at_s <= UNDRAINED_TIMEOUT_S, "nobody aborted it"
            served.tick()
            message = json.loads(await healthy.recv())
            assert message["timestamp"] == iso_utc(served.clock.unix_s)
        assert served.clock.unix_s - full_at_s >= UNDRAINED_TIMEOUT_S - 1.0
        assert served.hub.metrics().subscribers == 1
        await eventually(lambda: len(served.wires()) == 1, "its connection is still there")
        stuck.close()


@either_way
async def test_a_client_that_reads_late_hears_whole_frames_in_order_and_misses_the_rest(
    wire_limits: WireLimits,
) -> None:
    async with serving(wire_limits=wire_limits) as served, served.connect() as healthy:
        await healthy.recv()
        slow = await RawClient.upgraded(served.port, receive_buffer_bytes=SMALL_BUFFER_BYTES)
        await tick_until_full(served, healthy)
        wire = next(each for each in served.wires() if each.has_unsent())
        unsent = wire.transport.get_write_buffer_size()
        # A pong, a ping frame's pong and an error, each while a frame is half sent.
        await slow.send_text('{"type":"ping","timestamp":"mine"}')
        await slow.send(masked(Frame(Opcode.PING, b"control")))
        await slow.send_text("{")
        await eventually(
            lambda: wire.transport.get_write_buffer_size() > unsent + 200, "nothing was answered"
        )
        for _ in range(5):
            served.tick()
            await healthy.recv()
        missed = served.hub.metrics().missed_ticks_total
        assert missed >= 6

        frames: list[Frame] = []
        while not any(b"connection_status" in bytes(each.data) for each in frames):
            frames.append(await slow.frame(size_bytes=700))
        heard = messages(frames)
        ticks = [each["timestamp"] for each in heard if each["type"] == "equipment_status"]
        assert ticks == [iso_utc(T0_S + number) for number in range(1, len(ticks) + 1)]
        assert [each["type"] for each in heard[len(ticks) :]] == ["pong", "connection_status"]
        assert [bytes(each.data) for each in frames if each.opcode is Opcode.PONG] == [b"control"]
        assert bytes(slow.received) == b""

        # Latest wins: what it hears next is now, not what it missed.
        await served.settled()
        served.tick()
        late = messages([await slow.frame()])
        assert [each["timestamp"] for each in late] == [iso_utc(served.clock.unix_s)]
        slow.close()


async def test_a_shutdown_never_lands_inside_a_half_sent_frame() -> None:
    async with serving() as served, served.connect() as healthy:
        await healthy.recv()
        slow = await RawClient.upgraded(served.port, receive_buffer_bytes=SMALL_BUFFER_BYTES)
        await tick_until_full(served, healthy)
        served.server.stop()
        data = await slow.rest()
        frames, ends = parse_frames(data)
        assert ends[-1] == len(data)
        assert frames[-1].opcode is Opcode.CLOSE
        assert bytes(frames[-1].data[:2]) == (1012).to_bytes(2, "big")
        assert messages(frames)[-1]["status"] == "disconnected"
        slow.close()


async def test_a_client_that_never_reads_cannot_hold_up_a_shutdown() -> None:
    limits = WireLimits(close_timeout_s=0.1, flush_timeout_s=60.0)
    async with serving(wire_limits=limits) as served, served.connect() as healthy:
        await healthy.recv()
        stuck = await RawClient.upgraded(served.port, receive_buffer_bytes=SMALL_BUFFER_BYTES)
        await tick_until_full(served, healthy)
        served.server.stop()
        await served.serving
        assert served.wires() == []
        stuck.close()


async def test_a_client_that_closes_but_never_reads_is_ended_all_the_same() -> None:
    limits = WireLimits(flush_timeout_s=0.1)
    async with serving(wire_limits=limits) as served, served.connect() as healthy:
        await healthy.recv()
        stuck = await RawClient.upgraded(served.port, receive_buffer_bytes=SMALL_BUFFER_BYTES)
        await tick_until_full(served, healthy)
        await stuck.send(masked(Frame(Opcode.CLOSE, (1000).to_bytes(2, "big"))))
        await eventually(lambda: served.hub.metrics().subscribers == 1, "it still subscribes")
        await eventually(lambda: len(served.wires()) == 1, "its connection is still there")
        stuck.close()
