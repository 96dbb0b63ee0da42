"""A link that is in doubt is finished, whatever its owner does next."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Any

import pytest
import uvloop

from lineside.core.errors import PlcUnreachable
from lineside.drivers.melsec import link as link_module
from lineside.drivers.melsec.commands import Point, ReadWords, encode_command
from lineside.drivers.melsec.devices import devices_of
from lineside.drivers.melsec.frame import OWN_STATION, Codec, Coding, FrameKind, Request, Route
from lineside.drivers.melsec.link import TcpLink, UdpLink, connect_tcp, connect_udp
from lineside.drivers.melsec.simulator import Fault, FaultKind, MelsecSimulator

from .conftest import TIMEOUT_S


def request_to(plc: MelsecSimulator) -> bytes:
    head = Point(devices_of(plc.family)["D"], 0)
    code, subcommand, payload = encode_command(plc.codec.coding, ReadWords(head=head, count=1))
    return plc.codec.encode_request(Request(command=code, subcommand=subcommand, payload=payload))


@pytest.fixture(params=["tcp", "udp"])
async def plc(request: pytest.FixtureRequest) -> AsyncIterator[MelsecSimulator]:
    async with MelsecSimulator(transport=request.param) as simulator:
        yield simulator


async def link_to(plc: MelsecSimulator, avoid_ports: Collection[int] = ()) -> TcpLink | UdpLink:
    if plc.transport == "tcp":
        return await connect_tcp(plc.host, plc.port, plc.codec, OWN_STATION, 5)
    return await connect_udp(plc.host, plc.port, plc.codec, OWN_STATION, 5, avoid_ports)


async def test_after_a_timeout_a_link_takes_no_request_even_from_a_healthy_plc(
    plc: MelsecSimulator,
) -> None:
    link = await link_to(plc)
    plc.fault = Fault(kind=FaultKind.HANG, times=1)
    with pytest.raises(PlcUnreachable, match="no answer within"):
        await link.exchange(request_to(plc), None, TIMEOUT_S)

    with pytest.raises(PlcUnreachable, match="no answer within"):
        await link.exchange(request_to(plc), None, TIMEOUT_S)

    assert plc.request_count == 1, "the second request must not have been sent"


async def test_a_cancelled_exchange_finishes_the_link(plc: MelsecSimulator) -> None:
    link = await link_to(plc)
    plc.fault = Fault(kind=FaultKind.HANG, times=1)
    exchange = asyncio.create_task(link.exchange(request_to(plc), None, 30))
    await asyncio.wait([exchange], timeout=TIMEOUT_S / 4)
    exchange.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exchange

    with pytest.raises(PlcUnreachable, match="dropped"):
        await link.exchange(request_to(plc), None, TIMEOUT_S)


async def test_a_new_udp_link_never_receives_where_late_answers_may_come() -> None:
    async with MelsecSimulator(transport="udp") as plc:
        first = await link_to(plc)
        assert isinstance(first, UdpLink)
        port = first.local_port
        assert port is not None
        first.abort()

        for _ in range(20):
            link = await link_to(plc, {port})
            assert isinstance(link, UdpLink)
            assert link.local_port != port
            link.abort()


async def test_a_udp_link_that_holds_a_port_is_dropped_when_no_other_can_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    make = loop.create_datagram_endpoint
    made: list[Any] = []

    async def make_one(*args: Any, **options: Any) -> Any:
        if made:
            raise OSError(errno.EMFILE, "Too many open files")
        options["local_addr"] = ("127.0.0.1", avoid_port)
        made.append(await make(*args, **options))
        return made[0]

    async with MelsecSimulator(transport="udp") as plc:
        before = await link_to(plc)
        assert isinstance(before, UdpLink)
        avoid_port = before.local_port
        assert avoid_port is not None
        before.abort()
        await asyncio.sleep(0)
        monkeypatch.setattr(loop, "create_datagram_endpoint", make_one)
        with pytest.raises(PlcUnreachable, match="file descriptors"):
            await link_to(plc, {avoid_port})
    ((transport, _),) = made
    assert transport.is_closing()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
async def test_a_computer_without_descriptors_is_not_blamed_on_the_plc(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_args: object, **_options: object) -> object:
        raise OSError(number, os.strerror(number))

    async with MelsecSimulator() as plc:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", refuse)
        with pytest.raises(PlcUnreachable, match="this computer has no free") as caught:
            await link_to(plc)
    assert "LimitNOFILE" in caught.value.cause


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_udp_link_given_up_while_it_is_made_leaves_no_socket(
    loop_factory: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up: list[asyncio.Task[UdpLink]] = []

    class GivenUp(UdpLink):
        """A link whose owner gives up when there is a socket, and not yet a link."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            given_up[-1].cancel()

    monkeypatch.setattr(link_module, "UdpLink", GivenUp)

    async def give_up() -> None:
        codec = Codec(FrameKind.THREE_E, Coding.BINARY)
        making = connect_udp("127.0.0.1", 9, codec, Route(), 5.0, ())
        given_up.append(asyncio.create_task(making))
        with pytest.raises(asyncio.CancelledError):
            await given_up[-1]
        for _ in range(20):
            await asyncio.sleep(0)

    before = open_sockets()
    runner = asyncio.Runner(loop_factory=loop_factory)
    runner.get_loop()
    with_loop = open_sockets()
    runner.run(give_up())
    assert open_sockets() <= with_loop
    runner.close()
    assert open_sockets() <= before


def open_sockets() -> set[str]:
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own
            found.add(f"{each.name} {each.readlink()}")
    return {each for each in found if "socket:" in each}
