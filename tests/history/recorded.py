"""Runs and changes of one machine as a wild clock leaves them, drawn at random."""

from __future__ import annotations

from typing import TypeAlias

from hypothesis import strategies as st

from lineside.core.model import Status
from lineside.history.lanes import LaneChange
from lineside.history.records import RunSpan

END_MS = 60
Recorded: TypeAlias = tuple[list[RunSpan], dict[int, list[LaneChange]]]

times = st.integers(0, END_MS)
windows = st.tuples(times, times).map(sorted)
# Status, reason and since. Some differ from another in one of them only, so that neighbours are
# often alike and often nearly so; of a machine that is not configured nothing is to be told.
said = st.sampled_from(
    [
        (Status.RUNNING.value, "running", 1),
        (Status.RUNNING.value, "running", 2),
        (Status.IDLE.value, "not_running", 1),
        (Status.IDLE.value, "running", 1),
        (Status.ERROR.value, "error_tag", 1),
        (Status.STOPPED.value, "not_running", 1),
        (Status.DISCONNECTED.value, None, None),
        (None, None, None),
        (None, "error_tag", 1),
    ]
)


def run(number: int, started_ms: int, end_ms: int) -> RunSpan:
    return RunSpan(id=number, started_ms=started_ms, end_ms=end_ms)


@st.composite
def recorded_runs(draw: st.DrawFn) -> list[RunSpan]:
    """They may overlap, and begin before those before them."""
    spans = draw(st.lists(st.tuples(times, times), max_size=5))
    return [run(n, min(pair), max(pair)) for n, pair in enumerate(spans, start=1)]


@st.composite
def histories(draw: st.DrawFn) -> Recorded:
    """Runs, and by run the changes of a machine in the order of recording."""
    runs = draw(recorded_runs())
    changes: dict[int, list[LaneChange]] = {}
    for each in runs:
        # A change may be stamped before its run, as a slow answer is; or past the end of it, where
        # the clock was set in between.
        moments = st.integers(each.started_ms - 5, each.end_ms + 5)
        at = sorted(draw(st.lists(moments, max_size=6)))
        if at:
            changes[each.id] = [(moment, *draw(said), None) for moment in at]
    return runs, changes
