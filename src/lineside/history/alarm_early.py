"""What happened to alarms since the start, in case the clock turns out to have been wrong. Pure.

When the clock is set right soon after the start, the recorder moves all that it has recorded; the
alarms of that time are made anew here, of the same events at the times at which they were.
"""

from __future__ import annotations

import msgspec

from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, advance


class EarlyAlarms:
    """The alarms to which something happened since the start, each as it was before, and what."""

    def __init__(self) -> None:
        self._happened: dict[int, tuple[Alarm, list[AlarmEvent]]] = {}

    def note(self, alarm: Alarm, event: AlarmEvent) -> None:
        """Note that `event` happened to `alarm`, which is as it was before it."""
        self._happened.setdefault(alarm.id, (alarm, []))[1].append(event)

    def forget(self) -> None:
        """Let all be as it is."""
        self._happened.clear()

    def move(self, by_ms: int, began_ms: int) -> dict[int, list[Alarm]]:
        """Return each alarm after each of its events, all of which were `by_ms` later.

        Args:
            by_ms: by how much the clock was behind.
            began_ms: when the server began, by that clock.
        """
        found = {}
        for alarm_id, (alarm, events) in self._happened.items():
            # It was made by this server, of a fault that rose here.
            if alarm.revision == 0 and alarm.raised_ms >= began_ms:
                alarm = msgspec.structs.replace(
                    alarm,
                    raised_ms=alarm.raised_ms + by_ms,
                    last_raised_ms=alarm.last_raised_ms + by_ms,
                    changed_ms=alarm.changed_ms + by_ms,
                )
            moved = [_moved(event, by_ms, began_ms) for event in events]
            self._happened[alarm_id] = (alarm, moved)
            after = []
            for event in moved:
                after.append(alarm := advance(alarm, event))
            found[alarm_id] = after
        return found


def _moved(event: AlarmEvent, by_ms: int, began_ms: int) -> AlarmEvent:
    # What goes on has the time of another alarm, and what was owed that of its fault.
    told_late = (AlarmEventKind.CONTINUED, AlarmEventKind.RAISED)
    if event.kind in told_late and event.at_ms < began_ms:
        return event
    until_ms = None if event.until_ms is None else event.until_ms + by_ms
    return msgspec.structs.replace(event, at_ms=event.at_ms + by_ms, until_ms=until_ms)
