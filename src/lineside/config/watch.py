"""Notices when the files of a configuration change. It looks when asked: no thread, no timer.

Looking reads files and may wait for a network share: never on the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from lineside.config.load import fingerprint
from lineside.config.source import read_file

_Signature: TypeAlias = tuple[tuple[int, int, int] | None, ...]


class ConfigWatcher:
    """Watches files by time of change, size and inode, and judges by their contents.

    A change counts when two calls in a row have seen the files alike: a file that is still being
    written, or that an editor has moved away for a moment, is left alone until it has settled. A
    file that is touched without a change of its contents has not changed.
    """

    def __init__(self, files: Sequence[Path], fingerprint: str) -> None:
        """Watch `files`, whose contents were last used as `fingerprint` (see `LoadedConfig`)."""
        self._files = tuple(files)
        self._fingerprint = fingerprint
        self._signature: _Signature | None = None
        self._is_settled = False

    def changed(self) -> bool:
        """Return whether the files differ from those last used; each change is told once."""
        signature = self._look()
        if signature != self._signature:
            self._signature, self._is_settled = signature, False
            return False
        if self._is_settled:
            return False
        current = self._read()
        if self._look() != signature:
            return False  # written to while being read
        self._is_settled = True
        if current == self._fingerprint:
            return False
        self._fingerprint = current
        return True

    def follow(self, files: Sequence[Path], fingerprint: str) -> None:
        """Watch `files` from now on; what has changed since they were judged is told.

        Args:
            files: those of the configuration just loaded, or of the `ConfigError` that refused it.
            fingerprint: of the contents that were judged; from the same place.
        """
        self._files = tuple(files)
        self._signature, self._is_settled = None, False
        self._fingerprint = fingerprint

    def _look(self) -> _Signature:
        return tuple(_signature(path) for path in self._files)

    def _read(self) -> str:
        return fingerprint({path: _contents(path) for path in self._files})


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _contents(path: Path) -> bytes | None:
    try:
        return read_file(path)
    except (OSError, ValueError):
        return None
