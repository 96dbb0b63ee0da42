"""Frames that no client should send: each is refused by the RFC's code, and nobody else notices."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from hostile.attackers import (
    GONE,
    Stranger,
    all_at_once,
    deflated,
    frame_bytes,
    over_and_over,
)
from hostile.siege import Siege

pytestmark = pytest.mark.measures

ATTACK_S = 1.5  # from one tick through the next to before the one after it
AT_ONCE = 10
MESSAGE_MAX_BYTES = 64 * 1024
FLOOD_BYTES = 16 * 2**20  # what one attacker pours at most
BOMB_BYTES = 64 * 2**20
MEBIBYTE = bytes(2**20)
PROTOCOL_ERROR, UNSUPPORTED, BAD_TEXT, POLICY, TOO_BIG = 1002, 1003, 1007, 1008, 1009

FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

Attack = Callable[[], tuple[str, int]]


def said(siege: Siege, name: str, data: bytes, *, is_deflated: bool = False) -> tuple[str, int]:
    """Say `data` on a WebSocket of its own; return with which code the server closed it."""
    with Stranger(siege.port) as stranger:
        stranger.upgrade(is_deflated=is_deflated)
        stranger.pour(data)
        return name, stranger.close_code()


def assert_closed_with(code: int, siege: Siege, frames: dict[str, bytes]) -> None:
    """Let `frames` be said over and over while the fifty listen."""
    attacks: list[Attack] = [partial(said, siege, name, data) for name, data in frames.items()]
    with siege.attack(", ".join(frames)):
        for name, closed in over_and_over(ATTACK_S, attacks):
            assert closed == code, f"{name}: {closed}"


def test_frames_without_a_mask_are_a_protocol_error(siege: Siege) -> None:
    frames = {
        "a text": frame_bytes(FIN | TEXT, b"{}", is_masked=False),
        "an empty ping": frame_bytes(FIN | PING, b"", is_masked=False),
        "a close": frame_bytes(FIN | CLOSE, b"\x03\xe8", is_masked=False),
        "a large text": frame_bytes(FIN | TEXT, bytes(60_000), is_masked=False),
        "one good frame and one without": (
            frame_bytes(FIN | PONG, b"") + frame_bytes(FIN | TEXT, b"{}", is_masked=False)
        ),
    }
    assert_closed_with(PROTOCOL_ERROR, siege, frames)


def test_reserved_bits_and_opcodes_are_a_protocol_error(siege: Siege) -> None:
    frames = {
        f"reserved bits {bits:02x} on opcode {opcode}": frame_bytes(FIN | bits | opcode, b"{}")
        for bits in (RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3)
        for opcode in (TEXT, PING)
    } | {
        f"opcode {opcode:x}": frame_bytes(FIN | opcode, b"")
        for opcode in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)
    }
    assert_closed_with(PROTOCOL_ERROR, siege, frames)


def test_control_frames_and_fragments_out_of_order_are_a_protocol_error(siege: Siege) -> None:
    frames = {
        "a fragmented ping": frame_bytes(PING, b""),
        "a ping of 126 bytes": frame_bytes(FIN | PING, bytes(126)),
        "a close of one byte": frame_bytes(FIN | CLOSE, b"\x03"),
        "a close with a code that may not be sent": frame_bytes(FIN | CLOSE, b"\x03\xed"),
        "a continuation of nothing": frame_bytes(FIN | CONT, b"x"),
        "a text inside a fragmented text": frame_bytes(TEXT, b"x") + frame_bytes(FIN | TEXT, b"x"),
    }
    assert_closed_with(PROTOCOL_ERROR, siege, frames)


def test_text_that_is_not_utf_8_is_refused_at_its_first_bad_byte(siege: Siege) -> None:
    frames = {
        "a lone continuation byte": frame_bytes(FIN | TEXT, b"\x80"),
        "an overlong slash": frame_bytes(FIN | TEXT, b"\xc0\xaf"),
        "half of a surrogate pair": frame_bytes(FIN | TEXT, b"\xed\xa0\x80"),
        "beyond the last code point": frame_bytes(FIN | TEXT, b"\xf4\x90\x80\x80"),
        "cut off at the end": frame_bytes(FIN | TEXT, "용".encode()[:2]),
        "in a message that never ends": frame_bytes(TEXT, b'{"type":"')
        + frame_bytes(CONT, b"\xff"),
        "60,000 bytes of it": frame_bytes(FIN | TEXT, b"\xfe" * 60_000),
    }
    assert_closed_with(BAD_TEXT, siege, frames)


def test_a_close_reason_that_is_not_utf_8_ends_only_its_sender(siege: Siege) -> None:
    data = frame_bytes(FIN | CLOSE, b"\x03\xe8\xff\xfe")
    with siege.attack("a bad close reason"):
        results = over_and_over(ATTACK_S, [partial(said, siege, "", data)])
        assert {code for _, code in results} <= {PROTOCOL_ERROR, BAD_TEXT}


def test_binary_messages_are_refused(siege: Siege) -> None:
    frames = {
        "binary": frame_bytes(FIN | BINARY, os.urandom(100)),
        "binary in pieces": frame_bytes(BINARY, b"x"),
    }
    assert_closed_with(UNSUPPORTED, siege, frames)


def pour(siege: Siege, start: bytes, each: bytes) -> int:
    """Say `start`, then `each` over and over; return the code of the server's close frame."""
    with Stranger(siege.port) as stranger:
        stranger.upgrade()
        stranger.pour(start)
        taken = 0
        while taken < FLOOD_BYTES and stranger.pour(each):
            taken += len(each)
        return stranger.close_code()


def assert_flood_ends_with(code: int, siege: Siege, start: bytes, each: bytes) -> None:
    """Let ten clients at once pour `each`, again and again, while the fifty listen."""

    def keep_pouring(_number: int) -> list[int]:
        return over_and_over(ATTACK_S, [partial(pour, siege, start, each)])

    with siege.attack(f"a flood that ends with {code}"):
        told = [each for codes in all_at_once(AT_ONCE, keep_pouring) for each in codes]
    # Whoever is still sending may be reset before it has read the close frame.
    assert set(told) <= {code, GONE}, set(told)
    assert code in told, "nobody was told why"


def test_huge_frames_are_refused_by_their_header(siege: Siege) -> None:
    frames = {
        "one byte too long": frame_bytes(FIN | TEXT, b"", length=MESSAGE_MAX_BYTES + 1),
        "a gigabyte": frame_bytes(FIN | TEXT, b"", length=2**30),
        "the longest there is": frame_bytes(FIN | TEXT, b"", length=2**63 - 1),
        "a continuation of a gigabyte": (
            frame_bytes(TEXT, b"x") + frame_bytes(FIN | CONT, b"", length=2**30)
        ),
    }
    assert_closed_with(TOO_BIG, siege, frames)


def test_huge_frames_that_are_really_sent_fill_no_memory(siege: Siege) -> None:
    start = frame_bytes(FIN | TEXT, b"", length=2**40)
    assert_flood_ends_with(TOO_BIG, siege, start, MEBIBYTE)


def test_a_message_whose_fragments_never_end_is_too_big(siege: Siege) -> None:
    start, each = frame_bytes(TEXT, b"["), frame_bytes(CONT, b" " * 1000)
    assert_flood_ends_with(TOO_BIG, siege, start, each * 10)


def test_fragments_that_carry_nothing_are_a_flood(siege: Siege) -> None:
    start, each = frame_bytes(TEXT, b"["), frame_bytes(CONT, b"")
    assert_flood_ends_with(POLICY, siege, start, each * 1000)


def test_ping_frames_without_end_are_a_flood(siege: Siege) -> None:
    each = frame_bytes(FIN | PING, os.urandom(125))
    assert_flood_ends_with(POLICY, siege, each, each * 1000)


def test_json_pings_without_end_are_a_flood(siege: Siege) -> None:
    each = frame_bytes(FIN | TEXT, b'{"type":"ping","timestamp":"2026-01-01T00:00:00Z"}')
    assert_flood_ends_with(POLICY, siege, each, each * 1000)


def test_json_made_to_hurt_is_answered_or_a_flood(siege: Siege) -> None:
    deep = b"[" * 60_000
    wide = b'{"type":"' + b"\\u0000" * 10_000 + b'"}'
    number = b'{"type":' + b"9" * 60_000 + b"}"
    each = b"".join(frame_bytes(FIN | TEXT, text) for text in (deep, wide, number))
    assert_flood_ends_with(POLICY, siege, each, each * 5)


def test_compression_bombs_are_cut_off_while_they_unfold(siege: Siege) -> None:
    bomb = deflated(bytes(BOMB_BYTES))
    assert len(bomb) < MESSAGE_MAX_BYTES + 2**10
    half = len(bomb) // 2
    bombs = {
        "a bomb": frame_bytes(FIN | RSV1 | TEXT, bomb[: MESSAGE_MAX_BYTES - 1]),
        "a bomb in pieces": (
            frame_bytes(RSV1 | TEXT, bomb[:half]) + frame_bytes(FIN | CONT, bomb[half:])
        ),
        "one byte too much": frame_bytes(
            FIN | RSV1 | TEXT, deflated(b" " * (MESSAGE_MAX_BYTES + 1))
        ),
    }
    attacks: list[Attack] = [
        partial(said, siege, name, data, is_deflated=True) for name, data in bombs.items()
    ]
    with siege.attack("compression bombs"):
        for name, code in over_and_over(ATTACK_S, attacks):
            assert code == TOO_BIG, f"{name}: {code}"
        all_at_once(AT_ONCE, lambda _: attacks[0]())


def test_compressed_nonsense_is_a_protocol_error(siege: Siege) -> None:
    frames = {
        "no deflate stream at all": frame_bytes(FIN | RSV1 | TEXT, b"\xff" * 100),
        "the bit on a continuation": frame_bytes(TEXT, b"x") + frame_bytes(RSV1 | CONT, b"x"),
        "the bit on a ping": frame_bytes(FIN | RSV1 | PING, b""),
    }
    attacks: list[Attack] = [
        partial(said, siege, name, data, is_deflated=True) for name, data in frames.items()
    ]
    with siege.attack("compressed nonsense"):
        for name, code in over_and_over(ATTACK_S, attacks):
            assert code in {PROTOCOL_ERROR, BAD_TEXT}, f"{name}: {code}"
