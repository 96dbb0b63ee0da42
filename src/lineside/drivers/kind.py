"""What every protocol can be asked before it connects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lineside.config.schema import PlcConfig
from lineside.core.model import AddressProblem, ReadingPlan
from lineside.core.ports import Clock, Driver


class DriverKind(Protocol):
    """One protocol. Everything but `create` is pure and needs no PLC."""

    def check(self, plc: PlcConfig, addresses: Sequence[str]) -> list[AddressProblem]:
        """Return what is wrong with `addresses` on this PLC; empty when all can be read."""

    def plan(self, plc: PlcConfig, addresses: Sequence[str]) -> ReadingPlan:
        """Return the requests of one poll. The addresses must have passed `check`."""

    def is_bit(self, plc: PlcConfig, address: str) -> bool:
        """Whether an address that has passed `check` is a single bit."""

    def bit_count(self, plc: PlcConfig, address: str) -> int | None:
        """Return how many bits a checked address has; None: its value is no whole number."""

    def create(self, plc: PlcConfig, addresses: Sequence[str], clock: Clock) -> Driver:
        """Return a driver that has not connected yet."""
