"""The tables of lineside.toml that say when work is planned, and how reports count it."""

from __future__ import annotations

from pydantic import Field

from lineside.config.base import ID_PATTERN, Table
from lineside.config.values import ReportTime, Text
from lineside.config.wall_time import Breaks, Country, Days, LocalDate, TimeOfDay, TimeZone


class PlantConfig(Table):
    """`[plant]`: what holds for the whole plant. May be left out while there are no shifts."""

    time_zone: TimeZone | None = Field(
        default=None,
        description="Time zone of the plant, by its name. Shifts are written, and days of reports "
        "and exports begin, by its clock. Left out: that of the computer, which `lineside check` "
        "names. Needed as soon as there is a `[[shift]]`, and where the computer's has no name.",
        examples=["Asia/Seoul"],
    )
    holidays: Country | None = Field(
        default=None,
        description="Country whose public holidays are free, or a part of one (`DE-BY`). "
        "Days that are declared at short notice need a `[[shift_exception]]`.",
        examples=["KR"],
    )
    micro_stop: ReportTime = Field(
        default=120.0,
        description="Standing up to this long, up to 1 h, counts as a micro-stop in reports, and "
        "no reason is asked for.",
        examples=["2m"],
        json_schema_extra={"default": "2m"},
    )
    failure_after: ReportTime = Field(
        default=0.0,
        description="An error shorter than this, up to 1 h, is no failure in reports: for fault "
        "bits that flicker.",
        examples=["3s"],
        json_schema_extra={"default": 0},
    )


class ShiftConfig(Table):
    """`[[shift]]`: hours in which work is planned. A line without any is planned all the time."""

    id: str = Field(
        pattern=ID_PATTERN,
        description="Short name for `shift = …` and for reports: letters, digits, `_`, `.`, `-`.",
        examples=["day"],
    )
    name: Text = Field(
        max_length=80, description="Name as the monitor shows it.", examples=["주간"]
    )
    lines: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="`id`s of the lines that work it. Left out: every line.",
        examples=[["weld1"]],
    )
    days: Days = Field(
        description="Days on which it begins: `mon` to `sun`, ranges of them, and `holiday` for "
        "public holidays, which are free otherwise.",
        examples=[["mon-fri"], ["mon-sun", "holiday"]],
    )
    start: TimeOfDay = Field(description="When it begins.", examples=["06:00"])
    end: TimeOfDay = Field(
        description="When it ends. Not after `start`: on the next day. It belongs to the day on "
        "which it begins.",
        examples=["14:00"],
    )
    breaks: Breaks = Field(
        default=(),
        description="Breaks, each with begin and end. Machines that stand in a break are idle.",
        examples=[["10:00-10:10", "12:00-12:40"]],
    )


class ShiftExceptionConfig(Table):
    """`[[shift_exception]]`: days on which it is otherwise. Without `start` and `end`: closed."""

    date: LocalDate = Field(description="The day, or the first.", examples=["2026-09-28"])
    until: LocalDate | None = Field(
        default=None,
        description="The last of several days in a row, up to a year.",
        examples=["2026-10-02"],
    )
    name: Text | None = Field(
        default=None, max_length=80, description="What for.", examples=["하계휴가"]
    )
    lines: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="`id`s of the lines it concerns. Left out: every line.",
        examples=[["weld1"]],
    )
    shift: str | None = Field(
        default=None,
        description="`id` of the shift it concerns. Left out: every shift.",
        examples=["day"],
    )
    start: TimeOfDay | None = Field(
        default=None,
        description="When the shift begins on these days, whatever days they are.",
        examples=["08:00"],
    )
    end: TimeOfDay | None = Field(
        default=None, description="When it ends on these days.", examples=["12:00"]
    )
    breaks: Breaks | None = Field(
        default=None,
        description="Its breaks on these days. Left out: those of the shift that lie in the hours.",
        examples=[["10:00-10:10"]],
    )


class DowntimeReasonConfig(Table):
    """`[[downtime_reason]]`: one answer to "why did it stand?"; together they form a tree."""

    code: str = Field(
        pattern=ID_PATTERN,
        description="Short name for `parent = …` and for exports: letters, digits, `_`, `.`, `-`.",
        examples=["E10"],
    )
    name: Text = Field(
        max_length=80, description="Name as the monitor shows it.", examples=["설비 고장"]
    )
    name_en: Text | None = Field(
        default=None,
        max_length=80,
        description="Name on the English page. Left out: `name`.",
        examples=["Breakdown"],
    )
    parent: str | None = Field(
        default=None,
        description="`code` of the reason that this one is a kind of.",
        examples=["E"],
    )
