"""Reads files as text and TOML, and says in one plain line why one cannot be read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from lineside.config.findings import Findings

TEXT_MAX_BYTES = 4 * 1024 * 1024
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_UNQUOTED = re.compile(r"^\s*([A-Za-z0-9_.\"-]+)\s*=\s*([^\s\"'\[{#][^#]*?)\s*(?:#.*)?$")


def read_bytes(path: Path, label: str, limit_bytes: int, findings: Findings) -> bytes | None:
    """Return the contents of `path`; None after a noted mistake when that cannot be done."""
    try:
        if path.is_dir():
            findings.file_problem(label, "is a folder, not a file")
            return None
        with path.open("rb") as file:
            contents = file.read(limit_bytes + 1)
    except FileNotFoundError:
        hint = "`lineside init` writes one to start from" if path.suffix == ".toml" else ""
        findings.file_problem(label, "there is no such file", hint)
        return None
    except PermissionError:
        findings.file_problem(label, "may not be read by this user", "check the file's permissions")
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        findings.file_problem(label, f"cannot be read: {reason}")
        return None
    if len(contents) > limit_bytes:
        size = f"{limit_bytes // 1024 // 1024} MB"
        findings.file_problem(label, f"is larger than {size}", "is this the right file?")
        return None
    return contents


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
