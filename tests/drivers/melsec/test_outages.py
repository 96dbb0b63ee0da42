"""A PLC that refuses everything, or its run state: that is not put on its addresses."""

from __future__ import annotations

import pytest

from lineside.core.errors import PlcRefused
from lineside.core.limits import BACKOFF_MAX_S, BAD_TAG_FIRST_RETEST_S, BAD_TAG_RETEST_S
from lineside.core.model import CpuState, Quality
from lineside.drivers.melsec.end_codes import FaultClass, explain
from lineside.drivers.melsec.simulator import Fault, FaultKind, MelsecSimulator

from .conftest import Drivers, HandClock

ADDRESSES = [f"M{16 * n}" for n in range(60)] + [f"D{100 * n}" for n in range(20)] + ["TS0"]
ABOUT_ADDRESSES = (0xC05B, 0xC056, 0x4031, 0xC051, 0x4ABC)


@pytest.mark.parametrize("end_code", ABOUT_ADDRESSES)
@pytest.mark.parametrize("frame", ["3E", "4E"])
async def test_a_refusal_of_everything_is_about_the_plc_and_over_at_once(
    drivers: Drivers, frame: str, end_code: int
) -> None:
    async with MelsecSimulator(frame=frame) as plc:
        driver = drivers.on(plc, ADDRESSES)
        await driver.open()
        await driver.read()
        plc.fault = Fault(kind=FaultKind.END_CODE, end_code=end_code)

        with pytest.raises(PlcRefused, match=f"{end_code:04X}"):
            await driver.read()
        with pytest.raises(PlcRefused, match=f"{end_code:04X}"):
            await driver.open()

        plc.fault = None
        await driver.open()
        reading = await driver.read()

    assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}
    assert reading.cpu_state is CpuState.RUN


@pytest.mark.parametrize("begins", [0, 1, 2, 3, 5, 9, 13, 14, 15, 16])
@pytest.mark.parametrize("length", [1, 2, 3, 5, 20, 100])
async def test_an_outage_while_the_driver_looks_for_bad_addresses_marks_none(
    drivers: Drivers,
    clock: HandClock,
    plc: MelsecSimulator,
    monkeypatch: pytest.MonkeyPatch,
    begins: int,
    length: int,
) -> None:
    plc.refuse("M160", 0xC056)  # so that it does look
    driver = drivers.on(plc, ADDRESSES)
    await driver.open()
    answer, first = plc.cpu.answer, plc.request_count + 1 + begins
    monkeypatch.setattr(
        plc.cpu,
        "answer",
        lambda request: (
            plc.cpu.refusal(request, 0xC056)
            if first <= plc.request_count < first + length
            else answer(request)
        ),
    )
    is_open, reading = True, None
    while reading is None:
        clock.now_s += 1.0
        try:
            if not is_open:
                await driver.open()
            is_open = True
            reading = await driver.read()
        except PlcRefused:
            is_open = False
            assert plc.request_count <= first + length
    bad = [text for text, tag in reading.tags.items() if tag.quality is Quality.BAD]
    assert bad == ["M160"]


@pytest.mark.parametrize("end_code", [0x0055, 0xC0FF, 0x0001, 0xC056, 0xC05E, 0xC059, 0xC201])
@pytest.mark.parametrize("addresses", [["D0"], ["M0", "TS0", "D0"]])
async def test_a_plc_that_refuses_only_its_run_state_is_read_without_it(
    drivers: Drivers, plc: MelsecSimulator, end_code: int, addresses: list[str]
) -> None:
    plc.refuse("SD203", end_code)
    plc.set_word("D0", 7)
    driver = drivers.on(plc, addresses)
    # A busy or locked port is asked again first: without SD203 a STOP would not be seen.
    is_about_addresses = explain(end_code).fault in (FaultClass.TAG, FaultClass.UNKNOWN)
    for _ in range(0 if is_about_addresses else 4):
        with pytest.raises(PlcRefused):
            await driver.open()

    await driver.open()
    for _ in range(3):
        reading = await driver.read()

        assert reading.tags["D0"].value == 7
        assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}
        assert reading.cpu_state is CpuState.UNKNOWN
        assert f"{end_code:04X}" in reading.remark


async def test_a_plc_that_begins_to_refuse_its_run_state_is_read_on(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    await driver.read()
    plc.refuse("SD203", 0x0055)

    for _ in range(3):
        clock.now_s += 1.0
        reading = await driver.read()
        assert reading.tags["D0"].quality is Quality.GOOD
        assert "0055" in reading.remark


@pytest.mark.parametrize("end_code", [0x0055, 0xC056, 0x4031])
@pytest.mark.parametrize("polls", [1, 2, 30])
async def test_a_run_state_that_is_refused_for_a_while_is_known_with_the_poll_after_it(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock, end_code: int, polls: int
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    await driver.read()
    plc.refuse("SD203", end_code)
    for _ in range(polls):
        clock.now_s += 1.0
        await driver.read()
    plc.accept("SD203")
    plc.cpu_state = CpuState.STOP
    clock.now_s += 1.0
    reading = await driver.read()
    assert reading.cpu_state is CpuState.STOP
    assert reading.tags["D0"].quality is Quality.UNCERTAIN


@pytest.mark.parametrize("state", [CpuState.STOP, CpuState.PAUSE])
async def test_a_cpu_that_stood_is_not_believed_to_run_because_its_run_state_is_refused(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock, state: CpuState
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    plc.cpu_state = state
    await driver.read()
    plc.refuse("SD203", 0x4031)
    clock.now_s += 1.0
    reading = await driver.read()
    assert (reading.cpu_state, reading.tags["D0"].quality) == (state, Quality.UNCERTAIN)
    # Behind another connection there may be another PLC, which has no run state to tell.
    await driver.close()
    await driver.open()
    reading = await driver.read()
    assert (reading.cpu_state, reading.tags["D0"].quality) == (CpuState.UNKNOWN, Quality.GOOD)


async def test_a_plc_that_has_never_told_its_run_state_is_asked_for_it_now_and_then(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock
) -> None:
    plc.refuse("SD203", 0x4031)
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    requests = set()
    for _ in range(int(BAD_TAG_FIRST_RETEST_S) - 1):
        clock.now_s += 1.0
        requests.add((await driver.read()).request_count)
    assert requests == {1}
    plc.accept("SD203")
    clock.now_s += BAD_TAG_RETEST_S
    assert (await driver.read()).cpu_state is CpuState.RUN


async def test_without_a_run_state_a_plc_that_refuses_all_tags_is_not_online(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    plc.refuse("SD203", 0x0055)
    driver = drivers.on(plc, ["D0", "M0"])
    await driver.open()
    await driver.read()
    plc.refuse("D0")
    plc.refuse("M0")

    with pytest.raises(PlcRefused):
        await driver.read()
    with pytest.raises(PlcRefused):
        await driver.open()


async def test_every_poll_asks_something_of_a_plc_all_of_whose_tags_are_wrong(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock
) -> None:
    plc.refuse("D0")
    plc.refuse("M0")
    driver = drivers.on(plc, ["D0", "M0"])
    await driver.open()

    for _ in range(3):
        reading = await driver.read()
        assert {tag.quality for tag in reading.tags.values()} == {Quality.BAD}
        assert reading.request_count > 0

    plc.accept("D0")
    plc.accept("M0")
    clock.now_s += BACKOFF_MAX_S
    reading = await driver.read()
    assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}
