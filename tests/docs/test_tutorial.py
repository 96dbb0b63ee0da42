"""The tutorial, step by step, as a reader types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.markdown import ROOT, blocks
from lineside.config import load_config, template
from lineside.core.errors import ConfigError
from lineside.drivers import DRIVERS
from processes import Process, Server

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return what `lineside init` wrote, with the tutorial's machines in place of its own."""
    (machines,) = blocks(TUTORIAL, "toml")
    head, _, _ = template().partition("[[equipment]]")
    file = tmp_path / "lineside.toml"
    file.write_text(head + machines.text, encoding="utf-8")
    return file


def test_the_machines_of_the_tutorial_are_good(config: Path) -> None:
    loaded = load_config(config, DRIVERS)
    assert len(loaded.config.equipment) == 3
    assert loaded.warnings == ()


def test_both_mistakes_made_on_purpose_are_reported_at_once(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    assert '"M10Z"' in TUTORIAL
    text = text.replace('"M100"', '"M10Z"').replace('"KRCWO12ELOA102"', '"KRCWO12ELOA10"')
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(config, DRIVERS)
    paths = [problem.path for problem in caught.value.problems]
    assert paths == ["equipment[1].status_tag", "equipment[2].code"]
    assert all(problem.line is not None for problem in caught.value.problems)


def test_a_simulated_plc_is_probed_served_watched_and_broken(config: Path) -> None:
    trial = config.with_name("trial.toml")
    words = ["simulate", str(config), "--loopback", str(trial), "--steady"]
    with Process(words, takes_input=True) as plant:
        plant.wait_for("Wrote the copy")
        with Process(["probe", str(trial)]) as probe:
            assert probe.wait() == 0, probe.output
        with Server("--config", str(trial)) as server:
            server.wait_for("plc online")
            with Process(["watch", server.ws_address, "--once", "--json"]) as watch:
                assert watch.wait() == 0, watch.output
                machines = json.loads(watch.output)["equipment"]
            assert [machine["status"] for machine in machines] == ["running"] * 3
            with Process(["watch", server.ws_address]) as watch:
                watch.wait_for("KRCWO12ELOA101 - -> running")
                for order, change in (
                    ("KRCWO12ELOA101 fault", "KRCWO12ELOA101 running -> error"),
                    ("PLC01 hang", "KRCWO12ELOA103 running -> disconnected"),
                    ("PLC01 ok", "KRCWO12ELOA103 disconnected -> running"),
                ):
                    assert order in TUTORIAL
                    plant.say(order)
                    watch.wait_for(change)
