"""Every key of a TOML document is found on the line where it stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineside.config.locate import TomlPath, line_of, locate

BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
TEXT = st.text(
    alphabet=st.sampled_from([*"ab.=#[]{}, \"'\\", "용", "\t"]), max_size=8
)  # everything that could pass for syntax
SCALARS = st.sampled_from(
    ["0", "-7", "1_000", "0x1F", "3.5e-2", "inf", "true", "1979-05-27 07:32:00", "07:32:00"]
)
MULTILINE = st.sampled_from(
    [
        '"""\nkey = 1\n[[plc]]\n"""',
        '"""one line"""',
        '"""a ""quoted"" \\" \\""" end"""',
        '"""ends with two"""""',
        "'''\n# no comment\n[x]\n'''",
        "'''it''s'''''",
        '"""continued \\\n   here"""',
    ]
)
NOISE = st.sampled_from(["", "\n", "# comment = 1\n", "\n\n# [table]\n", "   \n", '# """\n'])


class Writer:
    """Writes a document and remembers on which line it has put what."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.expected: dict[TomlPath, int] = {}
        self.count = 0

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def key(self) -> str:
        """Write a key that the document does not have yet, in one of the three notations."""
        self.count += 1
        kind = self.draw(st.sampled_from(["bare", "basic", "literal"]))
        if kind == "bare":
            key = f"{self.draw(BARE)}{self.count}"
            self.text += key
        elif kind == "literal":
            key = f"{self.draw(TEXT)}{self.count}".replace("'", "")
            self.text += f"'{key}'"
        else:
            key = f"{self.draw(TEXT)}{self.count}"
            self.text += quoted(key)
        return key

    def keys(self, most: int) -> list[str]:
        keys = [self.key()]
        for _ in range(self.draw(st.integers(0, most - 1))):
            self.text += self.draw(st.sampled_from([".", " . "]))
            keys.append(self.key())
        return keys

    def pair(self, table: TomlPath, depth: int) -> None:
        line = self.line
        path = table
        for key in self.keys(2):
            path = (*path, key)
            self.expected[path] = line
        self.text += self.draw(st.sampled_from(["=", " = ", "\t="]))
        self.value(path, depth)

    def value(self, path: TomlPath, depth: int) -> None:
        kinds = ["scalar", "text", "literal", "multiline"]
        kind = self.draw(st.sampled_from(kinds + (["array", "inline"] if depth > 0 else [])))
        if kind == "scalar":
            self.text += self.draw(SCALARS)
        elif kind == "text":
            self.text += quoted(self.draw(TEXT))
        elif kind == "literal":
            self.text += "'" + self.draw(TEXT).replace("'", "") + "'"
        elif kind == "multiline":
            self.text += self.draw(MULTILINE)
        elif kind == "array":
            self.array(path, depth - 1)
        else:
            self.inline_table(path, depth - 1)

    def array(self, path: TomlPath, depth: int) -> None:
        self.text += "["
        count = self.draw(st.integers(0, 3))
        for index in range(count):
            self.text += self.draw(st.sampled_from(["", " ", "\n", "\n# ] comment\n  "]))
            self.expected[(*path, index)] = self.line
            self.value((*path, index), depth)
            is_last = index == count - 1
            self.text += self.draw(st.sampled_from(["\n,", ","])) if not is_last else ""
        self.text += self.draw(st.sampled_from(["", "\n", " # [\n"]))
        self.text += "]"

    def inline_table(self, path: TomlPath, depth: int) -> None:
        self.text += "{"
        for index in range(self.draw(st.integers(0, 2))):
            self.text += ", " if index else " "
            self.pair(path, depth)
        self.text += " }"

    def pairs(self, table: TomlPath) -> None:
        for _ in range(self.draw(st.integers(0, 3))):
            self.text += self.draw(NOISE) + self.draw(st.sampled_from(["", "  "]))
            self.pair(table, 2)
            self.text += self.draw(st.sampled_from(["\n", " # x = 1\n"]))

    def table(self) -> None:
        self.text += self.draw(NOISE)
        line = self.line
        self.text += "["
        keys = self.keys(3)
        for length in range(1, len(keys) + 1):
            self.expected[tuple(keys[:length])] = line
        self.text += "]\n"
        self.pairs(tuple(keys))
        if len(keys) == 1 or not self.draw(st.booleans()):
            return
        # A table that was only implied so far gets a header of its own.
        self.text += self.draw(NOISE)
        self.expected[(keys[0],)] = self.line
        self.text += f"[{quoted(keys[0])}]\n"
        self.pairs((keys[0],))

    def array_of_tables(self) -> None:
        self.count += 1
        name = f"array{self.count}"
        for index in range(self.draw(st.integers(1, 3))):
            self.text += self.draw(NOISE)
            self.expected.setdefault((name,), self.line)
            self.expected[(name, index)] = self.line
            self.text += f"[[{name}]]\n"
            self.pairs((name, index))
            if self.draw(st.booleans()):
                self.expected[(name, index, "sub")] = self.line
                self.text += f"[{name}.sub]\n"
                self.pairs((name, index, "sub"))
            for inner in range(self.draw(st.integers(0, 2))):
                self.expected.setdefault((name, index, "inner"), self.line)
                self.expected[(name, index, "inner", inner)] = self.line
                self.text += f"[[ {name} . 'inner' ]]\n"
                self.pairs((name, index, "inner", inner))


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[TomlPath, int]]:
    writer = Writer(draw)
    writer.pairs(())
    for _ in range(draw(st.integers(0, 3))):
        draw(st.sampled_from([writer.table, writer.array_of_tables]))()
    return writer.text, writer.expected


def paths(node: Any, at: TomlPath = ()) -> Iterator[TomlPath]:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*at, key))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents(), st.booleans())
def test_every_key_that_tomllib_reads_is_found_on_its_line(
    document: tuple[str, dict[TomlPath, int]], is_from_windows: bool
) -> None:
    text, expected = document
    if is_from_windows:
        text = text.replace("\n", "\r\n")
    assert set(paths(tomllib.loads(text))) == set(expected), "the generator knows what it wrote"
    assert locate(text) == expected


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("[a.b]\nc = 1\n[a]\nd = 2\n", ("a",), 3),
        ("[a.b]\nc = 1\n", ("a",), 1),
        ("a.b.c = 1\n", ("a", "b"), 1),
        ("\n[[a]]\n[[a]]\nx = { y = [\n1,\n2] }\n", ("a", 1, "x", "y", 1), 6),
        ('"a.b" = 1\n', ("a.b",), 1),
        ('\n"\\uC6A9" = 1', ("용",), 2),
    ],
)
def test_a_path_has_the_line_of_its_own_header_or_first_mention(
    text: str, path: TomlPath, line: int
) -> None:
    assert locate(text)[path] == line


def test_what_is_absent_has_the_line_of_the_nearest_table_around_it() -> None:
    lines = locate('[server]\nport = 1\n\n[[plc]]\nid = "a"\n')
    assert line_of(lines, ("plc", 0, "host")) == 4
    assert line_of(lines, ("line",)) is None
