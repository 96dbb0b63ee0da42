"""Other people's implementations as judges: we read their servers, they read our simulator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
import virtual_plc.server  # type: ignore[import-untyped]
from aslmp import Encoding, FrameType, Handshake, Plc, TransportKind
from aslmp.testing import FX5U_32MT_DS, Entry, PlcSimulator
from slmp import AsyncSlmpClient, SlmpTarget

from lineside.config.schema import Family
from lineside.core.model import CpuState, Quality
from lineside.drivers.melsec.simulator import MelsecSimulator

from .conftest import Drivers

ASLMP_SETTINGS = [
    (transport, frame, encoding)
    for transport in ("tcp", "udp")
    for frame in FrameType
    for encoding in (Encoding.BINARY, Encoding.ASCII_XY_OCT)
]


@pytest.mark.parametrize(("transport", "frame", "encoding"), ASLMP_SETTINGS)
async def test_our_driver_reads_aslmps_fx5u(
    drivers: Drivers, transport: str, frame: FrameType, encoding: Encoding
) -> None:
    entry = Entry(name="port", protocol=transport, frame=frame, encoding=encoding)  # type: ignore[arg-type]
    async with PlcSimulator(target=FX5U_32MT_DS, entries=[entry]) as plc:
        plc.memory.write_bits("M", 100, [True])
        plc.memory.write_bits("X", 0o17, [True])
        plc.memory.set_u16("W", 0x1A, 0xBEEF)
        plc.memory.set_f32("D", 200, 60.25)
        driver = drivers.on_port(
            plc.port_of("port"),
            ["M100", "M101", "X17", "W1A:U16", "D200:F32", "TS0", "D7999", "D8000"],
            family=Family.IQ_F,
            frame=frame.value.upper(),
            code="binary" if encoding is Encoding.BINARY else "ascii",
            transport=transport,
        )

        await driver.open()
        reading = await driver.read()
        await driver.close()

    values = {text: tag.value for text, tag in reading.tags.items()}
    assert values == {
        "M100": 1,
        "M101": 0,
        "X17": 1,
        "W1A:U16": 0xBEEF,
        "D200:F32": 60.25,
        "TS0": 0,
        "D7999": 0,
        "D8000": None,
    }
    assert "C056" in reading.tags["D8000"].reason
    assert reading.cpu_state is CpuState.RUN


@pytest.mark.parametrize("encoding", [Encoding.BINARY, Encoding.ASCII_XY_OCT])
async def test_our_driver_reads_double_words_from_aslmps_fx5u(
    drivers: Drivers, encoding: Encoding
) -> None:
    expected = {f"D{79 * n}:F32": n + 0.25 for n in range(100)}
    entry = Entry(name="port", protocol="tcp", frame=FrameType.THREE_E, encoding=encoding)
    async with PlcSimulator(target=FX5U_32MT_DS, entries=[entry]) as plc:
        for n, value in enumerate(expected.values()):
            plc.memory.set_f32("D", 79 * n, value)
        code = "binary" if encoding is Encoding.BINARY else "ascii"
        driver = drivers.on_port(plc.port_of("port"), list(expected), family=Family.IQ_F, code=code)

        await driver.open()
        reading = await driver.read()
        await driver.close()

    assert {text: tag.value for text, tag in reading.tags.items()} == expected
    assert reading.request_count == (1 if encoding is Encoding.BINARY else 2)


@pytest.fixture
def virtual() -> Iterator[virtual_plc.server.Server]:
    with virtual_plc.server.Server() as server:
        yield server


@pytest.mark.parametrize("frame", ["3E", "4E"])
@pytest.mark.parametrize("code", ["binary", "ascii"])
async def test_our_driver_reads_virtual_plc(
    drivers: Drivers, virtual: virtual_plc.server.Server, frame: str, code: str
) -> None:
    # It reads every ASCII number as decimal, so that hexadecimal devices agree below A only.
    virtual.memory.write_bits("M", 100, [1])
    virtual.memory.write_bits("X", 7, [1])
    virtual.memory.write_words("W", 9, [0xBEEF])
    virtual.memory.write_words("D", 200, [0x0000, 0x4271])
    driver = drivers.on_port(
        virtual.address[1],
        ["M100", "M101", "X7", "W9:U16", "D200:F32"],
        frame=frame,
        code=code,
        timeout="1s",
    )

    await driver.open()
    reading = await driver.read()
    again = await driver.read()
    await driver.close()

    values = {text: tag.value for text, tag in reading.tags.items()}
    assert values == {"M100": 1, "M101": 0, "X7": 1, "W9:U16": 0xBEEF, "D200:F32": 60.25}
    assert {tag.quality for tag in again.tags.values()} == {Quality.GOOD}
    assert reading.cpu_state is CpuState.RUN


async def test_a_plc_that_refuses_bits_in_random_read_keeps_every_tag_good(
    drivers: Drivers, virtual: virtual_plc.server.Server
) -> None:
    """virtual-plc does; none of its tags is at fault, so that none may turn BAD."""
    driver = drivers.on_port(virtual.address[1], ["M0", "B0", "D0", "W0"], timeout="1s")

    await driver.open()
    await driver.read()
    reading = await driver.read()
    await driver.close()

    assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}


SLMP_PROFILES = [
    ("melsec:qnu", Family.Q, "3E"),
    ("melsec:qcpu:qj71e71-100", Family.Q, "4E"),
    ("melsec:lcpu", Family.L, "3E"),
    ("melsec:iq-f", Family.IQ_F, "3E"),
    ("melsec:iq-r", Family.IQ_R, "4E"),
]


@pytest.mark.parametrize(("profile", "family", "frame"), SLMP_PROFILES)
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_plc_comm_slmp_reads_and_writes_our_simulator(
    profile: str, family: Family, frame: str, transport: str
) -> None:
    async with MelsecSimulator(family=family, frame=frame, transport=transport) as plc:
        plc.set_word("D100", 1234)
        plc.set_word("D200:F32", 2.5)
        plc.set_bit("M17", True)
        plc.set_word("W1A", 77)
        async with AsyncSlmpClient(
            plc.host,
            plc.port,
            transport=transport,
            default_target=SlmpTarget(0, 0xFF, 0x03FF, 0),
            plc_profile=profile,
            timeout=2.0,
        ) as client:
            assert await client.read_devices("D100", 2, bit_unit=False) == [1234, 0]
            assert await client.read_devices("M16", 3, bit_unit=True) == [False, True, False]
            assert await client.read_devices("W1A", 1, bit_unit=False) == [77]
            assert await client.read_float32("D200") == 2.5
            random = await client.read_random(word_devices=["D100", "W1A"], dword_devices=["D200"])
            assert list(random.word.values()) == [1234, 77]
            await client.write_devices("D300", [5, 6, 7], bit_unit=False)
            await client.write_devices("M200", [True, False, True], bit_unit=True)

        assert [plc.get_word(f"D{n}") for n in (300, 301, 302)] == [5, 6, 7]
        assert [plc.get_bit(f"M{n}") for n in (200, 201, 202)] == [True, False, True]


HIGH = {"B10000": 1, "B1FFFF": 1, "M131071": 1, "D65536:U16": 1234, "W1ABCD:U16": 77, "D131071": -2}


async def test_our_driver_reads_above_ffff_what_plc_comm_slmp_wrote_there(
    drivers: Drivers,
) -> None:
    """An iQ-R takes such numbers in the long form alone; the two must mean the same place."""
    async with MelsecSimulator(family=Family.IQ_R, frame="4E") as plc:
        async with AsyncSlmpClient(
            plc.host,
            plc.port,
            transport="tcp",
            default_target=SlmpTarget(0, 0xFF, 0x03FF, 0),
            plc_profile="melsec:iq-r",
            timeout=2.0,
        ) as client:
            for text, value in HIGH.items():
                address = text.removesuffix(":U16")
                is_bit = address[0] in "BM"
                word: bool | int = bool(value) if is_bit else value & 0xFFFF
                await client.write_devices(address, [word], bit_unit=is_bit)
        driver = drivers.on(plc, [*HIGH, "D0", "TS0"])
        await driver.open()
        reading = await driver.read()

    assert {text: reading.tags[text].value for text in HIGH} == HIGH
    assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}


@pytest.mark.parametrize("transport", list(TransportKind))
@pytest.mark.parametrize("frame", list(FrameType))
@pytest.mark.parametrize("encoding", [Encoding.BINARY, Encoding.ASCII_XY_OCT])
async def test_aslmp_reads_and_writes_our_iq_f(
    transport: TransportKind, frame: FrameType, encoding: Encoding
) -> None:
    code = "binary" if encoding is Encoding.BINARY else "ascii"
    async with MelsecSimulator(
        family=Family.IQ_F, frame=frame.value.upper(), code=code, transport=transport.value
    ) as plc:
        plc.set_word("D100", -2)
        plc.set_word("D200:F32", 2.5)
        plc.set_bit("Y45", True)
        plc.set_word("W1A", 77)
        async with Plc(
            plc.host,
            plc.port,
            profile="melsec:iq-f/fx5u",
            transport=transport,
            frame=frame,
            encoding=encoding,
            handshake=Handshake.NONE,
            timeout=2.0,
        ) as client:
            assert await client.read_i16("D100") == -2
            assert await client.read_f32("D200") == 2.5
            assert await client.read_bits("Y44", 3) == (False, True, False)
            assert await client.read_words("W1A", 2) == (77, 0)
            await client.write_f32("D300", math.pi)
            await client.write_bit("M7", True)

        assert plc.get_word("D300:F32") == pytest.approx(math.pi)
        assert plc.get_bit("M7")


@pytest.mark.parametrize("read", [lambda client: client.read_words("D7999", 2)])
async def test_aslmp_understands_our_refusal(read: Callable[[Plc], object]) -> None:
    async with (
        MelsecSimulator(family=Family.IQ_F) as plc,
        Plc(
            plc.host,
            plc.port,
            profile="melsec:iq-f/fx5u",
            handshake=Handshake.NONE,
            validate_ranges=False,
            timeout=2.0,
        ) as client,
    ):
        with pytest.raises(Exception, match=r"(?i)c056"):
            await read(client)  # type: ignore[misc]
