"""Makes alarms of the faults that rise and fall. It belongs to the bus's thread."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

import msgspec

from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, AlarmNote, AlarmState, told_as
from lineside.core.alarm_watch import Sight, Turn
from lineside.core.model import Instant
from lineside.core.times import unix_ms
from lineside.history.alarm_book import (
    AlarmBook,
    Source,
    goes_on,
    join_by_code,
    supersede_oldest,
)
from lineside.history.alarm_flood import Flood
from lineside.history.alarm_plant import AlarmPlant
from lineside.history.alarm_point import Key, Lane, Passed, Point

OPEN_PER_SOURCE_MAX = 20
IDS_PER_MS = 1_000


class Turns:
    """What is watched, by machine or PLC, and what becomes of it in the book.

    `is_recalled`: the alarms of before the start are known. `passed` are faults that were over
    before that. `owed` are faults that rose before the start, have no alarm, and have not been seen
    since.
    """

    def __init__(self, book: AlarmBook) -> None:
        self.book = book
        self.plant = AlarmPlant()
        self.is_recalled = False
        self.points: dict[Source, dict[Lane, Point]] = {}
        self.passed: dict[Key, Passed] = {}
        self.owed: dict[Key, Instant] = {}
        self.flood = Flood()
        self._last_id = 0

    def __iter__(self) -> Iterator[Point]:
        """Iterate over all that is watched; it may change meanwhile."""
        return iter([each for lanes in self.points.values() for each in lanes.values()])

    def point(self, source: Source, lane: Lane = None) -> Point:
        """Return what is watched of a fault; it is from now on."""
        lanes = self.points.setdefault(source, {})
        point = lanes.get(lane)
        if point is None:
            point = lanes[lane] = Point(source, lane)
        return point

    def points_of(self, source: Source) -> dict[Lane, Point]:
        """Return all points of a machine or PLC, those of its alarm_bits included."""
        bits = self.plant.alarm_bits.get(source)
        for lane in (None, *(bits.codes.values() if bits is not None else ())):
            self.point(source, lane)
        return self.points[source]

    def watch_as_well(self, source: Source) -> None:
        """Watch a machine or PLC that is configured while the server runs, as if it had been well.

        Its fault, when there is one, is an alarm like any other: it may be back after an alarm of
        it ended because it was out of the configuration.
        """
        for point in self.points_of(source).values():
            point.watch.is_on = False

    def forget(self, source: Source) -> None:
        """Watch a machine or PLC no longer."""
        for point in self.points.pop(source).values():
            self.flood.forget(point.key)
            self.owed.pop(point.key, None)

    def move(self, by_s: float, began_s: float) -> None:
        """Let all that was seen since `began_s` be so much later: the clock was set right."""
        for point in self:
            point.move(by_s)
        self.flood.move(by_s, began_s)
        self.passed = {key: passed.moved(by_s) for key, passed in self.passed.items()}

    def see(self, point: Point, sight: Sight, now: Instant) -> None:
        """Take in what is seen of a fault."""
        if sight is not Sight.UNSEEN and (since := self.owed.pop(point.key, None)) is not None:
            self._pay(point, since, sight, now)
        if sight is Sight.ON and not self.is_other_fault(point):
            point.is_recalled = False
        turn = point.watch.see(sight, now, point.rules(self.plant.rules, now))
        self.turn(point, turn, now)

    def _pay(self, point: Point, since: Instant, sight: Sight, now: Instant) -> None:
        """Raise what has been owed since before the start, at its first sight."""
        lanes = self.points[point.source].values()
        if sight is Sight.OFF and any(each.is_there for each in lanes if each is not point):
            return  # it is one of those whose bits tell of them
        point.watch.is_on = sight is Sight.ON
        if point.watch.is_on:
            self.rise(point, Turn(is_on=True, since=since), now)
        else:
            point.is_recalled = True  # it went while nobody watched
            self.tell_late(point, Passed(since=since, until=now, alarm_code=None), now)

    def tell_earlier(self, point: Point, passed: Passed, now: Instant) -> None:
        """Raise and clear the alarm of a fault that was before the one that there may be now."""
        current, point.current = point.current, None
        held = self.flood.held.pop(point.key, None)
        self.tell_late(point, passed, now)
        point.current = current
        if held is not None:
            self.flood.held[point.key] = held

    def tick(self, now: Instant) -> None:
        """Let time pass: delays end, and there is room again."""
        points = list(self)
        for point in [each for each in points if each.watch.is_waiting]:
            self.turn(point, point.watch.due(now, point.rules(self.plant.rules, now)), now)
        for point in [each for each in points if each.other_since is not None]:
            self.turn_to_code(point, now)
        for source, lane in list(self.flood.late):
            self.make_up(self.points[source][lane], now)
        for (source, lane), turn in list(self.flood.held.items()):
            self.rise(self.points[source][lane], turn, now)

    def is_other_fault(self, point: Point) -> bool:
        """Whether the fault that stands tells another code than the one it is known by."""
        alarm = self.book.find(point.current) if point.current is not None else None
        known = alarm.alarm_code if alarm is not None and alarm.is_on else None
        if point.current is None and point.watch.is_on and point.key not in self.flood.held:
            known = point.first_code
        return known is not None and point.alarm_code not in (None, known)

    def turn_to_code(self, point: Point, now: Instant) -> None:
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
        if self.is_other_fault(point):
            turn = Turn(is_on=False, since=since)
            self.fall(point, turn)
            self.rise(point, msgspec.structs.replace(turn, is_on=True), now)

    def turn(self, point: Point, turn: Turn | None, now: Instant) -> None:
        """Take in that a fault has risen or fallen, if it has."""
        if turn is None:
            return
        if turn.is_on:
            self.rise(point, turn, now)
        else:
            self.fall(point, turn)

    def make_up(self, point: Point, now: Instant) -> None:
        """Tell of a fault for which there was no room while it stood, if there is now."""
        if point.key in self.flood.late and self.flood.has_room(now):
            held = self.flood.held.pop(point.key, None)
            self.tell_late(point, self.flood.late.pop(point.key), now)
            if held is not None:
                self.flood.held[point.key] = held

    def tell_late(
        self, point: Point, passed: Passed, now: Instant, note: AlarmNote | None = None
    ) -> None:
        """Raise and clear the alarm of a fault that is over."""
        code, point.alarm_code = point.alarm_code, passed.alarm_code
        self.rise(point, Turn(is_on=True, since=passed.since), now, note)
        self.fall(point, Turn(is_on=False, since=passed.until))
        point.alarm_code = code

    def rise(self, point: Point, turn: Turn, now: Instant, note: AlarmNote | None = None) -> None:
        """Raise the alarm of a fault that has risen, or keep it until there is room."""
        self.make_up(point, now)
        if not self.flood.has_room(now):
            self.flood.held[point.key] = turn
            return
        self.flood.note_rise(point.key, now)
        point.rises.append(now.monotonic_s)
        if point.is_chattering(now):
            note = note or AlarmNote.COMES_AND_GOES
        since_ms = unix_ms(turn.since.unix_s)
        new = self._new(point, since_ms, unix_ms(now.unix_s))
        came_back = [each for each in self.book.of(point.source) if goes_on(each, new)]
        alarm = told_as(came_back[-1], new) if came_back else new
        event = AlarmEvent(kind=AlarmEventKind.RAISED, at_ms=since_ms, note=note)
        alarm = self.book.happen(alarm, event)
        point.current = alarm.id
        most = OPEN_PER_SOURCE_MAX - 1 + len(self.points[point.source])
        supersede_oldest(self.book, point.source, most, unix_ms(now.unix_s))
        self._look_at_shift(alarm, unix_ms(now.unix_s))

    def note_known(self, alarms: Iterable[Alarm]) -> None:
        """Take in alarms of before the start, whose ids are no other's."""
        self._last_id = max((self._last_id, *(each.id for each in alarms)))

    def _new(self, point: Point, since_ms: int, now_ms: int) -> Alarm:
        # Ids follow each other, over restarts too, and are exact in JavaScript. An alarm may be
        # raised long after its fault rose, in whose millisecond others had theirs.
        newest = max(since_ms, now_ms) * IDS_PER_MS + secrets.randbelow(IDS_PER_MS)
        self._last_id = max(self._last_id + 1, newest)
        return self.plant.new_alarm(point.source, self._last_id, since_ms, point.alarm_code)

    def fall(self, point: Point, turn: Turn) -> None:
        """Take in that a fault is over."""
        began, on_delay_s = point.watch.first_seen, self.plant.rules.on_delay_s
        is_first = not self.is_recalled and not point.rises
        if is_first and began is not None and began.age_s(turn.since) >= on_delay_s:
            # It stood at first sight and is over before it is known whether it had risen.
            passed = Passed(since=began, until=turn.since, alarm_code=point.alarm_code)
            self.passed.setdefault(point.key, passed)
        self.flood.note_fall(point.key, turn, point.alarm_code)
        current, point.current = point.current, None
        alarm = self.book.find(current) if current is not None else None
        if alarm is None or not alarm.is_on:
            return
        note = AlarmNote.NOT_WATCHED if point.is_recalled else None
        point.is_recalled = False
        at_ms = unix_ms(turn.since.unix_s)
        self.book.happen(alarm, AlarmEvent(kind=AlarmEventKind.CLEARED, at_ms=at_ms, note=note))

    def take_code(self, point: Point, alarm: Alarm, code: int, now_ms: int) -> None:
        """Take in which fault the one of `alarm` is."""
        event = AlarmEvent(
            kind=AlarmEventKind.CODE_SEEN,
            at_ms=now_ms,
            alarm_code=code,
            meaning=self.plant.text(point.source, code),
        )
        alarm = join_by_code(self.book, self.book.happen(alarm, event), now_ms)
        point.current = alarm.id
        self._look_at_shift(alarm, now_ms)

    def end_shelves(self, now_ms: int) -> None:
        """Take off the shelf what has been there for as long as was said."""
        for alarm in self.book:
            if alarm.shelved_until_ms is not None and alarm.shelved_until_ms <= now_ms:
                event = AlarmEvent(kind=AlarmEventKind.SHELF_OVER, at_ms=now_ms)
                self._look_at_shift(self.book.happen(alarm, event), now_ms)

    def look_at_shifts(self, now: Instant) -> None:
        """Suppress what nobody is there for, and give it back when a shift begins."""
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
