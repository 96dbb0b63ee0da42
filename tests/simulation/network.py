"""The network between Lineside and its PLCs, in memory, on an event loop that has no other.

`PlantLoop` gives the driver's own protocols (`TcpLink`, `UdpLink`) transports whose other end is a
`SimulatedPlc`. Every byte takes its time on a `Cable`, which has the faults of its PLC.
"""

from __future__ import annotations

import asyncio
import errno
import traceback
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from lineside.core.errors import ProtocolError
from simulation.faults import FaultKind
from simulation.journal import Journal
from simulation.plc import Echo, Ending, Repeated, SimulatedPlc
from virtual_time import VirtualTimeLoop

_RETRANSMIT_S = 2.0  # the longest that TCP takes to bring what it held back
_NO_ROUTE_AFTER_S = 0.2
_TCP_HOLDS = {
    "up": (FaultKind.CABLE, FaultKind.HALF_UP, FaultKind.NO_ROUTE),
    "down": (FaultKind.CABLE, FaultKind.HALF_DOWN, FaultKind.NO_ROUTE),
}


class Socket:
    """What the driver may ask of a transport's socket."""

    def setsockopt(self, *_: object) -> None:
        """Take any option: the simulated network needs none."""

    def fileno(self) -> int:
        """Return -1, as a socket that holds nothing: what arrives is given to the link at once."""
        return -1


class Cable:
    """The way to one PLC and back. It knows which connections the PLC believes to have."""

    def __init__(self, loop: PlantLoop, plc: SimulatedPlc, random: Random) -> None:
        self.loop = loop
        self.plc = plc
        self.name = plc.plan.config.id
        self.random = random
        self.entries: set[Stream] = set()
        self.held: list[tuple[Stream, str, Callable[[], None]]] = []
        self.ports: dict[int, Datagrams] = {}
        self._port = 40_000

    def latency_s(self) -> float:
        """Return how long the next packet is on its way."""
        return self.plc.plan.latency_s + self.random.random() * self.plc.plan.jitter_s

    def is_held(self, way: str) -> bool:
        """Whether packets on the way "up" to the PLC or "down" from it do not arrive now."""
        faults = self.plc.faults
        return bool(faults) and any(kind in faults for kind in _TCP_HOLDS[way])

    @property
    def is_off(self) -> bool:
        """Whether the PLC has no power."""
        return FaultKind.OFF in self.plc.faults

    def on_fault(self, kind: FaultKind) -> None:
        """Do what a fault does to what is open, at its beginning."""
        if kind is FaultKind.OFF:
            for stream in self.entries:
                stream.is_known = False
            self.entries.clear()
        elif kind is FaultKind.CLOSED:
            for stream in list(self.entries):
                stream.reset_by_plc()

    def on_fault_over(self) -> None:
        """Let go what is held no more; TCP tries again, each packet in its own time."""
        held, self.held = self.held, []
        for stream, way, deliver in held:
            if self.is_held(way):
                self.held.append((stream, way, deliver))
            else:
                stream.deliver(way, self.random.random() * _RETRANSMIT_S, deliver)

    def next_port(self) -> int:
        """Return a local port: as often as not the one that was let go last, as systems do."""
        if self._port in self.ports or self.random.random() < 0.5:
            self._port += 1
        return self._port

    async def connect(self, make_protocol: Callable[[], Any]) -> tuple[Stream, Any]:
        """Connect over TCP, as the faults of the moment let it."""
        loop, faults = self.loop, self.plc.faults
        loop.journal.note(self.name, "connect")
        while self.is_off or (self.is_held("up") or self.is_held("down")):
            if FaultKind.NO_ROUTE in faults:
                await asyncio.sleep(_NO_ROUTE_AFTER_S)
                raise OSError(errno.EHOSTUNREACH, "No route to host")
            await asyncio.sleep(1.0)  # TCP asks again
        await asyncio.sleep(2.0 * self.latency_s())
        if FaultKind.CLOSED in faults:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        protocol = make_protocol()
        stream = Stream(self, protocol)
        is_taken = FaultKind.TAKEN in faults or len(self.entries) >= self.plc.plan.entries_max
        self.entries.add(stream)
        loop.open_transports.add(stream)
        protocol.connection_made(stream)
        if is_taken:
            loop.journal.note(self.name, "connection entry taken")
            stream.end_by_plc(None)
        return stream, protocol


class Stream(asyncio.Transport):
    """One TCP connection: Lineside's transport, with the PLC's end behind it."""

    def __init__(self, cable: Cable, protocol: asyncio.Protocol) -> None:
        super().__init__({"socket": Socket()})
        self.is_known = True  # to the PLC
        self._cable = cable
        self._protocol = protocol
        self._is_closed = False
        self._is_answering = False
        self._is_half_out = False
        # When the last packet on each way arrives: TCP keeps the order, retransmitted or not.
        self._arrives_s = {"up": 0.0, "down": 0.0}

    # Lineside's end.

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self._is_closed:
            self._carry("up", partial(self._reach_plc, bytes(data)))

    def is_closing(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._is_closed:
            self._close(None)
            self._carry("up", self._leave_entry)

    def _close(self, error: Exception | None) -> None:
        self._is_closed = True
        loop = self._cable.loop
        loop.open_transports.discard(self)
        loop.call_soon(self._protocol.connection_lost, error)

    def _receive(self, data: bytes) -> None:
        if not self._is_closed:
            self._cable.loop.journal.note(self._cable.name, ("heard", data))
            self._protocol.data_received(data)

    def _receive_end(self, error: Exception | None) -> None:
        if not self._is_closed:
            self._cable.loop.journal.note(self._cable.name, ("ended", repr(error)))
            self._close(error)
            self._carry("up", self._leave_entry)

    # The PLC's end.

    def reset_by_plc(self) -> None:
        """Let the PLC break the connection."""
        self.end_by_plc(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))

    def end_by_plc(self, error: Exception | None) -> None:
        """Let the PLC close the connection (no error), or reset it."""
        self._leave_entry()
        self._carry("down", partial(self._receive_end, error))

    def say_unasked(self, data: bytes) -> None:
        """Let the PLC say something that nobody asked for, but not amid an answer: none does."""
        if self._is_half_out:
            return
        self._carry("down", partial(self._receive, data))

    def _leave_entry(self) -> None:
        self.is_known = False
        self._cable.entries.discard(self)

    def _reach_plc(self, data: bytes) -> None:
        cable = self._cable
        if cable.is_off:
            return
        if not self.is_known:
            self._carry("down", partial(self._receive_end, ConnectionResetError("reset")))
            return
        journal = cable.loop.journal
        try:
            request = cable.plc.take_request(data)
        except ProtocolError as error:
            journal.broken("every request is a well-formed frame", error)
            return
        if request is None or self._is_answering:
            journal.broken("one request at a time on a connection", data)
            return
        self._is_answering = True
        journal.note(cable.name, ("asked", data))
        pieces = cable.plc.answer(request, cable.loop.time())
        owed_bytes = cable.plc.answer_bytes
        for delay_s, what in pieces:
            if isinstance(what, bytes) and not isinstance(what, Echo):
                owed_bytes -= len(what)
            cable.loop.after(delay_s, partial(self._leave_plc, what, owed_bytes <= 0))

    def _leave_plc(self, what: bytes | Ending, is_answered: bool) -> None:
        if isinstance(what, Echo):
            if self._is_half_out:
                return  # no PLC sends one message inside another
        else:
            self._is_half_out = not is_answered
            self._is_answering &= self._is_half_out
        if not self.is_known or self._cable.is_off:
            return
        if what is Ending.FIN:
            self.end_by_plc(None)
        elif what is Ending.RESET:
            self.reset_by_plc()
        elif isinstance(what, bytes):
            data = what * 2 if isinstance(what, Repeated) else what
            self._carry("down", partial(self._receive, data))

    # The way between them.

    def _carry(self, way: str, deliver: Callable[[], None]) -> None:
        """Let `deliver` happen when a packet has made its way; TCP's are held, never lost."""
        cable = self._cable
        if cable.is_held(way):
            cable.held.append((self, way, deliver))
        else:
            self.deliver(way, cable.latency_s(), deliver)

    def deliver(self, way: str, delay_s: float, deliver: Callable[[], None]) -> None:
        """Let a packet arrive after `delay_s`, but behind all that left before it."""
        loop = self._cable.loop
        self._arrives_s[way] = max(self._arrives_s[way], loop.time() + delay_s)
        loop.at(self._arrives_s[way], deliver)


class Datagrams(asyncio.DatagramTransport):
    """One UDP socket of Lineside's, connected to one PLC."""

    def __init__(self, cable: Cable, protocol: asyncio.DatagramProtocol, port: int) -> None:
        super().__init__({"sockname": ("192.168.3.1", port), "socket": Socket()})
        self._cable = cable
        self._protocol = protocol
        self._port = port
        self._is_closed = False

    def sendto(self, data: bytes | bytearray | memoryview[Any], addr: Any = None) -> None:
        cable = self._cable
        if self._is_closed or cable.is_off or cable.is_held("up"):
            return
        way = self._refuse if FaultKind.CLOSED in cable.plc.faults else self._reach_plc
        cable.loop.after(cable.latency_s(), partial(way, bytes(data)))

    def is_closing(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            cable = self._cable
            cable.loop.open_transports.discard(self)
            del cable.ports[self._port]
            cable.loop.call_soon(self._protocol.connection_lost, None)

    def _refuse(self, _: bytes) -> None:
        if not self._is_closed:
            error = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
            self._protocol.error_received(error)

    def _reach_plc(self, data: bytes) -> None:
        cable = self._cable
        cable.loop.journal.note(cable.name, ("asked", data))
        try:
            request = cable.plc.take_request(data)
        except ProtocolError as error:
            cable.loop.journal.broken("every request is a well-formed frame", error)
            return
        if request is None:
            cable.loop.journal.broken("every request is whole", data)
            return
        for delay_s, what in cable.plc.answer(request, cable.loop.time()):
            if isinstance(what, bytes):
                cable.loop.after(delay_s + cable.latency_s(), partial(self._come_back, what))

    def _come_back(self, data: bytes) -> None:
        """Arrive at whoever has the port by now."""
        cable = self._cable
        receiver = cable.ports.get(self._port)
        if receiver is None or cable.is_off or cable.is_held("down"):
            return
        cable.loop.journal.note(cable.name, ("heard", data))
        receiver.receive(data)
        if isinstance(data, Repeated):
            receiver.receive(data)

    def receive(self, data: bytes) -> None:
        """Give one datagram to the driver's protocol."""
        if not self._is_closed:
            config = self._cable.plc.plan.config
            self._protocol.datagram_received(data, (config.host, config.port))


class _WorldTimer(asyncio.TimerHandle):
    """A timer of the simulated world, not of Lineside: it has no context, and nobody cancels it."""

    def __init__(self, when_s: float, callback: Callable[[], None], loop: PlantLoop) -> None:
        # Not the base's: it would look for a context and a traceback, for every packet.
        self._when = when_s
        self._callback = callback
        self._loop = loop
        self._cancelled = False

    def __repr__(self) -> str:
        return f"<world timer at {self._when} s: {self._callback}>"

    def _run(self) -> None:
        try:
            self._callback()
        except Exception as error:  # noqa: BLE001 -- as a loop does
            self._loop.call_exception_handler({"message": "in the world: ", "exception": error})


class PlantLoop(VirtualTimeLoop):
    """Virtual time, and a network on which there is nothing but simulated PLCs."""

    def __init__(self, seed: int, *, is_true_tick: bool = False, is_verbose: bool = False) -> None:
        super().__init__()
        self.journal = Journal(seed, self.time, is_true_tick=is_true_tick, is_verbose=is_verbose)
        self.cables: dict[tuple[str, int], Cable] = {}
        self.open_transports: set[asyncio.BaseTransport] = set()

    def after(self, delay_s: float, callback: Callable[[], None]) -> None:
        """Let the simulated world do something, some time from now."""
        self.at(self.time() + delay_s, callback)

    def at(self, when_s: float, callback: Callable[[], None]) -> None:
        """Let the simulated world do something at `when_s`."""
        self.schedule(_WorldTimer(when_s, callback, self))

    def timers_of_lineside(self) -> list[asyncio.TimerHandle]:
        """Return the live timers that are not the simulated world's own."""
        return [timer for timer in self.live_timers() if not isinstance(timer, _WorldTimer)]

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        told = "".join(traceback.format_exception(error)) if error is not None else ""
        self.journal.broken("no exception reaches the loop's handler", context["message"] + told)

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: str, port: int, **_: object
    ) -> tuple[asyncio.Transport, Any]:
        return await self.cables[host, port].connect(protocol_factory)

    async def create_datagram_endpoint(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], *, remote_addr: tuple[str, int], **_: object
    ) -> tuple[asyncio.DatagramTransport, Any]:
        cable = self.cables[remote_addr]
        if FaultKind.NO_ROUTE in cable.plc.faults:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        protocol = protocol_factory()
        port = cable.next_port()
        datagrams = Datagrams(cable, protocol, port)
        cable.ports[port] = datagrams
        self.open_transports.add(datagrams)
        protocol.connection_made(datagrams)
        return datagrams, protocol
