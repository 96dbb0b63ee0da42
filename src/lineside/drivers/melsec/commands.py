"""The payloads of the MC protocol commands that Lineside uses: both sides, no I/O.

Reading can be encoded and decoded. Writing (1401, 1402) can only be decoded, for the simulator:
Lineside has no code that could write to a PLC. Commands and layouts: SH-080008 chapter 8 and
SH-080956 chapter 5, as tabulated in `aslmp`; the worked example of each is in the tests.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from lineside.core.errors import ProtocolError
from lineside.drivers.melsec.devices import Device
from lineside.drivers.melsec.frame import Coding, decode_number, encode_number

BATCH_READ = 0x0401
RANDOM_READ = 0x0403
BATCH_WRITE = 0x1401
RANDOM_WRITE = 0x1402

_BIT_UNITS = 0x0001
_LONG_FORM = 0x0002  # iQ-R: 4-byte numbers and 2-byte codes
_SHORT_FORM_MAX = 0xFFFF  # the last number that an iQ-R takes in the short form


class Point(msgspec.Struct, frozen=True, cache_hash=True):
    """One place in PLC memory: a bit of a bit device, a word of a word device."""

    device: Device
    number: int

    def __str__(self) -> str:
        return f"{self.device.name}{self.device.number_text(self.number)}"


class ReadWords(msgspec.Struct, frozen=True, kw_only=True):
    """0401/0000: `count` words from `head`; a bit device gives 16 bits per word, head lowest."""

    head: Point
    count: int


class ReadBits(msgspec.Struct, frozen=True, kw_only=True):
    """0401/0001: `count` bits from `head`."""

    head: Point
    count: int


class ReadRandom(msgspec.Struct, frozen=True, kw_only=True):
    """0403/0000: single words, then single double words."""

    words: tuple[Point, ...]
    double_words: tuple[Point, ...] = ()


class WriteWords(msgspec.Struct, frozen=True, kw_only=True):
    """1401/0000 or one word point of 1402/0000."""

    head: Point
    words: tuple[int, ...]


class WriteBits(msgspec.Struct, frozen=True, kw_only=True):
    """1401/0001 or one point of 1402/0001."""

    head: Point
    bits: tuple[bool, ...]


class WriteRandom(msgspec.Struct, frozen=True, kw_only=True):
    """1402: single words, double words or bits, in the order of the request."""

    writes: tuple[WriteWords | WriteBits, ...]


ReadCommand: TypeAlias = ReadWords | ReadBits | ReadRandom
Command: TypeAlias = ReadCommand | WriteWords | WriteBits | WriteRandom


class CommandFault(ProtocolError):
    """A request that a PLC answers with `end_code`, which is never None here."""

    def __init__(self, end_code: int, message: str) -> None:
        super().__init__(message, end_code=end_code)
        self.code = end_code


def encode_command(
    coding: Coding, command: ReadCommand, *, is_long: bool = False
) -> tuple[int, int, bytes]:
    """Return command code, subcommand and payload of `command`, in the short or the long form."""
    subcommand = _LONG_FORM if is_long else 0
    if isinstance(command, ReadRandom):
        payload = encode_number(coding, len(command.words), 1)
        payload += encode_number(coding, len(command.double_words), 1)
        points = (*command.words, *command.double_words)
        payload += b"".join(_encode_point(coding, point, is_long) for point in points)
        return RANDOM_READ, subcommand, payload
    payload = _encode_point(coding, command.head, is_long) + encode_number(coding, command.count, 2)
    return BATCH_READ, subcommand | isinstance(command, ReadBits) * _BIT_UNITS, payload


def needs_long_form(command: ReadCommand) -> bool:
    """Whether an iQ-R gives what `command` asks for only in the long form."""
    if isinstance(command, ReadRandom):
        spans = [(p, 1) for p in command.words] + [(p, 2) for p in command.double_words]
    else:
        spans = [(command.head, command.count)]
    width = 1 if isinstance(command, ReadBits) else 16  # of a word of a bit device
    return any(
        head.number + count * (width if head.device.is_bit else 1) - 1 > _SHORT_FORM_MAX
        for head, count in spans
    )


def fits_on_wire(coding: Coding, point: Point, *, is_long: bool = False) -> bool:
    """Whether the number of `point` fits the field: 3 bytes, or 6 digits in its radix.

    In the long form it is 4 bytes, or 8 digits.
    """
    if coding is Coding.BINARY:
        return point.number < 1 << (32 if is_long else 24)
    return bool(point.number < point.device.radix ** (8 if is_long else 6))


def _encode_point(coding: Coding, point: Point, is_long: bool) -> bytes:
    device, number = point.device, point.number
    if not fits_on_wire(coding, point, is_long=is_long):
        raise ValueError(f"{point} does not fit into a {coding} request")
    if coding is Coding.BINARY:
        if is_long:
            return number.to_bytes(4, "little") + device.code.to_bytes(2, "little")
        return number.to_bytes(3, "little") + bytes((device.code,))
    digits = {8: "o", 10: "d", 16: "X"}[device.radix]
    if is_long:
        return f"{device.long_name or device.name:*<4}{number:08{digits}}".encode()
    return f"{device.name:*<2}{number:06{digits}}".encode()


def decode_words(coding: Coding, payload: bytes, count: int) -> tuple[int, ...]:
    """Return the `count` words of a response's payload.

    Raises:
        ProtocolError: the payload is not exactly `count` words.
    """
    if coding is Coding.ASCII:
        try:
            payload = binascii.unhexlify(payload)
        except ValueError:
            raise ProtocolError("the answer's data is not hexadecimal") from None
    if len(payload) != 2 * count:
        raise ProtocolError(f"the answer has {len(payload)} bytes of data in place of {2 * count}")
    order = ">" if coding is Coding.ASCII else "<"
    return struct.unpack(f"{order}{count}H", payload)


def decode_random(coding: Coding, payload: bytes, command: ReadRandom) -> tuple[int, ...]:
    """Return the words of a random read's payload: the single ones, then low and high of each pair.

    In ASCII the eight digits of a double word read as one number, its high word first.

    Raises:
        ProtocolError: the payload is not exactly what `command` asks for.
    """
    single_count = len(command.words)
    words = decode_words(coding, payload, single_count + 2 * len(command.double_words))
    if coding is Coding.BINARY or not command.double_words:
        return words
    pairs = words[single_count:]
    swapped = (word for pair in zip(pairs[1::2], pairs[::2], strict=True) for word in pair)
    return (*words[:single_count], *swapped)


def encode_words(coding: Coding, words: Iterable[int]) -> bytes:
    """Return the payload that carries `words`."""
    values = tuple(words)
    if coding is Coding.BINARY:
        return struct.pack(f"<{len(values)}H", *values)
    return struct.pack(f">{len(values)}H", *values).hex().upper().encode()


def encode_double_words(coding: Coding, pairs: Iterable[tuple[int, int]]) -> bytes:
    """Return the payload of double words, each given as (low word, high word).

    The low word goes first in binary; in ASCII the eight digits read as one number.
    """
    return b"".join(encode_number(coding, high << 16 | low, 4) for low, high in pairs)


def decode_bits(coding: Coding, payload: bytes, count: int) -> tuple[bool, ...]:
    """Return the `count` bits of a response in bit units.

    Raises:
        ProtocolError: the payload is not exactly `count` bits, each 0 or 1.
    """
    digits = payload.decode("latin-1") if coding is Coding.ASCII else payload.hex()
    padding = digits[count:]
    expected = count if coding is Coding.ASCII else count + count % 2
    if len(digits) != expected or not set(digits) <= {"0", "1"} or "1" in padding:
        raise ProtocolError(f"the answer's data is not {count} bits")
    return tuple(digit == "1" for digit in digits[:count])


def encode_bits(coding: Coding, bits: Iterable[bool]) -> bytes:
    """Return the payload that carries `bits`: ASCII a digit each, binary a nibble, high first."""
    digits = "".join("1" if bit else "0" for bit in bits)
    if coding is Coding.ASCII:
        return digits.encode()
    return bytes.fromhex(digits + "0" * (len(digits) % 2))


def decode_command(
    coding: Coding,
    code: int,
    subcommand: int,
    payload: bytes,
    devices: Mapping[str, Device],
    unknown_device_code: int,
) -> Command:
    """Return the command that a request carries, as a PLC with `devices` understands it.

    Raises:
        CommandFault: with the end code a PLC answers; `unknown_device_code` for a device it lacks.
    """
    if code not in (BATCH_READ, RANDOM_READ, BATCH_WRITE, RANDOM_WRITE) or subcommand > 3:
        raise CommandFault(0xC059, f"command {code:04X}/{subcommand:04X} is not supported")
    reader = _PayloadReader(
        coding, payload, devices, unknown_device_code, is_long=bool(subcommand & _LONG_FORM)
    )
    is_bits = bool(subcommand & _BIT_UNITS)
    if code == RANDOM_READ and is_bits:
        raise CommandFault(0xC059, "random read has no bit form")
    command = reader.command(code, is_bits)
    reader.expect_end()
    return command


class _PayloadReader:
    """Reads one request's payload from left to right."""

    def __init__(
        self,
        coding: Coding,
        payload: bytes,
        devices: Mapping[str, Device],
        unknown_device_code: int,
        *,
        is_long: bool,
    ) -> None:
        self._coding = coding
        self._payload = payload
        self._at = 0
        self._is_long = is_long
        self._unknown_device_code = unknown_device_code
        self._by_code = {device.code: device for device in devices.values()}
        width = 4 if is_long else 2
        self._by_name = {
            f"{(is_long and device.long_name) or device.name:*<{width}}": device
            for device in devices.values()
        }

    def command(self, code: int, is_bits: bool) -> Command:
        if code == RANDOM_READ:
            words, double_words = self._number(1), self._number(1)
            return ReadRandom(
                words=tuple(self._point() for _ in range(words)),
                double_words=tuple(self._point() for _ in range(double_words)),
            )
        if code == RANDOM_WRITE:
            return self._random_write(is_bits)
        head, count = self._point(), self._number(2)
        if code == BATCH_READ:
            return (ReadBits if is_bits else ReadWords)(head=head, count=count)
        if is_bits:
            size = count if self._coding is Coding.ASCII else (count + 1) // 2
            return WriteBits(head=head, bits=self._bits(self._take(size), count))
        return WriteWords(head=head, words=tuple(self._number(2) for _ in range(count)))

    def expect_end(self) -> None:
        if self._at != len(self._payload):
            raise CommandFault(0xC061, "the request is longer than its contents")

    def _random_write(self, is_bits: bool) -> WriteRandom:
        writes: list[WriteWords | WriteBits] = []
        if is_bits:
            for _ in range(self._number(1)):
                head, value = self._point(), self._number(2 if self._is_long else 1)
                writes.append(WriteBits(head=head, bits=(value != 0,)))
            return WriteRandom(writes=tuple(writes))
        words, double_words = self._number(1), self._number(1)
        for _ in range(words):
            writes.append(WriteWords(head=self._point(), words=(self._number(2),)))
        for _ in range(double_words):
            head, value = self._point(), self._number(4)
            writes.append(WriteWords(head=head, words=(value & 0xFFFF, value >> 16)))
        return WriteRandom(writes=tuple(writes))

    def _point(self) -> Point:
        if self._coding is Coding.BINARY:
            number = self._number(4 if self._is_long else 3)
            device = self._by_code.get(self._number(2 if self._is_long else 1))
            if device is None:
                raise CommandFault(self._unknown_device_code, "no such device code")
            return Point(device, number)
        device = self._by_name.get(self._take(4 if self._is_long else 2).decode("latin-1"))
        digits = self._take(8 if self._is_long else 6).decode("latin-1")
        if device is None:
            raise CommandFault(self._unknown_device_code, "no such device name")
        if not digits.isalnum() or not digits.isascii():
            raise CommandFault(0xC05C, "the device number is not a number")
        try:
            return Point(device, int(digits, device.radix))
        except ValueError:
            raise CommandFault(0xC05C, f"{digits} is no number of base {device.radix}") from None

    def _bits(self, data: bytes, count: int) -> tuple[bool, ...]:
        try:
            return decode_bits(self._coding, data, count)
        except ProtocolError as error:
            raise CommandFault(0xC05C, error.message) from None

    def _number(self, size: int) -> int:
        data = self._take(size * (2 if self._coding is Coding.ASCII else 1))
        try:
            return decode_number(self._coding, data)
        except ProtocolError as error:
            raise CommandFault(0xC050, error.message) from None

    def _take(self, size: int) -> bytes:
        data = self._payload[self._at : self._at + size]
        if len(data) != size:
            raise CommandFault(0xC061, "the request is shorter than its contents")
        self._at += size
        return data
