"""The errors that cross a room's border: whose fault each is, and whether a retry can help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec


class LinesideError(Exception):
    """Base of every error that Lineside raises on purpose."""


class ConfigProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake in a configuration file: where it stands, what is wrong, what to do."""

    file: str
    line: int | None  # 1-based; None when the mistake is that something is absent from the file
    path: str  # dotted, as people say it: "equipment[3].status_tag"
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line is not None else self.file
        hint = f"\n    {self.hint}" if self.hint else ""
        path = f"{self.path}: " if self.path else ""
        return f"{where}: {path}{self.message}{hint}"


class ConfigError(LinesideError):
    """The configuration cannot be used. The user's to mend; carries every mistake at once.

    `files` are those whose change may mend it, the missing ones included; `fingerprint` stands for
    the contents that were judged.
    """

    def __init__(
        self,
        problems: Sequence[ConfigProblem],
        files: Sequence[Path] = (),
        fingerprint: str = "",
    ) -> None:
        self.problems = tuple(problems)
        self.files = tuple(files)
        self.fingerprint = fingerprint
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DriverError(LinesideError):
    """A PLC could not be read. `message` is the fact, `cause` the likely reason and remedy."""

    def __init__(self, message: str, *, cause: str = "", end_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.end_code = end_code


class PlcUnreachable(DriverError):
    """No connection, or no answer in time. A retry can help; the connection is not reused."""


class ProtocolError(DriverError):
    """Bytes that the protocol does not allow. The connection is not reused; a retry can help."""


class PlcRefused(DriverError):
    """The PLC answered with an error end code that concerns the whole request."""


class HistoryError(LinesideError):
    """The history cannot be written or read now. Says why in plain words; a retry can help."""


class RecordsRefused(HistoryError):
    """The database answers, but does not take these records: trying again is of little help."""


class AlarmRefused(LinesideError):
    """An alarm cannot be treated so in the state it is in. Says why; a retry does not help."""
