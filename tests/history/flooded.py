"""A server whose machines all fail at once: `python -m history.flooded FOLDER`.

More fail than it may raise alarms for, and one is over while it waits. When that is stored it says
so on standard output, and goes on until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from msgspec.structs import replace

from builders import T0_S, TurnedClock, line, site, site_change, snapshot, state_change
from lineside.core.model import Status
from lineside.core.times import unix_ms
from lineside.history import alarm_flood
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from lineside.log import configure_logging
from serving import eventually

SITE = site(line("weld1", range(101, 107)))
MACHINES = range(101, 107)
RISES_MAX = 2
STORED = "stored"


class Plant:
    """The bus of a server with a history, a second at a time."""

    def __init__(self, folder: Path, at_s: float) -> None:
        self.clock = TurnedClock(at_s)
        self.history = History(HistorySettings(folder=folder), self.clock, "1", alive_s=0.1)
        self.history.on_message(site_change(SITE, at_s=at_s))

    def see(self, status: Status, *numbers: int) -> None:
        for number in numbers:
            self.history.on_message(state_change(number, status, at_s=self.clock.unix_s))

    def pass_(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.clock.turn(1.0)
            self.history.on_message(replace(snapshot(SITE), at=self.clock()))

    async def stored(self) -> None:
        def is_stored() -> bool:
            now_ms = unix_ms(self.clock.unix_s)
            is_known = self.history.known_until_ms(now_ms) == now_ms
            return is_known and bool(self.history.health().written)

        await eventually(is_stored, "it is not stored")


async def main() -> None:
    configure_logging("json")
    alarm_flood.RISES_MAX = RISES_MAX
    plant = Plant(Path(sys.argv[1]), T0_S)
    plant.history.start()
    plant.see(Status.RUNNING, *MACHINES)
    plant.pass_()
    await plant.history.recall_alarms()
    plant.see(Status.ERROR, *MACHINES)
    plant.pass_(2)
    plant.see(Status.RUNNING, 103)
    plant.pass_(2)
    await plant.stored()
    print(STORED, flush=True)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main())
