"""A machine that waits while the clock is set: figures judge it as the board and timeline do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import T0_S, code, line, site
from core.calendars import plant, shift
from history.asked import lanes_of, lanes_of_batches
from history.told import taken
from lineside.core.board import Board
from lineside.core.calendar import WEEK
from lineside.core.model import (
    CpuState,
    Instant,
    KpiRules,
    PastState,
    PlcLink,
    PlcState,
    Quality,
    Reading,
    Site,
    SiteChange,
    Status,
    StatusRule,
    TagValue,
)
from lineside.core.spans import Span
from lineside.history.figures import totals_in
from lineside.history.kpi_rows import plans_of
from lineside.history.plan import RulePlan
from lineside.history.recorder import SET_RIGHT_WITHIN_S, Recorder
from lineside.history.records import Batch
from lineside.history.store import Store

MACHINE = code(101)
STOP_S = 20.0


def a_plant(*, has_shifts: bool = False) -> Site:
    (only,) = site(line("weld1", range(101, 102))).lines
    machine = replace(only.equipment[0], rule=StatusRule(stop_after_s=STOP_S))
    found = replace(site(), lines=(replace(only, equipment=(machine,)),))
    if not has_shifts:
        return found
    return replace(found, calendar=plant(shift("day", "00:00-23:59", days=WEEK)))


class Server:
    """A board and a recorder on a clock that a test sets; `behind_s` is by how much it is wrong."""

    def __init__(self, site: Site, behind_s: float = 0.0) -> None:
        self.site = site
        self.true_s, self.behind_s = 0.0, behind_s
        self.runs, self.fails = True, False
        self.said: list[tuple[int, Status]] = []
        self.board = Board(site, self.now())
        self.recorder = Recorder("1")
        self.recorder.on_message(SiteChange(site=site, at_s=self.now().unix_s))
        state = PlcState(id="PLC01", link=PlcLink.ONLINE, since_s=self.now().unix_s)
        self.board.note_plc(state, self.now())

    def now(self, early_s: float = 0.0) -> Instant:
        true_s = self.true_s - early_s
        return Instant(unix_s=T0_S + true_s - self.behind_s, monotonic_s=1000.0 + true_s)

    def go_on(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.true_s += 1.0
            read_at = self.now(0.1)
            values = {"M101": int(self.runs), "M201": int(self.fails)}
            reading = Reading(
                plc_id="PLC01",
                read_at=read_at,
                latency_s=0.01,
                request_count=1,
                cpu_state=CpuState.RUN,
                tags={
                    address: TagValue(value=value, quality=Quality.GOOD, read_at=read_at)
                    for address, value in values.items()
                },
            )
            for change in self.board.fold(reading):
                self.recorder.on_message(change)
            snapshot, changes = self.board.tick(self.now())
            for change in changes:
                self.recorder.on_message(change)
            self.recorder.on_message(snapshot)
            self.said.append((round(self.true_s), snapshot.lines[0].equipment[0].status))

    def batches(self) -> list[Batch]:
        return taken(self.recorder, 50)

    def window(self) -> Span:
        return Span(round((T0_S - 9_000) * 1000), round((T0_S + self.true_s + 9_000) * 1000))


async def check(store: Store, server: Server) -> None:
    """Figures have of each status what the timeline has."""
    await store.write(server.batches())
    window = server.window()
    lanes = await lanes_of(store, [MACHINE], window.begin_ms, window.end_ms)
    drawn = dict.fromkeys(Status, 0)
    for each in lanes[MACHINE]:
        if each.status is not None:
            drawn[Status(each.status)] += each.end_ms - each.begin_ms
    plans = await plans_of(store, server.site)
    (sums,) = await totals_in(store, plans, server.site.lines[0].equipment, [window])
    times = sums[MACHINE].times
    assert {
        Status.RUNNING: times.running_ms,
        Status.IDLE: times.idle_ms,
        Status.STOPPED: times.stopped_ms,
        Status.ERROR: times.error_ms,
        Status.DISCONNECTED: times.disconnected_ms,
    } == drawn


@pytest.mark.parametrize("has_shifts", [False, True])
@pytest.mark.parametrize("begins_s", [4, SET_RIGHT_WITHIN_S + 30])
@pytest.mark.parametrize("step_s", [0.0, 3.0, -3.0, 600.0, -600.0])
async def test_a_wait_over_a_step_is_judged_as_the_board_said(
    store: Store, step_s: float, begins_s: float, *, has_shifts: bool
) -> None:
    server = Server(a_plant(has_shifts=has_shifts))
    server.go_on(begins_s)
    server.runs = False
    server.go_on(6)
    server.behind_s = -step_s
    server.go_on(24)
    server.runs = True
    server.go_on(4)
    waited = [status for _, status in server.said if status is not Status.RUNNING]
    assert waited == [Status.IDLE] * 19 + [Status.STOPPED] * 11
    await check(store, server)


async def test_a_wait_goes_on_behind_a_fault_over_two_steps(store: Store) -> None:
    server = Server(a_plant(), behind_s=900.0)
    server.go_on(4)
    server.runs = False
    server.go_on(3)
    server.fails = True
    server.go_on(3)
    server.behind_s = 300.0
    server.go_on(3)
    server.behind_s = 0.0
    server.go_on(2)
    server.fails = False
    server.go_on(30)
    await check(store, server)


@pytest.mark.parametrize("behind_s", [45.0, -5.0])
async def test_a_wait_that_began_before_a_start_with_a_wrong_clock_is_judged_as_said(
    store: Store, behind_s: float
) -> None:
    server = Server(a_plant(), behind_s)
    server.runs = False
    server.go_on(2)
    ran_s = server.now().unix_s - 8
    past = PastState(status=Status.IDLE, since_s=ran_s, seen_until_s=ran_s + 3, ran_until_s=ran_s)
    for change in server.board.recall({MACHINE: past}, server.now()):
        server.recorder.on_message(change)
    server.go_on(3)
    server.behind_s = 0.0
    server.go_on(30)
    await check(store, server)


scripts = st.lists(
    st.tuples(
        st.sampled_from(["run", "wait", "fail", "well", "none"]),
        st.sampled_from([0.0, 0.0, 0.0, 3.0, -3.0, 45.0, -45.0, 600.0, -600.0]),
        st.integers(2, 30),
    ),
    min_size=1,
    max_size=8,
)


@given(script=scripts, behind_s=st.sampled_from([0.0, 45.0, -45.0, 600.0]))
def test_however_the_clock_is_set_waiting_is_judged_as_it_was_said(
    script: list[tuple[str, float, int]], behind_s: float
) -> None:
    server = Server(a_plant(), behind_s)
    server.go_on(3)
    for what, step_s, length_s in script:
        server.runs = {"run": True, "wait": False}.get(what, server.runs)
        server.fails = {"fail": True, "well": False}.get(what, server.fails)
        server.behind_s -= step_s
        server.go_on(length_s)
    window = server.window()
    lane = lanes_of_batches(server.batches(), window.begin_ms, window.end_ms)
    calendar = server.site.calendar.of_line("weld1")
    rule = server.site.lines[0].equipment[0].rule
    judged = RulePlan(calendar, KpiRules(), rule).judge(lane, window.begin_ms, window.end_ms)
    for said in lane:
        for each in judged.intervals:
            # The board looks once a second, and a run may end before it has looked.
            begin_ms = max(said.begin_ms, each.begin_ms)
            end_ms = min(said.end_ms, each.end_ms)
            if end_ms - begin_ms > 1_000:
                assert each.status == said.status, (begin_ms, end_ms)
