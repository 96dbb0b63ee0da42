"""From the vocabulary of core to the shapes of REST: pure functions, no I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from urllib.parse import quote

import msgspec

from lineside.core.model import (
    Equipment,
    EquipmentState,
    Line,
    LineState,
    Plc,
    PlcFault,
    PlcState,
    Reason,
    Site,
    Snapshot,
    StateChange,
    Status,
    TagState,
)
from lineside.core.times import iso_utc
from lineside.web.schema import (
    ChangeView,
    EquipmentDetailView,
    EquipmentView,
    LineView,
    PlcFaultView,
    PlcsView,
    PlcView,
    PositionView,
    RawTagView,
    ReasonView,
    ServerView,
    TagsView,
)


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What stays the same while the process lives. `build` names the served monitor."""

    version: str
    build: str = ""
    started_at_s: float


def server_view(
    info: ServerInfo, site: Site, now_s: float, *, is_history_behind: bool = False
) -> ServerView:
    """Return who answers, at Unix time `now_s`."""
    return ServerView(
        version=info.version,
        build=info.build,
        started_at=iso_utc(info.started_at_s),
        now=iso_utc(now_s),
        is_demo=site.is_demo,
        is_history_behind=is_history_behind,
    )


def line_view(line: Line, state: LineState | None, *, is_default: bool) -> LineView:
    """Return one line; without a present `state` every machine counts as disconnected."""
    counts: Counter[Status] = Counter()
    if state is not None:
        counts.update(equipment.status for equipment in state.equipment)
    else:
        counts[Status.DISCONNECTED] = len(line.equipment)
    path = quote(line.id, safe="")
    return LineView(
        id=line.id,
        name=line.name,
        ws_path="/ws/monitor" if is_default else f"/ws/monitor/{path}",
        is_default=is_default,
        equipment_count=len(line.equipment),
        counts={status: counts[status] for status in Status},
        stop_after_s=line.stop_after_s,
        stale_after_s=line.stale_after_s,
        floor_plan_url=f"/api/lines/{path}/floor-plan" if line.floor_plan else None,
    )


def listed_equipment(
    snapshot: Snapshot,
    site: Mapping[str, tuple[Line, Equipment]],
    *,
    line_id: str | None = None,
    status: Status | None = None,
) -> list[tuple[EquipmentState, Equipment]]:
    """Return the machines of one tick that were asked for, in configured order.

    Args:
        snapshot: the tick.
        site: machines by code; what the site no longer has is left out.
        line_id: only this line's machines; None for all.
        status: only machines in this status; None for all.
    """
    return [
        (state, site[state.code][1])
        for line in snapshot.lines
        if line_id is None or line.id == line_id
        for state in line.equipment
        if state.code in site and (status is None or state.status == status)
    ]


def equipment_view(state: EquipmentState, equipment: Equipment) -> EquipmentView:
    """Return one machine at one tick."""
    position = equipment.position
    return EquipmentView(
        equipment_code=state.code,
        equipment_name=state.name,
        line=equipment.line_id,
        plc=state.plc_id,
        status=state.status,
        since=iso_utc(state.since_s),
        reason=reason_view(state.reason),
        tags=TagsView(
            # The contract has a number here, and JSON has none for infinity (the hub says 0 too).
            status_tag=state.status_value if isfinite(state.status_value) else 0,
            error_tag=state.error_value,
            connection=state.is_connected,
        ),
        last_updated=_iso_or_none(state.last_updated_s),
        stale_after_s=equipment.rule.stale_after_s,
        stop_after_s=equipment.rule.stop_after_s,
        position=None if position is None else PositionView(x=position[0], y=position[1]),
    )


def equipment_detail_view(
    snapshot: Snapshot,
    state: EquipmentState,
    equipment: Equipment,
    changes: Iterable[StateChange],
    observed_since_s: float,
) -> EquipmentDetailView:
    """Return everything that answers "why is it this colour?"."""
    view = equipment_view(state, equipment)
    return EquipmentDetailView(
        **{name: getattr(view, name) for name in EquipmentView.model_fields},
        at=iso_utc(snapshot.at.unix_s),
        raw_tags=[_raw_tag_view(tag) for tag in state.tags],
        observed_since=iso_utc(observed_since_s),
        changes=[change_view(change) for change in changes],
    )


def change_view(change: StateChange) -> ChangeView:
    """Return one status change."""
    return ChangeView(
        equipment_code=change.equipment_code,
        at=iso_utc(change.at_s),
        previous=change.previous,
        status=change.status,
        reason=reason_view(change.reason),
    )


def reason_view(reason: Reason) -> ReasonView:
    """Return why a machine has its status."""
    return ReasonView(
        code=reason.code,
        tag=reason.tag,
        value=reason.value,
        since=_iso_or_none(reason.since_s),
        until=_iso_or_none(reason.until_s),
        detail=reason.detail,
    )


def plcs_view(snapshot: Snapshot, site: Site) -> PlcsView:
    """Return every configured PLC that the snapshot knows, with the machines that depend on it."""
    states = {state.id: state for state in snapshot.plcs}
    codes: dict[str, list[str]] = {plc.id: [] for plc in site.plcs}
    for line in site.lines:
        for equipment in line.equipment:
            if equipment.plc_id in codes:
                codes[equipment.plc_id].append(equipment.code)
    return PlcsView(
        at=iso_utc(snapshot.at.unix_s),
        plcs=[
            _plc_view(plc, states[plc.id], codes[plc.id]) for plc in site.plcs if plc.id in states
        ],
    )


def _plc_view(plc: Plc, state: PlcState, equipment_codes: Sequence[str]) -> PlcView:
    return PlcView(
        id=plc.id,
        driver=plc.driver,
        endpoint=plc.endpoint,
        link=state.link,
        since=iso_utc(state.since_s),
        cpu_state=state.cpu_state,
        period_s=plc.period_s,
        last_read=_iso_or_none(state.last_read_s),
        last_fault=None if state.last_fault is None else _fault_view(state.last_fault),
        latency_last_ms=state.latency_last_ms,
        latency_p50_ms=state.latency_p50_ms,
        latency_p95_ms=state.latency_p95_ms,
        data_age_last_ms=state.data_age_last_ms,
        data_age_p50_ms=state.data_age_p50_ms,
        data_age_p95_ms=state.data_age_p95_ms,
        lead_ms=state.lead_ms,
        poll_count=state.poll_count,
        fault_count=state.fault_count,
        missed_poll_count=state.missed_poll_count,
        late_poll_count=state.late_poll_count,
        request_count=state.request_count,
        requests_per_poll=state.requests_per_poll,
        reconnect_count=state.reconnect_count,
        backoff_s=state.backoff_s,
        next_attempt=_iso_or_none(state.next_attempt_s),
        equipment_codes=list(equipment_codes),
    )


def _fault_view(fault: PlcFault) -> PlcFaultView:
    return PlcFaultView(
        message=fault.message,
        cause=fault.cause,
        end_code=None if fault.end_code is None else f"{fault.end_code:04X}",
        at=iso_utc(fault.at_s),
    )


def _raw_tag_view(tag: TagState) -> RawTagView:
    return RawTagView(
        role=tag.role,
        address=tag.address,
        value=tag.value,
        quality=tag.quality,
        read_at=_iso_or_none(tag.read_at_s),
        reason=tag.reason,
    )


def _iso_or_none(unix_s: float | None) -> str | None:
    return None if unix_s is None else iso_utc(unix_s)
