"""Addresses as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.config.schema import Family
from lineside.drivers.melsec.address import (
    AddressError,
    TagAddress,
    ValueType,
    check_address,
    parse_address,
)
from lineside.drivers.melsec.commands import Point
from lineside.drivers.melsec.devices import devices_of
from lineside.drivers.melsec.frame import Coding


@pytest.mark.parametrize(
    ("text", "family", "device", "number", "value_type", "bit"),
    [
        ("M10", Family.Q, "M", 10, ValueType.BIT, None),
        ("X1F", Family.Q, "X", 0x1F, ValueType.BIT, None),
        ("X17", Family.IQ_F, "X", 0o17, ValueType.BIT, None),
        ("W0A", Family.L, "W", 0x0A, ValueType.I16, None),
        ("D100", Family.IQ_R, "D", 100, ValueType.I16, None),
        ("D100:U16", Family.Q, "D", 100, ValueType.U16, None),
        ("D100.3", Family.Q, "D", 100, ValueType.BIT, 3),
        ("D100.C", Family.Q, "D", 100, ValueType.BIT, 12),
        ("D100:I32", Family.Q, "D", 100, ValueType.I32, None),
        ("D200:F32", Family.Q, "D", 200, ValueType.F32, None),
        (" d200:f32 ", Family.Q, "D", 200, ValueType.F32, None),
        ("SM400", Family.Q, "SM", 400, ValueType.BIT, None),
        ("SB1F", Family.Q, "SB", 0x1F, ValueType.BIT, None),
        ("BA0", Family.Q, "B", 0xA0, ValueType.BIT, None),
        ("DX1F", Family.Q, "DX", 0x1F, ValueType.BIT, None),
        ("TN5", Family.Q, "TN", 5, ValueType.I16, None),
        ("STS5", Family.IQ_R, "SS", 5, ValueType.BIT, None),
        ("ZRK100", Family.Q, "ZR", 100, ValueType.I16, None),
        ("ZRH64", Family.Q, "ZR", 100, ValueType.I16, None),
        ("ZR9", Family.Q, "ZR", 9, ValueType.I16, None),
    ],
)
def test_an_address_means_what_the_programming_tool_shows(
    text: str, family: Family, device: str, number: int, value_type: ValueType, bit: int | None
) -> None:
    point = Point(devices_of(family)[device], number)

    assert parse_address(text, family) == TagAddress(point=point, value_type=value_type, bit=bit)


@pytest.mark.parametrize(
    ("text", "family", "hint"),
    [
        ("D100.12", Family.Q, "D100.C"),
        ("D100.16", Family.Q, "0 to F"),
        ("D100.", Family.Q, "0 to F"),
        ("D100A", Family.Q, "D100.A"),
        ("X8", Family.IQ_F, "octal"),
        ("M1F", Family.Q, "decimal"),
        ("W0G", Family.Q, "hexadecimal"),
        ("M10.3", Family.Q, "write M10"),
        ("M10:I16", Family.Q, "write M10"),
        ("D100.3:I16", Family.Q, "D100.3"),
        ("D100:FLOAT", Family.Q, "I16, U16, I32, U32, F32"),
        ("T5", Family.Q, "TN, TS or TC"),
        ("C5", Family.Q, "CN, CS or CC"),
        ("ST5", Family.Q, "SN, SS or SC"),
        ("V0", Family.IQ_F, "family"),
        ("ZR100", Family.Q, "ZRK100"),
        ("D", Family.Q, "D100"),
        ("", Family.Q, "M100"),
        ("100", Family.Q, "M100"),
        ("DB1.DBX0.0", Family.Q, "decimal"),
        ("D-1", Family.Q, "decimal"),
        ("D1_0", Family.Q, "decimal"),
        ("D١", Family.Q, "decimal"),  # an Arabic digit is a digit to Python
    ],
)
def test_a_wrong_address_comes_with_a_remedy(text: str, family: Family, hint: str) -> None:
    problem = check_address(text, family, Coding.BINARY)

    assert problem is not None
    assert problem.address == text
    assert hint in problem.hint


def test_inputs_of_iq_f_end_where_the_cpu_ends() -> None:
    assert parse_address("X1777", Family.IQ_F).point.number == 1023
    with pytest.raises(AddressError, match="X1777"):
        parse_address("X2000", Family.IQ_F)


def test_ascii_frames_have_six_digits_only() -> None:
    assert check_address("D999999", Family.Q, Coding.ASCII) is None
    assert check_address("D1000000", Family.Q, Coding.BINARY) is None
    assert check_address("D1000000", Family.IQ_R, Coding.ASCII) is None, "the long form has eight"
    problem = check_address("D1000000", Family.Q, Coding.ASCII)
    assert problem is not None
    assert "binary" in problem.hint


@st.composite
def any_tag(draw: st.DrawFn, family: Family) -> TagAddress:
    device = draw(st.sampled_from(list(devices_of(family).values())))
    point = Point(device, draw(st.integers(0, 1000)))
    if device.is_bit:
        return TagAddress(point=point, value_type=ValueType.BIT)
    kind = draw(st.sampled_from(ValueType))
    bit = draw(st.integers(0, 15)) if kind is ValueType.BIT else None
    return TagAddress(point=point, value_type=kind, bit=bit)


@given(st.data(), st.sampled_from(Family))
def test_the_canonical_form_means_the_same(data: st.DataObject, family: Family) -> None:
    tag = data.draw(any_tag(family))

    assert parse_address(tag.canonical, family) == tag


@given(
    st.text(max_size=12) | st.from_regex(r"[A-Z]{1,2}[0-9A-F]{1,7}([.:].{1,3})?"),
    st.sampled_from(Family),
    st.sampled_from(Coding),
)
def test_any_text_is_an_address_or_a_problem(text: str, family: Family, coding: Coding) -> None:
    problem = check_address(text, family, coding)

    assert problem is None or problem.message
