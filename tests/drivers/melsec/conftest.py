"""A clock that stands until it is moved, and drivers for simulated PLCs on loopback."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from lineside.config.schema import Family, PlcConfig
from lineside.core.model import Instant
from lineside.drivers.melsec.driver import MelsecDriver
from lineside.drivers.melsec.simulator import MelsecSimulator

SETTINGS = list(itertools.product(("3E", "4E"), ("binary", "ascii"), ("tcp", "udp")))
in_every_setting = pytest.mark.parametrize(("frame", "code", "transport"), SETTINGS)

TIMEOUT_S = 0.8  # short enough to wait out, long enough for a busy machine


class HandClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> Instant:
        return Instant(unix_s=1_762_000_000.0 + self.now_s, monotonic_s=self.now_s)


class Drivers:
    """Makes drivers and drops their connections when the test ends."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self._made: list[MelsecDriver] = []

    def plc(self, port: int, **settings: Any) -> PlcConfig:
        given = {"family": Family.Q, "timeout": f"{TIMEOUT_S}s", **settings}
        return PlcConfig(id="PLC01", host="127.0.0.1", port=port, **given)

    def on_port(self, port: int, addresses: Sequence[str], **settings: Any) -> MelsecDriver:
        driver = MelsecDriver(self.plc(port, **settings), addresses, self._clock)
        self._made.append(driver)
        return driver

    def on(self, simulator: MelsecSimulator, addresses: Sequence[str]) -> MelsecDriver:
        """Return a driver whose settings are the simulator's."""
        return self.on_port(
            simulator.port,
            addresses,
            family=simulator.family,
            frame=simulator.codec.kind.value,
            code=simulator.codec.coding.value,
            transport=simulator.transport,
        )

    async def close(self) -> None:
        for driver in self._made:
            await driver.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def drivers(clock: HandClock) -> AsyncIterator[Drivers]:
    made = Drivers(clock)
    yield made
    await made.close()


@pytest.fixture
async def plc() -> AsyncIterator[MelsecSimulator]:
    """A Q CPU: 3E, binary, TCP."""
    async with MelsecSimulator() as simulator:
        yield simulator
