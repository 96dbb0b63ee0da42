"""The drivers' door for MELSEC: check, plan, create, and the sample people copy from."""

from __future__ import annotations

import tomllib
from pathlib import Path

from lineside.config.schema import EquipmentConfig, Family, PlcConfig
from lineside.drivers import DRIVERS, melsec
from lineside.drivers.melsec import MELSEC

from .conftest import HandClock

SAMPLE = Path(melsec.__file__).with_name("sample.toml")


def plc(**settings: object) -> PlcConfig:
    return PlcConfig.model_validate(
        {"id": "PLC01", "host": "127.0.0.1", "port": 5010, "family": "Q", **settings}
    )


def test_melsec_is_registered() -> None:
    assert DRIVERS["melsec"] is MELSEC


def test_check_names_every_wrong_address_and_no_right_one() -> None:
    problems = MELSEC.check(plc(family=Family.IQ_F), ["M100", "X8", "D100.12"])

    assert [problem.address for problem in problems] == ["X8", "D100.12"]


def test_the_plan_reads_the_run_state_and_the_heartbeat_too() -> None:
    plan = MELSEC.plan(plc(heartbeat="D0"), ["M100", "M200"])

    assert plan.plc_id == "PLC01"
    assert plan.requests[-1].summary == "0403 random read D0, M96, M192, SD203"
    assert plan.requests[-1].addresses == ("D0", "M100", "M200", "SD203")
    assert plan.requests[-1].word_count == 4
    assert plan.shortest_period_s == 0.05


async def test_the_driver_reads_the_heartbeat_without_being_asked() -> None:
    from lineside.drivers.melsec.simulator import MelsecSimulator

    async with MelsecSimulator() as simulator:
        simulator.set_word("D0", 12)
        config = plc(port=simulator.port, heartbeat="D0")
        driver = MELSEC.create(config, ["M100"], HandClock())
        await driver.open()
        reading = await driver.read()
        await driver.close()

    assert reading.tags["D0"].value == 12


def test_the_sample_is_a_valid_config_whose_addresses_can_be_read() -> None:
    sample = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
    plcs = [PlcConfig.model_validate(table) for table in sample["plc"]]
    equipment = [EquipmentConfig.model_validate(table) for table in sample["equipment"]]

    for config in plcs:
        tags = [
            tag
            for machine in equipment
            if machine.plc == config.id
            for tag in (machine.status_tag, machine.error_tag, machine.idle_tag)
            if tag is not None
        ]
        assert tags
        assert MELSEC.check(config, tags) == []
        assert MELSEC.plan(config, tags).shortest_period_s <= config.period


def test_the_sample_polls_as_often_as_a_config_that_says_nothing() -> None:
    sample = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
    assert {PlcConfig.model_validate(table).period for table in sample["plc"]} == {plc().period}
