"""How far apart the polls of one PLC are, since they are timed by the ticks. Pure."""

from __future__ import annotations

import math

from lineside.core.limits import TICK_PERIOD_S

_ROUNDING = 1e-9  # of a tick or a poll: 3 * 0.1 s is not more than 0.3 s


def poll_spacing_s(period_s: float, tick_period_s: float = TICK_PERIOD_S) -> float:
    """Return the time from one poll to the next of a PLC that is asked to be polled so often.

    Polls fit the ticks: a period longer than a tick is rounded up to whole ticks, of a shorter one
    as many as there is time for are spread over the tick.

    Args:
        period_s: as configured, above 0.
        tick_period_s: from tick to tick.
    """
    if period_s > tick_period_s:
        return math.ceil(period_s / tick_period_s - _ROUNDING) * tick_period_s
    return tick_period_s / math.floor(tick_period_s / period_s + _ROUNDING)
