"""What the desk makes of the code that a machine tells with its fault, or after it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import code
from core.calendars import ms, plant
from core.calendars import shift as a_shift
from history.alarms import raised
from history.desk_scene import Scene, a_fault_with_code, reconfigure, running, with_codes
from history.told import T0_MS
from lineside.core.alarm import AlarmEvent, AlarmEventKind, AlarmNote, AlarmState
from lineside.core.alarm_text import AlarmRules, AlarmText
from lineside.core.model import Status
from lineside.history import alarm_point
from lineside.history.alarm_query import Recalled

RUNNING, ERROR, DISCONNECTED = Status.RUNNING, Status.ERROR, Status.DISCONNECTED
E, S = AlarmEventKind, AlarmState


def test_a_code_that_is_held_as_a_floating_point_number_is_that_code() -> None:
    scene = running()
    scene.codes[101] = 12.0
    scene.see(101, ERROR)
    (alarm,) = scene.alarms
    assert alarm.alarm_code == 12


def test_the_code_says_what_the_alarm_is() -> None:
    scene = Scene(with_codes(101))
    scene.all_run()
    scene.codes[101] = 12
    scene.see(101, ERROR)
    (alarm,) = scene.alarms
    assert (alarm.alarm_code, alarm.text_ko, alarm.severity) == (12, "도어 열림", "critical")


def test_a_code_that_comes_a_moment_later_is_taken() -> None:
    scene = Scene(with_codes(101))
    scene.codes[101] = 0
    scene.all_run()
    scene.see(101, ERROR)
    assert scene.alarms[0].text_en == "Machine fault"
    scene.pass_(1)
    scene.codes[101] = 12
    scene.see(101, ERROR)
    scene.pass_(1)
    assert scene.alarms[0].text_en == "Door open"
    assert scene.told == ["raised", "code_seen"]


def test_a_code_that_gives_way_to_another_clears_its_alarm_and_raises_one_of_its_own() -> None:
    scene = a_fault_with_code(12)
    scene.pass_(9)
    scene.codes[101] = 34
    scene.see(101, ERROR)
    old, new = scene.alarms
    assert (old.alarm_code, old.cleared_ms, old.state) == (
        12,
        T0_MS + 10_000,
        S.RETURNED_UNACKNOWLEDGED,
    )
    assert (new.alarm_code, new.raised_ms, new.cleared_ms) == (34, T0_MS + 10_000, None)
    scene.see(101, RUNNING)
    assert [alarm.is_on for alarm in scene.alarms] == [False, False]
    assert scene.told == ["raised", "cleared", "raised", "cleared"]


def test_a_code_that_goes_before_its_fault_leaves_the_alarm_as_it_is() -> None:
    scene = a_fault_with_code(12)
    scene.codes[101] = 0
    scene.see(101, ERROR)
    scene.pass_(3)
    assert [(alarm.alarm_code, alarm.is_on) for alarm in scene.alarms] == [(12, True)]


def test_a_code_that_changed_while_the_plc_was_away_is_another_alarm_when_it_is_back() -> None:
    scene = a_fault_with_code(12)
    scene.see(101, DISCONNECTED)
    scene.pass_(9)
    scene.codes[101] = 34
    scene.see(101, ERROR)
    assert [(a.alarm_code, a.is_on) for a in scene.alarms] == [(12, False), (34, True)]
    assert scene.alarms[0].cleared_ms == T0_MS + 10_000


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_a_code_that_changed_while_the_server_was_down_is_another_alarm_and_says_so(
    is_seen_first: bool,
) -> None:
    scene = Scene(with_codes(101))
    scene.codes[101] = 34
    before, _ = raised(1, at_ms=T0_MS - 5000)
    recalled = Recalled(open=(replace(before, alarm_code=12),), statuses={code(101): ERROR})
    if is_seen_first:
        scene.see(101, ERROR)
    scene.desk.adopt(recalled)
    if not is_seen_first:
        scene.see(101, ERROR)
    scene.pass_(1)
    assert [(a.alarm_code, a.is_on) for a in scene.alarms] == [(12, False), (34, True)]
    (cleared,) = [r for r in scene.records.kept if r.event is E.CLEARED]
    assert cleared.note is AlarmNote.NOT_WATCHED


def test_a_fault_that_stood_at_the_first_start_of_all_has_an_alarm_when_another_follows() -> None:
    scene = Scene(with_codes(101))
    scene.codes[101] = 12
    scene.see(101, ERROR)
    scene.pass_(1)
    assert scene.alarms == []
    scene.codes[101] = 34
    scene.see(101, ERROR)
    assert [(a.alarm_code, a.is_on) for a in scene.alarms] == [(34, True)]


def test_a_new_code_has_to_be_seen_for_the_on_delay() -> None:
    scene = Scene(replace(with_codes(101), alarm_rules=AlarmRules(on_delay_s=3.0)))
    scene.all_run()
    scene.codes[101] = 12
    scene.see(101, ERROR)
    scene.pass_(4)
    for each, seconds in ((34, 2), (12, 1), (34, 3)):
        assert [alarm.alarm_code for alarm in scene.alarms] == [12]
        scene.codes[101] = each
        scene.see(101, ERROR)
        scene.pass_(seconds)
    assert [(a.alarm_code, a.is_on) for a in scene.alarms] == [(12, False), (34, True)]


def test_codes_that_take_turns_each_second_are_told_a_few_times_and_then_no_more() -> None:
    scene = a_fault_with_code(12)
    for second in range(200):
        scene.codes[101] = (34, 12)[second % 2]
        scene.see(101, ERROR)
        scene.pass_(1)
    assert len(scene.records.kept) <= 2 * alarm_point.CHATTER_RISES


def test_another_code_is_another_alarm_and_the_same_code_the_same_alarm() -> None:
    scene = Scene(with_codes(101))
    scene.all_run()
    for each in (12, 13, 12):
        scene.codes[101] = each
        scene.see(101, ERROR)
        scene.see(101, RUNNING)
        scene.pass_(1)
    assert [(a.alarm_code, a.raised_count) for a in scene.alarms] == [(12, 2), (13, 1)]


def come_late(scene: Scene, *codes: int) -> None:
    """Have the fault of 101 rise without a code, tell `codes` one after another, and go."""
    scene.codes[101] = 0
    scene.see(101, ERROR)
    for each in codes:
        scene.pass_(2)
        scene.codes[101] = each
    scene.pass_(2)
    scene.codes[101] = 0
    scene.see(101, RUNNING)


def a_fault_that_waits(*codes: int) -> Scene:
    """Return a scene in which the fault of 101 has come and gone and told its code late."""
    scene = Scene(with_codes(101))
    scene.all_run()
    come_late(scene, *codes)
    return scene


def test_a_fault_whose_code_comes_late_is_one_alarm_however_often_it_comes() -> None:
    scene = a_fault_that_waits(12, 13)
    (first,) = scene.alarms
    assert (first.alarm_code, first.state) == (12, S.RETURNED_UNACKNOWLEDGED)
    scene.pass_(10)
    again_ms = round(scene.clock.unix_s * 1000)
    come_late(scene, 12)
    (alarm,) = scene.alarms
    assert (alarm.id, alarm.alarm_code, alarm.raised_count) == (first.id, 12, 2)
    assert (alarm.last_raised_ms, alarm.state) == (again_ms, S.RETURNED_UNACKNOWLEDGED)
    # What was raised before the code was known says what became of it, and counts as one rise.
    closed = scene.desk.book.over[-1]
    assert (closed.alarm_code, closed.text_en, closed.raised_ms) == (12, "Door open", again_ms)
    assert scene.told == [
        *("raised", "code_seen", "cleared"),
        *("raised", "code_seen", "superseded", "continued", "cleared"),
    ]
    assert scene.records.kept[-3].note is AlarmNote.SAME_CODE


def test_a_fault_whose_code_comes_late_and_is_another_is_another_alarm() -> None:
    scene = a_fault_that_waits(12)
    come_late(scene, 13)
    come_late(scene)
    assert [each.alarm_code for each in scene.alarms] == [12, 13, None]
    come_late(scene, 13)
    assert [(a.alarm_code, a.raised_count) for a in scene.alarms] == [(12, 1), (13, 2)]


def test_a_code_that_comes_late_does_not_take_an_alarm_off_the_shelf() -> None:
    scene = a_fault_that_waits(12)
    scene.act(E.SHELVED, minutes=1)
    scene.see(101, ERROR)
    assert scene.states == [S.SHELVED, S.UNACKNOWLEDGED]
    scene.codes[101] = 12
    scene.pass_(1)
    assert scene.states == [S.SHELVED]
    scene.pass_(60)
    assert scene.states == [S.UNACKNOWLEDGED]


def test_what_a_person_did_before_the_code_came_is_not_undone_by_it() -> None:
    scene = a_fault_that_waits(12)
    scene.see(101, ERROR)
    newer = scene.alarms[1]
    said = AlarmEvent(kind=E.ACKNOWLEDGED, at_ms=newer.raised_ms, by="Kim")
    scene.desk.book.act(newer, said)
    scene.codes[101] = 12
    scene.pass_(1)
    (alarm,) = scene.alarms
    assert (alarm.id, alarm.state) == (newer.id, S.ACKNOWLEDGED)
    assert (alarm.alarm_code, alarm.acknowledged_by) == (12, "Kim")
    scene.see(101, RUNNING)
    assert scene.alarms == []


def test_out_of_shift_an_alarm_that_goes_on_by_its_code_is_suppressed() -> None:
    scene = Scene(
        replace(with_codes(101), calendar=plant(a_shift("day", "08:00-17:00"))),
        at_s=ms("2026-03-02 16:59") / 1000,
    )
    scene.all_run()
    come_late(scene, 12)
    scene.pass_(60)
    scene.see(101, ERROR)
    scene.codes[101] = 12
    scene.pass_(1)
    assert [(a.alarm_code, a.state) for a in scene.alarms] == [(12, S.SUPPRESSED)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from((RUNNING, ERROR, ERROR, DISCONNECTED)),
            st.sampled_from((0, 0, 12, 12, 13)),
            st.integers(0, 2),
        ),
        max_size=60,
    ),
    st.integers(0, 1),
)
def test_a_machine_has_one_alarm_per_code_whenever_its_codes_come(
    told: list[tuple[Status, int, int]], delay_s: int
) -> None:
    rules = AlarmRules(on_delay_s=delay_s, off_delay_s=delay_s)
    scene = Scene(replace(with_codes(101), alarm_rules=rules))
    scene.all_run()
    for status, value, seconds in told:
        scene.see(101, status)
        scene.codes[101] = value
        scene.pass_(seconds)
        codes = [alarm.alarm_code for alarm in scene.alarms]
        assert len(codes) == len(set(codes))
        assert sum(alarm.is_on for alarm in scene.alarms) <= 1


def test_an_alarm_that_goes_on_by_a_code_that_came_late_says_what_holds_now() -> None:
    scene = Scene(with_codes(101))
    scene.all_run()
    scene.codes[101] = 12
    scene.see(101, ERROR)
    scene.see(101, RUNNING)
    words = AlarmText(text_ko="문", text_en="Gate")
    reconfigure(scene, replace(with_codes(101), alarm_tables={"robot": {12: words}}))
    scene.codes[101] = 0
    scene.see(101, ERROR)
    scene.codes[101] = 12
    scene.pass_(1)
    (alarm,) = scene.alarms
    assert (alarm.raised_count, alarm.text_en) == (2, "Gate")
