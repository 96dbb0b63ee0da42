"""The shapes of the answers about key figures. Shares are 0 to 1; None where there is no answer."""

from __future__ import annotations

from pydantic import Field

from lineside.history.kpi_words import Behind
from lineside.web.schema import KeptFrom, View
from lineside.web.timeline_schema import LaneStatus, ShiftView


class KpisView(View):
    """What one machine, or a line, comes to in a window."""

    availability: float | None = Field(description="APT / (PBT - U): of what was seen.")
    coverage: float | None = Field(description="1 - U / PBT: how much was seen.")
    is_sufficient: bool = Field(description="False: too little was seen to believe availability.")
    strict_availability: float | None = Field(description="APT / PBT.")
    utilisation: float | None = Field(description="APT / AUBT.")
    technical_efficiency: float | None = Field(description="APT / (APT + ADET).")
    mtbf_ms: float | None = Field(
        description="Running time between failures / gaps between them (failures - 1 of each "
        "machine; ISO 22400-2 divides by failures + 1). None with fewer than two failures, and "
        "where those are not known."
    )
    mttr_ms: float | None = Field(
        description="Length of failures whose end was seen / their number (ISO 22400-2 divides by "
        "failures + 1). None with fewer than two failures, and where those are not known."
    )
    oee: float | None = Field(description="Always None: nothing counts pieces.")
    failures: int | None = Field(
        description="None where changes that they are counted from, of whatever time of the "
        "window, are not kept any more, nor figures made of them; so are MTBF and MTTR then."
    )
    stops: int
    stop_ms: int
    micro_stops: int
    micro_stop_ms: int
    planned_busy_ms: int
    running_ms: int
    idle_ms: int
    stopped_ms: int
    error_ms: int
    disconnected_ms: int
    unseen_ms: int
    failures_kept_from: str | None = Field(
        description="Where `failures` is None: from when on all changes are kept, so that a window "
        "that begins there or later has them."
    )


class KpiRowView(KpisView):
    """The figures of one machine or line in one window."""

    begin: str
    end: str
    label: str = Field(description="Of the window: a day, a week, a shift of a day.")
    line_id: str
    code: str | None = Field(description="None: the whole line.")
    name: str
    taken_out: str | None = Field(
        description="When the machine was taken out of the configuration; None: it is in it."
    )


class KpiRowsView(View):
    """`/api/kpis`."""

    next: str | None = Field(description="`cursor` for the next page; None: this is the last.")
    rows: list[KpiRowView]


class BreaksView(View):
    """The breaks that remain of a shift in hours that are tried."""

    id: str
    breaks: list[str] = Field(description="As in lineside.toml: 12:00-12:40.")


class KpiPreviewView(View):
    """`/api/kpis/preview`: figures as they are, and as they would be."""

    version: int | None = Field(
        description="Of the rules in force, where the preview is by them: they can be applied."
    )
    own_stop_after: list[str] = Field(
        description="Codes of the machines that a tried `stop_after` of the line leaves as they "
        "are: lineside.toml names another one beside them."
    )
    breaks: list[BreaksView] = Field(
        description="Of shifts that have breaks outside of the hours that are tried: those that "
        "remain. lineside.toml has to name them together with such hours."
    )
    current: list[KpiRowView]
    preview: list[KpiRowView]


class CountedIntervalView(View):
    """How one stretch of time was counted."""

    begin: str
    end: str
    status: LaneStatus = Field(description="By the rules in force; the timeline says as shown.")
    is_planned: bool
    counts_as: str = Field(
        description="running, idle, stopped, error or not_seen within planned time; else "
        "not_planned."
    )
    figures: list[Behind] = Field(
        description="The figures that it was counted to, above or below the line of a fraction."
    )
    failure: str | None = Field(
        description="Begin, in the window, of the failure that it is a piece of; null: of none."
    )
    stop: str | None = Field(description="The same of the stop or micro-stop.")
    reason: str | None = Field(description="Code of the downtime reason.")
    comment: str | None


class CountedIntervalsView(View):
    """`/api/kpis/intervals`."""

    code: str
    next: str | None
    total: int = Field(description="Intervals that were asked for, on all pages.")
    total_ms: int = Field(description="How long they are together.")
    count: int | None = Field(
        description="Of the figure that is asked for: how many failures, repairs, stops, "
        "micro-stops, or gaps between failures they are; null for a share of time."
    )
    count_ms: int | None = Field(
        description="How long those are together, for MTBF the running time in the gaps; what "
        "the figure divides by `count`. null where no figure is asked for."
    )
    kept_from: KeptFrom
    intervals: list[CountedIntervalView]


class FailuresView(View):
    """`/api/kpis/failures`."""

    code: str
    kept_from: KeptFrom
    failures: list[tuple[int, int]] = Field(
        description="Begin and end of each, in UTC Unix milliseconds, in order. One that goes on "
        "ends where its error was seen last."
    )


class ParetoRowView(View):
    """Downtime of one machine, or under one reason. `code` None: nobody has said why."""

    code: str | None
    name: str
    name_en: str | None
    down_ms: int
    count: int


class AlarmCountView(View):
    """How often an alarm came."""

    code: str
    text_ko: str
    text_en: str
    count: int


class ReportView(View):
    """`/api/report`: one day or shift of a line."""

    line_id: str
    line_name: str
    day: str
    shift: str | None
    begin: str
    end: str
    time_zone: str
    shifts: list[ShiftView]
    kpis: KpisView
    machines: list[KpiRowView]
    pareto_by_machine: list[ParetoRowView]
    pareto_by_reason: list[ParetoRowView]
    trend: list[KpiRowView] = Field(description="The same of the 14 days up to this one.")
    alarms: list[AlarmCountView]
    kept_from: KeptFrom
