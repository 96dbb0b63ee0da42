"""Turns alarms into the shapes that REST answers with. Pure."""

from __future__ import annotations

from lineside.core.alarm import Alarm, AlarmEventKind, AlarmKind
from lineside.core.times import iso_utc
from lineside.history.alarm_query import StoredAlarmEvent
from lineside.web.alarm_schema import AlarmCommentView, AlarmEventView, AlarmView


def alarm_view(alarm: Alarm) -> AlarmView:
    """Return one alarm as it stands."""
    return AlarmView(
        id=alarm.id,
        kind=alarm.kind,
        line_id=alarm.line_id,
        code=alarm.source if alarm.kind is AlarmKind.EQUIPMENT else None,
        name=alarm.name,
        plc_id=alarm.plc_id,
        tag=alarm.tag,
        alarm_code=alarm.alarm_code,
        severity=alarm.severity,
        text_ko=alarm.text_ko,
        text_en=alarm.text_en,
        advice_ko=alarm.advice_ko,
        advice_en=alarm.advice_en,
        state=alarm.state,
        is_on=alarm.is_on,
        raised=_iso(alarm.raised_ms),
        last_raised=_iso(alarm.last_raised_ms),
        raised_count=alarm.raised_count,
        cleared=_iso_or_none(alarm.cleared_ms),
        acknowledged=_iso_or_none(alarm.acknowledged_ms),
        acknowledged_by=alarm.acknowledged_by,
        shelved_until=_iso_or_none(alarm.shelved_until_ms),
        comments=[
            AlarmCommentView(at=_iso(each.at_ms), by=each.by, text=each.text)
            for each in alarm.comments
        ],
    )


def alarm_event_view(event: StoredAlarmEvent) -> AlarmEventView:
    """Return one line of an alarm's audit."""
    return AlarmEventView(
        at=_iso(event.at_ms),
        event=AlarmEventKind(event.kind),
        state=event.state,
        by=event.by,
        text=event.text,
        note=event.note,
    )


def _iso(at_ms: int) -> str:
    return iso_utc(at_ms / 1000)


def _iso_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else _iso(at_ms)
