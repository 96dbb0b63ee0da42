"""Tells of alarms that wait for room, and knows of which time some are missing."""

from __future__ import annotations

from lineside.core.times import iso_utc, unix_ms
from lineside.history.alarm_book import Keeper
from lineside.history.alarm_flood import RISES_MAX
from lineside.history.alarm_query import Missing, Recalled
from lineside.history.alarm_turns import Turns
from lineside.history.records import ServerEventKind


class Waits:
    """What waits now, and what of before the start can never be raised."""

    def __init__(self, turns: Turns, keeper: Keeper) -> None:
        self._turns = turns
        self._keeper = keeper
        self._is_told = False
        self._missing: tuple[tuple[int, int], ...] = ()  # spans of time

    def adopt(self, recalled: Recalled, now_ms: int) -> None:
        """Take in what waited when the server before this one ended."""
        self._missing = recalled.missing_spans
        since_ms, missing = recalled.waiting_since_ms, recalled.missing
        if since_ms is None:
            return
        if missing is None:
            self._is_told = True
            return
        self._keeper.note(ServerEventKind.ALARMS_MISSING, now_ms, _words(missing))
        self._missing = (*self._missing, (since_ms, now_ms))
        self._is_told = False

    def tick(self, now_ms: int) -> None:
        """Tell when alarms begin to wait, and when all are raised."""
        is_waiting = bool(self._turns.flood)
        if is_waiting is self._is_told or not (is_waiting or self._turns.is_recalled):
            return
        self._is_told = is_waiting
        if is_waiting:
            why = f"more than {RISES_MAX} faults rose within a minute: the others' alarms wait"
            self._keeper.note(ServerEventKind.ALARMS_WAITING, now_ms, why)
        else:
            self._keeper.note(ServerEventKind.ALARMS_CAUGHT_UP, now_ms, "")

    def is_complete(self, begin_ms: int | None, end_ms: int | None) -> bool:
        """Whether no alarm of a window waits or is known to be missing.

        Without any bound it is a question of what there is now, which what is missing is no part
        of: those faults are over.
        """
        oldest = [each.unix_s for each in self._turns.owed.values()]
        if self._turns.flood.oldest_s is not None:
            oldest.append(self._turns.flood.oldest_s)
        if oldest and (end_ms is None or unix_ms(min(oldest)) < end_ms):
            return False
        if begin_ms is None and end_ms is None:
            return True
        return not any(
            (end_ms is None or first < end_ms) and (begin_ms is None or last > begin_ms)
            for first, last in self._missing
        )


def _words(missing: Missing) -> str:
    faults = "1 fault" if missing.count == 1 else f"{missing.count} faults"
    between = f"{iso_utc(missing.begin_ms / 1000)} and {iso_utc(missing.end_ms / 1000)}"
    return (
        f"{faults} that rose and went between {between} without an alarm: the server ended while "
        "the alarms waited, for more rose at once than are raised in a minute"
    )
