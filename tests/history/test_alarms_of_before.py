"""What the desk makes of what stood before the start, once it is told."""

from __future__ import annotations

import pytest

from builders import code
from history.alarms import raised
from history.desk_scene import Scene, running
from history.told import T0_MS
from lineside.core.alarm import AlarmEventKind, AlarmNote, AlarmState
from lineside.core.model import PlcLink, Status
from lineside.history.alarm_query import Recalled

RUNNING, ERROR, DISCONNECTED = Status.RUNNING, Status.ERROR, Status.DISCONNECTED
E, S = AlarmEventKind, AlarmState


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
