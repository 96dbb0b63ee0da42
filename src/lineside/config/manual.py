"""The reference manual and the JSON Schema of lineside.toml, both made from the schema. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from lineside.config import alarm_csv
from lineside.config.base import Table
from lineside.config.equipment_csv import ALIASES, COLUMNS
from lineside.config.schema import (
    AlarmsConfig,
    AlarmTableConfig,
    DowntimeReasonConfig,
    EquipmentConfig,
    EquipmentCsvConfig,
    HistoryConfig,
    LineConfig,
    LinesideConfig,
    PlantConfig,
    PlcConfig,
    Position,
    ServerConfig,
    ShiftConfig,
    ShiftExceptionConfig,
)
from lineside.config.tables import HEADERS
from lineside.config.template import template
from lineside.config.wall_time import BREAK_PATTERN, DAYS_PATTERN, TIME_PATTERN
from lineside.core.alarm_text import Severity

_ORDER: tuple[type[Table], ...] = (
    ServerConfig,
    HistoryConfig,
    LineConfig,
    PlcConfig,
    EquipmentConfig,
    Position,
    EquipmentCsvConfig,
    PlantConfig,
    ShiftConfig,
    ShiftExceptionConfig,
    DowntimeReasonConfig,
    AlarmsConfig,
    AlarmTableConfig,
)

_PATTERN_WORDS = {
    TIME_PATTERN: "time of day",
    BREAK_PATTERN: "breaks",
    DAYS_PATTERN: "days",
}
_INSTANCES = ("examples", "default", "const", "enum")  # keywords that hold values, not schemas

_INTRODUCTION = """\
# lineside.toml

<!-- Made by `python -m lineside.config.reference` from src/lineside/config/schema.py. -->

Everything Lineside knows of a plant stands in one [TOML](https://toml.io) file. `lineside init`
writes one to start from; `lineside check` reports every mistake in it at once, with file, line and
remedy, and shows what will be asked of each PLC. `lineside schema config` prints the JSON Schema
for editors that complete and check while you type.

* A **duration** is a number with its unit: `"500ms"`, `"3s"`, `"5m"`, `"1h"`, `"1d"`.
* A **time of day** is hours and minutes on the plant's clock: `"06:00"`. A **day** is written with
  or without quotes: `2026-09-28`.
* A **path** counts from the folder of the config file.
* `[[line]]`, `[[plc]]` and `[[equipment]]` have two brackets because there can be several; they are
  shown in the order in which they are written.
* An **unknown key** is a mistake, never ignored. Messages count from 1: `equipment[3].name` is the
  name of the third `[[equipment]]`.
* A **change of the file** while the server runs is checked first. A good one is taken over without
  dropping a client; a bad one is refused, and the server goes on with the old one.
"""

_CSV = """\
The columns are {columns}. An empty cell is a key left out. `value_map` is written
`0=stopped 1=running`, `alarm_bits` `0=1 2=4`. Blank rows and rows that begin with `#` are
skipped. A code may stand once in the TOML and CSV files together. These column names are understood
too: {aliases}.

```csv
code,name,plc,status_tag,error_tag,position_x,position_y
KRCWO12ELOA103,부품 투입,PLC01,M102,M202,28,20
KRCWO12ELOA104,누설 검사,PLC01,M103,M203,48,20
```
"""


_ALARM_CSV = """\
The columns are {columns}; `code` and `text_ko` are needed, and an empty cell is a column left out.
A code is written in decimal or as `0x0C`; `severity` is one of {severities}, `high` when left out.
An English text that is left out is the Korean one. Blank rows and rows that begin with `#` are
skipped. These column names are understood too: {aliases}.

```csv
code,severity,text_ko,text_en,advice_ko,advice_en
12,high,안전문 열림,Safety door open,문을 닫고 리셋하세요.,Close the door and reset.
0x20,critical,용접기 과열,Welder overheated,냉각수를 확인하세요.,Check the coolant.
```
"""


def config_json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of lineside.toml, for editors."""
    schema = LinesideConfig.model_json_schema()
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_null(schema),
    }
    document["title"] = "lineside.toml"
    # The tables [[equipment]] may all stand in the CSV file; [[line]] may not be missing.
    document["properties"]["line"]["minItems"] = 1
    return document


def reference_markdown() -> str:
    """Return docs/reference/config.md."""
    definitions = config_json_schema()["$defs"]
    parts = [_INTRODUCTION]
    for table in _ORDER:
        parts.append(f"## `{HEADERS[table]}`\n\n{_purpose(table)}\n")
        parts.append(_key_table(table, definitions[table.__name__]))
        if table is EquipmentCsvConfig:
            parts.append(_csv_section())
        if table is AlarmTableConfig:
            parts.append(_alarm_csv_section())
    parts.append(f"## A complete example\n\n```toml\n{template()}```\n")
    return "\n".join(parts)


def _without_null(node: Any) -> Any:
    """Return a schema without `null` (TOML has none: a key is left out) and without titles."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    result: dict[str, Any] = {}
    for key, value in node.items():
        is_title = key == "title" and isinstance(value, str)
        if is_title or (key == "default" and value is None):
            continue
        if key in ("properties", "$defs"):  # their keys are names, not keywords
            result[key] = {name: _without_null(item) for name, item in value.items()}
        else:
            result[key] = value if key in _INSTANCES else _without_null(value)
    choices = [item for item in result.get("anyOf", []) if item != {"type": "null"}]
    if len(choices) == 1:
        del result["anyOf"]
        result = {**choices[0], **result}
    return result


def _purpose(table: type[Table]) -> str:
    text = inspect.cleandoc(table.__doc__ or "")
    head, _, rest = text.partition(": ")
    return (rest[:1].upper() + rest[1:]) if head == f"`{HEADERS[table]}`" else text


def _key_table(table: type[Table], schema: Mapping[str, Any]) -> str:
    rows = ["| key | value | if left out | example | meaning |", "|---|---|---|---|---|"]
    required = schema.get("required", ())
    for key, field in schema["properties"].items():
        cells = (
            f"`{key}`",
            _value(field),
            "**required**" if key in required else _default(field),
            "<br>".join(f"`{_toml(example)}`" for example in field["examples"]),
            field["description"],
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _default(field: Mapping[str, Any]) -> str:
    if "default" in field:
        return f"`{_toml(field['default'])}`"
    return "see meaning" if "eft out" in field["description"] else "none"


def _value(field: Mapping[str, Any]) -> str:
    """Return in words what may stand to the right of the equals sign."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        if name == "Family":
            return "one of `Q` `L` `iQ-R` `iQ-F`"
        return "table with `x` and `y`"
    if "enum" in field:
        return "one of " + " ".join(f"`{choice}`" for choice in field["enum"])
    if "const" in field:
        return f"`{_toml(field['const'])}`"
    if "anyOf" in field:
        return ", ".join(_value(choice) for choice in field["anyOf"])
    kind = field.get("type")
    if kind == "boolean":
        return "true or false"
    if kind in ("integer", "number"):
        word = "whole number" if kind == "integer" else "number"
        return f"{word}, {field['minimum']:g} to {field['maximum']:g}"
    if kind == "array":
        return f"list of {_PATTERN_WORDS.get(field['items'].get('pattern', ''), 'texts')}"
    if field.get("pattern") in _PATTERN_WORDS:
        return _PATTERN_WORDS[field["pattern"]]
    if field.get("format") == "date":
        return "day"
    if kind == "object":
        is_status = "enum" in field["additionalProperties"]
        return "table: tag value = status" if is_status else "table: bit = alarm code"
    if "(ms|s|m|h|d)" in field.get("pattern", ""):
        return "duration"
    return f"text, up to {field['maxLength']} characters" if "maxLength" in field else "text"


def _toml(value: object) -> str:
    """Return `value` as lineside.toml writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return str(value)


def _csv_section() -> str:
    return _CSV.format(columns=_listed(COLUMNS), aliases=_aliases(ALIASES))


def _alarm_csv_section() -> str:
    return _ALARM_CSV.format(
        columns=_listed(alarm_csv.COLUMNS),
        severities=_listed(tuple(Severity)),
        aliases=_aliases(alarm_csv.ALIASES),
    )


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _aliases(aliases: Mapping[str, str]) -> str:
    by_key: dict[str, list[str]] = {}
    for alias, key in aliases.items():
        by_key.setdefault(key, []).append(alias)
    return "; ".join(f"`{key}`: {', '.join(names)}" for key, names in by_key.items())
