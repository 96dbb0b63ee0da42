"""`lineside probe` against simulated PLCs: what came back, or why nothing did."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import bounds
from processes import Process, free_port

PLC = """
[[plc]]
id = "{id}"
host = "127.0.0.1"
port = {port}
family = "Q"
code = "{code}"
timeout = "2s"
heartbeat = "D0"

[[equipment]]
code = "KRCWO12ELOA10{n}"
name = "로봇 용접 {n}"
plc = "{id}"
status_tag = "M100"
error_tag = "M200"
"""


@contextmanager
def plant(folder: Path, *codes: str) -> Iterator[tuple[Path, Process]]:
    """Serve one PLC per code, and yield the config and the process that takes orders."""
    text = '[[line]]\nid = "weld1"\nname = "용접 1라인"\n'
    for n, code in enumerate(codes, 1):
        text += PLC.format(id=f"PLC0{n}", port=free_port(), code=code, n=n)
    config = folder / "lineside.toml"
    config.write_text(text, encoding="utf-8")
    with Process(["simulate", str(config), "--steady"], takes_input=True) as simulate:
        simulate.wait_for("Ctrl-C ends it")
        yield config, simulate


def order(simulate: Process, text: str) -> None:
    simulate.say(text)
    simulate.wait_for(text.split()[0] + ": ")


def probe(*words: str | Path) -> tuple[int, str]:
    with Process(["probe", *map(str, words)]) as process:
        code = process.wait()
        assert "Traceback" not in process.output
        return code, process.output


def change(config: Path, old: str, new: str) -> None:
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_tag_is_shown_with_its_value_quality_and_latency(tmp_path: Path) -> None:
    with plant(tmp_path, "binary", "ascii") as (config, _):
        code, output = probe(config)
    assert code == 0
    rows = [line.split() for line in output.splitlines()]
    assert [
        row[:2] for row in rows if row and row[0] in {"heartbeat", "status_tag", "error_tag"}
    ] == [
        ["heartbeat", "D0"],
        ["status_tag", "M100"],
        ["error_tag", "M200"],
    ] * 2
    status = next(row for row in rows if row and row[0] == "status_tag")
    assert status[2:8] == ["KRCWO12ELOA101", "로봇", "용접", "1", "1", "good"]
    assert status[9] == "ms"
    assert "CPU RUN" in output
    assert "6 of 6 tags are good" in output


def test_json_says_the_same_for_scripts(tmp_path: Path) -> None:
    with plant(tmp_path, "binary", "ascii") as (config, _):
        code, output = probe(config, "--json", "--plc", "PLC02")
    assert code == 0
    document: dict[str, Any] = json.loads(output)
    (plc,) = document["plcs"]
    assert (document["is_good"], plc["id"], plc["cpu_state"]) == (True, "PLC02", "run")
    assert plc["latency_ms"] > 0
    assert plc["tags"][1] == {
        "tag": "status_tag",
        "address": "M100",
        "equipment_code": "KRCWO12ELOA102",
        "value": 1,
        "quality": "good",
        "reason": "",
    }


@pytest.mark.parametrize(
    ("fault", "fact"),
    [
        ("hang", "no answer within"),
        ("off", "refused"),
        ("close", "closed"),
        ("end_code", "C05E"),
        ("garbage", "begins with"),
    ],
)
def test_a_plc_that_cannot_be_read_is_shown_with_its_error_and_a_remedy(
    tmp_path: Path, fault: str, fact: str
) -> None:
    with plant(tmp_path, "binary", "binary") as (config, simulate):
        order(simulate, f"PLC02 {fault}")
        code, output = probe(config)
    assert code == 1
    part = output[output.index("✗ PLC02") :]
    assert fact in part
    assert "→" in part
    assert "✓ PLC01" in output
    assert "3 of 6 tags are good; no reading from PLC02" in output


def test_the_wrong_code_is_named_as_the_cause(tmp_path: Path) -> None:
    with plant(tmp_path, "ascii", "binary") as (config, _):
        change(config, 'code = "ascii"', 'code = "binary"')
        _, output = probe(config, "--plc", "PLC01")
        assert 'set code = "ascii"' in " ".join(output.split())
        change(config, 'code = "binary"', 'code = "ascii"')
        change(config, 'code = "binary"', 'code = "ascii"')
        code, output = probe(config, "--plc", "PLC02")
    assert code == 1
    assert "(ASCII/binary)" in output


@pytest.mark.measures
def test_silent_plcs_are_waited_for_together_not_one_after_the_other(tmp_path: Path) -> None:
    with plant(tmp_path, *["binary"] * 8) as (config, simulate):
        for n in range(1, 9):
            order(simulate, f"PLC0{n} hang")
        with Process(["probe", str(config)]) as process:
            began_s = time.monotonic()
            assert process.wait() == 1
            # One after the other would take 16 s.
            bounds.hold(time.monotonic() - began_s, 10.0, "probed after (s)")
            assert process.output.count("no answer within 2 s") == 8


def test_a_plc_in_stop_is_not_good(tmp_path: Path) -> None:
    with plant(tmp_path, "binary") as (config, simulate):
        order(simulate, "PLC01 stop")
        code, output = probe(config)
    assert code == 1
    assert "its program does not run" in output
    assert "uncertain" in output
    assert "0 of 3 tags are good" in output


def test_a_config_with_mistakes_is_refused_with_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "lineside.toml"
    config.write_text('[[line]]\nid = "a"\n', encoding="utf-8")
    code, output = probe(config)
    assert code == 2
    assert "name" in output


def test_an_unknown_plc_is_refused(tmp_path: Path) -> None:
    with plant(tmp_path, "binary") as (config, _):
        code, output = probe(config, "--plc", "PLC7")
    assert code == 2
    assert "there is no PLC PLC7; there is PLC01" in output


def test_a_normally_closed_contact_is_shown_as_the_machine_means_it(tmp_path: Path) -> None:
    with plant(tmp_path, "binary") as (config, _):
        # It is served as the bit of a fault, which is 0, and read as a contact that opens.
        change(config, 'error_tag = "M200"', 'error_tag = "!M200"')
        code, output = probe(config, "--json")
        assert code == 0
        tags = {tag["address"]: tag["value"] for tag in json.loads(output)["plcs"][0]["tags"]}
        assert tags["!M200"] == 1
