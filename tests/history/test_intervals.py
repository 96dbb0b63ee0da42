from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lineside.core.model import Status
from lineside.history.intervals import Interval, intervals, seen_spans
from lineside.history.records import RunSpan, StatusChange

RUNNING, IDLE, ERROR = Status.RUNNING, Status.IDLE, Status.ERROR


def run(number: int, started_ms: int, end_ms: int) -> RunSpan:
    return RunSpan(id=number, started_ms=started_ms, end_ms=end_ms)


def change(at_ms: int, status: Status | None, run_id: int = 1) -> StatusChange:
    return StatusChange(at_ms=at_ms, run_id=run_id, status=status)


def tiles(*parts: tuple[int, int, Status | None]) -> list[Interval]:
    return [Interval(begin_ms=b, end_ms=e, status=s) for b, e, s in parts]


def test_the_status_before_the_window_holds_from_its_begin_to_the_first_change() -> None:
    changes = [change(50, RUNNING), change(150, IDLE)]
    assert intervals(changes, [run(1, 0, 1000)], 100, 200) == tiles(
        (100, 150, RUNNING), (150, 200, IDLE)
    )


def test_the_last_status_ends_with_its_run_and_then_nobody_saw_anything() -> None:
    changes = [change(0, RUNNING, 1), change(80, IDLE, 2)]
    assert intervals(changes, [run(1, 0, 50), run(2, 80, 100)], 0, 120) == tiles(
        (0, 50, RUNNING), (50, 80, None), (80, 100, IDLE), (100, 120, None)
    )


def test_a_machine_of_which_a_run_knows_nothing_yet_is_unseen() -> None:
    assert intervals([change(30, RUNNING)], [run(1, 0, 100)], 0, 100) == tiles(
        (0, 30, None), (30, 100, RUNNING)
    )


def test_a_machine_that_left_the_configuration_is_unseen_from_then_on() -> None:
    changes = [change(0, RUNNING), change(40, None)]
    assert intervals(changes, [run(1, 0, 100)], 0, 100) == tiles((0, 40, RUNNING), (40, 100, None))


def test_where_the_clock_was_set_back_the_later_run_is_believed() -> None:
    changes = [change(0, RUNNING, 1), change(70, ERROR, 1), change(40, IDLE, 2)]
    runs = [run(1, 0, 100), run(2, 40, 90)]
    assert intervals(changes, runs, 0, 110) == tiles(
        (0, 40, RUNNING), (40, 90, IDLE), (90, 100, ERROR), (100, 110, None)
    )


def test_a_run_that_does_not_watch_the_machine_takes_nothing_away() -> None:
    runs = [run(1, 0, 100), run(2, 20, 80)]
    assert intervals([change(0, RUNNING, 1)], runs, 0, 100) == tiles((0, 100, RUNNING))


def test_changes_within_one_millisecond_leave_the_last_of_them() -> None:
    changes = [change(10, RUNNING), change(10, IDLE), change(10, ERROR)]
    assert intervals(changes, [run(1, 0, 20)], 10, 20) == tiles((10, 20, ERROR))


def test_an_empty_window_has_no_intervals() -> None:
    assert intervals([change(0, RUNNING)], [run(1, 0, 100)], 50, 50) == []


times = st.integers(0, 60)
statuses = st.sampled_from([RUNNING, IDLE, ERROR, None])


@st.composite
def recorded_runs(draw: st.DrawFn) -> list[RunSpan]:
    """Runs as a wild clock leaves them: they may overlap, and begin before those before them."""
    spans = draw(st.lists(st.tuples(times, times), max_size=5))
    return [run(n, min(pair), max(pair)) for n, pair in enumerate(spans, start=1)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[RunSpan], list[StatusChange]]:
    runs = draw(recorded_runs())
    changes = []
    for each in runs:
        # A change may be stamped past the end of its run: the clock was set in between.
        at = sorted(draw(st.lists(st.integers(each.started_ms, each.end_ms + 5), max_size=6)))
        changes += [change(moment, draw(statuses), each.id) for moment in at]
    return runs, changes


windows = st.tuples(times, times).map(sorted)


@given(histories(), windows)
def test_intervals_tile_the_window(
    history: tuple[list[RunSpan], list[StatusChange]], window: list[int]
) -> None:
    runs, changes = history
    begin_ms, end_ms = window
    found = intervals(changes, runs, begin_ms, end_ms)
    assert all(each.duration_ms > 0 for each in found)
    edges = [begin_ms, *(each.end_ms for each in found)]
    assert [each.begin_ms for each in found] == edges[:-1]
    assert edges[-1] == end_ms
    assert sum(each.duration_ms for each in found) == end_ms - begin_ms
    assert all(a.status is not b.status for a, b in itertools.pairwise(found))


@given(histories(), windows)
def test_each_millisecond_has_the_status_of_the_latest_run_that_saw_it(
    history: tuple[list[RunSpan], list[StatusChange]], window: list[int]
) -> None:
    runs, changes = history
    begin_ms, end_ms = window
    by_interval = {
        moment: each.status
        for each in intervals(changes, runs, begin_ms, end_ms)
        for moment in range(each.begin_ms, each.end_ms)
    }
    for moment in range(begin_ms, end_ms):
        saw = [
            each
            for each in runs
            if each.started_ms <= moment < each.end_ms
            and any(c.run_id == each.id and c.at_ms <= moment for c in changes)
        ]
        expected = None
        if saw:
            latest = max(saw, key=lambda each: each.id)
            past = [c for c in changes if c.run_id == latest.id and c.at_ms <= moment]
            expected = past[-1].status
        assert by_interval[moment] is expected


@given(histories(), windows, times)
def test_two_windows_that_meet_say_the_same_as_the_whole(
    history: tuple[list[RunSpan], list[StatusChange]], window: list[int], cut: int
) -> None:
    runs, changes = history
    begin_ms, end_ms = window
    middle_ms = min(max(cut, begin_ms), end_ms)
    parts = intervals(changes, runs, begin_ms, middle_ms) + intervals(
        changes, runs, middle_ms, end_ms
    )
    joined: list[Interval] = []
    for part in parts:
        if joined and joined[-1].status is part.status:
            part = Interval(begin_ms=joined.pop().begin_ms, end_ms=part.end_ms, status=part.status)
        joined.append(part)
    assert joined == intervals(changes, runs, begin_ms, end_ms)


@given(recorded_runs(), windows)
def test_seen_spans_never_overlap(runs: list[RunSpan], window: list[int]) -> None:
    spans = seen_spans(runs, *window)
    assert all(a.end_ms <= b.begin_ms for a, b in itertools.pairwise(spans))
