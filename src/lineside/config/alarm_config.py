"""The tables of lineside.toml that say when a fault is an alarm, and what its code means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from lineside.config.base import ID_PATTERN, Table
from lineside.config.values import AlarmDelay, ShelfTime, Text
from lineside.core.alarm_text import AlarmText, Severity

BITS_MOST = 32  # of a double word
CODE_LEAST, CODE_MOST = -(2**31), 2**32 - 1  # what a word or a double word can hold


def _parse_alarm_code(value: object) -> int:
    text = str(value).strip()
    if re.fullmatch(r"-?\d{1,10}", text):
        number = int(text)
    elif re.fullmatch(r"0[xX][0-9A-Fa-f]{1,8}", text):
        number = int(text, 16)
    else:
        raise ValueError(
            f'"{text}" is not an alarm code: write the number that the word holds, as in 12 or 0x0C'
        )
    if number == 0:
        raise ValueError("0 is not an alarm code: it means that there is no fault")
    if not CODE_LEAST <= number <= CODE_MOST:
        raise ValueError(f"{text} is more than a word or a double word can hold")
    return number


def _parse_alarm_bits(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError("write bit = alarm code pairs, as in { 0 = 1, 2 = 4 }")  # noqa: TRY004
    parsed: dict[int, int] = {}
    mistakes = []
    for key, code in value.items():
        if not re.fullmatch(r"[0-9]{1,2}", str(key)) or int(key) >= BITS_MOST:
            mistakes.append(f'"{key}" is not a bit: the left side is 0 to {BITS_MOST - 1}')
        elif int(key) in parsed:
            mistakes.append(f"bit {int(key)} is given twice")
        elif isinstance(code, bool) or not isinstance(code, int | str):
            mistakes.append(f"bit {key} needs an alarm code, as in {key} = 12")
        else:
            try:
                parsed[int(key)] = _parse_alarm_code(code)
            except ValueError as error:
                mistakes.append(f"bit {key}: {error}")
    if not value:
        mistakes.append("is empty (leave alarm_bits out or give at least one pair)")
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return parsed


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


AlarmCode: TypeAlias = Annotated[int, BeforeValidator(_parse_alarm_code)]


AlarmBitCodes: TypeAlias = Annotated[
    dict[int, int],
    BeforeValidator(_parse_alarm_bits),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^(0|[1-9]|[12][0-9]|3[01])$"},
            "additionalProperties": {
                "anyOf": [
                    {
                        "type": "integer",
                        "minimum": CODE_LEAST,
                        "maximum": CODE_MOST,
                        "not": {"const": 0},
                    },
                    {"type": "string", "pattern": "^(-?[0-9]{1,10}|0[xX][0-9A-Fa-f]{1,8})$"},
                ]
            },
        }
    ),
]


class AlarmsConfig(Table):
    """`[alarms]`: when a fault is an alarm. May be left out."""

    on_delay: AlarmDelay = Field(
        default=0.0,
        description="How long a fault must stand until it is an alarm, up to 10 min. It counts "
        "from when it is first seen and starts anew when the machine was out of sight.",
        examples=["2s"],
        json_schema_extra={"default": 0},
    )
    off_delay: AlarmDelay = Field(
        default=0.0,
        description="How long a fault must be gone until its alarm is cleared, up to 10 min: what "
        "flickers is one alarm.",
        examples=["5s"],
        json_schema_extra={"default": 0},
    )
    shelf_max: ShelfTime = Field(
        default=86_400.0,
        description="How long a person may put an alarm aside at a time, 1 min to 1 day.",
        examples=["8h"],
        json_schema_extra={"default": "1d"},
    )


class AlarmTableConfig(Table):
    """`[[alarm_table]]`: what alarm codes mean, kept in a spreadsheet."""

    id: str = Field(
        pattern=ID_PATTERN,
        description="Short name for `alarm_table = …`: letters, digits, `_`, `.`, `-`.",
        examples=["robot"],
    )
    file: str = Field(
        min_length=1,
        description="CSV file; the path counts from the folder of the config file. UTF-8 or "
        "CP949; comma, semicolon or tab.",
        examples=["alarms.csv"],
    )


class AlarmMessageConfig(Table):
    """One row of the CSV file of an `[[alarm_table]]`."""

    code: AlarmCode = Field(description="What the word holds, in decimal or as 0x0C.")
    severity: Annotated[Severity, BeforeValidator(_lower)] = Field(
        default=Severity.HIGH, description="How urgent it is."
    )
    text_ko: Text = Field(max_length=200, description="What the alarm says.")
    text_en: Text | None = Field(
        default=None, max_length=200, description="The same in English. Left out: `text_ko`."
    )
    advice_ko: Text | None = Field(default=None, max_length=500, description="What to do.")
    advice_en: Text | None = Field(
        default=None, max_length=500, description="The same in English. Left out: `advice_ko`."
    )

    @property
    def alarm_text(self) -> AlarmText:
        """What alarms with this code say."""
        advice = self.advice_ko or ""
        return AlarmText(
            severity=self.severity,
            text_ko=self.text_ko,
            text_en=self.text_en or self.text_ko,
            advice_ko=advice,
            advice_en=self.advice_en or advice,
        )
