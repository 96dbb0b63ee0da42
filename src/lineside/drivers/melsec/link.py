"""One connection to one MELSEC PLC, over TCP or UDP: a request goes out, its own answer comes back.

A link that is in any doubt about what its next bytes belong to is finished: it aborts its socket
and every later exchange fails. It never reconnects; `driver.py` makes a new one.
"""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from collections.abc import Collection
from typing import cast

from lineside.core.errors import DriverError, PlcUnreachable, ProtocolError
from lineside.drivers.melsec.frame import Codec, FrameKind, Response, Route

_LOOP_TURNS = 3  # in which the event loop hands over what the system holds
_KEEPALIVE_IDLE_S = 10
_KEEPALIVE_INTERVAL_S = 5
_KEEPALIVE_PROBES = 3

_SILENT_AT_ONCE = (
    "the port takes connections but does not answer: most often `code` (ASCII/binary) or `frame` "
    "is not what the port is set to, or the port is not set to MC protocol"
)
_SILENT_LATER = "the PLC was switched off, its cable was pulled, or it is too busy: see `timeout`"
_SILENT_UDP = (
    "UDP does not tell: PLC off or unreachable, port not open, or `code` or `frame` not what the "
    "port is set to"
)
_CLOSED_AT_ONCE = (
    "the connection entry is in use: most PLCs serve one client per open setting; close the "
    "other client, or add an open setting with its own port"
)
_REPEATED = (
    "something between here and the PLC repeats answers, or they come later than `timeout`; where "
    'the port takes 4E, frame = "4E" tells them apart'
)
_CLOSED_LATER = "the PLC was restarted, or its Ethernet settings were changed"


class Link:
    """What TCP and UDP share: one request in flight, one waiter for its answer."""

    def __init__(self, codec: Codec, route: Route, *, was_heard: bool) -> None:
        """Prepare a link. `was_heard`: whether this PLC, so configured, ever answered."""
        self._codec = codec
        self._route = route
        self._waiter: asyncio.Future[Response] | None = None
        self._serial: int | None = None
        self._end: DriverError | None = None
        self._has_answered = False
        self._was_heard = was_heard

    async def exchange(self, frame: bytes, serial: int | None, timeout_s: float) -> Response:
        """Send `frame` and return its answer, an end code included.

        Args:
            frame: one request, coded as this link's codec does.
            serial: the serial number in a 4E frame, else None.
            timeout_s: the longest wait; after it the link is finished.

        Raises:
            PlcUnreachable: no answer in time, or the connection is gone.
            ProtocolError: the answer cannot be what was asked for. Always: the link is finished.
        """
        await self.expect_silence()
        self._serial = serial
        waiter: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiter = waiter
        try:
            self._send(frame)
            async with asyncio.timeout(timeout_s):
                response = await waiter
        except TimeoutError:
            error = self._silence(timeout_s)
            self._finish(error)
            raise error from None
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiter = None
        self._has_answered = True
        return response

    async def expect_silence(self) -> None:
        """Take in what has come already; nothing is in flight, so that it is a surplus.

        Raises:
            DriverError: the link is finished, by this or before.
        """
        if self._end is None and self._has_unread():
            for _ in range(_LOOP_TURNS):
                await asyncio.sleep(0)
            if self._end is None and self._codec.kind is FrameKind.THREE_E:
                self._finish(_surplus())
        if self._end is not None:
            raise self._end

    def abort(self) -> None:
        """Drop the socket at once. Safe at any time, any number of times."""
        self._finish(PlcUnreachable("the connection was dropped"))

    def _send(self, frame: bytes) -> None:
        raise NotImplementedError

    def _has_unread(self) -> bool:
        """Whether the system holds anything that this link has not seen."""
        raise NotImplementedError

    def _drop_socket(self) -> None:
        raise NotImplementedError

    def _silence(self, timeout_s: float) -> PlcUnreachable:
        raise NotImplementedError

    def _finish(self, error: DriverError) -> None:
        """Take no more exchanges, fail the one in flight with `error` and drop the socket."""
        if self._end is None:
            self._end = error
            self._drop_socket()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._end)

    def _accept(self, response: Response) -> None:
        """Give `response` to the waiter, if it is the answer to what was asked."""
        if response.route != self._route:
            cause = "check network, pc, module_io and station of this PLC"
            self._finish(ProtocolError(f"the answer comes from {response.route}", cause=cause))
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(response)


class TcpLink(Link, asyncio.Protocol):
    """A link over TCP."""

    def __init__(self, codec: Codec, route: Route, *, was_heard: bool = False) -> None:
        super().__init__(codec, route, was_heard=was_heard)
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Prepare the socket: answers are small and waited for, and half-open ones must show."""
        self._transport = cast(asyncio.Transport, transport)
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", _KEEPALIVE_IDLE_S),
            ("TCP_KEEPINTVL", _KEEPALIVE_INTERVAL_S),
            ("TCP_KEEPCNT", _KEEPALIVE_PROBES),
        ):
            if hasattr(socket, name):  # not every system has all three
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def data_received(self, data: bytes) -> None:
        """Collect the answer; anything else on this connection ends it."""
        if self._waiter is None or self._waiter.done():
            self._finish(_surplus())
            return
        self._buffer += data
        try:
            response = self._codec.take_response(self._buffer)
        except ProtocolError as error:
            self._finish(error)
            return
        if response is None:
            return
        if self._buffer:
            text = "the PLC sent more than one answer to one request"
            self._finish(ProtocolError(text, cause=_REPEATED))
        elif response.serial != self._serial:
            text = f"the answer has serial {response.serial} in place of {self._serial}"
            self._finish(ProtocolError(text, cause="a late answer to another request"))
        else:
            self._accept(response)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the link: the PLC closed (FIN) or reset (RST) the connection."""
        how = "closed the connection" if exc is None else f"broke the connection ({exc})"
        part = " within its answer" if self._buffer else ""
        cause = _CLOSED_LATER if self._has_answered or self._buffer else _CLOSED_AT_ONCE
        self._finish(PlcUnreachable(f"the PLC {how}{part}", cause=cause))

    def _send(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame)

    def _has_unread(self) -> bool:
        return self._transport is not None and _is_readable(self._transport)

    def _drop_socket(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _silence(self, timeout_s: float) -> PlcUnreachable:
        if self._buffer:
            text = f"the answer broke off after {len(self._buffer)} bytes"
            return PlcUnreachable(text, cause=_SILENT_LATER)
        cause = _SILENT_LATER if self._has_answered or self._was_heard else _SILENT_AT_ONCE
        return PlcUnreachable(f"no answer within {timeout_s:g} s", cause=cause)


class UdpLink(Link, asyncio.DatagramProtocol):
    """A link over UDP; each datagram is one answer.

    4E answers are told apart by their serial number. 3E has none, so that a 3E link with an
    unexpected datagram is finished.
    """

    def __init__(self, codec: Codec, route: Route, *, was_heard: bool = False) -> None:
        super().__init__(codec, route, was_heard=was_heard)
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def local_port(self) -> int | None:
        """The port this link receives on; None before it is connected."""
        if self._transport is None:
            return None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take the answer; with 4E, pass over answers to earlier requests."""
        buffer = bytearray(data)
        try:
            response = self._codec.take_response(buffer)
        except ProtocolError as error:
            self._finish(error)
            return
        if response is None or buffer:
            self._finish(ProtocolError("the datagram is not exactly one answer"))
            return
        is_waiting = self._waiter is not None and not self._waiter.done()
        if self._codec.kind is FrameKind.FOUR_E:
            if is_waiting and response.serial == self._serial:
                self._accept(response)
        elif is_waiting:
            self._accept(response)
        else:
            self._finish(_surplus())

    def error_received(self, exc: Exception) -> None:
        """End the link: the network says that the datagram did not arrive."""
        self._finish(_connect_fault(exc))

    def connection_lost(self, exc: Exception | None) -> None:
        """End the link."""
        self._finish(PlcUnreachable("the socket was closed"))

    def _send(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(frame)

    def _has_unread(self) -> bool:
        return self._transport is not None and _is_readable(self._transport)

    def _drop_socket(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _silence(self, timeout_s: float) -> PlcUnreachable:
        cause = _SILENT_LATER if self._has_answered or self._was_heard else _SILENT_UDP
        return PlcUnreachable(f"no answer within {timeout_s:g} s", cause=cause)


async def connect_tcp(
    host: str,
    port: int,
    codec: Codec,
    route: Route,
    timeout_s: float,
    *,
    was_heard: bool = False,
) -> TcpLink:
    """Return a link to `host`. `was_heard`: whether it ever answered, so configured.

    Raises:
        PlcUnreachable: with the likely cause.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            _, link = await loop.create_connection(
                lambda: TcpLink(codec, route, was_heard=was_heard), host, port
            )
    except TimeoutError:
        raise _no_connection(timeout_s) from None
    except OSError as error:
        raise _connect_fault(error) from None
    return link


async def connect_udp(
    host: str,
    port: int,
    codec: Codec,
    route: Route,
    timeout_s: float,
    avoid_ports: Collection[int],
    *,
    was_heard: bool = False,
) -> UdpLink:
    """Return a link to `host` that does not receive on `avoid_ports`: late answers may come there.

    Raises:
        PlcUnreachable: with the likely cause.
    """
    loop = asyncio.get_running_loop()

    async def make() -> UdpLink:
        _, link = await loop.create_datagram_endpoint(
            lambda: UdpLink(codec, route, was_heard=was_heard), remote_addr=(host, port)
        )
        return link

    async def connect() -> UdpLink:
        # uvloop keeps the socket of an endpoint whose making is cancelled, and cannot be closed
        # any more: it is made to the end, and ended then.
        making = loop.create_task(make(), name="udp link")
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_abort_made)
            raise

    try:
        async with asyncio.timeout(timeout_s):
            taken: list[UdpLink] = []  # each holds its port until there is another
            try:
                link = await connect()
                while link.local_port in avoid_ports:
                    taken.append(link)
                    link = await connect()
            finally:
                for each in taken:
                    each.abort()
    except TimeoutError:
        raise _no_connection(timeout_s) from None
    except OSError as error:
        raise _connect_fault(error) from None
    return link


def _abort_made(making: asyncio.Task[UdpLink]) -> None:
    """End a link that came too late."""
    if not making.cancelled() and making.exception() is None:
        making.result().abort()


def _surplus() -> ProtocolError:
    return ProtocolError("the PLC sent an answer that nobody asked for", cause=_REPEATED)


def _is_readable(transport: asyncio.BaseTransport) -> bool:
    """Whether the socket holds what the event loop has not taken yet."""
    number = transport.get_extra_info("socket").fileno()
    if number < 0:
        return False
    if not hasattr(select, "poll"):  # Windows, where a number may be of any size
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


def _no_connection(timeout_s: float) -> PlcUnreachable:
    return PlcUnreachable(
        f"no connection within {timeout_s:g} s",
        cause="nothing at this address: check power, cable, `host` and firewalls",
    )


def _connect_fault(error: Exception) -> PlcUnreachable:
    # A name with several addresses gives one OSError whose text lists the failure of each.
    is_refused = f"[Errno {errno.ECONNREFUSED}]" in str(error)
    if is_refused or isinstance(error, ConnectionRefusedError):
        return PlcUnreachable(
            "connection refused",
            cause="the port is not open: check `port`, and that the PLC's Ethernet settings have "
            "an open setting for it with MC protocol",
        )
    if any(f"[Errno {number}]" in str(error) for number in (errno.EMFILE, errno.ENFILE)):
        return PlcUnreachable(
            "this computer has no free file descriptors",
            cause="too many connections and files are open here; raise LimitNOFILE of the service "
            "(`ulimit -n`), or have fewer screens connect",
        )
    if isinstance(error, socket.gaierror):
        return PlcUnreachable("the host name is not known", cause="check `host`")
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return PlcUnreachable(
            "no route to the PLC", cause="check cable, `host`, subnet mask and gateway"
        )
    return PlcUnreachable(f"no connection: {error}", cause="check `host` and the network")
