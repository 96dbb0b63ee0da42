"""Reads machines from a CSV file as a spreadsheet writes it. Pure: bytes in, rows out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineside.config.findings import Findings, Origin
from lineside.config.locate import TomlPath
from lineside.config.schema import EquipmentConfig
from lineside.config.tables import did_you_mean

COLUMNS: tuple[str, ...] = (
    *(key for key in EquipmentConfig.model_fields if key != "position"),
    "position_x",
    "position_y",
)

# Names that plants write over their columns, compared without case and spaces.
ALIASES: Mapping[str, str] = {
    "설비코드": "code",
    "코드": "code",
    "설비명": "name",
    "설비이름": "name",
    "이름": "name",
    "라인": "line",
    "상태태그": "status_tag",
    "가동태그": "status_tag",
    "에러태그": "error_tag",
    "이상태그": "error_tag",
    "비가동태그": "idle_tag",
    "대기태그": "idle_tag",
    "값매핑": "value_map",
    "정지시간": "stop_after",
    "정지판정시간": "stop_after",
    "만료시간": "stale_after",
    "위치x": "position_x",
    "위치y": "position_y",
    "x": "position_x",
    "y": "position_y",
}

_VALUE_PAIR = re.compile(r"\s*([^=:\s]+)\s*[=:]\s*([A-Za-z]+)\s*")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One machine of the CSV file: its cells under the keys of `[[equipment]]`."""

    raw: dict[str, Any]
    origin: Origin


def read_rows(contents: bytes, label: str, findings: Findings) -> list[Row]:
    """Return the machines in a CSV file, mistakes noted with their CSV line.

    Args:
        contents: the file: UTF-8 with or without byte order mark, else CP949 (Excel in Korea).
        label: the file's name for messages.
        findings: takes the mistakes.
    """
    text = _decode(contents, label, findings)
    if text is None:
        return []
    records = _records(text, label, findings)
    header = next(records, None)
    if header is None:
        findings.file_problem(
            label, "holds no rows", f"the first row names the columns: {', '.join(COLUMNS)}"
        )
        return []
    columns = _columns(header[1], label, header[0], findings)
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
        raw = _raw_table(columns, cells, origin, findings)
        rows.append(Row(raw=raw, origin=origin))
    return rows


def _decode(contents: bytes, label: str, findings: Findings) -> str | None:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            text = contents.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
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


def _columns(header: list[str], label: str, line: int, findings: Findings) -> list[str] | None:
    """Return the key of each column, "" for an unnamed one; None after a noted mistake."""
    columns: list[str] = []
    lines: dict[TomlPath, int] = {(): line}
    origin = Origin(file=label, label="", lines=lines, is_row=True)
    is_right = True
    for title in header:
        name = re.sub(r"\s+", "", title).lower()
        key = ALIASES.get(name, name)
        if key and key not in COLUMNS:
            findings.problem(
                origin,
                (title.strip(),),
                f"unknown column {title.strip()}",
                did_you_mean(key, COLUMNS, "columns"),
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
    for key in ("code", "name"):
        if key not in columns and is_right:
            findings.problem(
                origin, (key,), f"the column {key} is missing", "the first row names the columns"
            )
            is_right = False
    return columns if is_right else None


def _raw_table(
    columns: list[str], cells: list[str], origin: Origin, findings: Findings
) -> dict[str, Any]:
    """Return the cells as a TOML table would hold them; empty cells are keys left out."""
    raw: dict[str, Any] = {}
    position: dict[str, Any] = {}
    for key, cell in zip(columns, cells, strict=False):
        text = cell.strip()
        if not key or not text:
            continue
        if key.startswith("position_"):
            position[key[-1]] = _number(text)
        elif key == "value_map":
            raw[key] = _value_map(text)
        elif key == "stop_after" and text == "0":
            raw[key] = 0
        else:
            raw[key] = text
    if len(position) == 1:
        there = f"position_{next(iter(position))}"
        findings.problem(
            origin,
            (there,),
            "position needs both position_x and position_y",
            "fill in both or none",
        )
    elif position:
        raw["position"] = position
    return raw


def _number(text: str) -> float | str:
    try:
        return float(text.rstrip("%"))
    except ValueError:
        return text


def _value_map(text: str) -> dict[str, str] | str:
    """Return the pairs of a cell such as "0=stopped 1=running 2=idle"; the text if it is none."""
    pairs = [_VALUE_PAIR.fullmatch(part) for part in re.split(r"[,;|/\s]+", text) if part]
    found = {pair[1]: pair[2] for pair in pairs if pair is not None}
    return found if len(found) == len(pairs) else text  # not all pairs, or a value given twice
