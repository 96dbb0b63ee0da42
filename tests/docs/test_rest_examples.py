"""Every question to REST that the documents show is asked, by their own shell, of a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from docs.markdown import ROOT, blocks
from lineside.config import template
from processes import Process, Server
from serving import wait_until

MACHINE = "KRCWO12ELOA101"
ADDRESS = "http://127.0.0.1:8000"
GUIDES = ("docs/howto/history.md", "docs/howto/write-a-client.md")


def examples(guide: str) -> list[str]:
    shown = blocks((ROOT / guide).read_text(encoding="utf-8"), "bash")
    return [block.text for block in shown if "curl" in block.text]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The tutorial's line on a simulated PLC; its first machine has an alarm."""
    folder = tmp_path_factory.mktemp("plant")
    (machines,) = blocks((ROOT / "docs/tutorial.md").read_text(encoding="utf-8"), "toml")
    head, _, _ = template().partition("[[equipment]]")
    config, trial = folder / "lineside.toml", folder / "trial.toml"
    config.write_text(head + machines.text, encoding="utf-8")
    words = ["simulate", str(config), "--loopback", str(trial), "--steady"]
    with Process(words, takes_input=True) as plant:
        plant.wait_for("Wrote the copy")
        with Server("--config", str(trial)) as running:
            status = f"/api/equipment/{MACHINE}"
            wait_until_answered(running, status, lambda machine: machine["status"] == "running")
            plant.say(f"{MACHINE} fault")
            wait_until_answered(running, "/api/alarms/recent", lambda recent: recent["alarms"])
            wait_until_answered(running, "/api/history/health", lambda health: health["written"])
            yield running


def wait_until_answered(server: Server, path: str, is_right: Callable[[Any], Any]) -> None:
    def is_answered() -> bool:
        answer = httpx.get(server.address + path, trust_env=False)
        return answer.is_success and bool(is_right(answer.json()))

    wait_until(is_answered, f"{path} never answers so")


def run(text: str, server: Server, folder: Path) -> list[Any]:
    """Return the answers of an example, each of which must be a success."""
    words = text.replace(ADDRESS, server.address).replace(
        "curl -s", "curl -sS --fail-with-body -w '\\n'"
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_question_of_a_guide_is_answered(guide: str, server: Server, tmp_path: Path) -> None:
    texts = examples(guide)
    assert texts
    for text in texts:
        answers = run(text, server, tmp_path)
        assert len(answers) == len(re.findall(r"^curl", text, re.MULTILINE)), text
        if "acknowledge" in text:
            (alarm,) = answers
            assert (alarm["code"], alarm["state"]) == (MACHINE, "acknowledged")
            assert alarm["acknowledged_by"] == "김철수"
