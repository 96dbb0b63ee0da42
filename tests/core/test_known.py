"""What counts as a change within one status, and what does not."""

from __future__ import annotations

import math

import pytest

from core.test_board import at, lost, reading
from lineside.core.alarm_bits import word_in
from lineside.core.board import Board
from lineside.core.known import TELLING_EVERY_S, TELLINGS_MAX
from lineside.core.model import (
    CpuState,
    Equipment,
    Line,
    Plc,
    PlcLink,
    PlcState,
    Quality,
    Reading,
    ReasonCode,
    Scalar,
    Site,
    StateChange,
    Status,
    StatusRule,
    TagRole,
    TagValue,
)

TIMED = StatusRule(stop_after_s=300.0, stale_after_s=3.0)
MAPPED = StatusRule(
    stale_after_s=3.0,
    value_map={0: Status.STOPPED, 1: Status.RUNNING, 3: Status.ERROR, 4: Status.ERROR},
)


def board_of(rule: StatusRule = TIMED, error: str = "M200") -> Board:
    machine = Equipment(
        code="KRCWO12ELOA101",
        name="용접",
        line_id="weld1",
        plc_id="PLC01",
        addresses={
            TagRole.STATUS: "M100",
            TagRole.ERROR: error,
            TagRole.IDLE: "M300",
            TagRole.ALARM_CODE: "D200",
        },
        rule=rule,
    )
    line = Line(id="weld1", name="용접 1라인", equipment=(machine,))
    plc = Plc(id="PLC01", driver="melsec", endpoint="127.0.0.1:5010")
    return Board(Site(lines=(line,), plcs=(plc,)), at(0))


def told(board: Board, second: float, values: dict[str, Scalar | None]) -> list[StateChange]:
    quiet: dict[str, Scalar | None] = {"M100": 0, "M200": 0, "M300": 0, "D200": 0}
    changes = board.fold(reading(quiet | values, at(second)))
    return [*changes, *board.tick(at(second + 0.1))[1]]


def test_another_alarm_code_of_a_fault_that_stands_is_a_change_within_its_status() -> None:
    board = board_of()
    told(board, 1, {"M200": 1, "D200": 12})
    (change,) = told(board, 2, {"M200": 1, "D200": 34})
    assert (change.previous, change.status) == (Status.ERROR, Status.ERROR)
    assert not change.is_of_status
    assert {tag.address: tag.value for tag in change.tags}["D200"] == 34
    assert board.tick(at(2.5))[0].lines[0].equipment[0].since_s == at(1).unix_s


def test_an_alarm_code_that_moves_without_a_fault_is_none() -> None:
    board = board_of()
    told(board, 1, {"M100": 1, "D200": 12})
    assert told(board, 2, {"M100": 1, "D200": 34}) == []


def test_an_alarm_code_that_changed_out_of_sight_comes_with_the_return_into_sight() -> None:
    board = board_of()
    told(board, 1, {"M200": 1, "D200": 12})
    board.note_plc(lost(at(2)), at(2))
    board.note_plc(PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=at(9).unix_s), at(9))
    (change,) = told(board, 9, {"M200": 1, "D200": 34})[-1:]
    assert change.status is Status.ERROR
    assert {tag.address: tag.value for tag in change.tags}["D200"] == 34


def test_a_lost_plc_that_comes_back_in_stop_says_why_it_is_disconnected_now() -> None:
    board = board_of()
    told(board, 1, {"M100": 1})
    (change,) = board.note_plc(lost(at(2)), at(2))
    assert change.reason.code is ReasonCode.PLC_LOST
    state = PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=at(9).unix_s)
    found = board.note_plc(state, at(9))
    uncertain = {
        address: TagValue(
            value=0, quality=Quality.UNCERTAIN, read_at=at(9), reason="the CPU is in STOP"
        )
        for address in ("M100", "M200", "M300", "D200")
    }
    found += board.fold(
        Reading(
            plc_id="PLC01",
            read_at=at(9),
            latency_s=0.01,
            request_count=1,
            cpu_state=CpuState.STOP,
            tags=uncertain,
        )
    )
    found += board.tick(at(10))[1]
    assert [c.reason.code for c in found][-1] is ReasonCode.PLC_NOT_IN_RUN
    assert {(c.previous, c.status) for c in found} == {(Status.DISCONNECTED, Status.DISCONNECTED)}


def test_one_value_of_a_map_after_another_with_the_same_status_is_a_change() -> None:
    board = board_of(MAPPED)
    told(board, 1, {"M100": 3})
    (change,) = told(board, 2, {"M100": 4})
    assert (change.previous, change.status) == (Status.ERROR, Status.ERROR)
    assert change.reason.value == 4


def test_an_idle_tag_that_comes_on_while_a_machine_waits_is_a_change() -> None:
    board = board_of()
    told(board, 1, {})
    (change,) = told(board, 5, {"M300": 1})
    assert (change.previous, change.status) == (Status.IDLE, Status.IDLE)
    assert change.reason.code is ReasonCode.IDLE_TAG


@pytest.mark.parametrize(
    "values",
    [{}, {"M100": 1}, {"M200": 1, "D200": 12}, {"M300": 1}],
    ids=["waits", "runs", "fails", "idle by its tag"],
)
def test_time_that_passes_is_no_change(values: dict[str, Scalar | None]) -> None:
    board = board_of()
    told(board, 1, values)
    for second in range(2, 200):
        assert told(board, second, values) == []


def test_neither_is_a_counting_word_whose_value_decides_nothing() -> None:
    board = board_of()
    told(board, 1, {"M300": 1})
    for second in range(2, 200):
        assert told(board, second, {"M300": second}) == []


def test_nor_a_value_that_is_not_even_equal_to_itself() -> None:
    board = board_of()
    told(board, 1, {"M100": math.nan})
    assert told(board, 2, {"M100": math.nan}) == []


def test_what_counts_each_second_within_a_fault_is_told_up_to_a_bound_and_then_now_and_then() -> (
    None
):
    board = board_of(error="D100")
    hour = 3600
    found = [c for s in range(1, hour) for c in told(board, s, {"D100": s})]
    assert len(found) <= TELLINGS_MAX + hour / TELLING_EVERY_S + 1
    assert [c.reason.value for c in found[:TELLINGS_MAX]] == list(range(1, TELLINGS_MAX + 1))
    (end,) = [c for c in told(board, hour, {"M100": 1, "D100": 0}) if c.is_of_status]
    assert end.status is Status.RUNNING


def test_the_last_value_of_a_flood_is_told_when_there_is_room_again() -> None:
    board = board_of(error="D100")
    for second in range(1, 200):
        told(board, second, {"D100": second})
    found = [c for s in range(200, 220) for c in told(board, s, {"D100": 7})]
    assert [c.reason.value for c in found] == [7]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (12, 12),
        (12.0, 12),
        (-3.0, -3),
        (12.5, None),
        (1e20, None),
        (0.0, 0),
        (True, None),
        ("a", None),
    ],
)
def test_a_code_is_a_whole_number_however_the_plc_holds_it(value: Scalar, code: int | None) -> None:
    found = word_in(value)
    assert found == code
    assert not isinstance(found, float | bool)
