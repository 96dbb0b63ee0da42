"""A year of 500 machines on ten lines, about 20 million changes, drawn from a seed.

It is written straight into a SQLite file, a week after the other as a year would write it. Every
sixth fault is an alarm that somebody acknowledged, which makes three a day of each machine. Three
shifts a day and their breaks are the plant's working time.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

from lineside.core.calendar import WEEK, Hours, PlantCalendar, Shift
from lineside.core.model import Equipment, Line, Plc, Site, Status, TagRole
from lineside.history.database import Database
from lineside.history.records import (
    Batch,
    Run,
    RunCause,
    ServerEventKind,
    ServerRecord,
    config_record,
)
from lineside.history.settings import HistorySettings
from lineside.history.store import Store

LINES, MACHINES_PER_LINE, PLCS = 10, 50, 25
CHANGES_PER_DAY = 110  # of each machine
DAY_MS = 86_400_000
FIRST_MS = 1_735_657_200_000  # 2025-01-01T00:00 in Seoul
CYCLE = (
    (Status.RUNNING, "running", "1"),
    (Status.IDLE, "idle_wait", "0"),
    (Status.RUNNING, "running", "1"),
    (Status.ERROR, "error_tag", "1"),
    (Status.IDLE, "idle_wait", "0"),
    (Status.STOPPED, "stop_elapsed", "0"),
)
_ALARMS = """
    INSERT INTO alarm
    SELECT at_ms * 1000 + equipment_id, 3, 'equipment', code, substr(code, 4, 2), code, NULL, tag,
      NULL, 'high', '서보 과부하', 'Servo overload', '', '', 'normal', at_ms, at_ms, 1,
      at_ms + 90000, at_ms + 60000, 'Kim', NULL, at_ms + 90000, '[]'
    FROM state_change JOIN equipment ON equipment.id = equipment_id
    WHERE status = 'error' AND seq % 6 = 0"""
_ALARM_EVENTS = """
    INSERT INTO alarm_event
    SELECT alarm.id, number, raised_ms + after_ms, 1, raised_ms % 1000000000, happened, state_after,
      person, NULL, NULL
    FROM alarm, (
      SELECT 1 AS number, 0 AS after_ms, 'raised' AS happened, 'unacknowledged' AS state_after,
        NULL AS person
      UNION SELECT 2, 60000, 'acknowledged', 'acknowledged', 'Kim'
      UNION SELECT 3, 90000, 'cleared', 'normal', NULL)"""
_SHIFTS = (
    ("a", 6, 14, ((600, 610), (720, 760))),
    ("b", 14, 22, ((1080, 1120),)),
    ("c", 22, 30, ((1560, 1600),)),
)


def codes_of(number: int) -> list[str]:
    """Return the codes of one line's machines."""
    return [f"KRH{number:02d}BENCHM{machine:03d}" for machine in range(MACHINES_PER_LINE)]


def plant() -> Site:
    """Return a plant of 500 machines that works around the clock."""
    lines = tuple(
        Line(
            id=f"{number:02d}",
            name=f"Line {number}",
            equipment=tuple(
                Equipment(
                    code=code,
                    name=code,
                    line_id=f"{number:02d}",
                    plc_id=f"P{machine % PLCS:02d}",
                    addresses={TagRole.STATUS: "M1", TagRole.ERROR: "M2"},
                )
                for machine, code in enumerate(codes_of(number))
            ),
        )
        for number in range(LINES)
    )
    plcs = tuple(Plc(id=f"P{n:02d}", driver="melsec", endpoint="bench") for n in range(PLCS))
    shifts = tuple(
        Shift(
            id=shift,
            name=shift.upper(),
            days=WEEK,
            hours=Hours(begin_minute=begin * 60, end_minute=end * 60, breaks=breaks),
            line_ids=None,
        )
        for shift, begin, end, breaks in _SHIFTS
    )
    calendar = PlantCalendar(time_zone="Asia/Seoul", shifts=shifts)
    return Site(lines=lines, plcs=plcs, calendar=calendar)


async def fill(settings: HistorySettings, days: int) -> dict[str, float]:
    """Write the year; return what that came to."""
    database = Database(settings.database_url)
    run = Run(key=1, started_ms=FIRST_MS, cause=RunCause.START, version="bench")
    start = ServerRecord(seq=1, at_ms=FIRST_MS, kind=ServerEventKind.START)
    end_ms = FIRST_MS + days * DAY_MS
    records = (start, config_record(2, FIRST_MS, plant()))
    await Store(database).write(
        [Batch(run=run, alive_ms=end_ms, stopped_ms=end_ms, records=records)]
    )
    await database.close()
    begun_s = time.monotonic()
    assert settings.file is not None
    with sqlite3.connect(settings.file) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        codes = [code for number in range(LINES) for code in codes_of(number)]
        known = dict(connection.execute("SELECT code, id FROM equipment"))
        chance = random.Random(1)  # noqa: S311
        reached = dict.fromkeys((known[code] for code in codes), FIRST_MS)
        seqs = iter(range(3, 10**9))
        for week in range(0, days, 7):
            until_ms = FIRST_MS + min(days, week + 7) * DAY_MS
            connection.executemany(
                "INSERT INTO state_change VALUES (?,?,1,?,?,?,?,?,?,?,NULL,NULL,?)",
                draw(chance, reached, until_ms, seqs),
            )
            connection.commit()
        add_alarms(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return {"fill_s": time.monotonic() - begun_s, **await measure(settings)}


def add_alarms(connection: sqlite3.Connection) -> None:
    """Write the alarms of the changes that are there."""
    connection.execute(_ALARMS)
    connection.execute(_ALARM_EVENTS)
    connection.commit()


async def measure(settings: HistorySettings) -> dict[str, float]:
    """Return how large the year is."""
    assert settings.file is not None
    with sqlite3.connect(settings.file) as connection:
        count = connection.execute("SELECT count(*) FROM state_change").fetchone()[0]
        alarms = connection.execute("SELECT count(*) FROM alarm").fetchone()[0]
    connection.close()
    return {"changes": count, "alarms": alarms, "size_bytes": settings.file.stat().st_size}


def draw(
    chance: random.Random, reached: dict[int, int], until_ms: int, seqs: Iterator[int]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of every machine up to `until_ms`."""
    mean_ms = DAY_MS / CHANGES_PER_DAY
    for machine, begin_ms in reached.items():
        at_ms, step = begin_ms, machine
        while (at_ms := at_ms + 1 + int(chance.expovariate(1 / mean_ms))) < until_ms:
            step += 1
            previous = CYCLE[(step - 1) % len(CYCLE)][0].value
            status, reason, value = CYCLE[step % len(CYCLE)]
            tags = (
                f'[["status_tag","M{machine}",{value},12],["error_tag","M{machine + 4000}",0,12]]'
            )
            yield (
                machine, at_ms, next(seqs), previous, status.value, reason, f"M{machine}", value,
                at_ms, tags,
            )  # fmt: skip
        reached[machine] = until_ms
