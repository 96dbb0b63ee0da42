"""Reads what alarm codes mean from a CSV file as a spreadsheet writes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineside.config.alarm_config import AlarmMessageConfig
from lineside.config.csv_table import Sheet, read_sheet
from lineside.config.findings import Findings, Origin
from lineside.config.tables import Draft, read_table
from lineside.core.alarm_text import AlarmText
from lineside.core.limits import ALARM_MESSAGES_MAX

COLUMNS: tuple[str, ...] = tuple(AlarmMessageConfig.model_fields)

# Names that plants write over their columns, compared without case and spaces.
ALIASES: Mapping[str, str] = {
    "코드": "code",
    "알람코드": "code",
    "alarm_code": "code",
    "등급": "severity",
    "심각도": "severity",
    "한국어": "text_ko",
    "메시지": "text_ko",
    "알람명": "text_ko",
    "영어": "text_en",
    "korean": "text_ko",
    "english": "text_en",
    "조치": "advice_ko",
    "조치방법": "advice_ko",
    "조치(영어)": "advice_en",
    "advice": "advice_ko",
}


def read_messages(contents: bytes, label: str, findings: Findings) -> dict[int, AlarmText]:
    """Return the messages in a CSV file by code, mistakes noted with their CSV line.

    Args:
        contents: the file: UTF-8 with or without byte order mark, else CP949 (Excel in Korea).
        label: the file's name for messages.
        findings: takes the mistakes.
    """
    sheet = Sheet(columns=COLUMNS, aliases=ALIASES, required=("code", "text_ko"), raw=_raw)
    rows = read_sheet(contents, label, findings, sheet)
    if len(rows) > ALARM_MESSAGES_MAX:
        message = f"holds {len(rows)} messages, at most {ALARM_MESSAGES_MAX} are allowed"
        findings.file_problem(label, message, "spread them over several alarm tables")
        return {}
    messages: dict[int, AlarmText] = {}
    first: dict[int, Draft[AlarmMessageConfig]] = {}
    for row in rows:
        draft = read_table(AlarmMessageConfig, row.raw, row.origin, findings)
        if draft is None or not draft.has("code"):
            continue
        code = draft.table.code
        if code in first:
            message = f"the code {code} is taken already, on line {first[code].origin.line()}"
            findings.problem(row.origin, ("code",), message, "a code has one meaning in a table")
            continue
        first[code] = draft
        messages[code] = draft.table.alarm_text
    return messages


def _raw(columns: list[str], cells: list[str], _origin: Origin, _findings: Findings) -> Any:
    pairs = zip(columns, cells, strict=False)
    return {key: cell.strip() for key, cell in pairs if key and cell.strip()}
