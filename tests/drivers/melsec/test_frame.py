"""The frames of 3E and 4E: what is on the wire, and that no bytes can confuse the parser."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.core.errors import ProtocolError
from lineside.drivers.melsec.frame import (
    Codec,
    Coding,
    ErrorBlock,
    FrameKind,
    LengthFault,
    Request,
    Response,
    Route,
)

CODECS = [Codec(kind, coding) for kind, coding in itertools.product(FrameKind, Coding)]
BINARY_3E = Codec(FrameKind.THREE_E, Coding.BINARY)
ASCII_3E = Codec(FrameKind.THREE_E, Coding.ASCII)
BINARY_4E = Codec(FrameKind.FOUR_E, Coding.BINARY)

any_codec = st.sampled_from(CODECS)
any_word = st.integers(0, 0xFFFF)
any_byte = st.integers(0, 0xFF)
any_route = st.builds(Route, network=any_byte, pc=any_byte, module_io=any_word, station=any_byte)
any_payload = st.binary(max_size=80)


@st.composite
def any_request(draw: st.DrawFn) -> tuple[Codec, Request]:
    codec = draw(any_codec)
    serial = draw(any_word) if codec.kind is FrameKind.FOUR_E else None
    request = Request(
        command=draw(any_word),
        subcommand=draw(any_word),
        payload=draw(any_payload),
        timer=draw(any_word),
        route=draw(any_route),
        serial=serial,
    )
    return codec, request


@st.composite
def any_response(draw: st.DrawFn) -> tuple[Codec, Response]:
    codec = draw(any_codec)
    serial = draw(any_word) if codec.kind is FrameKind.FOUR_E else None
    response = Response(
        end_code=draw(any_word), payload=draw(any_payload), route=draw(any_route), serial=serial
    )
    return codec, response


def test_the_binary_worked_example_is_sent_byte_for_byte() -> None:
    payload = bytes.fromhex("0A0000 B4 0100")
    request = Request(command=0x0401, subcommand=0, payload=payload, timer=4)

    assert BINARY_3E.encode_request(request) == bytes.fromhex(
        "5000 00FFFF0300 0C00 0400 0104 0000 0A0000B4 0100"
    )


def test_the_ascii_worked_example_is_sent_and_its_answer_read() -> None:
    request = Request(command=0x0401, subcommand=0, payload=b"W*00000A0001", timer=0x10)
    answer = bytearray(b"D00000FF03FF0000080000ABCD")

    assert ASCII_3E.encode_request(request) == b"500000FF03FF000018001004010000W*00000A0001"
    assert ASCII_3E.take_response(answer) == Response(end_code=0, payload=b"ABCD")
    assert not answer


def test_a_4e_frame_carries_its_serial_after_the_subheader() -> None:
    frame = BINARY_4E.encode_request(Request(command=0x0401, subcommand=0, serial=0x1234))

    assert frame[:6] == bytes.fromhex("5400 3412 0000")
    assert BINARY_4E.with_serial(frame, 0x4321)[:6] == bytes.fromhex("5400 2143 0000")


def test_an_error_answer_has_the_length_that_the_protocol_says() -> None:
    block = ErrorBlock(route=Route(), command=0x0401, subcommand=0)

    for codec, length in ((BINARY_3E, "0B00"), (ASCII_3E, "30303136")):
        payload = codec.encode_error_block(block)
        frame = codec.encode_response(Response(end_code=0xC056, payload=payload))
        assert bytes.fromhex(length) in frame
        assert codec.decode_error_block(payload) == block


@given(any_request())
def test_every_request_survives_the_round_trip(given_request: tuple[Codec, Request]) -> None:
    codec, request = given_request
    buffer = bytearray(codec.encode_request(request))

    assert codec.take_request(buffer) == request
    assert not buffer


@given(any_response())
def test_every_response_survives_the_round_trip(given_response: tuple[Codec, Response]) -> None:
    codec, response = given_response
    buffer = bytearray(codec.encode_response(response))

    assert codec.take_response(buffer) == response
    assert not buffer


@given(any_response(), st.lists(st.integers(0, 200), max_size=8))
def test_any_split_of_the_stream_gives_the_same_response(
    given_response: tuple[Codec, Response], cuts: list[int]
) -> None:
    codec, response = given_response
    frame = codec.encode_response(response)
    edges = sorted({0, len(frame), *(cut for cut in cuts if cut < len(frame))})
    buffer = bytearray()
    taken: list[Response] = []
    for start, end in itertools.pairwise(edges):
        assert not taken, "a response came out before its last byte went in"
        buffer += frame[start:end]
        part = codec.take_response(buffer)
        if part is not None:
            taken.append(part)

    assert taken == [response]


@given(any_codec, st.binary(max_size=120))
def test_any_bytes_give_a_value_or_more_please_or_a_protocol_error(
    codec: Codec, data: bytes
) -> None:
    for take in (codec.take_request, codec.take_response):
        buffer = bytearray(data)
        try:
            message = take(buffer)
        except ProtocolError:
            continue
        assert message is not None or buffer == data


@given(any_response(), st.data())
def test_one_broken_byte_is_never_more_than_a_protocol_error(
    given_response: tuple[Codec, Response], data: st.DataObject
) -> None:
    codec, response = given_response
    frame = bytearray(codec.encode_response(response))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] = data.draw(any_byte)
    with suppress(ProtocolError):
        codec.take_response(frame)


@pytest.mark.parametrize(
    ("ours", "theirs", "hint"),
    [
        (BINARY_3E, ASCII_3E, 'code = "ascii"'),
        (ASCII_3E, BINARY_3E, 'code = "binary"'),
        (BINARY_3E, BINARY_4E, 'frame = "4E"'),
        (BINARY_4E, BINARY_3E, 'frame = "3E"'),
    ],
)
def test_an_answer_in_another_setting_names_the_setting(
    ours: Codec, theirs: Codec, hint: str
) -> None:
    answer = bytearray(theirs.encode_response(Response(end_code=0)))

    with pytest.raises(ProtocolError) as caught:
        ours.take_response(answer)

    assert hint in caught.value.cause


def test_a_length_that_no_message_has_is_a_length_fault() -> None:
    with pytest.raises(LengthFault):
        BINARY_3E.take_request(bytearray.fromhex("5000 00FFFF0300 0500 0000000000"))


def test_ascii_digits_must_be_hexadecimal_digits() -> None:
    with pytest.raises(ProtocolError, match="not a hexadecimal"):
        ASCII_3E.take_response(bytearray(b"D00000FF03FF0000+80000ABCD"))
