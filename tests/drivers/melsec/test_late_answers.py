"""An answer that comes late is never taken for the answer to a later request.

This is the worst thing a driver can do: after one timeout every reading would be one behind, and
one machine's state would stand on another's box.
"""

from __future__ import annotations

import asyncio

import pytest

from lineside.core.errors import PlcUnreachable, ProtocolError
from lineside.drivers.melsec.simulator import Fault, FaultKind, MelsecSimulator

from .conftest import TIMEOUT_S, Drivers

LATE = Fault(kind=FaultKind.DELAY, delay_s=TIMEOUT_S + 0.02, times=1)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("frame", ["3E", "4E"])
async def test_after_a_timeout_the_next_reading_is_its_own(
    drivers: Drivers, transport: str, frame: str
) -> None:
    async with MelsecSimulator(transport=transport, frame=frame) as plc:
        driver = drivers.on(plc, ["D0"])
        await driver.open()
        for value in range(1, 4):
            plc.set_word("D0", value)
            plc.fault = LATE
            with pytest.raises(PlcUnreachable):
                await driver.read()
            plc.set_word("D0", -value)

            await driver.open()  # the late answer, +value, falls into this wait

            for _ in range(3):
                assert (await driver.read()).tags["D0"].value == -value


async def test_a_stale_4e_datagram_on_the_same_socket_is_passed_over(drivers: Drivers) -> None:
    async with MelsecSimulator(transport="udp", frame="4E") as plc:
        driver = drivers.on(plc, ["D0"])
        await driver.open()
        for value in range(1, 6):
            plc.set_word("D0", value)
            plc.fault = Fault(kind=FaultKind.STALE)

            assert (await driver.read()).tags["D0"].value == value


async def test_a_second_3e_datagram_ends_the_socket(drivers: Drivers) -> None:
    async with MelsecSimulator(transport="udp") as plc:
        driver = drivers.on(plc, ["D0"])
        await driver.open()
        plc.fault = Fault(kind=FaultKind.DUPLICATE, times=1)
        await driver.read()
        await asyncio.sleep(0)  # lets the second datagram arrive

        with pytest.raises(ProtocolError, match="nobody asked for"):
            await driver.read()


async def test_bytes_that_nobody_asked_for_end_the_connection(drivers: Drivers) -> None:
    """A server that repeats its last answer while nothing is asked."""
    repeat = asyncio.Event()
    repeated = asyncio.Event()

    async with MelsecSimulator() as plc:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", plc.port)
            for _ in range(2):  # SD203 at open, then one reading
                back.write(await reader.read(1000))
                answer = await there.read(1000)
                writer.write(answer)
            await repeat.wait()
            writer.write(answer)
            await writer.drain()
            repeated.set()
            await reader.read()
            back.close()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            driver = drivers.on_port(server.sockets[0].getsockname()[1], ["D0"])
            await driver.open()
            await driver.read()
            repeat.set()
            await repeated.wait()
            await asyncio.sleep(0)

            with pytest.raises(ProtocolError, match="nobody asked for"):
                await driver.read()


async def test_a_4e_answer_with_another_serial_ends_the_connection(drivers: Drivers) -> None:
    async with MelsecSimulator(frame="4E") as plc:
        encode = plc.codec.encode_response
        driver = drivers.on(plc, ["D0"])
        await driver.open()
        plc.codec.encode_response = (  # type: ignore[method-assign]
            lambda response: plc.codec.with_serial(encode(response), 0x7777)
        )

        with pytest.raises(ProtocolError, match="serial"):
            await driver.read()
