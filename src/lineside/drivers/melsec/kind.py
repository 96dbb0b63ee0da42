"""What Lineside may ask about MELSEC PLCs before it connects to one."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.config.schema import PlcConfig
from lineside.core.model import AddressProblem, ReadingPlan
from lineside.core.ports import Clock, Driver
from lineside.drivers.melsec.address import ValueType, check_address, parse_address
from lineside.drivers.melsec.driver import RUN_STATE_ADDRESS, MelsecDriver
from lineside.drivers.melsec.frame import Coding
from lineside.drivers.melsec.lengths import SPARE
from lineside.drivers.melsec.plan import Options, plan_reads, shortest_period_s


class MelsecKind:
    """MC protocol 3E and 4E; implements `lineside.drivers.kind.DriverKind`."""

    def check(self, plc: PlcConfig, addresses: Sequence[str]) -> list[AddressProblem]:
        """Return what is wrong with `addresses` on this PLC; empty when all can be read."""
        problems = (check_address(text, plc.family, Coding(plc.code)) for text in addresses)
        return [problem for problem in problems if problem is not None]

    def plan(self, plc: PlcConfig, addresses: Sequence[str]) -> ReadingPlan:
        """Return the requests of one poll, SD203 (the CPU's run state) included."""
        coding = Coding(plc.code)
        texts = (*_with_heartbeat(plc, addresses), RUN_STATE_ADDRESS)
        tags = [parse_address(text, plc.family, coding) for text in texts]
        options = Options(spare=0 if plc.frame == "4E" else SPARE)
        reads = plan_reads(tags, plc.family, coding, options)
        return ReadingPlan(
            plc_id=plc.id,
            requests=tuple(read.describe() for read in reads),
            shortest_period_s=shortest_period_s(plc.family, reads),
        )

    def is_bit(self, plc: PlcConfig, address: str) -> bool:
        """Whether an address that has passed `check` is a single bit."""
        return parse_address(address, plc.family, Coding(plc.code)).value_type is ValueType.BIT

    def bit_count(self, plc: PlcConfig, address: str) -> int | None:
        """Return how many bits a checked address has; None: its value is no whole number."""
        kind = parse_address(address, plc.family, Coding(plc.code)).value_type
        if kind is ValueType.F32:
            return None
        return 1 if kind is ValueType.BIT else 16 * kind.word_count

    def create(self, plc: PlcConfig, addresses: Sequence[str], clock: Clock) -> Driver:
        """Return a driver that has not connected yet; it reads the heartbeat too."""
        return MelsecDriver(plc, _with_heartbeat(plc, addresses), clock)


def _with_heartbeat(plc: PlcConfig, addresses: Sequence[str]) -> tuple[str, ...]:
    return (*addresses, *((plc.heartbeat,) if plc.heartbeat else ()))


MELSEC = MelsecKind()
