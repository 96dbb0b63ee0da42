"""What a PLC refuses, and how the driver goes on reading: bad addresses, other ways of reading."""

from __future__ import annotations

import contextlib

import pytest

from lineside.core.errors import PlcRefused
from lineside.core.limits import BACKOFF_MAX_S, BAD_TAG_RETEST_S
from lineside.core.model import Quality
from lineside.drivers.melsec.driver import MelsecDriver
from lineside.drivers.melsec.frame import Request, Response
from lineside.drivers.melsec.simulator import MelsecSimulator

from .conftest import Drivers, HandClock, in_every_setting


async def test_a_bad_address_makes_only_its_own_tag_bad(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    plc.set_bit("M100", True)
    driver = drivers.on(plc, ["M100", "M200", "D0", "D90000", "D100"])
    await driver.open()

    first, second = await driver.read(), await driver.read()

    for reading in (first, second):
        bad = reading.tags["D90000"]
        assert (bad.value, bad.quality) == (None, Quality.BAD)
        assert "C056" in bad.reason
        assert "assigned in the PLC parameters" in bad.reason
        good = [tag for text, tag in reading.tags.items() if text != "D90000"]
        assert {tag.quality for tag in good} == {Quality.GOOD}
        assert reading.tags["M100"].value == 1
    assert first.request_count > second.request_count == 1
    assert plc.connection_count == 1, "a refused address is no reason to reconnect"


async def test_a_refused_word_in_a_batch_is_found_by_halving(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    addresses = [f"D{n}" for n in range(300)]
    plc.refuse("D137", 0x4031)
    driver = drivers.on(plc, addresses)
    await driver.open()

    reading = await driver.read()

    bad = [text for text, tag in reading.tags.items() if tag.quality is Quality.BAD]
    assert bad == ["D137"]
    assert reading.request_count < 30


async def test_a_bad_tag_is_asked_again_and_comes_back(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock
) -> None:
    plc.refuse("D5")
    driver = drivers.on(plc, ["D0", "D5"])
    await driver.open()
    assert (await driver.read()).tags["D5"].quality is Quality.BAD
    plc.accept("D5")
    plc.set_word("D5", 42)

    assert (await driver.read()).tags["D5"].quality is Quality.BAD
    clock.now_s += BAD_TAG_RETEST_S

    assert (await driver.read()).tags["D5"].value == 42


async def test_a_bad_tag_is_asked_again_soon_at_first_and_then_ever_less_often(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock
) -> None:
    plc.refuse("D5")
    driver = drivers.on(plc, ["D0", "D5"])
    await driver.open()
    await driver.read()
    asked_s = []
    for second in range(1, 1_001):
        clock.now_s += 1.0
        if (await driver.read()).request_count > 1:
            asked_s.append(second)
    assert asked_s == [5, 15, 35, 75, 155, 315, 495, 675, 855]


@pytest.mark.parametrize("end_code", [0xC056, 0xC05B, 0x4031, 0xC051])
async def test_addresses_that_are_refused_for_a_moment_are_back_within_one_backoff(
    drivers: Drivers, plc: MelsecSimulator, clock: HandClock, end_code: int
) -> None:
    addresses = [f"D{190 * n}" for n in range(60)]
    driver = drivers.on(plc, addresses)
    await driver.open()
    before = (await driver.read()).request_count
    for address in addresses:
        plc.refuse(address, end_code)
    clock.now_s += 1.0
    reading = await driver.read()
    assert {tag.quality for tag in reading.tags.values()} == {Quality.BAD}
    for address in addresses:
        plc.accept(address)
    for _ in range(int(BACKOFF_MAX_S) + 5):
        clock.now_s += 1.0
        reading = await driver.read()
    assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}
    assert reading.request_count == before


async def test_a_reconnection_asks_for_bad_tags_at_once(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    plc.refuse("D5")
    driver = drivers.on(plc, ["D0", "D5"])
    await driver.open()
    await driver.read()
    plc.accept("D5")

    await driver.open()

    assert (await driver.read()).tags["D5"].quality is Quality.GOOD


async def test_a_plc_without_random_read_is_read_in_batches(
    drivers: Drivers, plc: MelsecSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = plc.cpu.answer
    monkeypatch.setattr(
        plc.cpu,
        "answer",
        lambda request: (
            plc.cpu.refusal(request, 0xC059) if request.command == 0x0403 else answer(request)
        ),
    )
    driver = drivers.on(plc, ["D0", "M0", "W0"])
    await driver.open()

    await driver.read()
    reading = await driver.read()

    assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}
    assert reading.request_count == 4


FAR_APART = {f"D{80 * n}:F32": n - 75.5 for n in range(150)}


@in_every_setting
async def test_many_values_of_two_words_that_lie_far_apart_are_read_as_double_words(
    drivers: Drivers, frame: str, code: str, transport: str
) -> None:
    async with MelsecSimulator(frame=frame, code=code, transport=transport) as plc:
        for address, value in FAR_APART.items():
            plc.set_word(address, value)
        driver = drivers.on(plc, list(FAR_APART))

        await driver.open()
        reading = await driver.read()

    assert {text: tag.value for text, tag in reading.tags.items()} == FAR_APART
    assert reading.request_count == (1 if code == "binary" else 2)


async def test_a_plc_that_takes_no_double_words_is_read_by_single_words(
    drivers: Drivers, plc: MelsecSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = plc.cpu.answer

    def answer_single_words(request: Request) -> Response:
        is_random = request.command == 0x0403
        has_double_words = is_random and request.payload[1] > 0
        return plc.cpu.refusal(request, 0xC059) if has_double_words else answer(request)

    monkeypatch.setattr(plc.cpu, "answer", answer_single_words)
    for address, value in FAR_APART.items():
        plc.set_word(address, value)
    driver = drivers.on(plc, list(FAR_APART))
    await driver.open()

    await driver.read()
    reading = await driver.read()

    assert {text: tag.value for text, tag in reading.tags.items()} == FAR_APART
    assert reading.request_count == 2


MANY = [f"D{80 * n}" for n in range(150)]


async def steady_requests(driver: MelsecDriver, clock: HandClock) -> int:
    """Return how many requests a poll takes once the driver has learned what it can."""
    counts = []
    for _ in range(4):
        clock.now_s += 1.0
        reading = await driver.read()
        assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}
        counts.append(reading.request_count)
    return counts[-1]


@pytest.mark.parametrize("end_code", [0xC056, 0xC059, 0xC051, 0x4031, 0x4ABC])
@pytest.mark.parametrize("frame", ["3E", "4E"])
@pytest.mark.parametrize("length", [1, 2])
async def test_what_is_refused_for_a_moment_is_asked_for_as_before(
    drivers: Drivers,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    frame: str,
    end_code: int,
    length: int,
) -> None:
    async with MelsecSimulator(frame=frame) as plc:
        driver = drivers.on(plc, MANY)
        await driver.open()
        before = await steady_requests(driver, clock)
        answer = plc.cpu.answer
        for at in range(before):
            first = plc.request_count + 1 + at
            monkeypatch.setattr(
                plc.cpu,
                "answer",
                lambda request, first=first: (
                    plc.cpu.refusal(request, end_code)
                    if first <= plc.request_count < first + length
                    else answer(request)
                ),
            )
            with contextlib.suppress(PlcRefused):
                await driver.read()
                clock.now_s += 1.0
            await driver.open()
            assert await steady_requests(driver, clock) == before


@pytest.mark.parametrize("heals", ["with time", "with a new connection"])
async def test_a_way_of_reading_that_the_plc_takes_again_is_used_again(
    drivers: Drivers,
    clock: HandClock,
    plc: MelsecSimulator,
    monkeypatch: pytest.MonkeyPatch,
    heals: str,
) -> None:
    driver = drivers.on(plc, list(FAR_APART))
    await driver.open()
    before = await steady_requests(driver, clock)
    answer, is_old = plc.cpu.answer, True
    monkeypatch.setattr(
        plc.cpu,
        "answer",
        lambda request: (
            plc.cpu.refusal(request, 0xC059)
            if is_old and request.command == 0x0403
            else answer(request)
        ),
    )
    narrowed = await steady_requests(driver, clock)
    assert narrowed > before
    clock.now_s += BAD_TAG_RETEST_S
    assert (await driver.read()).request_count == narrowed + 1, "asked for once, in vain"
    assert await steady_requests(driver, clock) == narrowed
    is_old = False
    if heals == "with time":
        clock.now_s += BAD_TAG_RETEST_S
    else:
        await driver.open()
    assert await steady_requests(driver, clock) == before


async def test_an_answer_with_words_beyond_that_is_refused_for_a_moment_is_not_the_end_of_them(
    drivers: Drivers, clock: HandClock, plc: MelsecSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = drivers.on(plc, ["D0"])
    await driver.open()
    answer, asked = plc.cpu.answer, []

    def answer_or_refuse(request: Request) -> Response:
        asked.append(request.payload)
        return plc.cpu.refusal(request, 0xC056) if len(asked) == 3 else answer(request)

    monkeypatch.setattr(plc.cpu, "answer", answer_or_refuse)
    for _ in range(40):
        clock.now_s += 1.0
        await driver.read()
    assert len(set(asked[-20:])) > 5, "its answers are told apart by their lengths"


async def test_a_code_that_no_table_lists_is_isolated_too(
    drivers: Drivers, plc: MelsecSimulator
) -> None:
    plc.refuse("D5", 0x4ABC)
    driver = drivers.on(plc, ["D0", "D5"])
    await driver.open()

    reading = await driver.read()

    assert "4ABC" in reading.tags["D5"].reason
    assert reading.tags["D0"].quality is Quality.GOOD
