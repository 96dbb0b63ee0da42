"""The shapes of the answers about what machines did when. Times in arrays are Unix milliseconds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.core.alarm_text import Severity
from lineside.web.schema import EquipmentView, View

LaneStatus = Literal["running", "idle", "stopped", "error", "disconnected", "unseen"]


class TimelineLaneView(View):
    """One machine's lane."""

    code: str
    name: str
    plc_id: str | None
    kept_from_ms: int | None = Field(
        description="What it did before is not kept any more (`keep_changes`): `unseen` until "
        "then means deleted, as far as it was seen. None: all of the window is kept."
    )
    configured: list[tuple[int, int | None]] = Field(
        description="[begin_ms, end_ms) in which it was configured, whole; null: it still is. "
        "Other time is `unseen`, too, but nobody had to watch. Empty: not known."
    )
    intervals: list[tuple[int, int, LaneStatus, str | None]] = Field(
        description="[begin_ms, end_ms, status, reason code]; they tile [from_ms, now or to_ms)."
    )


class TimelineHistoryView(View):
    """What the history can know."""

    known_from_ms: int | None = Field(description="Nothing is kept of before; None: of any time.")
    known_until_ms: int = Field(
        description="What happened later is not stored yet: ask again for a window that reaches "
        "beyond."
    )
    kept_from_ms: int | None = Field(
        description="What some of the machines did before it is not kept any more "
        "(`keep_changes`) and therefore unseen here; None: all of the window is."
    )


class TimelineView(View):
    """`/api/timeline`."""

    from_ms: int
    to_ms: int
    now_ms: int = Field(description="Nothing is known of what comes after it.")
    resolution_ms: int
    time_zone: str
    line_id: str = Field(description="Whose shifts and breaks these are.")
    shifts: list[tuple[int, int, str]] = Field(
        description="[begin_ms, end_ms, name] of that line, as configured now."
    )
    breaks: list[tuple[int, int]]
    alarms: list[tuple[str, int, Severity, str, str]] = Field(
        description="[code, at_ms, severity, Korean text, English text], each time that a fault "
        "rose or the machine's PLC was lost; of each machine the worst per `resolution_ms`, and at "
        "most the newest 20,000."
    )
    history: TimelineHistoryView
    equipment: list[TimelineLaneView]


class BoardView(View):
    """`/api/board`: every machine as it was at one moment.

    `tags` are those of the read that was recorded last, at `last_updated`: what a tag did since
    that changed neither the status nor its reason is not recorded.
    """

    at: str
    unseen_codes: list[str] = Field(
        description="Machines that nobody watched then: shown as disconnected, `never_read`."
    )
    equipment: list[EquipmentView]


class ShiftView(View):
    """One shift of one day."""

    id: str
    name: str
    day: str = Field(description="The local day on which it begins.")
    begin: str
    end: str
    breaks: list[tuple[str, str]]


class TodayView(View):
    """`/api/today`: the day of a line that goes on now, by the server's clock."""

    line_id: str
    day: str = Field(description="The day on which its shifts begin.")
    begin: str = Field(description="Midnight, or when a shift of the day before has ended.")
    end: str = Field(description="Midnight, or when its last shift ends.")
    time_zone: str = Field(description="Whose clock days, shifts and exports follow.")
    is_computers_zone: bool = Field(
        description="The configuration names no time zone: it is that of the server's computer."
    )


class ShiftsView(View):
    """`/api/shifts`."""

    line_id: str
    time_zone: str
    is_around_the_clock: bool = Field(description="Without shifts all time is planned.")
    shifts: list[ShiftView]
