"""Reads a table from a CSV file as a spreadsheet writes it. Pure: bytes in, rows out."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from lineside.config.findings import Findings, Origin
from lineside.config.korean import looks_korean
from lineside.config.locate import TomlPath
from lineside.config.tables import did_you_mean

RawTable: TypeAlias = Callable[[list[str], list[str], Origin, Findings], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a CSV file may hold.

    `aliases` are what people write over the columns, in lower case without spaces; `raw` turns the
    columns and cells of a row into what a TOML table would hold.
    """

    columns: tuple[str, ...]
    aliases: Mapping[str, str]
    required: tuple[str, ...]
    raw: RawTable


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a CSV file: its cells under the keys of the table that it stands for."""

    raw: dict[str, Any]
    origin: Origin


def read_sheet(contents: bytes, label: str, findings: Findings, sheet: Sheet) -> list[Row]:
    """Return the rows of a CSV file, mistakes noted with their CSV line.

    Args:
        contents: the file: UTF-8 with or without byte order mark, else CP949 (Excel in Korea).
        label: the file's name for messages.
        findings: takes the mistakes.
        sheet: what it may hold.
    """
    text = _decode(contents, label, findings)
    if text is None:
        return []
    records = _records(text, label, findings)
    header = next(records, None)
    if header is None:
        findings.file_problem(
            label, "holds no rows", f"the first row names the columns: {', '.join(sheet.columns)}"
        )
        return []
    columns = _columns(sheet, header[1], label, header[0], findings)
    if columns is None:
        return []
    rows = []
    for line, cells in records:
        lines: dict[TomlPath, int] = {(): line}
        origin = Origin(file=label, label="", lines=lines, is_row=True)
        extra = [cell for cell in cells[len(columns) :] if cell.strip()]
        if extra:
            findings.problem(
                origin,
                (),
                f"has {len(cells)} cells, the first row names {len(columns)} columns",
                'a cell that holds the separator needs "quotes" around it',
            )
            continue
        raw = sheet.raw(columns, cells, origin, findings)
        rows.append(Row(raw=raw, origin=origin))
    return rows


def _decode(contents: bytes, label: str, findings: Findings) -> str | None:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            text = contents.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            continue
        if encoding == "cp949" and not looks_korean([text]):
            shown = next((word for word in re.split(r"[,;\t\r\n]", text) if not word.isascii()), "")
            findings.file_problem(
                label,
                f'is not UTF-8, and read as CP949 it is hardly Korean: "{shown.strip()}"',
                'in Excel: Save As, "CSV UTF-8 (Comma delimited)"',
            )
            return None
        return text
    findings.file_problem(
        label,
        "is neither UTF-8 nor CP949 text",
        'in Excel: Save As, "CSV UTF-8 (Comma delimited)"',
    )
    return None


def _records(text: str, label: str, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of every record that is neither blank nor a comment."""
    lines = ["" if line.startswith("#") else line for line in re.split(r"\r\n|\r|\n", text)]
    first = next((line for line in lines if line.strip(',;\t "')), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            findings.file_problem(
                label,
                "has a quoted cell that does not end",
                'a " inside a quoted cell is written twice: ""',
                line=start,
            )
            return
        is_comment = bool(cells) and cells[0].lstrip().startswith("#")
        if any(cell.strip() for cell in cells) and not is_comment:
            yield start, cells


def _columns(
    sheet: Sheet, header: list[str], label: str, line: int, findings: Findings
) -> list[str] | None:
    """Return the key of each column, "" for an unnamed one; None after a noted mistake."""
    columns: list[str] = []
    lines: dict[TomlPath, int] = {(): line}
    origin = Origin(file=label, label="", lines=lines, is_row=True)
    is_right = True
    for title in header:
        name = re.sub(r"\s+", "", title).lower()
        key = sheet.aliases.get(name, name)
        if key and key not in sheet.columns:
            findings.problem(
                origin,
                (title.strip(),),
                f"unknown column {title.strip()}",
                did_you_mean(key, sheet.columns, "columns"),
            )
            is_right = False
        elif key and key in columns:
            findings.problem(
                origin, (key,), f"the column {key} is there twice", "remove one of them"
            )
            is_right = False
        columns.append(key)
    while columns and not columns[-1]:
        columns.pop()
    for key in sheet.required:
        if key not in columns and is_right:
            findings.problem(
                origin, (key,), f"the column {key} is missing", "the first row names the columns"
            )
            is_right = False
    return columns if is_right else None
