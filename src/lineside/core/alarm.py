"""One alarm through its life: the state machine of ISA-18.2 as a table. Pure.

An alarm is made when a fault rises and is over when it is `NORMAL` again. Whether its fault still
stands is `is_on`, in every state. Times are Unix milliseconds in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from lineside.core.alarm_text import AlarmText, Severity
from lineside.core.errors import AlarmRefused
from lineside.core.times import iso_utc

COMMENTS_MAX = 20  # that an alarm carries along, the newest; its events keep them all


class AlarmKind(StrEnum):
    """What an alarm is about."""

    EQUIPMENT = "equipment"  # the fault of one machine
    PLC = "plc"  # a lost PLC: one alarm, however many machines it reads


class AlarmState(StrEnum):
    """The states of ISA-18.2."""

    UNACKNOWLEDGED = "unacknowledged"  # the fault stands and nobody has said so
    ACKNOWLEDGED = "acknowledged"  # the fault stands, and somebody knows
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"  # gone before anybody knew
    SHELVED = "shelved"  # put aside by a person, for a time
    SUPPRESSED = "suppressed"  # by design: the fault stands outside of every shift
    NORMAL = "normal"  # over


class AlarmEventKind(StrEnum):
    """What can happen to an alarm."""

    RAISED = "raised"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"  # by a person
    SHELF_OVER = "shelf_over"  # its time has run out
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    COMMENTED = "commented"
    CODE_SEEN = "code_seen"  # the machine told what its fault is after it told that there is one
    CONTINUED = "continued"  # came back as another alarm, until that one's code was seen
    SUPERSEDED = "superseded"  # too many wait, or another alarm tells of the same fault
    REMOVED = "removed"  # the machine or the PLC left the configuration


class AlarmNote(StrEnum):
    """What else there is to know of something that happened by itself."""

    NOT_WATCHED = "not_watched"  # the fault went while nobody watched
    FIRST_SIGHT = "first_sight"  # the fault stood when it was first seen after a start
    COMES_AND_GOES = "comes_and_goes"  # so often that it counts as gone only after a longer time
    TOO_MANY = "too_many"  # alarms of one source waited for an acknowledgement
    SAME_CODE = "same_code"  # another alarm of that machine has it, and goes on
    NOT_CONFIGURED = "not_configured"  # any more


class AlarmComment(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a person wrote to an alarm."""

    at_ms: int
    by: str
    text: str


class Alarm(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One alarm as it stands. `revision` counts what has happened to it.

    `source` is the code of a machine or the id of a PLC; `line_id` is None where several lines are
    concerned. `raised_ms` is when the fault first rose, `last_raised_ms` when it last did, and
    `raised_count` how often. `cleared_ms` None: the fault stands.
    """

    id: int
    revision: int = 0
    kind: AlarmKind
    source: str
    line_id: str | None
    name: str
    plc_id: str | None
    tag: str | None
    alarm_code: int | None = None
    severity: Severity
    text_ko: str
    text_en: str
    advice_ko: str = ""
    advice_en: str = ""
    state: AlarmState = AlarmState.NORMAL
    raised_ms: int
    last_raised_ms: int
    raised_count: int = 0
    cleared_ms: int | None = None
    acknowledged_ms: int | None = None
    acknowledged_by: str | None = None
    shelved_until_ms: int | None = None
    changed_ms: int
    comments: tuple[AlarmComment, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether its fault stands."""
        return self.cleared_ms is None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of it but its record."""
        return self.state is AlarmState.NORMAL


class AlarmEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happens to an alarm.

    `by` names the person, empty when it was none. `text` is what that person wrote, `note` what
    else there is to know. `until_ms` is for SHELVED alone, `meaning` and `alarm_code` are for
    CODE_SEEN.
    """

    kind: AlarmEventKind
    at_ms: int
    by: str = ""
    text: str = ""
    note: AlarmNote | None = None
    until_ms: int | None = None
    alarm_code: int | None = None
    meaning: AlarmText | None = None


_S, _E = AlarmState, AlarmEventKind
_Next: TypeAlias = tuple[AlarmState, AlarmState]  # while the fault stands, and when it is gone


def _to(state: AlarmState) -> _Next:
    return state, state


_FROM_ANYWHERE: Mapping[AlarmEventKind, _Next] = {
    _E.SUPERSEDED: _to(_S.NORMAL),
    _E.REMOVED: _to(_S.NORMAL),
}

TRANSITIONS: Mapping[tuple[AlarmState, AlarmEventKind], _Next] = MappingProxyType(
    {
        (_S.NORMAL, _E.RAISED): _to(_S.UNACKNOWLEDGED),
        (_S.UNACKNOWLEDGED, _E.ACKNOWLEDGED): _to(_S.ACKNOWLEDGED),
        (_S.UNACKNOWLEDGED, _E.CLEARED): _to(_S.RETURNED_UNACKNOWLEDGED),
        (_S.UNACKNOWLEDGED, _E.SHELVED): _to(_S.SHELVED),
        (_S.UNACKNOWLEDGED, _E.SUPPRESSED): _to(_S.SUPPRESSED),
        (_S.ACKNOWLEDGED, _E.CLEARED): _to(_S.NORMAL),
        (_S.ACKNOWLEDGED, _E.SHELVED): _to(_S.SHELVED),
        (_S.RETURNED_UNACKNOWLEDGED, _E.ACKNOWLEDGED): _to(_S.NORMAL),
        (_S.RETURNED_UNACKNOWLEDGED, _E.RAISED): _to(_S.UNACKNOWLEDGED),
        (_S.RETURNED_UNACKNOWLEDGED, _E.CONTINUED): _to(_S.UNACKNOWLEDGED),
        (_S.RETURNED_UNACKNOWLEDGED, _E.SHELVED): _to(_S.SHELVED),
        (_S.SHELVED, _E.RAISED): _to(_S.SHELVED),
        (_S.SHELVED, _E.CONTINUED): _to(_S.SHELVED),
        (_S.SHELVED, _E.CLEARED): _to(_S.SHELVED),
        (_S.SHELVED, _E.SHELVED): _to(_S.SHELVED),  # for another time
        (_S.SHELVED, _E.UNSHELVED): (_S.UNACKNOWLEDGED, _S.NORMAL),
        (_S.SHELVED, _E.SHELF_OVER): (_S.UNACKNOWLEDGED, _S.NORMAL),
        (_S.SUPPRESSED, _E.ACKNOWLEDGED): _to(_S.ACKNOWLEDGED),
        (_S.SUPPRESSED, _E.CLEARED): _to(_S.NORMAL),
        (_S.SUPPRESSED, _E.SHELVED): _to(_S.SHELVED),
        (_S.SUPPRESSED, _E.UNSUPPRESSED): _to(_S.UNACKNOWLEDGED),
        **{(state, _E.COMMENTED): _to(state) for state in _S},
        **{(state, _E.CODE_SEEN): _to(state) for state in _S if state is not _S.NORMAL},
        **{
            (state, event): following
            for event, following in _FROM_ANYWHERE.items()
            for state in _S
            if state is not _S.NORMAL
        },
    }
)


def advance(alarm: Alarm, event: AlarmEvent) -> Alarm:
    """Return `alarm` after `event`.

    Raises:
        AlarmRefused: that cannot happen to an alarm in this state.
    """
    pair = TRANSITIONS.get((alarm.state, event.kind))
    if pair is None:
        raise AlarmRefused(_refusal(alarm, event.kind))
    after = _with_facts(alarm, event)
    state = pair[0] if after.is_on else pair[1]
    is_shelved = state is AlarmState.SHELVED
    is_new_again = state is AlarmState.UNACKNOWLEDGED
    return msgspec.structs.replace(
        after,
        state=state,
        revision=alarm.revision + 1,
        changed_ms=max(alarm.changed_ms, event.at_ms),
        acknowledged_ms=None if is_new_again else after.acknowledged_ms,
        acknowledged_by=None if is_new_again else after.acknowledged_by,
        shelved_until_ms=after.shelved_until_ms if is_shelved else None,
    )


def _with_facts(alarm: Alarm, event: AlarmEvent) -> Alarm:
    """Return `alarm` with what `event` tells, its state left as it was."""
    change = msgspec.structs.replace
    if event.by and event.text:
        said = AlarmComment(at_ms=event.at_ms, by=event.by, text=event.text)
        alarm = change(alarm, comments=(*alarm.comments, said)[-COMMENTS_MAX:])
    if event.kind in (AlarmEventKind.RAISED, AlarmEventKind.CONTINUED):
        at_ms = max(event.at_ms, alarm.last_raised_ms, alarm.cleared_ms or 0)
        return change(
            alarm, last_raised_ms=at_ms, raised_count=alarm.raised_count + 1, cleared_ms=None
        )
    ends = (AlarmEventKind.CLEARED, AlarmEventKind.SUPERSEDED, AlarmEventKind.REMOVED)
    if event.kind in ends and alarm.is_on:
        return change(alarm, cleared_ms=max(event.at_ms, alarm.last_raised_ms))
    if event.kind is AlarmEventKind.ACKNOWLEDGED:
        return change(alarm, acknowledged_ms=event.at_ms, acknowledged_by=event.by)
    if event.kind is AlarmEventKind.SHELVED:
        return change(alarm, shelved_until_ms=event.until_ms)
    if event.kind is AlarmEventKind.CODE_SEEN and event.meaning is not None:
        return worded(change(alarm, alarm_code=event.alarm_code), event.meaning)
    return alarm


def worded(alarm: Alarm, text: AlarmText) -> Alarm:
    """Return `alarm` saying `text`."""
    return msgspec.structs.replace(
        alarm,
        severity=text.severity,
        text_ko=text.text_ko,
        text_en=text.text_en,
        advice_ko=text.advice_ko,
        advice_en=text.advice_en,
    )


_OF_THE_SOURCE = ("line_id", "name", "plc_id", "tag")
_WORDS = ("severity", "text_ko", "text_en", "advice_ko", "advice_en")


def told_as(alarm: Alarm, newer: Alarm) -> Alarm:
    """Return `alarm` with the names and words of `newer`, of the same source and the same code."""
    facts = {name: getattr(newer, name) for name in (*_OF_THE_SOURCE, *_WORDS)}
    return msgspec.structs.replace(alarm, **facts)


_WISHES = {
    AlarmEventKind.ACKNOWLEDGED: "acknowledged",
    AlarmEventKind.SHELVED: "shelved",
    AlarmEventKind.UNSHELVED: "taken off the shelf",
}


def _refusal(alarm: Alarm, wish: AlarmEventKind) -> str:
    """Return why `wish` cannot be met, in plain words."""
    if alarm.state is AlarmState.NORMAL:
        because = "it is over"
    elif alarm.state is AlarmState.ACKNOWLEDGED and alarm.acknowledged_ms is not None:
        at = iso_utc(alarm.acknowledged_ms / 1000)
        because = f"{alarm.acknowledged_by} acknowledged it at {at}"
    elif alarm.state is AlarmState.SHELVED and alarm.shelved_until_ms is not None:
        because = f"it is shelved until {iso_utc(alarm.shelved_until_ms / 1000)}"
    else:
        because = f"it is {alarm.state.value.replace('_', ' and ')}"
    return f"The alarm cannot be {_WISHES.get(wish, wish.value)}: {because}."
