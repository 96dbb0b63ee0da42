"""The spool: batches that wait on the disk for the database, in order.

Files `000001.spool`, `000002.spool`, ... of records: length and CRC-32 (little-endian, 4 bytes
each) and the batch as MessagePack. A batch that `append` took is on the disk and survives a crash;
a record that a crash tore apart is cut off. The oldest file is removed once all of it is stored;
storing a batch twice changes nothing, so no position is kept.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

from lineside.core.errors import HistoryError
from lineside.history.records import Batch

SPOOL_MAX_BYTES = 1024**3
FILE_MAX_BYTES = 8 * 1024**2
RECORD_MAX_BYTES = 64 * 1024**2  # no record is that long; a longer one is damage
_HEAD = struct.Struct("<II")
_SUFFIX = ".spool"

_log = structlog.get_logger("lineside.history")


class Spool:
    """A queue of batches on the disk. It blocks while the disk does; one thread owns it."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = SPOOL_MAX_BYTES,
        file_max_bytes: int = FILE_MAX_BYTES,
    ) -> None:
        """Prepare; `open` looks at what is there."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._file_max_bytes = file_max_bytes
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Batch).decode
        self._files: deque[_SpoolFile] = deque()
        self._descriptor: int | None = None  # of the newest file, while it is written to
        self._next_number = 1
        self._read_offset = 0  # in the oldest file
        self._peeked_to = 0
        self.size_bytes = 0
        self.record_count = 0  # rows in all batches that wait
        self.lost_count = 0  # rows in files that are damaged or gone
        self.oldest_ms: int | None = None

    def open(self) -> None:
        """Find what an earlier run has left; cut off what a crash has torn.

        Raises:
            HistoryError: the folder cannot be made or read.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            paths = sorted(self._folder.glob(f"*{_SUFFIX}"))
            for path in paths:
                self._take_over(path)
        except OSError as error:
            raise HistoryError(_trouble("opened", self._folder, error)) from error

    def append(self, batch: Batch) -> None:
        """Put `batch` at the end. When this returns it is on the disk.

        Raises:
            HistoryError: the spool has reached its bound, or the disk does not take it; the spool
                is as it was before.
        """
        body = self._encode(batch)
        record = _HEAD.pack(len(body), zlib.crc32(body)) + body
        if self.size_bytes + len(record) > self._max_bytes:
            raise HistoryError(
                f"the spool {self._folder} has reached its bound of "
                f"{self._max_bytes // 1024**2} MiB"
            )
        try:
            file = self._file_for(len(record))
            self._write(file, record)
        except OSError as error:
            raise HistoryError(_trouble("written to", self._folder, error)) from error
        file.size_bytes += len(record)
        file.record_count += len(batch.records)
        self.size_bytes += len(record)
        self.record_count += len(batch.records)
        if self.oldest_ms is None:
            self.oldest_ms = _begin_of(batch)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return self.size_bytes > 0

    def peek(self, records_max: int) -> list[Batch]:
        """Return the oldest batches, of about `records_max` records together, without taking them.

        Raises:
            HistoryError: the disk cannot be read.
        """
        if not self._files:
            return []
        found: list[Batch] = []
        count = 0
        try:
            data = self._files[0].path.read_bytes()[: self._files[0].size_bytes]
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise HistoryError(_trouble("read", self._folder, error)) from error
        self._peeked_to = self._read_offset
        for end, batch in self._batches(data, self._read_offset):
            found.append(batch)
            self._peeked_to = end
            count += len(batch.records)
            if count >= records_max:
                break
        if not found:
            self._give_up_oldest()
            return []
        self.oldest_ms = _begin_of(found[0])
        return found

    def drop_peeked(self, batches: list[Batch]) -> None:
        """Forget the batches that the last `peek` returned: they are stored."""
        file = self._files[0]
        count = sum(len(batch.records) for batch in batches)
        self.size_bytes -= self._peeked_to - self._read_offset
        self.record_count -= count
        file.record_count -= count
        self._read_offset = self._peeked_to
        if self._read_offset >= file.size_bytes:
            self._remove_oldest()
        if not self:
            self.oldest_ms = None

    def close(self) -> None:
        """Let go of the files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take_over(self, path: Path) -> None:
        data = path.read_bytes()
        end = count = 0
        for batch_end, batch in self._batches(data, 0):
            end = batch_end
            count += len(batch.records)
            if self.oldest_ms is None:
                self.oldest_ms = _begin_of(batch)
        if end < len(data):
            _log.warning("spool: cut off what a crash has torn", file=path.name, at_byte=end)
            os.truncate(path, end)
        self._next_number = max(self._next_number, int(path.stem) + 1)
        if end == 0:
            path.unlink()
            return
        self._files.append(_SpoolFile(path, end, count))
        self.size_bytes += end
        self.record_count += count

    def _batches(self, data: bytes, start: int) -> Iterator[tuple[int, Batch]]:
        """Yield each whole batch in `data` from `start` on, and where it ends."""
        position = start
        while position + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, position)
            end = position + _HEAD.size + length
            body = data[position + _HEAD.size : end]
            if length > RECORD_MAX_BYTES or end > len(data) or zlib.crc32(body) != checksum:
                return
            try:
                batch = self._decode(body)
            except msgspec.DecodeError:
                return
            yield end, batch
            position = end

    def _file_for(self, size_bytes: int) -> _SpoolFile:
        """Return the file to write to: the newest, or a new one when that is full."""
        newest = self._files[-1] if self._files else None
        if (
            newest is not None
            and self._descriptor is not None
            and newest.size_bytes + size_bytes <= self._file_max_bytes
        ):
            return newest
        self.close()
        path = self._folder / f"{self._next_number:06d}{_SUFFIX}"
        self._folder.mkdir(parents=True, exist_ok=True)  # it may have been taken away
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        _sync_folder(self._folder)
        self._next_number += 1
        file = _SpoolFile(path, 0, 0)
        self._files.append(file)
        return file

    def _write(self, file: _SpoolFile, record: bytes) -> None:
        assert self._descriptor is not None, "opened by _file_for"  # noqa: S101
        try:
            view = memoryview(record)
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fsync(self._descriptor)
        except OSError:
            # What was written of the record must not stand before the next one.
            try:
                os.ftruncate(self._descriptor, file.size_bytes)
                os.lseek(self._descriptor, file.size_bytes, os.SEEK_SET)
            except OSError:
                self.close()
            if file.size_bytes == 0:
                self._files.pop()
                self.close()
                file.path.unlink(missing_ok=True)
            raise

    def _give_up_oldest(self) -> None:
        """Put a file aside that is damaged or gone: those after it must not wait for ever."""
        file = self._files[0]
        _log.error("spool: a file is damaged or gone", file=file.path.name)
        self.lost_count += file.record_count
        self.size_bytes -= file.size_bytes - self._read_offset
        self.record_count -= file.record_count
        with contextlib.suppress(OSError):
            file.path.replace(file.path.with_suffix(".damaged"))
        self._remove_oldest()

    def _remove_oldest(self) -> None:
        file = self._files.popleft()
        if not self._files:
            self.close()
        self._read_offset = 0
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:  # it is stored: at worst it is stored again, which changes nothing
            _log.warning("spool: a file stays", file=file.path.name, error=error.strerror)


class _SpoolFile:
    """One file: how much of it counts, and the records in it that wait."""

    __slots__ = ("path", "record_count", "size_bytes")

    def __init__(self, path: Path, size_bytes: int, record_count: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.record_count = record_count


def _begin_of(batch: Batch) -> int:
    return batch.records[0].at_ms if batch.records else batch.alive_ms


def _sync_folder(folder: Path) -> None:
    """Put a new file's name on the disk too."""
    if os.name == "nt":  # where folders cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _trouble(what: str, folder: Path, error: OSError) -> str:
    return f"the spool {folder} cannot be {what}: {error.strerror or error}"
