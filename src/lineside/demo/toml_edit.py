"""Change single values in the text of a TOML file and leave all else as it was, comments included.

Pure. It edits files written the usual way, `[table]` or `[[table]]` headers with one `key = value`
a line, and proves by parsing that the edit did what it should; it is no TOML writer.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping

import msgspec

_HEADER = re.compile(r"^\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?$")
_PAIR = re.compile(
    r"""^(?P<head>\s*(?P<key>[A-Za-z0-9_-]+)\s*=\s*)"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'\[{]+)(?P<tail>\s*(?:#.*)?)$"""
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One value in the file: key `key` of the `index`-th (0-based) table named `table`."""

    table: str
    index: int
    key: str


class EditRefused(ValueError):
    """The file is written in a way in which a value cannot be replaced alone."""


def edit_toml(text: str, values: Mapping[Place, str | int]) -> str:
    """Return `text` with the given values replaced.

    Args:
        text: a valid TOML document.
        values: what to write where; each place must exist.

    Raises:
        EditRefused: a place was not found in the text, or the result does not say what it should.
    """
    seen: Counter[str] = Counter()
    table, missing = "", set(values)
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        body = line.rstrip("\r\n")
        if header := _HEADER.match(body):
            table = header[1]
            seen[table] += 1
        elif pair := _PAIR.match(body):
            place = Place(table=table, index=seen[table] - 1, key=pair["key"])
            if place in missing:
                literal = json.dumps(values[place], ensure_ascii=False)
                lines[number] = f"{pair['head']}{literal}{pair['tail']}{line[len(body) :]}"
                missing.discard(place)
    edited = "".join(lines)
    if missing or not _says(edited, values):
        names = ", ".join(sorted({f"{place.key} in [{place.table}]" for place in values}))
        raise EditRefused(f"cannot replace {names}: write each as `key = value` on its own line")
    return edited


def _says(text: str, values: Mapping[Place, str | int]) -> bool:
    """Whether the parsed document holds every value at its place."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    for place, value in values.items():
        tables = document.get(place.table, [])
        tables = tables if isinstance(tables, list) else [tables]
        if place.index >= len(tables) or tables[place.index].get(place.key) != value:
            return False
    return True
