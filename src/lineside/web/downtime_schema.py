"""The shapes of stops, their reasons, planned downtime and the audit."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from lineside.core.model import Status
from lineside.web.schema import KeptFrom, View
from lineside.web.words import OneLine, Storable

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), OneLine
]
Comment = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), Storable]
Id = Annotated[str, StringConstraints(min_length=1, max_length=200), Storable]


class StopView(View):
    """A stop as people have cut and joined it."""

    id: str = Field(description="code@begin_ms.")
    line_id: str
    code: str
    name: str
    begin: str
    end: str | None = Field(description="None: it goes on.")
    down_ms: int = Field(description="Planned time that it took.")
    status: Status = Field(description="The worst in it.")
    reason: str | None = Field(description="Code of the downtime reason; None: nobody said why.")
    comment: str | None
    by: str | None
    stops: int = Field(
        description="How many stops of the figures it is: more than 1 where somebody joined some "
        "between which the machine ran; 0 for a part of one whose earlier part is in the list. "
        "Their sum is `stops` of `/api/kpis`."
    )


class StopsView(View):
    """`/api/stops`."""

    next: str | None
    total: int = Field(description="Stops in the window, on all pages, with a reason or without.")
    unexplained: int = Field(description="How many of them have no reason.")
    kept_from: KeptFrom
    stops: list[StopView]


class DowntimeReasonView(View):
    """One reason of the tree in lineside.toml."""

    code: str
    name: str
    name_en: str | None
    parent: str | None


class DowntimeReasonsView(View):
    """`/api/downtime-reasons`."""

    reasons: list[DowntimeReasonView]


class PlannedDowntimeView(View):
    """Time in which work is not planned."""

    id: int
    line_id: str
    code: str | None = Field(description="None: the whole line.")
    begin: str
    end: str
    comment: str
    by: str


class PlannedDowntimesView(View):
    """`/api/planned-downtimes`."""

    planned_downtimes: list[PlannedDowntimeView]


class AuditEntryView(View):
    """Who has changed what by hand."""

    id: int
    at: str
    by: str
    action: str
    subject: str
    before: Any
    after: Any


class AuditView(View):
    """`/api/audit`: newest first."""

    next: str | None
    entries: list[AuditEntryView]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    by: Name = Field(description="Who writes it.")


class GivenReason(_Written):
    """Why a machine stood."""

    reason: Id = Field(description="Code of a reason in lineside.toml.")
    comment: Comment = ""


class Split(_Written):
    """Where to cut a stop in two."""

    at: AwareDatetime


class Merge(_Written):
    """The stop beside this one that belongs to it."""

    other: Id = Field(alias="with", description="Its id.")


class NewPlannedDowntime(_Written):
    """Time in which work is not planned."""

    line: Id | None = Field(default=None, description="Of the line; of `code` when left out.")
    code: Id | None = Field(default=None, description="One machine; left out: the whole line.")
    begin: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    comment: Comment = ""
