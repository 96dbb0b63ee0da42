"""The contract's messages as bytes, and the WebSocket frame around them.

Pure: it encodes, it neither sends nor asks a clock. Every server-to-client frame is unmasked
(RFC 6455, section 5.1), so one frame serves every subscriber.
"""

from __future__ import annotations

import zlib
from enum import Enum
from math import isfinite
from typing import Literal

import msgspec

from lineside.core.model import EquipmentState, LineState, Status
from lineside.core.times import iso_utc

NEVER_READ = "1970-01-01T00:00:00.000Z"  # the contract has no null here
CLIENT_TIMESTAMP_MAX = 64  # characters of a ping's own timestamp that a pong carries back

ConnectionWord = Literal["connected", "disconnected", "error"]

_TEXT_FIN = 0x81
_COMPRESSED = 0x40  # RSV1 on a message's first frame (RFC 7692, section 7.2.3.1)
_SYNC_TAIL_BYTES = 4  # 00 00 FF FF, which RFC 7692, section 7.2.1, has the sender cut off
_RAW_DEFLATE = -zlib.MAX_WBITS


class Encoding(Enum):
    """How a subscriber takes its ticks."""

    PLAIN = "plain"
    DEFLATE = "deflate"  # permessage-deflate without context takeover (RFC 7692)


class TagsMessage(msgspec.Struct, frozen=True):
    """The contract's `tags`."""

    status_tag: int | float
    error_tag: int
    connection: bool


class EquipmentMessage(msgspec.Struct, frozen=True):
    """One object of the contract's `equipment`."""

    equipment_code: str
    equipment_name: str
    status: Status
    tags: TagsMessage
    last_updated: str


class EquipmentStatusMessage(msgspec.Struct, frozen=True, tag_field="type", tag="equipment_status"):
    """The contract's message 1."""

    timestamp: str
    equipment: list[EquipmentMessage]


class ConnectionStatusMessage(
    msgspec.Struct, frozen=True, tag_field="type", tag="connection_status"
):
    """The contract's message 2."""

    timestamp: str
    status: ConnectionWord
    message: str
    # The contract's own integration script reads `equipment` from its first message, this one.
    equipment: tuple[()] = ()


class PongMessage(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    """The contract's message 4."""

    timestamp: str
    ping_timestamp: str | msgspec.UnsetType = msgspec.UNSET


_encoder = msgspec.json.Encoder()


def equipment_status_payload(line: LineState, at_s: float) -> bytes:
    """Return the contract's `equipment_status` for one line, machines in configured order.

    Args:
        line: the line at one tick.
        at_s: Unix time of the tick.

    Returns:
        Compact UTF-8 JSON.
    """
    equipment = [_equipment(state) for state in line.equipment]
    return _encoder.encode(EquipmentStatusMessage(iso_utc(at_s), equipment))


def connection_status_payload(status: ConnectionWord, message: str, at_s: float) -> bytes:
    """Return the contract's `connection_status`, with the empty `equipment` its script reads."""
    return _encoder.encode(ConnectionStatusMessage(iso_utc(at_s), status, message))


def pong_payload(at_s: float, client_timestamp: str | None = None) -> bytes:
    """Return the contract's `pong`.

    Args:
        at_s: the server's Unix time.
        client_timestamp: the ping's own timestamp, carried back as `ping_timestamp` so that the
            client can measure the way; left out when it is longer than a timestamp can be.
    """
    if client_timestamp is None or len(client_timestamp) > CLIENT_TIMESTAMP_MAX:
        return _encoder.encode(PongMessage(iso_utc(at_s)))
    return _encoder.encode(PongMessage(iso_utc(at_s), client_timestamp))


def text_frame(payload: bytes) -> bytes:
    """Return `payload` as one unmasked, unfragmented text frame (RFC 6455, section 5.2)."""
    return _frame(_TEXT_FIN, payload)


def tick_frame(payload: bytes, encoding: Encoding) -> bytes:
    """Return `payload` as one frame for every subscriber that takes its ticks in `encoding`.

    No context is taken over from one message to the next, so that one compression serves all.
    """
    if encoding is Encoding.PLAIN:
        return text_frame(payload)
    compressor = zlib.compressobj(wbits=_RAW_DEFLATE)
    data = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return _frame(_TEXT_FIN | _COMPRESSED, data[:-_SYNC_TAIL_BYTES])


def _frame(first_byte: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        head = bytes((first_byte, size))
    elif size < 65_536:
        head = bytes((first_byte, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first_byte, 127)) + size.to_bytes(8, "big")
    return head + data


def _equipment(state: EquipmentState) -> EquipmentMessage:
    read_at_s = state.last_updated_s
    return EquipmentMessage(
        state.code,
        state.name,
        state.status,
        TagsMessage(_json_number(state.status_value), state.error_value, state.is_connected),
        NEVER_READ if read_at_s is None else iso_utc(read_at_s),
    )


def _json_number(value: float) -> int | float:
    """Return `value`, or 0 for what JSON has no number for (the encoder would write null)."""
    return value if isfinite(value) else 0
