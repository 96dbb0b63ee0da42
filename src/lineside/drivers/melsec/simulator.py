"""A simulated MELSEC PLC on a real socket: MC protocol 3E or 4E, binary or ASCII, TCP or UDP.

It answers as a PLC does (`simulated_cpu.py`) and misbehaves on request (`Fault`). It serves tests,
the demo plant and `lineside simulate`; nothing that reads a real PLC imports it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import cast

import msgspec

from lineside.config.schema import Family, PlcConfig
from lineside.core.errors import ProtocolError
from lineside.core.model import CpuState, Scalar
from lineside.drivers.melsec.frame import (
    OWN_STATION,
    Codec,
    Coding,
    FrameKind,
    LengthFault,
    Request,
    Response,
    Route,
)
from lineside.drivers.melsec.signals import Signal
from lineside.drivers.melsec.simulated_cpu import Memory, SimulatedCpu

_BUFFER_MAX_BYTES = 64 * 1024

_random = Random()  # noqa: S311 -- jitter, not a secret


class FaultKind(StrEnum):
    """The ways in which a simulated PLC misbehaves."""

    DELAY = "delay"  # answers come `delay_s` late, and up to `jitter_s` more
    HANG = "hang"  # requests are taken, answers never come; the connection stays open
    CLOSE = "close"  # the connection is closed in place of an answer (FIN)
    RESET = "reset"  # the connection is reset in place of an answer (RST)
    TRUNCATE = "truncate"  # only the first `keep_bytes` of the answer come
    DUPLICATE = "duplicate"  # every answer comes twice, the second time `repeat_after_s` later
    STALE = "stale"  # the previous answer comes in front of the right one
    SHIFT = "shift"  # the previous answer comes in place of the right one
    FREEZE = "freeze"  # answers come, the data stands still
    END_CODE = "end_code"  # every request is refused with `end_code`
    GARBAGE = "garbage"  # bytes that are no MC protocol come in place of an answer


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One misbehaviour. `times` is the number of requests it meets; None is until changed.

    With an `address` it meets only the requests that touch the word of it.
    """

    kind: FaultKind
    address: str | None = None
    delay_s: float = 0.0
    jitter_s: float = 0.0
    repeat_after_s: float = 0.0
    keep_bytes: int = 5
    end_code: int = 0xC05E
    times: int | None = None


def _delay_s(fault: Fault) -> float:
    return fault.delay_s + _random.random() * fault.jitter_s


class MelsecSimulator:
    """One simulated PLC with one open setting (one port).

    Addresses are written as in a config: `simulator.set_bit("M100", True)`.
    """

    def __init__(
        self,
        *,
        family: Family = Family.Q,
        code: str = "binary",
        frame: str = "3E",
        transport: str = "tcp",
        host: str = "127.0.0.1",
        port: int = 0,
        route: Route = OWN_STATION,
        max_connections: int | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a PLC that is switched off; port 0 lets the system choose one at `start`.

        `now_s` is the time that signals (`follow`) are a function of.
        """
        self.codec = Codec(FrameKind(frame), Coding(code))
        self.cpu = SimulatedCpu(family, self.codec, route, now_s)
        self.host = host
        self.port = port
        self.request_count = 0
        self.connection_count = 0  # accepted since the start, refused ones included
        self.transport = transport
        self.family = family
        self._max_connections = max_connections
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self._datagrams_lost = asyncio.Event()
        self._connections: set[_Connection] = set()
        self._fault: Fault | None = None
        self._fault_left: int | None = None
        self._last_answer = b""

    @classmethod
    def for_plc(cls, plc: PlcConfig, *, host: str, port: int) -> MelsecSimulator:
        """Return a simulator that stands in for `plc`, at another address."""
        route = Route(network=plc.network, pc=plc.pc, module_io=plc.module_io, station=plc.station)
        return cls(
            family=plc.family,
            code=plc.code,
            frame=plc.frame,
            transport=plc.transport,
            host=host,
            port=port,
            route=route,
        )

    async def __aenter__(self) -> MelsecSimulator:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Switch on: listen on `port`, which is then the real one. Does nothing when on."""
        loop = asyncio.get_running_loop()
        if self.transport == "udp":
            if self._datagrams is None:
                self._datagrams_lost.clear()
                self._datagrams, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=(self.host, self.port)
                )
                self.port = self._datagrams.get_extra_info("sockname")[1]
        elif self._server is None:
            infos = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            family, _, _, _, address = infos[0]
            # By ourselves: uvloop says nothing when another takes the port before it listens.
            listening = socket.create_server(address[:2], family=family)
            try:
                self._server = await loop.create_server(lambda: _Connection(self), sock=listening)
            except BaseException:
                listening.close()
                raise
            self.port = listening.getsockname()[1]

    async def stop(self) -> None:
        """Switch off: stop listening and drop every connection. Does nothing when off."""
        if self._datagrams is not None:
            self._datagrams.abort()
            await self._datagrams_lost.wait()  # only then can the port be opened again
            self._datagrams = None
        if self._server is not None:
            self._server.close()
            for connection in tuple(self._connections):
                connection.drop()
            await self._server.wait_closed()
            self._server = None
        await asyncio.sleep(0)  # lets the loop close the dropped sockets

    async def go_silent(self) -> None:
        """Lose the PLC: the port closes and every connection drops. Memory is kept."""
        await self.stop()

    async def come_back(self) -> None:
        """Return on the same port after `go_silent`."""
        await self.start()

    @property
    def memory(self) -> Memory:
        """The memory that the PLC's program works on."""
        return self.cpu.memory

    def set_bit(self, address: str, value: bool) -> None:
        """Set a bit: of a bit device (`M100`) or of a word (`D100.3`)."""
        self.cpu.memory.set(address, value)

    def set_word(self, address: str, value: Scalar) -> None:
        """Set a number: a word (`D100`, -32768 to 65535) or a typed value (`D200:F32`)."""
        self.cpu.memory.set(address, value)

    def follow(self, address: str, signal: Signal) -> None:
        """Let the value at `address` follow a function of time, from the next request on."""
        self.cpu.follow(address, signal)

    def get_bit(self, address: str) -> bool:
        """Return a bit."""
        return bool(self.cpu.memory.get(address))

    def get_word(self, address: str) -> Scalar:
        """Return a number as the driver would read it."""
        return self.cpu.memory.get(address)

    @property
    def cpu_state(self) -> CpuState:
        """RUN, STOP or PAUSE. Not in RUN the program stands: reads see the data as it was."""
        return self.cpu.state

    @cpu_state.setter
    def cpu_state(self, state: CpuState) -> None:
        self.cpu.stand_still(False)
        self.cpu.state = state
        self._update_stillness()

    @property
    def fault(self) -> Fault | None:
        """The misbehaviour in force."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._fault = fault
        self._fault_left = fault.times if fault else None
        self._update_stillness()

    def refuse(self, address: str, end_code: int = 0xC056) -> None:
        """Answer every request that touches the word of `address` with `end_code`."""
        self.cpu.refuse(address, end_code)

    def accept(self, address: str) -> None:
        """Take back `refuse`."""
        self.cpu.accept(address)

    def _update_stillness(self) -> None:
        is_frozen = self._fault is not None and self._fault.kind is FaultKind.FREEZE
        self.cpu.stand_still(is_frozen or self.cpu.state is not CpuState.RUN)

    def _next_fault(self, message: Request | Response) -> Fault | None:
        """Return the fault that meets `message`, and count it."""
        fault = self._fault
        if fault is None or not self._meets(fault, message):
            return None
        if self._fault_left is not None:
            self._fault_left -= 1
            if self._fault_left <= 0:
                self.fault = None
        return fault

    def _meets(self, fault: Fault, message: Request | Response) -> bool:
        if fault.address is None:
            return True
        return isinstance(message, Request) and self.cpu.touches(message, fault.address)

    def _take_requests(self, buffer: bytearray) -> list[Request | Response]:
        """Return what the complete messages in `buffer` are: requests, or an immediate refusal.

        What this port cannot read it does not answer, except for C061 (length too short) and C050
        (something that is not ASCII on an ASCII port) [F], [A].
        """
        taken: list[Request | Response] = []
        try:
            while buffer and (request := self.codec.take_request(buffer)) is not None:
                taken.append(request)
        except LengthFault:
            buffer.clear()
            taken.append(Response(end_code=0xC061))
        except ProtocolError:
            is_ascii = self.codec.coding is Coding.ASCII
            buffer.clear()
            if is_ascii:
                taken.append(Response(end_code=0xC050))
        return taken

    def _answer(self, message: Request | Response, fault: Fault | None) -> bytes:
        """Return the bytes to send for one message under `fault`."""
        if isinstance(message, Response):
            return self.codec.encode_response(message)
        self.request_count += 1
        if fault is not None and fault.kind is FaultKind.END_CODE:
            response = self.cpu.refusal(message, fault.end_code)
        else:
            response = self.cpu.answer(message)
        answer = self.codec.encode_response(response)
        previous, self._last_answer = self._last_answer, answer
        if fault is None:
            return answer
        if fault.kind is FaultKind.TRUNCATE:
            return answer[: fault.keep_bytes]
        if fault.kind is FaultKind.STALE:
            return previous + answer
        if fault.kind is FaultKind.SHIFT:
            return previous
        if fault.kind is FaultKind.GARBAGE:
            return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        return answer


class _Connection(asyncio.Protocol):
    """One TCP connection to the simulator."""

    def __init__(self, simulator: MelsecSimulator) -> None:
        self._simulator = simulator
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._pending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)
        simulator = self._simulator
        simulator.connection_count += 1
        limit = simulator._max_connections
        if limit is not None and len(simulator._connections) >= limit:
            transport.close()  # the connect succeeds, then comes FIN [F]
            return
        simulator._connections.add(self)
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._simulator._connections.discard(self)
        if self._pending is not None:
            self._pending.cancel()

    def data_received(self, data: bytes) -> None:
        if self not in self._simulator._connections:
            return
        self._buffer += data
        if len(self._buffer) > _BUFFER_MAX_BYTES:
            self._buffer.clear()
            return
        messages = self._simulator._take_requests(self._buffer)
        if not messages:
            return
        # One request at a time: of several that arrive unanswered only the last counts [F].
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
        self._respond(messages[-1])

    def _respond(self, message: Request | Response) -> None:
        fault = self._simulator._next_fault(message)
        kind = fault.kind if fault else None
        answer = self._simulator._answer(message, fault)
        if self._transport is None or kind is FaultKind.HANG:
            return
        if fault is not None and kind is FaultKind.DELAY:
            loop = asyncio.get_running_loop()
            self._pending = loop.call_later(_delay_s(fault), self._transport.write, answer)
        elif kind is FaultKind.CLOSE:
            self._transport.close()
        elif kind is FaultKind.RESET:
            self.reset()
        elif fault is not None and kind is FaultKind.DUPLICATE and fault.repeat_after_s:
            self._transport.write(answer)
            asyncio.get_running_loop().call_later(fault.repeat_after_s, self._repeat, answer)
        else:
            self._transport.write(answer * 2 if kind is FaultKind.DUPLICATE else answer)

    def _repeat(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)

    def drop(self) -> None:
        """Close the connection without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

    def reset(self) -> None:
        """Close the connection with RST."""
        if self._transport is not None:
            connected = self._transport.get_extra_info("socket")
            # Linger on with time 0 is the way to ask for RST in place of FIN.
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP port of the simulator; each datagram is one message."""

    def __init__(self, simulator: MelsecSimulator) -> None:
        self._simulator = simulator
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._simulator._datagrams_lost.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        messages = self._simulator._take_requests(bytearray(data))
        if not messages:
            return
        fault = self._simulator._next_fault(messages[-1])
        kind = fault.kind if fault else None
        previous = self._simulator._last_answer
        answer = self._simulator._answer(messages[-1], fault)
        if kind in (FaultKind.HANG, FaultKind.CLOSE, FaultKind.RESET):
            return  # UDP has no connection to close
        if fault is not None and kind is FaultKind.DELAY:
            loop = asyncio.get_running_loop()
            loop.call_later(_delay_s(fault), self._send, answer, addr)
            return
        if kind is FaultKind.STALE:
            self._send(previous, addr)
            answer = answer[len(previous) :]
        elif fault is not None and kind is FaultKind.DUPLICATE:
            self._send(answer, addr)
            if fault.repeat_after_s:
                loop = asyncio.get_running_loop()
                loop.call_later(fault.repeat_after_s, self._send, answer, addr)
                return
        if answer:
            self._send(answer, addr)

    def _send(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, addr)
