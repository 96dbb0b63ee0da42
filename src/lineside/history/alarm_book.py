"""The alarms that are not over, as they stand now, on their way into the history.

What happens to them is lined up with the recorder. What finds no room there waits here, in order.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias

import msgspec
import structlog

from lineside.core.alarm import (
    Alarm,
    AlarmEvent,
    AlarmEventKind,
    AlarmKind,
    AlarmNote,
    AlarmState,
    advance,
    told_as,
)
from lineside.core.errors import AlarmRefused, HistoryError
from lineside.history.alarm_early import EarlyAlarms
from lineside.history.records import AlarmRecord, ServerEventKind, alarm_record

WAITING_MAX = 20_000  # records; then the oldest are lost, and the alarms' later ones make up for it
OVER_MAX = 200  # that are kept at hand when they are over

Source: TypeAlias = tuple[AlarmKind, str]

_log = structlog.get_logger("lineside.alarms")


class Keeper(Protocol):
    """Whoever records what happens to alarms."""

    @property
    def alive(self) -> tuple[int, int] | None:
        """The key of the run that goes on, and its last tick in ms; None before the first."""

    @property
    def set_right_ms(self) -> int:
        """By how much all recorded since the start has been moved, as the clock was set right."""

    def offer(self, record: AlarmRecord) -> bool:
        """Line up a record; say whether there was room."""

    def note(self, kind: ServerEventKind, at_ms: int, detail: str) -> None:
        """Keep that something happened to the history."""


class AlarmCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many alarms there are now, by state, and what the bounds have cost since the start.

    `standing` counts those whose fault stands, whatever their state.
    """

    standing: int = 0
    by_state: dict[AlarmState, int] = {}
    held_back: int = 0


class AlarmBook:
    """The open alarms. `revision` grows with everything that happens."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._open: dict[int, Alarm] = {}
        self._by_source: dict[Source, list[int]] = {}
        self._over: OrderedDict[int, Alarm] = OrderedDict()
        self._waiting: deque[AlarmRecord] = deque(maxlen=WAITING_MAX)
        self._run_key: int | None = None
        self._early: EarlyAlarms | None = EarlyAlarms()
        self._set_right_ms = 0
        self.revision = 0

    def __iter__(self) -> Iterator[Alarm]:
        """Iterate over what is open; it may change meanwhile."""
        return iter(list(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)

    def find(self, alarm_id: int) -> Alarm | None:
        """Return an alarm that is open, or was not long ago."""
        return self._open.get(alarm_id) or self._over.get(alarm_id)

    def of(self, source: Source) -> list[Alarm]:
        """Return the open alarms of a machine or PLC, the oldest first."""
        return [self._open[each] for each in self._by_source.get(source, ())]

    @property
    def sources(self) -> tuple[Source, ...]:
        """The machines and PLCs that have open alarms."""
        return tuple(self._by_source)

    @property
    def over(self) -> tuple[Alarm, ...]:
        """The newest of those that are over."""
        return tuple(self._over.values())

    def happen(self, alarm: Alarm, event: AlarmEvent) -> Alarm:
        """Let `event` happen to `alarm`, and line it up; return what comes of it.

        Raises:
            AlarmRefused: that cannot happen to it.
        """
        after = advance(alarm, event)
        self._waiting.append(alarm_record(after, event))
        self._note_early(alarm, event)
        self._put(after)
        self.flush()
        return after

    def act(self, alarm: Alarm, event: AlarmEvent) -> Alarm:
        """Let a person do something to `alarm`; it counts only when it is lined up at once.

        Raises:
            AlarmRefused: that cannot be done to it.
            HistoryError: there is no room; nothing was done.
        """
        after = advance(alarm, event)
        self.flush()
        if self._waiting or not self._keeper.offer(alarm_record(after, event)):
            raise HistoryError("more is waiting to be recorded than there is room for")
        self._note_early(alarm, event)
        self._put(after)
        return after

    def take_over(self, alarms: Iterable[Alarm]) -> None:
        """Take in alarms that are stored already."""
        for alarm in alarms:
            self._put(alarm)

    def flush(self) -> None:
        """Line up what waits, as far as there is room."""
        while self._waiting and self._keeper.offer(self._waiting[0]):
            self._waiting.popleft()

    def set_right(self, began_ms: int) -> int:
        """Move what happened since the start as the recorder has moved it; return by how much.

        Args:
            began_ms: when the server began, by the clock that was wrong.
        """
        by_ms = self._keeper.set_right_ms - self._set_right_ms
        self._set_right_ms += by_ms
        if by_ms == 0 or self._early is None:
            return by_ms
        moved = self._early.move(by_ms, began_ms)
        by_revision = {(a.id, a.revision): a for some in moved.values() for a in some}
        for index, record in enumerate(self._waiting):
            key = (record.alarm.id, record.alarm.revision)
            at_ms = record.event_ms + by_ms
            self._waiting[index] = msgspec.structs.replace(
                record, alarm=by_revision.get(key, record.alarm), event_ms=at_ms
            )
        for some in moved.values():
            self._put(some[-1])
            self._waiting.append(AlarmRecord(seq=0, at_ms=0, alarm=some[-1], is_moved=True))
        return by_ms

    def forget_early(self) -> None:
        """From here on a step of the clock moves nothing."""
        self._early = None

    def _note_early(self, alarm: Alarm, event: AlarmEvent) -> None:
        if self._early is not None:
            self._early.note(alarm, event)

    def tick(self) -> None:
        """Line up what waits; tell a new run of everything that is open, or was not long ago.

        A run may begin with an empty database, or after records were lost.
        """
        alive = self._keeper.alive
        run_key = alive[0] if alive is not None else None
        if run_key != self._run_key:
            if self._run_key is not None:
                known = (*self.over, *self)
                self._waiting.extend(AlarmRecord(seq=0, at_ms=0, alarm=each) for each in known)
            self._run_key = run_key
        self.flush()

    def counts(self) -> AlarmCounts:
        """Return how many there are."""
        by_state = dict.fromkeys(AlarmState, 0)
        for alarm in self._open.values():
            by_state[alarm.state] += 1
        standing = sum(alarm.is_on for alarm in self._open.values())
        return AlarmCounts(standing=standing, by_state=by_state)

    def _put(self, alarm: Alarm) -> None:
        self.revision += 1
        source = (alarm.kind, alarm.source)
        ids = self._by_source.setdefault(source, [])
        if not alarm.is_over:
            if alarm.id not in self._open:
                ids.append(alarm.id)
            self._open[alarm.id] = alarm
            return
        if self._open.pop(alarm.id, None) is not None:
            ids.remove(alarm.id)
        if not ids:
            del self._by_source[source]
        self._over[alarm.id] = alarm
        if len(self._over) > OVER_MAX:
            self._over.popitem(last=False)


def goes_on(older: Alarm, newer: Alarm) -> bool:
    """Return whether a fault of the same source is one that waits, come back.

    In another line it is another alarm: a machine's belongs to the line in which it was raised.
    """
    is_there = older.kind is AlarmKind.PLC or older.line_id == newer.line_id
    return is_there and older.alarm_code == newer.alarm_code and not older.is_on


def join_by_code(book: AlarmBook, alarm: Alarm, now_ms: int) -> Alarm:
    """Let one alarm go on where `alarm`, whose code was seen late, has that of one that waits.

    That is the older one, as if it had come back at once, unless a person has dealt with `alarm`.
    """
    older = [each for each in book.of((alarm.kind, alarm.source)) if goes_on(each, alarm)]
    if not older:
        return alarm
    is_new = alarm.state in (AlarmState.UNACKNOWLEDGED, AlarmState.SUPPRESSED)
    is_untouched = is_new and not alarm.comments
    closed = alarm if is_untouched else older[-1]
    superseded = AlarmEvent(kind=AlarmEventKind.SUPERSEDED, at_ms=now_ms, note=AlarmNote.SAME_CODE)
    book.happen(closed, superseded)
    if not is_untouched:
        return alarm
    continued = AlarmEvent(kind=AlarmEventKind.CONTINUED, at_ms=alarm.last_raised_ms)
    return book.happen(told_as(older[-1], alarm), continued)


def supersede_oldest(book: AlarmBook, source: Source, most: int, now_ms: int) -> None:
    """Keep the open alarms of one source within a bound: the oldest whose fault is gone go."""
    alarms = book.of(source)
    for alarm in [each for each in alarms if not each.is_on][: max(0, len(alarms) - most)]:
        event = AlarmEvent(kind=AlarmEventKind.SUPERSEDED, at_ms=now_ms, note=AlarmNote.TOO_MANY)
        book.happen(alarm, event)
        _log.warning("alarm given up unacknowledged", alarm=alarm.id, source=alarm.source)


def remove(book: AlarmBook, alarm: Alarm, now_ms: int) -> None:
    """End an alarm whose machine or PLC is no longer configured."""
    event = AlarmEvent(kind=AlarmEventKind.REMOVED, at_ms=now_ms, note=AlarmNote.NOT_CONFIGURED)
    try:
        book.happen(alarm, event)
    except AlarmRefused:
        _log.exception("an open alarm could not be removed", alarm=alarm.id)
