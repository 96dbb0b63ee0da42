"""kill -9 at any moment: nothing that was acknowledged is lost, and what nobody saw is unseen."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import select

from builders import code
from history.asked import lanes_of
from lineside.clock import system_clock
from lineside.core.model import Status
from lineside.history import schema
from lineside.history.database import Database
from lineside.history.lanes import LaneChange, lane_intervals
from lineside.history.records import RunSpan, StoredChange
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from lineside.history.store import CHANGES_MAX, Store
from serving import eventually

FOLDERS = 2  # at the same time, each with its share of the rounds
ROUNDS = 100 // FOLDERS
CODES = [code(number) for number in range(101, 106)]
FUTURE_MS = 10**14

Told: TypeAlias = dict[tuple[int, str], list[tuple[int, Status]]]


async def play(folder: Path, seed: int, rounds: int) -> list[tuple[int, int]]:
    """Kill `rounds` recorders; return the last acknowledged record of each."""
    tests = Path(__file__).parents[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "history.victims", str(folder), str(seed), str(rounds),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tests)},
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    rows = [json.loads(row) for row in output.decode().splitlines()]
    assert len(rows) == rounds
    return [(row[0], row[1]) for row in rows if row is not None]


async def drain(folder: Path) -> None:
    """Let one more server bring what waits in the spool into the database."""
    history = History(HistorySettings(folder=folder), system_clock, "1")
    history.start()
    await eventually(
        lambda: history.acknowledged is None and not history.health().is_behind
        and not history.health().spooled and history._store is not None,
        "the spool is not emptied",
    )  # fmt: skip
    await history.ask(lambda store: store.runs(0, 1))  # not to end while the database is opened
    history.stop()
    assert await history.wait_stopped(60)


async def stored_seqs(database: Database) -> dict[int, set[int]]:
    """Return by the key of its run the numbers of all records that are in the database."""
    seqs: defaultdict[int, set[int]] = defaultdict(set)
    async with database.reading() as connection:
        for table in (
            schema.state_change,
            schema.plc_event,
            schema.server_event,
            schema.config_version,
        ):
            query = select(schema.run.c.key, table.c.seq).join(
                table, table.c.run_id == schema.run.c.id
            )
            for key, seq in (await connection.execute(query)).all():
                seqs[key].add(seq)
    return seqs


async def keys_of_runs(database: Database) -> dict[int, int]:
    async with database.reading() as connection:
        rows: Any = await connection.execute(select(schema.run.c.id, schema.run.c.key))
        return {row.id: row.key for row in rows.all()}


def read_told(folder: Path) -> Told:
    told: Told = defaultdict(list)
    for row in (folder / "told").read_text(encoding="ascii").splitlines():
        run, machine, at_ms, status = json.loads(row)
        told[run, machine].append((at_ms, Status(status)))
    return told


@pytest.mark.timeout(900)
async def test_a_hundred_kills_lose_nothing_acknowledged_and_leave_no_false_status(
    tmp_path: Path,
) -> None:
    folders = [tmp_path / str(number) for number in range(FOLDERS)]
    for folder in folders:
        folder.mkdir()
    played = await asyncio.gather(
        *(play(folder, seed, ROUNDS) for seed, folder in enumerate(folders, 1))
    )
    for folder, acknowledged in zip(folders, played, strict=True):
        await check(folder, acknowledged)


async def check(folder: Path, acknowledged: list[tuple[int, int]]) -> None:
    assert len(acknowledged) > ROUNDS / 2, "most were killed before they kept anything"
    await drain(folder)
    database = Database(HistorySettings(folder=folder).database_url)
    store = Store(database)
    seqs, keys = await stored_seqs(database), await keys_of_runs(database)
    runs = await store.runs(0, FUTURE_MS)
    changes = {machine: await store.changes([machine], 0, FUTURE_MS) for machine in CODES}
    assert all(len(each) < CHANGES_MAX for each in changes.values()), "some are on a second page"
    lanes = await lanes_of(store, CODES, 0, FUTURE_MS)
    await database.close()
    # A configuration that is stored already is not stored again.
    for key, seq in acknowledged:
        missing = set(range(1, seq + 1)) - seqs[key] - {2}
        assert not missing, f"run {key} was told that {seq} are safe, {missing} are gone"
    assert_nothing_false(read_told(folder), runs, keys, changes)
    for machine in CODES:
        by_run: defaultdict[int, list[LaneChange]] = defaultdict(list)
        for each in changes[machine]:
            change = (each.at_ms, each.status, each.reason, each.since_ms, each.until_ms)
            by_run[each.run_id].append(change)
        assert lanes[machine] == lane_intervals(by_run, runs, 0, FUTURE_MS)
        for gap_begin_ms, gap_end_ms in gaps(runs):
            unseen = [
                each for each in lanes[machine]
                if each.begin_ms <= gap_begin_ms and each.end_ms >= gap_end_ms
            ]  # fmt: skip
            assert [each.status for each in unseen] == [None]


def assert_nothing_false(
    told: Told,
    runs: list[RunSpan],
    keys: dict[int, int],
    changes: dict[str, list[StoredChange]],
) -> None:
    """Within each run, up to its end, exactly what was told is there, in order."""
    assert len(runs) > ROUNDS / 2
    for run in runs:
        for machine in CODES:
            expected = [row for row in told[keys[run.id], machine] if row[0] < run.end_ms]
            found = [
                (each.at_ms, each.status)
                for each in changes[machine]
                if each.run_id == run.id and each.at_ms < run.end_ms
            ]
            assert found == expected, f"run {run.id}, {machine}"


def gaps(runs: list[RunSpan]) -> list[tuple[int, int]]:
    return [
        (before.end_ms, after.started_ms)
        for before, after in itertools.pairwise(runs)
        if before.end_ms < after.started_ms
    ]
