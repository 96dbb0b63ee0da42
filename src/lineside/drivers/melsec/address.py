"""Addresses as people write them for a MELSEC PLC: `M10`, `X1F`, `W0A`, `D100.3`, `D200:F32`.

Text to `TagAddress` and back; knows no plan and no wire. Names are not case-sensitive.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from lineside.config.schema import Family
from lineside.core.model import AddressProblem
from lineside.drivers.melsec.commands import Point, fits_on_wire
from lineside.drivers.melsec.devices import IQ_F_XY_POINTS, Device, devices_of, has_long_form
from lineside.drivers.melsec.frame import Coding


class ValueType(StrEnum):
    """How the bits of a tag are read. A word without a type is I16, as GX Works shows it.

    `word_count` is how many words the value takes; a bit is taken out of one.
    """

    word_count: int

    BIT = "bit"
    I16 = "I16"
    U16 = "U16"
    I32 = "I32"
    U32 = "U32"
    F32 = "F32"

    def __new__(cls, value: str) -> ValueType:
        """Make a member that knows its size, since a plan asks for it thousands of times."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.word_count = 2 if value.endswith("32") else 1
        return member


class TagAddress(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """One address, understood. `bit` is the bit within a word device's word, else None."""

    point: Point
    value_type: ValueType
    bit: int | None = None

    @property
    def device(self) -> Device:
        """The device the tag lies in."""
        return self.point.device

    @property
    def canonical(self) -> str:
        """The one way to write this address."""
        base = str(self.point)
        if self.bit is not None:
            return f"{base}.{self.bit:X}"
        if self.value_type in (ValueType.BIT, ValueType.I16):
            return base
        return f"{base}:{self.value_type}"

    @property
    def first_word(self) -> int:
        """The word the tag begins in; a bit device has 16 bits per word."""
        return self.point.number // 16 if self.device.is_bit else self.point.number

    @property
    def bit_in_word(self) -> int:
        """Which bit of that word the tag is; 0 for a whole word."""
        return self.point.number % 16 if self.device.is_bit else self.bit or 0


class AddressError(ValueError):
    """An address that this PLC cannot have, and what to write in its place."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


_EXAMPLES = "write for example M100, X1F, W0A, D100, D100.3 or D200:F32"
_IQ_R_NAMES = {"STS": "SS", "STC": "SC", "STN": "SN"}
_RADIX_WORD = {8: "octal", 10: "decimal", 16: "hexadecimal"}
_VALUE_TYPES = {kind.value: kind for kind in ValueType if kind is not ValueType.BIT}


def parse_address(text: str, family: Family, coding: Coding = Coding.BINARY) -> TagAddress:
    """Return what `text` means on a PLC of `family`.

    Raises:
        AddressError: no such PLC can have it, or `coding` cannot carry it; with a hint.
    """
    upper = text.strip().upper()
    device, rest = _split_device(upper, family)
    digits, bit_text, type_text = _split_rest(upper, rest)
    number = _parse_number(device, digits, family)
    point = Point(device, number)
    if not fits_on_wire(coding, point, is_long=has_long_form(family)):
        raise AddressError(
            f"{upper} is beyond what a {coding} request can carry",
            'set the port and `code` to "binary"' if coding is Coding.ASCII else "",
        )
    if family is Family.IQ_F and device.radix == 8 and number >= IQ_F_XY_POINTS:
        raise AddressError(f"{upper} does not exist: {device.name} ends at {device.name}1777")
    if device.is_bit:
        return _bit_tag(upper, point, bit_text, type_text)
    return _word_tag(upper, point, bit_text, type_text)


def check_address(text: str, family: Family, coding: Coding) -> AddressProblem | None:
    """Return what is wrong with `text` on such a PLC, or None."""
    try:
        parse_address(text, family, coding)
    except AddressError as error:
        return AddressProblem(address=text, message=error.message, hint=error.hint)
    return None


def _split_device(upper: str, family: Family) -> tuple[Device, str]:
    if not upper:
        raise AddressError("the address is empty", _EXAMPLES)
    if re.fullmatch(r"ST[0-9]+", upper):
        raise AddressError(
            f"{upper} does not say which part of the retentive timer",
            "write SN, SS or SC: current value, contact or coil",
        )
    devices = devices_of(family)
    for name in sorted({*devices, *_IQ_R_NAMES}, key=len, reverse=True):
        if upper.startswith(name):
            return devices[_IQ_R_NAMES.get(name, name)], upper[len(name) :]
    letters = re.match(r"[A-Z]*", upper)
    name = letters[0] if letters else ""
    if upper[0] in "TC":
        kinds = "TN, TS or TC" if upper[0] == "T" else "CN, CS or CC"
        raise AddressError(
            f"{upper} does not say which part of the {'timer' if upper[0] == 'T' else 'counter'}",
            f"write {kinds}: current value, contact or coil",
        )
    if name in devices_of(Family.Q) or name[:2] in devices_of(Family.Q):
        raise AddressError(f"{family} has no device {name}", "check the address and `family`")
    raise AddressError(f"{upper!r} does not begin with a device such as M, X, D or W", _EXAMPLES)


def _split_rest(upper: str, rest: str) -> tuple[str, str | None, str | None]:
    match = re.fullmatch(r"([^.:]*)(?:\.([^:]*))?(?::(.*))?", rest)
    if match is None:
        raise AddressError(f"{upper!r} is not an address", _EXAMPLES)
    return match[1], match[2], match[3]


def _parse_number(device: Device, digits: str, family: Family) -> int:
    radix = device.radix
    if device.name == "ZR":
        # Decimal in GX Works, hexadecimal in the protocol manuals: a guess would read another
        # register in silence, so a number in which the two differ must say which it is.
        if digits[:1] in ("K", "H"):
            radix, digits = (10 if digits[0] == "K" else 16), digits[1:]
        elif not re.fullmatch(r"0*[0-9]", digits):
            raise AddressError(
                f"ZR{digits} can be read as decimal and as hexadecimal",
                f"write ZRK{digits} for decimal (as in GX Works) or ZRH{digits} for hexadecimal",
            )
    if not digits:
        raise AddressError(f"{device.name} has no number", _EXAMPLES)
    if re.fullmatch(r"[0-9A-F]+", digits):
        try:
            return int(digits, radix)
        except ValueError:
            pass
    hint = f"{device.name} is numbered in {_RADIX_WORD[radix]} on {family}"
    if radix == 10 and re.fullmatch(r"[0-9]+[A-F]", digits):
        hint += f"; a bit of a word is written {device.name}{digits[:-1]}.{digits[-1]}"
    raise AddressError(f"{digits!r} is not a number of {device.name}", hint)


def _bit_tag(upper: str, point: Point, bit: str | None, value_type: str | None) -> TagAddress:
    if bit is not None:
        raise AddressError(
            f"{upper}: {point.device.name} is a bit already and has no bits", f"write {point}"
        )
    if value_type is not None:
        raise AddressError(f"{upper}: a bit has no type", f"write {point}")
    return TagAddress(point=point, value_type=ValueType.BIT)


def _word_tag(upper: str, point: Point, bit: str | None, value_type: str | None) -> TagAddress:
    if bit is not None and value_type is not None:
        raise AddressError(f"{upper}: a bit has no type", f"write {point}.{bit} or {point}")
    if bit is not None:
        if re.fullmatch(r"[0-9A-F]", bit):
            return TagAddress(point=point, value_type=ValueType.BIT, bit=int(bit, 16))
        hint = f"write the bit as one hexadecimal digit, 0 to F: {point}.0"
        if bit.isascii() and bit.isdecimal() and int(bit) < 16:
            hint = f"write the bit as one hexadecimal digit: {point}.{int(bit):X}"
        raise AddressError(f"{upper}: {bit!r} is not a bit of a word", hint)
    if value_type is None:
        return TagAddress(point=point, value_type=ValueType.I16)
    kind = _VALUE_TYPES.get(value_type)
    if kind is None:
        hint = f"the types are {', '.join(_VALUE_TYPES)}"
        raise AddressError(f"{upper}: {value_type!r} is not a type", hint)
    return TagAddress(point=point, value_type=kind)
