"""Recorders that are killed at any moment: `python -m history.victims FOLDER SEED ROUNDS`.

Each round is a process of its own with a history in FOLDER, told some hundred changes a second, and
ended by SIGKILL somewhere after a random number of its turns, which most count from when something
was acknowledged: however busy the machine is, most have lived by then. In every third round another
program holds a lock on the database, so that changes go to the spool. Prints one line of JSON per
round: the run and the number of the last record that was acknowledged. What was told stands in
FOLDER/told: it was written there before the recorder heard it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from builders import FIVE_STATUSES, line, site, site_change, snapshot, state_change
from lineside.clock import system_clock
from lineside.history import database, store, writer
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from lineside.log import configure_logging

SITE = site(line("weld1", range(101, 106)))
TURN_S = 0.005
TURNS_MAX = 70
LIVED_SHARE = 0.75  # of the rounds count from the first record that was acknowledged


def main() -> None:
    folder, seed, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    configure_logging("json")  # standard output is for the test
    assert store.Store is not None
    database.LOCK_WAIT_S = 0.02
    writer.RETRY_FIRST_S = 0.02
    chance = random.Random(seed)
    for number in range(rounds):
        print(json.dumps(play(folder, chance, is_locked=number % 3 == 2)), flush=True)


def play(folder: Path, chance: random.Random, *, is_locked: bool) -> tuple[int, int] | None:
    """Let one victim live for a while; return what it was last told is safe."""
    seed, turns = chance.randrange(10**9), chance.randrange(1, TURNS_MAX)
    is_counting = chance.random() > LIVED_SHARE
    lock = sqlite3.connect(folder / "lineside-history.db", isolation_level=None)
    if is_locked:
        lock.execute("BEGIN EXCLUSIVE")
    reader, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            asyncio.run(record(folder, random.Random(seed), told))
        finally:
            os._exit(1)
    os.close(told)
    with os.fdopen(reader, encoding="ascii") as stream:
        lines = []
        while turns and (line := stream.readline()):
            lines.append(line)
            is_counting = is_counting or line != "\n"
            turns -= is_counting
        time.sleep(chance.uniform(0, TURN_S))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        lines += stream.readlines()
    lock.close()
    acknowledged = [line for line in lines if line != "\n"]
    if not acknowledged:
        return None
    run, _, seq = acknowledged[-1].partition(" ")
    return int(run), int(seq)


async def record(folder: Path, chance: random.Random, acknowledged: int) -> None:
    """Tell a history of changes for ever, and the parent at each turn what has become safe."""
    history = History(
        HistorySettings(folder=folder), system_clock, "1", alive_s=0.03, batch_wait_s=0.005
    )
    log = os.open(folder / "told", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    history.recorder.on_message(site_change(SITE, at_s=system_clock().unix_s))
    run = history.recorder.alive
    assert run is not None
    history.start()
    last = None
    sequence = 0
    while True:
        for _ in range(chance.randrange(4)):
            number, status = 101 + chance.randrange(5), chance.choice(FIVE_STATUSES)
            change = state_change(number, status, at_s=system_clock().unix_s)
            row = [run[0], change.equipment_code, round(change.at_s * 1000), status.value]
            os.write(log, json.dumps(row).encode() + b"\n")
            history.recorder.on_message(change)
        sequence += 1
        tick = replace(snapshot(SITE, sequence=sequence), at=system_clock())
        history.recorder.on_message(tick)
        line = "\n"
        if history.acknowledged != last and history.acknowledged is not None:
            last = history.acknowledged
            line = f"{last[0]} {last[1]}\n"
        os.write(acknowledged, line.encode("ascii"))
        await asyncio.sleep(TURN_S)


if __name__ == "__main__":
    main()
