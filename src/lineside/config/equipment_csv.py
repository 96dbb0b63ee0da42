"""Reads machines from a CSV file as a spreadsheet writes it. Pure: bytes in, rows out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lineside.config.csv_table import Row, Sheet, read_sheet
from lineside.config.findings import Findings, Origin
from lineside.config.schema import EquipmentConfig

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
    "이상유지시간": "error_hold",
    "비가동태그": "idle_tag",
    "대기태그": "idle_tag",
    "알람코드태그": "alarm_code_tag",
    "알람비트": "alarm_bits",
    "알람표": "alarm_table",
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
_BIT_PAIR = re.compile(r"\s*([^=:\s]+)\s*[=:]\s*([-\w]+)\s*")


def read_rows(contents: bytes, label: str, findings: Findings) -> list[Row]:
    """Return the machines in a CSV file, mistakes noted with their CSV line; see `read_sheet`."""
    sheet = Sheet(columns=COLUMNS, aliases=ALIASES, required=("code", "name"), raw=_raw_table)
    return read_sheet(contents, label, findings, sheet)


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
            raw[key] = _pairs(text, _VALUE_PAIR)
        elif key == "alarm_bits":
            raw[key] = _pairs(text, _BIT_PAIR)
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


def _pairs(text: str, form: re.Pattern[str]) -> dict[str, str] | str:
    """Return the pairs of a cell such as "0=stopped 1=running 2=idle"; the text if it is none."""
    pairs = [form.fullmatch(part) for part in re.split(r"[,;|/\s]+", text) if part]
    found = {pair[1]: pair[2] for pair in pairs if pair is not None}
    return found if len(found) == len(pairs) else text  # not all pairs, or a value given twice
