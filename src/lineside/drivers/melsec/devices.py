"""The memory of a MELSEC PLC as the MC protocol names it: device codes, radices and limits.

Tables only. In this protocol a "device" is a kind of PLC memory (M, D, X), never a machine.
Letters in brackets are the sources: [A] the tables of the `aslmp` package, which cite Mitsubishi
SH-080956, SH-080008 and JY997D56001; [F] its measurements on an FX5U; [P] the live profiles of
`plc-comm-slmp`; [M] memory, unconfirmed.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lineside.config.schema import Family
from lineside.drivers.melsec.frame import Coding


class Device(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """One kind of PLC memory. `radix` is the base of its numbers, on paper and in ASCII frames."""

    name: str
    code: int
    radix: int
    is_bit: bool
    is_in_random: bool = True  # 0403 refuses contacts and coils of timers and counters [A]
    long_name: str = ""  # the ASCII name in iQ-R's long form, where it is another one

    def number_text(self, number: int) -> str:
        """Return `number` as people write it after the device name."""
        if self.name == "ZR" and number > 9:
            return f"H{number:X}"  # see address.py: the radix of ZR must be said
        if self.radix == 16:
            digits = f"{number:X}"
            # GX Works writes X0A, not XA: the digit keeps the letter apart from the name.
            return digits if digits[0].isdigit() else f"0{digits}"
        return f"{number:o}" if self.radix == 8 else str(number)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one request may ask for."""

    words: int  # 0401 in word units
    bits: int  # 0401 in bit units
    random_points: int  # 0403


def _bit(name: str, code: int, radix: int = 10) -> Device:
    return Device(name=name, code=code, radix=radix, is_bit=True)


def _word(name: str, code: int, radix: int = 10) -> Device:
    return Device(name=name, code=code, radix=radix, is_bit=False)


def _contact(name: str, code: int, long_name: str = "") -> Device:
    return Device(
        name=name, code=code, radix=10, is_bit=True, is_in_random=False, long_name=long_name
    )


# Codes and radices: [A] (SH-080956 5.2 p. 35-36; SH-080008 8.1 p. 68).
_COMMON = (
    _bit("SM", 0x91),
    _bit("X", 0x9C, 16),
    _bit("Y", 0x9D, 16),
    _bit("M", 0x90),
    _bit("L", 0x92),
    _bit("F", 0x93),
    _bit("V", 0x94),
    _bit("S", 0x98),
    _bit("B", 0xA0, 16),
    _bit("SB", 0xA1, 16),
    _bit("DX", 0xA2, 16),
    _bit("DY", 0xA3, 16),
    _contact("TS", 0xC1),
    _contact("TC", 0xC0),
    _contact("SS", 0xC7, "STS"),
    _contact("SC", 0xC6, "STC"),
    _contact("CS", 0xC4),
    _contact("CC", 0xC3),
    _word("SD", 0xA9),
    _word("D", 0xA8),
    _word("W", 0xB4, 16),
    _word("SW", 0xB5, 16),
    _word("R", 0xAF),
    # Hexadecimal in SH-080956 and SH-080008, decimal in JY997D56001 [A]: see address.py.
    _word("ZR", 0xB0, 16),
    _word("Z", 0xCC),
    _word("TN", 0xC2),
    Device(name="SN", code=0xC8, radix=10, is_bit=False, long_name="STN"),
    _word("CN", 0xC5),
)
_ABSENT_ON_IQ_F = frozenset({"V", "DX", "DY", "ZR"})  # answered C05C [F]
_OCTAL_ON_IQ_F = frozenset({"X", "Y"})  # Y20 is number 16 on the wire [F]
IQ_F_XY_POINTS = 1024  # X0 to X1777, fixed [A]

_DEVICES: Mapping[str, Device] = {device.name: device for device in _COMMON}
_IQ_F_DEVICES: Mapping[str, Device] = {
    device.name: msgspec.structs.replace(device, radix=8)
    if device.name in _OCTAL_ON_IQ_F
    else device
    for device in _COMMON
    if device.name not in _ABSENT_ON_IQ_F
}

_LIMITS: Mapping[tuple[Family, Coding], Limits] = {
    # Q and L: words and points [P], ASCII bits [A]; ASCII points are unknown, half is safe.
    (Family.Q, Coding.BINARY): Limits(words=960, bits=7168, random_points=192),
    (Family.Q, Coding.ASCII): Limits(words=960, bits=3584, random_points=96),
    (Family.L, Coding.BINARY): Limits(words=960, bits=7168, random_points=192),
    (Family.L, Coding.ASCII): Limits(words=960, bits=3584, random_points=96),
    # iQ-R: [P]; ASCII points are unknown, half is safe.
    (Family.IQ_R, Coding.BINARY): Limits(words=960, bits=7168, random_points=96),
    (Family.IQ_R, Coding.ASCII): Limits(words=960, bits=3584, random_points=48),
    # iQ-F: binary [F], ASCII [A].
    (Family.IQ_F, Coding.BINARY): Limits(words=960, bits=3584, random_points=192),
    (Family.IQ_F, Coding.ASCII): Limits(words=480, bits=1792, random_points=96),
}


def devices_of(family: Family) -> Mapping[str, Device]:
    """Return the devices that a PLC of `family` has, by name."""
    return _IQ_F_DEVICES if family is Family.IQ_F else _DEVICES


def has_long_form(family: Family) -> bool:
    """Whether such a PLC takes 4-byte device numbers, and needs them above FFFF [A], [P].

    An iQ-F answers C059 to them [F]; for Q and L there is no source that they take them.
    """
    return family is Family.IQ_R


def limits_of(family: Family, coding: Coding) -> Limits:
    """Return how much one request may ask of a PLC of `family`."""
    return _LIMITS[family, coding]
