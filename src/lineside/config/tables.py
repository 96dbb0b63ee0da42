"""Turns raw tables into schema objects, and what pydantic finds wrong into plain English. Pure.

A table with mistakes still gives a draft that holds what is right in it, so that one mistake does
not hide the next.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lineside.config.alarm_config import AlarmMessageConfig
from lineside.config.base import Table
from lineside.config.findings import Findings, Origin
from lineside.config.schema import (
    AlarmsConfig,
    AlarmTableConfig,
    DowntimeReasonConfig,
    EquipmentConfig,
    EquipmentCsvConfig,
    Family,
    HistoryConfig,
    LineConfig,
    PlantConfig,
    PlcConfig,
    Position,
    ServerConfig,
    ShiftConfig,
    ShiftExceptionConfig,
)

TableT = TypeVar("TableT", bound=Table)

HEADERS: Mapping[type[Table], str] = {
    ServerConfig: "[server]",
    HistoryConfig: "[history]",
    LineConfig: "[[line]]",
    PlcConfig: "[[plc]]",
    EquipmentConfig: "[[equipment]]",
    EquipmentCsvConfig: "[equipment_csv]",
    Position: "position",
    PlantConfig: "[plant]",
    ShiftConfig: "[[shift]]",
    ShiftExceptionConfig: "[[shift_exception]]",
    DowntimeReasonConfig: "[[downtime_reason]]",
    AlarmsConfig: "[alarms]",
    AlarmTableConfig: "[[alarm_table]]",
}

# What stands in for required keys that are missing or wrong, in drafts that are never started.
_STAND_INS: Mapping[type[Table], Mapping[str, Any]] = {
    LineConfig: {"id": "unknown", "name": "unknown"},
    PlcConfig: {"id": "unknown", "host": "unknown", "port": 1, "family": Family.Q},
    EquipmentConfig: {"code": "unknown-------", "name": "unknown"},
    EquipmentCsvConfig: {"file": "unknown"},
    ShiftConfig: {
        "id": "unknown",
        "name": "unknown",
        "days": ["mon"],
        "start": "00:00",
        "end": "24:00",
    },
    ShiftExceptionConfig: {"date": "2000-01-01"},
    DowntimeReasonConfig: {"code": "unknown", "name": "unknown"},
    AlarmTableConfig: {"id": "unknown", "file": "unknown"},
    AlarmMessageConfig: {"code": 1, "text_ko": "unknown"},
}

# What people write in place of our words.
_SYNONYMS = {
    "address": "host",
    "break": "breaks",
    "holiday": "holidays",
    "interval": "period",
    "ip": "host",
    "ip_address": "host",
    "machine": "equipment",
    "machines": "equipment",
    "poll": "period",
    "series": "family",
    "station_number": "station",
    "tag": "status_tag",
    "timezone": "time_zone",
    "type": "family",
    "tz": "time_zone",
    "weekdays": "days",
}

# PLC models by how their names begin.
_MODELS = {"fx": "iQ-F", "iqf": "iQ-F", "iqr": "iQ-R", "q": "Q", "l": "L", "r": "iQ-R"}

_TYPE_WORDS = {
    "string_type": 'text in "quotes"',
    "int_type": "a whole number without quotes",
    "int_from_float": "a whole number",
    "float_type": "a number without quotes",
    "bool_type": "true or false",
    "tuple_type": 'a list, as in ["…", "…"]',
    "list_type": 'a list, as in ["…", "…"]',
    "model_type": "a table, as in { x = 8, y = 20 }",
}


@dataclass(frozen=True, kw_only=True)
class Draft(Generic[TableT]):
    """One table as far as it is right. `bad` names the keys whose mistakes have been noted."""

    table: TableT
    origin: Origin
    bad: frozenset[str] = field(default_factory=frozenset)

    def has(self, key: str) -> bool:
        """Whether `key` was given, and is right."""
        return key in self.table.model_fields_set and key not in self.bad


def read_table(
    model: type[TableT], raw: object, origin: Origin, findings: Findings
) -> Draft[TableT] | None:
    """Return a draft of `raw`, its mistakes noted; None when it is no table at all."""
    if not isinstance(raw, Mapping):
        header = HEADERS[model]
        findings.problem(origin, (), f"must be a table: write {header} on a line of its own")
        return None
    try:
        return Draft(table=model.model_validate(raw), origin=origin)
    except ValidationError as error:
        bad = set()
        for detail in error.errors(include_url=False):
            bad.add(str(detail["loc"][0]))
            _note(detail, model, origin, findings)
    right = {key: raw[key] for key in model.model_fields if key in raw and key not in bad}
    missing = {k: v for k, v in _STAND_INS.get(model, {}).items() if k not in right}
    return Draft(
        table=model.model_validate(right | missing),
        origin=origin,
        bad=frozenset(bad),
    )


def did_you_mean(word: str, known: Sequence[str], what: str = "keys") -> str:
    """Return a hint that names the known word nearest to `word`, or all of them."""
    synonym = _SYNONYMS.get(word.lower())
    if synonym in known:
        return f"did you mean {synonym}?"
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"the {what} are {', '.join(known)}"


def _note(detail: ErrorDetails, model: type[Table], origin: Origin, findings: Findings) -> None:
    keys = detail["loc"]
    if detail["type"] == "missing":
        findings.problem(origin, keys, *_missing(keys, model, origin))
    elif detail["type"] == "extra_forbidden":
        findings.problem(origin, keys, *_unknown_key(keys, model))
    else:
        findings.problem(origin, keys, *_wrong_value(detail, model))


def _owner(keys: Sequence[str | int], model: type[Table]) -> type[Table]:
    """Return the table that the last of `keys` belongs to."""
    return Position if len(keys) > 1 and keys[0] == "position" else model


def _missing(keys: Sequence[str | int], model: type[Table], origin: Origin) -> tuple[str, str]:
    owner = _owner(keys, model)
    key = str(keys[-1])
    if origin.is_row:
        return f"the cell in column {key} is empty", ""
    example = (owner.model_fields[key].examples or [""])[0]
    shown = f'"{example}"' if isinstance(example, str) else str(example)
    return f"{HEADERS[owner]} needs the key {key}", f"as in {key} = {shown}"


def _unknown_key(keys: Sequence[str | int], model: type[Table]) -> tuple[str, str]:
    owner = _owner(keys, model)
    key = str(keys[-1])
    message = f"unknown key {key} in {HEADERS[owner]}"
    known = list(owner.model_fields)
    if not difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.75):
        homes = [
            header
            for table, header in HEADERS.items()
            if key in table.model_fields and table is not Position
        ]
        if homes:
            return message, f"{key} belongs in {' or '.join(homes)}; it stands below another header"
    return message, did_you_mean(key, known)


def _wrong_value(detail: ErrorDetails, model: type[Table]) -> tuple[str, str]:
    kind = detail["type"]
    context = detail.get("ctx", {})
    value = _shown(detail["input"])
    if kind in _TYPE_WORDS:
        return f"{value} is not {_TYPE_WORDS[kind]}", _type_hint(kind, detail["input"])
    if kind in ("literal_error", "enum"):
        choices = _choices(context.get("expected", ""))
        return f"{value} is not one of {choices}", _choice_hint(detail["input"], choices)
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"{value} is out of range: {_bounds(detail, model)}", ""
    if kind == "string_too_long":
        return f"is too long: at most {context['max_length']} characters", ""
    if kind == "string_too_short":
        return "is empty", ""
    if kind == "too_short":
        return "is an empty list", "leave it out, or name at least one"
    if kind == "string_pattern_mismatch":
        return f"{value} may hold only letters A-Z, digits, _ . and -, up to 32 of them", ""
    if kind == "value_error":
        return str(context.get("error", detail["msg"])), ""
    if kind == "finite_number":
        return f"{value} is not a number", ""
    return f"{value}: {detail['msg']}", ""


def _type_hint(kind: str, value: object) -> str:
    if kind in ("int_type", "float_type") and isinstance(value, str) and value.strip().isdecimal():
        return f"write {value.strip()} without quotes"
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return f'write "{value}"'
    if kind in ("tuple_type", "list_type") and isinstance(value, str):
        return f'write ["{value}"]'
    return ""


def _choice_hint(value: object, choices: str) -> str:
    """Return the choice that `value` most likely stands for, as a hint."""
    if not isinstance(value, str):
        return ""
    known = re.findall('"([^"]*)"', choices)
    near = [choice for choice in known if choice.lower() == value.strip().lower()]
    if not near and "iQ-F" in known:
        name = value.lower().replace("-", "").replace("melsec", "").strip()
        near = [family for start, family in _MODELS.items() if name.startswith(start)]
    return f'write "{near[0]}"' if near else ""


def _choices(expected: str) -> str:
    return expected.replace("'", '"').replace(" or ", ", ")


def _bounds(detail: ErrorDetails, model: type[Table]) -> str:
    keys = [key for key in detail["loc"] if isinstance(key, str)]
    metadata = _owner(keys, model).model_fields[keys[-1]].metadata
    least = next((item.ge for item in metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in metadata if hasattr(item, "le")), None)
    return f"{least} to {most} is allowed"


def _shown(value: object) -> str:
    """Return `value` much as the file writes it, shortened."""
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list | tuple):
        text = "a list"
    elif isinstance(value, Mapping):
        text = "a table"
    else:
        text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
