"""What the desk makes of the bus: which alarms there are, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import code, site
from core.calendars import hours, ms, plant
from core.calendars import shift as a_shift
from history.alarms import raised
from history.desk_scene import Scene, running
from history.told import T0_MS
from lineside.core.alarm import AlarmEventKind, AlarmState
from lineside.core.alarm_text import AlarmRules
from lineside.core.errors import HistoryError
from lineside.core.model import PlcLink, Status
from lineside.history.alarm_query import Recalled

RUNNING, ERROR, DISCONNECTED = Status.RUNNING, Status.ERROR, Status.DISCONNECTED
E, S = AlarmEventKind, AlarmState


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
