"""Hears the bus and raises and clears alarms. It never waits; it belongs to the bus's thread.

The rule against floods: a machine has one alarm per code at a time, however often its fault comes
and goes. When its fault has risen 10 times within 10 minutes it counts as gone only after 60 s
without it. In the whole plant 500 faults a minute are raised; what exceeds that is raised as soon
as there is room again, if its fault still stands. Of one machine up to 20 alarms wait for an
acknowledgement; then the oldest whose fault is gone is closed, and says so.
"""

from __future__ import annotations

import secrets
from collections import deque

import msgspec
import structlog

from lineside.core.alarm import (
    Alarm,
    AlarmEvent,
    AlarmEventKind,
    AlarmKind,
    AlarmNote,
    AlarmState,
)
from lineside.core.alarm_text import AlarmRules
from lineside.core.alarm_watch import FaultWatch, Sight, Turn, sight_of_link, sight_of_status
from lineside.core.errors import AlarmRefused
from lineside.core.model import Instant, SiteChange, Snapshot, StateChange, Status
from lineside.core.ports import BusMessage, Clock
from lineside.core.times import unix_ms
from lineside.history.alarm_book import (
    AlarmBook,
    AlarmCounts,
    Keeper,
    Source,
    join_by_code,
    supersede_oldest,
)
from lineside.history.alarm_plant import AlarmPlant, alarm_code_in
from lineside.history.alarm_query import Recalled

CHATTER_RISES = 10
CHATTER_WINDOW_S = 600.0
CHATTER_OFF_S = 60.0
RISES_MAX = 500  # in the whole plant
RISES_WINDOW_S = 60.0
OPEN_PER_SOURCE_MAX = 20
IDS_PER_MS = 1_000

_log = structlog.get_logger("lineside.alarms")


class _Point:
    """One machine or PLC. `current` is the alarm whose fault stands; None when none was raised.

    `first_code` is what a fault told first that is none of its alarms: it stood at the first start.
    `other_since` is when the fault that stands was first seen with another code than its alarm has.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.watch = FaultWatch()
        self.current: int | None = None
        self.alarm_code: int | None = None
        self.first_code: int | None = None
        self.other_since: Instant | None = None
        self.rises: deque[float] = deque(maxlen=CHATTER_RISES)
        self.is_recalled = False  # as stored before the start, and not seen since

    def rules(self, configured: AlarmRules, now: Instant) -> AlarmRules:
        """Return the delays that hold for it now."""
        if not self.is_chattering(now):
            return configured
        off_s = max(configured.off_delay_s, CHATTER_OFF_S)
        return msgspec.structs.replace(configured, off_delay_s=off_s)

    def is_chattering(self, now: Instant) -> bool:
        """Whether its fault has come and gone so often that this is told no more."""
        is_full = len(self.rises) == CHATTER_RISES
        return is_full and now.monotonic_s - self.rises[0] <= CHATTER_WINDOW_S


class AlarmDesk:
    """The bus handler. It must hear each message after the recorder.

    `is_recalled`: the alarms of before the start are known.
    """

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        """Prepare.

        Args:
            keeper: takes what happens to alarms.
            clock: the one that the bus's messages are made with.
        """
        self._clock = clock
        self.book = AlarmBook(keeper)
        self.plant = AlarmPlant()
        self.is_recalled = False
        self.started_ms: int | None = None
        self._points: dict[Source, _Point] = {}
        self._held: dict[Source, Turn] = {}  # faults that stand and are not raised yet
        self._rises: deque[float] = deque(maxlen=RISES_MAX)
        self._minute = 0
        self._last_id = 0
        self._held_back_count = 0

    def on_message(self, message: BusMessage) -> None:
        """Take one message from the bus."""
        if isinstance(message, Snapshot):
            self._take_snapshot(message)
        elif isinstance(message, StateChange):
            self._take_change(message)
        else:
            self._take_site(message)

    def counts(self) -> AlarmCounts:
        """Return how many alarms there are, and how many faults the flood rule has kept back."""
        return msgspec.structs.replace(self.book.counts(), held_back=self._held_back_count)

    def adopt(self, recalled: Recalled) -> None:
        """Take in how things stood before the start; late is no harm."""
        now = self._clock()
        self.is_recalled = True
        known = [alarm for alarm in recalled.open if self.book.find(alarm.id) is None]
        self.book.take_over(a for a in recalled.over if self.book.find(a.id) is None)
        self.book.take_over(known)
        for alarm in known:
            self._adopt_alarm(alarm, now)
        for code, status in recalled.statuses.items():
            self._adopt_sight((AlarmKind.EQUIPMENT, code), sight_of_status(status), now)
        for plc_id, link in recalled.links.items():
            self._adopt_sight((AlarmKind.PLC, plc_id), sight_of_link(link), now)
        self._look_at_shifts(now)

    def _adopt_alarm(self, alarm: Alarm, now: Instant) -> None:
        source = (alarm.kind, alarm.source)
        if not self.plant.has(source):
            self._remove(alarm, unix_ms(now.unix_s))
            return
        point = self._point(source)
        watch = point.watch
        if not alarm.is_on:
            return
        if watch.is_on is None:
            watch.is_on, point.is_recalled, point.current = True, True, alarm.id
        elif watch.is_on and point.current is None:
            point.current = alarm.id  # the same fault, seen again
            self._held.pop(source, None)
            if self._is_other_fault(point):
                point.is_recalled = True
                point.other_since = watch.first_seen or now
        else:
            at = watch.first_seen or now
            event = AlarmEvent(
                kind=AlarmEventKind.CLEARED,
                at_ms=unix_ms(at.unix_s),
                note=AlarmNote.NOT_WATCHED,
            )
            self.book.happen(alarm, event)

    def _adopt_sight(self, source: Source, sight: Sight, now: Instant) -> None:
        """A fault that was not there before the start, and is now, has risen."""
        if sight is not Sight.OFF or not self.plant.has(source):
            return
        point = self._point(source)
        watch = point.watch
        if watch.is_on is None:
            watch.is_on = False
        elif watch.is_on and point.current is None and source not in self._held:
            at = watch.first_seen or now
            self._rise(point, Turn(is_on=True, since=at), now, AlarmNote.FIRST_SIGHT)

    def _take_site(self, message: SiteChange) -> None:
        self.plant = AlarmPlant(message.site)
        at_ms = unix_ms(message.at_s)
        self._note_start(at_ms)
        for source in [each for each in self._points if not self.plant.has(each)]:
            del self._points[source]
            self._held.pop(source, None)
        for source in [each for each in self.book.sources if not self.plant.has(each)]:
            for alarm in self.book.of(source):
                self._remove(alarm, at_ms)

    def _take_change(self, change: StateChange) -> None:
        source = (AlarmKind.EQUIPMENT, change.equipment_code)
        if not self.plant.has(source):
            return
        point = self._point(source)
        is_faulty = change.status is Status.ERROR
        if is_faulty:
            point.alarm_code = alarm_code_in(change.tags)
            point.first_code = point.first_code or point.alarm_code
        elif change.status is not Status.DISCONNECTED:
            point.first_code = None
        now = Instant(unix_s=change.at_s, monotonic_s=self._clock().monotonic_s)
        self._see(point, sight_of_status(change.status), now)
        if not is_faulty or not self._is_other_fault(point):
            point.other_since = None
        elif point.other_since is None:
            point.other_since = now
        self._turn_to_code(point, now)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        now = snapshot.at
        self._note_start(unix_ms(now.unix_s))
        for plc in snapshot.plcs:
            source = (AlarmKind.PLC, plc.id)
            if self.plant.has(source):
                self._see(self._point(source), sight_of_link(plc.link), now)
        self._look_at_codes(snapshot)
        for point in [each for each in self._points.values() if each.watch.is_waiting]:
            self._turn(point, point.watch.due(now, point.rules(self.plant.rules, now)), now)
        for point in [each for each in self._points.values() if each.other_since is not None]:
            self._turn_to_code(point, now)
        for source, turn in list(self._held.items()):
            self._rise(self._points[source], turn, now)
        self._end_shelves(unix_ms(now.unix_s))
        minute = unix_ms(now.unix_s) // 60_000
        if minute != self._minute:  # shifts begin and end on whole minutes
            self._minute = minute
            self._look_at_shifts(now)
        self.book.tick()

    def _note_start(self, at_ms: int) -> None:
        if self.started_ms is None:
            self.started_ms = at_ms

    def _point(self, source: Source) -> _Point:
        point = self._points.get(source)
        if point is None:
            point = self._points[source] = _Point(source)
        return point

    def _is_other_fault(self, point: _Point) -> bool:
        """Whether the fault that stands tells another code than the one it is known by."""
        alarm = self.book.find(point.current) if point.current is not None else None
        known = alarm.alarm_code if alarm is not None and alarm.is_on else None
        if point.current is None and point.watch.is_on and point.source not in self._held:
            known = point.first_code
        return known is not None and point.alarm_code not in (None, known)

    def _turn_to_code(self, point: _Point, now: Instant) -> None:
        """Make two alarms of a fault that gave way to another one without a moment between them.

        The new code has to be seen for as long as a fault has to; of a machine that chatters, for
        as long as it takes there until a fault counts as gone.
        """
        since = point.other_since
        rules = point.rules(self.plant.rules, now)
        delay_s = rules.on_delay_s
        if point.is_chattering(now):
            delay_s = max(delay_s, rules.off_delay_s)
        if since is None or since.age_s(now) < delay_s:
            return
        point.other_since = None
        if self._is_other_fault(point):
            turn = Turn(is_on=False, since=since)
            self._fall(point, turn)
            self._rise(point, msgspec.structs.replace(turn, is_on=True), now)

    def _see(self, point: _Point, sight: Sight, now: Instant) -> None:
        if sight is Sight.ON and not self._is_other_fault(point):
            point.is_recalled = False
        turn = point.watch.see(sight, now, point.rules(self.plant.rules, now))
        self._turn(point, turn, now)

    def _turn(self, point: _Point, turn: Turn | None, now: Instant) -> None:
        if turn is None:
            return
        if turn.is_on:
            self._rise(point, turn, now)
        else:
            self._fall(point, turn)

    def _rise(self, point: _Point, turn: Turn, now: Instant, note: AlarmNote | None = None) -> None:
        if not self._has_room(now):
            self._held[point.source] = turn
            return
        self._held.pop(point.source, None)
        self._rises.append(now.monotonic_s)
        point.rises.append(now.monotonic_s)
        if point.is_chattering(now):
            note = note or AlarmNote.COMES_AND_GOES
        code = point.alarm_code
        since_ms = unix_ms(turn.since.unix_s)
        came_back = [
            alarm
            for alarm in self.book.of(point.source)
            if not alarm.is_on and alarm.alarm_code == code
        ]
        alarm = came_back[-1] if came_back else self._new(point, since_ms)
        event = AlarmEvent(kind=AlarmEventKind.RAISED, at_ms=since_ms, note=note)
        alarm = self.book.happen(alarm, event)
        point.current = alarm.id
        supersede_oldest(self.book, point.source, OPEN_PER_SOURCE_MAX, unix_ms(now.unix_s))
        self._look_at_shift(alarm, unix_ms(now.unix_s))

    def _has_room(self, now: Instant) -> bool:
        is_full = len(self._rises) == RISES_MAX
        return not is_full or now.monotonic_s - self._rises[0] > RISES_WINDOW_S

    def _new(self, point: _Point, since_ms: int) -> Alarm:
        # Ids follow each other, over restarts too, and are exact in JavaScript.
        newest = since_ms * IDS_PER_MS + secrets.randbelow(IDS_PER_MS)
        self._last_id = max(self._last_id + 1, newest)
        return self.plant.new_alarm(point.source, self._last_id, since_ms, point.alarm_code)

    def _fall(self, point: _Point, turn: Turn) -> None:
        if self._held.pop(point.source, None) is not None:
            self._held_back_count += 1
        current, point.current = point.current, None
        alarm = self.book.find(current) if current is not None else None
        if alarm is None or not alarm.is_on:
            return
        note = AlarmNote.NOT_WATCHED if point.is_recalled else None
        point.is_recalled = False
        at_ms = unix_ms(turn.since.unix_s)
        self.book.happen(alarm, AlarmEvent(kind=AlarmEventKind.CLEARED, at_ms=at_ms, note=note))

    def _look_at_codes(self, snapshot: Snapshot) -> None:
        """Read codes that matter and may come a moment after the fault that they explain."""
        wanted = {
            point.source[1]: point
            for point in self._points.values()
            if self.plant.tells_code(point.source) and self._wants_code(point)
        }
        if not wanted:
            return
        for line in snapshot.lines:
            for state in line.equipment:
                point = wanted.get(state.code)
                code = alarm_code_in(state.tags) if point is not None else None
                if point is None or code is None:
                    continue
                point.alarm_code = code
                alarm = self.book.find(point.current) if point.current is not None else None
                if alarm is not None:
                    self._take_code(point, alarm, code, unix_ms(snapshot.at.unix_s))

    def _take_code(self, point: _Point, alarm: Alarm, code: int, now_ms: int) -> None:
        event = AlarmEvent(
            kind=AlarmEventKind.CODE_SEEN,
            at_ms=now_ms,
            alarm_code=code,
            meaning=self.plant.text(point.source, code),
        )
        alarm = join_by_code(self.book, self.book.happen(alarm, event), now_ms)
        point.current = alarm.id
        self._look_at_shift(alarm, now_ms)

    def _wants_code(self, point: _Point) -> bool:
        if point.current is None:
            return point.watch.may_rise or point.source in self._held
        alarm = self.book.find(point.current)
        return alarm is not None and alarm.is_on and alarm.alarm_code is None

    def _end_shelves(self, now_ms: int) -> None:
        for alarm in self.book:
            if alarm.shelved_until_ms is not None and alarm.shelved_until_ms <= now_ms:
                event = AlarmEvent(kind=AlarmEventKind.SHELF_OVER, at_ms=now_ms)
                self._look_at_shift(self.book.happen(alarm, event), now_ms)

    def _look_at_shifts(self, now: Instant) -> None:
        for alarm in self.book:
            self._look_at_shift(alarm, unix_ms(now.unix_s))

    def _look_at_shift(self, alarm: Alarm, now_ms: int) -> None:
        """Suppress an alarm that nobody is there for; give it back when a shift begins."""
        kind = {
            AlarmState.UNACKNOWLEDGED: AlarmEventKind.SUPPRESSED,
            AlarmState.SUPPRESSED: AlarmEventKind.UNSUPPRESSED,
        }.get(alarm.state)
        if kind is None:
            return
        is_worked = self.plant.is_worked((alarm.kind, alarm.source), now_ms)
        if is_worked is (kind is AlarmEventKind.UNSUPPRESSED):
            self.book.happen(alarm, AlarmEvent(kind=kind, at_ms=now_ms))

    def _remove(self, alarm: Alarm, now_ms: int) -> None:
        try:
            event = AlarmEvent(
                kind=AlarmEventKind.REMOVED, at_ms=now_ms, note=AlarmNote.NOT_CONFIGURED
            )
            self.book.happen(alarm, event)
        except AlarmRefused:
            _log.exception("an open alarm could not be removed", alarm=alarm.id)
