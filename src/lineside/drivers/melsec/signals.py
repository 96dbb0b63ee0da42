"""Values of a simulated PLC that follow a function of time: a lamp, a counter. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from lineside.core.model import Scalar

Signal: TypeAlias = Callable[[float], Scalar]


def square_wave(period_s: float, phase: float = 0.0, duty: float = 0.5) -> Signal:
    """Return a bit that is 1 for the first part of each period.

    Args:
        period_s: the time from one rise to the next, in seconds.
        phase: how far into its period it is at time 0, as a share of the period.
        duty: the share of each period in which it is 1.
    """
    return lambda now_s: int((now_s / period_s + phase) % 1.0 < duty)


def counter(step_s: float, modulus: int) -> Signal:
    """Return a number that grows by one every `step_s` seconds, from 0 to `modulus` - 1."""
    return lambda now_s: int(now_s / step_s) % modulus
