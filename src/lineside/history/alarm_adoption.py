"""Takes in how things stood before the start, once that is known."""

from __future__ import annotations

import msgspec

from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, AlarmKind, AlarmNote
from lineside.core.alarm_watch import Sight, Turn, sight_of_link, sight_of_status
from lineside.core.model import Instant
from lineside.core.times import unix_ms
from lineside.history.alarm_book import Source, remove
from lineside.history.alarm_point import Passed, Point
from lineside.history.alarm_query import Recalled
from lineside.history.alarm_turns import Turns


class Adoption:
    """Tells the faults that are watched what was known of them before."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._book = turns.book

    def adopt(self, recalled: Recalled, now: Instant) -> None:
        """Take in how things stood before the start; late is no harm."""
        self._turns.is_recalled = True
        self._turns.note_known((*recalled.open, *recalled.over))
        known = [alarm for alarm in recalled.open if self._book.find(alarm.id) is None]
        self._book.take_over(a for a in recalled.over if self._book.find(a.id) is None)
        self._book.take_over(known)
        for alarm in known:
            self.adopt_alarm(alarm, now)
        self._adopt_bits(known, now)
        for code, status in recalled.statuses.items():
            self._adopt_sight((AlarmKind.EQUIPMENT, code), sight_of_status(status), now)
        for plc_id, link in recalled.links.items():
            self._adopt_sight((AlarmKind.PLC, plc_id), sight_of_link(link), now)
        for source in recalled.left:
            self._adopt_sight(source, Sight.OFF, now)
        for source, risen_ms in recalled.owed.items():
            self._adopt_owed(source, risen_ms, now)
        self._turns.passed.clear()
        self._turns.look_at_shifts(now)

    def adopt_alarm(self, alarm: Alarm, now: Instant) -> None:
        """Take in an alarm that was open before the start."""
        source = (alarm.kind, alarm.source)
        if not self._turns.plant.has(source):
            remove(self._book, alarm, unix_ms(now.unix_s))
            return
        lane = alarm.alarm_code if source in self._turns.plant.alarm_bits else None
        point = self._turns.point(source, lane)
        watch = point.watch
        if not alarm.is_on:
            return
        if watch.is_on is None:
            watch.is_on, point.is_recalled, point.current = True, True, alarm.id
        elif watch.is_on and point.current is None:
            point.current = alarm.id  # the same fault, seen again
            self._turns.flood.held.pop(point.key, None)
            if self._turns.is_other_fault(point):
                point.is_recalled = True
                point.other_since = watch.first_seen or now
        else:
            at = watch.first_seen or now
            event = AlarmEvent(
                kind=AlarmEventKind.CLEARED,
                at_ms=unix_ms(at.unix_s),
                note=AlarmNote.NOT_WATCHED,
            )
            self._book.happen(alarm, event)

    def _adopt_sight(self, source: Source, sight: Sight, now: Instant) -> None:
        """A fault that was not there before the start, and is now, has risen."""
        if sight is not Sight.OFF or not self._turns.plant.has(source):
            return
        for point in list(self._turns.points_of(source).values()):
            self.adopt_absence(point, now)

    def _adopt_owed(self, source: Source, risen_ms: int, now: Instant) -> None:
        """A fault that rose before the start and has no alarm gets it, when it is seen.

        Where bits have alarms of their own it is not known which rose when: what is seen of them
        then rose at that time, and if nothing is, the fault is one without a bit.
        """
        turns = self._turns
        if not turns.plant.has(source):
            return
        revision = turns.book.revision
        lanes = turns.points_of(source)
        bits = [each for lane, each in lanes.items() if lane is not None]
        for each in bits:
            self.adopt_absence(each, now)
        if turns.book.revision != revision or any(each.is_there for each in bits):
            return
        point = lanes[None]
        since_s = risen_ms / 1000
        since = Instant(unix_s=since_s, monotonic_s=now.monotonic_s - (now.unix_s - since_s))
        passed = turns.passed.pop(point.key, None)
        is_news = point.current is not None or point.key in turns.flood.held
        if point.watch.is_on is None:
            turns.owed[point.key] = since
        elif point.watch.is_on and passed is None and not is_news:
            turns.rise(point, Turn(is_on=True, since=since), now)
        elif passed is not None:
            turns.tell_earlier(point, msgspec.structs.replace(passed, since=since), now)
        else:
            point.is_recalled = not is_news
            until = point.watch.first_seen or now
            turns.tell_earlier(point, Passed(since=since, until=until, alarm_code=None), now)

    def _adopt_bits(self, known: list[Alarm], now: Instant) -> None:
        """Of a fault whose bits were watched, one that was not on before the start has risen."""
        with_bits = self._turns.plant.alarm_bits
        standing = {
            (source, alarm.alarm_code)
            for alarm in known
            if alarm.is_on and (source := (alarm.kind, alarm.source)) in with_bits
        }
        for source in {each for each, _ in standing}:
            for lane, point in list(self._turns.points_of(source).items()):
                if (source, lane) not in standing:
                    self.adopt_absence(point, now)

    def adopt_absence(self, point: Point, now: Instant) -> None:
        """Take in that a fault was not there before the start."""
        watch = point.watch
        if watch.is_on is None:
            watch.is_on = False
        elif watch.is_on and point.current is None and point.key not in self._turns.flood.held:
            at = watch.first_seen or now
            self._turns.rise(point, Turn(is_on=True, since=at), now, AlarmNote.FIRST_SIGHT)
        elif not watch.is_on and (passed := self._turns.passed.pop(point.key, None)) is not None:
            self._turns.tell_late(point, passed, now, AlarmNote.FIRST_SIGHT)
