"""However the wall clock is set while machines change, intervals tile, and say what was told."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import T0_S, code, line, site, site_change, snapshot, state_change
from lineside.core.model import Instant, Snapshot, Status
from lineside.history.lanes import LaneChange, lane_intervals
from lineside.history.recorder import GAP_S, Recorder
from lineside.history.records import ChangeRecord, Run, RunSpan

PLANT = site(line("weld1", range(101, 103)))
CODES = [code(101), code(102)]

# A second: by how much the clock is set in it, how long it really lasts, and who changes to what.
# Not by a second sharp, which is a step or none as the rounding has it.
seconds = st.tuples(
    st.one_of(st.just(0.0), st.sampled_from([-3600.0, -30.0, -1.1, -0.4, 0.4, 1.1, 30.0, 3600.0])),
    st.sampled_from([1.0, 1.0, 1.0, GAP_S + 2]),
    st.lists(st.tuples(st.sampled_from([101, 102]), st.sampled_from(list(Status))), max_size=3),
)


class Told:
    """A recorder on a clock that is set at will, and what it was told."""

    def __init__(self) -> None:
        self.recorder = Recorder("1", queue_max=10_000)
        self.true_s = 0.0
        self.step_s = 0.0
        self.status = dict.fromkeys(CODES, Status.IDLE)
        self.ticks: list[tuple[int, dict[str, Status]]] = []
        self.recorder.on_message(site_change(PLANT, at_s=self.unix_s))
        for number in (101, 102):
            self.change(number, Status.IDLE)
        self.tick()

    @property
    def unix_s(self) -> float:
        return T0_S + self.true_s + self.step_s

    def change(self, number: int, status: Status) -> None:
        self.status[code(number)] = status
        self.recorder.on_message(state_change(number, status, at_s=self.unix_s))

    def tick(self) -> None:
        self.ticks.append((round(self.unix_s * 1000), dict(self.status)))
        self.recorder.on_message(self._snapshot())

    def _snapshot(self) -> Snapshot:
        shown = snapshot(PLANT, sequence=len(self.ticks))
        lines = tuple(
            replace(
                each,
                equipment=tuple(replace(e, status=self.status[e.code]) for e in each.equipment),
            )
            for each in shown.lines
        )
        at = Instant(unix_s=self.unix_s, monotonic_s=self.true_s + 1000.0)
        return replace(shown, at=at, lines=lines)

    def stored(self) -> tuple[list[RunSpan], dict[str, dict[int, list[LaneChange]]]]:
        """What a database would hold: the runs, and by machine and run the changes."""
        ids: dict[int, int] = {}
        ends: dict[int, int] = {}
        runs: dict[int, Run] = {}
        changes: dict[str, dict[int, list[LaneChange]]] = {
            machine: defaultdict(list) for machine in CODES
        }
        while self.recorder:
            batch = self.recorder.take(50)
            assert batch is not None
            number = ids.setdefault(batch.run.key, len(ids) + 1)
            runs[number] = batch.run
            ends[number] = batch.stopped_ms or max(batch.alive_ms, ends.get(number, 0))
            for record in batch.records:
                if isinstance(record, ChangeRecord):
                    since_ms, until_ms = record.since_ms, record.until_ms
                    change = (record.at_ms, record.status, record.reason, since_ms, until_ms)
                    changes[record.equipment_code][number].append(change)
        spans = [
            RunSpan(id=number, started_ms=run.started_ms, end_ms=ends[number])
            for number, run in runs.items()
        ]
        return spans, changes


def play(script: list[tuple[float, float, list[tuple[int, Status]]]]) -> Told:
    told = Told()
    for step_s, length_s, changes in script:
        told.step_s += step_s
        for number, (machine, status) in enumerate(changes, start=1):
            told.true_s += length_s * number / (len(changes) + 2) / 2
            told.change(machine, status)
        told.true_s = told.true_s + length_s / 2
        told.tick()
    return told


@given(st.lists(seconds, max_size=12))
def test_no_interval_is_negative_or_overlaps_and_the_last_tick_is_told_as_it_was(
    script: list[tuple[float, float, list[tuple[int, Status]]]],
) -> None:
    told = play(script)
    runs, changes = told.stored()
    begin_ms, end_ms = round((T0_S - 20_000) * 1000), round((T0_S + 20_000) * 1000)
    last_ms, statuses = told.ticks[-1]
    for machine in CODES:
        assert all(run.started_ms <= run.end_ms for run in runs)
        for mine in changes[machine].values():
            assert all(one[0] <= other[0] for one, other in pairwise(mine))
        found = lane_intervals(changes[machine], runs, begin_ms, end_ms)
        assert (found[0].begin_ms, found[-1].end_ms) == (begin_ms, end_ms)
        assert [each.begin_ms for each in found[1:]] == [each.end_ms for each in found[:-1]]
        assert all(each.begin_ms < each.end_ms for each in found)
        # Just after the last tick, what it showed is known: the newest run is the one believed.
        spans = [*runs[:-1], replace(runs[-1], end_ms=max(runs[-1].end_ms, last_ms + 1))]
        (now,) = lane_intervals(changes[machine], spans, last_ms, last_ms + 1)
        assert (now.begin_ms, now.end_ms) == (last_ms, last_ms + 1)
        assert now.status == statuses[machine]


@given(st.lists(seconds, max_size=12))
def test_time_that_is_seen_is_never_longer_than_it_really_was(
    script: list[tuple[float, float, list[tuple[int, Status]]]],
) -> None:
    told = play(script)
    runs, changes = told.stored()
    begin_ms, end_ms = round((T0_S - 20_000) * 1000), round((T0_S + 20_000) * 1000)
    found = lane_intervals(changes[CODES[0]], runs, begin_ms, end_ms)
    seen_ms = sum(each.end_ms - each.begin_ms for each in found if each.status is not None)
    # Steps of less than a second are no steps: they stretch the time by as much.
    slack_ms = sum(abs(step_s) for step_s, _, _ in script if abs(step_s) < 1) * 1000
    assert seen_ms <= told.true_s * 1000 + slack_ms + len(script) + 1
