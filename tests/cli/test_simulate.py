"""`lineside simulate` as a user meets it: served, ordered about, killed and started again."""

import asyncio
import os
import signal
import socket
from pathlib import Path

from lineside.clock import system_clock
from lineside.config import load_config
from lineside.core.errors import DriverError
from lineside.core.model import CpuState, Reading
from lineside.drivers import DRIVERS
from processes import Process, free_port

CONFIG = """\
# The weld shop, as wired in spring.
[[line]]
id = "weld1"
name = "용접 1라인"
{line_extra}
[[plc]]
id = "PLC01"
host = "{host}"       # cabinet 4
port = {first}  # 1392H
family = "Q"
timeout = "2s"

[[plc]]
id = "PLC02"
host = "{host}"
port = {second}
family = "Q"
code = "ascii"
timeout = "2s"

[[equipment]]
code = "KRCWO12ELOA101"
name = "Upper 로봇 용접"
plc = "PLC01"
status_tag = "M100"
error_tag = "M200"

[[equipment]]
code = "KRCWO12ELOA102"
name = "Lower 로봇 용접"
plc = "PLC02"
status_tag = "M100"
error_tag = "M200"
"""
READY = "Ctrl-C ends it"


def write_config(path: Path, *, host: str = "127.0.0.1", line_extra: str = "") -> Path:
    text = CONFIG.format(host=host, first=free_port(), second=free_port(), line_extra=line_extra)
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, plc_id: str) -> Reading:
    """Read every tag of one PLC with the real driver."""

    async def once() -> Reading:
        loaded = load_config(path, DRIVERS)
        plc = next(plc for plc in loaded.config.plc if plc.id == plc_id)
        driver = DRIVERS[plc.driver].create(plc, loaded.addresses[plc_id], system_clock)
        try:
            await driver.open()
            return await driver.read()
        finally:
            await driver.close()

    return asyncio.run(once())


def answers(path: Path, plc_id: str) -> bool:
    try:
        read(path, plc_id)
    except DriverError:
        return False
    return True


def test_every_plc_of_a_config_is_served_where_the_config_says(tmp_path: Path) -> None:
    config = write_config(tmp_path / "lineside.toml")
    with Process(["simulate", str(config), "--steady"]) as simulate:
        simulate.wait_for(READY)
        for plc_id in ("PLC01", "PLC02"):
            assert read(config, plc_id).tags["M100"].value == 1
            assert plc_id in simulate.output
        assert simulate.terminate() == 0
        assert "Traceback" not in simulate.output


def test_a_killed_plc_comes_back_on_its_port_and_the_other_never_noticed(tmp_path: Path) -> None:
    config = write_config(tmp_path / "lineside.toml")
    first = Process(["simulate", str(config), "--only", "PLC01"])
    second = Process(["simulate", str(config), "--only", "PLC02"])
    with first, second:
        first.wait_for(READY)
        second.wait_for(READY)
        assert answers(config, "PLC01")
        first.kill()
        assert not answers(config, "PLC01")
        assert answers(config, "PLC02")
        first.start()
        first.wait_for(READY)
        assert answers(config, "PLC01")


def test_orders_are_carried_out_and_confirmed(tmp_path: Path) -> None:
    config = write_config(tmp_path / "lineside.toml")
    with Process(["simulate", str(config), "--steady"], takes_input=True) as simulate:
        simulate.wait_for(READY)
        simulate.say("PLC02 hang")
        simulate.wait_for("PLC02: hang")
        assert not answers(config, "PLC02")
        simulate.say("plc02 ok")
        simulate.wait_for("PLC02: ok")
        assert answers(config, "PLC02")
        simulate.say("PLC01 stop")
        simulate.wait_for("PLC01: CPU STOP")
        assert read(config, "PLC01").cpu_state is CpuState.STOP
        simulate.say("PLC01 run")
        simulate.wait_for("PLC01: ok")
        simulate.say("PLC01 off")
        simulate.wait_for("PLC01: off")
        assert not answers(config, "PLC01")
        simulate.say("PLC01 on")
        simulate.wait_for("(?s)PLC01: off.*PLC01: ok")
        simulate.say("KRCWO12ELOA101 fault")
        simulate.wait_for('KRCWO12ELOA101: fault, until "KRCWO12ELOA101 auto"')
        assert read(config, "PLC01").tags["M200"].value == 1
        simulate.say("KRCWO12ELOA101 auto")
        simulate.wait_for("lives its own life")
        assert read(config, "PLC01").tags["M200"].value == 0
        simulate.say("quit")
        assert simulate.wait() == 0
        assert "Traceback" not in simulate.output


def test_orders_that_make_no_sense_are_answered_with_what_would(tmp_path: Path) -> None:
    config = write_config(tmp_path / "lineside.toml")
    with Process(["simulate", str(config)], takes_input=True) as simulate:
        simulate.wait_for(READY)
        for order, answer in (
            ("dance", "help lists the orders"),
            ("PLC09 hang", "there is no PLC or machine PLC09"),
            ("PLC01 dance", "it can delay, hang"),
            ("KRCWO12ELOA101 dance", "it can fault, stop, idle, run, auto"),
            ("PLC01 hang please", "an order is two words"),
            ("", ""),
            ("help", "back to its own life"),
            ("list", r"PLC02 port \d+: ok"),
        ):
            simulate.say(order)
            simulate.wait_for(answer)


def test_the_end_of_the_input_is_not_the_end_of_the_plant(tmp_path: Path) -> None:
    config = write_config(tmp_path / "lineside.toml")
    with Process(["simulate", str(config)]) as simulate:  # its input is empty
        simulate.wait_for(READY)
        assert answers(config, "PLC01")


def test_loopback_writes_a_copy_that_differs_in_addresses_only(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml", host="192.0.2.17")
    copy = tmp_path / "trial.toml"
    with Process(["simulate", str(config), "--loopback", str(copy)]) as simulate:
        simulate.wait_for(READY)
        assert answers(copy, "PLC01")
        assert answers(copy, "PLC02")
    mark, *lines = copy.read_text(encoding="utf-8").splitlines()
    assert mark.startswith("#")
    ports = [plc.port for plc in load_config(copy, DRIVERS).config.plc]
    original = config.read_text(encoding="utf-8")
    for plc, port in zip(load_config(config, DRIVERS).config.plc, ports, strict=True):
        original = original.replace(f"port = {plc.port}", f"port = {port}")
    assert lines == original.replace("192.0.2.17", "127.0.0.1").splitlines()


def test_a_second_loopback_keeps_the_ports_of_the_first(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml", host="192.0.2.17")
    copy = tmp_path / "trial.toml"
    texts = []
    for _ in range(2):
        with Process(["simulate", str(config), "--loopback", str(copy)]) as simulate:
            simulate.wait_for(READY)
            texts.append(copy.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]


def test_a_copy_elsewhere_still_finds_its_csv(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml")
    (tmp_path / "more.csv").write_text(
        "code,name,plc,status_tag\nKRCWO12ELOA150,프레스,PLC01,M50\n", encoding="utf-8"
    )
    with config.open("a", encoding="utf-8") as stream:
        stream.write('\n[equipment_csv]\nfile = "more.csv"  # from planning\n')
    copy = tmp_path / "trials" / "trial.toml"
    copy.parent.mkdir()
    words = ["simulate", str(config), "--loopback", str(copy), "--steady"]
    with Process(words) as simulate:
        simulate.wait_for(READY)
        assert 'file = "../more.csv"  # from planning' in copy.read_text(encoding="utf-8")
        assert read(copy, "PLC01").tags["M50"].value == 1


def test_loopback_writes_over_nothing_that_it_did_not_write(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml")
    precious = write_config(tmp_path / "precious.toml")
    before = precious.read_text(encoding="utf-8")
    for target in (config, precious):
        with Process(["simulate", str(config), "--loopback", str(target)]) as simulate:
            assert simulate.wait() == 2
    assert precious.read_text(encoding="utf-8") == before


def test_an_address_of_another_computer_is_refused_with_the_way_out(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml", host="192.0.2.17")
    with Process(["simulate", str(config)]) as simulate:
        assert simulate.wait() == 1
        assert "PLC01: cannot listen on 192.0.2.17" in simulate.output
        assert "is not an address of this computer: lineside simulate" in simulate.output
        assert "Traceback" not in simulate.output


def test_a_taken_port_is_refused_with_the_way_out(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml")
    port = load_config(config, DRIVERS).config.plc[1].port
    with socket.socket() as occupant:
        occupant.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        occupant.bind(("127.0.0.1", port))
        occupant.listen()
        with Process(["simulate", str(config)]) as simulate:
            assert simulate.wait() == 1
            assert f"PLC02: cannot listen on 127.0.0.1:{port}" in simulate.output
            assert "something else listens there" in simulate.output


def test_a_config_with_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml")
    text = config.read_text(encoding="utf-8").replace('"M100"', '"Q100"')
    config.write_text(text, encoding="utf-8")
    with Process(["simulate", str(config)]) as simulate:
        assert simulate.wait() == 2
        assert simulate.output.count("Q100") >= 2


def test_an_unknown_plc_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml")
    with Process(["simulate", str(config), "--only", "PLC07"]) as simulate:
        assert simulate.wait() == 2
        assert "there is no PLC PLC07: PLC01, PLC02" in simulate.output


def test_ctrl_c_is_an_ordinary_end(tmp_path: Path) -> None:
    config = write_config(tmp_path / "plant.toml")
    with Process(["simulate", str(config)], takes_input=True) as simulate:
        simulate.wait_for(READY)
        os.kill(simulate.pid, signal.SIGINT)
        assert simulate.wait() == 0
        assert "Traceback" not in simulate.output
