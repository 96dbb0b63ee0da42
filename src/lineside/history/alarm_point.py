"""What the desk knows of one fault that it watches: its sight, its alarm, and how it flickers."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import msgspec

from lineside.core.alarm_text import AlarmRules
from lineside.core.alarm_watch import FaultWatch, Sight, later, sight_of_status
from lineside.core.model import Instant, Status
from lineside.history.alarm_book import Source

CHATTER_RISES = 10
CHATTER_WINDOW_S = 600.0
CHATTER_OFF_S = 60.0
AFTER_BITS_S = 10.0  # a word is often cleared a moment before the fault that it explains

Lane: TypeAlias = int | None  # the alarm code that has bits of its own; None: all else
Key: TypeAlias = tuple[Source, Lane]


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that stood at first sight, until when it did, and what code it told."""

    since: Instant
    until: Instant
    alarm_code: int | None

    def moved(self, by_s: float) -> Passed:
        """Return the fault so much later: the clock was set right."""
        since, until = later(self.since, by_s), later(self.until, by_s)
        return msgspec.structs.replace(self, since=since, until=until)


class Point:
    """One fault of a machine or PLC. `current` is its alarm; None when none was raised.

    A machine whose word has one bit per alarm has a point per code, and one for faults without a
    listed bit; of every other source there is one. `first_code` is what a fault told first that is
    none of its alarms: it stood at the first start. `other_since` is when the fault that stands was
    first seen with another code than its alarm has. `is_leftover`: the fault goes on after its bits
    have gone.
    """

    def __init__(self, source: Source, lane: Lane = None) -> None:
        self.source = source
        self.lane = lane
        self.watch = FaultWatch()
        self.current: int | None = None
        self.alarm_code: int | None = lane
        self.first_code: int | None = None
        self.other_since: Instant | None = None
        self.rises: deque[float] = deque(maxlen=CHATTER_RISES)
        self.is_recalled = False  # as stored before the start, and not seen since
        self.is_leftover = False

    @property
    def key(self) -> Key:
        """What tells it from every other."""
        return self.source, self.lane

    @property
    def is_there(self) -> bool:
        """Whether its fault stands, or is about to rise."""
        return bool(self.watch.is_on) or self.watch.may_rise

    def rules(self, configured: AlarmRules, now: Instant) -> AlarmRules:
        """Return the delays that hold for it now."""
        if self.is_leftover:
            on_s = max(configured.on_delay_s, AFTER_BITS_S)
            configured = msgspec.structs.replace(configured, on_delay_s=on_s)
        if not self.is_chattering(now):
            return configured
        off_s = max(configured.off_delay_s, CHATTER_OFF_S)
        return msgspec.structs.replace(configured, off_delay_s=off_s)

    def is_chattering(self, now: Instant) -> bool:
        """Whether its fault has come and gone so often that this is told no more."""
        is_full = len(self.rises) == CHATTER_RISES
        return is_full and now.monotonic_s - self.rises[0] <= CHATTER_WINDOW_S

    def move(self, by_s: float) -> None:
        """Let all that was seen so far be so much later: the clock was set right."""
        self.watch.move(by_s)
        if self.other_since is not None:
            self.other_since = later(self.other_since, by_s)

    def hand_over(self, to: Point) -> None:
        """Let `to` go on with the fault that this one has watched so far."""
        to.watch, self.watch = self.watch, FaultWatch()
        self.watch.is_on = False
        to.current, self.current = self.current, None
        to.is_recalled, self.is_recalled = self.is_recalled, False
        if to.current is not None and self.rises:
            to.rises.append(self.rises.pop())


class WordSight(msgspec.Struct):
    """What was last seen of a machine whose word has one bit per alarm.

    `word` None: it was not read. `had_bits`: there was a bit since the fault began.
    """

    word: int | None = None
    codes: frozenset[int] = frozenset()
    has_unlisted: bool = False
    had_bits: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether no bit was on when the word was last read."""
        return not self.codes and not self.has_unlisted

    def see(
        self, status: Status, word: int | None, codes: frozenset[int], *, has_unlisted: bool
    ) -> None:
        """Take in what a machine tells now; what is out of sight is as it was."""
        sight = sight_of_status(status)
        self.word = word if sight is Sight.ON else None
        if sight is Sight.OFF:
            self.codes, self.has_unlisted, self.had_bits = frozenset(), False, False
        elif sight is Sight.ON and word is not None:
            self.codes, self.has_unlisted = codes, has_unlisted
            self.had_bits = self.had_bits or not self.is_bare

    def sight_of_bit(self, sight: Sight, is_on: bool) -> Sight:
        """Return what is seen of one bit, when `sight` is what is seen of the machine's fault."""
        if sight is not Sight.ON:
            return sight
        if self.word is None:
            return Sight.UNSEEN
        return Sight.ON if is_on else Sight.OFF

    def sight_of_rest(self, sight: Sight, *, is_other_on: bool) -> Sight:
        """Return what is seen of a fault that no listed bit tells of."""
        if sight is not Sight.ON:
            return sight
        if self.word is None:
            return Sight.UNSEEN if is_other_on else Sight.ON
        return Sight.OFF if self.codes and not self.has_unlisted else Sight.ON
