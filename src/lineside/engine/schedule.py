"""When to do the next thing: drift-free slots, backoff and ticks on the whole second. Pure."""

from __future__ import annotations

import math

from lineside.core.limits import BACKOFF_FIRST_S, BACKOFF_JITTER, BACKOFF_MAX_S
from lineside.core.model import Instant

_PHASE_STEP_MAX_S = 0.01  # how far one tick may be moved towards the whole second


def backoff_s(failure_count: int, jitter: float) -> float:
    """Return how long to wait after the n-th failure in a row.

    Args:
        failure_count: 1 for the first failure.
        jitter: a random number from 0 to 1; it keeps many PLCs from being retried in step.
    """
    wait_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(failure_count - 1, 16))
    return min(BACKOFF_MAX_S, wait_s * (1.0 + BACKOFF_JITTER * (2.0 * jitter - 1.0)))


def next_slot_s(last_slot_s: float, period_s: float, now_s: float) -> tuple[float, int]:
    """Return the next slot of a fixed grid that lies after `now_s`, and how many were missed.

    All times are monotonic. Missed slots are skipped, never made up for in a burst.
    """
    slots = max(1, math.floor((now_s - last_slot_s) / period_s) + 1)
    return last_slot_s + slots * period_s, slots - 1


def first_tick_s(now: Instant) -> float:
    """Return the monotonic time of the next whole second of the wall clock."""
    return now.monotonic_s + (math.floor(now.unix_s) + 1.0 - now.unix_s)


def next_tick_s(last_tick_s: float, period_s: float, now: Instant) -> tuple[float, int]:
    """Return the monotonic time of the next tick, and how many ticks were missed.

    The grid runs on the monotonic clock. When the wall clock was stepped or slewed, the grid moves
    towards its whole second by at most 10 ms a tick, so that no step of the clock can make a tick
    early, late or double.
    """
    slot_s, missed = next_slot_s(last_tick_s, period_s, now.monotonic_s)
    unix_at_slot_s = now.unix_s + (slot_s - now.monotonic_s)
    phase_s = unix_at_slot_s - round(unix_at_slot_s)
    step_s = max(-_PHASE_STEP_MAX_S, min(_PHASE_STEP_MAX_S, -phase_s))
    return slot_s + step_s, missed
