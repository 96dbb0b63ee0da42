"""End codes: every one is explained, and the table agrees with the sources."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineside.drivers.melsec.end_codes import END_CODES, FaultClass, explain


@given(st.integers(1, 0xFFFF))
def test_every_code_has_a_meaning_and_a_likely_cause(code: int) -> None:
    explained = explain(code)

    assert explained.code == code
    assert f"{code:04X}" in explained.text
    assert explained.meaning
    assert explained.cause


def test_the_codes_are_classed_by_whose_fault_they_are() -> None:
    classes = {
        FaultClass.TAG: (0xC051, 0xC054, 0xC056, 0x4031, 0xC05A, 0xC05B, 0xC05C, 0xC0D8, 0x4032),
        FaultClass.COMMAND: (0xC059,),
        FaultClass.REQUEST: (0xC057, 0xC058, 0xC061),
        FaultClass.CODING: (0xC050,),
        FaultClass.ROUTE: (0xC05F, 0xC074, 0xC1A7, 0xC1A8),
        FaultClass.TRANSIENT: (0xC05E, 0xC0B2, 0xC0BD, 0xC86C),
        FaultClass.PASSWORD: (0xC200, 0xC205, 0xC810, 0xC815, 0xC816),
    }

    for fault, codes in classes.items():
        assert {explain(code).fault for code in codes} == {fault}
    assert explain(0x4ABC).fault is FaultClass.UNKNOWN


def test_no_code_is_listed_twice() -> None:
    assert all(code == entry.code for code, entry in END_CODES.items())
    assert len(END_CODES) > 40
