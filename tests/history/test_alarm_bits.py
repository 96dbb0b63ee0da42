"""What the desk makes of a word that has one bit per alarm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from structlog.testing import capture_logs

from builders import T0_S, code, equipment, line, site, site_change
from history.desk_scene import Scene
from history.told import T0_MS
from lineside.core.alarm import AlarmKind, AlarmNote, AlarmState
from lineside.core.alarm_bits import AlarmBits
from lineside.core.alarm_text import AlarmRules, AlarmText, Severity
from lineside.core.model import Site, Status, TagRole
from lineside.history.alarm_point import AFTER_BITS_S, CHATTER_RISES
from lineside.history.alarm_query import Recalled

RUNNING, ERROR, DISCONNECTED = Status.RUNNING, Status.ERROR, Status.DISCONNECTED
BITS = AlarmBits(codes={0: 1, 2: 4, 15: 34})
MEANINGS = {
    1: AlarmText(severity=Severity.HIGH, text_ko="안전문 열림", text_en="Safety door open"),
    4: AlarmText(severity=Severity.HIGH, text_ko="과열", text_en="Overheating"),
    34: AlarmText(severity=Severity.CRITICAL, text_ko="비상정지 눌림", text_en="Emergency stop"),
}
PLAIN = "Machine fault"
UNREAD: Any = None


def place(bits: AlarmBits | None = BITS, **facts: Any) -> Site:
    """Return a plant whose machine 101 has a word for its alarms, which is D200."""
    machine = equipment(101)
    machine = replace(
        machine,
        addresses={**machine.addresses, TagRole.ALARM_CODE: "D200"},
        alarm_table="robot",
        alarm_bits=bits,
    )
    one = replace(line("weld1", range(101, 102)), equipment=(machine,))
    return replace(site(one), alarm_tables={"robot": MEANINGS}, **facts)


def running(bits: AlarmBits | None = BITS, **facts: Any) -> Scene:
    scene = Scene(place(bits, **facts))
    scene.codes[101] = 0
    scene.all_run()
    return scene


def fault(scene: Scene, word: int) -> None:
    scene.codes[101] = word
    scene.see(101, ERROR)


def standing(scene: Scene) -> list[str]:
    return sorted(alarm.text_en for alarm in scene.alarms if alarm.is_on)


def test_each_bit_is_an_alarm_of_its_own_with_its_own_text() -> None:
    scene = running()
    fault(scene, 0b101)
    door, heat = scene.alarms
    assert (door.alarm_code, door.text_ko, door.state) == (1, "안전문 열림", "unacknowledged")
    assert (heat.alarm_code, heat.text_ko, heat.state) == (4, "과열", "unacknowledged")
    assert (door.source, door.tag, door.raised_ms) == (code(101), "M201", T0_MS + 1000)


def test_each_bit_rises_and_clears_by_itself() -> None:
    scene = running()
    fault(scene, 0b001)
    scene.pass_(5)
    fault(scene, 0b101)
    scene.pass_(5)
    fault(scene, 0b100)
    door, heat = scene.alarms
    assert (door.raised_ms, door.cleared_ms) == (T0_MS + 1000, T0_MS + 11_000)
    assert (heat.raised_ms, heat.cleared_ms) == (T0_MS + 6000, None)
    assert door.state is AlarmState.RETURNED_UNACKNOWLEDGED
    scene.pass_(5)
    scene.see(101, RUNNING)
    assert standing(scene) == []
    assert scene.alarms[1].cleared_ms == T0_MS + 16_000


def test_a_bit_that_comes_back_is_the_alarm_that_waits() -> None:
    scene = running()
    for word in (0b101, 0b100, 0b101):
        fault(scene, word)
        scene.pass_(2)
    assert [(alarm.alarm_code, alarm.raised_count) for alarm in scene.alarms] == [(1, 2), (4, 1)]


def test_the_sign_of_a_word_is_its_highest_bit() -> None:
    scene = running()
    fault(scene, -0x8000)
    assert standing(scene) == ["Emergency stop"]
    fault(scene, -0x7FFF)
    assert standing(scene) == ["Emergency stop", "Safety door open"]


@pytest.mark.parametrize("word", [-0x8000_0000, 0x8000_0000])
def test_a_double_word_has_thirty_two_bits(word: int) -> None:
    scene = running(AlarmBits(codes={0: 1, 31: 34}, width=32))
    fault(scene, word)
    assert standing(scene) == ["Emergency stop"]


def test_a_fault_without_any_bit_is_the_plain_fault_alarm() -> None:
    scene = running()
    fault(scene, 0)
    scene.pass_(5)
    assert standing(scene) == [PLAIN]


def test_a_fault_whose_bit_comes_a_moment_later_is_known_by_it() -> None:
    scene = running()
    fault(scene, 0)
    scene.pass_(1)
    fault(scene, 0b101)
    assert [(a.alarm_code, a.is_on, a.raised_ms) for a in scene.alarms] == [
        (1, True, T0_MS + 1000),
        (4, True, T0_MS + 2000),
    ]
    assert scene.told == ["raised", "code_seen", "raised"]


def test_a_fault_is_a_fault_from_its_beginning_whenever_its_bit_comes() -> None:
    scene = running(alarm_rules=AlarmRules(on_delay_s=3.0))
    fault(scene, 0)
    scene.pass_(2)
    scene.codes[101] = 0b001
    scene.pass_(1)
    assert [(a.alarm_code, a.raised_ms) for a in scene.alarms] == [(1, T0_MS + 1000)]


def test_a_bit_that_is_not_listed_is_the_plain_fault_alarm_and_told_once() -> None:
    scene = running()
    with capture_logs() as logs:
        fault(scene, 0b1001)
        assert standing(scene) == [PLAIN, "Safety door open"]
        fault(scene, 0b0001)
        assert standing(scene) == ["Safety door open"]
        fault(scene, 0b1000)
    assert standing(scene) == [PLAIN]
    (told,) = logs
    assert (told["equipment"], told["bit"]) == (code(101), 3)


def test_a_word_that_is_cleared_a_moment_before_its_fault_is_no_further_alarm() -> None:
    scene = running()
    fault(scene, 0b001)
    scene.pass_(2)
    fault(scene, 0)
    scene.pass_(3)
    scene.see(101, RUNNING)
    scene.pass_(30)
    assert scene.told == ["raised", "cleared"]


def test_a_fault_that_goes_on_without_its_bits_is_not_silent() -> None:
    scene = running()
    fault(scene, 0b001)
    scene.pass_(2)
    fault(scene, 0)
    scene.pass_(int(AFTER_BITS_S) - 1)
    assert standing(scene) == []
    scene.pass_(1)
    assert standing(scene) == [PLAIN]
    assert scene.alarms[-1].raised_ms == T0_MS + 3000


def test_delays_hold_for_each_bit_by_itself() -> None:
    scene = running(alarm_rules=AlarmRules(on_delay_s=3.0, off_delay_s=4.0))
    fault(scene, 0b001)
    scene.pass_(2)
    fault(scene, 0b101)
    scene.pass_(1)
    assert standing(scene) == ["Safety door open"]
    scene.pass_(2)
    assert standing(scene) == ["Overheating", "Safety door open"]
    fault(scene, 0b100)
    scene.pass_(3)
    fault(scene, 0b101)  # it was gone for less than the delay
    scene.pass_(10)
    assert scene.told == ["raised", "raised"]


def test_a_bit_that_chatters_is_one_standing_alarm_and_its_neighbour_is_not_delayed() -> None:
    scene = running()
    for _ in range(40):
        fault(scene, 0b101)
        scene.pass_(1)
        fault(scene, 0b100)
        scene.pass_(1)
    door, heat = scene.alarms
    assert (door.raised_count, door.is_on) == (CHATTER_RISES, True)
    fault(scene, 0b000)
    assert [alarm.is_on for alarm in scene.alarms] == [True, False]
    assert heat.raised_count == 1
    scene.pass_(60)
    assert standing(scene) == [PLAIN]


def test_a_word_that_cannot_be_read_leaves_its_alarms_as_they_are() -> None:
    scene = running()
    fault(scene, 0b101)
    del scene.codes[101]
    scene.see(101, ERROR)
    scene.pass_(20)
    assert standing(scene) == ["Overheating", "Safety door open"]
    scene.see(101, RUNNING)
    assert standing(scene) == []
    scene.see(101, ERROR)
    assert standing(scene) == [PLAIN]


def test_a_word_that_changes_more_often_than_is_told_is_looked_at_each_second() -> None:
    scene = running()
    fault(scene, 0b001)
    scene.codes[101] = 0b100  # no change of the board tells of it
    scene.pass_(1)
    assert standing(scene) == ["Overheating"]


def test_what_is_out_of_sight_keeps_its_alarms() -> None:
    scene = running()
    fault(scene, 0b101)
    scene.see(101, DISCONNECTED)
    scene.pass_(30)
    assert standing(scene) == ["Overheating", "Safety door open"]
    fault(scene, 0b100)
    assert standing(scene) == ["Overheating"]


def test_bits_that_stand_at_the_first_start_of_all_are_no_alarm_and_another_one_is() -> None:
    scene = Scene(place())
    fault(scene, 0b001)
    scene.desk.adopt(Recalled())
    scene.pass_(2)
    assert scene.alarms == []
    fault(scene, 0b101)
    assert standing(scene) == ["Overheating"]


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_after_a_restart_each_bit_has_the_alarm_it_had(is_seen_first: bool) -> None:
    before = running()
    fault(before, 0b101)
    door, heat = before.alarms
    scene = Scene(place(), at_s=T0_S + 60)
    recalled = Recalled(open=(door, heat), statuses={code(101): ERROR})
    if is_seen_first:
        fault(scene, -0x7FFF)
    scene.desk.adopt(recalled)
    if not is_seen_first:
        assert standing(scene) == ["Overheating", "Safety door open"]
        fault(scene, -0x7FFF)
    scene.pass_(1)
    # The door's goes on; the heat went and the emergency stop came while nobody watched.
    assert standing(scene) == ["Emergency stop", "Safety door open"]
    assert {a.id for a in scene.alarms} > {door.id, heat.id}
    assert [(r.event, r.alarm.alarm_code) for r in scene.records.kept] in (
        [("cleared", 4), ("raised", 34)],
        [("raised", 34), ("cleared", 4)],
    )
    assert AlarmNote.NOT_WATCHED in {r.note for r in scene.records.kept}
    scene.see(101, RUNNING)
    assert standing(scene) == []


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_after_a_restart_into_a_fault_without_bits_that_fault_is_told(is_seen_first: bool) -> None:
    before = running()
    fault(before, 0b001)
    scene = Scene(place(), at_s=T0_S + 60)
    recalled = Recalled(open=tuple(before.alarms), statuses={code(101): ERROR})
    if is_seen_first:
        fault(scene, 0)
    scene.desk.adopt(recalled)
    fault(scene, 0)
    scene.pass_(1)
    assert standing(scene) == [PLAIN]


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_an_alarm_from_before_the_stop_takes_no_name_that_it_may_not_have_had(
    is_seen_first: bool,
) -> None:
    before = running()
    fault(before, 0b1000)
    (alarm,) = before.alarms
    scene = Scene(place(), at_s=T0_S + 60)
    if is_seen_first:
        fault(scene, 0b001)
    scene.desk.adopt(Recalled(open=(alarm,), statuses={code(101): ERROR}))
    if not is_seen_first:
        fault(scene, 0b000)
        fault(scene, 0b001)
    assert standing(scene) == ["Safety door open"]
    assert scene.desk.book.find(alarm.id).text_en == PLAIN  # type: ignore[union-attr]


def test_as_many_alarms_wait_for_an_acknowledgement_as_there_are_bits() -> None:
    scene = running(AlarmBits(codes={bit: bit + 1 for bit in range(32)}, width=32))
    fault(scene, -1)
    scene.see(101, RUNNING)
    fault(scene, 0)
    assert len(scene.alarms) == 33


def test_an_alarm_that_came_back_keeps_its_name() -> None:
    scene = running()
    fault(scene, 0b1000)
    scene.see(101, RUNNING)
    fault(scene, 0b0000)
    fault(scene, 0b0001)
    assert [(a.text_en, a.is_on) for a in scene.alarms] == [
        (PLAIN, False),
        ("Safety door open", True),
    ]


def test_bits_that_came_while_the_server_was_down_are_news() -> None:
    scene = Scene(place())
    scene.desk.adopt(Recalled(statuses={code(101): RUNNING}))
    fault(scene, 0b101)
    assert standing(scene) == ["Overheating", "Safety door open"]


def test_alarm_bits_can_be_written_and_left_out_again_while_the_fault_stands() -> None:
    scene = running(None)
    fault(scene, 5)
    assert standing(scene) == ["Machine fault (code 5)"]
    scene.desk.on_message(site_change(place(), at_s=scene.clock.unix_s))
    scene.pass_(1)
    assert standing(scene) == ["Overheating", "Safety door open"]
    scene.desk.on_message(site_change(place(None), at_s=scene.clock.unix_s))
    scene.see(101, RUNNING)
    assert standing(scene) == []


def test_a_new_file_that_leaves_alarm_bits_as_they_are_changes_nothing() -> None:
    scene = running()
    fault(scene, 0b101)
    told = list(scene.told)
    scene.desk.on_message(site_change(place(), at_s=scene.clock.unix_s))
    scene.pass_(2)
    assert scene.told == told


def test_of_a_word_that_looks_like_bits_the_log_says_so_once() -> None:
    scene = running(None)
    with capture_logs() as logs:
        for word in (1, 3, 5, 5 | 0x20, 5):
            fault(scene, word)
            scene.see(101, RUNNING)
    (told,) = logs
    assert (told["equipment"], told["alarm_code"]) == (code(101), 5)
    assert "alarm_bits" in told["event"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Status),
            st.sampled_from((0, 1, 4, 5, 8, 13, -0x8000, -1, UNREAD)),
            st.integers(0, 12),
        ),
        max_size=40,
    )
)
def test_the_alarms_that_stand_are_the_bits_that_were_seen_last(
    told: list[tuple[Status, int | None, int]],
) -> None:
    scene = running()
    wanted: set[int | None] = set()
    for status, word, seconds in told:
        scene.codes[101] = word  # type: ignore[assignment]
        scene.see(101, status)
        scene.pass_(seconds)
        alarms = [alarm for alarm in scene.alarms if alarm.is_on]
        now = [alarm.alarm_code for alarm in alarms]
        assert len(now) == len(set(now))
        if scene.clock.unix_s - scene.begun_s > 30:
            return  # what chatters is told apart elsewhere
        if status is DISCONNECTED or (status is ERROR and word is None):
            assert wanted - {None} <= set(now)
            continue
        is_fault = status is ERROR
        wanted = set(BITS.codes_in(word or 0)) if is_fault else set()
        assert set(now) - {None} == wanted
        is_rest = is_fault and bool(BITS.unlisted_in(word or 0))
        if not is_fault or wanted or is_rest:
            assert (None in now) is is_rest
        elif seconds > AFTER_BITS_S:
            assert None in now


@pytest.mark.parametrize("is_seen_first", [True, False])
@pytest.mark.parametrize(
    ("word", "found", "raised_ms"),
    [
        (0b101, ["Overheating", "Safety door open"], T0_MS),
        (0, [PLAIN], T0_MS - 9_000),
        (None, [], None),
    ],
)
def test_a_fault_that_is_owed_an_alarm_from_before_the_stop_is_told_by_what_is_seen_of_it(
    word: int | None, found: list[str], raised_ms: int | None, is_seen_first: bool
) -> None:
    scene = Scene(place())
    owed = Recalled(
        owed={(AlarmKind.EQUIPMENT, code(101)): T0_MS - 9_000}, statuses={code(101): ERROR}
    )
    if not is_seen_first:
        scene.desk.adopt(owed)
    if word is None:
        scene.see(101, RUNNING)
    else:
        fault(scene, word)
    if is_seen_first:
        scene.desk.adopt(owed)
    scene.pass_(1)
    assert standing(scene) == found
    if raised_ms is not None:
        assert {alarm.raised_ms for alarm in scene.alarms} == {raised_ms}
        return
    # It went while nobody watched, and by which bit is not known.
    (alarm,) = scene.alarms
    assert (alarm.text_en, alarm.raised_ms, alarm.cleared_ms) == (PLAIN, T0_MS - 9_000, T0_MS)
