"""What the desk makes of faults that come and go, and of many at once."""

from __future__ import annotations

import pytest

from builders import code, line, site
from history.desk_scene import Scene, reconfigure, running, with_codes
from history.told import T0_MS
from lineside.core.alarm import AlarmEventKind, AlarmNote, AlarmState
from lineside.core.model import Status
from lineside.history import alarm_flood

RUNNING, ERROR = Status.RUNNING, Status.ERROR
E, S = AlarmEventKind, AlarmState


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
