"""Reads files as text and TOML, and says in one plain line why one cannot be read."""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from unicodedata import normalize

from lineside.config.findings import Findings, Origin

TEXT_MAX_BYTES = 4 * 1024 * 1024
FILE_MAX_BYTES = 20 * 1024 * 1024  # of any file that a configuration names

ReadFile: TypeAlias = Callable[[Path], bytes]
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_HOW_TO_START = "`lineside init` writes one to start from"
_UNQUOTED = re.compile(r"^\s*([A-Za-z0-9_.\"-]+)\s*=\s*([^\s\"'\[{#][^#]*?)\s*(?:#.*)?$")


def read_file(path: Path) -> bytes:
    """Return the contents of a regular file, or its first `FILE_MAX_BYTES` + 1 bytes.

    Raises:
        OSError: it cannot be read, or is no regular file (a pipe, a terminal).
        ValueError: no file can have this name.
    """
    # Opening a pipe would otherwise wait until somebody writes to it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if path.is_dir():  # Windows would say that access is denied
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return file.read(FILE_MAX_BYTES + 1)


def find_as_spelled(path: Path) -> Path:
    """Return `path`, or the file beside it whose name has the same letters, put together otherwise.

    macOS, and what was packed there, spells 설비 with a character for each sound; editors elsewhere
    with one for each syllable. People see no difference.
    """
    try:
        if path.exists():
            return path
        wanted = normalize("NFC", path.name)
        same = (each for each in path.parent.iterdir() if normalize("NFC", each.name) == wanted)
        return next(same, path)
    except (OSError, ValueError):  # what is wrong is told when it is read
        return path


def read_text_file(
    path: Path,
    label: str,
    findings: Findings,
    *,
    origin: Origin | None = None,
    read: ReadFile = read_file,
) -> bytes | None:
    """Return the contents of `path`; None after a noted mistake when that cannot be done.

    Args:
        path: at most `TEXT_MAX_BYTES` of it are taken.
        label: its name for messages.
        findings: where a mistake is noted.
        origin: the table whose `file` names it; None for the file that was asked for by name.
        read: what reads it.
    """

    def note(message: str, hint: str = "") -> None:
        if origin is None:
            findings.file_problem(label, message, hint)
        else:
            findings.problem(origin, ("file",), f"{label} {message}", hint)

    try:
        contents = read(path)
    except FileNotFoundError:
        if origin is not None:
            hint = "the path counts from the folder of the config file"
            findings.problem(origin, ("file",), f"there is no file {label}", hint)
            return None
        note("there is no such file", _HOW_TO_START if path.suffix == ".toml" else "")
        return None
    except IsADirectoryError:
        note("is a folder, not a file")
        return None
    except PermissionError:
        note("may not be read by this user", "check the permissions of the file and its folders")
        return None
    except (OSError, ValueError) as error:
        note(f"cannot be read: {reason_of(error)}", "check the name, and that it is a plain file")
        return None
    if len(contents) > TEXT_MAX_BYTES:
        note(f"is larger than {TEXT_MAX_BYTES // 1024 // 1024} MB", "is this the right file?")
        return None
    return contents


def reason_of(error: OSError | ValueError) -> str:
    """Return why a file cannot be read, without its name."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def decode_utf8(contents: bytes, label: str, findings: Findings) -> str | None:
    """Return UTF-8 `contents` as text without its byte order mark; None after a noted mistake."""
    if contents.startswith(_UTF16_BOMS):
        findings.file_problem(label, "is stored as UTF-16", 'save it again with encoding "UTF-8"')
        return None
    if contents.startswith(_UTF8_BOM):
        contents = contents[len(_UTF8_BOM) :]
    try:
        return contents.decode("utf-8")
    except UnicodeDecodeError as error:
        line = contents.count(b"\n", 0, error.start) + 1
        findings.file_problem(
            label, "is not stored as UTF-8", 'save it again with encoding "UTF-8"', line=line
        )
        return None


def parse_toml(text: str, label: str, findings: Findings) -> dict[str, Any] | None:
    """Return the document in `text`; None after a noted mistake when it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        what = _PLACE.sub("", message)
        source = text.replace("\r\n", "\n").split("\n")[line - 1]
        twice = re.fullmatch(r"Cannot declare \((.*)\) twice", what)
        plain = f"the table {source.strip()} is there twice" if twice else _lower(what)
        hint = _syntax_hint(what, source)
        findings.file_problem(label, f"cannot be read as TOML: {plain}", hint, line=line)
    except RecursionError:
        findings.file_problem(label, "cannot be read as TOML: nested too deeply")
    return None


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _syntax_hint(what: str, source: str) -> str:
    """Return the likely remedy for a syntax error, judged by the line it was found on."""
    if any(quote in source for quote in "\u201c\u201d\u2018\u2019"):
        return 'the line has typographic quotes; TOML needs the plain " of the keyboard'
    if what.startswith("Cannot overwrite a value"):
        return "the same key is written twice in one table; remove one of them"
    if what.startswith("Cannot declare"):
        return "put their keys together; several machines, PLCs or lines need [[ ]]"
    if "\\" in source:
        return r"in double quotes \ has a meaning of its own; write paths with / or in 'quotes'"
    if re.search(r"=\s*(#.*)?$", source):
        return "there is no value after the equals sign"
    unquoted = _UNQUOTED.match(source)
    if unquoted:
        return f'text needs quotes: {unquoted[1]} = "{unquoted[2]}"'
    if "=" not in source and not source.strip().startswith("["):
        return 'a line is a [table], a key = value, or a # comment; text values stand in "quotes"'
    return "look for a missing quote, bracket or comma on this line or the one before"
