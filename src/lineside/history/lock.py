"""A lock on a file, which the system itself gives back when its holder dies."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from lineside.core.errors import HistoryError

_TOKEN_MAX_BYTES = 100


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
            HistoryError: another process has it, or the folder cannot be written to.
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
            raise HistoryError(
                f"another Lineside records into {self._path.parent}: give each its own folder "
                "with folder = … in [history]"
            ) from error
        self._descriptor = descriptor
        self.token = _token_in(descriptor)

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes hold one each."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _token_in(descriptor: int) -> str:
    """Return what stands in the file; at the first time something that stands in no other."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    token = os.read(descriptor, _TOKEN_MAX_BYTES).decode("ascii", "replace").strip()
    if not token:
        token = secrets.token_hex(8)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{token}\n".encode())
    return token


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
