"""The simulated plant, read over loopback by the real driver."""

import socket
from pathlib import Path

import pytest

from lineside.clock import system_clock
from lineside.config import LoadedConfig, load_config
from lineside.core.board import Board
from lineside.core.errors import DriverError
from lineside.core.limits import TICK_PERIOD_S
from lineside.core.model import CpuState, Equipment, Instant, Quality, Reading, Status, TagRole
from lineside.core.ports import Clock
from lineside.demo import DEMO_FLOW, open_demo, write_demo_config
from lineside.demo.behaviour import Activity, MachineSignals
from lineside.demo.plant import CannotServe, SimulatedPlant, tag_values
from lineside.drivers import DRIVERS


class ManualClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> Instant:
        return Instant(unix_s=1_700_000_000 + self.now_s, monotonic_s=self.now_s)


async def read(loaded: LoadedConfig, plc_id: str, clock: Clock = system_clock) -> Reading:
    plc = next(plc for plc in loaded.config.plc if plc.id == plc_id)
    driver = DRIVERS[plc.driver].create(plc, loaded.addresses[plc_id], clock)
    try:
        await driver.open()
        return await driver.read()
    finally:
        await driver.close()


def write(path: Path, text: str) -> LoadedConfig:
    path.write_text(text, encoding="utf-8")
    return load_config(path, DRIVERS)


def config_with(equipment: str, plc: str = "") -> str:
    return f"""\
[[line]]
id = "l"
name = "L"

[[plc]]
id = "P"
host = "127.0.0.1"
port = 5010
family = "Q"
{plc}

[[equipment]]
code = "KRCWO12ELOA101"
name = "M"
plc = "P"
{equipment}
"""


async def test_the_demo_polls_each_plc_once_for_each_tick() -> None:
    async with open_demo(system_clock) as demo:
        loaded = load_config(demo.config_path, DRIVERS)
    assert [plc.period_s for plc in loaded.site.plcs] == [TICK_PERIOD_S] * 3


async def test_the_demo_serves_every_machine_of_its_config() -> None:
    async with open_demo(system_clock) as demo:
        loaded = load_config(demo.config_path, DRIVERS)
        assert loaded.warnings == ()
        codes = [e.code for e in loaded.site.lines[0].equipment]
        assert codes == [f"KRCWO12ELOA{n}" for n in range(101, 118)]
        assert sorted(DEMO_FLOW) == codes
        assert [e.name for e in loaded.site.lines[0].equipment[:2]] == [
            "Upper 로봇 용접",
            "Lower 로봇 용접",
        ]
        for plc in loaded.config.plc:
            assert plc.port == demo.plant.ports[plc.id]
            reading = await read(loaded, plc.id)
            assert {tag.quality for tag in reading.tags.values()} == {Quality.GOOD}
            assert set(reading.tags) == set(loaded.addresses[plc.id])


async def test_the_demo_starts_twice_at_the_same_time() -> None:
    async with open_demo(system_clock) as first, open_demo(system_clock) as second:
        assert not set(first.plant.ports.values()) & set(second.plant.ports.values())
        await read(load_config(second.config_path, DRIVERS), "PLC03")


async def test_the_demo_leaves_no_files_behind() -> None:
    async with open_demo(system_clock) as demo:
        folder = demo.config_path.parent
        assert folder.exists()
    assert not folder.exists()


async def test_the_demo_seen_through_driver_and_board_shows_all_statuses(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_demo(clock, folder=tmp_path) as demo:
        loaded = load_config(demo.config_path, DRIVERS)
        board = Board(loaded.site, clock())
        seen: set[Status] = set()
        drivers = [
            DRIVERS[plc.driver].create(plc, loaded.addresses[plc.id], clock)
            for plc in loaded.config.plc
        ]
        for driver in drivers:
            await driver.open()
        for second in range(58):  # up to the first outage
            clock.now_s = second
            for _ in range(5):  # the heartbeat moves once in five steps
                demo.plant.step()
            for driver in drivers:
                board.fold(await driver.read())
            snapshot, _ = board.tick(clock())
            seen |= {machine.status for machine in snapshot.lines[0].equipment}
        clock.now_s = 61.5
        for _ in range(5):
            demo.plant.step()
        for plc_id in demo.plant.plcs:
            fault = demo.plant.simulator(plc_id).fault
            assert (fault is not None) == (plc_id == "PLC03")
        for driver in drivers[:2]:
            board.fold(await driver.read())
        snapshot, _ = board.tick(clock())
        gray = {m.plc_id for m in snapshot.lines[0].equipment if not m.is_connected}
        assert gray == {"PLC03"}
        assert seen == set(Status) - {Status.DISCONNECTED}
        clock.now_s = 90.0
        demo.plant.step()
        assert demo.plant.simulator("PLC03").fault is None
        for driver in drivers:
            await driver.close()


async def test_a_held_machine_reads_as_it_is_held(tmp_path: Path) -> None:
    loaded = load_config(write_demo_config(tmp_path), DRIVERS)
    async with SimulatedPlant(
        loaded, clock=ManualClock(), is_any_port_good=True, is_steady=True
    ) as plant:
        resolved = load_config(write_demo_config(tmp_path, plant.ports), DRIVERS)
        plant.hold("KRCWO12ELOA101", Activity.FAULTED)
        reading = await read(resolved, "PLC01")
        assert reading.tags["M200"].value == 1
        assert reading.tags["M101"].value == 1
        plant.release("KRCWO12ELOA101")
        plant.hold("KRCWO12ELOA102", Activity.HALTED)
        reading = await read(resolved, "PLC01")
        assert (reading.tags["M200"].value, reading.tags["M101"].value) == (0, 0)


async def test_every_fault_can_be_switched_while_running_and_healed(tmp_path: Path) -> None:
    loaded = load_config(write_demo_config(tmp_path), DRIVERS)
    async with SimulatedPlant(loaded, clock=ManualClock(), is_any_port_good=True) as plant:
        resolved = load_config(write_demo_config(tmp_path, plant.ports), DRIVERS)
        plant.fault("PLC02", "close")
        with pytest.raises(DriverError):
            await read(resolved, "PLC02")
        await read(resolved, "PLC01")
        await plant.switch_off("PLC02")
        with pytest.raises(DriverError):
            await read(resolved, "PLC02")
        await plant.heal("PLC02")
        assert (await read(resolved, "PLC02")).cpu_state is CpuState.RUN
        plant.set_cpu_state("PLC02", CpuState.STOP)
        assert (await read(resolved, "PLC02")).cpu_state is CpuState.STOP
        with pytest.raises(ValueError, match="explode"):
            plant.fault("PLC02", "explode")


async def test_what_an_operator_switched_outlives_a_scripted_outage(tmp_path: Path) -> None:
    clock = ManualClock()
    loaded = load_config(write_demo_config(tmp_path), DRIVERS)
    async with SimulatedPlant(loaded, clock=clock, is_any_port_good=True) as plant:
        plant.fault("PLC03", "reset")
        for second in (62, 100, 120):
            clock.now_s = second
            plant.step()
            fault = plant.simulator("PLC03").fault
            assert fault is not None
            assert fault.kind == "reset"


async def test_a_taken_port_is_named_and_nothing_is_left_listening(tmp_path: Path) -> None:
    loaded = load_config(write_demo_config(tmp_path), DRIVERS)
    async with SimulatedPlant(loaded, clock=system_clock, is_any_port_good=True) as first:
        again = load_config(write_demo_config(tmp_path, {"PLC03": first.ports["PLC03"]}), DRIVERS)
        second = SimulatedPlant(again, clock=system_clock, ports={"PLC01": 0, "PLC02": 0})
        with pytest.raises(CannotServe, match=f"PLC03.*{first.ports['PLC03']}"):
            await second.__aenter__()
        for plc_id in ("PLC01", "PLC02"):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", second.ports[plc_id])) != 0


async def test_only_the_named_plcs_are_served(tmp_path: Path) -> None:
    loaded = load_config(write_demo_config(tmp_path), DRIVERS)
    plant = SimulatedPlant(loaded, clock=system_clock, only=["PLC02"], ports={"PLC02": 0})
    async with plant:
        assert set(plant.ports) == {"PLC02"}
        assert {e.plc_id for e in plant.equipment} == {"PLC02"}


async def test_two_processes_that_share_a_plant_agree_on_its_life(tmp_path: Path) -> None:
    loaded = load_config(write_demo_config(tmp_path), DRIVERS)
    clock = ManualClock()
    whole = SimulatedPlant(loaded, clock=clock, is_any_port_good=True, seed=9)
    part = SimulatedPlant(loaded, clock=clock, is_any_port_good=True, seed=9, only={"PLC01"})
    async with whole, part:
        for second in range(0, 400, 7):
            clock.now_s = second
            whole.step()
            part.step()
            for address in loaded.addresses["PLC01"]:
                assert whole.simulator("PLC01").get_word(address) == part.simulator(
                    "PLC01"
                ).get_word(address)


@pytest.mark.parametrize(
    ("activity", "value"),
    [
        (Activity.RUNNING, 1),
        (Activity.WAITING, 2),
        (Activity.HALTED, 0),
        (Activity.FAULTED, 9),
    ],
)
async def test_a_value_map_is_spoken_in_its_own_numbers(
    tmp_path: Path, activity: Activity, value: int
) -> None:
    loaded = write(
        tmp_path / "c.toml",
        config_with(
            'status_tag = "D100"\n'
            'value_map = { 0 = "stopped", 1 = "running", 2 = "idle", 9 = "error" }'
        ),
    )
    async with SimulatedPlant(loaded, clock=system_clock, ports={"P": 0}) as plant:
        plant.hold("KRCWO12ELOA101", activity)
        assert plant.simulator("P").get_word("D100") == value


async def test_idle_tag_word_bits_and_typed_words_are_written(tmp_path: Path) -> None:
    loaded = write(
        tmp_path / "c.toml",
        config_with('status_tag = "D100.3"\nerror_tag = "D200:F32"\nidle_tag = "X1F"'),
    )
    async with SimulatedPlant(loaded, clock=system_clock, ports={"P": 0}, is_steady=True) as plant:
        simulator = plant.simulator("P")
        assert (simulator.get_bit("D100.3"), simulator.get_bit("X1F")) == (True, False)
        plant.hold("KRCWO12ELOA101", Activity.STARVED)
        assert (simulator.get_bit("D100.3"), simulator.get_bit("X1F")) == (False, True)
        plant.hold("KRCWO12ELOA101", Activity.FAULTED)
        assert simulator.get_word("D200:F32") == 1.0


async def test_the_heartbeat_keeps_counting_and_freezes_on_order(tmp_path: Path) -> None:
    loaded = write(tmp_path / "c.toml", config_with('status_tag = "M1"', 'heartbeat = "D7"'))
    async with SimulatedPlant(loaded, clock=system_clock, ports={"P": 0}) as plant:
        beats = set()
        for _ in range(50):
            plant.step()
            beats.add(plant.simulator("P").get_word("D7"))
        assert beats == set(range(1, 26))


async def test_machines_from_a_csv_are_simulated_too(tmp_path: Path) -> None:
    (tmp_path / "machines.csv").write_text(
        "code,name,plc,status_tag\nKRCWO12ELOA150,프레스,P,M50\n", encoding="utf-8"
    )
    text = config_with('status_tag = "M1"') + '\n[equipment_csv]\nfile = "machines.csv"\n'
    loaded = write(tmp_path / "c.toml", text)
    async with SimulatedPlant(loaded, clock=system_clock, ports={"P": 0}, is_steady=True) as plant:
        assert plant.simulator("P").get_bit("M50")


def test_a_normally_closed_contact_is_served_open_at_a_fault() -> None:
    machine = Equipment(
        code="KRCWO12ELOA101",
        name="Upper",
        line_id="weld1",
        addresses={TagRole.STATUS: "M100", TagRole.ERROR: "!M200"},
    )
    for has_fault, m200 in [(False, 1), (True, 0)]:
        signals = MachineSignals(activity=Activity.RUNNING, is_running=True, has_fault=has_fault)
        assert tag_values(machine, signals)["M200"] == m200
