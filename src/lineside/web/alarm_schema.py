"""The shapes of the REST interface of alarms: answers, and what people send."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lineside.core.alarm import AlarmEventKind, AlarmKind, AlarmNote, AlarmState
from lineside.core.alarm_text import Severity
from lineside.web.schema import View
from lineside.web.words import OneLine

BY_MAX = 60  # characters
COMMENT_MAX = 1_000
SHELF_MAX_MINUTES = 24 * 60
BULK_MAX = 1_000


By: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=BY_MAX),
    OneLine,
    Field(description="Who does it, by name; it is kept.", examples=["김철수"]),
]
Comment: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=COMMENT_MAX),
    OneLine,
]


class AlarmCommentView(View):
    """What a person wrote to an alarm."""

    at: str
    by: str
    text: str


class AlarmView(View):
    """One alarm as it stands."""

    id: int
    kind: AlarmKind = Field(description="The fault of one machine, or a lost PLC.")
    line_id: str | None = Field(description="None: a PLC that serves several lines, or none.")
    code: str | None = Field(description="The machine; None for a PLC.")
    name: str
    plc_id: str | None
    tag: str | None = Field(description="The address that told of the fault.")
    alarm_code: int | None = Field(description="What the machine itself says of its fault.")
    severity: Severity
    text_ko: str
    text_en: str
    advice_ko: str
    advice_en: str
    state: AlarmState
    is_on: bool = Field(description="Whether the fault stands, in whatever state.")
    raised: str = Field(description="When the fault rose.")
    last_raised: str = Field(description="When it last rose, if it came back unacknowledged.")
    raised_count: int
    cleared: str | None
    acknowledged: str | None
    acknowledged_by: str | None
    shelved_until: str | None
    comments: list[AlarmCommentView] = Field(description="The newest 20, oldest first.")


class AlarmsView(View):
    """`/api/alarms` and `/api/alarms/recent`: on the first page the last raised first."""

    is_complete: bool = Field(
        description="False: alarms of before the server's start, or those of another server that "
        "records into the same database, cannot be read yet, or faults wait for their alarms, "
        "since more rose at once than are raised in a minute, or, with `from` or `to`, the server "
        "ended while some waited in that time: see `alarms_missing` of `/api/server-events`."
    )
    next: str | None = Field(description="`cursor` for the next page; None: this is the last.")
    alarms: list[AlarmView]


class AlarmEventView(View):
    """Something that happened to an alarm. `by` is empty when it was no person."""

    at: str
    event: AlarmEventKind
    state: AlarmState = Field(description="After it.")
    by: str
    text: str = Field(description="What that person wrote.")
    note: AlarmNote | None = Field(description="What else there is to know, where no person was.")


class AlarmDetailView(View):
    """`/api/alarms/{id}`: one alarm with its audit, oldest first."""

    alarm: AlarmView
    events: list[AlarmEventView]


class EquipmentStatisticsView(View):
    """How often things happened to one machine while it was in one line."""

    code: str
    name: str
    line_id: str
    alarms: int = Field(description="How often its fault rose.")
    events: int = Field(description="How often its status changed.")
    standing: int = Field(description="Alarms raised in that line whose fault stands now.")


class AlarmStatisticsView(View):
    """`/api/alarms/statistics`: the last 24 hours, up to the minute that goes on."""

    begin: str
    end: str
    equipment: list[EquipmentStatisticsView]


class Body(BaseModel):
    """Base of what people send."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: By


class AcknowledgeBody(Body):
    """Somebody has seen the alarm."""

    comment: Comment = ""


class ShelveBody(Body):
    """Somebody puts the alarm aside for a time."""

    minutes: int = Field(ge=1, le=SHELF_MAX_MINUTES, strict=True)
    comment: Comment = ""


class UnshelveBody(Body):
    """Somebody takes the alarm off the shelf before its time."""


class CommentBody(Body):
    """Somebody writes something to the alarm."""

    text: Annotated[Comment, StringConstraints(min_length=1)]


class AcknowledgeManyBody(Body):
    """Somebody has seen several alarms."""

    ids: list[int] = Field(min_length=1, max_length=BULK_MAX)
    comment: Comment = ""


class RefusedAlarmView(View):
    """One alarm that was not acknowledged, and why."""

    id: int
    detail: str


class AcknowledgedView(View):
    """What came of acknowledging several alarms."""

    acknowledged: list[AlarmView]
    refused: list[RefusedAlarmView]
