"""The driver against the simulated PLC, on real sockets, in every setting and under every fault."""

from __future__ import annotations

import asyncio

import pytest

from lineside.config.schema import Family
from lineside.core.errors import DriverError, PlcRefused, PlcUnreachable, ProtocolError
from lineside.core.model import CpuState, Quality
from lineside.drivers.melsec.frame import Request, Response, Route
from lineside.drivers.melsec.simulator import Fault, FaultKind, MelsecSimulator

from .conftest import TIMEOUT_S, Drivers, HandClock, in_every_setting

over_both = pytest.mark.parametrize("transport", ["tcp", "udp"])

ADDRESSES = ["M100", "M101", "X1F", "W0A", "D100", "D100.C", "D200:F32", "D300:I32", "TS5"]


@in_every_setting
async def test_every_kind_of_tag_is_read_in_every_setting(
    drivers: Drivers, frame: str, code: str, transport: str
) -> None:
    async with MelsecSimulator(frame=frame, code=code, transport=transport) as plc:
        plc.set_bit("M100", True)
        plc.set_bit("X1F", True)
        plc.set_word("W0A", -5)
        plc.set_word("D100", 0x1002)
        plc.set_word("D200:F32", 1.5)
        plc.set_word("D300:I32", -70_000)
        plc.set_bit("TS5", True)
        driver = drivers.on(plc, ADDRESSES)

        await driver.open()
        reading = await driver.read()

    assert {text: tag.value for text, tag in reading.tags.items()} == {
        "M100": 1,
        "M101": 0,
        "X1F": 1,
        "W0A": -5,
        "D100": 0x1002,
        "D100.C": 1,
        "D200:F32": 1.5,
        "D300:I32": -70_000,
        "TS5": 1,
    }
    assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}
    assert reading.cpu_state is CpuState.RUN
    assert reading.request_count == 2


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("code", ["binary", "ascii"])
async def test_every_family_is_read(drivers: Drivers, family: Family, code: str) -> None:
    async with MelsecSimulator(family=family, code=code) as plc:
        plc.set_bit("X17", True)
        driver = drivers.on(plc, ["X17", "D0", "M0"])

        await driver.open()
        reading = await driver.read()

    assert reading.tags["X17"].value == 1


async def test_an_address_written_twice_is_read_once_and_answered_twice(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    plc.set_bit("M100", True)
    driver = drivers.on(plc, ["M100", "m100"])

    await driver.open()
    reading = await driver.read()

    assert reading.tags["M100"].value == reading.tags["m100"].value == 1


async def test_a_plc_in_stop_gives_uncertain_values(drivers: Drivers, plc: MelsecSimulator) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    for state in (CpuState.STOP, CpuState.PAUSE):
        plc.cpu_state = state
        plc.set_word("D0", 7)

        reading = await driver.read()

        assert reading.cpu_state is state
        assert reading.tags["D0"].quality is Quality.UNCERTAIN
        assert reading.tags["D0"].reason == f"PLC is in {state.upper()}"
        assert reading.tags["D0"].value != 7, "a program that stands still moves no data"
        plc.cpu_state = CpuState.RUN
        assert (await driver.read()).tags["D0"].value == 7
        plc.set_word("D0", 0)


async def test_a_frozen_plc_answers_with_the_same_data(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    plc.fault = Fault(kind=FaultKind.FREEZE)
    plc.set_word("D0", 9)

    assert (await driver.read()).tags["D0"].value == 0
    plc.fault = None
    assert (await driver.read()).tags["D0"].value == 9


async def test_a_plc_that_hides_its_run_state_is_believed(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    plc.refuse("SD203", 0xC056)
    driver = drivers.on(plc, ["D0"])

    await driver.open()
    reading = await driver.read()

    assert reading.cpu_state is CpuState.UNKNOWN
    assert reading.tags["D0"].quality is Quality.GOOD


async def test_a_register_that_holds_no_number_is_bad(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    plc.set_word("D0:U32", 0x7FC00000)
    driver = drivers.on(plc, ["D0:F32"])
    await driver.open()

    assert (await driver.read()).tags["D0:F32"].quality is Quality.BAD


@pytest.mark.parametrize(
    ("end_code", "hint"),
    [(0xC05E, "timeout"), (0xC201, "password"), (0xC05F, "network"), (0xC0B2, "period")],
)
async def test_an_end_code_that_concerns_everything_fails_the_reading_with_its_cause(
    drivers: Drivers, plc: MelsecSimulator, end_code: int, hint: str
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    plc.fault = Fault(kind=FaultKind.END_CODE, end_code=end_code)

    with pytest.raises(PlcRefused) as caught:
        await driver.read()

    assert caught.value.end_code == end_code
    assert hint in caught.value.cause


async def test_a_wrong_route_names_the_route(drivers: Drivers) -> None:
    async with MelsecSimulator(route=Route(network=1, pc=2)) as plc:
        lost = drivers.on_port(plc.port, ["D0"])
        found = drivers.on_port(plc.port, ["D0"], network=1, pc=2)

        with pytest.raises(PlcRefused, match="C05F") as caught:
            await lost.open()
        await found.open()
        assert (await found.read()).tags["D0"].value == 0

    assert "network" in caught.value.cause


BREAKING = {
    FaultKind.HANG: (PlcUnreachable, "no answer within"),
    FaultKind.DELAY: (PlcUnreachable, "no answer within"),
    FaultKind.CLOSE: (PlcUnreachable, "closed the connection"),
    FaultKind.RESET: (PlcUnreachable, "broke the connection"),
    FaultKind.TRUNCATE: (PlcUnreachable, "broke off after 5 bytes"),
    FaultKind.DUPLICATE: (ProtocolError, "more than one answer"),
    FaultKind.STALE: (ProtocolError, "more than one answer"),
    FaultKind.GARBAGE: (ProtocolError, "begins with"),
}


@pytest.mark.parametrize("kind", list(BREAKING))
async def test_every_fault_fails_the_reading_and_the_next_connection_is_clean(
    drivers: Drivers, plc: MelsecSimulator, kind: FaultKind
) -> None:
    error, text = BREAKING[kind]
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    await driver.read()
    plc.fault = Fault(kind=kind, delay_s=TIMEOUT_S + 0.02)

    with pytest.raises(error, match=text):
        await driver.read()
    with pytest.raises(PlcUnreachable, match="not open"):
        await driver.read()

    plc.fault = None
    plc.set_word("D0", 77)
    await driver.open()
    assert (await driver.read()).tags["D0"].value == 77
    assert plc.connection_count == 2


UDP_BREAKING = [FaultKind.HANG, FaultKind.DELAY, FaultKind.TRUNCATE, FaultKind.GARBAGE]


@pytest.mark.parametrize("kind", UDP_BREAKING)
@pytest.mark.parametrize("frame", ["3E", "4E"])
async def test_every_fault_over_udp_fails_the_reading_and_heals(
    drivers: Drivers, kind: FaultKind, frame: str
) -> None:
    async with MelsecSimulator(transport="udp", frame=frame) as plc:
        driver = drivers.on(plc, ["D0"])
        await driver.open()
        plc.fault = Fault(kind=kind, delay_s=TIMEOUT_S + 0.02)

        with pytest.raises(DriverError):
            await driver.read()

        plc.fault = None
        plc.set_word("D0", 77)
        await driver.open()
        assert (await driver.read()).tags["D0"].value == 77


async def test_an_answer_in_single_bytes_is_an_answer(drivers: Drivers) -> None:
    """Any split of the stream gives the same reading, on a real socket too."""
    async with MelsecSimulator() as plc:
        plc.set_word("D0", 5)

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", plc.port)
            while request := await reader.read(1000):
                back.write(request)
                answer = await there.read(1000)
                for byte in answer:
                    writer.write(bytes((byte,)))
                    await writer.drain()
                    await asyncio.sleep(0)
            back.close()
            writer.close()

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        async with server:
            driver = drivers.on_port(server.sockets[0].getsockname()[1], ["D0"])
            await driver.open()
            assert (await driver.read()).tags["D0"].value == 5
            await driver.close()


@over_both
async def test_a_plc_that_goes_silent_and_comes_back_is_read_again(
    drivers: Drivers, transport: str
) -> None:
    async with MelsecSimulator(transport=transport) as plc:
        plc.set_word("D0", 5)
        driver = drivers.on(plc, ["D0"])
        await driver.open()
        await plc.go_silent()

        with pytest.raises(PlcUnreachable):
            await driver.read()
        with pytest.raises(PlcUnreachable, match="refused") as caught:
            await driver.open()
        await plc.come_back()
        await driver.open()

        assert (await driver.read()).tags["D0"].value == 5
    assert "port is not open" in caught.value.cause


async def test_an_unknown_host_name_says_so(drivers: Drivers) -> None:
    plc = drivers.plc(5010, timeout="5s").model_copy(update={"host": "plc.invalid"})
    driver = type(drivers.on_port(5010, ["D0"]))(plc, ["D0"], HandClock())

    with pytest.raises(PlcUnreachable, match="host name"):
        await driver.open()


async def test_a_connection_entry_in_use_says_so(drivers: Drivers) -> None:
    async with MelsecSimulator(max_connections=1) as plc:
        first, second = drivers.on(plc, ["D0"]), drivers.on(plc, ["D0"])
        await first.open()

        with pytest.raises(PlcUnreachable, match="closed the connection") as caught:
            await second.open()
        assert (await first.read()).tags["D0"].value == 0

    assert "in use" in caught.value.cause


@pytest.mark.parametrize(
    ("plc_settings", "our_settings", "hint"),
    [
        ({"code": "ascii"}, {"code": "binary"}, 'code = "ascii"'),
        ({"code": "binary"}, {"code": "ascii"}, "ASCII/binary"),
        ({"frame": "4E"}, {"frame": "3E"}, "`frame`"),
    ],
)
async def test_a_wrong_setting_names_the_setting(
    drivers: Drivers, plc_settings: dict[str, str], our_settings: dict[str, str], hint: str
) -> None:
    async with MelsecSimulator(
        code=plc_settings.get("code", "binary"), frame=plc_settings.get("frame", "3E")
    ) as plc:
        driver = drivers.on_port(plc.port, ["D0"], **our_settings)

        with pytest.raises(DriverError) as caught:
            await driver.open()

    assert hint in caught.value.cause


async def test_silence_after_good_polls_is_not_blamed_on_a_setting(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    plc.fault = Fault(kind=FaultKind.HANG)
    causes = []
    for attempt in (driver.read, driver.open):
        with pytest.raises(PlcUnreachable) as caught:
            await attempt()
        causes.append(caught.value.cause)

    assert all("switched off" in cause for cause in causes), causes


async def test_a_cancelled_read_drops_the_connection(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    plc.fault = Fault(kind=FaultKind.HANG)
    reading = asyncio.create_task(driver.read())
    await asyncio.wait([reading], timeout=TIMEOUT_S / 4)
    assert plc.request_count == 2

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    with pytest.raises(PlcUnreachable, match="not open"):
        await driver.read()


async def test_closing_twice_and_before_opening_is_no_mistake(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.close()
    await driver.open()
    await driver.close()
    await driver.close()


async def test_a_reconnection_waits_50_ms_after_the_close(
    drivers: Drivers,
    plc: MelsecSimulator,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    await driver.close()
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    await driver.open()
    assert loop.time() - started_s >= 0.045

    await driver.close()
    monkeypatch.setattr("lineside.drivers.melsec.driver.RECONNECT_PAUSE_S", 600)
    clock.now_s += 601
    await driver.open()  # the pause is over: waiting again would meet the test's timeout


async def test_nothing_is_ever_written_to_the_plc(
    drivers: Drivers, plc: MelsecSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[int] = set()
    answer = plc.cpu.answer

    def note(request: Request) -> Response:
        seen.add(request.command)
        return answer(request)

    monkeypatch.setattr(plc.cpu, "answer", note)
    driver = drivers.on(plc, [*ADDRESSES, "D90000"])
    await driver.open()
    await driver.read()

    assert seen == {0x0401, 0x0403}


@in_every_setting
async def test_an_iq_r_is_read_above_ffff(
    drivers: Drivers, frame: str, code: str, transport: str
) -> None:
    async with MelsecSimulator(
        family=Family.IQ_R, frame=frame, code=code, transport=transport
    ) as plc:
        expected = {"B10000": 1, "B0FFFF": 1, "D65535:F32": 1.5, "D131071": -3, "M70000": 1}
        for address, value in expected.items():
            plc.set_word(address, value)
        driver = drivers.on(plc, [*expected, "SS0", "D0"])
        await driver.open()
        readings = [await driver.read() for _ in range(20)]

    for reading in readings:
        assert {text: reading.tags[text].value for text in expected} == expected
        assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}


async def test_an_iq_r_that_knows_no_long_form_keeps_all_other_tags(drivers: Drivers) -> None:
    async with MelsecSimulator(family=Family.IQ_R) as plc:
        answer = plc.cpu.answer
        plc.cpu.answer = lambda request: (  # type: ignore[method-assign]
            plc.cpu.refusal(request, 0xC059) if request.subcommand & 2 else answer(request)
        )
        driver = drivers.on(plc, ["B10000", "B10", "D0"])
        await driver.open()
        reading = await driver.read()

    assert "above FFFF" in reading.tags["B10000"].reason
    assert reading.tags["B10"].quality is reading.tags["D0"].quality is Quality.GOOD


async def test_a_value_is_as_old_as_its_own_request(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock
) -> None:
    """Of a poll of many requests the last answers are not as old as the first question."""
    answer = plc.cpu.answer

    def answer_slowly(request: Request) -> Response:
        clock.now_s += 0.5
        return answer(request)

    plc.cpu.answer = answer_slowly  # type: ignore[method-assign]
    driver = drivers.on(plc, ["TS0", "CS0", "SS0"])
    await driver.open()
    reading = await driver.read()

    asked_s = sorted(tag.read_at.monotonic_s for tag in reading.tags.values())
    assert [at_s - asked_s[0] for at_s in asked_s] == [0.0, 1.0, 1.5], "SD203 is the second"
    assert reading.read_at.monotonic_s == asked_s[0]
