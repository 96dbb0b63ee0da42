"""What one poll's answers say: the reads as they were sent, and the values in their words. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from lineside.core.model import CpuState, Instant, Quality, Reading, Scalar, TagValue
from lineside.drivers.melsec.end_codes import EndCode
from lineside.drivers.melsec.lengths import Padded, Room
from lineside.drivers.melsec.plan import PlannedRead

# The low digit of SD203: 1 is STEP-RUN on older CPUs [A]; the digit above it tells why [M].
_RUN_STATES = {0: CpuState.RUN, 1: CpuState.RUN, 2: CpuState.STOP, 3: CpuState.PAUSE}


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A planned read as it goes out, with so many words more than it needs."""

    frame: bytes
    padded: Padded


class CompiledRead(msgspec.Struct, frozen=True, kw_only=True):
    """A planned read with its frames, and the configured addresses behind each of its picks."""

    planned: PlannedRead
    room: Room
    variants: dict[int, Variant]  # by words beyond what it needs, made when first sent
    names: tuple[tuple[str, ...], ...]
    run_state_at: int | None  # which pick is SD203, the CPU's run state


class BadTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag the PLC refused: why, when (on the monotonic clock) to ask again, and how often."""

    end_code: EndCode
    retest_at_s: float
    refusals: int = 0  # on this connection


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one read's picks, and when it was asked for."""

    read: CompiledRead
    asked_at: Instant
    values: Sequence[Scalar]


def reading_of(
    plc_id: str,
    read_at: Instant,
    answers: Sequence[Answer],
    refused: Mapping[str, BadTag],
    *,
    latency_s: float,
    request_count: int,
    remark: str,
    known_state: CpuState = CpuState.UNKNOWN,
) -> Reading:
    """Return what a poll gave.

    Args:
        plc_id: whose poll it is.
        read_at: when its first request went out.
        answers: of each request.
        refused: the addresses that the PLC refuses.
        latency_s: how long the whole took.
        request_count: how many requests it took.
        remark: what the poll went without, for people; empty when nothing.
        known_state: what the CPU told before. One that stood is not taken to run while it does
            not tell; one that ran is not known to run.
    """
    cpu_state = _cpu_state(answers)
    if cpu_state is CpuState.UNKNOWN and known_state is not CpuState.RUN:
        cpu_state = known_state
    quality, reason = Quality.GOOD, ""
    if cpu_state in (CpuState.STOP, CpuState.PAUSE):
        quality, reason = Quality.UNCERTAIN, f"PLC is in {cpu_state.upper()}"
    tags: dict[str, TagValue] = {}
    for answer in answers:
        asked_at = answer.asked_at
        for names, value in zip(answer.read.names, answer.values, strict=True):
            if not names:
                continue
            if isinstance(value, float) and not math.isfinite(value):
                tag_value = _bad_value(asked_at, "the register does not hold a finite F32")
            else:
                tag_value = TagValue(value=value, quality=quality, read_at=asked_at, reason=reason)
            for name in names:
                tags[name] = tag_value
    for name, bad in refused.items():
        tags[name] = _bad_value(read_at, f"{bad.end_code.text}; {bad.end_code.cause}")
    return Reading(
        plc_id=plc_id,
        read_at=read_at,
        latency_s=latency_s,
        request_count=request_count,
        cpu_state=cpu_state,
        tags=tags,
        remark=remark,
    )


def _cpu_state(answers: Sequence[Answer]) -> CpuState:
    for answer in answers:
        if answer.read.run_state_at is not None:
            state = int(answer.values[answer.read.run_state_at]) & 0xF
            return _RUN_STATES.get(state, CpuState.UNKNOWN)
    return CpuState.UNKNOWN


def _bad_value(read_at: Instant, reason: str) -> TagValue:
    return TagValue(value=None, quality=Quality.BAD, read_at=read_at, reason=reason)
