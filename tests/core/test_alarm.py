"""The life of an alarm, by the table and by properties over everything that can happen to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lineside.core.alarm import (
    COMMENTS_MAX,
    TRANSITIONS,
    Alarm,
    AlarmEvent,
    AlarmEventKind,
    AlarmKind,
    AlarmState,
    advance,
)
from lineside.core.alarm_text import AlarmText, Severity, equipment_text, plc_text
from lineside.core.errors import AlarmRefused

S, E = AlarmState, AlarmEventKind
T0_MS = 1_762_165_845_000


def an_alarm() -> Alarm:
    return Alarm(
        id=1,
        kind=AlarmKind.EQUIPMENT,
        source="KRCWO12ELOA101",
        line_id="weld1",
        name="Upper 로봇 용접",
        plc_id="PLC01",
        tag="M200",
        severity=Severity.HIGH,
        text_ko="설비 이상",
        text_en="Machine fault",
        raised_ms=T0_MS,
        last_raised_ms=T0_MS,
        changed_ms=T0_MS,
    )


def after(*kinds: AlarmEventKind, alarm: Alarm | None = None) -> Alarm:
    alarm = alarm or an_alarm()
    for number, kind in enumerate(kinds):
        alarm = advance(alarm, an_event(kind, T0_MS + 1000 * number))
    return alarm


def an_event(kind: AlarmEventKind, at_ms: int = T0_MS) -> AlarmEvent:
    until_ms = at_ms + 60_000 if kind is E.SHELVED else None
    is_by_person = kind in (E.ACKNOWLEDGED, E.SHELVED, E.UNSHELVED, E.COMMENTED)
    return AlarmEvent(kind=kind, at_ms=at_ms, by="Kim" if is_by_person else "", until_ms=until_ms)


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([E.RAISED], S.UNACKNOWLEDGED),
        ([E.RAISED, E.ACKNOWLEDGED], S.ACKNOWLEDGED),
        ([E.RAISED, E.ACKNOWLEDGED, E.CLEARED], S.NORMAL),
        ([E.RAISED, E.CLEARED], S.RETURNED_UNACKNOWLEDGED),
        ([E.RAISED, E.CLEARED, E.ACKNOWLEDGED], S.NORMAL),
        ([E.RAISED, E.CLEARED, E.RAISED], S.UNACKNOWLEDGED),
        ([E.RAISED, E.CLEARED, E.CONTINUED], S.UNACKNOWLEDGED),
        ([E.RAISED, E.SHELVED, E.CLEARED, E.CONTINUED], S.SHELVED),
        ([E.RAISED, E.SHELVED], S.SHELVED),
        ([E.RAISED, E.SHELVED, E.UNSHELVED], S.UNACKNOWLEDGED),
        ([E.RAISED, E.ACKNOWLEDGED, E.SHELVED, E.SHELF_OVER], S.UNACKNOWLEDGED),
        ([E.RAISED, E.SHELVED, E.CLEARED], S.SHELVED),
        ([E.RAISED, E.SHELVED, E.CLEARED, E.SHELF_OVER], S.NORMAL),
        ([E.RAISED, E.SHELVED, E.CLEARED, E.RAISED, E.SHELF_OVER], S.UNACKNOWLEDGED),
        ([E.RAISED, E.SUPPRESSED], S.SUPPRESSED),
        ([E.RAISED, E.SUPPRESSED, E.UNSUPPRESSED], S.UNACKNOWLEDGED),
        ([E.RAISED, E.SUPPRESSED, E.CLEARED], S.NORMAL),
        ([E.RAISED, E.SUPPRESSED, E.ACKNOWLEDGED], S.ACKNOWLEDGED),
        ([E.RAISED, E.SUPERSEDED], S.NORMAL),
        ([E.RAISED, E.SHELVED, E.REMOVED], S.NORMAL),
    ],
)
def test_the_ways_through_the_states(kinds: list[AlarmEventKind], state: AlarmState) -> None:
    assert after(*kinds).state is state


@pytest.mark.parametrize(
    ("kinds", "wish", "because"),
    [
        ([E.RAISED, E.ACKNOWLEDGED], E.ACKNOWLEDGED, "Kim acknowledged it at 2025-11-03T10:30:46"),
        ([E.RAISED, E.SHELVED], E.ACKNOWLEDGED, "it is shelved until 2025-11-03T10:31:46"),
        ([E.RAISED, E.ACKNOWLEDGED, E.CLEARED], E.ACKNOWLEDGED, "it is over"),
        ([E.RAISED, E.CLEARED, E.ACKNOWLEDGED], E.SHELVED, "it is over"),
        ([E.RAISED], E.UNSHELVED, "cannot be taken off the shelf: it is unacknowledged"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(
    kinds: list[AlarmEventKind], wish: AlarmEventKind, because: str
) -> None:
    with pytest.raises(AlarmRefused, match=because):
        advance(after(*kinds), an_event(wish))


def test_an_alarm_that_comes_again_unacknowledged_is_the_same_alarm_counted_twice() -> None:
    alarm = after(E.RAISED, E.CLEARED, E.RAISED)
    assert (alarm.raised_count, alarm.raised_ms) == (2, T0_MS)
    assert (alarm.last_raised_ms, alarm.cleared_ms) == (T0_MS + 2000, None)


def test_who_acknowledged_is_told_until_it_is_news_again() -> None:
    alarm = after(E.RAISED, E.ACKNOWLEDGED)
    assert (alarm.acknowledged_by, alarm.acknowledged_ms) == ("Kim", T0_MS + 1000)
    again = after(E.SHELVED, E.UNSHELVED, alarm=alarm)
    assert (again.acknowledged_by, again.acknowledged_ms) == (None, None)


def test_a_code_that_is_seen_later_says_what_the_fault_is() -> None:
    meaning = AlarmText(
        severity=Severity.LOW, text_ko="도어", text_en="Door", advice_en="Close it."
    )
    seen = AlarmEvent(kind=E.CODE_SEEN, at_ms=T0_MS, alarm_code=12, meaning=meaning)
    alarm = advance(after(E.RAISED), seen)
    assert (alarm.alarm_code, alarm.severity) == (12, Severity.LOW)
    assert (alarm.text_ko, alarm.text_en, alarm.advice_en) == ("도어", "Door", "Close it.")


def test_comments_are_kept_with_the_alarm_up_to_a_bound() -> None:
    alarm = after(E.RAISED)
    for number in range(COMMENTS_MAX + 5):
        said = AlarmEvent(kind=E.COMMENTED, at_ms=T0_MS, by="Lee", text=f"note {number}")
        alarm = advance(alarm, said)
    assert len(alarm.comments) == COMMENTS_MAX
    assert alarm.comments[-1].text == f"note {COMMENTS_MAX + 4}"


def test_a_code_that_no_table_knows_is_shown_as_it_is() -> None:
    known = AlarmText(text_ko="과열", text_en="Hot")
    assert equipment_text(3, {3: known}) is known
    assert equipment_text(4, {3: known}).text_en == "Machine fault (code 4)"
    assert equipment_text(None, {3: known}).text_ko == "설비 이상"
    assert plc_text(1).text_en == "PLC lost: 1 machine is out of sight"
    assert plc_text(6).text_ko == "PLC 통신 두절: 설비 6대를 볼 수 없음"


events = st.lists(
    st.tuples(st.sampled_from(E), st.integers(-5_000, 3_600_000)), min_size=1, max_size=40
)


@given(events)
def test_whatever_happens_an_alarm_stays_whole(told: list[tuple[AlarmEventKind, int]]) -> None:
    alarm = after(E.RAISED)
    for kind, offset_ms in told:
        before = alarm
        try:
            alarm = advance(alarm, an_event(kind, T0_MS + offset_ms))
        except AlarmRefused:
            assert (before.state, kind) not in TRANSITIONS
            continue
        assert alarm.revision == before.revision + 1
        assert alarm.changed_ms >= before.changed_ms
        assert alarm.raised_ms <= alarm.last_raised_ms
        if alarm.cleared_ms is not None:
            assert alarm.cleared_ms >= alarm.last_raised_ms
        # What stands is never over without a word, and what is not acknowledged names nobody.
        if alarm.is_over and kind not in (E.SUPERSEDED, E.REMOVED):
            assert not alarm.is_on
        assert (alarm.shelved_until_ms is not None) == (alarm.state is S.SHELVED)
        if alarm.state is S.UNACKNOWLEDGED:
            assert alarm.is_on
            assert alarm.acknowledged_by is None
        if alarm.state is S.RETURNED_UNACKNOWLEDGED:
            assert not alarm.is_on
        if alarm.state is S.ACKNOWLEDGED:
            assert alarm.is_on
            assert alarm.acknowledged_by == "Kim"
        assert replace(alarm) == alarm


@given(events)
def test_what_is_over_stays_over(told: list[tuple[AlarmEventKind, int]]) -> None:
    over = after(E.RAISED, E.ACKNOWLEDGED, E.CLEARED)
    for kind, offset_ms in told:
        if kind is E.RAISED:
            continue  # it makes a new alarm
        try:
            over = advance(over, an_event(kind, T0_MS + offset_ms))
        except AlarmRefused:
            continue
        assert kind is E.COMMENTED
        assert over.is_over
