"""The simulated PLC answers as a PLC does: limits, end codes, memory, one request at a time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop

from lineside.config.schema import Family, PlcConfig
from lineside.core.model import CpuState
from lineside.drivers.melsec.address import AddressError
from lineside.drivers.melsec.commands import (
    Point,
    ReadBits,
    ReadCommand,
    ReadRandom,
    ReadWords,
    decode_words,
    encode_command,
)
from lineside.drivers.melsec.devices import devices_of, limits_of
from lineside.drivers.melsec.frame import Codec, Coding, FrameKind, Request, Response
from lineside.drivers.melsec.signals import counter, square_wave
from lineside.drivers.melsec.simulated_cpu import SimulatedCpu
from lineside.drivers.melsec.simulator import Fault, FaultKind, MelsecSimulator

CODEC = Codec(FrameKind.THREE_E, Coding.BINARY)


def ask(cpu: SimulatedCpu, command: ReadCommand, coding: Coding = Coding.BINARY) -> Response:
    code, subcommand, payload = encode_command(coding, command)
    return cpu.answer(Request(command=code, subcommand=subcommand, payload=payload))


def point(name: str, number: int, family: Family = Family.Q) -> Point:
    return Point(devices_of(family)[name], number)


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("coding", list(Coding))
def test_each_limit_is_the_last_count_that_is_taken(family: Family, coding: Coding) -> None:
    cpu = SimulatedCpu(family, Codec(FrameKind.THREE_E, coding))
    limits = limits_of(family, coding)

    def code_for(command: ReadCommand) -> int:
        return ask(cpu, command, coding).end_code

    head, bit = point("D", 0, family), point("M", 0, family)
    assert code_for(ReadWords(head=head, count=limits.words)) == 0
    assert code_for(ReadWords(head=head, count=limits.words + 1)) == 0xC052
    assert code_for(ReadWords(head=head, count=0)) == 0xC052
    assert code_for(ReadBits(head=bit, count=limits.bits)) == 0
    assert code_for(ReadBits(head=bit, count=limits.bits + 1)) == 0xC051
    assert code_for(ReadRandom(words=(head,) * limits.random_points)) == 0
    assert code_for(ReadRandom(words=(head,) * (limits.random_points + 1))) == 0xC054


@pytest.mark.parametrize(
    ("command", "end_code"),
    [
        (ReadWords(head=point("D", 32767), count=1), 0),
        (ReadWords(head=point("D", 32767), count=2), 0xC056),
        (ReadWords(head=point("M", 32768 - 16), count=1), 0),
        (ReadWords(head=point("M", 32768 - 15), count=1), 0xC056),
        (ReadBits(head=point("M", 32767), count=2), 0xC056),
        (ReadBits(head=point("D", 0), count=1), 0xC05C),
        (ReadRandom(words=(point("TS", 0),)), 0x4032),
        (ReadRandom(words=(point("D", 32768),)), 0xC056),
        (ReadRandom(words=(), double_words=(point("D", 32767),)), 0xC056),
    ],
)
def test_what_cannot_be_read_gets_its_end_code_and_the_error_block(
    command: ReadCommand, end_code: int
) -> None:
    response = ask(SimulatedCpu(Family.Q, CODEC), command)

    assert response.end_code == end_code
    block = CODEC.decode_error_block(response.payload)
    assert (block is not None) == (end_code != 0)


@pytest.mark.parametrize(("family", "end_code"), [(Family.Q, 0xC05B), (Family.IQ_F, 0xC05C)])
def test_a_device_that_the_cpu_lacks_gets_the_code_of_its_family(
    family: Family, end_code: int
) -> None:
    request = Request(command=0x0401, subcommand=0, payload=b"\0\0\0\x77\1\0")

    assert SimulatedCpu(family, CODEC).answer(request).end_code == end_code


def test_an_unknown_command_gets_c059() -> None:
    cpu = SimulatedCpu(Family.Q, CODEC)

    assert cpu.answer(Request(command=0x0101, subcommand=0)).end_code == 0xC059
    assert cpu.answer(Request(command=0x0403, subcommand=1)).end_code == 0xC059


def test_a_bit_device_gives_16_bits_per_word_from_any_bit_on() -> None:
    cpu = SimulatedCpu(Family.Q, CODEC)
    cpu.memory.set("M17", 1)
    cpu.memory.set("M35", 1)

    def words(number: int, count: int) -> tuple[int, ...]:
        response = ask(cpu, ReadWords(head=point("M", number), count=count))
        return decode_words(Coding.BINARY, response.payload, count)

    assert words(16, 2) == (0b10, 0b1000)
    assert words(17, 1) == (1,)
    assert words(20, 1) == (0x8000,)


@pytest.mark.parametrize(
    ("address", "value"),
    [("M100", 1), ("D5.F", 1), ("D5", -7), ("D5:U16", 65_535), ("D6:I32", -1), ("D8:F32", 0.5)],
)
def test_memory_gives_back_what_was_set(address: str, value: float) -> None:
    plc = MelsecSimulator()
    plc.set_word(address, value)

    assert plc.get_word(address) == value


def test_setting_one_bit_leaves_its_neighbours() -> None:
    plc = MelsecSimulator()
    plc.set_word("D5:U16", 0xFFFF)
    plc.set_bit("D5.3", False)

    assert plc.get_word("D5:U16") == 0xFFF7


def test_a_mistaken_address_is_told_at_once() -> None:
    plc = MelsecSimulator()
    with pytest.raises(AddressError):
        plc.set_bit("D100.12", True)
    with pytest.raises(IndexError):
        plc.set_word("D99999", 1)


def test_a_healthy_cpu_is_in_run_and_its_always_on_relay_is_on() -> None:
    plc = MelsecSimulator()

    assert plc.cpu_state is CpuState.RUN
    assert plc.get_bit("SM400")
    assert plc.get_word("SD203") == 0


def test_a_simulator_stands_in_for_a_configured_plc() -> None:
    config = PlcConfig(
        id="P", host="10.0.0.1", port=5010, family=Family.IQ_R, frame="4E", code="ascii", network=2
    )

    plc = MelsecSimulator.for_plc(config, host="127.0.0.1", port=0)

    assert (plc.family, plc.codec.kind, plc.codec.coding) == (Family.IQ_R, "4E", "ascii")
    assert plc.host == "127.0.0.1"


@pytest.fixture
async def plc() -> AsyncIterator[MelsecSimulator]:
    async with MelsecSimulator() as simulator:
        yield simulator


def read_d(number: int) -> bytes:
    code, subcommand, payload = encode_command(
        Coding.BINARY, ReadWords(head=point("D", number), count=1)
    )
    return CODEC.encode_request(Request(command=code, subcommand=subcommand, payload=payload))


async def test_of_two_requests_at_once_only_the_last_is_answered(plc: MelsecSimulator) -> None:
    plc.set_word("D1", 11)
    plc.set_word("D2", 22)
    reader, writer = await asyncio.open_connection(plc.host, plc.port)
    writer.write(read_d(1) + read_d(2))

    answer = bytearray(await reader.readexactly(13))
    writer.write(read_d(1))
    after = bytearray(await reader.readexactly(13))
    writer.close()
    await writer.wait_closed()

    for buffer, value in ((answer, 22), (after, 11)):
        response = CODEC.take_response(buffer)
        assert response is not None
        assert decode_words(Coding.BINARY, response.payload, 1) == (value,)


async def test_a_length_too_short_gets_c061(plc: MelsecSimulator) -> None:
    reader, writer = await asyncio.open_connection(plc.host, plc.port)
    writer.write(bytes.fromhex("5000 00FFFF0300 0000"))

    assert (await reader.readexactly(11))[-2:] == bytes.fromhex("61C0")
    writer.close()
    await writer.wait_closed()


async def test_ascii_to_a_binary_port_is_never_answered_and_leaves_no_trace(
    plc: MelsecSimulator,
) -> None:
    reader, writer = await asyncio.open_connection(plc.host, plc.port)
    writer.write(b"500000FF03FF000018001004010000D*0000000001")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reader.read(1)

    writer.write(read_d(0))
    assert len(await reader.readexactly(13)) == 13
    writer.close()
    await writer.wait_closed()


async def test_a_fault_for_one_request_meets_one_request(plc: MelsecSimulator) -> None:
    plc.fault = Fault(kind=FaultKind.END_CODE, end_code=0xC0B2, times=1)
    reader, writer = await asyncio.open_connection(plc.host, plc.port)
    writer.write(read_d(0))
    refused = bytearray(await reader.readexactly(20))
    writer.write(read_d(0))
    await reader.readexactly(13)
    writer.close()
    await writer.wait_closed()

    response = CODEC.take_response(refused)
    assert response is not None
    assert response.end_code == 0xC0B2
    assert plc.fault is None


async def test_a_port_survives_many_power_cycles() -> None:
    for transport in ("tcp", "udp"):
        async with MelsecSimulator(transport=transport) as plc:
            port = plc.port
            for _ in range(5):
                await plc.go_silent()
                await plc.come_back()
            assert plc.port == port


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_port_that_another_takes_between_bind_and_listen_is_an_os_error(
    make_loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other, asyncio.Runner(loop_factory=make_loop) as runner:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        bind = socket.socket.bind

        def bind_late(bound: socket.socket, address: Any) -> None:
            bind(bound, address)
            other.listen()

        monkeypatch.setattr(socket.socket, "bind", bind_late)
        simulator = MelsecSimulator(port=other.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            runner.run(simulator.start())


async def ask_plc(plc: MelsecSimulator, requests: list[bytes], size: int) -> bytes:
    reader, writer = await asyncio.open_connection(plc.host, plc.port)
    answers = b""
    for request in requests:
        writer.write(request)
        answers += await reader.readexactly(size)
    writer.close()
    return answers


async def test_bits_and_numbers_can_follow_a_function_of_time() -> None:
    times_s = iter((0.0, 0.375, 0.625, 0.875, 1.25))
    async with MelsecSimulator(now_s=lambda: next(times_s)) as plc:
        plc.follow("M3", square_wave(1.0, phase=0.75))
        plc.follow("D7", counter(0.125, 10))
        seen: list[tuple[Any, Any]] = []
        for _ in range(5):
            await ask_plc(plc, [read_d(7)], 13)
            seen.append((plc.get_bit("M3"), plc.get_word("D7")))

    assert seen == [(False, 0), (True, 3), (True, 5), (False, 7), (True, 0)]


async def test_a_fault_with_an_address_meets_only_the_requests_that_touch_it(
    plc: MelsecSimulator,
) -> None:
    plc.set_word("D1", 0x0101)
    plc.set_word("D2", 0x0202)
    plc.fault = Fault(kind=FaultKind.SHIFT, address="D2")

    answers = await ask_plc(plc, [read_d(1), read_d(2), read_d(1), read_d(3)], 13)

    assert [answers[13 * n + 11] for n in range(4)] == [1, 1, 1, 0]


async def test_an_answer_can_be_repeated_later(plc: MelsecSimulator) -> None:
    plc.set_word("D1", 0x0101)
    plc.fault = Fault(kind=FaultKind.DUPLICATE, repeat_after_s=0.001, address="D1")

    first, second = (await ask_plc(plc, [read_d(1)], 26)).split(b"\xd0\x00")[1:]

    assert first == second
