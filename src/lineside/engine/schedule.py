"""When to do the next thing: polls just before the tick, backoff, ticks on whole seconds. Pure."""

from __future__ import annotations

import math
from typing import Protocol

from lineside.core.limits import (
    BACKOFF_FIRST_S,
    BACKOFF_JITTER,
    BACKOFF_MAX_S,
    LATENCY_WINDOW,
    OFF_BEAT_EVERY_POLLS,
    POLL_LEAD_JITTER_S,
    POLL_LEAD_SPREAD_MAX_S,
)
from lineside.core.model import Instant
from lineside.core.spacing import poll_spacing_s
from lineside.core.window import Window

# How far one tick may be moved towards the whole second: less than the margin of the polls, which
# are timed by where the tick was expected.
_PHASE_STEP_MAX_S = 0.002
_SETTLED_AFTER = 40  # answers from which a high quantile means something
_SLOWER_AFTER = 3  # answers in a row that say the PLC has become slower
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_GRID_TOLERANCE = 0.25  # of a step: ticks and leads move a little from one to the next


class PollSchedule(Protocol):
    """When one PLC is polled. All times are monotonic seconds."""

    @property
    def lead_s(self) -> float:
        """How long before it is needed an answer is asked for."""

    @property
    def late_count(self) -> int:
        """How many answers came after the moment they were needed."""

    def begin(self, now_s: float) -> None:
        """Note that a first poll starts now, on a connection that has just been made."""

    def next_start_s(self, now_s: float, tick_s: float) -> tuple[float, int]:
        """Return when the next poll starts, and how many polls had to be left out.

        Args:
            now_s: when the answer of the last poll was folded.
            tick_s: the next tick.
        """


class JustInTime:
    """Polls so that each answer is in just before the tick that shows it.

    What a screen shows is then as old as the PLC's answer took, and not up to a period older. The
    lead is learned from how long answers took: so long that few come late, but never much longer
    than usual, for a rare straggler must not make every value old. A late answer waits for the
    next tick; no tick ever waits for an answer.
    """

    def __init__(self, period_s: float, tick_period_s: float) -> None:
        """Poll every `period_s`, or a little less often where that does not fit the tick."""
        self._spacing_s = poll_spacing_s(period_s, tick_period_s)
        self._step_s = min(self._spacing_s, tick_period_s)
        self._durations_s = Window(LATENCY_WINDOW)
        self._start_s = self._due_s = -math.inf
        self._late_count = 0

    @property
    def lead_s(self) -> float:
        """How long before it is needed an answer is asked for."""
        durations_s = self._durations_s
        middle_s = durations_s.quantile(0.5)
        usual_s, slow_s = durations_s.quantile(0.95), durations_s.quantile(0.99)
        if middle_s is None or usual_s is None or slow_s is None:
            return POLL_LEAD_JITTER_S
        learned_s = min(slow_s, usual_s + POLL_LEAD_SPREAD_MAX_S)
        if len(durations_s) < _SETTLED_AFTER:
            # The first answers, while every PLC is being connected to, say little of the later.
            learned_s = min(learned_s, 2 * middle_s + POLL_LEAD_SPREAD_MAX_S)
        if len(durations_s) >= _SLOWER_AFTER:
            learned_s = max(learned_s, min(durations_s.newest(_SLOWER_AFTER)))
        return learned_s + POLL_LEAD_JITTER_S

    @property
    def late_count(self) -> int:
        """How many answers came after the moment they were needed."""
        return self._late_count

    def begin(self, now_s: float) -> None:
        """Note that a first poll starts now; nobody waits for its answer."""
        self._start_s = now_s
        self._due_s = math.inf

    def next_start_s(self, now_s: float, tick_s: float) -> tuple[float, int]:
        """Return when the next poll starts, and how many polls had to be left out."""
        self._durations_s.add(now_s - self._start_s)
        was_first = math.isinf(self._due_s)
        if now_s > self._due_s:
            self._late_count += 1
        lead_s = self.lead_s
        wanted_s = now_s + lead_s
        if not was_first:
            # An answer that came long before its tick has served an earlier one: a PLC that has
            # become quicker than its lead is not left unasked until the lead is used up.
            served_s = tick_s + math.ceil((now_s - tick_s) / self._step_s) * self._step_s
            last_due_s = min(self._due_s, served_s)
            wanted_s = max(wanted_s, last_due_s + self._spacing_s - _GRID_TOLERANCE * self._step_s)
        steps = math.ceil((wanted_s - tick_s) / self._step_s - 1e-9)
        due_s = tick_s + steps * self._step_s
        missed = 0 if was_first else round((due_s - self._due_s) / self._spacing_s) - 1
        self._due_s = due_s
        self._start_s = due_s - lead_s
        return self._start_s, max(0, missed)


class OffBeat:
    """Says when to look at a PLC between two polls, so that what beats with them is seen to beat.

    Polls come once a tick. A lamp of 1 Hz, or a counter that is back at the same number after a
    second, would look the same at each of them for ever. Looks in between fall on phases a golden
    section apart, which no steady beat keeps up with: with three of them, a square wave of 0.4 to
    10 Hz is seen on, and off, at least every 3.6 ticks.
    """

    def __init__(self, period_s: float, tick_period_s: float) -> None:
        self._step_s = min(poll_spacing_s(period_s, tick_period_s), tick_period_s)
        self._is_in_step = self._step_s == tick_period_s
        self._phase = 0.0
        self._polls = 0

    def is_due(self) -> bool:
        """Count a poll; return whether it is time for a look that nothing asks for.

        What is polled several times a tick is not in step with it, and is not looked at so.
        """
        self._polls += 1
        return self._is_in_step and self._polls % OFF_BEAT_EVERY_POLLS == 0

    def looks_s(
        self, count: int, polled_s: float, now_s: float, start_s: float, lead_s: float
    ) -> list[float]:
        """Return when to look, in order: `count` times, or as often as there is time for.

        Args:
            count: how many looks are wanted.
            polled_s: when the last poll was asked.
            now_s: when its answer was folded.
            start_s: when the next poll is asked.
            lead_s: how long an answer takes.
        """
        wanted_s = []
        for _ in range(count):
            self._phase = (self._phase + _GOLDEN) % 1.0
            wanted_s.append(polled_s + self._phase * self._step_s)
        looks_s: list[float] = []
        earliest_s, latest_s = now_s, start_s - lead_s
        for look_s in sorted(wanted_s):
            if earliest_s <= latest_s:
                looks_s.append(min(max(look_s, earliest_s), latest_s))
                earliest_s = looks_s[-1] + lead_s
        return looks_s


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
    towards its whole second by at most 2 ms a tick, so that no step of the clock can make a tick
    early, late or double.
    """
    slot_s, missed = next_slot_s(last_tick_s, period_s, now.monotonic_s)
    unix_at_slot_s = now.unix_s + (slot_s - now.monotonic_s)
    phase_s = unix_at_slot_s - round(unix_at_slot_s)
    step_s = max(-_PHASE_STEP_MAX_S, min(_PHASE_STEP_MAX_S, -phase_s))
    return slot_s + step_s, missed
