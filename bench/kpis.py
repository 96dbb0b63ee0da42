"""How long a month's key figures of a large plant take, with the parts of its days stored.

`python -m bench.kpis` writes a month of changes (110 a day and machine) of 500 machines into SQLite
in three shifts, computes the parts as the server does in the background, and asks.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from bench.timeline import CHANGES_PER_DAY, DAY_MS, KINDS  # noqa: E402
from msgspec.structs import replace  # noqa: E402

from builders import code, line, site  # noqa: E402
from core.calendars import ms, plant, shift  # noqa: E402
from history.told import a_batch, a_run  # noqa: E402
from lineside.core.calendar import WEEK  # noqa: E402
from lineside.core.model import Site  # noqa: E402
from lineside.core.times import iso_utc  # noqa: E402
from lineside.history.database import Database  # noqa: E402
from lineside.history.part_work import PartWork  # noqa: E402
from lineside.history.records import ChangeRecord, config_record  # noqa: E402
from lineside.history.settings import DATABASE_FILE  # noqa: E402
from lineside.history.store import Store  # noqa: E402
from web.memory import remembering  # noqa: E402

MONTH_MS = ms("2025-10-01 00:00")
SHIFTS = plant(
    shift("a", "06:00-14:00", "10:00-10:10", "12:00-12:40", days=WEEK),
    shift("b", "14:00-22:00", "18:00-18:40", days=WEEK),
    shift("c", "22:00-30:00", "26:00-26:40", days=WEEK),
)


async def fill(folder: Path, plant_site: Site, machines: int, days: int) -> float:
    """Write the past and its parts; return the milliseconds that a machine's day took."""
    rng = random.Random(1)  # noqa: S311 -- a seeded past
    database = Database(f"sqlite+aiosqlite:///{folder / DATABASE_FILE}")
    store, run, seq = Store(database), a_run(1, MONTH_MS), 1
    end_ms = MONTH_MS + days * DAY_MS
    await store.write([a_batch(run, [config_record(1, MONTH_MS, plant_site)], alive_ms=end_ms)])
    for number in range(101, 101 + machines):
        records = []
        moments = sorted(rng.sample(range(MONTH_MS, end_ms), days * CHANGES_PER_DAY))
        for index, at_ms in enumerate(moments):
            status, reason = KINDS[index % 4]
            seq += 1
            records.append(
                ChangeRecord(
                    seq=seq,
                    equipment_code=code(number),
                    at_ms=at_ms,
                    previous=None,
                    status=status,
                    reason=reason,
                    since_ms=at_ms,
                )
            )
        await store.write([a_batch(run, records, alive_ms=end_ms)])
    before = time.perf_counter()
    count = await PartWork(store, lambda: end_ms, pause_s=0).compute()
    took_ms = (time.perf_counter() - before) * 1000
    await database.close()
    return took_ms / count


async def main(machines: int, days: int, rounds: int) -> None:
    """Write the past, ask for its figures, print how long it took."""
    lines = tuple(
        line(f"line{first}", range(first, min(first + 50, 101 + machines)))
        for first in range(101, 101 + machines, 50)
    )
    plant_site = replace(site(*lines), calendar=SHIFTS)
    with tempfile.TemporaryDirectory() as folder:
        day_ms = await fill(Path(folder), plant_site, machines, days)
        print(f"parts of a machine's day, in the background: {day_ms:.1f} ms")
        end_ms = MONTH_MS + days * DAY_MS
        built, history = await remembering(Path(folder), plant_site, [], now_s=end_ms / 1000)
        window = f"from={iso_utc(MONTH_MS / 1000)}&to={iso_utc(end_ms / 1000)}"
        for label, path in (
            ("month, every machine", f"/api/kpis?{window}"),
            ("month, every line", f"/api/kpis?{window}&by=line"),
            ("every day of the month, every line", f"/api/kpis?{window}&by=line&grain=day"),
            ("report of a day of one line", "/api/report?line=line101&day=2025-10-20"),
        ):
            for _ in range(rounds):
                before, cpu = time.perf_counter(), time.process_time()
                answer = await built.ask(path)
                took_s, cpu_s = time.perf_counter() - before, time.process_time() - cpu
                assert answer.status_code == 200, answer.text
                print(f"{label}: {took_s * 1000:.0f} ms ({cpu_s * 1000:.0f} ms of CPU)")
        history.stop()
        await history.wait_stopped(10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=500)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(main(options.machines, options.days, options.rounds))
