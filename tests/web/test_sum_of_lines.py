"""A machine is the sum of its lines, and each the sum of its lists, over random plants.

Machines move between lines of other shifts, go and come back, and the rules change meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from builders import WebPlant, code, line, site
from core.calendars import ms, plant, shift
from history.told import a_batch, a_run
from lineside.core.calendar import WEEK
from lineside.core.model import KpiRules, Site
from lineside.core.times import iso_utc
from lineside.history.records import Record, config_record
from lineside.history.service import History
from web.memory import MINUTE_MS, get, remembering, told

BEGIN_MS = ms("2025-11-03 08:00")
LENGTH = 30 * 60  # minutes
NAMES = ("weld1", "paint", "pack")
NUMBERS = (101, 102, 103)
SHIFTS = plant(
    shift("day", "06:00-14:00", "10:00-10:10", days=WEEK, lines=NAMES[:1]),
    shift("late", "09:30-23:10", "12:00-12:40", days=WEEK, lines=NAMES[1:2]),
    shift("night", "21:00-29:30", days=WEEK, lines=NAMES[1:2]),
)
SUMS = [
    "failures",
    "stops",
    "stop_ms",
    "micro_stops",
    "micro_stop_ms",
    "planned_busy_ms",
    "running_ms",
    "idle_ms",
    "stopped_ms",
    "error_ms",
    "disconnected_ms",
    "unseen_ms",
]


def a_site(rng: Random) -> Site:
    """Return a plant of three lines in which some machines are somewhere."""
    places = {number: rng.choice((*NAMES, *NAMES, None)) for number in NUMBERS}
    lines = (line(name, [number for number in NUMBERS if places[number] == name]) for name in NAMES)
    rules = KpiRules(
        micro_stop_ms=rng.choice((0, 2, 15, 60)) * MINUTE_MS,
        failure_after_ms=rng.choice((0, 1, 10, 30)) * MINUTE_MS,
    )
    return replace(site(*lines), calendar=SHIFTS, kpi_rules=rules)


def a_life(rng: Random) -> str:
    found = ""
    while len(found) < LENGTH:
        found += rng.choice("rrieesd") * rng.choice((1, 2, 3, 7, 20, 90))
    return found[:LENGTH]


async def a_plant(folder: Path, rng: Random) -> tuple[WebPlant, History, list[int]]:
    """Return a plant with a past, and the moments at which it was configured."""
    sites = [a_site(rng) for _ in range(7)]
    moments = sorted(rng.sample(range(1, LENGTH), len(sites) - 1))
    moments_ms = [BEGIN_MS + minute * MINUTE_MS for minute in moments]
    (first,) = told(sites[0], BEGIN_MS, {number: a_life(rng) for number in NUMBERS})
    changes: list[Record] = [
        config_record(90_000 + at_ms % 1000 + index, at_ms, each)
        for index, (at_ms, each) in enumerate(zip(moments_ms, sites[1:], strict=True))
    ]
    end_ms = BEGIN_MS + LENGTH * MINUTE_MS
    change = a_batch(a_run(1, BEGIN_MS), changes, stopped_ms=end_ms)
    web, history = await remembering(folder, sites[-1], [first, change], now_s=end_ms / 1000)
    return web, history, [BEGIN_MS, *moments_ms]


@pytest.mark.parametrize("seed", range(3))
async def test_a_machine_is_the_sum_of_its_lines_and_each_that_of_its_lists(
    tmp_path: Path, seed: int
) -> None:
    rng = Random(seed)
    web, history, moments_ms = await a_plant(tmp_path, rng)
    for _ in range(2):
        begin_ms = rng.choice((rng.choice(moments_ms), BEGIN_MS + rng.randrange(LENGTH) * 60_000))
        end_ms = begin_ms + rng.randrange(1, LENGTH * MINUTE_MS)
        span = f"from={iso_utc(begin_ms / 1000)}&to={iso_utc(end_ms / 1000)}"
        by_line = (await get(web, f"/api/kpis?{span}"))["rows"]
        for number in NUMBERS:
            mine = [row for row in by_line if row["code"] == code(number)]
            if not mine:
                continue
            (whole,) = (await get(web, f"/api/kpis?{span}&code={code(number)}"))["rows"]
            assert {name: sum(row[name] for row in mine) for name in SUMS} == {
                name: whole[name] for name in SUMS
            }
            await check_lists(web, span, whole, "")
            for row in mine:
                await check_lists(web, span, row, f"&line={row['line_id']}")
    history.stop()
    await history.wait_stopped(60)


async def check_lists(web: WebPlant, span: str, row: dict[str, Any], of_line: str) -> None:
    """Hold a row against the stops, the failures and what stands behind it."""
    asked = f"{span}&code={row['code']}{of_line}"
    stops = (await get(web, f"/api/stops?{asked}"))["stops"]
    assert sum(each["stops"] for each in stops) == row["stops"]
    for figure in ("stops", "micro_stops"):
        behind = await get(web, f"/api/kpis/intervals?{asked}&figure={figure}")
        lasts_ms = row[f"{figure.removesuffix('s')}_ms"]
        assert (behind["count"], behind["count_ms"]) == (row[figure], lasts_ms)
    for figure in ("mtbf", "mttr"):
        behind = await get(web, f"/api/kpis/intervals?{asked}&figure={figure}")
        mean_ms = behind["count_ms"] / behind["count"] if behind["count"] else None
        assert row[f"{figure}_ms"] == (mean_ms if row["failures"] >= 2 else None)
    if not of_line:
        failures = (await get(web, f"/api/kpis/failures?{asked}"))["failures"]
        assert len(failures) == row["failures"]
