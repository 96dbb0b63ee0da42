"""Faults of the machine around the server: its clock, its disk, its processor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

import bounds
from disks import can_mount, fill, small_disk
from hostile.listeners import Heard, Listeners
from hostile.siege import SCREENS, Siege, besieged, build_documents, eventually
from processes import Process, Server, free_port

pytestmark = pytest.mark.measures

SHIM_SOURCE = Path(__file__).with_name("shifted_clock.c")
HOUR_S = 3600.4  # not whole, so that the seconds of the shifted clock fall elsewhere
TICK_S = 1.0
TICK_NOISE_S = 0.15
FROZEN_S = 5.0
DISK_BYTES = 8 * 2**20  # room for the history, while there is any
LISTEN_S = 2.0
SHOWN_S = 600.0  # tells one clock from the other, however long a tick was under way

CONFIG = """\
[[line]]
id = "weld1"
name = "용접 1라인"

[[plc]]
id = "PLC01"
host = "127.0.0.1"
port = {port}
family = "Q"

[[equipment]]
code = "KRCWO12ELOA101"
name = "로봇 1"
plc = "PLC01"
status_tag = "M101"
error_tag = "M201"
"""


class ShiftedClock:
    """A wall clock for one process."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "shift"
        self._library = folder / "shifted_clock.so"
        self.set(0.0)
        words = ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(self._library)]
        subprocess.run([*words, str(SHIM_SOURCE)], check=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "SHIFTED_CLOCK": str(self._file)}

    def set(self, shift_s: float) -> None:
        """Step the clock to so many seconds off the truth."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(int(shift_s * 1e9).to_bytes(8, sys.byteorder, signed=True))


def equipment(server: Server) -> list[dict[str, Any]]:
    answer = httpx.get(f"{server.address}/api/equipment", timeout=60).raise_for_status()
    machines: list[dict[str, Any]] = answer.json()["equipment"]
    return machines


def assert_no_burst(each: Heard, since_s: float, until_s: float) -> None:
    """Assert that no more ticks were heard than seconds passed: a busy machine makes them fewer.

    One more may have been on its way at the beginning, and one may have been due.
    """
    ticks = [tick for tick in each.ticks if tick.heard_s >= since_s]
    assert len(ticks) <= until_s - since_s + 2, f"{len(ticks)} ticks in {until_s - since_s:.1f} s"


def periods_s(heard: Sequence[Heard], since_s: float) -> list[float]:
    """Return how long each screen waited for each tick after `since_s` (monotonic)."""
    waits = []
    for each in heard:
        times_s = [tick.heard_s for tick in each.ticks if tick.heard_s >= since_s]
        waits += [after - before for before, after in pairwise(times_s)]
    return waits


def test_a_clock_stepped_by_an_hour_moves_no_tick(tmp_path: Path) -> None:
    clock = ShiftedClock(tmp_path)
    with besieged(environment=clock.environment) as siege:
        server, screens = siege.server, siege.screens
        since_s = time.monotonic()
        seen = {machine["equipment_code"] for machine in equipment(server)}
        for shift_s in (HOUR_S, -HOUR_S, 0.0):
            clock.set(shift_s)
            screens.listen(LISTEN_S)
            heard = screens.report()
            last = heard[0].ticks[-1]
            assert last.stamped_unix_s == pytest.approx(last.heard_unix_s + shift_s, abs=SHOWN_S)
            gray = [each for each in equipment(server) if not each["tags"]["connection"]]
            assert gray == [], f"{shift_s:+.0f} s made machines stale"
        assert {machine["equipment_code"] for machine in equipment(server)} == seen
    until_s = time.monotonic()
    for each in heard:
        assert not each.closed
        assert_no_burst(each, since_s, until_s)
    waits = periods_s(heard, since_s)
    bounds.hold(TICK_S - min(waits), TICK_NOISE_S, "a tick early by (s)")
    bounds.hold(max(waits) - TICK_S, TICK_NOISE_S, "a tick late by (s)")


@pytest.mark.skipif(not can_mount(), reason="no disk can be mounted here: that needs root")
def test_a_full_disk_stops_no_tick_and_not_the_end(tmp_path: Path) -> None:
    port = free_port()
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(small_disk(tmp_path / "disk", DISK_BYTES))
        config, log_path = disk / "lineside.toml", disk / "log"
        config.write_text(CONFIG.format(port=port), encoding="utf-8")
        plant = stack.enter_context(Process(["simulate", str(config)], cwd=tmp_path))
        plant.wait_for("PLC01")
        log = stack.enter_context(log_path.open("ab", buffering=0))
        server = Server(
            *("--config", str(config)), cwd=disk, stderr=log, environment={"TMPDIR": str(disk)}
        )
        stack.enter_context(server)
        build_documents(server)
        siege = Siege(server, stack.enter_context(Listeners(server.port, SCREENS)))
        with siege.attack("disk full"):
            filler = stack.enter_context((disk / "filler").open("ab", buffering=0))
            fill(filler)
            fill(log)  # the last page of the log, too
            size_bytes = log_path.stat().st_size
            plant.kill()
            assert eventually(lambda: not equipment(server)[0]["tags"]["connection"])
            siege.pass_time(TICK_S)
            assert b"plc lost" not in log_path.read_bytes()
            assert log_path.stat().st_size == size_bytes, "the log could still be written"
        filler.truncate(0)
        config.write_text(CONFIG.format(port=port).replace("로봇 1", "로봇 2"), encoding="utf-8")
        assert eventually(lambda: b"config replaced" in log_path.read_bytes())
        assert eventually(lambda: equipment(server)[0]["equipment_name"] == "로봇 2")
        fill(filler)
        fill(log)
        assert server.terminate() == 0


def test_a_process_frozen_and_thawed_sends_no_burst() -> None:
    with besieged() as siege:
        os.kill(siege.server.pid, signal.SIGSTOP)
        threading.Event().wait(FROZEN_S)
        thawed_s = time.monotonic()
        os.kill(siege.server.pid, signal.SIGCONT)
        siege.pass_time(LISTEN_S)
        heard = siege.screens.report()
        until_s = time.monotonic()
    for each in heard:
        assert not each.closed
        assert_no_burst(each, thawed_s, until_s)
        after = [tick for tick in each.ticks if tick.heard_s >= thawed_s]
        # The tick that was due, then those of the seconds that follow.
        waits = [later.heard_s - earlier.heard_s for earlier, later in pairwise(after)]
        first_s = max(after[0].heard_s - thawed_s, waits[0])
        bounds.hold(first_s, TICK_S + TICK_NOISE_S, "until the next tick (s)")
        bounds.hold(TICK_S - min(waits[1:]), TICK_NOISE_S, "a tick early by (s)")
        stamps = [tick.stamped_unix_s for tick in each.ticks]
        assert all(earlier < later for earlier, later in pairwise(stamps))
