"""The inside of a simulated MELSEC CPU: its memory, and what it answers to one request.

Without network. The port and its faults are `simulator.py`, values that change by themselves
`signals.py`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from lineside.config.schema import Family
from lineside.core.model import CpuState, Scalar
from lineside.drivers.melsec.address import TagAddress, ValueType, parse_address
from lineside.drivers.melsec.commands import (
    Command,
    CommandFault,
    Point,
    ReadBits,
    ReadRandom,
    ReadWords,
    WriteBits,
    WriteRandom,
    WriteWords,
    decode_command,
    encode_bits,
    encode_double_words,
    encode_words,
    needs_long_form,
)
from lineside.drivers.melsec.devices import (
    IQ_F_XY_POINTS,
    Device,
    devices_of,
    has_long_form,
    limits_of,
)
from lineside.drivers.melsec.frame import (
    OWN_STATION,
    Codec,
    Coding,
    ErrorBlock,
    Request,
    Response,
    Route,
)
from lineside.drivers.melsec.signals import Signal

# How many points each device has: a Q CPU's default assignment [M], larger where that is common.
_POINTS = {
    "SM": 2048, "X": 8192, "Y": 8192, "M": 32768, "L": 8192, "F": 2048, "V": 2048, "S": 8192,
    "B": 8192, "SB": 2048, "DX": 8192, "DY": 8192, "TS": 2048, "TC": 2048, "TN": 2048,
    "SS": 2048, "SC": 2048, "SN": 2048, "CS": 1024, "CC": 1024, "CN": 1024, "SD": 2048,
    "D": 32768, "W": 8192, "SW": 2048, "R": 32768, "ZR": 65536, "Z": 20,
}  # fmt: skip
# As a project with much memory assigns them: more than the short form can name.
_IQ_R_POINTS = {"M": 0x20000, "B": 0x20000, "D": 0x20000, "W": 0x20000}
_IQ_F_POINTS = {"X": IQ_F_XY_POINTS, "Y": IQ_F_XY_POINTS, "D": 8000, "S": 4096}  # [F], [A]

_FAMILY_POINTS = {Family.IQ_F: _IQ_F_POINTS, Family.IQ_R: _IQ_R_POINTS}

_RUN_STATES = {CpuState.RUN: 0, CpuState.STOP: 2, CpuState.PAUSE: 3}  # SD203 [A]
_ALWAYS_ON = "SM400"
_RUN_STATE_REGISTER = "SD203"


class Memory:
    """The device memory of one CPU, in words; bit devices hold 16 bits per word, lowest first."""

    def __init__(self, family: Family) -> None:
        points = {**_POINTS, **_FAMILY_POINTS.get(family, {})}
        self._family = family
        self._words: dict[str, array[int]] = {
            device.name: array(
                "H", bytes(2 * -(-points[device.name] // (16 if device.is_bit else 1)))
            )
            for device in devices_of(family).values()
        }

    def copy(self) -> Memory:
        """Return this memory as it is now."""
        twin = Memory.__new__(Memory)
        twin._family = self._family
        twin._words = {name: array("H", words) for name, words in self._words.items()}
        return twin

    def get(self, address: str) -> Scalar:
        """Return the value at `address`, written as in a config."""
        tag = self._parse(address)
        words = self._words[tag.device.name][
            tag.first_word : tag.first_word + tag.value_type.word_count
        ]
        if tag.value_type is ValueType.BIT:
            return words[0] >> tag.bit_in_word & 1
        packed = struct.pack(f"<{len(words)}H", *words)
        value: Scalar = _NUMBERS[tag.value_type].unpack(packed)[0]
        return value

    def set(self, address: str, value: Scalar) -> None:
        """Set the value at `address`, written as in a config.

        Raises:
            AddressError, IndexError: there is no such address.
            struct.error: the value does not fit its type.
        """
        tag = self._parse(address)
        words = self._words[tag.device.name]
        if tag.value_type is ValueType.BIT:
            mask = 1 << tag.bit_in_word
            words[tag.first_word] = words[tag.first_word] & ~mask | (mask if value else 0)
            return
        kind = tag.value_type
        if kind is ValueType.I16 and isinstance(value, int) and value > 0x7FFF:
            kind = ValueType.U16  # a bare D100 takes the word however it is written
        packed = struct.unpack(f"<{kind.word_count}H", _NUMBERS[kind].pack(value))
        if tag.first_word + len(packed) > len(words):
            raise IndexError(f"{address} is beyond the end of {tag.device.name}")
        words[tag.first_word : tag.first_word + len(packed)] = array("H", packed)

    def read_words(self, head: Point, count: int) -> Sequence[int]:
        """Return `count` words; from a bit device they may begin at any bit.

        Raises:
            CommandFault: C056, the words go beyond the end.
        """
        words = self._words[head.device.name]
        if not head.device.is_bit:
            self._check(head.number + count <= len(words))
            return words[head.number : head.number + count]
        first, shift = divmod(head.number, 16)
        end = first + count
        if shift == 0:
            self._check(end <= len(words))
            return words[first:end]
        self._check(end < len(words))
        return [
            (words[i] >> shift | words[i + 1] << (16 - shift)) & 0xFFFF for i in range(first, end)
        ]

    def read_bits(self, head: Point, count: int) -> list[bool]:
        """Return `count` bits of a bit device.

        Raises:
            CommandFault: C05C for a word device, C056 beyond the end.
        """
        words = self._bit_words(head, count)
        return [
            bool(words[n >> 4] >> (n & 15) & 1) for n in range(head.number, head.number + count)
        ]

    def write_words(self, head: Point, values: Sequence[int]) -> None:
        """Write words; into a bit device 16 bits each, from any bit on."""
        words = self._words[head.device.name]
        if head.device.is_bit:
            bits = [bool(value >> i & 1) for value in values for i in range(16)]
            self.write_bits(head, bits)
            return
        self._check(head.number + len(values) <= len(words))
        words[head.number : head.number + len(values)] = array("H", values)

    def write_bits(self, head: Point, bits: Sequence[bool]) -> None:
        """Write bits of a bit device."""
        words = self._bit_words(head, len(bits))
        for number, bit in enumerate(bits, head.number):
            mask = 1 << (number & 15)
            words[number >> 4] = words[number >> 4] & ~mask | (mask if bit else 0)

    def _bit_words(self, head: Point, count: int) -> array[int]:
        if not head.device.is_bit:
            raise CommandFault(0xC05C, "bit units on a word device")
        words = self._words[head.device.name]
        self._check(head.number + count <= len(words) * 16)
        return words

    def _check(self, is_inside: bool) -> None:
        if not is_inside:
            raise CommandFault(0xC056, "address out of range")

    def _parse(self, address: str) -> TagAddress:
        return _parse(address, self._family)


# A simulated plant writes the same addresses five times a second.
_parse = lru_cache(maxsize=10_000)(parse_address)


_NUMBERS: Mapping[ValueType, struct.Struct] = {
    ValueType.I16: struct.Struct("<h"),
    ValueType.U16: struct.Struct("<H"),
    ValueType.I32: struct.Struct("<i"),
    ValueType.U32: struct.Struct("<I"),
    ValueType.F32: struct.Struct("<f"),
}


class SimulatedCpu:
    """One CPU: executes requests on its memory and answers as the PLC would."""

    def __init__(
        self,
        family: Family,
        codec: Codec,
        route: Route = OWN_STATION,
        now_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.memory = Memory(family)
        self.memory.set(_ALWAYS_ON, 1)
        self._family = family
        self._codec = codec
        self._route = route
        self._limits = limits_of(family, codec.coding)
        self._refused: dict[tuple[str, int], int] = {}
        self._signals: dict[str, Signal] = {}
        self._now_s = now_s
        self._state = CpuState.RUN
        self._still: Memory | None = None

    @property
    def state(self) -> CpuState:
        """RUN, STOP or PAUSE, as SD203 says."""
        return self._state

    @state.setter
    def state(self, state: CpuState) -> None:
        self.memory.set(_RUN_STATE_REGISTER, _RUN_STATES[state])
        self._state = state

    def stand_still(self, is_still: bool) -> None:
        """While on, answer every read with the memory as it was when this was switched on."""
        if not is_still:
            self._still = None
        elif self._still is None:
            self._still = self.memory.copy()

    def follow(self, address: str, signal: Signal) -> None:
        """Let the value at `address` follow a function of time, as seen by each request."""
        self._signals[address] = signal

    def touches(self, request: Request, address: str) -> bool:
        """Whether `request` reads or writes the first word of `address`."""
        tag = parse_address(address, self._family)
        try:
            spans = _touched_words(self._command(request))
        except CommandFault:
            return False
        return any(
            name == tag.device.name and first <= tag.first_word < end for name, first, end in spans
        )

    def refuse(self, address: str, end_code: int) -> None:
        """Answer every request that touches the word of `address` with `end_code`."""
        tag = parse_address(address, self._family)
        for i in range(tag.value_type.word_count):
            self._refused[tag.device.name, tag.first_word + i] = end_code

    def accept(self, address: str) -> None:
        """Take back `refuse`."""
        tag = parse_address(address, self._family)
        for i in range(tag.value_type.word_count):
            self._refused.pop((tag.device.name, tag.first_word + i), None)

    def answer(self, request: Request) -> Response:
        """Return the response to `request`, with an end code and the error block if refused."""
        if request.route != self._route:
            return self.refusal(request, 0xC05F)
        try:
            command = self._command(request)
            self._check_refused(command)
            self._check_form(request, command)
            self._play_signals()
            payload = self._execute(command)
        except CommandFault as fault:
            return self.refusal(request, fault.code)
        return Response(end_code=0, payload=payload, route=request.route, serial=request.serial)

    def refusal(self, request: Request, end_code: int) -> Response:
        """Return the response that refuses `request` with `end_code`."""
        block = ErrorBlock(
            route=request.route, command=request.command, subcommand=request.subcommand
        )
        return Response(
            end_code=end_code,
            payload=self._codec.encode_error_block(block),
            route=request.route,
            serial=request.serial,
        )

    def _command(self, request: Request) -> Command:
        return _decode(
            self._codec.coding,
            self._family,
            request.command,
            request.subcommand,
            request.payload,
        )

    def _check_form(self, request: Request, command: Command) -> None:
        if not isinstance(command, (ReadWords, ReadBits, ReadRandom)):
            return
        if has_long_form(self._family) and not request.subcommand & 2 and needs_long_form(command):
            raise CommandFault(0xC056, "an iQ-R takes no numbers above FFFF in the short form")

    def _play_signals(self) -> None:
        if self._signals:
            now_s = self._now_s()
            for address, signal in self._signals.items():
                self.memory.set(address, signal(now_s))

    def _execute(self, command: Command) -> bytes:
        coding = self._codec.coding
        memory = self._still or self.memory
        if isinstance(command, ReadWords):
            self._check_count(command.count, self._limits.words, 0xC052)
            words = list(memory.read_words(command.head, command.count))
            return encode_words(coding, words)
        if isinstance(command, ReadBits):
            self._check_count(command.count, self._limits.bits, 0xC051)
            return encode_bits(coding, memory.read_bits(command.head, command.count))
        if isinstance(command, ReadRandom):
            return self._read_random(memory, command)
        self._write(command)
        return b""

    def _read_random(self, memory: Memory, command: ReadRandom) -> bytes:
        points = (*command.words, *command.double_words)
        self._check_count(len(points), self._limits.random_points, 0xC054)
        if not all(point.device.is_in_random for point in points):
            raise CommandFault(0x4032, "contacts and coils are not allowed in random read")
        coding = self._codec.coding
        words = [memory.read_words(point, 1)[0] for point in command.words]
        pairs = [memory.read_words(point, 2) for point in command.double_words]
        return encode_words(coding, words) + encode_double_words(
            coding, ((low, high) for low, high in pairs)
        )

    def _write(self, command: WriteWords | WriteBits | WriteRandom) -> None:
        if isinstance(command, WriteRandom):
            for write in command.writes:
                self._write(write)
        elif isinstance(command, WriteWords):
            self._check_count(len(command.words), self._limits.words, 0xC052)
            self.memory.write_words(command.head, command.words)
        else:
            self._check_count(len(command.bits), self._limits.bits, 0xC051)
            self.memory.write_bits(command.head, command.bits)

    def _check_count(self, count: int, limit: int, end_code: int) -> None:
        if not 0 < count <= limit:
            raise CommandFault(end_code, f"{count} points, the limit is {limit}")

    def _check_refused(self, command: Command) -> None:
        if not self._refused:
            return
        for name, first, end in _touched_words(command):
            for (device, word), end_code in self._refused.items():
                if device == name and first <= word < end:
                    raise CommandFault(end_code, "refused by order")


@lru_cache(maxsize=250)
def _decode(
    coding: Coding, family: Family, command: int, subcommand: int, payload: bytes
) -> Command:
    """Return what a request asks for. A client asks for the same all day: it is read once."""
    # An FX5U answers C05C for a device it lacks [F]; the manuals say C05B [A].
    unknown_device_code = 0xC05C if family is Family.IQ_F else 0xC05B
    return decode_command(
        coding, command, subcommand, payload, devices_of(family), unknown_device_code
    )


def _touched_words(command: Command) -> list[tuple[str, int, int]]:
    """Return the words [first, end) of each device that `command` touches."""
    if isinstance(command, WriteRandom):
        return [span for write in command.writes for span in _touched_words(write)]
    if isinstance(command, ReadRandom):
        return [_span(point, 1, is_words=True) for point in command.words] + [
            _span(point, 2, is_words=True) for point in command.double_words
        ]
    if isinstance(command, ReadWords):
        return [_span(command.head, command.count, is_words=True)]
    if isinstance(command, WriteWords):
        return [_span(command.head, len(command.words), is_words=True)]
    count = command.count if isinstance(command, ReadBits) else len(command.bits)
    return [_span(command.head, count, is_words=False)]


def _span(head: Point, count: int, *, is_words: bool) -> tuple[str, int, int]:
    device: Device = head.device
    if not device.is_bit:
        return device.name, head.number, head.number + count
    last = head.number + (count * 16 if is_words else count) - 1
    return device.name, head.number // 16, last // 16 + 1
