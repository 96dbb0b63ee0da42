"""The network in memory keeps what a real one keeps."""

from __future__ import annotations

import asyncio
from random import Random

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


def test_what_tcp_held_back_arrives_in_order_and_before_what_was_said_later() -> None:
    scenario = draw_scenario(0)
    plan, machines = scenario.plcs[0], list(scenario.site.lines[0].equipment[:1])
    for seed in range(20):
        random = Random(seed)
        loop = PlantLoop(seed)
        cable = Cable(loop, SimulatedPlc(plan, machines, random, 60.0, 60.0), random)
        listener = Listener()
        stream = Stream(cable, listener)
        pulled = Fault(kind=FaultKind.CABLE, plc=0, at_s=0.0, duration_s=1.0)

        async def talk(
            cable: Cable = cable, stream: Stream = stream, pulled: Fault = pulled
        ) -> None:
            cable.plc.begin(pulled, cable.loop.time())
            for piece in (b"0", b"1", b"2", b"3", b"4"):
                stream.say_unasked(piece)
            cable.plc.end(pulled, cable.loop.time())
            cable.on_fault_over()
            for piece in (b"5", b"6", b"7"):
                stream.say_unasked(piece)
            await asyncio.sleep(5.0)

        run_virtually(talk(), loop)
        assert listener.heard == b"01234567"
