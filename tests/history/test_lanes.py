"""Lanes: what was seen and what was not, with the reasons, and what a coarser look leaves of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from history.recorded import END_MS, Recorded, histories, run, times, windows
from lineside.core.model import Status
from lineside.history.lanes import LaneChange, LaneInterval, lane_intervals, pieces
from lineside.history.records import RunSpan

RUNNING, IDLE, ERROR = Status.RUNNING.value, Status.IDLE.value, Status.ERROR.value


def change(at_ms: int, status: str | None) -> LaneChange:
    """Return a change whose reason and since are known by it."""
    return at_ms, status, f"why {status}", at_ms, None


def seen(begin_ms: int, end_ms: int, status: str, at_ms: int | None = None) -> LaneInterval:
    """Return an interval that began with the `change` at `at_ms`, or else at its begin."""
    changed_ms = begin_ms if at_ms is None else at_ms
    return LaneInterval(
        begin_ms=begin_ms,
        end_ms=end_ms,
        status=status,
        reason=f"why {status}",
        since_ms=changed_ms,
        changed_ms=changed_ms,
    )


def unseen(begin_ms: int, end_ms: int) -> LaneInterval:
    return LaneInterval(begin_ms=begin_ms, end_ms=end_ms, status=None)


def test_the_status_before_the_window_holds_from_its_begin_to_the_first_change() -> None:
    changes = {1: [change(50, RUNNING), change(150, IDLE)]}
    assert lane_intervals(changes, [run(1, 0, 1000)], 100, 200) == [
        seen(100, 150, RUNNING, 50),
        seen(150, 200, IDLE),
    ]


def test_the_last_status_ends_with_its_run_and_then_nobody_saw_anything() -> None:
    changes = {1: [change(0, RUNNING)], 2: [change(80, IDLE)]}
    assert lane_intervals(changes, [run(1, 0, 50), run(2, 80, 100)], 0, 120) == [
        seen(0, 50, RUNNING),
        unseen(50, 80),
        seen(80, 100, IDLE),
        unseen(100, 120),
    ]


def test_a_machine_of_which_a_run_knows_nothing_yet_is_unseen() -> None:
    assert lane_intervals({1: [change(30, RUNNING)]}, [run(1, 0, 100)], 0, 100) == [
        unseen(0, 30),
        seen(30, 100, RUNNING),
    ]


def test_a_machine_of_which_nothing_is_known_is_unseen() -> None:
    assert lane_intervals({}, [run(1, 0, 100)], 0, 100) == [unseen(0, 100)]


def test_a_machine_that_left_the_configuration_is_unseen_from_then_on() -> None:
    changes = {1: [change(0, RUNNING), change(40, None)], 2: [change(90, None)]}
    assert lane_intervals(changes, [run(1, 0, 80), run(2, 90, 100)], 0, 100) == [
        seen(0, 40, RUNNING),
        unseen(40, 100),
    ]


def test_where_the_clock_was_set_back_the_later_run_is_believed() -> None:
    changes = {1: [change(0, RUNNING), change(70, ERROR)], 2: [change(40, IDLE)]}
    runs = [run(1, 0, 100), run(2, 40, 90)]
    assert lane_intervals(changes, runs, 0, 110) == [
        seen(0, 40, RUNNING),
        seen(40, 90, IDLE),
        seen(90, 100, ERROR, 70),
        unseen(100, 110),
    ]


def test_a_run_that_does_not_watch_the_machine_takes_nothing_away() -> None:
    runs = [run(1, 0, 100), run(2, 20, 80)]
    assert lane_intervals({1: [change(0, RUNNING)]}, runs, 0, 100) == [seen(0, 100, RUNNING)]


def test_changes_within_one_millisecond_leave_the_last_of_them() -> None:
    changes = {1: [change(10, RUNNING), change(10, IDLE), change(10, ERROR)]}
    assert lane_intervals(changes, [run(1, 0, 20)], 10, 20) == [seen(10, 20, ERROR)]


def test_an_empty_window_has_no_intervals() -> None:
    changes, runs = {1: [change(0, RUNNING)]}, [run(1, 0, 100)]
    assert lane_intervals(changes, runs, 50, 50) == []
    assert lane_intervals(changes, runs, 50, 40) == []


def test_a_change_that_adds_nothing_begins_no_interval() -> None:
    changes: dict[int, list[LaneChange]] = {
        1: [(0, IDLE, "not_running", 0, None), (30, IDLE, "not_running", 0, None)],
        2: [(50, IDLE, "not_running", 0, None)],
    }
    assert lane_intervals(changes, [run(1, 0, 50), run(2, 50, 90)], 0, 90) == [
        LaneInterval(
            begin_ms=0, end_ms=90, status=IDLE, reason="not_running", since_ms=0, changed_ms=0
        )
    ]


def test_another_reason_or_since_begins_another_interval_of_the_same_status() -> None:
    changes: dict[int, list[LaneChange]] = {
        1: [
            (0, IDLE, "not_running", 0, None),
            (30, IDLE, "starting", 0, None),
            (60, IDLE, "starting", 60, None),
        ]
    }
    found = lane_intervals(changes, [run(1, 0, 90)], 0, 90)
    assert [(e.begin_ms, e.end_ms, e.reason, e.since_ms, e.changed_ms) for e in found] == [
        (0, 30, "not_running", 0, 0),
        (30, 60, "starting", 0, 30),
        (60, 90, "starting", 60, 60),
    ]


def believed(
    runs: Sequence[RunSpan], changes: Mapping[int, Sequence[LaneChange]], moment: int
) -> LaneChange | None:
    """Return the latest change by then of the latest run that saw the machine; None: unseen."""
    saw = [
        each
        for each in runs
        if each.started_ms <= moment < each.end_ms
        and any(at_ms <= moment for at_ms, *_ in changes.get(each.id, ()))
    ]
    if not saw:
        return None
    latest = max(saw, key=lambda each: each.id)
    past = [each for each in changes[latest.id] if each[0] <= moment]
    return None if past[-1][1] is None else past[-1]


def told(interval: LaneInterval) -> tuple[str | None, str | None, int | None]:
    return interval.status, interval.reason, interval.since_ms


@given(histories(), windows)
def test_intervals_tile_the_window(history: Recorded, window: list[int]) -> None:
    runs, changes = history
    begin_ms, end_ms = window
    found = lane_intervals(changes, runs, begin_ms, end_ms)
    assert all(each.begin_ms < each.end_ms for each in found)
    edges = [begin_ms, *(each.end_ms for each in found)]
    assert [each.begin_ms for each in found] == edges[:-1]
    assert edges[-1] == end_ms
    assert sum(each.end_ms - each.begin_ms for each in found) == end_ms - begin_ms
    assert all(told(a) != told(b) for a, b in pairwise(found))


@given(histories(), windows)
def test_each_millisecond_has_the_status_of_the_latest_run_that_saw_it(
    history: Recorded, window: list[int]
) -> None:
    runs, changes = history
    found = lane_intervals(changes, runs, *window)
    by_interval = {
        moment: told(each) for each in found for moment in range(each.begin_ms, each.end_ms)
    }
    for moment in range(*window):
        latest = believed(runs, changes, moment)
        assert by_interval[moment] == ((None, None, None) if latest is None else latest[1:4])
    for each in found:
        first = believed(runs, changes, each.begin_ms)
        assert each.changed_ms == (None if first is None else first[0])


@given(histories(), windows, times)
def test_two_windows_that_meet_say_the_same_as_the_whole(
    history: Recorded, window: list[int], cut: int
) -> None:
    runs, changes = history
    begin_ms, end_ms = window
    middle_ms = min(max(cut, begin_ms), end_ms)
    parts = [
        *lane_intervals(changes, runs, begin_ms, middle_ms),
        *lane_intervals(changes, runs, middle_ms, end_ms),
    ]
    joined: list[LaneInterval] = []
    for part in parts:
        if joined and told(joined[-1]) == told(part):
            joined[-1] = replace(joined[-1], end_ms=part.end_ms)
        else:
            joined.append(part)
    assert joined == lane_intervals(changes, runs, begin_ms, end_ms)


@given(histories(), windows)
def test_of_what_lies_before_the_window_the_last_change_of_each_run_is_enough(
    history: Recorded, window: list[int]
) -> None:
    runs, changes = history
    begin_ms, end_ms = window
    needed: dict[int, list[LaneChange]] = {}
    for run_id, mine in changes.items():
        before = [each for each in mine if each[0] < begin_ms]
        kept = before[-1:] + [each for each in mine if begin_ms <= each[0] < end_ms]
        if kept:
            needed[run_id] = kept
    overlapping = [each for each in runs if each.started_ms < end_ms and each.end_ms > begin_ms]
    found = lane_intervals(needed, overlapping, begin_ms, end_ms)
    assert found == lane_intervals(changes, runs, begin_ms, end_ms)


@given(histories(), windows)
def test_each_millisecond_of_a_drawn_lane_has_the_status_and_the_reason_that_were_believed(
    history: Recorded, window: list[int]
) -> None:
    runs, changes = history
    begin_ms, end_ms = window
    drawn = pieces(lane_intervals(changes, runs, begin_ms, end_ms))
    edges = [begin_ms, *(piece[1] for piece in drawn)]
    assert [piece[0] for piece in drawn] == edges[:-1]
    assert edges[-1] == end_ms
    assert all(one[2:] != other[2:] for one, other in pairwise(drawn))
    for begin, end, status, reason in drawn:
        for moment in range(begin, end):
            latest = believed(runs, changes, moment)
            assert (status, reason) == (("unseen", None) if latest is None else latest[1:3])


@given(histories(), st.integers(1, 20))
def test_a_coarser_lane_still_tiles_the_window_and_hides_no_fault(
    history: Recorded, resolution_ms: int
) -> None:
    runs, changes = history
    fine = lane_intervals(changes, runs, 0, END_MS)
    coarse = pieces(fine, resolution_ms)
    assert coarse[0][0] == 0
    assert coarse[-1][1] == END_MS
    assert all(one[1] == other[0] for one, other in pairwise(coarse))
    for each in fine:
        if each.status == "error":
            assert any(
                begin <= each.begin_ms and each.end_ms <= end and status == "error"
                for begin, end, status, _ in coarse
            )


def test_short_intervals_become_one_of_their_worst_status() -> None:
    texts = ["running", "idle", "running", "stopped", "running"]
    ends = [100, 103, 106, 108, 300]
    begin = 0
    fine = []
    for status, end in zip(texts, ends, strict=True):
        fine.append(LaneInterval(begin_ms=begin, end_ms=end, status=status, reason=status))
        begin = end
    assert pieces(fine, 10) == [
        (0, 100, "running", "running"),
        (100, 108, "stopped", "stopped"),
        (108, 300, "running", "running"),
    ]


def test_what_goes_on_is_not_swallowed_by_something_worse_before_it() -> None:
    fine = [
        LaneInterval(begin_ms=begin, end_ms=end, status=status, reason=status)
        for begin, end, status in (
            (0, 100, "running"),
            (100, 103, "error"),
            (103, 106, "running"),
            (106, 107, "running"),  # the same, told again
        )
    ]
    assert pieces(fine, 10)[-1] == (100, 107, "error", "error")
    assert pieces(fine, 10, goes_on=True)[1:] == [
        (100, 103, "error", "error"),
        (103, 107, "running", "running"),
    ]
    assert pieces([], 10, goes_on=True) == []
