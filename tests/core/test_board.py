"""The board: what it remembers, what it forgets, and when it says that something changed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from core.calendars import plant, shift
from lineside.core.board import Board
from lineside.core.model import (
    CpuState,
    Equipment,
    EquipmentState,
    Instant,
    Line,
    PastState,
    Plc,
    PlcFault,
    PlcLink,
    PlcState,
    Quality,
    Reading,
    Scalar,
    Site,
    Status,
    StatusRule,
    TagRole,
    TagValue,
)
from lineside.core.times import unix_ms

RULE = StatusRule(stop_after_s=300.0, stale_after_s=3.0)


def at(monotonic_s: float, *, wall_step_s: float = 0.0) -> Instant:
    return Instant(unix_s=1_762_165_845.0 + monotonic_s + wall_step_s, monotonic_s=monotonic_s)


def machine(code: str = "KRCWO12ELOA101", plc: str | None = "PLC01", m: int = 100) -> Equipment:
    addresses = {TagRole.STATUS: f"M{m}", TagRole.ERROR: f"M{m + 100}"}
    return Equipment(
        code=code, name="용접", line_id="weld1", plc_id=plc, addresses=addresses, rule=RULE
    )


def site(*equipment: Equipment, plcs: tuple[Plc, ...] = ()) -> Site:
    plcs = plcs or (Plc(id="PLC01", driver="melsec", endpoint="127.0.0.1:5010"),)
    return Site(lines=(Line(id="weld1", name="용접 1라인", equipment=equipment),), plcs=plcs)


def reading(values: Mapping[str, Scalar | None], now: Instant, plc: str = "PLC01") -> Reading:
    tags = {
        address: TagValue(
            value=value,
            quality=Quality.GOOD if value is not None else Quality.BAD,
            read_at=now,
            reason="" if value is not None else "C056 address out of range",
        )
        for address, value in values.items()
    }
    return Reading(
        plc_id=plc, read_at=now, latency_s=0.01, request_count=1, cpu_state=CpuState.RUN, tags=tags
    )


def only(board: Board, now: Instant) -> EquipmentState:
    return board.tick(now)[0].lines[0].equipment[0]


def lost(now: Instant) -> PlcState:
    fault = PlcFault(message="no answer within 1 s", at_s=now.unix_s)
    return PlcState(id="PLC01", link=PlcLink.LOST, since_s=now.unix_s, last_fault=fault)


def test_a_machine_is_disconnected_until_its_first_good_read() -> None:
    board = Board(site(machine()), at(0))
    state = only(board, at(0))
    assert state.status is Status.DISCONNECTED
    assert state.last_updated_s is None
    changes = board.fold(reading({"M100": True, "M200": False}, at(0.5)))
    assert [(c.previous, c.status) for c in changes] == [(Status.DISCONNECTED, Status.RUNNING)]
    assert changes[0].at_s == at(0.5).unix_s


def test_while_disconnected_the_last_good_values_and_their_time_stay() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)))
    board.note_plc(lost(at(2)), at(2))
    state = only(board, at(3))
    assert (state.status, state.is_connected) == (Status.DISCONNECTED, False)
    assert (state.status_value, state.error_value) == (1, 0)
    assert state.last_updated_s == at(1).unix_s
    assert state.since_s == at(2).unix_s


def test_silence_alone_turns_a_machine_gray_within_stale_after() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)))
    assert only(board, at(3.9)).status is Status.RUNNING
    snapshot, changes = board.tick(at(4.0))
    assert snapshot.lines[0].equipment[0].status is Status.DISCONNECTED
    assert [c.status for c in changes] == [Status.DISCONNECTED]


def test_an_answer_that_is_stale_when_it_comes_in_shows_nothing() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)), at(1))
    assert only(board, at(4)).status is Status.DISCONNECTED
    assert board.fold(reading({"M100": True, "M200": False}, at(2)), at(6)) == []
    state = only(board, at(6))
    assert (state.status, state.last_updated_s) == (Status.DISCONNECTED, at(2).unix_s)


def test_an_answer_that_is_stale_when_it_comes_in_ends_what_was_shown_until_then() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)), at(1))
    (change,) = board.fold(reading({"M100": False, "M200": True}, at(2)), at(6))
    assert (change.status, change.at_s) == (Status.DISCONNECTED, at(6).unix_s)


def test_the_changes_of_a_machine_never_go_back_in_time() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)), at(1))
    assert only(board, at(4)).since_s == at(4).unix_s
    (change,) = board.fold(reading({"M100": True, "M200": False}, at(3)), at(5))
    assert (change.status, change.at_s) == (Status.RUNNING, at(5).unix_s)
    assert only(board, at(5)).last_updated_s == at(3).unix_s


def test_a_change_that_comes_in_after_a_tick_is_none_of_what_that_tick_has_shown() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)), at(1))
    shown = only(board, at(2))
    (change,) = board.fold(reading({"M100": False, "M200": True}, at(1.8)), at(2.7))
    assert (shown.status, change.status) == (Status.RUNNING, Status.ERROR)
    assert unix_ms(change.at_s) == unix_ms(at(2).unix_s) + 1
    # Nor is what is heard in the very millisecond of the tick.
    only(board, at(3))
    (change,) = board.note_plc(lost(at(3.0002)), at(3.0002))
    assert unix_ms(change.at_s) == unix_ms(at(3).unix_s) + 1
    # What is read after the tick counts from when it was read, and so after a swap of the site.
    board = Board(site(machine()), at(3.1), board)
    board.note_plc(PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=at(3.2).unix_s), at(3.2))
    (change,) = board.fold(reading({"M100": True, "M200": False}, at(3.4)), at(3.9))
    assert change.at_s == at(3.4).unix_s


def test_a_wall_clock_stepped_by_an_hour_makes_nothing_stale_and_nothing_fresh() -> None:
    for step_s in (3600.0, -3600.0):
        board = Board(site(machine()), at(0))
        board.fold(reading({"M100": True, "M200": False}, at(1)))
        assert only(board, at(2, wall_step_s=step_s)).status is Status.RUNNING
        assert only(board, at(5, wall_step_s=step_s)).status is Status.DISCONNECTED


def test_last_updated_is_the_time_of_the_oldest_value_shown() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)))
    board.fold(reading({"M100": True, "M200": None}, at(2)))
    state = only(board, at(2.5))
    assert state.last_updated_s == at(1).unix_s
    assert [t.quality for t in state.tags] == [Quality.GOOD, Quality.BAD]


def test_idle_becomes_stopped_after_stop_after_counted_from_the_last_running_sample() -> None:
    board = Board(site(machine()), at(0))
    statuses = {}
    for second in range(400):
        is_running = second < 10
        board.fold(reading({"M100": is_running, "M200": False}, at(second)))
        statuses[second] = only(board, at(second)).status
    assert statuses[9] is Status.RUNNING
    assert statuses[10] is Status.IDLE
    assert statuses[308] is Status.IDLE
    assert statuses[309] is Status.STOPPED


def test_error_time_does_not_restart_the_stop_timer() -> None:
    board = Board(site(machine()), at(0))
    for second in range(311):
        # The run bit stays on under the fault between seconds 100 and 200.
        is_faulty = 100 <= second < 200
        is_running = second < 10 or is_faulty
        board.fold(reading({"M100": is_running, "M200": is_faulty}, at(second)))
    assert only(board, at(310)).status is Status.STOPPED


def test_an_unknown_past_counts_from_the_first_sight() -> None:
    board = Board(site(machine()), at(0))
    for second in range(1000, 1301):
        board.fold(reading({"M100": False, "M200": False}, at(second)))
        if second == 1299:
            assert only(board, at(second)).status is Status.IDLE
    assert only(board, at(1300)).status is Status.STOPPED


def test_a_lost_plc_changes_only_its_own_machines() -> None:
    other = machine("KRCWO12ELOA102", plc="PLC02", m=110)
    plcs = tuple(Plc(id=i, driver="melsec", endpoint="-") for i in ("PLC01", "PLC02"))
    board = Board(site(machine(), other, plcs=plcs), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)))
    board.fold(reading({"M110": True, "M210": False}, at(1), plc="PLC02"))
    changes = board.note_plc(lost(at(2)), at(2))
    assert [c.equipment_code for c in changes] == ["KRCWO12ELOA101"]
    statuses = [e.status for e in board.tick(at(2.5))[0].lines[0].equipment]
    assert statuses == [Status.DISCONNECTED, Status.RUNNING]


def test_machines_stay_in_configured_order_and_ticks_count_up() -> None:
    codes = [f"KRCWO12ELOA{n}" for n in (117, 101, 109)]
    board = Board(site(*(machine(code, m=100 + i) for i, code in enumerate(codes))), at(0))
    snapshots = [board.tick(at(second))[0] for second in range(3)]
    assert [e.code for e in snapshots[0].lines[0].equipment] == codes
    assert [s.sequence for s in snapshots] == [1, 2, 3]


def test_a_new_site_keeps_the_memory_of_machines_that_did_not_move() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)))
    board.tick(at(1))
    moved = machine("KRCWO12ELOA102", m=120)
    after = Board(site(machine(), moved), at(2), before=board)
    snapshot, changes = after.tick(at(2))
    assert [e.status for e in snapshot.lines[0].equipment] == [
        Status.RUNNING,
        Status.DISCONNECTED,
    ]
    assert [c.equipment_code for c in changes] == ["KRCWO12ELOA102"]
    assert snapshot.sequence == 2


def test_a_machine_whose_address_changed_never_keeps_the_old_address_value() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)))
    board.tick(at(1))
    after = Board(site(machine(m=150)), at(2), before=board)
    assert only(after, at(2)).status is Status.DISCONNECTED


def test_a_heartbeat_that_stands_still_grays_the_machines_of_its_plc_only_until_it_moves() -> None:
    plc = Plc(id="PLC01", driver="melsec", endpoint="-", heartbeat="D0", heartbeat_timeout_s=3.0)
    board = Board(site(machine(), plcs=(plc,)), at(0))
    for second in range(5):
        board.fold(reading({"M100": True, "M200": False, "D0": 41}, at(second)))
    assert only(board, at(4)).status is Status.DISCONNECTED
    board.fold(reading({"M100": True, "M200": False, "D0": 42}, at(5)))
    assert only(board, at(5)).status is Status.RUNNING


def test_a_reading_of_a_plc_that_is_not_configured_is_ignored() -> None:
    board = Board(site(machine()), at(0))
    assert board.fold(reading({"M100": True}, at(1), plc="PLC99")) == []


def test_a_plc_that_moved_to_another_address_never_lends_its_old_values() -> None:
    def plc(source: str) -> Plc:
        return Plc(id="PLC01", driver="melsec", endpoint="-", source=source)

    board = Board(site(machine(), plcs=(plc("192.0.2.1:5010"),)), at(0))
    board.note_plc(PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=at(0).unix_s), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)))
    same = Board(site(machine(), plcs=(plc("192.0.2.1:5010"),)), at(1), before=board)
    moved = Board(site(machine(), plcs=(plc("192.0.2.2:5010"),)), at(1), before=board)
    assert only(same, at(1)).status is Status.RUNNING
    assert same.link_of("PLC01") is PlcLink.ONLINE
    assert only(moved, at(1)).status is Status.DISCONNECTED
    assert moved.link_of("PLC01") is PlcLink.CONNECTING
    assert only(moved, at(1)).last_updated_s is None


def test_running_again_after_an_outage_is_running_since_the_return() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(1)))
    board.fold(reading({"M100": True, "M200": False}, at(3)))
    assert only(board, at(3)).reason.since_s == at(1).unix_s
    board.note_plc(lost(at(5)), at(5))
    board.note_plc(PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=at(1800).unix_s), at(1800))
    board.fold(reading({"M100": True, "M200": False}, at(1800)))
    state = only(board, at(1800))
    assert state.status is Status.RUNNING
    assert state.reason.since_s == at(1800).unix_s
    assert state.since_s == at(1800).unix_s


def test_a_fault_told_by_a_value_map_reaches_clients_that_look_at_error_tag_only() -> None:
    rule = StatusRule(value_map={0: Status.STOPPED, 1: Status.RUNNING, 3: Status.ERROR})
    by_value = Equipment(
        code="KRCWO12ELOA101",
        name="용접",
        line_id="weld1",
        plc_id="PLC01",
        addresses={TagRole.STATUS: "D100"},
        rule=rule,
    )
    board = Board(site(by_value), at(0))
    for value, error in [(1, 0), (3, 1), (0, 0)]:
        board.fold(reading({"D100": value}, at(value + 1)))
        assert only(board, at(value + 1)).error_value == error


def test_a_tick_tells_how_old_what_it_shows_of_a_plc_is() -> None:
    board = Board(site(machine()), at(0))
    assert board.tick(at(0))[0].plcs[0].data_age_last_ms is None
    for second in range(1, 11):
        board.fold(reading({"M100": True, "M200": False}, at(second - 0.02)))
        board.tick(at(second))
    plc = board.tick(at(11))[0].plcs[0]  # this time no answer has come since the last tick
    assert (plc.data_age_last_ms or 0.0) == pytest.approx(1020)
    assert (plc.data_age_p50_ms or 0.0) == pytest.approx(20)
    assert (plc.data_age_p95_ms or 0.0) > 500


def test_a_step_of_the_wall_clock_makes_no_data_older() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": True, "M200": False}, at(0.98)))
    plc = board.tick(at(1, wall_step_s=3600.0))[0].plcs[0]
    assert (plc.data_age_last_ms or 0.0) == pytest.approx(20)


def test_machines_turn_idle_as_the_break_begins_and_stopped_again_as_it_ends() -> None:
    # at(0) is 19:30:45 in Korea; the break is from 19:40 to 19:50.
    calendar = plant(shift("late", "14:00-22:00", "19:40-19:50"))
    board = Board(replace(site(machine()), calendar=calendar), at(0))
    board.note_plc(PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=at(0).unix_s), at(0))
    seen = []
    for second in range(0, 1300, 5):
        values = {"M100": int(second < 100), "M200": 0}
        changes = board.fold(reading(values, at(second))) + board.tick(at(second))[1]
        seen += [(second, change.status.value, change.reason.code.value) for change in changes]
    assert seen == [
        (0, "running", "running"),
        (100, "idle", "idle_wait"),
        (395, "stopped", "stop_elapsed"),
        (555, "idle", "outside_shift"),
        (1155, "stopped", "stop_elapsed"),
    ]


def test_a_changed_calendar_applies_from_the_next_tick() -> None:
    before = Board(site(machine()), at(0))
    before.note_plc(PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=at(0).unix_s), at(0))
    before.fold(reading({"M100": 0, "M200": 0}, at(0)))
    before.fold(reading({"M100": 0, "M200": 0}, at(400)))
    closed = replace(site(machine()), calendar=plant(shift("day", "06:00-14:00")))
    snapshot, changes = Board(closed, at(401), before).tick(at(401))
    assert snapshot.lines[0].equipment[0].status is Status.IDLE
    assert [(c.previous, c.status) for c in changes] == [(Status.STOPPED, Status.IDLE)]


def past(
    status: Status = Status.IDLE, *, seen_until: float, ran_until: float | None = None
) -> dict[str, PastState]:
    """What was known before the start, in seconds of `at`."""
    state = PastState(
        status=status,
        since_s=at(-200).unix_s,
        seen_until_s=at(seen_until).unix_s,
        ran_until_s=None if ran_until is None else at(ran_until).unix_s,
    )
    return {"KRCWO12ELOA101": state}


def standing(now: Instant) -> Board:
    """A board that has seen its machine stand, once, at `now`."""
    board = Board(site(machine()), now)
    board.fold(reading({"M100": 0, "M200": 0}, now))
    return board


def test_the_stop_timer_goes_on_from_before_the_start() -> None:
    board = standing(at(0))
    (change,) = board.recall(past(seen_until=-100, ran_until=-200), at(1))
    assert not change.is_of_status
    assert change.reason.since_s == at(-200).unix_s
    board.fold(reading({"M100": 0, "M200": 0}, at(99)))
    assert only(board, at(99.9)).status is Status.IDLE
    assert only(board, at(100)).status is Status.STOPPED


def test_a_machine_that_stood_too_long_before_the_start_is_stopped_at_once() -> None:
    board = standing(at(0))
    (change,) = board.recall(past(seen_until=-100, ran_until=-400), at(1))
    assert (change.previous, change.status) == (Status.IDLE, Status.STOPPED)
    assert change.reason.since_s == at(-400).unix_s


def test_a_machine_that_has_run_since_the_start_needs_no_past() -> None:
    board = Board(site(machine()), at(0))
    board.fold(reading({"M100": 1, "M200": 0}, at(0)))
    board.fold(reading({"M100": 0, "M200": 0}, at(1)))
    assert board.recall(past(seen_until=-100, ran_until=-400), at(1)) == []
    assert only(board, at(2)).reason.since_s == at(0).unix_s


def test_a_status_goes_on_through_a_restart_that_is_shorter_than_stale_after() -> None:
    board = standing(at(0))
    board.recall(past(seen_until=-2.9), at(1))
    assert only(board, at(1)).since_s == at(-200).unix_s


def test_what_was_out_of_sight_for_longer_is_new_since_the_start() -> None:
    board = standing(at(0))
    board.recall(past(seen_until=-3), at(1))
    assert only(board, at(1)).since_s == at(0).unix_s


def test_another_status_than_before_is_new() -> None:
    board = standing(at(0))
    board.recall(past(Status.ERROR, seen_until=-1), at(1))
    assert only(board, at(1)).since_s == at(0).unix_s


def stopped_since_the_start() -> Board:
    """A board whose machine has stood for the 300 s of its stop timer before the past is known."""
    board = standing(at(0))
    for second in range(1, 302):
        board.fold(reading({"M100": 0, "M200": 0}, at(second)))
        board.tick(at(second))
    assert only(board, at(301)).since_s == at(300).unix_s
    return board


def test_a_past_that_is_known_only_after_the_stop_timer_is_over_wins_nevertheless() -> None:
    board = stopped_since_the_start()
    (change,) = board.recall(past(Status.STOPPED, seen_until=-2.9, ran_until=-500), at(301.5))
    assert change.reason.since_s == at(-500).unix_s
    assert only(board, at(301.5)).since_s == at(-200).unix_s


@pytest.mark.parametrize(("ran_until", "since"), [(-200, 100), (-500, 0)])
def test_a_machine_that_waited_before_the_start_is_stopped_since_its_timer_was_over(
    ran_until: float, since: float
) -> None:
    board = stopped_since_the_start()
    board.recall(past(Status.IDLE, seen_until=-1, ran_until=ran_until), at(301.5))
    assert only(board, at(301.5)).since_s == at(since).unix_s


def test_a_machine_that_did_something_else_since_the_start_stands_since_then() -> None:
    board = standing(at(0))
    board.fold(reading({"M100": 0, "M200": 1}, at(1)))
    for second in range(2, 302):
        board.fold(reading({"M100": 0, "M200": 0}, at(second)))
        board.tick(at(second))
    board.recall(past(Status.STOPPED, seen_until=-1, ran_until=-500), at(301.5))
    assert only(board, at(301.5)).since_s == at(300).unix_s


def test_a_status_goes_on_also_where_the_past_was_known_before_the_machine_was_seen() -> None:
    board = Board(site(machine()), at(0))
    only(board, at(0))
    board.recall(past(Status.STOPPED, seen_until=-1, ran_until=-500), at(1))
    board.fold(reading({"M100": 0, "M200": 0}, at(1.5)))
    assert (only(board, at(2)).status, only(board, at(2)).since_s) == (
        Status.STOPPED,
        at(-200).unix_s,
    )


def test_a_status_that_came_back_after_another_is_new() -> None:
    board = standing(at(0))
    board.fold(reading({"M100": 1, "M200": 0}, at(0.2)))
    board.fold(reading({"M100": 0, "M200": 0}, at(0.4)))
    board.recall(past(seen_until=-1), at(1))
    assert only(board, at(1)).since_s == at(0.4).unix_s


def test_a_past_that_lies_in_the_future_is_not_believed() -> None:
    board = standing(at(0))
    assert board.recall(past(seen_until=500, ran_until=400), at(1)) == []
    assert only(board, at(1)).reason.since_s == at(0).unix_s


def test_a_machine_that_was_never_seen_yet_recalls_its_timer() -> None:
    board = Board(site(machine()), at(0))
    only(board, at(0))
    board.recall(past(seen_until=-100, ran_until=-400), at(1))
    board.fold(reading({"M100": 0, "M200": 0}, at(2)))
    assert only(board, at(2)).status is Status.STOPPED


def test_a_normally_closed_contact_says_the_opposite_of_what_its_bit_holds() -> None:
    addresses = {TagRole.STATUS: "!M100", TagRole.ERROR: "!M200"}
    board = Board(site(replace(machine(), addresses=addresses)), at(0))
    board.note_plc(PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=0.0), at(0))
    for m100, m200, expected in [
        (0, 1, Status.RUNNING),
        (1, 1, Status.IDLE),
        (0, 0, Status.ERROR),
        (0, None, Status.ERROR),  # what cannot be read has no opposite: the last good value stays
    ]:
        board.fold(reading({"M100": m100, "M200": m200}, at(1)))
        state = board.tick(at(1))[0].lines[0].equipment[0]
        assert state.status is expected
    assert [(tag.address, tag.value) for tag in state.tags] == [("!M100", 1), ("!M200", 1)]
