"""Which alarms are asked for, and whether one is among them: the same in memory as in SQL. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from lineside.core.alarm import Alarm, AlarmKind, AlarmNote, AlarmState
from lineside.core.alarm_text import Severity
from lineside.core.model import PlcLink, Status

AlarmKey: TypeAlias = tuple[int, int]  # last_raised_ms, id

SEARCHED = ("source", "name", "plc_id", "text_ko", "text_en")


class AlarmQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; None and empty ask for everything.

    A line has its machines' alarms and those of PLCs that serve several lines. A window
    [begin_ms, end_ms) has the alarms whose fault stood at some time in it. `text` is looked for in
    names, codes and messages, without regard to case. `before` is the last of the page before.
    """

    line_id: str | None = None
    code: str | None = None
    states: tuple[AlarmState, ...] = ()
    severities: tuple[Severity, ...] = ()
    begin_ms: int | None = None
    end_ms: int | None = None
    text: str = ""
    before: AlarmKey | None = None

    def has(self, alarm: Alarm) -> bool:
        """Whether `alarm` is asked for."""
        return (
            (not self.states or alarm.state in self.states)
            and (not self.severities or alarm.severity in self.severities)
            and (self.code is None or self._is_of_code(alarm))
            and (self.line_id is None or self._is_on_line(alarm))
            and (self.begin_ms is None or alarm.is_on or _end(alarm) >= self.begin_ms)
            and (self.end_ms is None or alarm.raised_ms < self.end_ms)
            and (self.before is None or key_of(alarm) < self.before)
            and (not self.text or self._is_named(alarm))
        )

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
    """Return where an alarm stands in a list, which begins with the greatest."""
    return alarm.last_raised_ms, alarm.id


def newest_first(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Return `alarms` as lists show them."""
    return sorted(alarms, key=key_of, reverse=True)


def _end(alarm: Alarm) -> int:
    return alarm.cleared_ms if alarm.cleared_ms is not None else alarm.last_raised_ms


class StoredAlarmEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an alarm's audit."""

    number: int
    at_ms: int
    kind: str
    state: AlarmState
    by: str
    text: str
    note: AlarmNote | None


class EquipmentCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How often a machine's fault rose, and how often its status changed."""

    alarms: int = 0
    changes: int = 0


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """How things stood when the server was last there.

    `open` are the alarms that were not over, `over` the newest of those that were; `statuses` has
    each machine's last status in which it was seen, `links` each PLC's last word that it answered
    or was lost.
    """

    open: tuple[Alarm, ...] = ()
    over: tuple[Alarm, ...] = ()
    statuses: Mapping[str, Status] = {}
    links: Mapping[str, PlcLink] = {}
