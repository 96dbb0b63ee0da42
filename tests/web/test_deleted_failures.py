"""Where changes were deleted, failures are what they were or not known, never fewer."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import WebPlant, code, line, site
from core.calendars import ms, plant, shift
from lineside.core.calendar import WEEK
from lineside.core.times import iso_utc
from lineside.history.part_work import PartWork
from lineside.history.retention import forget
from lineside.history.service import History
from lineside.history.settings import Retention
from lineside.history.store import Store
from web.memory import MINUTE_MS, get, remembering, told

BEGIN_MS = ms("2025-11-03 00:00")
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DAYS = 5
END_MS = BEGIN_MS + DAYS * DAY_MS
KEPT_MS = END_MS - DAY_MS  # from here on changes are kept
PLANT = replace(
    site(line("weld1", range(101, 103))),
    calendar=plant(shift("day", "16:00-17:00", days=WEEK)),  # nearly nothing is planned
)
UNKNOWN = {"failures": None, "mtbf_ms": None, "mttr_ms": None}
WINDOWS = {
    "the first day": (BEGIN_MS, BEGIN_MS + DAY_MS),
    "up to a shift": (BEGIN_MS, BEGIN_MS + 16 * HOUR_MS),
    "from before it was configured": (BEGIN_MS - 30 * HOUR_MS, BEGIN_MS + DAY_MS),
    "all": (BEGIN_MS, END_MS),
    "kept": (KEPT_MS + HOUR_MS, END_MS),
    "from within a piece": (BEGIN_MS + 6 * HOUR_MS, BEGIN_MS + DAY_MS),
    "up to within a piece": (BEGIN_MS, BEGIN_MS + 6 * HOUR_MS),
    "from within a piece to now": (BEGIN_MS + 6 * HOUR_MS, END_MS),
}


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[tuple[WebPlant, History]]:
    """Machine 101 breaks down every hour, mostly while nothing is planned; 102 runs."""
    hours = DAYS * 24
    past = told(PLANT, BEGIN_MS, {101: "re" * hours, 102: "r" * 2 * hours}, unit_ms=HOUR_MS // 2)
    web, kept = await remembering(tmp_path, PLANT, past, now_s=END_MS / 1000)
    yield web, kept
    kept.stop()
    await kept.wait_stopped(60)


async def delete_changes(history: History) -> None:
    async def compute(store: Store) -> None:
        await PartWork(store, lambda: END_MS, pause_s=0).compute()
        assert await forget(store.database, Retention(changes_s=DAY_MS / 1000), END_MS / 1000)

    await history.ask(compute)


async def figures(web: WebPlant, asked: str) -> dict[str, Any]:
    (row,) = (await get(web, f"/api/kpis?{asked}"))["rows"]
    names = ("failures", "mtbf_ms", "mttr_ms", "coverage", "running_ms", "failures_kept_from")
    return {name: row[name] for name in names}


def between(begin_ms: int, end_ms: int) -> str:
    return f"from={iso_utc(begin_ms / 1000)}&to={iso_utc(end_ms / 1000)}"


async def test_failures_are_those_of_before_or_not_known_once_changes_were_deleted(
    history: tuple[WebPlant, History],
) -> None:
    web, kept = history
    asked = {name: f"{between(*span)}&code={code(101)}" for name, span in WINDOWS.items()}
    before = {name: await figures(web, some) for name, some in asked.items()}
    assert before["the first day"]["failures"] == 24
    await delete_changes(kept)
    whole_from = (await get(web, f"/api/stops?{asked['all']}"))["kept_from"]
    assert whole_from is not None
    for name, some in asked.items():
        if "within a piece" in name:
            unknown = before[name] | UNKNOWN | {"failures_kept_from": whole_from}
            assert await figures(web, some) == unknown, name
        else:
            assert await figures(web, some) == before[name], name


async def test_a_line_does_not_know_its_failures_where_those_of_a_machine_are_not_known(
    history: tuple[WebPlant, History],
) -> None:
    web, kept = history
    await delete_changes(kept)
    asked = f"{between(*WINDOWS['from within a piece'])}&line=weld1"
    assert (await figures(web, f"{asked}&by=line")).items() >= UNKNOWN.items()
    by_day = f"{between(BEGIN_MS + 6 * HOUR_MS, END_MS)}&line=weld1&grain=day&by=line"
    rows = (await get(web, f"/api/kpis?{by_day}"))["rows"]
    assert [row["failures"] for row in rows] == [None, 24, 24, 24, 24]
    answer = await web.ask(f"/api/export/kpis.csv?{by_day}")
    exported = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["failures"] for row in exported] == ["", "24", "24", "24", "24"]
    told_from = rows[0]["failures_kept_from"]
    assert [row["failures_kept_from_utc"] for row in exported] == [told_from, "", "", "", ""]
    report = await get(web, "/api/report?line=weld1&day=2025-11-03")
    assert report["kpis"]["failures"] == 24
    assert [row["failures"] for row in report["machines"]] == [24, 0]
