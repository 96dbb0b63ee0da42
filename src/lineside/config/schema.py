"""The schema of lineside.toml. It is also the reference manual: every key is documented here."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lineside.core.model import Status

_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration_s(value: object) -> float:
    """Return the seconds that "500ms", "3s", "5m", "1h", "1d" or the bare number 0 mean.

    Raises:
        ValueError: the text is not a duration; the message names the accepted forms.
    """
    if value == 0 and not isinstance(value, bool):
        return 0.0
    if isinstance(value, str) and (match := _DURATION.match(value)):
        return float(match[1]) * _UNIT_S[match[2]]
    raise ValueError('a duration is a number with its unit, as in "500ms", "3s", "5m" or "1h"')


def _parse_stop_after_s(value: object) -> float | None:
    return None if value == "never" else parse_duration_s(value)


Duration = Annotated[float, BeforeValidator(parse_duration_s)]
StopAfter = Annotated[float | None, BeforeValidator(_parse_stop_after_s)]


class Table(BaseModel):
    """Base of every table: unknown keys are mistakes, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Family(StrEnum):
    """MELSEC families; the limits of a request and the radix of X and Y depend on it."""

    Q = "Q"
    L = "L"
    IQ_R = "iQ-R"
    IQ_F = "iQ-F"


class PlcConfig(Table):
    """[[plc]]: one PLC and how to reach it."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$")
    driver: Literal["melsec"] = "melsec"
    host: str
    port: int = Field(ge=1, le=65535)
    family: Family
    frame: Literal["3E", "4E"] = "3E"
    code: Literal["binary", "ascii"] = "binary"
    transport: Literal["tcp", "udp"] = "tcp"
    period: Duration = 0.5
    timeout: Duration = 1.0
    heartbeat: str | None = None
    heartbeat_timeout: Duration = 3.0
    network: int = Field(default=0, ge=0, le=255)
    pc: int = Field(default=0xFF, ge=0, le=255)
    module_io: int = Field(default=0x03FF, ge=0, le=0xFFFF)
    station: int = Field(default=0, ge=0, le=255)


class Position(Table):
    """Where a machine stands on the floor plan, in percent of its width and height."""

    x: float = Field(ge=0, le=100)
    y: float = Field(ge=0, le=100)


class EquipmentConfig(Table):
    """[[equipment]]: one machine and the tags that tell of it."""

    code: str
    name: str = Field(min_length=1, max_length=80)
    line: str | None = None
    plc: str | None = None
    status_tag: str | None = None
    error_tag: str | None = None
    idle_tag: str | None = None
    value_map: dict[int, Status] | None = None
    stop_after: StopAfter = 300.0
    stale_after: Duration | None = None
    position: Position | None = None
