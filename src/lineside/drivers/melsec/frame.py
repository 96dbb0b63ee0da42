"""The frames of MC protocol 3E and 4E, binary and ASCII: both sides, no I/O.

A frame is a header (subheader, for 4E a serial number, route, length L) and a body of L bytes (in
ASCII: characters) that begins with the monitoring timer in a request and with the end code in a
response. What the body's payload means is `commands.py`. Layout: SH-080956 chapter 4, as tabulated
in `aslmp`; tried byte for byte against independent implementations.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineside.core.errors import ProtocolError


class Coding(StrEnum):
    """The "communication data code" of the PLC's port."""

    BINARY = "binary"
    ASCII = "ascii"


class FrameKind(StrEnum):
    """3E has no serial number; 4E echoes one, so that an answer can be told from a late one."""

    THREE_E = "3E"
    FOUR_E = "4E"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Which CPU of which network the request is for; the default is the connected one."""

    network: int = 0
    pc: int = 0xFF
    module_io: int = 0x03FF
    station: int = 0


OWN_STATION = Route()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `timer` is in units of 250 ms, 0 is unlimited; `payload` is still coded."""

    command: int
    subcommand: int
    payload: bytes = b""
    timer: int = 0
    route: Route = OWN_STATION
    serial: int | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One response. `payload` is still coded; with an end code it is the error block or empty."""

    end_code: int
    payload: bytes = b""
    route: Route = OWN_STATION
    serial: int | None = None


class ErrorBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What a PLC adds to an end code: who refused which command."""

    route: Route
    command: int
    subcommand: int


class LengthFault(ProtocolError):
    """A request's length field is too short for any request; a PLC answers it with C061."""


_HEX_DIGITS = frozenset(b"0123456789ABCDEFabcdef")
_REQUEST_SUBHEADER = {FrameKind.THREE_E: 0x50, FrameKind.FOUR_E: 0x54}
_RESPONSE_SUBHEADER = {FrameKind.THREE_E: 0xD0, FrameKind.FOUR_E: 0xD4}
_REQUEST_BODY_MIN = 6  # timer, command, subcommand
_RESPONSE_BODY_MIN = 2  # end code
SERIAL_OFFSET = 2  # bytes (ASCII: twice as many characters) before the serial number in a 4E frame


def encode_number(coding: Coding, value: int, size: int) -> bytes:
    """Return `value` in `size` bytes little-endian, or in twice as many hex digits."""
    if coding is Coding.BINARY:
        return value.to_bytes(size, "little")
    return b"%0*X" % (size * 2, value)


def decode_number(coding: Coding, data: bytes) -> int:
    """Return the number that `encode_number` wrote.

    Raises:
        ProtocolError: a character is not a hexadecimal digit.
    """
    if coding is Coding.BINARY:
        return int.from_bytes(data, "little")
    if not data or not _HEX_DIGITS.issuperset(data):
        raise ProtocolError(f"{data!r} is not a hexadecimal number")
    return int(data, 16)


class Codec:
    """Frames of one kind in one coding. Has no state; one instance serves both directions."""

    def __init__(self, kind: FrameKind, coding: Coding) -> None:
        self.kind = kind
        self.coding = coding
        self.width = 2 if coding is Coding.ASCII else 1  # characters or bytes per byte of meaning
        has_serial = kind is FrameKind.FOUR_E
        self._route_at = (6 if has_serial else 2) * self.width
        self.header_size = (13 if has_serial else 9) * self.width

    def encode_request(self, request: Request) -> bytes:
        """Return the whole frame of `request`; a 4E request without a serial gets 0."""
        number, coding = encode_number, self.coding
        body = (
            number(coding, request.timer, 2)
            + number(coding, request.command, 2)
            + number(coding, request.subcommand, 2)
            + request.payload
        )
        return self._header(_REQUEST_SUBHEADER, request.route, request.serial, len(body)) + body

    def encode_response(self, response: Response) -> bytes:
        """Return the whole frame of `response`."""
        body = encode_number(self.coding, response.end_code, 2) + response.payload
        return self._header(_RESPONSE_SUBHEADER, response.route, response.serial, len(body)) + body

    def encode_error_block(self, block: ErrorBlock) -> bytes:
        """Return the payload that follows an end code other than 0."""
        return (
            self._route(block.route)
            + encode_number(self.coding, block.command, 2)
            + encode_number(self.coding, block.subcommand, 2)
        )

    def decode_error_block(self, payload: bytes) -> ErrorBlock | None:
        """Return the error block in `payload`, or None: some PLCs leave it out."""
        if len(payload) != 9 * self.width:
            return None
        try:
            command, subcommand = self._numbers(payload[5 * self.width :], 2, 2)
            return ErrorBlock(
                route=self._decode_route(payload), command=command, subcommand=subcommand
            )
        except ProtocolError:
            return None

    def take_request(self, buffer: bytearray) -> Request | None:
        """Remove the first request from `buffer` and return it; None while it is incomplete.

        Raises:
            LengthFault: L is too short for any request; the frame stays in the buffer.
            ProtocolError: the bytes are no request of this kind and coding.
        """
        taken = self._take(buffer, _REQUEST_SUBHEADER, _REQUEST_BODY_MIN)
        if taken is None:
            return None
        route, serial, body = taken
        timer, command, subcommand = self._numbers(body, 2, 2, 2)
        return Request(
            timer=timer,
            command=command,
            subcommand=subcommand,
            payload=body[6 * self.width :],
            route=route,
            serial=serial,
        )

    def take_response(self, buffer: bytearray) -> Response | None:
        """Remove the first response from `buffer` and return it; None while it is incomplete.

        Raises:
            ProtocolError: the bytes are no response of this kind and coding.
        """
        taken = self._take(buffer, _RESPONSE_SUBHEADER, _RESPONSE_BODY_MIN)
        if taken is None:
            return None
        route, serial, body = taken
        (end_code,) = self._numbers(body, 2)
        return Response(
            end_code=end_code, payload=body[2 * self.width :], route=route, serial=serial
        )

    def with_serial(self, frame: bytes, serial: int) -> bytes:
        """Return the 4E `frame` with another serial number."""
        start, end = SERIAL_OFFSET * self.width, (SERIAL_OFFSET + 2) * self.width
        return frame[:start] + encode_number(self.coding, serial, 2) + frame[end:]

    def _header(
        self, subheaders: dict[FrameKind, int], route: Route, serial: int | None, length: int
    ) -> bytes:
        start = bytes((subheaders[self.kind], 0))
        parts = start.hex().upper().encode() if self.coding is Coding.ASCII else start
        if self.kind is FrameKind.FOUR_E:
            parts += encode_number(self.coding, serial or 0, 2) + encode_number(self.coding, 0, 2)
        return parts + self._route(route) + encode_number(self.coding, length, 2)

    def _route(self, route: Route) -> bytes:
        number, coding = encode_number, self.coding
        return (
            number(coding, route.network, 1)
            + number(coding, route.pc, 1)
            + number(coding, route.module_io, 2)
            + number(coding, route.station, 1)
        )

    def _take(
        self, buffer: bytearray, subheaders: dict[FrameKind, int], body_min: int
    ) -> tuple[Route, int | None, bytes] | None:
        self._check_subheader(buffer, subheaders)
        if len(buffer) < self.header_size:
            return None
        header = bytes(buffer[: self.header_size])
        serial = None
        if self.kind is FrameKind.FOUR_E:
            # The two bytes after the serial are "fixed"; PLCs differ in them, so they are ignored.
            (serial,) = self._numbers(header[SERIAL_OFFSET * self.width :], 2)
        route = self._decode_route(header[self._route_at :])
        (length,) = self._numbers(header[self._route_at + 5 * self.width :], 2)
        if length < body_min * self.width:
            raise LengthFault(f"length field says {length}, which no message has")
        end = self.header_size + length
        if len(buffer) < end:
            return None
        body = bytes(buffer[self.header_size : end])
        del buffer[:end]
        return route, serial, body

    def _check_subheader(self, buffer: bytearray, subheaders: dict[FrameKind, int]) -> None:
        head = bytes(buffer[: 2 * self.width])
        expected = bytes((subheaders[self.kind], 0))
        if self.coding is Coding.ASCII:
            expected = expected.hex().upper().encode()
        if expected.startswith(head):
            return
        raise ProtocolError(
            f"the message begins with {head.hex(' ').upper()} in place of "
            f"{expected.hex(' ').upper()}",
            cause=self._guess_mismatch(head, subheaders),
        )

    def _guess_mismatch(self, head: bytes, subheaders: dict[FrameKind, int]) -> str:
        """Return what the first bytes say about the other side's settings."""
        for kind, first in subheaders.items():
            ascii_head = b"%02X" % first
            if self.coding is Coding.BINARY and head.startswith(ascii_head):
                return 'the port is set to ASCII: set code = "ascii" for this PLC'
            if self.coding is Coding.ASCII and head[:1] == bytes((first,)):
                return 'the port is set to binary: set code = "binary" for this PLC'
            if kind is not self.kind and head.startswith(
                ascii_head if self.coding is Coding.ASCII else bytes((first,))
            ):
                return f'the answer is a {kind} frame: set frame = "{kind}" for this PLC'
        return "something other than an MC protocol port answers there"

    def _decode_route(self, data: bytes) -> Route:
        network, pc, module_io, station = self._numbers(data, 1, 1, 2, 1)
        return Route(network=network, pc=pc, module_io=module_io, station=station)

    def _numbers(self, data: bytes, *sizes: int) -> list[int]:
        values, start = [], 0
        for size in sizes:
            end = start + size * self.width
            values.append(decode_number(self.coding, data[start:end]))
            start = end
        return values
