"""The shapes of the REST answers. `/openapi.json` and the monitor's types come from here.

Times are ISO 8601 UTC with milliseconds and `Z`; durations are seconds unless named `_ms`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lineside.core.model import CpuState, PlcLink, Quality, ReasonCode, Status, TagRole


class View(BaseModel):
    """Base of every REST answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


KeptFrom = Annotated[
    str | None,
    Field(
        description="What changed before it is not kept any more (`keep_changes`), so that nothing "
        "of that time is listed; figures of it may be kept. None: all of the window is."
    ),
]


class HealthView(View):
    """`/healthz` (the process answers) and `/readyz` (the board ticks)."""

    status: Literal["ok", "unavailable"]
    version: str
    build: str = Field(
        description="Changes whenever the served monitor changes; a page reloads on it."
    )
    now: str
    detail: str = ""


class ServerView(View):
    """The server that answers."""

    version: str
    build: str
    started_at: str
    now: str
    is_demo: bool
    is_history_behind: bool = Field(
        description="Whether something that happened is not stored: see `/api/history/health`."
    )


class LineView(View):
    """One line and where to hear it."""

    id: str
    name: str
    ws_path: str
    is_default: bool
    equipment_count: int
    counts: dict[Status, int] = Field(description="Machines per status at the last tick.")
    stop_after_s: float | None = Field(description="None: idle never becomes stopped.")
    stale_after_s: float
    floor_plan_url: str | None


class LinesView(View):
    """`/api/lines`."""

    server: ServerView
    lines: list[LineView]


class ReasonView(View):
    """Why a machine has its status."""

    code: ReasonCode
    tag: str | None = Field(description="Address as configured, in the PLC's own syntax.")
    value: bool | int | float | str | None
    since: str | None
    until: str | None = Field(
        description="When idle becomes stopped if nothing happens, or when work is planned again."
    )
    detail: str = Field(description="English, for logs and for what no code can say.")


class TagsView(View):
    """The contract's `tags` object."""

    status_tag: int | float
    error_tag: int
    connection: bool


class PositionView(View):
    """Percent of the floor plan's width and height."""

    x: float
    y: float


class EquipmentView(View):
    """One machine at the last tick."""

    equipment_code: str
    equipment_name: str
    line: str
    plc: str | None
    status: Status
    since: str
    reason: ReasonView
    tags: TagsView
    last_updated: str | None = Field(
        description="None: never read. (The WebSocket says 1970-01-01.)"
    )
    stale_after_s: float = Field(description="Without a good read for this long: disconnected.")
    stop_after_s: float | None = Field(
        description="Waiting for this long: stopped. None: idle never becomes stopped."
    )
    position: PositionView | None


class EquipmentListView(View):
    """`/api/equipment`."""

    at: str
    sequence: int
    news: str = Field(description="As `/api/news` says it while nothing but values is another.")
    equipment: list[EquipmentView]


class NewsView(View):
    """`/api/news`."""

    news: str = Field(
        description="Another word as soon as `/api/equipment` tells of another status, reason or "
        "configuration than before; also after a restart of the server."
    )


class RawTagView(View):
    """One tag behind a machine's status."""

    role: TagRole
    address: str
    value: bool | int | float | str | None
    quality: Quality
    read_at: str | None
    reason: str


class ChangeView(View):
    """One status change."""

    equipment_code: str
    at: str
    previous: Status | None
    status: Status
    reason: ReasonView


class EquipmentDetailView(EquipmentView):
    """`/api/equipment/{code}`: everything that answers "why is it this colour?"."""

    at: str
    raw_tags: list[RawTagView]
    observed_since: str = Field(description="Nothing is known of the time before.")
    changes: list[ChangeView] = Field(
        description="Oldest first; at most the newest 500 since the start, fewer in a large plant."
    )


class ChangesView(View):
    """`/api/lines/{line}/changes`."""

    observed_since: str
    observed_since_by_equipment: dict[str, str] = Field(
        description="Only machines of which less is known than of the line, by equipment code: "
        "added later, or with so many changes that the oldest were dropped."
    )
    now: str
    changes: list[ChangeView]


class PlcFaultView(View):
    """The last thing that went wrong with a PLC."""

    message: str
    cause: str
    end_code: str | None = Field(description='Four hex digits, as in "C059".')
    at: str


class PlcView(View):
    """One PLC's health."""

    id: str
    driver: str
    endpoint: str
    link: PlcLink
    since: str
    cpu_state: CpuState
    period_s: float
    last_read: str | None
    last_fault: PlcFaultView | None
    latency_last_ms: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    data_age_last_ms: float | None
    data_age_p50_ms: float | None
    data_age_p95_ms: float | None
    lead_ms: float
    poll_count: int
    fault_count: int
    missed_poll_count: int
    late_poll_count: int
    request_count: int
    requests_per_poll: int
    reconnect_count: int
    backoff_s: float | None
    next_attempt: str | None
    equipment_codes: list[str]


class PlcsView(View):
    """`/api/plcs`."""

    at: str
    plcs: list[PlcView]


class HistoryHealthView(View):
    """`/api/history/health`."""

    is_enabled: bool = Field(description="False: the configuration switches the history off.")
    is_behind: bool = Field(description="Whether something that happened is not stored yet.")
    database: str = Field(description="For people, without a password.")
    behind_s: float = Field(description="Age of the oldest record that is not stored yet.")
    queued: int = Field(description="Records that wait in memory.")
    spooled: int = Field(description="Records that wait on the disk for the database.")
    spooled_bytes: int
    written: int = Field(description="Records stored since the start.")
    lost: int = Field(description="Records since the start that could be kept nowhere.")
    set_aside: int = Field(
        description="Pieces since the start that cannot be read or stored, kept in files "
        "beside the spool; their time is unseen."
    )
    aside_files: int = Field(
        description="Files beside the spool with what cannot be read or stored, also of before the "
        "start, until a person removes them."
    )
    aside_oldest: str | None = Field(description="When the oldest of them was written to.")
    wal_bytes: int | None = Field(
        description="Size of SQLite's write-ahead log; null on PostgreSQL, which keeps its own."
    )
    faults: int = Field(description="Defects of Lineside around the history since the start.")
    left_out: int = Field(
        description="Stored rows that this version does not understand and leaves out, found "
        "since the start."
    )
    left_out_why: str = Field(description="The last of them, in English.")
    error: str = Field(description="Why it is behind, in English; empty when it is not.")
    warnings: list[str] = Field(
        description="What a person has to look at though it is not behind, in English."
    )


class StoredTagView(View):
    """One tag as the status rule saw it when the status changed."""

    role: TagRole
    address: str
    value: bool | int | float | str | None
    quality: Quality
    read_at: str | None
    reason: str


class StoredReasonView(View):
    """Why a machine had its status."""

    code: str = Field(description="As in a present reason, or one of an older version.")
    tag: str | None
    value: bool | int | float | str | None
    since: str | None
    until: str | None
    detail: str


class StoredChangeView(View):
    """One change as it was stored."""

    equipment_code: str
    at: str
    previous: Status | None = Field(
        description="None: nothing is known of before. As `status`: the status goes on, and its "
        "reason, or what a faulty machine tells of its fault, is another."
    )
    status: Status | None = Field(description="None: the machine left the configuration.")
    reason: StoredReasonView | None
    tags: list[StoredTagView]


class StoredChangesView(View):
    """`/api/equipment/{code}/changes`: one page, oldest first."""

    equipment_code: str
    begin: str
    end: str
    next: str | None = Field(description="`after` for the next page; None: this is the last.")
    kept_from: KeptFrom
    changes: list[StoredChangeView]


class ProblemView(View):
    """The answer to a request that cannot be met (RFC 9457), as `application/problem+json`."""

    title: str
    status: int
    detail: str
