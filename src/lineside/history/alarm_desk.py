"""Hears the bus and raises and clears alarms. It never waits; it belongs to the bus's thread.

A machine whose word has one bit per alarm has a point per alarm code, each with its own delays, and
one for a fault of which no listed bit tells.

The rule against floods: a machine has one alarm per code at a time, however often its fault comes
and goes. When its fault has risen 10 times within 10 minutes it counts as gone only after 60 s
without it. In the whole plant 500 faults a minute are raised; what exceeds that is raised as soon
as there is room again, also when it is over by then. Of one machine up to 20 alarms wait for an
acknowledgement, and one more per alarm code that has bits; then the oldest whose fault is gone is
closed, and says so.
"""

from __future__ import annotations

import secrets

import msgspec
import structlog

from lineside.core.alarm import (
    Alarm,
    AlarmEvent,
    AlarmEventKind,
    AlarmKind,
    AlarmNote,
    AlarmState,
    told_as,
)
from lineside.core.alarm_watch import Sight, Turn, sight_of_link, sight_of_status
from lineside.core.model import Instant, SiteChange, Snapshot, StateChange, Status
from lineside.core.ports import BusMessage, Clock
from lineside.core.times import unix_ms
from lineside.history.alarm_book import (
    AlarmBook,
    AlarmCounts,
    Keeper,
    Source,
    goes_on,
    join_by_code,
    remove,
    supersede_oldest,
)
from lineside.history.alarm_flood import Flood
from lineside.history.alarm_hints import AlarmHints
from lineside.history.alarm_plant import AlarmPlant, alarm_code_in, alarm_word_in
from lineside.history.alarm_point import Key, Lane, Passed, Point, WordSight
from lineside.history.alarm_query import Recalled
from lineside.history.recorder import SET_RIGHT_WITHIN_S

OPEN_PER_SOURCE_MAX = 20
IDS_PER_MS = 1_000

_log = structlog.get_logger("lineside.alarms")


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
        self._first_tick_at: Instant | None = None
        self._points: dict[Source, dict[Lane, Point]] = {}
        self._words: dict[Source, WordSight] = {}  # of machines with one bit per alarm
        self._statuses: dict[Source, Status] = {}
        self._passed: dict[Key, Passed] = {}  # faults that were over before the past was known
        self._hints = AlarmHints()
        self._flood = Flood()
        self._minute = 0
        self._last_id = 0

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
        return msgspec.structs.replace(self.book.counts(), held_back=self._flood.held_back_count)

    def adopt(self, recalled: Recalled) -> None:
        """Take in how things stood before the start; late is no harm."""
        now = self._clock()
        self.is_recalled = True
        known = [alarm for alarm in recalled.open if self.book.find(alarm.id) is None]
        self.book.take_over(a for a in recalled.over if self.book.find(a.id) is None)
        self.book.take_over(known)
        for alarm in known:
            self._adopt_alarm(alarm, now)
        self._adopt_bits(known, now)
        for code, status in recalled.statuses.items():
            self._adopt_sight((AlarmKind.EQUIPMENT, code), sight_of_status(status), now)
        for plc_id, link in recalled.links.items():
            self._adopt_sight((AlarmKind.PLC, plc_id), sight_of_link(link), now)
        self._passed.clear()
        self._look_at_shifts(now)

    def _adopt_alarm(self, alarm: Alarm, now: Instant) -> None:
        source = (alarm.kind, alarm.source)
        if not self.plant.has(source):
            remove(self.book, alarm, unix_ms(now.unix_s))
            return
        lane = alarm.alarm_code if source in self.plant.alarm_bits else None
        point = self._point(source, lane)
        watch = point.watch
        if not alarm.is_on:
            return
        if watch.is_on is None:
            watch.is_on, point.is_recalled, point.current = True, True, alarm.id
        elif watch.is_on and point.current is None:
            point.current = alarm.id  # the same fault, seen again
            self._flood.held.pop(point.key, None)
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
        for point in list(self._points_of(source).values()):
            self._adopt_absence(point, now)

    def _adopt_bits(self, known: list[Alarm], now: Instant) -> None:
        """Of a fault whose bits were watched, one that was not on before the start has risen."""
        standing = {
            (source, alarm.alarm_code)
            for alarm in known
            if alarm.is_on and (source := (alarm.kind, alarm.source)) in self.plant.alarm_bits
        }
        for source in {each for each, _ in standing}:
            for lane, point in list(self._points_of(source).items()):
                if (source, lane) not in standing:
                    self._adopt_absence(point, now)

    def _adopt_absence(self, point: Point, now: Instant) -> None:
        """Take in that a fault was not there before the start."""
        watch = point.watch
        if watch.is_on is None:
            watch.is_on = False
        elif watch.is_on and point.current is None and point.key not in self._flood.held:
            at = watch.first_seen or now
            self._rise(point, Turn(is_on=True, since=at), now, AlarmNote.FIRST_SIGHT)
        elif not watch.is_on and (passed := self._passed.pop(point.key, None)) is not None:
            self._pass(point, passed, now, AlarmNote.FIRST_SIGHT)

    def _take_site(self, message: SiteChange) -> None:
        before, self.plant = self.plant, AlarmPlant(message.site)
        at_ms = unix_ms(message.at_s)
        self._note_start(at_ms)
        for source in [each for each in self._points if not self.plant.has(each)]:
            self._forget(source)
            self._statuses.pop(source, None)
        for source in list(self._points):
            if self.plant.alarm_bits.get(source) != before.alarm_bits.get(source):
                self._change_bits(source)
        for source in [each for each in self.book.sources if not self.plant.has(each)]:
            for alarm in self.book.of(source):
                remove(self.book, alarm, at_ms)

    def _forget(self, source: Source) -> None:
        for point in self._points.pop(source).values():
            self._flood.forget(point.key)
        self._words.pop(source, None)
        self._hints.forget(source)

    def _change_bits(self, source: Source) -> None:
        """Watch a machine whose alarm_bits are others now, from what is known of it on."""
        was_seen = any(each.watch.is_on is not None for each in self._points[source].values())
        self._forget(source)
        now = self._clock()
        for alarm in self.book.of(source):
            self._adopt_alarm(alarm, now)
        if was_seen:
            for point in self._points_of(source).values():
                self._adopt_absence(point, now)

    def _take_change(self, change: StateChange) -> None:
        source = (AlarmKind.EQUIPMENT, change.equipment_code)
        if not self.plant.has(source):
            return
        self._statuses[source] = change.status
        if source in self.plant.alarm_bits:
            now = Instant(unix_s=change.at_s, monotonic_s=self._clock().monotonic_s)
            self._see_bits(source, change.status, alarm_word_in(change.tags), now)
            return
        point = self._point(source)
        is_faulty = change.status is Status.ERROR
        if is_faulty:
            point.alarm_code = alarm_code_in(change.tags)
            point.first_code = point.first_code or point.alarm_code
            self._hints.tell_code(self.plant, point.source, point.alarm_code)
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
        self._set_right(now)
        self._note_start(unix_ms(now.unix_s))
        for plc in snapshot.plcs:
            source = (AlarmKind.PLC, plc.id)
            if self.plant.has(source):
                self._see(self._point(source), sight_of_link(plc.link), now)
        self._look_at_codes(snapshot)
        self._look_at_words(snapshot)
        points = [each for lanes in self._points.values() for each in lanes.values()]
        for point in [each for each in points if each.watch.is_waiting]:
            self._turn(point, point.watch.due(now, point.rules(self.plant.rules, now)), now)
        for point in [each for each in points if each.other_since is not None]:
            self._turn_to_code(point, now)
        for source, lane in list(self._flood.late):
            self._make_up(self._points[source][lane], now)
        for (source, lane), turn in list(self._flood.held.items()):
            self._rise(self._points[source][lane], turn, now)
        self._end_shelves(unix_ms(now.unix_s))
        minute = unix_ms(now.unix_s) // 60_000
        if minute != self._minute:  # shifts begin and end on whole minutes
            self._minute = minute
            self._look_at_shifts(now)
        self.book.tick()

    def _set_right(self, now: Instant) -> None:
        """Move all since the start where the recorder has, and be done with it when it is."""
        self._first_tick_at = self._first_tick_at or now
        by_ms = self.book.set_right(self.started_ms or 0)
        if by_ms:
            by_s = by_ms / 1000
            self.started_ms = (self.started_ms or 0) + by_ms
            for point in [each for lanes in self._points.values() for each in lanes.values()]:
                point.move(by_s)
            self._flood.move(by_s)
            for key, passed in self._passed.items():
                self._passed[key] = passed.moved(by_s)
        if now.monotonic_s - self._first_tick_at.monotonic_s > SET_RIGHT_WITHIN_S:
            self.book.forget_early()

    def _note_start(self, at_ms: int) -> None:
        if self.started_ms is None:
            self.started_ms = at_ms

    def _point(self, source: Source, lane: Lane = None) -> Point:
        lanes = self._points.setdefault(source, {})
        point = lanes.get(lane)
        if point is None:
            point = lanes[lane] = Point(source, lane)
        return point

    def _points_of(self, source: Source) -> dict[Lane, Point]:
        """Return all points of a machine or PLC, those of its alarm_bits included."""
        bits = self.plant.alarm_bits.get(source)
        for lane in (None, *(bits.codes.values() if bits is not None else ())):
            self._point(source, lane)
        return self._points[source]

    def _see_bits(self, source: Source, status: Status, word: int | None, now: Instant) -> None:
        """Take in what a machine tells whose word has one bit per alarm."""
        bits = self.plant.alarm_bits[source]
        seen = self._words.setdefault(source, WordSight())
        points = self._points_of(source)
        sight = sight_of_status(status)
        codes, unlisted = bits.codes_in(word or 0), bits.unlisted_in(word or 0)
        if sight is Sight.ON:
            self._hand_over(points, seen, codes, now)
            self._hints.tell_unlisted(source, unlisted)
        seen.see(status, word, codes, has_unlisted=bool(unlisted))
        for point in sorted(points.values(), key=lambda each: (each.lane in codes, each.lane or 0)):
            if point.lane is not None:
                self._see(point, seen.sight_of_bit(sight, point.lane in codes), now)
        plain = points[None]
        is_other_on = any(each.watch.is_on for each in points.values() if each is not plain)
        plain.is_leftover = sight is Sight.ON and seen.is_bare and (is_other_on or seen.had_bits)
        self._see(plain, seen.sight_of_rest(sight, is_other_on=is_other_on), now)

    def _hand_over(
        self, points: dict[Lane, Point], seen: WordSight, codes: frozenset[int], now: Instant
    ) -> None:
        """Let a fault that had no bit until now be known by the first bit that it gets.

        An alarm that may have stood for something else before keeps its name.
        """
        plain = points[None]
        alarm = self.book.find(plain.current) if plain.current is not None else None
        if alarm and (alarm.raised_count > 1 or alarm.raised_ms < (self.started_ms or 0)):
            return
        is_there = plain.watch.is_on or plain.watch.may_rise
        heirs = [code for code in sorted(codes) if not points[code].watch.is_on]
        if not is_there or not heirs or plain.is_leftover or not seen.is_bare:
            return
        heir = points[heirs[0]]
        plain.hand_over(heir)
        if plain.key in self._flood.held:
            self._flood.held[heir.key] = self._flood.held.pop(plain.key)
        if alarm is not None:
            self._take_code(heir, alarm, heirs[0], unix_ms(now.unix_s))

    def _is_other_fault(self, point: Point) -> bool:
        """Whether the fault that stands tells another code than the one it is known by."""
        alarm = self.book.find(point.current) if point.current is not None else None
        known = alarm.alarm_code if alarm is not None and alarm.is_on else None
        if point.current is None and point.watch.is_on and point.key not in self._flood.held:
            known = point.first_code
        return known is not None and point.alarm_code not in (None, known)

    def _turn_to_code(self, point: Point, now: Instant) -> None:
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

    def _see(self, point: Point, sight: Sight, now: Instant) -> None:
        if sight is Sight.ON and not self._is_other_fault(point):
            point.is_recalled = False
        turn = point.watch.see(sight, now, point.rules(self.plant.rules, now))
        self._turn(point, turn, now)

    def _turn(self, point: Point, turn: Turn | None, now: Instant) -> None:
        if turn is None:
            return
        if turn.is_on:
            self._rise(point, turn, now)
        else:
            self._fall(point, turn)

    def _make_up(self, point: Point, now: Instant) -> None:
        """Tell of a fault for which there was no room while it stood, if there is now."""
        if point.key in self._flood.late and self._flood.has_room(now):
            held = self._flood.held.pop(point.key, None)
            self._pass(point, self._flood.late.pop(point.key), now)
            if held is not None:
                self._flood.held[point.key] = held

    def _pass(
        self, point: Point, passed: Passed, now: Instant, note: AlarmNote | None = None
    ) -> None:
        code, point.alarm_code = point.alarm_code, passed.alarm_code
        self._rise(point, Turn(is_on=True, since=passed.since), now, note)
        self._fall(point, Turn(is_on=False, since=passed.until))
        point.alarm_code = code

    def _rise(self, point: Point, turn: Turn, now: Instant, note: AlarmNote | None = None) -> None:
        self._make_up(point, now)
        if not self._flood.has_room(now):
            self._flood.held[point.key] = turn
            return
        self._flood.note_rise(point.key, now)
        point.rises.append(now.monotonic_s)
        if point.is_chattering(now):
            note = note or AlarmNote.COMES_AND_GOES
        since_ms = unix_ms(turn.since.unix_s)
        new = self._new(point, since_ms)
        came_back = [each for each in self.book.of(point.source) if goes_on(each, new)]
        alarm = told_as(came_back[-1], new) if came_back else new
        event = AlarmEvent(kind=AlarmEventKind.RAISED, at_ms=since_ms, note=note)
        alarm = self.book.happen(alarm, event)
        point.current = alarm.id
        most = OPEN_PER_SOURCE_MAX - 1 + len(self._points[point.source])
        supersede_oldest(self.book, point.source, most, unix_ms(now.unix_s))
        self._look_at_shift(alarm, unix_ms(now.unix_s))

    def _new(self, point: Point, since_ms: int) -> Alarm:
        # Ids follow each other, over restarts too, and are exact in JavaScript.
        newest = since_ms * IDS_PER_MS + secrets.randbelow(IDS_PER_MS)
        self._last_id = max(self._last_id + 1, newest)
        return self.plant.new_alarm(point.source, self._last_id, since_ms, point.alarm_code)

    def _fall(self, point: Point, turn: Turn) -> None:
        began, on_delay_s = point.watch.first_seen, self.plant.rules.on_delay_s
        is_first = not self.is_recalled and not point.rises
        if is_first and began is not None and began.age_s(turn.since) >= on_delay_s:
            # It stood at first sight and is over before it is known whether it had risen.
            passed = Passed(since=began, until=turn.since, alarm_code=point.alarm_code)
            self._passed.setdefault(point.key, passed)
        self._flood.note_fall(point.key, turn, point.alarm_code)
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
            source[1]: lanes[None]
            for source, lanes in self._points.items()
            if self.plant.tells_code(source) and self._wants_code(lanes[None])
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
                self._hints.tell_code(self.plant, point.source, point.alarm_code)
                alarm = self.book.find(point.current) if point.current is not None else None
                if alarm is not None:
                    self._take_code(point, alarm, code, unix_ms(snapshot.at.unix_s))

    def _look_at_words(self, snapshot: Snapshot) -> None:
        """Read words with one bit per alarm that came after the fault, or changed too often."""
        if not self.plant.alarm_bits:
            return
        for state in [each for line in snapshot.lines for each in line.equipment]:
            source = (AlarmKind.EQUIPMENT, state.code)
            is_faulty = self._statuses.get(source) is Status.ERROR
            if source not in self.plant.alarm_bits or not is_faulty:
                continue
            seen, word = self._words.get(source), alarm_word_in(state.tags)
            if seen is None or seen.word != word:
                self._see_bits(source, Status.ERROR, word, snapshot.at)

    def _take_code(self, point: Point, alarm: Alarm, code: int, now_ms: int) -> None:
        event = AlarmEvent(
            kind=AlarmEventKind.CODE_SEEN,
            at_ms=now_ms,
            alarm_code=code,
            meaning=self.plant.text(point.source, code),
        )
        alarm = join_by_code(self.book, self.book.happen(alarm, event), now_ms)
        point.current = alarm.id
        self._look_at_shift(alarm, now_ms)

    def _wants_code(self, point: Point) -> bool:
        if point.current is None:
            return point.watch.may_rise or point.key in self._flood.held
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
