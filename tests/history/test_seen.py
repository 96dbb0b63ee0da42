"""Every moment belongs to the latest run that watched it, and to no run when none did."""

from __future__ import annotations

import itertools

from hypothesis import given

from history.recorded import Recorded, histories, recorded_runs, run, windows
from lineside.history.records import RunSpan
from lineside.history.seen import SeenSpan, seen_spans, watching


def test_a_run_watches_a_machine_from_its_first_change_of_it_on() -> None:
    runs = [run(1, 10, 100), run(2, 50, 80), run(3, 90, 95)]
    assert watching(runs, {1: 5, 2: 60}) == [run(1, 10, 100), run(2, 60, 80)]


def test_a_later_run_cuts_an_earlier_one_in_two() -> None:
    assert seen_spans([run(1, 0, 100), run(2, 20, 80)], 10, 200) == [
        SeenSpan(begin_ms=10, end_ms=20, run_id=1),
        SeenSpan(begin_ms=20, end_ms=80, run_id=2),
        SeenSpan(begin_ms=80, end_ms=100, run_id=1),
    ]


@given(recorded_runs(), windows)
def test_seen_spans_never_overlap(runs: list[RunSpan], window: list[int]) -> None:
    spans = seen_spans(runs, *window)
    assert all(each.begin_ms < each.end_ms for each in spans)
    assert all(a.end_ms <= b.begin_ms for a, b in itertools.pairwise(spans))


@given(histories(), windows)
def test_each_millisecond_belongs_to_the_latest_run_that_watched_it(
    history: Recorded, window: list[int]
) -> None:
    runs, changes = history
    firsts_ms = {run_id: mine[0][0] for run_id, mine in changes.items()}
    found = {
        moment: each.run_id
        for each in seen_spans(watching(runs, firsts_ms), *window)
        for moment in range(each.begin_ms, each.end_ms)
    }
    expected = {}
    for moment in range(*window):
        watched = [
            each.id
            for each in runs
            if each.started_ms <= moment < each.end_ms
            and any(change[0] <= moment for change in changes.get(each.id, ()))
        ]
        if watched:
            expected[moment] = max(watched)
    assert found == expected
