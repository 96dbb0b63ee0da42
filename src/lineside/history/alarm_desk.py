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

import msgspec

from lineside.core.alarm import AlarmKind
from lineside.core.alarm_watch import Sight, sight_of_link, sight_of_status
from lineside.core.model import Instant, SiteChange, Snapshot, StateChange, Status
from lineside.core.ports import BusMessage, Clock
from lineside.core.times import unix_ms
from lineside.history.alarm_adoption import Adoption
from lineside.history.alarm_book import AlarmBook, AlarmCounts, Keeper, Source, remove
from lineside.history.alarm_hints import AlarmHints
from lineside.history.alarm_plant import AlarmPlant, alarm_code_in, alarm_word_in
from lineside.history.alarm_point import Lane, Point, WordSight
from lineside.history.alarm_query import Recalled
from lineside.history.alarm_turns import Turns
from lineside.history.alarm_waits import Waits
from lineside.history.recorder import SET_RIGHT_WITHIN_S


class AlarmDesk:
    """The bus handler. It must hear each message after the recorder."""

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        """Prepare.

        Args:
            keeper: takes what happens to alarms.
            clock: the one that the bus's messages are made with.
        """
        self._clock = clock
        self.book = AlarmBook(keeper)
        self._turns = Turns(self.book)
        self._adoption = Adoption(self._turns)
        self._waits = Waits(self._turns, keeper)
        self.started_ms: int | None = None
        self._first_tick_at: Instant | None = None
        self._words: dict[Source, WordSight] = {}  # of machines with one bit per alarm
        self._statuses: dict[Source, Status] = {}
        self._hints = AlarmHints()
        self._minute = 0

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
        held_back = self._turns.flood.held_back_count
        return msgspec.structs.replace(self.book.counts(), held_back=held_back)

    @property
    def plant(self) -> AlarmPlant:
        """What is configured."""
        return self._turns.plant

    @plant.setter
    def plant(self, plant: AlarmPlant) -> None:
        self._turns.plant = plant

    @property
    def is_recalled(self) -> bool:
        """Whether the alarms of before the start are known."""
        return self._turns.is_recalled

    def adopt(self, recalled: Recalled) -> None:
        """Take in how things stood before the start; late is no harm."""
        now = self._clock()
        self._adoption.adopt(recalled, now)
        self._waits.adopt(recalled, unix_ms(now.unix_s))

    def is_complete(self, begin_ms: int | None, end_ms: int | None) -> bool:
        """Whether all alarms of a window are known, as far as is known; None: it has no bound."""
        return self.is_recalled and self._waits.is_complete(begin_ms, end_ms)

    def _take_site(self, message: SiteChange) -> None:
        before, self.plant = self.plant, AlarmPlant(message.site)
        at_ms = unix_ms(message.at_s)
        is_start = self.started_ms is None
        self._note_start(at_ms)
        for source in [each for each in self._turns.points if not self.plant.has(each)]:
            self._forget(source)
            self._statuses.pop(source, None)
        if not is_start:
            for source in [each for each in self.plant.sources if not before.has(each)]:
                self._turns.watch_as_well(source)
        for source in list(self._turns.points):
            if self.plant.alarm_bits.get(source) != before.alarm_bits.get(source):
                self._change_bits(source)
        for source in [each for each in self.book.sources if not self.plant.has(each)]:
            for alarm in self.book.of(source):
                remove(self.book, alarm, at_ms)

    def _forget(self, source: Source) -> None:
        self._turns.forget(source)
        self._words.pop(source, None)
        self._hints.forget(source)

    def _change_bits(self, source: Source) -> None:
        """Watch a machine whose alarm_bits are others now, from what is known of it on."""
        was_seen = any(each.watch.is_on is not None for each in self._turns.points[source].values())
        self._forget(source)
        now = self._clock()
        for alarm in self.book.of(source):
            self._adoption.adopt_alarm(alarm, now)
        if was_seen:
            for point in self._turns.points_of(source).values():
                self._adoption.adopt_absence(point, now)

    def _take_change(self, change: StateChange) -> None:
        source = (AlarmKind.EQUIPMENT, change.equipment_code)
        if not self.plant.has(source):
            return
        self._statuses[source] = change.status
        if source in self.plant.alarm_bits:
            now = Instant(unix_s=change.at_s, monotonic_s=self._clock().monotonic_s)
            self._see_bits(source, change.status, alarm_word_in(change.tags), now)
            return
        point = self._turns.point(source)
        is_faulty = change.status is Status.ERROR
        if is_faulty:
            point.alarm_code = alarm_code_in(change.tags)
            point.first_code = point.first_code or point.alarm_code
            self._hints.tell_code(self.plant, point.source, point.alarm_code)
        elif change.status is not Status.DISCONNECTED:
            point.first_code = None
        now = Instant(unix_s=change.at_s, monotonic_s=self._clock().monotonic_s)
        self._turns.see(point, sight_of_status(change.status), now)
        if not is_faulty or not self._turns.is_other_fault(point):
            point.other_since = None
        elif point.other_since is None:
            point.other_since = now
        self._turns.turn_to_code(point, now)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        now = snapshot.at
        self._set_right(now)
        self._note_start(unix_ms(now.unix_s))
        for plc in snapshot.plcs:
            source = (AlarmKind.PLC, plc.id)
            if self.plant.has(source):
                self._turns.see(self._turns.point(source), sight_of_link(plc.link), now)
        self._look_at_codes(snapshot)
        self._look_at_words(snapshot)
        self._turns.tick(now)
        self._turns.end_shelves(unix_ms(now.unix_s))
        minute = unix_ms(now.unix_s) // 60_000
        if minute != self._minute:  # shifts begin and end on whole minutes
            self._minute = minute
            self._turns.look_at_shifts(now)
        self._waits.tick(unix_ms(now.unix_s))
        self.book.tick()

    def _set_right(self, now: Instant) -> None:
        """Move all since the start where the recorder has, and be done with it when it is."""
        self._first_tick_at = self._first_tick_at or now
        by_ms = self.book.set_right(self.started_ms or 0)
        if by_ms:
            by_s, began_s = by_ms / 1000, (self.started_ms or 0) / 1000
            self.started_ms = (self.started_ms or 0) + by_ms
            self._turns.move(by_s, began_s)
        if now.monotonic_s - self._first_tick_at.monotonic_s > SET_RIGHT_WITHIN_S:
            self.book.forget_early()

    def _note_start(self, at_ms: int) -> None:
        if self.started_ms is None:
            self.started_ms = at_ms

    def _see_bits(self, source: Source, status: Status, word: int | None, now: Instant) -> None:
        """Take in what a machine tells whose word has one bit per alarm."""
        bits = self.plant.alarm_bits[source]
        seen = self._words.setdefault(source, WordSight())
        points = self._turns.points_of(source)
        sight = sight_of_status(status)
        codes, unlisted = bits.codes_in(word or 0), bits.unlisted_in(word or 0)
        if sight is Sight.ON:
            self._hand_over(points, seen, codes, now)
            self._hints.tell_unlisted(source, unlisted)
        seen.see(status, word, codes, has_unlisted=bool(unlisted))
        for point in sorted(points.values(), key=lambda each: (each.lane in codes, each.lane or 0)):
            if point.lane is not None:
                self._turns.see(point, seen.sight_of_bit(sight, point.lane in codes), now)
        plain = points[None]
        is_other_on = any(each.watch.is_on for each in points.values() if each is not plain)
        plain.is_leftover = sight is Sight.ON and seen.is_bare and (is_other_on or seen.had_bits)
        self._turns.see(plain, seen.sight_of_rest(sight, is_other_on=is_other_on), now)

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
        heirs = [code for code in sorted(codes) if not points[code].watch.is_on]
        if not plain.is_there or not heirs or plain.is_leftover or not seen.is_bare:
            return
        heir = points[heirs[0]]
        plain.hand_over(heir)
        if plain.key in self._turns.flood.held:
            self._turns.flood.held[heir.key] = self._turns.flood.held.pop(plain.key)
        if alarm is not None:
            self._turns.take_code(heir, alarm, heirs[0], unix_ms(now.unix_s))

    def _look_at_codes(self, snapshot: Snapshot) -> None:
        """Read codes that matter and may come a moment after the fault that they explain."""
        wanted = {
            source[1]: lanes[None]
            for source, lanes in self._turns.points.items()
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
                    self._turns.take_code(point, alarm, code, unix_ms(snapshot.at.unix_s))

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

    def _wants_code(self, point: Point) -> bool:
        if point.current is None:
            return point.watch.may_rise or point.key in self._turns.flood.held
        alarm = self.book.find(point.current)
        return alarm is not None and alarm.is_on and alarm.alarm_code is None
