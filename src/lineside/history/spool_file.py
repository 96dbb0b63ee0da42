"""What stands in one file of the spool, whole or damaged. Pure.

A record is its length and CRC-32 (little-endian, 4 bytes each) and a batch as MessagePack. After
damage, reading goes on at the next place where length and checksum agree: a wrong length must not
hide the batches behind it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from lineside.history.records import Batch

RECORD_MAX_BYTES = 64 * 1024**2  # no record is that long; a longer one is damage
_HEAD = struct.Struct("<II")
# Where a record may begin: the highest byte of a length within the bound, and behind the head an
# array, as which every batch is written.
_LIKE_A_HEAD = re.compile(rb"(?s)(?=...[\x00-\x04]....[\x90-\x9f\xdc\xdd])")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode


class PieceKind(StrEnum):
    """What a piece of a file is."""

    BATCH = "batch"
    UNKNOWN = "written by another version of Lineside"  # its checksum is right
    DAMAGED = "damaged"
    TORN = "torn"  # the last record of a file, cut short: it was never acknowledged


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes [begin, end) of a file. `batch` is there where `kind` says so."""

    begin: int
    end: int
    kind: PieceKind
    batch: Batch | None = None


def record_of(batch: Batch) -> bytes:
    """Return `batch` as it stands in a file.

    Raises:
        Exception: it cannot be encoded, or not be read again, as values of a wrong type are.
    """
    body = _encode(batch)
    _decode(body)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def pieces_of(data: bytes, start: int = 0) -> Iterator[Piece]:
    """Yield the pieces of `data` from `start` on, in order and without holes between them."""
    position = start
    while position < len(data):
        end = _end_of_record(data, position)
        if end is not None:
            yield _read(data, position, end)
        else:
            end = _next_record(data, position + 1)
            kind = PieceKind.DAMAGED
            if end is None:
                end = len(data)
                kind = PieceKind.TORN if _is_cut_short(data, position) else kind
            yield Piece(begin=position, end=end, kind=kind)
        position = end


def _read(data: bytes, begin: int, end: int) -> Piece:
    try:
        batch = _decode(data[begin + _HEAD.size : end])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Piece(begin=begin, end=end, kind=PieceKind.UNKNOWN)
    return Piece(begin=begin, end=end, kind=PieceKind.BATCH, batch=batch)


def _end_of_record(data: bytes, begin: int) -> int | None:
    """Return where the record at `begin` ends; None when none stands there."""
    if begin + _HEAD.size > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, begin)
    end: int = begin + _HEAD.size + length
    if not 0 < length <= RECORD_MAX_BYTES or end > len(data):
        return None
    body = memoryview(data)[begin + _HEAD.size : end]
    return end if zlib.crc32(body) == checksum else None


def _next_record(data: bytes, start: int) -> int | None:
    """Return where the first whole record at or after `start` begins; None when there is none."""
    for like in _LIKE_A_HEAD.finditer(data, start):
        if _end_of_record(data, like.start()) is not None:
            return like.start()
    return None


def _is_cut_short(data: bytes, begin: int) -> bool:
    """Whether the rest of a file may be what a crash left of a record that was being written."""
    rest = memoryview(data)[begin:]
    if len(rest) < _HEAD.size or not any(rest):  # a file may grow before its bytes arrive
        return True
    length: int = _HEAD.unpack_from(rest)[0]
    return length <= RECORD_MAX_BYTES and _HEAD.size + length > len(rest)
