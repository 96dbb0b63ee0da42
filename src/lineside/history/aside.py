"""What lies beside the spool for a person to look at, and what was counted since the start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

REFUSED_FILE = "refused.jsonl"
_SUFFIXES = (".damaged", ".newer")


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """How many files hold what cannot be read or stored, and when the oldest was written to."""

    files: int = 0
    oldest_ms: int | None = None


class Tally:
    """What was counted since the start of the process, however often the writer was restarted."""

    def __init__(self) -> None:
        self.written = 0  # rows
        self.lost = 0  # rows that are damaged or gone, as far as they can be counted
        self.set_aside = 0  # pieces of files and records
        self._bad: set[tuple[str, int, int]] = set()

    def note_bad(self, file: str, begin: int, end: int) -> bool:
        """Count a piece of a file that cannot be read; return False where it was counted before."""
        if (file, begin, end) in self._bad:
            return False
        self._bad.add((file, begin, end))
        self.set_aside += 1
        return True


def look_aside(folder: Path) -> Aside:
    """Return what lies in the folder of a spool until a person takes it away.

    Raises:
        OSError: the folder cannot be read.
    """
    moments = list(_written_ms(folder))
    return Aside(files=len(moments), oldest_ms=min(moments, default=None))


def _written_ms(folder: Path) -> Iterator[int]:
    for path in folder.iterdir():
        if path.name == REFUSED_FILE or (path.suffix in _SUFFIXES and path.stem.isdecimal()):
            try:
                yield path.stat().st_mtime_ns // 1_000_000
            except FileNotFoundError:
                continue  # it was taken away meanwhile
