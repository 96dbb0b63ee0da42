"""What the desk makes of the bus: which alarms there are, and when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import (
    T0_S,
    code,
    equipment,
    line,
    site,
    site_change,
)
from core.calendars import hours, ms, plant
from core.calendars import shift as a_shift
from history.alarms import raised
from history.desk_scene import Scene
from history.told import T0_MS
from lineside.core.alarm import AlarmEvent, AlarmEventKind, AlarmNote, AlarmState
from lineside.core.alarm_text import AlarmRules, AlarmText, Severity
from lineside.core.errors import HistoryError
from lineside.core.model import (
    Equipment,
    PlcLink,
    Site,
    Status,
    TagRole,
)
from lineside.history import alarm_flood, alarm_point
from lineside.history.alarm_query import Recalled

RUNNING, ERROR, DISCONNECTED = Status.RUNNING, Status.ERROR, Status.DISCONNECTED
E, S = AlarmEventKind, AlarmState


def running(**facts: Any) -> Scene:
    scene = Scene(replace(site(), **facts))
    scene.all_run()
    return scene


def test_a_machine_that_fails_has_an_alarm_and_one_that_recovers_leaves_it_to_be_seen() -> None:
    scene = running()
    scene.see(101, ERROR)
    (alarm,) = scene.alarms
    assert (alarm.source, alarm.state) == (code(101), S.UNACKNOWLEDGED)
    assert (alarm.name, alarm.line_id, alarm.tag) == ("로봇 용접 101", "weld1", "M201")
    assert alarm.raised_ms == T0_MS + 1000
    scene.pass_(5)
    scene.see(101, RUNNING)
    assert scene.states == [S.RETURNED_UNACKNOWLEDGED]
    scene.act(E.ACKNOWLEDGED)
    assert scene.alarms == []
    assert scene.told == ["raised", "cleared", "acknowledged"]


def test_a_code_that_is_held_as_a_floating_point_number_is_that_code() -> None:
    scene = running()
    scene.codes[101] = 12.0
    scene.see(101, ERROR)
    (alarm,) = scene.alarms
    assert alarm.alarm_code == 12


def test_a_lost_plc_is_one_alarm_for_all_its_machines() -> None:
    scene = running()
    scene.see(102, ERROR)
    scene.links["PLC01"] = PlcLink.RETRYING
    scene.pass_(2)
    scene.links["PLC01"] = PlcLink.LOST
    for number in (101, 102, 103, 104, 105):
        scene.see(number, DISCONNECTED)
    scene.pass_(30)
    fault, plc = scene.alarms
    assert (plc.kind, plc.source, plc.line_id) == ("plc", "PLC01", None)
    assert plc.text_en == "PLC lost: 7 machines are out of sight"
    # The fault of 102 neither clears by being out of sight nor rises by coming back.
    assert fault.is_on
    scene.links["PLC01"] = PlcLink.ONLINE
    for number in (101, 103, 104, 105):
        scene.see(number, RUNNING)
    scene.see(102, ERROR)
    scene.pass_(5)
    assert scene.states == [S.UNACKNOWLEDGED, S.RETURNED_UNACKNOWLEDGED]
    assert scene.told == ["raised", "raised", "cleared"]


def test_what_stands_at_the_first_start_of_all_is_no_alarm() -> None:
    scene = Scene()
    scene.links["PLC02"] = PlcLink.LOST
    scene.see(101, ERROR)
    scene.pass_(2)
    scene.desk.adopt(Recalled())
    scene.pass_(2)
    scene.see(101, RUNNING)
    assert (scene.alarms, scene.told) == ([], [])
    scene.see(101, ERROR)
    assert scene.states == [S.UNACKNOWLEDGED]


def test_a_fault_that_was_over_before_the_past_was_known_is_an_alarm_all_the_same() -> None:
    scene = Scene()
    scene.codes[101] = 8
    scene.see(101, ERROR)
    scene.pass_(3)
    scene.see(101, RUNNING)
    scene.pass_(3)
    assert scene.alarms == []
    scene.desk.adopt(Recalled(statuses={code(101): RUNNING}))
    (alarm,) = scene.alarms
    assert (alarm.state, alarm.alarm_code) == (S.RETURNED_UNACKNOWLEDGED, 8)
    assert (alarm.raised_ms, alarm.cleared_ms) == (T0_MS, T0_MS + 3000)
    assert [record.event for record in scene.records.kept] == [E.RAISED, E.CLEARED]
    assert scene.records.kept[0].note is AlarmNote.FIRST_SIGHT


def test_a_fault_that_was_over_before_the_past_was_known_is_none_where_it_stood_before() -> None:
    for recalled in (Recalled(), Recalled(statuses={code(101): ERROR})):
        scene = Scene()
        scene.see(101, ERROR)
        scene.pass_(3)
        scene.see(101, RUNNING)
        scene.pass_(3)
        scene.desk.adopt(recalled)
        assert scene.alarms == []


def test_an_alarm_from_before_the_stop_that_still_stands_goes_on() -> None:
    alarm, _ = raised(1)
    for order in ("seen first", "recalled first"):
        scene = Scene()
        if order == "seen first":
            scene.see(101, ERROR)
        scene.desk.adopt(Recalled(open=(alarm,), statuses={code(101): ERROR}))
        if order == "recalled first":
            scene.see(101, DISCONNECTED)
            scene.see(101, ERROR)
        scene.pass_(3)
        assert scene.alarms == [alarm]
        scene.see(101, RUNNING)
        assert scene.alarms[0].cleared_ms == T0_MS + 3000
        assert scene.records.kept[0].note is None


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_an_alarm_that_cleared_while_nobody_watched_is_closed_at_first_sight_and_says_so(
    is_seen_first: bool,
) -> None:
    alarm, _ = raised(1)
    scene = Scene()
    if is_seen_first:
        scene.see(101, RUNNING)
    scene.desk.adopt(Recalled(open=(alarm,), statuses={code(101): ERROR}))
    if not is_seen_first:
        assert scene.alarms == [alarm]
        scene.see(101, RUNNING)
    assert scene.states == [S.RETURNED_UNACKNOWLEDGED]
    (record,) = scene.records.kept
    assert (record.event, record.note) == (E.CLEARED, AlarmNote.NOT_WATCHED)


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_a_fault_that_began_while_the_server_was_down_is_news(is_seen_first: bool) -> None:
    scene = Scene()
    if is_seen_first:
        scene.see(101, ERROR)
    scene.desk.adopt(Recalled(statuses={code(101): RUNNING, code(102): ERROR}))
    scene.see(101, ERROR)
    scene.see(102, ERROR)
    scene.pass_(1)
    assert [alarm.source for alarm in scene.alarms] == [code(101)]
    is_late = is_seen_first  # it stood already when the past became known
    assert scene.records.kept[0].note == (AlarmNote.FIRST_SIGHT if is_late else None)


def test_a_plc_that_was_lost_before_the_stop_is_no_news_and_one_that_answered_is() -> None:
    scene = Scene()
    scene.links |= {"PLC01": PlcLink.LOST, "PLC02": PlcLink.LOST}
    scene.desk.adopt(Recalled(links={"PLC01": PlcLink.ONLINE, "PLC02": PlcLink.LOST}))
    scene.pass_(2)
    assert [alarm.source for alarm in scene.alarms] == ["PLC01"]


def test_a_fault_that_rose_before_the_past_was_known_is_not_raised_twice() -> None:
    scene = running()
    scene.see(101, ERROR)
    (mine,) = scene.alarms
    older, _ = raised(7, source=code(101))
    scene.desk.adopt(Recalled(open=(mine, older), statuses={code(101): RUNNING}))
    assert [alarm.is_on for alarm in scene.alarms] == [True, False]


def test_delays_hold_back_what_flickers() -> None:
    scene = running(alarm_rules=AlarmRules(on_delay_s=3, off_delay_s=5))
    scene.see(101, ERROR)
    scene.pass_(2)
    scene.see(101, RUNNING)
    scene.see(102, ERROR)
    scene.pass_(3)
    assert [alarm.source for alarm in scene.alarms] == [code(102)]
    assert scene.alarms[0].raised_ms == T0_MS + 3000
    scene.see(102, RUNNING)
    scene.pass_(4)
    scene.see(102, ERROR)
    scene.see(102, RUNNING)
    scene.pass_(6)
    assert scene.told == ["raised", "cleared"]
    assert scene.alarms[0].cleared_ms == T0_MS + 10_000


def with_codes(*numbers: int) -> Site:
    machines = tuple(_with_code(equipment(n)) if n in numbers else equipment(n) for n in (101, 102))
    messages = {12: AlarmText(severity=Severity.CRITICAL, text_ko="도어 열림", text_en="Door open")}
    place = site(replace(line("weld1", range(101, 102)), equipment=machines))
    return replace(place, alarm_tables={"robot": messages})


def _with_code(machine: Equipment) -> Equipment:
    addresses = {**machine.addresses, TagRole.ALARM_CODE: "D200"}
    return replace(machine, addresses=addresses, alarm_table="robot")


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


def a_fault_with_code(number: int) -> Scene:
    """Have 101 run for a second, and then fail with a code."""
    scene = Scene(with_codes(101))
    scene.all_run()
    scene.codes[101] = number
    scene.see(101, ERROR)
    return scene


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


def test_a_shelf_runs_out() -> None:
    scene = running()
    scene.see(101, ERROR)
    scene.act(E.SHELVED, minutes=1)
    scene.pass_(59)
    assert scene.states == [S.SHELVED]
    scene.pass_(1)
    assert scene.states == [S.UNACKNOWLEDGED]
    assert scene.told == ["raised", "shelved", "shelf_over"]


def test_what_is_on_the_shelf_comes_and_goes_there() -> None:
    scene = running()
    scene.see(101, ERROR)
    scene.act(E.SHELVED, minutes=1)
    scene.see(101, RUNNING)
    scene.see(101, ERROR)
    assert scene.states == [S.SHELVED]
    scene.see(101, RUNNING)
    scene.pass_(60)
    assert scene.alarms == []


def test_out_of_shift_alarms_are_suppressed_and_come_back_with_the_shift() -> None:
    calendar = plant(a_shift("day", "08:00-17:00", "12:00-13:00"))
    scene = Scene(replace(site(), calendar=calendar), at_s=ms("2026-03-02 07:58") / 1000)
    scene.all_run()
    scene.see(101, ERROR)
    scene.see(102, ERROR)
    assert scene.states == [S.SUPPRESSED, S.SUPPRESSED]
    scene.see(102, RUNNING)
    assert len(scene.alarms) == 1
    scene.pass_(120)
    assert scene.states == [S.UNACKNOWLEDGED]
    # A break is within the shift.
    scene.clock.unix_s = ms("2026-03-02 12:30") / 1000
    scene.pass_(1)
    assert scene.states == [S.UNACKNOWLEDGED]
    scene.clock.unix_s = ms("2026-03-02 17:00") / 1000
    scene.pass_(1)
    assert scene.states == [S.SUPPRESSED]
    assert hours("08:00-17:00").end_minute == 17 * 60


def test_an_alarm_of_what_left_the_configuration_is_over() -> None:
    scene = running()
    scene.see(201, ERROR)
    scene.links["PLC02"] = PlcLink.LOST
    scene.pass_(1)
    assert len(scene.alarms) == 2
    smaller = replace(site(line("weld1", range(101, 106))), plcs=site().plcs[:1])
    scene.desk.on_message(site_change(smaller, at_s=T0_S + 9))
    assert scene.alarms == []
    assert scene.told[-2:] == ["removed", "removed"]
    assert scene.records.kept[-1].note is AlarmNote.NOT_CONFIGURED


def reconfigure(scene: Scene, plant: Site) -> None:
    scene.site = plant
    scene.desk.on_message(site_change(plant, at_s=scene.clock.unix_s))


def test_an_alarm_that_rises_again_says_what_holds_now() -> None:
    scene = running()
    scene.links["PLC01"] = PlcLink.LOST
    scene.pass_(1)
    (first,) = scene.alarms
    assert (first.text_en, first.line_id) == ("PLC lost: 7 machines are out of sight", None)
    reconfigure(scene, site(line("weld1", range(101, 104))))
    scene.pass_(1)
    assert scene.alarms == [first]  # it stands
    scene.links["PLC01"] = PlcLink.ONLINE
    scene.pass_(1)
    scene.links["PLC01"] = PlcLink.LOST
    scene.pass_(1)
    (again,) = scene.alarms
    assert (again.id, again.raised_count) == (first.id, 2)
    assert (again.text_en, again.line_id) == ("PLC lost: 3 machines are out of sight", "weld1")
    assert again.text_ko == "PLC 통신 두절: 설비 3대를 볼 수 없음"
    assert scene.records.kept[-1].alarm == again


def test_an_alarm_that_rises_again_has_the_name_and_tag_of_its_machine_now() -> None:
    scene = Scene(with_codes(101))
    scene.all_run()
    scene.codes[101] = 12
    scene.see(101, ERROR)
    scene.see(101, RUNNING)
    moved = with_codes(101)
    machine = replace(
        moved.lines[0].equipment[0],
        name="새 이름",
        addresses={**moved.lines[0].equipment[0].addresses, TagRole.ERROR: "M777"},
    )
    words = AlarmText(severity=Severity.LOW, text_ko="문", text_en="Gate", advice_en="Shut it.")
    only = replace(moved.lines[0], equipment=(machine,))
    reconfigure(scene, replace(moved, lines=(only,), alarm_tables={"robot": {12: words}}))
    assert [each.text_en for each in scene.alarms] == ["Door open"]  # it has not risen since
    scene.see(101, ERROR)
    (alarm,) = scene.alarms
    assert alarm.raised_count == 2
    assert (alarm.name, alarm.tag) == ("새 이름", "M777")
    assert (alarm.severity, alarm.text_ko, alarm.advice_en) == (Severity.LOW, "문", "Shut it.")


def test_a_fault_that_comes_back_in_another_line_is_an_alarm_of_that_line() -> None:
    scene = Scene(with_codes(101))
    scene.all_run()
    scene.see(101, ERROR)
    scene.see(101, RUNNING)
    before = with_codes(101)
    machine = replace(before.lines[0].equipment[0], line_id="weld2")
    only = replace(before.lines[0], id="weld2", equipment=(machine,))
    reconfigure(scene, replace(before, lines=(only,)))
    scene.see(101, ERROR)
    found = [(each.line_id, each.is_on, each.raised_count) for each in scene.alarms]
    assert sorted(found) == [("weld1", False, 1), ("weld2", True, 1)]


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


def test_a_machine_that_chatters_is_one_standing_alarm() -> None:
    scene = running()
    for _ in range(40):
        scene.see(101, ERROR)
        scene.pass_(1)
        scene.see(101, RUNNING)
        scene.pass_(1)
    assert scene.told == ["raised", "cleared"] * 9 + ["raised"]
    assert [record.note for record in scene.records.kept[-2:]] == [None, AlarmNote.COMES_AND_GOES]
    scene.pass_(60)
    assert scene.states == [S.RETURNED_UNACKNOWLEDGED]


def test_a_flood_of_the_whole_plant_is_raised_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    place = site(line("weld1", range(100, 100 + 600)))
    scene = Scene(place)
    scene.all_run()
    for number in range(100, 700):
        scene.see(number, ERROR)
    assert len(scene.alarms) == alarm_flood.RISES_MAX
    scene.see(650, RUNNING)
    scene.pass_(59)
    assert len(scene.alarms) == alarm_flood.RISES_MAX
    scene.pass_(2)
    assert len(scene.alarms) == 600
    assert scene.desk.counts().held_back == 0
    assert {alarm.raised_ms for alarm in scene.alarms} == {T0_MS + 1000}
    over = [(alarm.source, alarm.cleared_ms) for alarm in scene.alarms if not alarm.is_on]
    assert over == [(code(650), T0_MS + 1000)]


def test_faults_that_are_over_before_there_is_room_for_them_have_their_alarms_late() -> None:
    scene = Scene(site(line("weld1", range(100, 100 + 700))))
    scene.all_run()
    for number in range(100, 800):
        scene.see(number, ERROR)
    scene.pass_(20)
    for number in range(100, 800):
        scene.see(number, RUNNING)
    for _ in range(3):  # it comes and goes again: of that there is a count
        scene.see(799, ERROR)
        scene.see(799, RUNNING)
    scene.see(798, ERROR)
    scene.pass_(60)
    spells = {
        (alarm.raised_ms, alarm.last_raised_ms, alarm.cleared_ms, alarm.raised_count)
        for alarm in scene.alarms
        if alarm.source != code(798)
    }
    assert len(scene.alarms) == 700
    assert spells == {(T0_MS + 1_000, T0_MS + 1_000, T0_MS + 21_000, 1)}
    (again,) = [alarm for alarm in scene.alarms if alarm.source == code(798)]
    assert (again.raised_ms, again.last_raised_ms) == (T0_MS + 1_000, T0_MS + 21_000)
    assert (again.is_on, again.raised_count) == (True, 2)
    assert scene.desk.counts().held_back == 3


def test_a_machine_that_leaves_during_a_flood_has_no_late_alarm() -> None:
    scene = Scene(site(line("weld1", range(100, 100 + 501))))
    scene.all_run()
    for number in range(100, 601):
        scene.see(number, ERROR)
    for number in range(100, 601):
        scene.see(number, RUNNING)
    reconfigure(scene, site(line("weld1", range(100, 600))))
    scene.pass_(61)
    assert len(scene.alarms) == 500


def test_only_so_many_alarms_of_one_machine_wait_for_an_acknowledgement() -> None:
    scene = Scene(with_codes(101))
    scene.all_run()
    for each in range(1, 30):
        scene.codes[101] = each
        scene.see(101, ERROR)
        scene.see(101, RUNNING)
        scene.pass_(100)
    codes = [alarm.alarm_code for alarm in scene.alarms]
    assert codes == list(range(10, 30))
    notes = {record.note for record in scene.records.kept if record.event is E.SUPERSEDED}
    assert notes == {AlarmNote.TOO_MANY}


def test_what_finds_no_room_is_recorded_later_in_order() -> None:
    scene = running()
    scene.records.has_room = False
    scene.see(101, ERROR)
    scene.see(101, RUNNING)
    with pytest.raises(HistoryError):
        scene.act(E.ACKNOWLEDGED)
    assert scene.states == [S.RETURNED_UNACKNOWLEDGED]
    scene.records.has_room = True
    scene.pass_(1)
    scene.act(E.ACKNOWLEDGED)
    assert scene.told == ["raised", "cleared", "acknowledged"]


def test_a_new_run_is_told_of_everything_that_is_open() -> None:
    scene = running()
    scene.see(101, ERROR)
    scene.records.alive = (2, T0_MS + 5000)
    scene.pass_(2)
    assert [(r.event, r.alarm.source) for r in scene.records.kept] == [
        (E.RAISED, code(101)),
        (None, code(101)),
    ]


def test_a_new_run_is_told_of_what_was_acknowledged_and_is_over() -> None:
    """It may begin because a database was put back that does not know of it."""
    scene = running()
    scene.see(101, ERROR)
    scene.see(101, RUNNING)
    over = scene.act(E.ACKNOWLEDGED)
    assert over.is_over
    scene.records.alive = (2, T0_MS + 5000)
    scene.pass_(2)
    assert [(r.event, r.alarm) for r in scene.records.kept[3:]] == [(None, over)]


def test_counts_are_by_state() -> None:
    scene = running()
    for number in (101, 102, 103):
        scene.see(number, ERROR)
    scene.see(103, RUNNING)
    scene.act(E.SHELVED, minutes=5)
    counts = scene.desk.counts()
    assert counts.standing == 2
    assert counts.by_state[S.SHELVED] == counts.by_state[S.UNACKNOWLEDGED] == 1
    assert counts.by_state[S.RETURNED_UNACKNOWLEDGED] == 1


@given(
    st.lists(
        st.tuples(
            st.integers(101, 105),
            st.sampled_from(Status),
            st.sampled_from(PlcLink),
            st.integers(0, 3),
        ),
        max_size=60,
    ),
    st.integers(0, 2),
    st.integers(0, 60),
)
def test_at_no_time_has_a_machine_two_alarms_that_stand(
    told: list[tuple[int, Status, PlcLink, int]], delay_s: int, recalled_after: int
) -> None:
    rules = AlarmRules(on_delay_s=delay_s, off_delay_s=delay_s)
    scene = Scene(replace(site(), alarm_rules=rules))
    before = tuple(raised(n, at_ms=T0_MS - 5000)[0] for n in (1, 2))
    for step, (number, status, link, seconds) in enumerate(told):
        if step == recalled_after:
            statuses = {code(101): ERROR, code(102): ERROR, code(103): RUNNING}
            scene.desk.adopt(Recalled(open=before, statuses=statuses))
        scene.links["PLC01"] = link
        scene.see(number, status)
        scene.pass_(seconds)
        standing = [a.source for a in scene.alarms if a.is_on]
        assert len(standing) == len(set(standing))
    # Every alarm's records count up, each from the one before.
    for alarm_id in {record.alarm.id for record in scene.records.kept}:
        mine = [r.alarm.revision for r in scene.records.kept if r.alarm.id == alarm_id]
        assert mine == list(range(mine[0], mine[0] + len(mine)))
