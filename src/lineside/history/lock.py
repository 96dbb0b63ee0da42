"""A lock on a file, which the system itself gives back when its holder dies."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from lineside.core.errors import HistoryError

_TOKEN_MAX_BYTES = 100


class FolderTaken(HistoryError):
    """Another process records into the folder."""


class FolderLock:
    """Says which one process records into a folder."""

    def __init__(self, path: Path) -> None:
        """Prepare; `take` takes it."""
        self._path = path
        self._descriptor: int | None = None
        self.token = ""  # of the folder: the same for each who has ever had the lock

    def take(self) -> None:
        """Take the lock.

        Raises:
            FolderTaken: another process has it.
            HistoryError: the folder cannot be written to.
        """
        if self._descriptor is not None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as error:
            raise HistoryError(
                f"the folder {self._path.parent} cannot be written to "
                f"({error.strerror}): name another with folder = … in [history]"
            ) from error
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise FolderTaken(
                f"another Lineside records into {self._path.parent}: give each its own folder "
                "with folder = … in [history]"
            ) from error
        self._descriptor = descriptor
        self.token = _token_in(descriptor, self.token)

    def is_in_place(self) -> bool:
        """Whether the file that is locked is still the one that others would find."""
        if self._descriptor is None:
            return False
        try:
            return self._path.stat().st_ino == os.fstat(self._descriptor).st_ino
        except OSError:
            return False

    def take_again(self) -> None:
        """Lock the file that others would find, where it was deleted or replaced.

        Raises:
            FolderTaken: another process has it already.
            HistoryError: it cannot be made now.
        """
        old, self._descriptor = self._descriptor, None
        try:
            self.take()
        except HistoryError:
            self._descriptor = old
            raise
        if old is not None:
            os.close(old)

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes hold one each."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _token_in(descriptor: int, known: str) -> str:
    """Return the word of the folder, which stands in its file; else `known`, or a new one.

    Beside it stands the number that the disk knows the file by. In a copy it is another's: a folder
    that was copied, as for a reserve, is another folder.
    """
    number = str(os.fstat(descriptor).st_ino)
    os.lseek(descriptor, 0, os.SEEK_SET)
    found = os.read(descriptor, _TOKEN_MAX_BYTES).decode("ascii", "replace").split()
    if len(found) == 2 and found[1] == number:
        return found[0]
    is_of_earlier_version = len(found) == 1
    token = found[0] if is_of_earlier_version else known or secrets.token_hex(8)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{token} {number}\n".encode())
    return token


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
