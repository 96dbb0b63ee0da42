"""Lanes: the tiling of `intervals` with reasons, and what is left of it at a coarser resolution."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lineside.core.model import Status
from lineside.history.intervals import Interval, intervals
from lineside.history.lanes import LaneInterval, lane_intervals, pieces
from lineside.history.records import RunSpan, StatusChange

END_MS = 60
statuses = st.sampled_from([None, *Status])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[RunSpan], list[StatusChange]]:
    runs, changes = [], []
    for run_id in range(1, draw(st.integers(0, 3)) + 1):
        begin = draw(st.integers(0, END_MS))
        end = draw(st.integers(begin, END_MS))
        runs.append(RunSpan(id=run_id, started_ms=begin, end_ms=end))
        for at_ms in sorted(draw(st.lists(st.integers(begin, end), max_size=8))):
            changes.append(StatusChange(at_ms=at_ms, run_id=run_id, status=draw(statuses)))
    return runs, changes


def lane(
    runs: list[RunSpan], changes: list[StatusChange], begin_ms: int, end_ms: int
) -> list[LaneInterval]:
    by_run: dict[int, list[tuple[int, str | None, str | None, int | None]]] = {}
    for each in changes:
        by_run.setdefault(each.run_id, []).append((each.at_ms, each.status, None, None))
    return lane_intervals(by_run, runs, begin_ms, end_ms)


@given(histories(), st.integers(0, END_MS), st.integers(0, END_MS))
def test_lanes_say_what_intervals_say(
    history: tuple[list[RunSpan], list[StatusChange]], begin_ms: int, end_ms: int
) -> None:
    runs, changes = history
    found = [
        Interval(begin_ms=begin, end_ms=end, status=None if status == "unseen" else Status(status))
        for begin, end, status, _ in pieces(lane(runs, changes, begin_ms, end_ms))
    ]
    assert found == intervals(changes, runs, begin_ms, end_ms)


@given(histories(), st.integers(1, 20))
def test_a_coarser_lane_still_tiles_the_window_and_hides_no_fault(
    history: tuple[list[RunSpan], list[StatusChange]], resolution_ms: int
) -> None:
    fine = lane(*history, 0, END_MS)
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
