"""A clock that was wrong at the start and is set right soon: no time is judged twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import T0_S, code, line, site, site_change, snapshot, state_change
from history.asked import lanes_of, lanes_of_batches
from history.told import taken
from lineside.core.model import Instant, Status
from lineside.core.spans import Span
from lineside.history.figures import totals_in
from lineside.history.kpi import Totals
from lineside.history.kpi_rows import plans_of
from lineside.history.recorder import SET_RIGHT_WITHIN_S, Recorder
from lineside.history.records import Batch
from lineside.history.store import Store

PLANT = site(line("weld1", range(101, 102)))
MACHINE = code(101)
RUNNING, ERROR = Status.RUNNING, Status.ERROR


class Server:
    """A server that is started, ticks each second, and is stopped; `true_s` counts for all."""

    def __init__(self, true_s: int, behind_s: float, status: Status) -> None:
        self.recorder = Recorder("1")
        self.true_s, self.behind_s, self.status = true_s, behind_s, status
        self.recorder.on_message(site_change(PLANT, at_s=self.unix_s))
        self.recorder.on_message(state_change(101, status, at_s=self.unix_s))
        self.tick()

    @property
    def unix_s(self) -> float:
        return T0_S + self.true_s - self.behind_s

    def change(self, status: Status) -> None:
        self.status = status
        self.recorder.on_message(state_change(101, status, at_s=self.unix_s))

    def tick(self) -> None:
        shown = snapshot(PLANT)
        (only,) = shown.lines
        states = tuple(replace(each, status=self.status) for each in only.equipment)
        at = Instant(unix_s=self.unix_s, monotonic_s=self.true_s + 1000.0)
        lines = (replace(only, equipment=states),)
        self.recorder.on_message(replace(shown, at=at, lines=lines))

    def go_on(self, until_s: int) -> None:
        while self.true_s < until_s:
            self.true_s += 1
            self.tick()

    def stop(self) -> list[Batch]:
        self.recorder.end(self.unix_s)
        return self.batches()

    def batches(self) -> list[Batch]:
        return taken(self.recorder, 3)


def seconds(begin_s: float, end_s: float) -> tuple[int, int]:
    return round((T0_S + begin_s) * 1000), round((T0_S + end_s) * 1000)


async def statuses(store: Store, begin_s: float, end_s: float) -> list[tuple[Status | None, float]]:
    """Return what the machine did, each with its length in seconds."""
    found = await lanes_of(store, [MACHINE], *seconds(begin_s, end_s))
    return [
        (
            None if status is None else Status(status),
            sum(e.end_ms - e.begin_ms for e in same) / 1000,
        )
        for status, same in groupby(found[MACHINE], key=lambda each: each.status)
    ]


async def figures(store: Store, begin_s: float, end_s: float) -> Totals:
    plans, machines = await plans_of(store, PLANT), PLANT.lines[0].equipment
    (found,) = await totals_in(store, plans, machines, [Span(*seconds(begin_s, end_s))])
    return found[MACHINE]


def over_a_fault(behind_s: float) -> list[Batch]:
    """A fault from 60 to 100; a restart at 65 with a clock that is set right at 85."""
    first = Server(0, 0.0, RUNNING)
    first.go_on(60)
    first.change(ERROR)
    first.go_on(65)
    batches = first.stop()
    second = Server(65, behind_s, ERROR)
    second.go_on(84)
    second.behind_s = 0.0
    second.go_on(100)
    second.change(RUNNING)
    second.go_on(200)
    return [*batches, *second.batches()]


@pytest.mark.parametrize("behind_s", [45.0, 3.0, -45.0, 86_400.0])
async def test_a_fault_seen_before_a_restart_with_a_wrong_clock_stays_one_fault(
    store: Store, behind_s: float
) -> None:
    await store.write(over_a_fault(behind_s))
    assert await statuses(store, 0, 200) == [(RUNNING, 60), (ERROR, 40), (RUNNING, 100)]
    totals = await figures(store, 0, 200)
    assert (totals.failures, totals.times.error_ms) == (1, 40_000)
    assert totals.times.running_ms == 160_000


async def test_what_is_stored_again_after_a_crash_is_not_moved_twice(store: Store) -> None:
    batches = over_a_fault(45.0)
    for batch in batches:
        await store.write([batch])
        await store.write([batch])
    await store.write(batches)  # the spool, once more
    assert await statuses(store, 0, 200) == [(RUNNING, 60), (ERROR, 40), (RUNNING, 100)]


async def test_another_step_soon_after_moves_all_since_the_start(store: Store) -> None:
    server = Server(0, 100.0, RUNNING)
    server.go_on(10)
    server.behind_s = 40.0
    server.go_on(20)
    server.change(ERROR)
    server.go_on(30)
    server.behind_s = 0.0
    server.go_on(50)
    await store.write(server.batches())
    assert await statuses(store, 0, 50) == [(RUNNING, 20), (ERROR, 30)]


async def test_a_step_long_after_the_start_leaves_what_was_recorded_where_it_is(
    store: Store,
) -> None:
    server = Server(0, 0.0, RUNNING)
    later_s = int(SET_RIGHT_WITHIN_S) + 10
    server.go_on(later_s)
    server.behind_s = -30.0
    server.go_on(later_s + 10)
    await store.write(server.batches())
    found = await statuses(store, 0, later_s + 40)
    assert found == [(RUNNING, later_s), (None, 31), (RUNNING, 9)]


# Since the last one: how long the server is off, by how much its clock is behind when it starts,
# after how long that is set right, how long it goes on then, and when in it the status changes.
starts = st.tuples(
    st.integers(1, 30),
    st.sampled_from([0.0, 45.0, -45.0, 3.5, 3600.0, -3600.0]),
    st.integers(1, 30),
    st.integers(1, 30),
    st.sets(st.integers(1, 50), max_size=4),
)


def play(
    script: Sequence[tuple[int, float, int, int, set[int]]],
) -> tuple[list[Batch], dict[int, Status], set[int]]:
    """Return what was recorded, what really was in each second that a server saw, and in which of
    them the clock was set while something changed."""
    batches, truth, unsure = list[Batch](), dict[int, Status](), set[int]()
    now_s, status = 0, RUNNING
    for off_s, behind_s, wrong_s, right_s, moments in script:
        now_s += off_s
        server = Server(now_s, behind_s, status)
        for second in range(wrong_s + right_s):
            if second == wrong_s:
                server.behind_s = 0.0
            if second in moments:
                status = ERROR if status is RUNNING else RUNNING
                server.change(status)
                if second == wrong_s:
                    unsure.add(now_s + second)
            truth[now_s + second] = status
            server.go_on(now_s + second + 1)
        now_s += wrong_s + right_s
        batches += server.stop()
    return batches, truth, unsure


@given(script=st.lists(starts, min_size=1, max_size=4))
def test_each_second_is_told_once_and_as_it_was(
    script: list[tuple[int, float, int, int, set[int]]],
) -> None:
    batches, truth, unsure = play(script)
    told: dict[int, Status] = {}
    for each in lanes_of_batches(batches, *seconds(-10_000, 10_000)):
        if each.status is not None:
            for at_ms in range(each.begin_ms, each.end_ms, 1000):
                second = round(at_ms / 1000 - T0_S)
                assert second not in told
                told[second] = Status(each.status)
    assert told == {second: truth[second] for second in truth if second in told}
    assert truth.keys() - told.keys() <= unsure
