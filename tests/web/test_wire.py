"""What a hostile or broken client can cost: bounded time, bounded memory, no traceback."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import weakref

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from websockets.frames import Frame, Opcode

import bounds
from lineside.web.http_stage import REQUEST_HEAD_MAX_BYTES
from lineside.web.messages import MessageReader
from lineside.web.wire import WireLimits
from serving import RawClient, eventually, handshake, masked, parse_frames, serving

IMPATIENT = WireLimits(handshake_timeout_s=0.6)  # and time to answer for a machine that is busy


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> object:
    """No client can write into the log: neither a line per connection nor a traceback."""
    caplog.set_level(logging.INFO)
    yield
    assert caplog.get_records("call") == []


async def seconds_until_ended(client: RawClient) -> float:
    started_s = asyncio.get_running_loop().time()
    await client.rest()
    return asyncio.get_running_loop().time() - started_s


async def close_code(client: RawClient) -> int:
    data = await client.rest()
    frames, ends = parse_frames(data)
    assert ends[-1] == len(data)
    assert frames[-1].opcode is Opcode.CLOSE
    return int.from_bytes(bytes(frames[-1].data[:2]), "big")


@pytest.mark.measures
@pytest.mark.parametrize("sent", [b"", b"GET /ws/monitor HT", b"GET /ws/monitor HTTP/1.1\r\nHo"])
async def test_a_handshake_that_stops_half_way_is_dropped(sent: bytes) -> None:
    async with serving(wire_limits=IMPATIENT) as served:
        client = await RawClient.connect(served.port)
        await client.send(sent)
        bounds.hold(await seconds_until_ended(client), 2.0, "ended after (s)")
        client.close()


@pytest.mark.measures
async def test_a_handshake_that_comes_byte_by_byte_is_dropped_however_lively_it_looks() -> None:
    async with serving(wire_limits=IMPATIENT) as served:
        client = await RawClient.connect(served.port)
        ended = asyncio.ensure_future(seconds_until_ended(client))
        head = handshake(served.port, "/ws/monitor", "X-Padding: " + "x" * 5000)
        for position in range(len(head)):
            assert position < len(head) - 10, "it was heard to its end"
            if ended.done():
                break
            try:
                await client.send(head[position : position + 1])
            except ConnectionError:
                break
            await asyncio.sleep(0.005)
        bounds.hold(await ended, 2.0, "ended after (s)")
        client.close()


@pytest.mark.measures
async def test_a_second_request_on_a_kept_connection_may_not_dribble_either() -> None:
    async with serving(wire_limits=IMPATIENT) as served:
        client = await RawClient.connect(served.port)
        await client.send(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
        assert (await client.head()).startswith("HTTP/1.1 404 ")
        await client.send(b"GET / HT")
        bounds.hold(await seconds_until_ended(client), 2.0, "ended after (s)")
        client.close()


async def answered(client: RawClient, request: bytes, status: int) -> None:
    """Send a request and read its answer, so that the connection is a kept one."""
    await client.send(request)
    head = await client.head()
    assert head.startswith(f"HTTP/1.1 {status} "), head
    length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
    while len(client.received) < length:
        assert await client.more()
    client.received.clear()


@pytest.mark.measures
@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"\r"])
async def test_one_blank_line_on_a_kept_connection_does_not_keep_it_for_ever(blank: bytes) -> None:
    async with serving(wire_limits=IMPATIENT) as served:
        client = await RawClient.connect(served.port)
        asked = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
        await answered(client, asked, 404)
        await client.send(blank)
        bounds.hold(await seconds_until_ended(client), 2.0, "ended after (s)")
        client.close()


@pytest.mark.measures
async def test_blank_lines_without_end_do_not_start_the_clock_anew() -> None:
    async with serving(wire_limits=IMPATIENT) as served:
        client = await RawClient.connect(served.port)
        asked = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
        await answered(client, asked, 404)
        ended = asyncio.ensure_future(seconds_until_ended(client))
        while not ended.done():
            try:
                await client.send(b"\r\n")
            except ConnectionError:
                break
            await asyncio.sleep(0.005)
        bounds.hold(await ended, 2.0, "ended after (s)")
        client.close()


async def test_a_blank_line_before_the_next_request_is_no_fault() -> None:
    limits = WireLimits(handshake_timeout_s=1.0)  # time enough for a machine that is busy
    async with serving(wire_limits=limits) as served:
        client = await RawClient.connect(served.port)
        asked = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
        for _ in range(3):
            await answered(client, b"\r\n" + asked, 404)
            await client.send(b"\n")
        # The clock of the request has ended with it: the connection is kept as any other.
        await answered(client, asked, 404)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2 * limits.handshake_timeout_s):
                await client.more()
        client.close()


@pytest.mark.measures
async def test_a_body_that_ends_after_the_answer_does_not_keep_the_connection_for_ever() -> None:
    async with serving(wire_limits=IMPATIENT) as served:
        client = await RawClient.connect(served.port)
        head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Length: 1\r\n\r\n"
        await answered(client, head.encode(), 404)
        await client.send(b"x")
        bounds.hold(await seconds_until_ended(client), 2.0, "ended after (s)")
        client.close()


async def test_an_answer_that_was_read_slowly_does_not_end_the_websocket_that_follows_it() -> None:
    large = 8 * 2**20  # more than the kernel takes

    async def answer(_request: Request) -> Response:
        return Response(bytes(large))

    limits = WireLimits(flush_timeout_s=3.0)  # time enough for a machine that is busy
    async with serving(wire_limits=limits, routes=[Route("/large", answer)]) as served:
        client = await RawClient.connect(served.port, receive_buffer_bytes=4096)
        await client.send(f"GET /large HTTP/1.1\r\nHost: localhost:{served.port}\r\n\r\n".encode())
        await client.head()
        await client.send(handshake(served.port))
        await eventually(lambda: len(served.wires()) == 1, "it was not seated")
        assert served.wires()[0].has_unsent(), "nothing was left to be read"
        while len(client.received) <= large:
            assert await client.more(2**20)
        del client.received[:large]
        assert (await client.head()).startswith("HTTP/1.1 101 ")
        assert json.loads(bytes((await client.frame()).data))["status"] == "connected"
        with pytest.raises(TimeoutError):  # it stays, and nobody says anything
            async with asyncio.timeout(2 * limits.flush_timeout_s):
                await client.more()
        client.close()


async def test_a_request_head_has_a_size_limit() -> None:
    async with serving() as served:
        client = await RawClient.connect(served.port)
        await client.send(b"GET / HTTP/1.1\r\nX: ")
        await client.send(b"x" * REQUEST_HEAD_MAX_BYTES)
        assert (await client.head()).startswith("HTTP/1.1 431 ")
        client.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["X-Long: " + "x" * 9000], 431),
        ([f"X-{number}: 1" for number in range(200)], 431),
        (["Sec-WebSocket-Key: again"], 400),
        (["Connection: close, Upgrade", "Sec-WebSocket-Version: 8"], 400),
    ],
)
async def test_a_handshake_that_cannot_be_read_is_refused_in_words(
    headers: list[str], status: int
) -> None:
    async with serving() as served:
        client = await RawClient.connect(served.port)
        await client.send(handshake(served.port, "/ws/monitor", *headers))
        assert (await client.head()).startswith(f"HTTP/1.1 {status} ")
        client.close()


@pytest.mark.parametrize(
    "path", ["/ws/monitor/\xe9\xff", "/ws/monitor/%ff%00", "/" + "x" * 9000, "/ws/../ws/monitor"]
)
async def test_a_strange_path_is_refused_in_words(path: str) -> None:
    async with serving() as served:
        client = await RawClient.connect(served.port)
        await client.send(handshake(served.port, path))
        assert (await client.head())[:12] in ("HTTP/1.1 400", "HTTP/1.1 404", "HTTP/1.1 414")
        client.close()


async def test_bytes_that_are_no_http_get_400() -> None:
    async with serving() as served:
        client = await RawClient.connect(served.port)
        await client.send(b"\x16\x03\x01\x02\x00 this is TLS, say\r\n\r\n")
        assert (await client.head()).startswith("HTTP/1.1 400 ")
        client.close()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (masked(Frame(Opcode.TEXT, b"\xff\xfe")), 1007),
        (masked(Frame(Opcode.BINARY, b"x", fin=False)), 1003),
        (Frame(Opcode.TEXT, b"unmasked").serialize(mask=False), 1002),
        (masked(Frame(Opcode.CONT, b"of nothing")), 1002),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff", 1002),
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1009),
    ],
    # Names of their own: masking is random, and parallel runs must agree on what the tests are.
    ids=["not utf-8", "binary", "unmasked", "nothing to continue", "reserved bits", "endless"],
)
async def test_bytes_that_are_no_message_are_closed_with_the_code_that_says_why(
    data: bytes, code: int
) -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await client.send(data)
        assert await close_code(client) == code
        await eventually(lambda: served.hub.metrics().subscribers == 0, "it still subscribes")
        client.close()


async def test_a_flood_of_messages_in_one_packet_is_closed_with_1008() -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await client.send(masked(Frame(Opcode.TEXT, b"{}")) * 5000)
        assert await close_code(client) == 1008
        client.close()


async def test_a_flood_of_ping_frames_is_closed_with_1008_and_not_answered_without_end() -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await client.send(masked(Frame(Opcode.PING, b"x" * 125)) * 2000)
        data = await client.rest()
        frames, _ = parse_frames(data)
        assert 1 <= [each.opcode for each in frames].count(Opcode.PONG) < 50
        assert frames[-1].opcode is Opcode.CLOSE
        client.close()


async def test_empty_fragments_cost_nothing_and_a_fragmented_message_is_understood() -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await client.send(masked(Frame(Opcode.TEXT, b'{"type":', fin=False)))
        await client.send(masked(Frame(Opcode.CONT, b"", fin=False)) * 100)
        wire = served.wires()[0]
        await eventually(lambda: wire.part_count > 0, "the first fragment never came")
        await client.send(masked(Frame(Opcode.CONT, b'"ping"}')))
        assert json.loads(bytes((await client.frame()).data))["type"] == "pong"
        client.close()


@pytest.mark.parametrize("opcode", [Opcode.CONT, Opcode.PONG])
async def test_a_flood_of_frames_that_say_nothing_is_closed_with_1008(opcode: Opcode) -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await client.send(masked(Frame(Opcode.TEXT, b"x", fin=False)))
        await client.send(masked(Frame(opcode, b"", fin=False or opcode is Opcode.PONG)) * 1000)
        assert await close_code(client) == 1008
        client.close()


async def test_empty_fragments_are_not_collected() -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await client.send(masked(Frame(Opcode.TEXT, b"x", fin=False)))
        await client.send(masked(Frame(Opcode.CONT, b"", fin=False)) * 15)
        await client.send(masked(Frame(Opcode.PING, b"all read")))
        assert (await client.frame()).opcode is Opcode.PONG
        assert served.wires()[0].part_count == 1
        client.close()


async def test_a_client_that_ends_its_half_without_a_close_frame_is_let_go() -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        client.socket.shutdown(1)
        assert await client.rest() == b""
        await eventually(lambda: served.hub.metrics().subscribers == 0, "it still subscribes")
        client.close()


async def test_nothing_follows_a_close_frame() -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await served.settled()
        await client.send(masked(Frame(Opcode.BINARY, b"x")))
        await eventually(lambda: served.wires()[0].is_closing, "it was not closed")
        served.tick()
        served.tick()
        metrics = served.hub.metrics()
        assert (metrics.frames_sent_total, metrics.failed_total) == (0, 0)
        data = await client.rest()
        frames, ends = parse_frames(data)
        assert [each.opcode for each in frames] == [Opcode.CLOSE]
        assert ends[-1] == len(data)
        client.close()


async def test_what_a_client_still_sends_after_its_mistake_is_read_without_a_reset() -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await client.send(b"\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00mask")  # 1 MiB announced
        assert await close_code(client) == 1009
        for _ in range(20):
            await client.send(b"x" * 50_000)  # a reset would fail the second one
        assert served.wires()
        client.close()


@pytest.mark.measures
async def test_a_client_that_ignores_our_close_is_ended_all_the_same() -> None:
    async with serving(wire_limits=WireLimits(close_timeout_s=0.1)) as served:
        client = await RawClient.upgraded(served.port)
        closing = asyncio.ensure_future(served.hub.close_all(timeout_s=5.0))
        bounds.hold(await seconds_until_ended(client), 2.0, "ended after (s)")
        await closing
        client.close()


def reader_count() -> int:
    return sum(isinstance(each, MessageReader) for each in gc.get_objects())


@pytest.mark.parametrize("goodbye", ["close", "reset", "failure"])
async def test_a_connection_that_ended_is_freed_at_once_without_the_collector(
    goodbye: str,
) -> None:
    async with serving() as served:
        client = await RawClient.upgraded(served.port)
        await client.send_text('{"type":"ping"}')  # so that everything there is has been made
        await client.frame()
        gone = [weakref.ref(wire) for wire in served.wires()]
        assert len(gone) == reader_count() == 1
        gc.disable()
        try:
            if goodbye == "close":
                await client.send(masked(Frame(Opcode.CLOSE, (1000).to_bytes(2, "big"))))
                await client.rest()
            elif goodbye == "reset":
                client.reset()
            else:
                await client.send(masked(Frame(Opcode.BINARY, b"x")))
                await client.rest()
            client.close()
            await eventually(lambda: [ref() for ref in gone] == [None], "it is still held")
            assert reader_count() == 0
        finally:
            gc.enable()
