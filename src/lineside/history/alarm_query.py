"""Which alarms are asked for, and whether one is among them: the same in memory as in SQL. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TypeAlias

import msgspec

from lineside.core.alarm import Alarm, AlarmKind, AlarmNote, AlarmState
from lineside.core.alarm_text import Severity
from lineside.core.model import PlcLink, Status

AlarmKey: TypeAlias = tuple[int, int]  # last_raised_ms, id

ID_MAX = 2**63 - 1

SEARCHED = ("source", "name", "plc_id", "text_ko", "text_en")


class AlarmQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; None and empty ask for everything.

    A line has its machines' alarms and those of PLCs that serve several lines. A window
    [begin_ms, end_ms) has the alarms whose fault stood at some time in it: between two rises it did
    not. `text` is looked for in names, codes and messages, without regard to case.

    A list comes page by page. The first page has the alarms that were raised last. When they were
    raised last changes while a list is read, their ids do not: with `before_id` those of smaller
    ids are asked for, the greatest first. `first_page_end` is then where the first page ended. What
    was in it, and cannot have come there by being raised again, is passed over.
    """

    line_id: str | None = None
    code: str | None = None
    states: tuple[AlarmState, ...] = ()
    severities: tuple[Severity, ...] = ()
    begin_ms: int | None = None
    end_ms: int | None = None
    text: str = ""
    first_page_end: AlarmKey | None = None
    before_id: int | None = None

    def has(self, alarm: Alarm, stood: Container[int] = ()) -> bool:
        """Whether `alarm` is asked for.

        Args:
            alarm: as it stands.
            stood: the ids of those that stood in the window, of which `is_unsure_of` is true.
        """
        is_in_window = stood_in(alarm, self.begin_ms, self.end_ms)
        return self._fits(alarm) and (alarm.id in stood if is_in_window is None else is_in_window)

    def is_unsure_of(self, alarm: Alarm) -> bool:
        """Whether `alarm` is asked for if its events say that it stood in the window."""
        return self._fits(alarm) and stood_in(alarm, self.begin_ms, self.end_ms) is None

    def _fits(self, alarm: Alarm) -> bool:
        """Whether all but the window is as asked for."""
        return (
            (not self.states or alarm.state in self.states)
            and (not self.severities or alarm.severity in self.severities)
            and (self.code is None or self._is_of_code(alarm))
            and (self.line_id is None or self._is_on_line(alarm))
            and (self.before_id is None or alarm.id < self.before_id)
            and not self._was_on_first_page(alarm)
            and (not self.text or self._is_named(alarm))
        )

    def _was_on_first_page(self, alarm: Alarm) -> bool:
        end = self.first_page_end
        return end is not None and alarm.raised_count <= 1 and key_of(alarm) >= end

    def place_of(self, alarm: Alarm) -> AlarmKey:
        """Return where an alarm stands in this list, which begins with the greatest."""
        return key_of(alarm) if self.before_id is None else (alarm.id, alarm.id)

    def _is_of_code(self, alarm: Alarm) -> bool:
        return alarm.kind is AlarmKind.EQUIPMENT and alarm.source == self.code

    def _is_on_line(self, alarm: Alarm) -> bool:
        return alarm.line_id is None or alarm.line_id == self.line_id

    def _is_named(self, alarm: Alarm) -> bool:
        text = self.text.lower()
        if alarm.alarm_code is not None and text == str(alarm.alarm_code):
            return True
        return any(text in (getattr(alarm, name) or "").lower() for name in SEARCHED)


def key_of(alarm: Alarm) -> AlarmKey:
    """Return where an alarm stands among those that were raised last."""
    return alarm.last_raised_ms, alarm.id


def newest_first(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Return `alarms`, the last raised first."""
    return sorted(alarms, key=key_of, reverse=True)


def stood_in(alarm: Alarm, begin_ms: int | None, end_ms: int | None) -> bool | None:
    """Whether the fault stood at some time in [begin_ms, end_ms); None: only its events can tell.

    An alarm carries its first rise and its last spell. A spell without a length counts where it is.
    """
    if end_ms is not None and alarm.raised_ms >= end_ms:
        return False
    if begin_ms is None or alarm.raised_ms >= begin_ms:
        return True
    cleared_ms = alarm.cleared_ms
    if cleared_ms is not None and cleared_ms <= begin_ms and alarm.last_raised_ms < begin_ms:
        return False
    return True if end_ms is None or alarm.last_raised_ms < end_ms else None


class StoredAlarmEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an alarm's audit."""

    number: int
    at_ms: int
    kind: str
    state: AlarmState
    by: str
    text: str
    note: AlarmNote | None


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Faults that have no alarm: the first rose at `begin_ms`, the last was over at `end_ms`."""

    count: int
    begin_ms: int
    end_ms: int


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """How things stood when the server was last there.

    `open` are the alarms that were not over, `over` the newest of those that were; `statuses` has
    each machine's last status in which it was seen, `links` each PLC's last word that it answered
    or was lost. `owed` has when a fault rose that stands and has no alarm, `waiting_since_ms` is
    set when alarms waited at the end, and `missing` counts the faults that were over by then.
    `missing_spans` have been told of before. `left` are machines and PLCs whose alarm ended since
    they left the configuration, and which have not been seen to be well since.
    """

    open: tuple[Alarm, ...] = ()
    over: tuple[Alarm, ...] = ()
    statuses: Mapping[str, Status] = {}
    links: Mapping[str, PlcLink] = {}
    owed: Mapping[tuple[AlarmKind, str], int] = {}
    left: frozenset[tuple[AlarmKind, str]] = frozenset()
    waiting_since_ms: int | None = None
    missing: Missing | None = None
    missing_spans: tuple[tuple[int, int], ...] = ()
