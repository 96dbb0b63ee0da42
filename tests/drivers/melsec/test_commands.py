"""The payloads of the commands, both sides."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.config.schema import Family
from lineside.core.errors import ProtocolError
from lineside.drivers.melsec import commands
from lineside.drivers.melsec.commands import (
    CommandFault,
    Point,
    ReadBits,
    ReadCommand,
    ReadRandom,
    ReadWords,
    WriteWords,
    decode_bits,
    decode_command,
    decode_words,
    encode_bits,
    encode_command,
    encode_double_words,
    encode_words,
)
from lineside.drivers.melsec.devices import devices_of
from lineside.drivers.melsec.frame import Coding

any_coding = st.sampled_from(Coding)
any_family = st.sampled_from(Family)


@st.composite
def any_point(draw: st.DrawFn, family: Family) -> Point:
    device = draw(st.sampled_from(list(devices_of(family).values())))
    return Point(device, draw(st.integers(0, min(1 << 24, device.radix**6) - 1)))


@st.composite
def any_read(draw: st.DrawFn) -> tuple[Family, Coding, ReadCommand]:
    family, coding = draw(any_family), draw(any_coding)
    point = any_point(family)
    command = draw(
        st.one_of(
            st.builds(ReadWords, head=point, count=st.integers(0, 0xFFFF)),
            st.builds(ReadBits, head=point, count=st.integers(0, 0xFFFF)),
            st.builds(
                ReadRandom,
                words=st.lists(point, max_size=10).map(tuple),
                double_words=st.lists(point, max_size=10).map(tuple),
            ),
        )
    )
    return family, coding, command


@given(any_read())
def test_every_read_survives_the_round_trip(read: tuple[Family, Coding, ReadCommand]) -> None:
    family, coding, command = read

    code, subcommand, payload = encode_command(coding, command)

    assert decode_command(coding, code, subcommand, payload, devices_of(family), 0xC05B) == command


@given(
    any_coding,
    any_family,
    st.sampled_from([0x0401, 0x0403, 0x1401, 0x1402]),
    st.integers(0, 3),
    st.binary(max_size=60),
)
def test_any_payload_is_a_command_or_an_end_code(
    coding: Coding, family: Family, code: int, subcommand: int, payload: bytes
) -> None:
    with suppress(CommandFault):
        decode_command(coding, code, subcommand, payload, devices_of(family), 0xC05B)


@given(any_coding, st.lists(st.integers(0, 0xFFFF), max_size=50))
def test_words_survive_the_round_trip(coding: Coding, words: list[int]) -> None:
    payload = encode_words(coding, words)

    assert list(decode_words(coding, payload, len(words))) == words


@given(any_coding, st.lists(st.booleans(), max_size=50))
def test_bits_survive_the_round_trip(coding: Coding, bits: list[bool]) -> None:
    payload = encode_bits(coding, bits)

    assert list(decode_bits(coding, payload, len(bits))) == bits


@given(any_coding, st.binary(max_size=30), st.integers(0, 12))
def test_any_data_is_words_or_a_protocol_error(coding: Coding, data: bytes, count: int) -> None:
    for decode in (decode_words, decode_bits):
        with suppress(ProtocolError):
            assert len(decode(coding, data, count)) == count


def test_white_space_is_not_skipped_in_ascii_data() -> None:
    with pytest.raises(ProtocolError):
        decode_words(Coding.ASCII, b"0011 2233 ", 2)


def test_ascii_hexadecimal_devices_go_out_in_hexadecimal() -> None:
    link_register = devices_of(Family.Q)["W"]

    payload = encode_command(Coding.ASCII, ReadWords(head=Point(link_register, 0x1AF), count=16))[2]

    assert payload == b"W*0001AF0010"


def test_iq_f_inputs_go_out_as_a_linear_number_in_binary_and_octal_in_ascii() -> None:
    head = Point(devices_of(Family.IQ_F)["Y"], 0o45)

    assert encode_command(Coding.BINARY, ReadWords(head=head, count=1))[2][:4] == b"\x25\0\0\x9d"
    assert encode_command(Coding.ASCII, ReadWords(head=head, count=1))[2][:8] == b"Y*000045"


def test_double_words_put_the_low_word_first_in_binary_only() -> None:
    pair = [(0x1111, 0x2222)]

    assert encode_double_words(Coding.BINARY, pair) == bytes.fromhex("11112222")
    assert encode_double_words(Coding.ASCII, pair) == b"22221111"


def test_odd_bits_are_padded_in_binary() -> None:
    assert encode_bits(Coding.BINARY, [True, False, True]) == b"\x10\x10"
    with pytest.raises(ProtocolError):
        decode_bits(Coding.BINARY, b"\x10\x11", 3)


def test_no_write_can_be_encoded() -> None:
    write = WriteWords(head=Point(devices_of(Family.Q)["D"], 0), words=(1,))

    with pytest.raises(AttributeError):
        encode_command(Coding.BINARY, write)  # type: ignore[arg-type]
    assert not [name for name in vars(commands) if "encode" in name and "write" in name]


@pytest.mark.parametrize(
    ("payload", "end_code"),
    [
        (b"D*000100", 0xC061),  # no count
        (b"D*00010000010", 0xC061),  # one character too many
        (b"D*00A1000001", 0xC05C),  # not decimal
        (b"D*0001000X01", 0xC050),  # not hexadecimal
        (b"Q*0001000001", 0xC05B),  # no such device
    ],
)
def test_a_malformed_ascii_request_gets_the_end_code_a_plc_gives(
    payload: bytes, end_code: int
) -> None:
    with pytest.raises(CommandFault) as caught:
        decode_command(Coding.ASCII, 0x0401, 0, payload, devices_of(Family.Q), 0xC05B)

    assert caught.value.code == end_code
