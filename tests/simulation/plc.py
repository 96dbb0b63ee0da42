"""One simulated PLC: real MC frames in, real MC frames out, and every way to get them wrong.

What it answers is `simulated_cpu.py`'s; here is what its port and its network make of the answer.
No time passes here: an answer is a list of pieces with the delay of each.
"""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from random import Random

from msgspec.structs import replace

from lineside.core.model import CpuState, Equipment
from lineside.drivers.melsec.asking import Asker
from lineside.drivers.melsec.commands import RANDOM_READ
from lineside.drivers.melsec.frame import Codec, Coding, FrameKind, Request, Response, Route
from lineside.drivers.melsec.simulated_cpu import SimulatedCpu
from simulation.faults import Fault, FaultKind
from simulation.registers import Registers
from simulation.scenario import PlcPlan

_END_CODES = (0xC05E, 0xC201, 0xC05F, 0xC86C)  # whole requests, never one address
_UNKNOWN_COMMAND = 0xC059
_GARBAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n"


class Ending(Enum):
    """What may come in place of bytes."""

    FIN = "fin"
    RESET = "reset"


class Repeated(bytes):
    """An answer that comes twice at the same moment."""


class Echo(bytes):
    """An answer that has come already and comes again, between others."""


Piece = tuple[float, bytes | Ending]  # delay after the request in seconds, and what comes then


class SimulatedPlc:
    """One PLC: its memory, its faults, and when it was last well."""

    def __init__(
        self,
        plan: PlcPlan,
        machines: list[Equipment],
        random: Random,
        tempo_s: float,
        end_s: float,
    ) -> None:
        config = plan.config
        self.plan = plan
        self.random = random
        self.codec = Codec(FrameKind(config.frame), Coding(config.code))
        self.cpu = SimulatedCpu(config.family, self.codec, Asker(config).route)
        self.registers = Registers(random, machines, tempo_s, end_s, self.cpu.memory)
        self.faults: dict[FaultKind, Fault] = {}
        self.refused_until_s: dict[str, float] = {}  # addresses, and when the refusal ended
        self._last_answer = b""
        self._requests: dict[bytes, Request | None] = {}

    @property
    def answer_bytes(self) -> int:
        """How long the last answer was, whatever became of it."""
        return len(self._last_answer)

    # What the scenario does to it.

    def begin(self, fault: Fault, now_s: float) -> None:
        """Misbehave from now on."""
        self.faults[fault.kind] = fault
        self._follow_faults(now_s)
        if fault.kind is FaultKind.REFUSED_TAG:
            self._refuse_one(fault)

    def end(self, fault: Fault, now_s: float) -> None:
        """Be well again in this respect."""
        self.faults.pop(fault.kind, None)
        self._follow_faults(now_s)
        if fault.kind is FaultKind.REFUSED_TAG:
            for address, until_s in self.refused_until_s.items():
                if until_s > now_s:
                    self.cpu.accept(address)
                    self.refused_until_s[address] = now_s

    def _follow_faults(self, now_s: float) -> None:
        is_stopped = FaultKind.STOP in self.faults
        is_still = is_stopped or FaultKind.FROZEN in self.faults
        self.registers.stand_still(is_still, now_s)
        self.cpu.state = CpuState.STOP if is_stopped else CpuState.RUN

    def _refuse_one(self, fault: Fault) -> None:
        """Refuse the word of one address; whatever else lies in it goes with it."""
        addresses = sorted(self.registers.by_address)
        chosen = addresses[int(fault.amount * len(addresses))]
        self.cpu.refuse(chosen, 0xC056 if fault.share < 1.0 else 0x4031)
        word = _word_of(chosen)
        for address in addresses:
            if _word_of(address) == word:
                self.refused_until_s[address] = float("inf")

    def is_met_by(self, kind: FaultKind) -> Fault | None:
        """Return the fault of this kind, if there is one and the present request meets it."""
        fault = self.faults.get(kind)
        if fault is None or (fault.share < 1.0 and self.random.random() >= fault.share):
            return None
        return fault

    # What it answers.

    def take_request(self, data: bytes) -> Request | None:
        """Return the request in `data`; None when it is not whole.

        Raises:
            ProtocolError: it is none.
        """
        if data not in self._requests:  # 3E asks the same all day
            self._requests[data] = self.codec.take_request(bytearray(data))
        return self._requests[data]

    def answer(self, request: Request, now_s: float) -> list[Piece]:
        """Sample the registers at `now_s` and return what leaves in answer to `request`."""
        self.registers.advance(now_s)
        response = self._response(request)
        if self.is_met_by(FaultKind.WRONG_SERIAL) and response.serial is not None:
            response = replace(response, serial=response.serial ^ self.random.randint(1, 0xFFFF))
        if self.is_met_by(FaultKind.WRONG_ROUTE):
            route = response.route
            response = replace(response, route=Route(network=route.network, pc=1))
        data = self.codec.encode_response(response)
        previous, self._last_answer = self._last_answer, data
        return self._pieces(data, previous)

    def _response(self, request: Request) -> Response:
        fault = self.is_met_by(FaultKind.END_CODE)
        if fault is not None:
            code = _END_CODES[int(fault.amount * len(_END_CODES))]
            return self.cpu.refusal(request, code)
        if request.command == RANDOM_READ and not self.plan.takes_random:
            return self.cpu.refusal(request, _UNKNOWN_COMMAND)
        return self.cpu.answer(request)

    def _pieces(self, data: bytes, previous: bytes) -> list[Piece]:
        """Return `data` as the faults of the moment let it leave."""
        if not self.faults:
            return self._in_pieces(data, 0.0)
        timeout_s = self.plan.config.timeout
        for kind in self.faults:
            if not self.is_met_by(kind):
                continue
            amount = self.random.random()
            if kind is FaultKind.HANG:
                return []
            if kind is FaultKind.LATE:
                return self._in_pieces(data, timeout_s * (1.0 + 4.0 * amount))
            if kind is FaultKind.SLOW:
                return self._in_pieces(data, timeout_s * (0.3 + 0.6 * amount))
            if kind is FaultKind.TRICKLE:
                gap_s = timeout_s * 1.5 / len(data)
                return [(i * gap_s, data[i : i + 1]) for i in range(len(data))]
            if kind is FaultKind.FIN:
                return [(0.0, Ending.FIN)]
            if kind is FaultKind.RESET:
                return [(0.0, Ending.RESET)]
            if kind in (FaultKind.CUT, FaultKind.CUT_FIN):
                cut: list[Piece] = [(0.0, data[: 1 + int(amount * (len(data) - 1))])]
                return [*cut, (0.001, Ending.FIN)] if kind is FaultKind.CUT_FIN else cut
            if kind is FaultKind.GARBAGE:
                return [(0.0, _GARBAGE)]
            if kind is FaultKind.TWICE:
                return self._twice(data, amount)
            if kind is FaultKind.STALE and previous:
                return [(0.0, previous), *self._in_pieces(data, 0.02 * amount)]
        return self._in_pieces(data, 0.0)

    def _twice(self, data: bytes, amount: float) -> list[Piece]:
        """Return the answer twice: at once, or, where serials tell, while others are awaited.

        A 3E frame has no serial: that a repeated answer which comes while the next request is
        under way is not that request's, nobody could know.
        """
        if self.codec.kind is FrameKind.FOUR_E:
            return [*self._in_pieces(data, 0.0), (0.002 + 0.1 * amount, Echo(data))]
        return [(0.0, Repeated(data))]

    def _in_pieces(self, data: bytes, delay_s: float) -> list[Piece]:
        if self.plan.config.transport == "udp" or self.random.random() >= self.plan.splits_share:
            return [(delay_s, data)]
        cuts = sorted(self.random.randrange(1, len(data)) for _ in range(self.random.randint(1, 4)))
        edges = [0, *cuts, len(data)]
        parts = [data[a:b] for a, b in pairwise(edges) if a < b]
        return [(delay_s + i * 0.004, part) for i, part in enumerate(parts)]


def _word_of(address: str) -> str:
    """Return which word `address` lies in, for the addresses that scenarios draw."""
    base = address.partition(".")[0]
    return f"{base[0]}{int(base[1:]) // 16}w" if base.startswith("M") else base
