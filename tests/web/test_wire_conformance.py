"""RFC 6455 and RFC 7692 over a real socket: every rule, however the bytes are cut on the way.

The server echoes messages (`bench.autobahn.echo`, on the product's own layer). Each case sends its
bytes, and, unless the server must close first, a close frame; it names all that must come back, in
order. `make autobahn` does the same with several hundred cases of an independent suite.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import zlib
from collections.abc import AsyncIterator
from typing import NamedTuple, TypeAlias

import pytest
from bench.autobahn.echo import LIMITS, echo_server
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from lineside.hub.inbound import InboundLimits
from lineside.web.messages import ReaderLimits
from lineside.web.wire import WireLimits
from serving import RawClient, handshake, parse_frames

Seen: TypeAlias = str | bytes | tuple[str, bytes] | int | None

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
MASK = b"\x37\xfa\x21\x3d"
PROTOCOL_ERROR, BAD_TEXT, TOO_BIG = 1002, 1007, 1009
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


class Case(NamedTuple):
    """What is sent, and what must come back: texts, ("pong", data), bytes, at last a close code."""

    name: str
    sent: bytes
    seen: list[Seen]


def frame(first_byte: int, payload: bytes = b"", *, is_masked: bool = True) -> bytes:
    """Return a frame that need not be a good one."""
    size, mask_bit = len(payload), 0x80 if is_masked else 0
    if size < 126:
        head = bytes((first_byte, mask_bit | size))
    elif size < 65_536:
        head = bytes((first_byte, mask_bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first_byte, mask_bit | 127)) + size.to_bytes(8, "big")
    if not is_masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(FIN | CLOSE, code.to_bytes(2, "big") + reason)


def deflated(text: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


HELLO = frame(FIN | TEXT, b"hello")
GOODBYE = close(1000)


@contextlib.asynccontextmanager
async def echoing(limits: WireLimits = LIMITS) -> AsyncIterator[int]:
    """Serve echoes; yield the port."""
    server = echo_server(limits)
    serving = asyncio.create_task(server.serve())
    try:
        await server.ready.wait()
        yield server.port
    finally:
        server.stop()
        await serving


async def exchange(port: int, sent: bytes, *headers: str, piece_bytes: int) -> list[Seen]:
    """Send `sent` in pieces; return everything that came back until the connection ended."""
    client = await RawClient.connect(port)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        await client.send(handshake(port, "/", *headers))
        assert (await client.head()).startswith("HTTP/1.1 101 ")
        with contextlib.suppress(ConnectionError):  # the server may have hung up, with reason
            for start in range(0, len(sent), piece_bytes):
                await client.send(sent[start : start + piece_bytes])
                await asyncio.sleep(0)  # so that the server reads each piece alone
        data = await client.rest()
    finally:
        client.close()
    extensions = [PerMessageDeflate(True, True, 15, 15)] if headers else []
    frames, _ = parse_frames(data, extensions)
    return [as_seen(each) for each in frames]


def as_seen(each: Frame) -> Seen:
    data = bytes(each.data)
    if each.opcode is Opcode.TEXT:
        return data.decode()
    if each.opcode is Opcode.PONG:
        return ("pong", data)
    if each.opcode is Opcode.CLOSE:
        return int.from_bytes(data[:2], "big") if data else None
    assert each.opcode is Opcode.BINARY
    return data


async def check(cases: list[Case], piece_bytes: int, *headers: str) -> None:
    """Run every case on a connection of its own."""
    async with echoing() as port:
        for case in cases:
            ends_itself = case.seen and (case.seen[-1] is None or isinstance(case.seen[-1], int))
            sent = case.sent if ends_itself else case.sent + GOODBYE
            expected = case.seen if ends_itself else [*case.seen, 1000]
            seen = await exchange(port, sent, *headers, piece_bytes=piece_bytes)
            assert seen == expected, case.name


cut = pytest.mark.parametrize(
    "piece_bytes", [1, 3, 1_000_000], ids=["byte by byte", "by threes", "all at once"]
)

FRAGMENTS = [
    Case(
        "a message in three fragments",
        frame(TEXT, b"one ") + frame(CONT, b"two ") + frame(FIN | CONT, b"three"),
        ["one two three"],
    ),
    Case(
        "fragments with nothing in them",
        frame(TEXT) + frame(CONT) + frame(CONT, b"x") + frame(FIN | CONT),
        ["x"],
    ),
    Case("a message that is empty", frame(FIN | TEXT), [""]),
    Case(
        "binary fragments", frame(BINARY, b"\x00\xff") + frame(FIN | CONT, b"\xfe"), [b"\0\xff\xfe"]
    ),
    Case(
        "a ping between fragments is answered before the message",
        frame(TEXT, b"a") + frame(FIN | PING, b"?") + frame(FIN | CONT, b"b"),
        [("pong", b"?"), "ab"],
    ),
    Case(
        "pings and pongs around messages are answered in order",
        frame(FIN | PING, b"1")
        + HELLO
        + frame(TEXT, b"a")
        + frame(FIN | PONG, b"unasked")
        + frame(FIN | PING, b"2")
        + frame(FIN | CONT, b"b")
        + frame(FIN | PING, b"3"),
        [("pong", b"1"), "hello", ("pong", b"2"), "ab", ("pong", b"3")],
    ),
    Case("nothing to continue", frame(FIN | CONT, b"x"), [PROTOCOL_ERROR]),
    Case(
        "nothing to continue, behind a good message",
        frame(TEXT, b"a") + frame(FIN | CONT, b"b") + frame(CONT, b"c") + HELLO,
        ["ab", PROTOCOL_ERROR],
    ),
    Case("a text within a message", frame(TEXT, b"a") + HELLO, [PROTOCOL_ERROR]),
    Case("binary within a message", frame(TEXT) + frame(BINARY, b"b"), [PROTOCOL_ERROR]),
]


@cut
async def test_fragments_make_one_message_and_control_frames_go_in_between(
    piece_bytes: int,
) -> None:
    await check(FRAGMENTS, piece_bytes)


GREEK = "κόσμε 용접 🤖".encode()
BAD_UTF8 = {
    "a continuation byte alone": b"\x80",
    "an overlong slash": b"\xc0\xaf",
    "an overlong slash in three": b"\xe0\x80\xaf",
    "half a surrogate pair": b"\xed\xa0\x80",
    "behind the last code point": b"\xf4\x90\x80\x80",
    "a byte that is never one": b"\xfe",
    "a letter broken off by another": b"\xcex",
}
TEXTS = [
    Case("in one frame", frame(FIN | TEXT, GREEK), [GREEK.decode()]),
    Case(
        "a byte to a fragment",
        frame(TEXT)
        + b"".join(frame(CONT, GREEK[at : at + 1]) for at in range(len(GREEK)))
        + frame(FIN | CONT),
        [GREEK.decode()],
    ),
    Case(
        "the last code point and a zero", frame(FIN | TEXT, b"\xf4\x8f\xbf\xbf\0"), ["\U0010ffff\0"]
    ),
    Case("broken off at the end", frame(FIN | TEXT, b"\xce"), [BAD_TEXT]),
    Case(
        "broken off at the end of the last fragment",
        frame(TEXT, b"\xce\xba\xe1") + frame(FIN | CONT, b"\xbd"),
        [BAD_TEXT],
    ),
    Case(
        "behind good messages",
        HELLO + HELLO + frame(FIN | TEXT, b"\xff"),
        ["hello", "hello", BAD_TEXT],
    ),
    Case("a close behind it changes nothing", frame(FIN | TEXT, b"\xff") + GOODBYE, [BAD_TEXT]),
    Case("binary may be anything", frame(FIN | BINARY, b"\xff\x80"), [b"\xff\x80"]),
]
FAILS_FAST = [
    # The message goes on, so that only a server that looks at each fragment can answer.
    Case(name, frame(TEXT, GREEK) + frame(CONT, bad), [BAD_TEXT])
    for name, bad in BAD_UTF8.items()
]


@cut
async def test_text_is_utf_8_and_fails_at_the_first_fragment_that_is_not(piece_bytes: int) -> None:
    await check(TEXTS + FAILS_FAST, piece_bytes)


RESERVED = [
    *(
        Case(
            f"opcode {opcode}", HELLO + frame(FIN | opcode, b"x") + HELLO, ["hello", PROTOCOL_ERROR]
        )
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    *(
        Case(f"bits {bits:#x} on opcode {opcode}", frame(FIN | bits | opcode), [PROTOCOL_ERROR])
        for bits in (RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3)
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
    ),
    Case("a bit on a fragment", frame(TEXT) + frame(FIN | RSV1 | CONT), [PROTOCOL_ERROR]),
    *(
        Case(
            f"opcode {opcode} without a mask",
            frame(FIN | opcode, b"", is_masked=False),
            [PROTOCOL_ERROR],
        )
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
    ),
]


@cut
async def test_what_is_reserved_or_not_masked_is_a_protocol_error(piece_bytes: int) -> None:
    await check(RESERVED, piece_bytes)


CONTROL = [
    *(
        Case(f"a ping of {size}", frame(FIN | PING, b"\xfe" * size), [("pong", b"\xfe" * size)])
        for size in (0, 1, 125)
    ),
    Case("a ping of 126", frame(FIN | PING, bytes(126)), [PROTOCOL_ERROR]),
    Case("a pong of 126", frame(FIN | PONG, bytes(126)), [PROTOCOL_ERROR]),
    Case("a close of 126", close(1000, b"x" * 124), [PROTOCOL_ERROR]),
    Case("a ping in fragments", frame(PING) + frame(FIN | CONT), [PROTOCOL_ERROR]),
    Case("a pong in fragments", frame(PONG) + frame(FIN | CONT), [PROTOCOL_ERROR]),
    Case("a close in fragments", frame(CLOSE) + frame(FIN | CONT), [PROTOCOL_ERROR]),
    Case("unasked pongs", frame(FIN | PONG) + frame(FIN | PONG, b"x") + HELLO, ["hello"]),
    Case(
        "ten pings",
        b"".join(frame(FIN | PING, b"%d" % number) for number in range(10)),
        [("pong", b"%d" % number) for number in range(10)],
    ),
]


@cut
async def test_pings_are_answered_in_kind_and_control_frames_are_short_and_whole(
    piece_bytes: int,
) -> None:
    await check(CONTROL, piece_bytes)


CLOSES = [
    *(
        Case(f"code {code}", close(code), [code])
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    ),
    *(
        Case(f"code {code}", close(code), [PROTOCOL_ERROR])
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    ),
    Case("no code", frame(FIN | CLOSE), [None]),
    Case("half a code", frame(FIN | CLOSE, b"\x03"), [PROTOCOL_ERROR]),
    Case("the longest reason", close(1000, b"x" * 123), [1000]),
    Case("a reason that is not UTF-8", close(1000, b"\xce\xba\xe1\xbd"), [BAD_TEXT]),
    Case("amid a message", frame(TEXT, b"x") + GOODBYE + frame(FIN | CONT), [1000]),
    Case("nothing counts after it", GOODBYE + frame(FIN | PING) + HELLO + close(1001), [1000]),
    Case(
        "what came before it counts",
        HELLO + frame(FIN | PING) + GOODBYE,
        ["hello", ("pong", b""), 1000],
    ),
]


@cut
async def test_a_close_frame_is_echoed_when_its_code_may_be_sent(piece_bytes: int) -> None:
    await check(CLOSES, piece_bytes)


HELLO_OF_THE_RFC = {  # RFC 7692, section 7.2.3
    "one block": "f248cdc9c90700",
    "no compression": "000500faff48656c6c6f00",
    "a final block": "f348cdc9c9070000",
    "two blocks": "f248050000 00ffffcac9c90700",
}
DEFLATED = [
    *(
        Case(f"the RFC's Hello, {name}", frame(FIN | RSV1 | TEXT, bytes.fromhex(data)), ["Hello"])
        for name, data in HELLO_OF_THE_RFC.items()
    ),
    Case("empty", frame(FIN | RSV1 | TEXT, deflated(b"")), [""]),
    Case("text", frame(FIN | RSV1 | TEXT, deflated(GREEK * 300)), [GREEK.decode() * 300]),
    Case("binary", frame(FIN | RSV1 | BINARY, deflated(bytes(9000))), [bytes(9000)]),
    Case("not compressed all the same", HELLO, ["hello"]),
    Case(
        "in fragments, with a ping between",
        frame(RSV1 | TEXT, deflated(GREEK)[:5])
        + frame(FIN | PING, b"?")
        + frame(CONT, deflated(GREEK)[5:9])
        + frame(FIN | CONT, deflated(GREEK)[9:]),
        [("pong", b"?"), GREEK.decode()],
    ),
    Case(
        "one after another, mixed",
        frame(FIN | RSV1 | TEXT, deflated(b"a" * 99)) * 2
        + HELLO
        + frame(FIN | RSV1 | TEXT, deflated(b"b")),
        ["a" * 99, "a" * 99, "hello", "b"],
    ),
    Case("what is not UTF-8", frame(FIN | RSV1 | TEXT, deflated(b"\xff")), [BAD_TEXT]),
    Case("what is no compressed data", frame(FIN | RSV1 | TEXT, b"\xff\xff"), [PROTOCOL_ERROR]),
    Case(
        "the bit on a later fragment",
        frame(RSV1 | TEXT, b"\0") + frame(RSV1 | CONT),
        [PROTOCOL_ERROR],
    ),
    Case("the bit on a ping", frame(FIN | RSV1 | PING), [PROTOCOL_ERROR]),
    Case("another bit", frame(FIN | RSV2 | TEXT, b"x"), [PROTOCOL_ERROR]),
]


@cut
async def test_permessage_deflate_goes_both_ways_once_negotiated(piece_bytes: int) -> None:
    await check(DEFLATED, piece_bytes, DEFLATE)


@pytest.mark.parametrize("headers", [[], [DEFLATE]], ids=["plain", "deflated"])
async def test_every_length_of_the_length_field_goes_both_ways(headers: list[str]) -> None:
    sizes = (0, 1, 125, 126, 127, 128, 65_535, 65_536, 300_000)
    cases = [
        Case(
            f"{size} bytes",
            frame(FIN | TEXT, b"*" * size) + frame(FIN | BINARY, b"\xfe" * size),
            ["*" * size, b"\xfe" * size],
        )
        for size in sizes
    ]
    await check(cases, 7919, *headers)


async def test_a_message_may_fill_its_limit_and_a_ping_then_still_has_room() -> None:
    ration = InboundLimits(per_s=1000, burst=1000, flood=1000)
    small = WireLimits(inbound=ReaderLimits(message_max_bytes=200, control=ration))
    most = frame(TEXT, b"x" * 190) + frame(FIN | PING, b"?" * 125)
    async with echoing(small) as port:
        fits = await exchange(
            port, most + frame(FIN | CONT, b"x" * 10) + HELLO + GOODBYE, piece_bytes=50
        )
        exceeds = await exchange(port, most + frame(FIN | CONT, b"x" * 11), piece_bytes=50)
    assert fits == [("pong", b"?" * 125), "x" * 200, "hello", 1000]
    assert exceeds == [("pong", b"?" * 125), TOO_BIG]
