"""One dead, one slow and one flapping PLC among many change nothing for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any

import pytest

from engine.scripted_plc import ScriptedPlc
from lineside.bus import MemoryBus
from lineside.core.model import Equipment, Line, Plc, PlcLink, Site, Snapshot, StateChange, TagRole
from lineside.core.ports import BusMessage
from lineside.engine import Engine, PollTarget
from virtual_time import VirtualTimeLoop, run_beside

PLC_COUNT = 24
PLAY_S = 600
TROUBLE_FROM_S = 60.0
DEAD, SLOW, FLAPPING = "PLC05", "PLC12", "PLC20"
IN_TROUBLE = {DEAD, SLOW, FLAPPING}

Script = Callable[["Hall"], Coroutine[Any, Any, None]]


class Hall:
    """Many scripted PLCs, each with its own pace and two machines, and what is said of them."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self.loop = loop
        self.heard: list[tuple[float, BusMessage]] = []
        ids = [f"PLC{n:02}" for n in range(1, PLC_COUNT + 1)]
        self.plcs = {
            plc_id: ScriptedPlc(
                plc_id,
                loop.clock,
                tags={"M1": n % 2 == 0, "M2": True},
                answer_s=0.005 + 0.007 * n,
            )
            for n, plc_id in enumerate(ids)
        }
        plcs = tuple(
            Plc(id=plc_id, driver="melsec", endpoint="-", period_s=(0.5, 1.0, 2.0)[n % 3])
            for n, plc_id in enumerate(ids)
        )
        machines = tuple(
            Equipment(
                code=f"{plc_id}-{tag}",
                name=tag,
                line_id="weld1",
                plc_id=plc_id,
                addresses={TagRole.STATUS: tag},
            )
            for plc_id in ids
            for tag in ("M1", "M2")
        )
        site = Site(lines=(Line(id="weld1", name="용접", equipment=machines),), plcs=plcs)
        targets = [
            PollTarget(
                plc=plc,
                make_driver=lambda plc=plc: self.plcs[plc.id],  # type: ignore[misc]
                fingerprint="as configured",
            )
            for plc in plcs
        ]
        bus = MemoryBus()
        bus.subscribe(lambda message: self.heard.append((loop.time(), message)))
        self.engine = Engine(site, targets, bus, loop.clock, random=Random(1))

    @property
    def snapshots(self) -> list[Snapshot]:
        return [message for _, message in self.heard if isinstance(message, Snapshot)]


def play(trouble: Script) -> Hall:
    """Let the hall live for ten minutes, its machines start and stop, and `trouble` come."""
    loop = VirtualTimeLoop()
    hall = Hall(loop)

    async def script() -> None:
        begun = asyncio.create_task(trouble(hall))
        for second in range(PLAY_S):
            for n, plc in enumerate(hall.plcs.values()):
                plc.tags["M1"] = (second + n) % 20 < 10
            await asyncio.sleep(1.0)
        await begun

    run_beside(hall.engine.run(), script(), loop)
    return hall


async def no_trouble(hall: Hall) -> None:
    """All PLCs are well."""


async def three_in_trouble(hall: Hall) -> None:
    """One never answers again, one takes longer than a tick, one comes and goes."""
    await asyncio.sleep(TROUBLE_FROM_S)
    hall.plcs[DEAD].is_up = False
    hall.plcs[SLOW].answer_s = 2.6
    for _ in range(60):
        hall.plcs[FLAPPING].is_up = not hall.plcs[FLAPPING].is_up
        await asyncio.sleep(7.3)


def told_of_the_rest(hall: Hall) -> list[object]:
    """Every tick and change as told, to the last figure, without the three and their machines."""
    told: list[object] = []
    for at_s, message in hall.heard:
        if isinstance(message, StateChange) and message.equipment_code[:5] not in IN_TROUBLE:
            told.append((at_s, message))
        elif isinstance(message, Snapshot):
            machines = [e for e in message.lines[0].equipment if e.plc_id not in IN_TROUBLE]
            plcs = [plc for plc in message.plcs if plc.id not in IN_TROUBLE]
            told.append((at_s, message.sequence, message.at, machines, plcs))
    return told


def read_times_of_the_rest(hall: Hall) -> Mapping[str, list[float]]:
    return {i: plc.read_times_s for i, plc in hall.plcs.items() if i not in IN_TROUBLE}


def test_a_dead_a_slow_and_a_flapping_plc_change_nothing_for_the_twenty_one_others() -> None:
    sound, troubled = play(no_trouble), play(three_in_trouble)

    # Ticks, polls, ages, latencies and statuses are the same to the last figure.
    assert len(sound.snapshots) > PLAY_S - 2
    assert read_times_of_the_rest(troubled) == read_times_of_the_rest(sound)
    assert told_of_the_rest(troubled) == told_of_the_rest(sound)
    assert all(
        (plc.data_age_p95_ms or 1e9) < 1_200.0
        for plc in troubled.snapshots[-1].plcs
        if plc.id not in IN_TROUBLE
    )


def test_the_three_really_are_in_trouble() -> None:
    troubled = play(three_in_trouble)
    links = {
        plc_id: {plc.link for s in troubled.snapshots for plc in s.plcs if plc.id == plc_id}
        for plc_id in IN_TROUBLE
    }
    last = {plc.id: plc for plc in troubled.snapshots[-1].plcs}
    assert links[DEAD] >= {PlcLink.ONLINE, PlcLink.RETRYING, PlcLink.LOST}
    assert last[DEAD].link is PlcLink.LOST
    assert last[SLOW].latency_last_ms == pytest.approx(2_600.0)
    assert last[SLOW].missed_poll_count > 100
    assert links[FLAPPING] >= {PlcLink.ONLINE, PlcLink.RETRYING, PlcLink.LOST}
    assert last[FLAPPING].reconnect_count > 20
