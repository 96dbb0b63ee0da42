"""The network in memory keeps what a real one keeps."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from simulation.faults import Fault, FaultKind
from simulation.network import Cable, PlantLoop, Stream
from simulation.plc import SimulatedPlc
from simulation.scenario import draw_scenario
from virtual_time import run_virtually


class Listener(asyncio.Protocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""

    def data_received(self, data: bytes) -> None:
        self.heard += data


def connected(seed: int) -> tuple[Cable, Stream, Listener]:
    """A connection to a PLC that is well, and whoever listens at our end."""
    scenario = draw_scenario(0)
    plan, machines = scenario.plcs[0], list(scenario.site.lines[0].equipment[:1])
    random = Random(seed)
    cable = Cable(PlantLoop(seed), SimulatedPlc(plan, machines, random, 60.0, 60.0), random)
    listener = Listener()
    return cable, Stream(cable, listener), listener


@pytest.mark.parametrize("seed", range(20))
def test_what_tcp_held_back_arrives_in_order_and_before_what_was_said_later(seed: int) -> None:
    cable, stream, listener = connected(seed)
    pulled = Fault(kind=FaultKind.CABLE, plc=0, at_s=0.0, duration_s=1.0)

    async def talk() -> None:
        cable.plc.begin(pulled, cable.loop.time())
        for piece in (b"0", b"1", b"2", b"3", b"4"):
            stream.say_unasked(piece)
        cable.plc.end(pulled, cable.loop.time())
        cable.on_fault_over()
        for piece in (b"5", b"6", b"7"):
            stream.say_unasked(piece)
        await asyncio.sleep(5.0)

    run_virtually(talk(), cable.loop)
    assert listener.heard == b"01234567"


def test_nothing_unasked_is_said_amid_an_answer() -> None:
    cable, stream, listener = connected(1)

    async def talk() -> None:
        stream._leave_plc(b"an ans", is_answered=False)
        stream.say_unasked(b"!")
        stream._leave_plc(b"wer", is_answered=True)
        stream.say_unasked(b"?")
        await asyncio.sleep(5.0)

    run_virtually(talk(), cable.loop)
    assert listener.heard == b"an answer?"
