"""What comes of an alarm of which two servers have told, each without the other. Pure.

One was cut off from the database and the other had taken over. What happened at either is kept;
here the alarm is made anew of all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec

from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, AlarmState, advance
from lineside.core.errors import AlarmRefused


class ToldEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is stored, with its number there; `seq` is that within the run it is of."""

    run_id: int
    seq: int
    number: int
    event: AlarmEvent


def merged(tellings: Sequence[Alarm], events: Iterable[ToldEvent]) -> Alarm | None:
    """Return the alarm after `events`, in order of time; None: not all of them are known.

    What a server told stays in its order. What cannot happen to the alarm as it then is changes
    nothing: both have seen the fault go, or it was over already.

    Args:
        tellings: the alarm as each server has left it.
        events: all that is known to have happened to it.
    """
    newest = max(tellings, key=lambda each: each.changed_ms)
    told = sorted(events, key=lambda each: each.number)
    if not told or told[0].number != 1 or told[0].event.kind is not AlarmEventKind.RAISED:
        return None
    codes = [each.alarm_code for each in (newest, *tellings) if each.alarm_code is not None]
    until = [each.shelved_until_ms for each in tellings if each.shelved_until_ms is not None]
    alarm = msgspec.structs.replace(
        newest,
        alarm_code=codes[0] if codes else None,
        state=AlarmState.NORMAL,
        last_raised_ms=newest.raised_ms,
        raised_count=0,
        cleared_ms=None,
        acknowledged_ms=None,
        acknowledged_by=None,
        shelved_until_ms=None,
        changed_ms=newest.raised_ms,
        comments=(),
    )
    for event in _in_order(told):
        if event.kind is AlarmEventKind.SHELVED:
            # Until when is not stored with the event: a shelf that holds is held by a telling.
            event = msgspec.structs.replace(event, until_ms=max(until, default=event.at_ms))
        try:
            alarm = advance(alarm, event)
        except AlarmRefused:
            continue
    return msgspec.structs.replace(alarm, revision=told[-1].number)


def _in_order(told: Sequence[ToldEvent]) -> list[AlarmEvent]:
    """Return the events of all runs in order of time, those of each run in their own order."""
    by_run: dict[int, list[ToldEvent]] = {}
    for each in told:
        by_run.setdefault(each.run_id, []).append(each)
    timed = []
    for run_id, mine in by_run.items():
        mine.sort(key=lambda each: each.seq)
        times = accumulate((each.event.at_ms for each in mine), max)
        timed += [
            (at_ms, run_id, each.seq, each.event) for at_ms, each in zip(times, mine, strict=True)
        ]
    return [event for *_, event in sorted(timed, key=lambda each: each[:3])]
