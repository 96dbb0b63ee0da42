"""The status rule: what one machine is doing, and why, from what is known of its tags.

Pure: the evidence and the moment are arguments. The order of the checks is the order of urgency on
the floor: a machine that cannot be seen is never shown as running, and a fault wins over a run bit
that is still on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from lineside.core.model import (
    Instant,
    PlcLink,
    Quality,
    Reason,
    ReasonCode,
    Status,
    StatusRule,
    TagRole,
    TagValue,
)
from lineside.core.planned_time import PlannedTime


class TagEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one tag: its address, the last good value, and how the last read went.

    `good` is None until a first good read. `latest` is the last read of whatever quality.
    `steady_since_s` is when the value of `good` was first seen. `lit` is the last good value that
    was not 0; `lit_since_s` is since when such a value has been seen again and again.
    """

    address: str
    good: TagValue | None = None
    latest: TagValue | None = None
    steady_since_s: float | None = None
    lit: TagValue | None = None
    lit_since_s: float | None = None


class PlcEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the PLC behind a machine.

    `heartbeat_moved_at` is when the heartbeat counter last changed (or was first seen); None while
    it has not been read. Without a configured heartbeat both heartbeat fields are None.
    """

    id: str
    link: PlcLink = PlcLink.CONNECTING
    since_s: float = 0.0
    fault: str = ""
    heartbeat: str | None = None
    heartbeat_timeout_s: float = 3.0
    heartbeat_moved_at: Instant | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that the rule may look at for one machine.

    `not_running_since` is the moment of the last running sample; where none was seen since the
    start, the moment from which the machine was first seen (an unknown past counts from then).
    """

    plc: PlcEvidence | None
    tags: Mapping[TagRole, TagEvidence]
    not_running_since: Instant | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A status and the reason for it."""

    status: Status
    reason: Reason

    @property
    def is_connected(self) -> bool:
        """The contract's `connection`: false exactly when the machine cannot be seen."""
        return self.status is not Status.DISCONNECTED


def decide_status(
    rule: StatusRule, evidence: Evidence, now: Instant, planned: PlannedTime | None = None
) -> Decision:
    """Return the status that `rule` gives for `evidence` at `now`, and why.

    Args:
        rule: the machine's thresholds, in seconds.
        evidence: the last good values of its tags and the state of its PLC.
        now: the moment to decide for; ages are taken on its monotonic side.
        planned: the working time of its line, on the Unix side of `now`. None: all time.

    Returns:
        One of the five statuses; DISCONNECTED whenever any tag the rule needs is not fresh.
    """
    blind = _why_it_cannot_be_seen(rule, evidence, now)
    if blind is not None:
        return Decision(status=Status.DISCONNECTED, reason=blind)
    error = evidence.tags.get(TagRole.ERROR)
    if error is not None and is_faulty(rule, error, now):
        return Decision(status=Status.ERROR, reason=_fault_reason(rule, error))
    status = evidence.tags[TagRole.STATUS]
    if rule.value_map is not None:
        decision = _decide_by_map(rule.value_map, status)
        if decision.status is Status.STOPPED and planned is not None:
            return _outside_shift(status, evidence, now, planned) or decision
        return decision
    number = _number(status)
    if number == 1:
        return Decision(status=Status.RUNNING, reason=_tag_reason(ReasonCode.RUNNING, status))
    if number != 0:
        return _unmapped(status)
    idle = evidence.tags.get(TagRole.IDLE)
    if idle is not None and _is_on(idle):
        return Decision(status=Status.IDLE, reason=_tag_reason(ReasonCode.IDLE_TAG, idle))
    if planned is not None:
        outside = _outside_shift(status, evidence, now, planned)
        return outside or _decide_in_shift(rule, status, evidence, now, planned)
    return _decide_not_running(rule, status, evidence, now)


def _why_it_cannot_be_seen(rule: StatusRule, evidence: Evidence, now: Instant) -> Reason | None:
    """Return the reason why there is no fresh good evidence, or None when there is."""
    plc = evidence.plc
    if plc is None or TagRole.STATUS not in evidence.tags:
        return Reason(
            code=ReasonCode.NOT_CONFIGURED, detail="no PLC or no status tag is configured"
        )
    if plc.link is PlcLink.LOST:
        return Reason(code=ReasonCode.PLC_LOST, since_s=plc.since_s, tag=plc.id, detail=plc.fault)
    for role, tag in evidence.tags.items():
        if role is TagRole.ALARM_CODE:
            continue  # it tells which fault, never whether there is one
        reason = _why_tag_is_not_fresh(rule, tag, plc, now)
        if reason is not None:
            return reason
    return _why_heartbeat_fails(plc, now)


def _why_heartbeat_fails(plc: PlcEvidence, now: Instant) -> Reason | None:
    """A PLC that answers with data that stands still is frozen, whatever its tags say."""
    moved_at = plc.heartbeat_moved_at
    if plc.heartbeat is None or (moved_at and moved_at.age_s(now) <= plc.heartbeat_timeout_s):
        return None
    return Reason(
        code=ReasonCode.HEARTBEAT_STILL,
        since_s=moved_at.unix_s if moved_at else None,
        tag=plc.heartbeat,
        detail=f"heartbeat {plc.heartbeat} of {plc.id} "
        + ("stands still" if moved_at else "has not been read"),
    )


def _why_tag_is_not_fresh(
    rule: StatusRule, tag: TagEvidence, plc: PlcEvidence, now: Instant
) -> Reason | None:
    latest, good = tag.latest, tag.good
    if good is not None and good.read_at.age_s(now) < rule.stale_after_s:
        return None
    since_s = good.read_at.unix_s if good else None
    value = good.value if good else None
    if latest is not None and latest.quality is not Quality.GOOD and latest is not good:
        code = ReasonCode.TAG_BAD if latest.quality is Quality.BAD else ReasonCode.PLC_NOT_IN_RUN
        detail = latest.reason
    elif good is None:
        code = ReasonCode.NEVER_READ
        detail = plc.fault or _never_read(tag, plc)
    else:
        code = ReasonCode.STALE
        detail = plc.fault or f"no good read of {tag.address} for {rule.stale_after_s:g} s"
    return Reason(code=code, since_s=since_s, tag=tag.address, value=value, detail=detail)


def _never_read(tag: TagEvidence, plc: PlcEvidence) -> str:
    if plc.link is PlcLink.ONLINE:
        return f"{tag.address} has not been read yet"
    return f"{plc.id} has not answered yet"


def _decide_by_map(value_map: Mapping[int, Status], status: TagEvidence) -> Decision:
    """A map that names every value knows idle from stopped: the timer has no say."""
    number = _number(status)
    mapped = value_map.get(int(number)) if math.isfinite(number) and number % 1 == 0 else None
    if mapped is None:
        return _unmapped(status)
    return Decision(status=mapped, reason=_tag_reason(ReasonCode.VALUE_MAP, status))


def _decide_not_running(
    rule: StatusRule, status: TagEvidence, evidence: Evidence, now: Instant
) -> Decision:
    since = evidence.not_running_since or now
    if rule.stop_after_s is not None and since.age_s(now) >= rule.stop_after_s:
        reason = _tag_reason(ReasonCode.STOP_ELAPSED, status, since=since)
        return Decision(status=Status.STOPPED, reason=reason)
    until_s = None
    if rule.stop_after_s is not None:
        until_s = now.unix_s + rule.stop_after_s - since.age_s(now)
    reason = _tag_reason(ReasonCode.IDLE_WAIT, status, since=since, until_s=until_s)
    return Decision(status=Status.IDLE, reason=reason)


def _outside_shift(
    status: TagEvidence, evidence: Evidence, now: Instant, planned: PlannedTime
) -> Decision | None:
    """Nobody expects a machine to run outside of a shift or in a break: it is not stopped."""
    now_ms = round(now.unix_s * 1000)
    if planned.is_planned(now_ms):
        return None
    next_ms = planned.next_ms(now_ms)
    reason = _tag_reason(
        ReasonCode.OUTSIDE_SHIFT,
        status,
        since=evidence.not_running_since or now,
        until_s=next_ms / 1000 if next_ms is not None else None,
    )
    return Decision(status=Status.IDLE, reason=reason)


def _decide_in_shift(
    rule: StatusRule, status: TagEvidence, evidence: Evidence, now: Instant, planned: PlannedTime
) -> Decision:
    """As without shifts, but the stop timer stands still while no work is planned.

    How long ago the last running sample was is measured on the monotonic clock; only which part of
    that time was planned is the wall clock's to say.
    """
    since = evidence.not_running_since or now
    now_ms = round(now.unix_s * 1000)
    waited_ms = planned.elapsed_ms(now_ms - round(since.age_s(now) * 1000), now_ms)
    code, until_s = ReasonCode.IDLE_WAIT, None
    if rule.stop_after_s is not None:
        left_ms = round(rule.stop_after_s * 1000) - waited_ms
        if left_ms <= 0:
            code = ReasonCode.STOP_ELAPSED
        elif (until_ms := planned.after_ms(now_ms, left_ms)) is not None:
            until_s = until_ms / 1000
    reason = _tag_reason(code, status, since=since, until_s=until_s)
    is_stopped = code is ReasonCode.STOP_ELAPSED
    return Decision(status=Status.STOPPED if is_stopped else Status.IDLE, reason=reason)


def _unmapped(status: TagEvidence) -> Decision:
    reason = _tag_reason(ReasonCode.UNMAPPED_VALUE, status)
    return Decision(status=Status.DISCONNECTED, reason=reason)


def _tag_reason(
    code: ReasonCode,
    tag: TagEvidence,
    *,
    since: Instant | None = None,
    until_s: float | None = None,
) -> Reason:
    return Reason(
        code=code,
        since_s=since.unix_s if since is not None else tag.steady_since_s,
        since_monotonic_s=since.monotonic_s if since is not None else None,
        tag=tag.address,
        value=tag.good.value if tag.good else None,
        until_s=until_s,
    )


def _number(tag: TagEvidence) -> float:
    """Return the last good value as a number; text that is no number reads as not-a-status."""
    value = tag.good.value if tag.good else None
    if isinstance(value, bool | int | float):
        return value
    return float("nan")


def is_faulty(rule: StatusRule, error: TagEvidence, now: Instant) -> bool:
    """Whether a machine has a fault at `now`: its tag is on, or was within what the rule holds."""
    if _is_on(error):
        return True
    lit = error.lit
    return lit is not None and lit.read_at.age_s(now) < rule.error_hold_s


def _fault_reason(rule: StatusRule, error: TagEvidence) -> Reason:
    """Return why there is a fault. While a lamp blinks the reason stays the same."""
    if not rule.error_hold_s or error.lit is None:
        return _tag_reason(ReasonCode.ERROR_TAG, error)
    return Reason(
        code=ReasonCode.ERROR_TAG,
        since_s=error.lit_since_s,
        tag=error.address,
        value=error.lit.value,
        detail=f"held for {rule.error_hold_s:g} s after it was last on",
    )


def _is_on(tag: TagEvidence) -> bool:
    """Whether an on/off tag is on: any value but 0 is."""
    value = tag.good.value if tag.good else None
    return bool(value)
