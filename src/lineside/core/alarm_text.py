"""What alarms say and how they are configured: severities, messages by code, delays. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How urgent an alarm is (the priorities of ISA-18.2)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class AlarmText(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm says, and what to do about it, in both languages of the page."""

    severity: Severity = Severity.HIGH
    text_ko: str
    text_en: str
    advice_ko: str = ""
    advice_en: str = ""


class AlarmRules(msgspec.Struct, frozen=True, kw_only=True):
    """How long a fault must stand to raise its alarm, and be gone to clear it, in seconds.

    `shelf_max_s` is how long an alarm may be shelved at a time.
    """

    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    shelf_max_s: float = 86_400.0


def equipment_text(alarm_code: int | None, messages: Mapping[int, AlarmText]) -> AlarmText:
    """Return what the alarm of a machine says.

    Args:
        alarm_code: what the machine tells of its fault; None: nothing.
        messages: the table of that machine, by code; codes may be missing.
    """
    if alarm_code is None:
        return AlarmText(text_ko="설비 이상", text_en="Machine fault")
    found = messages.get(alarm_code)
    if found is not None:
        return found
    return AlarmText(
        text_ko=f"설비 이상 (코드 {alarm_code})", text_en=f"Machine fault (code {alarm_code})"
    )


def plc_text(machine_count: int) -> AlarmText:
    """Return what the alarm of a lost PLC says, which `machine_count` machines are read from."""
    machines = "machine is" if machine_count == 1 else "machines are"
    return AlarmText(
        text_ko=f"PLC 통신 두절: 설비 {machine_count}대를 볼 수 없음",
        text_en=f"PLC lost: {machine_count} {machines} out of sight",
        advice_ko="PLC의 전원과 랜선, 스위치를 확인하세요.",
        advice_en="Check the PLC's power, its cable and the switch.",
    )
