"""Looks over the shoulder of one driver: whether what it read is what the PLC held at that time."""

from __future__ import annotations

from collections.abc import Callable

from lineside.core.model import CpuState, Quality, Reading
from lineside.core.ports import Clock, Driver
from simulation.journal import Journal
from simulation.plc import SimulatedPlc
from simulation.registers import clock_value
from simulation.scenario import CLOCK_ADDRESS

_REFUSAL_KNOWN_S = 200.0  # a refused address is asked again after 180 s


class WitnessedDriver:
    """A driver that passes everything on to the real one and checks what comes back."""

    def __init__(
        self,
        driver: Driver,
        plc: SimulatedPlc,
        clock: Clock,
        journal: Journal,
        on_reading: Callable[[Reading], None],
    ) -> None:
        self._driver = driver
        self._plc = plc
        self._clock = clock
        self._journal = journal
        self._on_reading = on_reading

    async def open(self) -> None:
        await self._driver.open()

    async def read(self) -> Reading:
        started = self._clock()
        reading = await self._driver.read()
        self._check(reading, started.monotonic_s, self._clock().monotonic_s)
        self._journal.note(reading.plc_id, ("read", [tag.value for tag in reading.tags.values()]))
        self._on_reading(reading)
        return reading

    async def close(self) -> None:
        await self._driver.close()

    def _check(self, reading: Reading, started_s: float, now_s: float) -> None:
        journal, plc = self._journal, self._plc
        plan = plc.plan
        read_at_s = reading.read_at.monotonic_s
        if reading.plc_id != plan.plc.id or not started_s <= read_at_s <= now_s:
            journal.broken("a reading is of its own PLC and time", reading)
        if reading.tags.keys() != set(plan.addresses):
            journal.broken("a reading has every tag and no other", reading.tags)
        # The clock register says when the PLC answered: after the question, before now.
        clock = reading.tags[CLOCK_ADDRESS]
        clock_asked_s = clock.read_at.monotonic_s
        is_asked = isinstance(clock.value, int) and (
            clock_value(clock_asked_s) <= clock.value <= clock_value(now_s)
        )
        if not is_asked:
            journal.broken(
                "an answer belongs to its own request",
                f"{plan.plc.id}: asked at {clock_asked_s} s, answered now; the PLC's clock in the"
                f" answer says {clock.value} ms",
            )
        for address, register in plc.registers.by_address.items():
            tag = reading.tags[address]
            asked_s = tag.read_at.monotonic_s
            if not read_at_s <= asked_s <= now_s and tag.quality is not Quality.BAD:
                journal.broken("a value is asked for within its reading", f"{address}: {tag}")
            if tag.quality is Quality.BAD:
                if now_s > plc.refused_until_s.get(address, -1e9) + _REFUSAL_KNOWN_S:
                    journal.broken("only what is refused is bad", f"{address}: {tag}")
            elif tag.value not in (held := register.held(asked_s, now_s)):
                journal.broken(
                    "a value is one that the register held while it was read",
                    f"{plan.plc.id} {address}: {tag.value}, held {held} from {asked_s} s on",
                )
        if reading.cpu_state is not CpuState.RUN and any(
            tag.quality is Quality.GOOD for tag in reading.tags.values()
        ):
            journal.broken("what a stopped CPU says is not believed", reading)
