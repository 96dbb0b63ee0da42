"""How many faults of the whole plant are raised at a time, and what waits for room. Pure."""

from __future__ import annotations

from collections import deque

from lineside.core.alarm_watch import Turn
from lineside.core.model import Instant
from lineside.history.alarm_point import Key, Passed

RISES_MAX = 500  # in the whole plant
RISES_WINDOW_S = 60.0


class Flood:
    """`held` are faults that stand and are not raised yet, by point; `late` those that are over.

    Of a fault that comes and goes again before there is room only the first time is kept;
    `held_back_count` has the others.
    """

    def __init__(self) -> None:
        self.held: dict[Key, Turn] = {}
        self.late: dict[Key, Passed] = {}
        self.held_back_count = 0
        self._rises: deque[float] = deque(maxlen=RISES_MAX)

    def has_room(self, now: Instant) -> bool:
        """Whether a fault may be raised."""
        is_full = len(self._rises) == self._rises.maxlen
        return not is_full or now.monotonic_s - self._rises[0] > RISES_WINDOW_S

    def note_rise(self, key: Key, now: Instant) -> None:
        """Take in that a fault is raised."""
        self.held.pop(key, None)
        self._rises.append(now.monotonic_s)

    def note_fall(self, key: Key, turn: Turn, alarm_code: int | None) -> None:
        """Take in that a fault is over; one that waits for room is to be told of late."""
        held = self.held.pop(key, None)
        if held is None:
            return
        if key in self.late:
            self.held_back_count += 1
            return
        self.late[key] = Passed(since=held.since, until=turn.since, alarm_code=alarm_code)

    def forget(self, key: Key) -> None:
        """Let go of what is watched no longer."""
        self.held.pop(key, None)
        self.late.pop(key, None)

    @property
    def oldest_s(self) -> float | None:
        """When the oldest that waits rose, in Unix time; None: nothing waits."""
        held = [each.since.unix_s for each in self.held.values()]
        return min([*held, *(each.since.unix_s for each in self.late.values())], default=None)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self.held or self.late)

    def move(self, by_s: float, began_s: float) -> None:
        """Let all that waits, and rose after `began_s`, have been so much later.

        The clock was set right.
        """
        for key, turn in self.held.items():
            if turn.since.unix_s >= began_s:
                self.held[key] = turn.moved(by_s)
        for late, passed in self.late.items():
            if passed.since.unix_s >= began_s:
                self.late[late] = passed.moved(by_s)
