"""The registers of one simulated PLC as its program moves them, and what each held at any time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from random import Random

from lineside.core.model import Equipment, Scalar, TagRole
from lineside.drivers.melsec.simulated_cpu import Memory
from simulation.scenario import CLOCK_ADDRESS, HEARTBEAT_ADDRESS

# Changes lie half-way between two milliseconds, so that the clock register says on which side of
# each a sample was taken.
_BETWEEN_MILLISECONDS_S = 0.0005


class Register:
    """One register: what the program is going to write, and what it has held."""

    def __init__(self, address: str, planned: Sequence[tuple[float, Scalar]]) -> None:
        self.address = address
        self.times_s: list[float] = [0.0]
        self.values: list[Scalar] = [0]
        self._planned = planned
        self._next = 0

    @property
    def next_change_s(self) -> float:
        """When the program writes it next."""
        return self._planned[self._next][0] if self._next < len(self._planned) else math.inf

    def advance(self, now_s: float, memory: Memory) -> None:
        """Write what the program has written until `now_s`."""
        planned = self._planned
        before = self._next
        while self._next < len(planned) and planned[self._next][0] <= now_s:
            self.times_s.append(planned[self._next][0])
            self.values.append(planned[self._next][1])
            self._next += 1
        if self._next != before:
            memory.set(self.address, self.values[-1])

    def resume(self, now_s: float) -> None:
        """Pass over what was to be written while the program stood: only the last one counts."""
        planned = self._planned
        before = self._next
        while self._next < len(planned) and planned[self._next][0] <= now_s:
            self._next += 1
        if self._next != before:
            self._next -= 1
            rest = planned[self._next + 1 :]
            caught_up = (now_s, planned[self._next][1])
            self._planned = [*planned[: self._next], caught_up, *rest]

    def held(self, from_s: float, until_s: float) -> Sequence[Scalar]:
        """Return every value that it held at some time in [from_s, until_s]."""
        first = max(0, bisect_right(self.times_s, from_s) - 1)
        return self.values[first : bisect_right(self.times_s, until_s, first)]


class Registers:
    """All registers of one PLC. The program runs, or stands still with its values."""

    def __init__(
        self,
        random: Random,
        machines: Iterable[Equipment],
        tempo_s: float,
        end_s: float,
        memory: Memory,
    ) -> None:
        """Let `machines` change about every `tempo_s` until `end_s`, each in its own time."""
        self._memory = memory
        self._is_still = False
        self._next_change_s = 0.0
        self.by_address = {
            address: Register(address, _plan(random, role, machine, tempo_s, end_s))
            for machine in machines
            for role, address in machine.addresses.items()
        }

    def advance(self, now_s: float) -> None:
        """Bring the PLC's memory up to `now_s`."""
        memory = self._memory
        memory.set(CLOCK_ADDRESS, clock_value(now_s))
        if self._is_still:
            return
        memory.set(HEARTBEAT_ADDRESS, int(now_s) & 0x7FFF)
        if now_s >= self._next_change_s:
            for register in self.by_address.values():
                register.advance(now_s, memory)
            self._next_change_s = min(r.next_change_s for r in self.by_address.values())

    def stand_still(self, is_still: bool, now_s: float) -> None:
        """Stop the program, or let it run on."""
        if self._is_still and not is_still:
            for register in self.by_address.values():
                register.resume(now_s)
            self._next_change_s = now_s
        self.advance(now_s)
        self._is_still = is_still
        self.advance(now_s)


def clock_value(now_s: float) -> int:
    """Return what the clock register says at `now_s`."""
    return int(now_s * 1000.0)


def _plan(
    random: Random, role: TagRole, machine: Equipment, tempo_s: float, end_s: float
) -> list[tuple[float, Scalar]]:
    """Return what the program writes into one register, and when."""
    values: tuple[int, ...] = (1, 0)
    if role is TagRole.STATUS and machine.rule.value_map is not None:
        values = (0, 1, 2, 1, 2, 9)
    elif role is TagRole.STATUS and not machine.addresses[role].startswith("M"):
        values = (0, 1, 0, 1, 1, 7)
    is_rare = role is not TagRole.STATUS
    planned: list[tuple[float, Scalar]] = []
    at_s = 0.0
    while at_s < end_s:
        value = random.choice(values)
        # Faults come seldom and end soon.
        mean_s = tempo_s * (10.0 if value == 0 else 1.0) if is_rare else tempo_s
        planned.append((int(at_s * 1000.0) / 1000.0 + _BETWEEN_MILLISECONDS_S, value))
        at_s += random.expovariate(1.0 / mean_s) + 0.001
    return planned
