"""What becomes of alarms when the plant is configured anew."""

from __future__ import annotations

from msgspec.structs import replace

from builders import T0_S, line, site, site_change
from history.desk_scene import Scene, reconfigure, running, with_codes
from lineside.core.alarm import AlarmNote
from lineside.core.alarm_text import AlarmText, Severity
from lineside.core.model import PlcLink, Status, TagRole

RUNNING, ERROR = Status.RUNNING, Status.ERROR


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
