"""Finds the line on which each key of a TOML document stands, which `tomllib` does not tell.

Pure. It scans documents that `tomllib` has accepted; it checks nothing and keeps no values.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import TypeAlias

TomlPath: TypeAlias = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_VOID = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")  # blanks, line breaks and comments
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
# A multi-line string may end with up to two quotes of its own before the closing three.
_MULTILINE_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL)
_MULTILINE_LITERAL = re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def locate(text: str) -> Mapping[TomlPath, int]:
    """Return the 1-based line of every table, key and array item of a valid TOML document.

    A path mixes keys and 0-based indices: `("equipment", 2, "position", "x")`. A table has the line
    of its own header; one without (`[a.b]` alone implies `a`) that of its first mention.

    Args:
        text: a document that `tomllib.loads` accepts; for any other the outcome is without meaning.
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


def line_of(lines: Mapping[TomlPath, int], path: TomlPath) -> int | None:
    """Return the line of `path`, or of the nearest table around it; None when there is none."""
    for length in range(len(path), -1, -1):
        line = lines.get(path[:length])
        if line is not None:
            return line
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[TomlPath, int] = {}
        self._counts: dict[TomlPath, int] = {}  # items seen so far of each array of tables

    def scan(self) -> dict[TomlPath, int]:
        table: TomlPath = ()
        while True:
            self._skip(_VOID)
            if self._at >= len(self._text):
                return self._lines
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> TomlPath:
        is_array = self._peek("[[")
        self._at += 2 if is_array else 1
        line = self._line()
        keys = self._keys()
        self._at += 2 if is_array else 1
        path: TomlPath = ()
        for key in keys[:-1]:
            path = self._newest((*path, key), line)
        path = (*path, keys[-1])
        if not is_array:
            self._lines[path] = line
            return path
        index = self._counts.get(path, 0)
        self._counts[path] = index + 1
        self._lines.setdefault(path, line)
        self._lines[(*path, index)] = line
        return (*path, index)

    def _newest(self, path: TomlPath, line: int) -> TomlPath:
        """Step into `path`: for an array of tables that means its newest item."""
        self._lines.setdefault(path, line)
        count = self._counts.get(path)
        return path if count is None else (*path, count - 1)

    def _pair(self, table: TomlPath) -> None:
        line = self._line()
        keys = self._keys()
        path = table
        for key in keys:
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_BLANK)
            keys.append(self._key())
            self._skip(_BLANK)
            if not self._peek("."):
                return keys
            self._at += 1

    def _key(self) -> str:
        if self._peek("'"):
            return self._skip(_LITERAL)[1:-1]
        if self._peek('"'):
            quoted = self._skip(_BASIC)
            return str(tomllib.loads(f"key = {quoted}")["key"])
        key = self._skip(_BARE_KEY)
        if not key:
            raise ValueError(f"no key on line {self._line()}")
        return key

    def _value(self, path: TomlPath) -> None:
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline_table(path)
        elif self._peek('"""'):
            self._skip(_MULTILINE_BASIC)
        elif self._peek('"'):
            self._skip(_BASIC)
        elif self._peek("'''"):
            self._skip(_MULTILINE_LITERAL)
        elif self._peek("'"):
            self._skip(_LITERAL)
        else:
            self._skip(_SCALAR)

    def _array(self, path: TomlPath) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_VOID)
            if self._ends("]"):
                return
            item = (*path, index)
            self._lines[item] = self._line()
            self._value(item)
            index += 1
            self._skip(_VOID)
            if self._peek(","):
                self._at += 1

    def _inline_table(self, path: TomlPath) -> None:
        self._at += 1
        while True:
            self._skip(_VOID)
            if self._ends("}"):
                return
            self._pair(path)
            self._skip(_VOID)
            if self._peek(","):
                self._at += 1

    def _ends(self, bracket: str) -> bool:
        """Whether `bracket` (which is then skipped) or the end of the text comes next."""
        if self._at >= len(self._text):
            return True
        if self._peek(bracket):
            self._at += 1
            return True
        return False

    def _peek(self, token: str) -> bool:
        return self._text.startswith(token, self._at)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1
