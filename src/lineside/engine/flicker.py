"""Notices faults that come and go too often to be faults: lamps that blink. Pure."""

from __future__ import annotations

from collections import deque

from lineside.core.model import ReasonCode, StateChange, Status

FLICKER_COUNT = 10
FLICKER_WINDOW_S = 600.0
TELL_AGAIN_S = 3600.0


class Flicker:
    """Counts the faults of each machine over the last ten minutes."""

    def __init__(self) -> None:
        self._begun_s: dict[str, deque[float]] = {}
        self._told_s: dict[str, float] = {}

    def note(self, change: StateChange) -> bool:
        """Count `change` if a fault begins with it; return whether that is worth telling.

        It is when so many faults began within ten minutes, and at most once an hour for a machine.
        """
        is_fault = change.status is Status.ERROR and change.previous is not Status.ERROR
        if not is_fault or change.reason.code is not ReasonCode.ERROR_TAG:
            return False
        code, now_s = change.equipment_code, change.at_s
        begun_s = self._begun_s.setdefault(code, deque(maxlen=FLICKER_COUNT))
        begun_s.append(now_s)
        is_often = len(begun_s) == FLICKER_COUNT and now_s - begun_s[0] <= FLICKER_WINDOW_S
        if not is_often or now_s - self._told_s.get(code, -TELL_AGAIN_S) < TELL_AGAIN_S:
            return False
        self._told_s[code] = now_s
        return True
