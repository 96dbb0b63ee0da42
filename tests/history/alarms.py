"""Alarms made by hand, and what is told of them."""

from __future__ import annotations

from typing import Any

from builders import code
from history.told import T0_MS
from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, AlarmKind, advance
from lineside.core.alarm_text import Severity
from lineside.history.records import AlarmRecord, alarm_record


def raised(number: int = 1, *, at_ms: int = T0_MS, **facts: Any) -> tuple[Alarm, AlarmRecord]:
    """Return alarm `number`, just raised, and its record."""
    alarm = Alarm(
        **{
            "id": number,
            "kind": AlarmKind.EQUIPMENT,
            "source": code(100 + number),
            "line_id": "weld1",
            "name": f"로봇 용접 {number}",
            "plc_id": "PLC01",
            "tag": "M200",
            "severity": Severity.HIGH,
            "text_ko": "설비 이상",
            "text_en": "Machine fault",
            "raised_ms": at_ms,
            "last_raised_ms": at_ms,
            "changed_ms": at_ms,
            **facts,
        }
    )
    return told(alarm, AlarmEventKind.RAISED, at_ms)


def told(
    alarm: Alarm, kind: AlarmEventKind, at_ms: int, by: str = "", text: str = "", **more: Any
) -> tuple[Alarm, AlarmRecord]:
    """Return `alarm` after an event, and the record of it."""
    event = AlarmEvent(kind=kind, at_ms=at_ms, by=by, text=text, **more)
    after = advance(alarm, event)
    return after, alarm_record(after, event)
