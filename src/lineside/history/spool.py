"""The spool: batches that wait on the disk for the database, in order.

Files `000001.spool`, `000002.spool`, ... of records (`spool_file`). A batch that `append` took is
on the disk and survives a crash; a record that a crash tore apart is cut off. The oldest file is
removed once all of it is stored; storing a batch twice changes nothing, so no position is kept.

A file with something in it that cannot be read is not removed when its good batches are stored: it
stays beside the others as `000002.damaged`, or as `000002.newer` when another version of Lineside
wrote it, which is read again at the next start. Files of other names are left alone.
"""

from __future__ import annotations

import os
import re
from collections import deque
from pathlib import Path

import msgspec
import structlog

from lineside.core.errors import HistoryError
from lineside.core.times import iso_utc
from lineside.history.aside import REFUSED_FILE, Aside, Tally, look_aside
from lineside.history.records import Batch
from lineside.history.spool_file import Piece, PieceKind, pieces_of, record_of

SPOOL_MAX_BYTES = 1024**3
FILE_MAX_BYTES = 8 * 1024**2
REFUSED_MAX_BYTES = 64 * 1024**2
READS_MAX = 3  # of a file that the disk does not give; then it is set aside
_NAME = re.compile(r"([0-9]{6,18})\.(spool|newer|damaged)")
_WAITING, _NEWER, _DAMAGED = ".spool", ".newer", ".damaged"

_log = structlog.get_logger("lineside.history")


class Spool:
    """A queue of batches on the disk. It blocks while the disk does; one thread owns it."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = SPOOL_MAX_BYTES,
        file_max_bytes: int = FILE_MAX_BYTES,
        tally: Tally | None = None,
    ) -> None:
        """Prepare; `open` looks at what is there.

        Args:
            folder: where its files lie.
            max_bytes: how much waits at most.
            file_max_bytes: how long a file becomes.
            tally: goes on counting in place of a new one.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._file_max_bytes = file_max_bytes
        self._files: deque[_SpoolFile] = deque()
        self._descriptor: int | None = None  # of the newest file, while it is written to
        self._next_number = 1
        self._read_offset = 0  # in the oldest file
        self._peeked_to = 0
        self._peeked_count = 0
        self.size_bytes = 0
        self.record_count = 0  # rows in all batches that wait
        self.tally = tally or Tally()
        self.aside = Aside()
        self.foreign: tuple[str, ...] = ()  # files in the folder that are not the spool's
        self.oldest_ms: int | None = None

    def open(self) -> None:
        """Find what an earlier run has left; cut off what a crash has torn.

        Raises:
            HistoryError: the folder cannot be made or read.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            waiting = self._look_around()
        except OSError as error:
            raise HistoryError(_trouble("opened", self._folder, error)) from error
        for path in waiting:
            try:
                self._take_over(path, is_newest=path is waiting[-1])
            except OSError as error:
                _log.error("spool: a file cannot be read", file=path.name, error=error.strerror)
                self.foreign = (*self.foreign, path.name)
        if self.foreign:
            _log.warning(
                "spool: files are left alone", folder=str(self._folder), files=self.foreign
            )
        self.look_aside()
        if self.aside.files:
            _log.warning(
                "spool: what cannot be read or stored waits for a person", why=self._aside()
            )

    @property
    def lost_count(self) -> int:
        """Rows since the start that are damaged or gone, as far as they can be counted."""
        return self.tally.lost

    @property
    def set_aside_count(self) -> int:
        """Pieces of files and records since the start that cannot be read or stored."""
        return self.tally.set_aside

    def look_aside(self) -> None:
        """Look what lies there that cannot be read or stored: a person may have taken it away."""
        try:
            self.aside = look_aside(self._folder)
        except OSError as error:
            _log.warning("spool: the folder cannot be read", reason=error.strerror)

    def append(self, batch: Batch) -> None:
        """Put `batch` at the end. When this returns it is on the disk.

        Raises:
            HistoryError: the spool has reached its bound, or the disk does not take it; the spool
                is as it was before.
        """
        record = record_of(batch)
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

        None may come though more wait: the oldest file was set aside.

        Raises:
            HistoryError: the disk cannot be read.
        """
        if not self._files:
            return []
        file = self._files[0]
        found: list[Batch] = []
        count = 0
        data = self._read(file)
        self._peeked_to = file.size_bytes
        for piece in pieces_of(data, self._read_offset):
            if piece.batch is None:
                self._note_bad(file, piece)
                continue
            found.append(piece.batch)
            count += len(piece.batch.records)
            if count >= records_max:
                self._peeked_to = piece.end
                break
        if not found:
            self._remove_oldest()
            return []
        self.oldest_ms = _begin_of(found[0])
        self._peeked_count = len(found)
        return found

    def drop_peeked(self, batches: list[Batch]) -> None:
        """Forget the batches that the last `peek` returned: they are stored."""
        assert len(batches) == self._peeked_count, "what is dropped was seen"  # noqa: S101
        file = self._files[0]
        count = sum(len(batch.records) for batch in batches)
        self.size_bytes -= self._peeked_to - self._read_offset
        self.record_count -= count
        file.record_count -= count
        self._read_offset = self._peeked_to
        if self._read_offset >= file.size_bytes:
            self._remove_oldest()

    def set_aside(self, batch: Batch, why: str) -> None:
        """Put what can never be stored into a file for people to read, as one line of JSON.

        Raises:
            HistoryError: the disk does not take it.
        """
        path = self._folder / REFUSED_FILE
        try:
            line = msgspec.json.encode({"why": why, "batch": batch})
        except Exception:  # noqa: BLE001 -- what cannot be encoded is why it is here
            line = msgspec.json.encode({"why": why, "batch": ascii(batch)})
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                if file.tell() + len(line) < REFUSED_MAX_BYTES:
                    file.write(line + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise HistoryError(_trouble("written to", path, error)) from error
        self.tally.set_aside += 1
        self.tally.lost += len(batch.records)
        self.look_aside()
        _log.error("history: set aside, for it can never be stored", file=str(path), why=why)

    def warnings(self) -> list[str]:
        """Return, in English, what a person has to look at in the folder. For any thread."""
        found = []
        if self.aside.files or self.set_aside_count:
            found.append(self._aside())
        if self.foreign:
            names = ", ".join(self.foreign[:3])
            found.append(f"the spool {self._folder} holds files that are left alone: {names}")
        return found

    def _aside(self) -> str:
        files, oldest_ms = self.aside.files, self.aside.oldest_ms
        where = f"see *{_DAMAGED}, *{_NEWER} and {REFUSED_FILE} there"
        if oldest_ms is None:
            what = f"{self.set_aside_count} pieces of the spool {self._folder} could not be read"
            return f"{what} or stored since the start: {where}"
        since = iso_utc(oldest_ms // 1000)
        return (
            f"{files} file{'' if files == 1 else 's'} in the spool {self._folder}, the oldest of "
            f"{since}, with what cannot be read or stored: {where}, and remove what you have dealt "
            "with"
        )

    def close(self) -> None:
        """Let go of the files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _look_around(self) -> list[Path]:
        """Return the files that wait, the oldest first; take note of the others."""
        found: list[tuple[int, str, Path]] = []
        foreign = []
        for path in self._folder.iterdir():
            name = _NAME.fullmatch(path.name)
            if name is not None:
                self._next_number = max(self._next_number, int(name[1]) + 1)
            if name is not None and path.is_file():
                if path.suffix != _DAMAGED:
                    found.append((int(name[1]), path.name, path))
            elif path.suffix == _WAITING:
                foreign.append(path.name)
        self.foreign = tuple(sorted(foreign))
        return [path for _, _, path in sorted(found)]

    def _take_over(self, path: Path, *, is_newest: bool) -> None:
        data = path.read_bytes()
        pieces = list(pieces_of(data))
        if path.suffix == _NEWER and any(each.kind is PieceKind.UNKNOWN for each in pieces):
            return  # it still waits for a version that can read it
        if is_newest and pieces and pieces[-1].kind is PieceKind.TORN:
            torn = pieces.pop()
            _log.warning("spool: cut off what a crash has torn", file=path.name, at_byte=torn.begin)
            os.truncate(path, torn.begin)
        if not pieces:
            path.unlink()
            return
        file = _SpoolFile(path, pieces[-1].end, 0)
        for piece in pieces:
            if piece.batch is None:
                is_new = self._note_bad(file, piece)
                self.tally.lost += is_new and piece.kind is not PieceKind.UNKNOWN  # at least
                continue
            file.record_count += len(piece.batch.records)
            if self.oldest_ms is None:
                self.oldest_ms = _begin_of(piece.batch)
        self._files.append(file)
        self.size_bytes += file.size_bytes
        self.record_count += file.record_count

    def _read(self, file: _SpoolFile) -> bytes:
        """Return what `file` holds; what is missing of it is noted."""
        try:
            data = file.path.read_bytes()[: file.size_bytes]
        except FileNotFoundError:
            data = b""
        except OSError as error:
            file.failed_reads += 1
            if file.failed_reads < READS_MAX:
                raise HistoryError(_trouble("read", self._folder, error)) from error
            data = b""
        if len(data) < file.size_bytes:
            gone = Piece(begin=len(data), end=file.size_bytes, kind=PieceKind.DAMAGED)
            self._note_bad(file, gone)
        return data

    def _note_bad(self, file: _SpoolFile, piece: Piece) -> bool:
        """Take note of what cannot be read; return whether it was not known before."""
        if piece.begin in file.bad:
            return False
        file.bad[piece.begin] = piece.kind
        is_new = self.tally.note_bad(file.path.name, piece.begin, piece.end)
        _log.error(
            "spool: set aside, for it cannot be read",
            file=file.path.name,
            at_byte=piece.begin,
            size_bytes=piece.end - piece.begin,
            why=piece.kind.value,
        )
        return is_new

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
        self._folder.mkdir(parents=True, exist_ok=True)  # it may have been taken away
        # Counted first: a file that somebody has put there must not stand in the way twice.
        self._next_number += 1
        path = self._folder / f"{self._next_number - 1:06d}{_WAITING}"
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        _sync_folder(self._folder)
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

    def _remove_oldest(self) -> None:
        """Be done with the oldest file: what was good in it is stored."""
        file = self._files.popleft()
        if not self._files:
            self.close()
            self.oldest_ms = None
        self.tally.lost += file.record_count  # good once, and not to be read now
        self.record_count -= file.record_count
        self.size_bytes -= file.size_bytes - self._read_offset
        self._read_offset = 0
        try:
            if not file.bad:
                file.path.unlink(missing_ok=True)
            else:
                is_newer = PieceKind.UNKNOWN in file.bad.values()
                file.path.replace(file.path.with_suffix(_NEWER if is_newer else _DAMAGED))
                self.look_aside()
        except FileNotFoundError:
            _log.error("spool: a file is gone", file=file.path.name)
        except OSError as error:  # it is stored: at worst it is stored again, which changes nothing
            _log.warning("spool: a file stays", file=file.path.name, error=error.strerror)


class _SpoolFile:
    """One file: how much of it counts, and the records in it that wait."""

    __slots__ = ("bad", "failed_reads", "path", "record_count", "size_bytes")

    def __init__(self, path: Path, size_bytes: int, record_count: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.record_count = record_count
        self.bad: dict[int, PieceKind] = {}  # by where it begins: what cannot be read
        self.failed_reads = 0


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
