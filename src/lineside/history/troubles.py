"""What went wrong with a database, in words that say what to do. Pure."""

from __future__ import annotations

import errno
import re

_SQLITE = (
    ("database is locked", "is locked by another program"),
    ("database or disk is full", "cannot grow: the disk is full"),
    ("readonly database", "may not be written to: check the rights of the file and its folder"),
    (
        "unable to open database file",
        "cannot be opened: does its folder exist, and may Lineside write to it?",
    ),
    (
        "file is not a database",
        "is not a SQLite database: move it away, or restore a backup",
    ),
    ("malformed", "is damaged: stop the server and restore a backup (lineside restore)"),
    ("disk I/O error", "cannot be read or written: the disk has an error, or is full"),
)
_POSTGRESQL = (
    ("password authentication failed", "refuses the user or the password"),
    ("no password supplied", "asks for a password"),
    (r"database \"[^\"]*\" does not exist", "does not exist: create it (createdb)"),
    (r"role \"[^\"]*\" does not exist", "does not know the user"),
    ("permission denied", "does not let the user make or write tables"),
    (
        "rejected SSL upgrade",
        "does not speak SSL: switch ssl on there, or write sslmode=prefer in [history] url",
    ),
    ("too many clients", "has no connection free"),
    ("shutting down|starting up|terminating connection", "is being restarted"),
    ("read-only transaction", "does not take writes: it is a standby"),
    ("no space left|could not extend file|disk full", "cannot grow: its disk is full"),
    ("connection (was|is) closed|connection_lost|closed in the middle", "has gone away"),
)
_SYSTEM = {
    errno.ECONNREFUSED: "does not answer: nothing listens there",
    errno.EHOSTUNREACH: "does not answer: the host cannot be reached",
    errno.ENETUNREACH: "does not answer: the network cannot be reached",
    errno.ENOENT: "cannot be found: does its folder exist?",
    errno.EACCES: "may not be opened: check the rights of the file and its folder",
    errno.ENOSPC: "cannot grow: the disk is full",
    errno.EROFS: "lies on a disk that cannot be written to",
}
_SHOWN_MAX = 200
WAL_WARNING_BYTES = 64 * 1024**2  # twenty times what it takes while nobody holds it up


def in_plain_words(error: BaseException, label: str) -> str:
    """Return what `error` means for the database that people know as `label`."""
    for each in _chain(error):
        said = " ".join(str(each).split())
        for pattern, meaning in (*_SQLITE, *_POSTGRESQL):
            if re.search(pattern, said, re.IGNORECASE):
                return f"{label} {meaning}"
    for each in _chain(error):
        if isinstance(each, TimeoutError):
            return f"{label} did not answer in time"
        if isinstance(each, OSError) and each.errno in _SYSTEM:
            return f"{label} {_SYSTEM[each.errno]}"
        if isinstance(each, OSError) and "Connect call failed" in str(each):
            return f"{label} {_SYSTEM[errno.ECONNREFUSED]}"
        if isinstance(each, ConnectionError):
            return f"{label} has gone away"
    last = list(_chain(error))[-1]
    said = " ".join(str(last).split())[:_SHOWN_MAX]
    return f"{label}: {said or type(last).__name__}"


def wal_warning(label: str, size_bytes: int) -> str:
    """Return what it means that the write-ahead log of `label` is so large, and what to do."""
    return (
        f"{label}-wal has grown to {size_bytes // 1024**2} MiB: another program has held a "
        "transaction open on the database for long; close it"
    )


def is_about_the_data(error: BaseException) -> bool:
    """Whether `error` is about what was to be stored, not about the database."""
    return any(
        isinstance(each, (ValueError, TypeError, OverflowError))
        # "Data exception" and "integrity constraint violation", as PostgreSQL classes them.
        or str(getattr(each, "sqlstate", None) or "")[:2] in ("22", "23")
        or type(each).__name__ == "IntegrityError"
        or "binding parameter" in str(each)  # of SQLite: a value of a type that it does not know
        for each in _chain(error)
    )


def _chain(error: BaseException) -> list[BaseException]:
    """Return `error` and what caused it, the outermost first."""
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in found:
        found.append(each)
        original = getattr(each, "orig", None)
        each = original if isinstance(original, BaseException) else each.__cause__
    return found
