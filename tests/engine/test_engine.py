"""The engine as a whole, on virtual time: ticks, isolation of PLCs, and a new configuration."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from engine.scripted_plc import ScriptedPlc
from lineside.bus import MemoryBus
from lineside.core.model import (
    Equipment,
    Line,
    Plc,
    Site,
    Snapshot,
    StateChange,
    Status,
    TagRole,
)
from lineside.core.ports import BusMessage
from lineside.engine import Engine, PollTarget
from virtual_time import VirtualTimeLoop, run_beside

CODES = [f"KRCWO12ELOA{n}" for n in range(101, 107)]


class Plant:
    """Three scripted PLCs with two machines each, the engine, and what it published."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self.loop = loop
        self.heard: list[tuple[float, BusMessage]] = []
        self.is_recording = True
        self.plcs = {
            plc_id: ScriptedPlc(plc_id, loop.clock, tags={"M1": True, "M2": True, "M9": False})
            for plc_id in ("PLC01", "PLC02", "PLC03")
        }
        self.bus = MemoryBus()
        self.bus.subscribe(self.hear)
        self.engine = Engine(self.site(), self.targets(), self.bus, loop.clock)

    def hear(self, message: BusMessage) -> None:
        if self.is_recording:
            self.heard.append((self.loop.time(), message))

    def site(self, count: int = 6) -> Site:
        equipment = tuple(
            Equipment(
                code=code,
                name=f"설비 {i + 1}",
                line_id="weld1",
                plc_id=f"PLC{i // 2 + 1:02}",
                addresses={TagRole.STATUS: f"M{i % 2 + 1}", TagRole.ERROR: "M9"},
            )
            for i, code in enumerate(CODES[:count])
        )
        plcs = tuple(Plc(id=plc_id, driver="melsec", endpoint="-") for plc_id in self.plcs)
        line = Line(id="weld1", name="용접 1라인", equipment=equipment)
        return Site(lines=(line,), plcs=plcs)

    def targets(self, **fingerprints: str) -> list[PollTarget]:
        return [
            PollTarget(
                plc=plc,
                make_driver=lambda plc=plc: self.plcs[plc.id],  # type: ignore[misc]
                fingerprint=fingerprints.get(plc.id, "as configured"),
            )
            for plc in self.site().plcs
        ]

    def snapshots(self) -> list[tuple[float, Snapshot]]:
        return [(t, m) for t, m in self.heard if isinstance(m, Snapshot)]

    def statuses(self, after_s: float = 0.0) -> list[list[Status]]:
        return [
            [e.status for e in s.lines[0].equipment] for t, s in self.snapshots() if t > after_s
        ]


def plant(script: Callable[[Plant], Coroutine[Any, Any, None]]) -> Plant:
    """Run an engine while `script` plays, then cancel it."""
    loop = VirtualTimeLoop()
    made = Plant(loop)
    run_beside(made.engine.run(), script(made), loop)
    return made


def test_ticks_fall_on_whole_seconds_once_each_for_an_hour() -> None:
    async def script(made: Plant) -> None:
        await asyncio.sleep(3600)

    _, *snapshots = plant(script).snapshots()  # the first is taken at the start
    assert len(snapshots) == 3600
    assert max(abs(s.at.unix_s - round(s.at.unix_s)) for _, s in snapshots) < 0.001
    assert [s.sequence for _, s in snapshots] == list(range(2, 3602))


def test_a_frozen_process_skips_the_ticks_it_missed_and_never_bursts() -> None:
    async def script(made: Plant) -> None:
        await asyncio.sleep(10)
        made.loop.spend(30.0)
        await asyncio.sleep(10)

    made = plant(script)
    _, *times = [t for t, _ in made.snapshots()]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert sum(gap > 29 for gap in gaps) == 1
    assert sum(gap < 0.98 for gap in gaps) <= 1  # back on the grid after the late one
    assert made.engine.missed_tick_count >= 29
    # What was read before the freeze is 30 s old in the first tick after it, and says so.
    frozen_at = next(i for i, gap in enumerate(gaps) if gap > 29)
    assert set(made.statuses()[frozen_at + 2]) == {Status.DISCONNECTED}


@pytest.mark.parametrize("wall_step_s", [0.4, -0.4, 3600.4, -3600.5])
def test_while_ticks_follow_a_stepped_clock_their_values_are_no_older_than_before(
    wall_step_s: float,
) -> None:
    async def script(made: Plant) -> None:
        await asyncio.sleep(60)
        made.loop.wall_step_s = wall_step_s
        await asyncio.sleep(300)

    made = plant(script)
    shown = [s.plcs for t, s in made.snapshots() if t > 5]
    assert max(plc.data_age_last_ms or math.inf for plcs in shown for plc in plcs) < 6.0
    assert [plc.late_poll_count for plc in shown[-1]] == [0, 0, 0]
    unix_s = made.snapshots()[-1][1].at.unix_s
    assert abs(unix_s - round(unix_s)) < 0.001


def test_a_plc_slower_than_the_tick_period_delays_no_tick_and_is_as_old_as_it_takes() -> None:
    async def script(made: Plant) -> None:
        made.plcs["PLC02"].answer_s = 1.2
        await asyncio.sleep(120)

    made = plant(script)
    _, *times = [t for t, _ in made.snapshots()]
    assert {round(b - a, 6) for a, b in itertools.pairwise(times)} == {1.0}
    plcs = {plc.id: plc for plc in made.snapshots()[-1][1].plcs}
    assert plcs["PLC02"].missed_poll_count > 50
    assert (plcs["PLC02"].data_age_p95_ms or math.inf) < 1010
    assert (plcs["PLC01"].data_age_p95_ms or math.inf) < 6.0


def test_one_silent_plc_disconnects_its_two_machines_and_disturbs_no_other() -> None:
    async def script(made: Plant) -> None:
        await asyncio.sleep(10)
        made.plcs["PLC02"].is_up = False
        await asyncio.sleep(60)
        made.plcs["PLC02"].is_up = True
        await asyncio.sleep(13)

    made = plant(script)
    running, gray = Status.RUNNING, Status.DISCONNECTED
    while_silent = [s for t, s in made.snapshots() if 14 < t < 69]
    for snapshot in while_silent:
        assert [e.status for e in snapshot.lines[0].equipment] == [
            running,
            running,
            gray,
            gray,
            running,
            running,
        ]
    assert set(made.statuses()[-1]) == {running}
    reads = made.plcs["PLC01"].read_times_s
    assert max(b - a for a, b in itertools.pairwise(reads)) < 1.01
    changes = [m for _, m in made.heard if isinstance(m, StateChange) and m.previous is running]
    assert sorted(c.equipment_code for c in changes) == CODES[2:4]


def test_a_new_configuration_keeps_the_connections_that_did_not_change() -> None:
    async def script(made: Plant) -> None:
        await asyncio.sleep(10)
        made.engine.replace_site(made.site(count=5), made.targets(PLC03="new port"))
        await asyncio.sleep(10)

    made = plant(script)
    assert [made.plcs[i].open_count for i in ("PLC01", "PLC02", "PLC03")] == [1, 1, 2]
    # No tick between the two configurations shows a machine gray that did not move.
    assert all(s[:4] == [Status.RUNNING] * 4 for s in made.statuses(after_s=2))
    assert len(made.statuses()[-1]) == 5


def test_a_new_plan_for_a_plc_waits_until_the_old_connection_is_closed() -> None:
    async def script(made: Plant) -> None:
        await asyncio.sleep(10)
        made.engine.replace_site(made.site(), made.targets(PLC01="one tag more"))
        await asyncio.sleep(5)

    made = plant(script)
    plc = made.plcs["PLC01"]
    assert plc.open_count == 2
    assert plc.open_times_s[1] - 10 >= 0.05
    assert not [c for t, c in made.heard if isinstance(c, StateChange) and t > 5]


def test_a_page_that_opens_before_the_first_second_is_told_what_is_known() -> None:
    async def all_answer(made: Plant) -> None:
        await asyncio.sleep(0.1)

    async def one_is_silent(made: Plant) -> None:
        made.plcs["PLC02"].is_up = False
        await asyncio.sleep(0.3)

    running, gray = Status.RUNNING, Status.DISCONNECTED
    for script, expected in (
        (all_answer, [running] * 6),
        (one_is_silent, [running, running, gray, gray, running, running]),
    ):
        ((_, first),) = plant(script).snapshots()
        assert [e.status for e in first.lines[0].equipment] == expected


def test_a_plc_that_leaves_the_configuration_is_no_longer_polled() -> None:
    async def script(made: Plant) -> None:
        await asyncio.sleep(10)
        site = Site(lines=made.site(count=4).lines, plcs=made.site().plcs[:2])
        made.engine.replace_site(site, made.targets()[:2])
        await asyncio.sleep(10)

    made = plant(script)
    assert max(made.plcs["PLC03"].read_times_s) <= 10.01
    assert not made.plcs["PLC03"].is_open
    assert len(made.snapshots()[-1][1].plcs) == 2
