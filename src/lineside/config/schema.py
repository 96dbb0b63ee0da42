"""The schema of lineside.toml. It is also the reference manual: every key is documented here.

The field names are the keys of the file. What one table alone can get wrong is checked here; what
tables say of each other is checked in `crosscheck`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from lineside.config.alarm_config import AlarmBitCodes, AlarmsConfig, AlarmTableConfig
from lineside.config.base import ID_PATTERN, Table
from lineside.config.server_config import HistoryConfig, ServerConfig
from lineside.config.values import (
    Code,
    Host,
    Period,
    StaleAfter,
    StopAfter,
    Text,
    Timeout,
    ValueMap,
)
from lineside.config.work_time import (
    DowntimeReasonConfig,
    PlantConfig,
    ShiftConfig,
    ShiftExceptionConfig,
)
from lineside.core.limits import (
    ALARM_TABLES_MAX,
    DOWNTIME_REASONS_MAX,
    EQUIPMENT_MAX,
    SHIFT_EXCEPTIONS_MAX,
    SHIFTS_MAX,
)
from lineside.core.spacing import poll_spacing_s

STALE_AFTER_LEAST_S = 3.0
STALE_AFTER_PERIODS = 3
STOP_AFTER_DEFAULT_S = 300.0


class LineConfig(Table):
    """`[[line]]`: one production line. `/ws/monitor` serves the first, `/ws/monitor/<id>` each."""

    id: str = Field(
        pattern=ID_PATTERN,
        description="Short name for addresses and for `line = …`: letters, digits, `_`, `.`, `-`.",
        examples=["weld1"],
    )
    name: Text = Field(
        max_length=80, description="Name as the monitor shows it.", examples=["용접 1라인"]
    )
    stop_after: StopAfter = Field(
        default=STOP_AFTER_DEFAULT_S,
        description="How long after its last run a waiting machine turns from idle to stopped. "
        '0: stopped at once. "never": it stays idle. Time in error does not restart it.',
        examples=["5m", 0, "never"],
        json_schema_extra={"default": "5m"},
    )
    stale_after: StaleAfter | None = Field(
        default=None,
        description="Age at which the last good read no longer counts and a machine turns to "
        "disconnected. Must be longer than the time between two polls of the PLC. Left out: 3 "
        "times that, at least 3 s.",
        examples=["3s"],
    )
    floor_plan: str | None = Field(
        default=None,
        min_length=1,
        description="Image of the line seen from above (SVG, PNG, JPEG or WebP, up to 20 MB); the "
        "path counts from the folder of the config file.",
        examples=["weld1.svg"],
    )


class Family(StrEnum):
    """MELSEC families; the limits of a request and the radix of X and Y depend on it."""

    Q = "Q"
    L = "L"
    IQ_R = "iQ-R"
    IQ_F = "iQ-F"


class PlcConfig(Table):
    """`[[plc]]`: one PLC and how to reach it. Lineside only reads; it never writes to a PLC."""

    id: str = Field(
        pattern=ID_PATTERN,
        description="Short name for `plc = …` and for messages: letters, digits, `_`, `.`, `-`.",
        examples=["PLC01"],
    )
    driver: Literal["melsec"] = Field(
        default="melsec",
        description="Protocol: `melsec` is Mitsubishi MC protocol (SLMP).",
        examples=["melsec"],
    )
    host: Host = Field(
        description="IP address or name of the PLC's Ethernet port.", examples=["192.168.3.39"]
    )
    port: int = Field(
        ge=1,
        le=65535,
        strict=True,
        description="Port of the PLC's open setting, in decimal (GX Works may show it in "
        "hexadecimal: 1392H is 5010).",
        examples=[5010],
    )
    family: Family = Field(
        description="PLC series. It decides which addresses exist, whether X and Y count in octal "
        "(iQ-F) or hexadecimal (all others), and how much one request may read.",
        examples=["Q"],
    )
    frame: Literal["3E", "4E"] = Field(
        default="3E",
        description="MC protocol frame. 4E numbers each request, which makes UDP safer.",
        examples=["3E"],
    )
    code: Literal["binary", "ascii"] = Field(
        default="binary",
        description="Communication data code, as set in the PLC's Ethernet settings.",
        examples=["binary"],
    )
    transport: Literal["tcp", "udp"] = Field(
        default="tcp",
        description="Transport of the PLC's open setting.",
        examples=["tcp"],
    )
    period: Period = Field(
        default=1.0,
        description="Time from one poll to the next, 20 ms to 1 h. Polls are timed so that the "
        "last answer is in just before each tick, once a second: a shorter period makes nothing "
        "on a screen newer, it only finds changes that last less than a second. A longer one is "
        "rounded up to whole seconds, a shorter one to a whole number of polls a second. "
        "`lineside check` says how short it may be.",
        examples=["1s"],
        json_schema_extra={"default": "1s"},
    )
    timeout: Timeout = Field(
        default=1.0,
        description="Longest wait for one answer before the connection is given up, 50 ms to "
        "1 min.",
        examples=["1s"],
        json_schema_extra={"default": "1s"},
    )
    heartbeat: Text | None = Field(
        default=None,
        description="Word that the PLC program keeps counting. Standing still means that the PLC "
        "answers but its program does not run, and its machines turn to disconnected.",
        examples=["D0"],
    )
    heartbeat_timeout: Timeout = Field(
        default=3.0,
        description="How long the heartbeat may stand still, 50 ms to 1 min. Must be longer than "
        "the time between two polls.",
        examples=["3s"],
        json_schema_extra={"default": "3s"},
    )
    network: int = Field(
        default=0,
        ge=0,
        le=255,
        strict=True,
        description="Network number of the route. 0 is the PLC that is connected to directly.",
        examples=[0],
    )
    pc: int = Field(
        default=0xFF,
        ge=0,
        le=255,
        strict=True,
        description="PC number of the route. 255 (0xFF) is the PLC connected to directly.",
        examples=[255],
    )
    module_io: int = Field(
        default=0x03FF,
        ge=0,
        le=0xFFFF,
        strict=True,
        description="Request destination module I/O number. 1023 (0x03FF) is the own CPU; "
        "0x03E0 to 0x03E3 are CPU 1 to 4 of a multiple-CPU system.",
        examples=[1023],
    )
    station: int = Field(
        default=0,
        ge=0,
        le=255,
        strict=True,
        description="Request destination module station number of the route.",
        examples=[0],
    )

    @property
    def endpoint(self) -> str:
        """Where and how the PLC is spoken to, for people: "192.168.3.39:5010 TCP 3E binary"."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port} {self.transport.upper()} {self.frame} {self.code}"


class Position(Table):
    """Where a machine stands on the floor plan, in percent of its width and height."""

    x: float = Field(
        ge=0, le=100, strict=True, description="Percent from the left edge.", examples=[8]
    )
    y: float = Field(
        ge=0, le=100, strict=True, description="Percent from the top edge.", examples=[20]
    )


class EquipmentConfig(Table):
    """`[[equipment]]`: one machine and the tags that tell of it, shown in the order written."""

    code: Code = Field(
        description="Equipment code: 14 characters, once in the plant.",
        examples=["KRCWO12ELOA101"],
    )
    name: Text = Field(
        max_length=80, description="Name as the monitor shows it.", examples=["Upper 로봇 용접"]
    )
    line: str | None = Field(
        default=None,
        description="`id` of its line. May be left out when there is one line.",
        examples=["weld1"],
    )
    plc: str | None = Field(
        default=None,
        description="`id` of the PLC that its tags are read from. Without PLC and status_tag the "
        'machine is shown as disconnected, "not configured".',
        examples=["PLC01"],
    )
    status_tag: Text | None = Field(
        default=None,
        description="Address that is 1 while the machine runs and 0 while it does not, in the "
        "PLC's own syntax: a bit `M100`, `X1F`, `D100.3`, or a word `D100`. `!M100` is the "
        "opposite of a bit, for normally closed contacts; so in error_tag and idle_tag.",
        examples=["M100"],
    )
    error_tag: Text | None = Field(
        default=None,
        description="Address that is 1 while the machine has a fault. A fault wins over running. "
        "`!M200` is a contact that opens, and is 0, at a fault.",
        examples=["M200", "!M200"],
    )
    error_hold: Timeout | None = Field(
        default=None,
        description="For an error_tag that blinks, as the lamp of a stack light does: a fault "
        "stays for so long after its tag was last 1. At least four times the time between two "
        "polls. The PLC is then read three times more between two polls, off their beat. Left "
        "out: a fault is over when its tag is 0.",
        examples=["5s"],
    )
    idle_tag: Text | None = Field(
        default=None,
        description="Address that is 1 while the machine waits on purpose (for parts, for its "
        "neighbour): it is then idle, however long.",
        examples=["M300"],
    )
    alarm_code_tag: Text | None = Field(
        default=None,
        description="Word that tells which fault it is while error_tag is 1; 0 is none. It has no "
        "say in the status. A `:F32` is a code where it is a whole number. What its values mean "
        "stands in an `[[alarm_table]]`.",
        examples=["D200"],
    )
    alarm_bits: AlarmBitCodes | None = Field(
        default=None,
        description="Which alarm each bit of alarm_code_tag is, for a word that has one bit per "
        "alarm: the bit, 0 to 15 (to 31 of a `:U32`), and its alarm code. Each bit that is 1 while "
        "the machine has a fault is then an alarm of its own; the plain fault alarm stands for "
        "bits that are not listed, and for a fault without any bit. Left out: the word is one "
        "code.",
        examples=[{"0": 1, "2": 4}],
    )
    alarm_table: str | None = Field(
        default=None,
        description="`id` of the `[[alarm_table]]` for its alarm codes. Left out: the only one, "
        "when there is one; of several none, so that its alarms say only the number.",
        examples=["robot"],
    )
    value_map: ValueMap | None = Field(
        default=None,
        description="What each value of status_tag means, for machines that tell more than 0 and "
        "1. It replaces stop_after and idle_tag. A value that is not listed shows as "
        "disconnected.",
        examples=[{"0": "stopped", "1": "running", "2": "idle"}],
    )
    stop_after: StopAfter = Field(
        default=STOP_AFTER_DEFAULT_S,
        description="As in `[[line]]`, for this machine alone. Left out: the line's.",
        examples=["10m", 0, "never"],
        json_schema_extra={"default": None},
    )
    stale_after: StaleAfter | None = Field(
        default=None,
        description="As in `[[line]]`, for this machine alone. Left out: the line's.",
        examples=["10s"],
    )
    position: Position | None = Field(
        default=None,
        description="Place on the line's floor plan, in percent of its width and height.",
        examples=[{"x": 8, "y": 20}],
    )


class EquipmentCsvConfig(Table):
    """`[equipment_csv]`: a table of machines kept in a spreadsheet; they follow those above it."""

    file: str = Field(
        min_length=1,
        description="CSV file; the path counts from the folder of the config file. The first row "
        "names the columns with the keys of `[[equipment]]` (position as `position_x` and "
        "`position_y`); UTF-8 or CP949; comma, semicolon or tab.",
        examples=["equipment.csv"],
    )


class LinesideConfig(Table):
    """The whole of lineside.toml. `equipment` holds those of the CSV file too, after its own."""

    server: ServerConfig = Field(
        default_factory=ServerConfig, description="Where the monitor is served."
    )
    history: HistoryConfig = Field(
        default_factory=HistoryConfig, description="Where every change is kept."
    )
    line: tuple[LineConfig, ...] = Field(min_length=1, description="The production lines.")
    plc: tuple[PlcConfig, ...] = Field(default=(), description="The PLCs.")
    equipment: tuple[EquipmentConfig, ...] = Field(
        default=(), max_length=EQUIPMENT_MAX, description="The machines."
    )
    equipment_csv: EquipmentCsvConfig | None = Field(
        default=None, description="More machines, from a spreadsheet."
    )
    plant: PlantConfig = Field(
        default_factory=PlantConfig, description="What holds for the whole plant."
    )
    shift: tuple[ShiftConfig, ...] = Field(
        default=(), max_length=SHIFTS_MAX, description="When work is planned."
    )
    shift_exception: tuple[ShiftExceptionConfig, ...] = Field(
        default=(), max_length=SHIFT_EXCEPTIONS_MAX, description="Days on which it is otherwise."
    )
    downtime_reason: tuple[DowntimeReasonConfig, ...] = Field(
        default=(), max_length=DOWNTIME_REASONS_MAX, description="Why machines stand."
    )
    alarms: AlarmsConfig = Field(
        default_factory=AlarmsConfig, description="When a fault is an alarm."
    )
    alarm_table: tuple[AlarmTableConfig, ...] = Field(
        default=(), max_length=ALARM_TABLES_MAX, description="What alarm codes mean."
    )


def stop_after_s(equipment: EquipmentConfig, line: LineConfig) -> float | None:
    """Return the stop time that applies to `equipment` of `line`, in seconds; None is never."""
    own = "stop_after" in equipment.model_fields_set
    return equipment.stop_after if own else line.stop_after


def stale_after_s(
    equipment: EquipmentConfig | None, line: LineConfig | None, period_s: float
) -> float:
    """Return the age in seconds from which a read of a PLC polled every `period_s` is too old.

    A `period_s` of 0 is that of no PLC.
    """
    for table in (equipment, line):
        if table is not None and table.stale_after is not None:
            return table.stale_after
    apart_s = poll_spacing_s(period_s) if period_s else 0.0
    return max(STALE_AFTER_LEAST_S, STALE_AFTER_PERIODS * apart_s)


__all__ = [
    "AlarmTableConfig",
    "AlarmsConfig",
    "DowntimeReasonConfig",
    "EquipmentConfig",
    "EquipmentCsvConfig",
    "Family",
    "HistoryConfig",
    "LineConfig",
    "LinesideConfig",
    "PlantConfig",
    "PlcConfig",
    "Position",
    "ServerConfig",
    "ShiftConfig",
    "ShiftExceptionConfig",
    "Table",
    "stale_after_s",
    "stop_after_s",
]
