"""Sends planned reads to one PLC, each so that its answer cannot be taken for another one's."""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec.structs import replace

from lineside.config.schema import PlcConfig
from lineside.core.errors import PlcUnreachable
from lineside.drivers.melsec.commands import (
    ReadRandom,
    ReadWords,
    decode_random,
    decode_words,
    encode_command,
    needs_long_form,
)
from lineside.drivers.melsec.devices import has_long_form, limits_of
from lineside.drivers.melsec.end_codes import EndCode, FaultClass, explain
from lineside.drivers.melsec.frame import Codec, Coding, FrameKind, Request, Route
from lineside.drivers.melsec.lengths import Lengths, Room, padded
from lineside.drivers.melsec.link import TcpLink, UdpLink
from lineside.drivers.melsec.plan import PlannedRead, is_anchored
from lineside.drivers.melsec.reading import CompiledRead, Variant
from lineside.drivers.melsec.refusal import Refusal

# A code that no table lists may concern one address only.
ABOUT_ADDRESSES = frozenset({FaultClass.TAG, FaultClass.UNKNOWN})
ABOUT_ONE_READ = ABOUT_ADDRESSES | {FaultClass.COMMAND}
_TIMER_UNIT_S = 0.25


class Asker:
    """Asks one PLC. `link` is the connection, while there is one.

    `request_count` counts what was sent, `narrowings` how often less room was found, or more.
    """

    def __init__(self, plc: PlcConfig) -> None:
        self.codec = Codec(FrameKind(plc.frame), Coding(plc.code))
        self.route = Route(
            network=plc.network, pc=plc.pc, module_io=plc.module_io, station=plc.station
        )
        self.link: TcpLink | UdpLink | None = None
        self.request_count = 0
        self.narrowings = 0
        self._family = plc.family
        self._timeout_s = plc.timeout
        # The PLC gives up on a request before we do, so that it can say so (C05E).
        self._timer = max(1, math.ceil(plc.timeout / _TIMER_UNIT_S) - 1)
        self._lengths = Lengths()
        self._pads_max: dict[ReadWords | ReadRandom, int] = {}  # where the PLC refuses more
        self._serial = 0

    def forget(self) -> None:
        """Let go of what the PLC was found to refuse: there may be another one by now."""
        if self._pads_max:
            self._pads_max.clear()
            self.narrowings += 1

    async def ask(self, read: CompiledRead) -> tuple[int, ...]:
        """Send one read and return its words.

        Raises:
            Refusal: the PLC refuses it.
            PlcUnreachable: there is no connection, or no answer.
        """
        if self.codec.kind is FrameKind.FOUR_E:
            return await self._send(read, 0)
        pad = self._lengths.choose(read.planned.word_count, read.room.total)
        try:
            return await self._send(read, pad)
        except Refusal as refusal:
            if not pad or refusal.end_code.fault not in ABOUT_ONE_READ:
                raise
        words = await self.ask_bare(read)
        self._lengths.choose(read.planned.word_count + pad, 0)
        try:
            return await self._send(read, pad)  # it was refused for a moment
        except Refusal as refusal:
            if refusal.end_code.fault not in ABOUT_ONE_READ:
                raise
        # It was the words beyond that the PLC does not give.
        self._pads_max[read.planned.command] = pad - 1
        self.narrowings += 1
        return words

    async def ask_bare(self, read: CompiledRead) -> tuple[int, ...]:
        """Send one read that asks for exactly what it needs, and return its words.

        Raises:
            Refusal: the PLC refuses it.
            PlcUnreachable: there is no connection, or no answer.
        """
        self._lengths.choose(read.planned.word_count, 0)
        return await self._send(read, 0)

    def room(self, planned: PlannedRead, refused: Iterable[tuple[str, int]]) -> Room:
        """Return how much more `planned` may ask for.

        Args:
            planned: the read.
            refused: device and number of words that the PLC refuses.
        """
        limits = limits_of(self._family, self.codec.coding)
        command = planned.command
        if isinstance(command, ReadRandom):
            room = Room.around(command, limits.random_points, (), is_fixed=True)
        else:
            device = command.head.device
            holes = [word for name, word in refused if name == device.name]
            is_fixed = is_anchored(device, self.codec.coding)
            room = Room.around(command, limits.words, holes, is_fixed=is_fixed)
        most = self._pads_max.get(command, room.total) if self._pads_max else room.total
        return replace(room, total=min(room.total, most))

    async def _send(self, read: CompiledRead, pad: int) -> tuple[int, ...]:
        """Send one read with `pad` words more than it needs, and return those it needs."""
        link = self.link
        if link is None:
            raise PlcUnreachable("the connection is not open")
        variant = read.variants.get(pad)
        if variant is None:
            variant = read.variants[pad] = self._variant(read, pad)
        frame, serial = variant.frame, None
        if self.codec.kind is FrameKind.FOUR_E:
            serial = self._serial = (self._serial + 1) & 0xFFFF
            frame = self.codec.with_serial(frame, serial)
        self.request_count += 1
        response = await link.exchange(frame, serial, self._timeout_s)
        if response.end_code:
            raise Refusal(read.planned, self._explain(variant, response.end_code))
        command = variant.padded.command
        if isinstance(command, ReadRandom):
            words = decode_random(self.codec.coding, response.payload, command)
        else:
            words = decode_words(self.codec.coding, response.payload, command.count)
        return variant.padded.wanted(words) if pad else words

    def _is_long(self, command: ReadWords | ReadRandom) -> bool:
        return has_long_form(self._family) and needs_long_form(command)

    def _explain(self, variant: Variant, code: int) -> EndCode:
        end_code = explain(code)
        if end_code.fault is FaultClass.COMMAND and self._is_long(variant.padded.command):
            # Only some tags need this form: the others can be had.
            cause = "this CPU takes no device numbers above FFFF"
            return replace(end_code, fault=FaultClass.TAG, cause=cause)
        return end_code

    def _variant(self, read: CompiledRead, pad: int) -> Variant:
        wider = padded(read.planned.command, pad, read.room.below)
        is_long = self._is_long(wider.command)
        code, subcommand, payload = encode_command(
            self.codec.coding, wider.command, is_long=is_long
        )
        request = Request(
            command=code,
            subcommand=subcommand,
            payload=payload,
            timer=self._timer,
            route=self.route,
        )
        return Variant(frame=self.codec.encode_request(request), padded=wider)
