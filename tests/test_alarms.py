"""From a word in a PLC to an alarm in an answer: a whole server over a simulated plant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from lineside import app
from lineside.clock import system_clock
from lineside.config import load_config
from lineside.demo import write_demo_config
from lineside.demo.behaviour import Activity
from lineside.demo.plant import SimulatedPlant
from lineside.drivers import DRIVERS

# The demo's, with the codes 2, 4 and 3.
ROBOT, OTHER, THIRD = "KRCWO12ELOA101", "KRCWO12ELOA102", "KRCWO12ELOA104"
EQUIPMENT = "/api/equipment?line=weld1"
Ask = Callable[[str], Any]


@asynccontextmanager
async def served(
    folder: Path,
    more_config: str = "",
    messages: str = "",
    *,
    of_third: str = "",
    is_working: bool = True,
) -> AsyncIterator[tuple[SimulatedPlant, Ask]]:
    """Serve the demo plant, every machine running; yield it and what gets an answer.

    `messages` stands in for the demo's alarm table. `of_third` are more keys of that machine.
    Unless `is_working`, shifts are those of the demo's week; else work is planned around the clock.
    """
    today = datetime.now(UTC).date() if is_working else None
    loaded = load_config(write_demo_config(folder, today=today), DRIVERS)
    async with SimulatedPlant(
        loaded, clock=system_clock, is_any_port_good=True, is_steady=True, has_outages=False
    ) as plant:
        path = write_demo_config(folder, plant.ports, today=today)
        text = path.read_text(encoding="utf-8")
        machine = f'code = "{THIRD}"\n'
        text = text.replace(machine, f"{machine}{of_third}\n")
        path.write_text(f"{text}\n{more_config}", encoding="utf-8")
        if messages:
            (folder / "alarms.csv").write_text(messages, encoding="utf-8")
        announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        options = app.RunOptions(config=path, port=0)
        living = asyncio.create_task(plant.run())
        running = asyncio.create_task(
            app.run(options, lambda _, address: announced.set_result(address))
        )
        try:
            starting: list[asyncio.Future[Any]] = [announced, running]
            await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()  # a start that failed says why
            async with httpx.AsyncClient(base_url=announced.result()) as client:

                async def ask(path: str) -> Any:
                    return (await client.get(path)).json()

                await until(ask, "/api/alarms", lambda body: body.get("is_complete", False))
                await until(ask, EQUIPMENT, are_all_running)
                yield plant, ask
        finally:
            for task in (running, living):
                task.cancel()
            await asyncio.wait([running, living])


async def until(ask: Ask, path: str, is_right: Callable[[Any], bool]) -> Any:
    """Return the first answer that is right."""
    async with asyncio.timeout(60):
        while not is_right(body := await ask(path)):  # noqa: ASYNC110 -- an answer has no event
            await asyncio.sleep(0.05)
    return body


def are_all_running(body: Any) -> bool:
    return all(each["status"] == "running" for each in body["equipment"])


def has(rows: list[Any], key: str, value: str) -> bool:
    return any(row[key] == value for row in rows)


def is_on(alarm: Any) -> bool:
    return alarm["cleared"] is None


def count_is(count: int) -> Callable[[Any], bool]:
    return lambda body: len(body["alarms"]) == count


async def test_a_word_in_the_plc_becomes_an_alarm_that_says_what_to_do(tmp_path: Path) -> None:
    async with served(tmp_path) as (plant, ask):
        assert (await ask("/api/alarms"))["alarms"] == []  # nothing of what stood at the start
        plant.hold(ROBOT, Activity.FAULTED)
        (alarm,) = (await until(ask, "/api/alarms/recent", count_is(1)))["alarms"]
    told = ("code", "tag", "alarm_code", "severity", "text_ko", "text_en", "advice_en", "state")
    assert [alarm[key] for key in told] == [
        ROBOT,
        "M200",
        2,
        "critical",
        "비상정지 눌림",
        "Emergency stop pressed",
        "Find out why, then release the emergency stop.",
        "unacknowledged",
    ]


async def test_each_bit_of_a_word_in_the_plc_becomes_an_alarm(tmp_path: Path) -> None:
    messages = (
        "code,severity,text_ko,text_en\n1,high,안전문 열림,Safety door open\n4,low,과열,Heat\n"
    )
    bits = "alarm_bits = { 0 = 1, 1 = 4 }"
    async with served(tmp_path, messages=messages, of_third=bits) as (plant, ask):
        plant.hold(THIRD, Activity.FAULTED)
        alarms = (await until(ask, "/api/alarms/recent", count_is(2)))["alarms"]
        plant.hold(THIRD, Activity.RUNNING)
        await until(ask, "/api/alarms/recent", lambda body: not any(map(is_on, body["alarms"])))
    told = {(each["code"], each["alarm_code"], each["text_en"]) for each in alarms}
    assert told == {(THIRD, 1, "Safety door open"), (THIRD, 4, "Heat")}


async def test_a_code_that_no_table_knows_is_shown_as_its_number(tmp_path: Path) -> None:
    async with served(tmp_path, messages="code,text_ko\n99,다른 것\n") as (plant, ask):
        plant.hold(OTHER, Activity.FAULTED)
        (alarm,) = (await until(ask, "/api/alarms/recent", count_is(1)))["alarms"]
    assert (alarm["alarm_code"], alarm["severity"]) == (4, "high")
    assert (alarm["text_ko"], alarm["text_en"]) == ("설비 이상 (코드 4)", "Machine fault (code 4)")
    assert (alarm["advice_ko"], alarm["advice_en"]) == ("", "")


async def test_a_fault_is_an_alarm_only_after_the_configured_delay(tmp_path: Path) -> None:
    async with served(tmp_path, '[alarms]\non_delay = "10m"\n') as (plant, ask):
        plant.hold(ROBOT, Activity.FAULTED)
        await until(ask, EQUIPMENT, lambda body: not are_all_running(body))
        await plant.switch_off("PLC02")
        await until(ask, "/api/plcs", lambda body: has(body["plcs"], "link", "lost"))
        assert (await ask("/api/alarms"))["alarms"] == []


async def test_a_lost_plc_is_one_alarm_and_what_it_hides_is_none(tmp_path: Path) -> None:
    async with served(tmp_path) as (plant, ask):
        await plant.switch_off("PLC01")
        (alarm,) = (await until(ask, "/api/alarms/recent", count_is(1)))["alarms"]
        await until(ask, EQUIPMENT, lambda body: has(body["equipment"], "status", "disconnected"))
        assert len((await ask("/api/alarms"))["alarms"]) == 1
    assert (alarm["kind"], alarm["plc_id"], alarm["code"]) == ("plc", "PLC01", None)
    assert "PLC lost" in alarm["text_en"]


async def test_out_of_shift_an_alarm_is_suppressed(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    closed = f"""\
[[shift_exception]]
date = {today - timedelta(days=1)}
until = {today + timedelta(days=2)}
"""
    async with served(tmp_path, closed, is_working=False) as (plant, ask):
        plant.hold(ROBOT, Activity.FAULTED)
        (alarm,) = (await until(ask, "/api/alarms/recent", count_is(1)))["alarms"]
        assert alarm["state"] == "suppressed"
