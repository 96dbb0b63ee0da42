"""Whether a fault stands, with the delays that keep flicker from becoming alarms. Pure.

A fault rises when it has been seen for the on-delay without a break, and falls when it has been
seen to be gone for the off-delay. What is out of sight neither rises nor falls: it is as it was
last seen.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineside.core.alarm_text import AlarmRules
from lineside.core.model import Instant, PlcLink, Status


class Sight(StrEnum):
    """What is seen of a fault at one moment."""

    ON = "on"
    OFF = "off"
    UNSEEN = "unseen"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A fault has risen (`is_on`) or fallen; `since` is when that was first seen."""

    is_on: bool
    since: Instant

    def moved(self, by_s: float) -> Turn:
        """Return the turn so much later: the clock was set right."""
        return msgspec.structs.replace(self, since=later(self.since, by_s))


class FaultWatch:
    """Watches one fault. `is_on` None: it has not been seen yet, so that nothing can have risen."""

    __slots__ = ("_since", "first_seen", "is_on", "is_seen")

    def __init__(self) -> None:
        self.is_on: bool | None = None
        self.is_seen = False
        self.first_seen: Instant | None = None
        self._since: Instant | None = None  # of what is the contrary of `is_on`

    @property
    def is_waiting(self) -> bool:
        """Whether a delay runs."""
        return self._since is not None

    @property
    def may_rise(self) -> bool:
        """Whether an on-delay runs."""
        return self._since is not None and self.is_on is False

    def move(self, by_s: float) -> None:
        """Let all that was seen so far be so much later: the clock was set right."""
        if self.first_seen is not None:
            self.first_seen = later(self.first_seen, by_s)
        if self._since is not None:
            self._since = later(self._since, by_s)

    def see(self, sight: Sight, at: Instant, rules: AlarmRules) -> Turn | None:
        """Take in what is seen at a moment, and return the turn that it makes."""
        self.is_seen = sight is not Sight.UNSEEN
        if not self.is_seen:
            self._since = None
            return None
        self.first_seen = self.first_seen or at
        is_on = sight is Sight.ON
        if self.is_on is None:
            self.is_on = is_on
        if self.is_on is is_on:
            self._since = None
            return None
        self._since = self._since or at
        return self.due(at, rules)

    def due(self, now: Instant, rules: AlarmRules) -> Turn | None:
        """Return the turn that the passing of time has made by `now`."""
        if self._since is None:
            return None
        delay_s = rules.off_delay_s if self.is_on else rules.on_delay_s
        if self._since.age_s(now) < delay_s:
            return None
        turn = Turn(is_on=not self.is_on, since=self._since)
        self.is_on, self._since = turn.is_on, None
        return turn


def later(at: Instant, by_s: float) -> Instant:
    """Return the same moment by a wall clock that shows so much more."""
    return msgspec.structs.replace(at, unix_s=at.unix_s + by_s)


def sight_of_status(status: Status) -> Sight:
    """Return what a machine's status says of its fault."""
    if status is Status.DISCONNECTED:
        return Sight.UNSEEN
    return Sight.ON if status is Status.ERROR else Sight.OFF


def sight_of_link(link: PlcLink) -> Sight:
    """Return what a PLC's link says of its being lost."""
    if link is PlcLink.LOST:
        return Sight.ON
    return Sight.OFF if link is PlcLink.ONLINE else Sight.UNSEEN
