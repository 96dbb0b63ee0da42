"""A figure and the list of what it is made of are the same, whoever asks, over random plants."""

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
from lineside.core.model import KpiRules
from lineside.history.kpi_words import Behind
from lineside.history.records import config_record
from web.memory import MINUTE_MS, remembering, told

BEGIN_MS = ms("2025-11-03 08:00")
LENGTH = 8 * 60
SHIFTS = plant(shift("day", "06:00-14:00", "10:00-10:10", "12:00-12:40", days=WEEK))
LINES = (line("weld1", range(101, 103)), line("paint", range(301, 302)))
MOVED_TO = (line("weld1", range(101, 102)), line("paint", (102, 301)))
DAY = "from=2025-11-03T08:00:00%2B09:00&to=2025-11-03T16:00:00%2B09:00"


def a_life(rng: Random) -> str:
    found = ""
    while len(found) < LENGTH:
        found += rng.choice("rrieesd") * rng.choice((1, 2, 3, 7, 20))
    return found[:LENGTH]


async def a_plant(folder: Path, rng: Random) -> tuple[WebPlant, Any]:
    """Return a plant of which a machine was moved when its rules were changed, at eleven."""
    then = replace(site(*LINES), calendar=SHIFTS, kpi_rules=KpiRules(failure_after_ms=0))
    rules = KpiRules(failure_after_ms=3 * MINUTE_MS, micro_stop_ms=5 * MINUTE_MS)
    now = replace(site(*MOVED_TO), calendar=SHIFTS, kpi_rules=rules)
    lives = {number: a_life(rng) for number in (101, 102, 301)}
    (first,) = told(then, BEGIN_MS, lives)
    changed_ms, end_ms = BEGIN_MS + 180 * MINUTE_MS, BEGIN_MS + LENGTH * MINUTE_MS
    change = a_batch(
        a_run(1, BEGIN_MS), [config_record(90_000, changed_ms, now)], stopped_ms=end_ms
    )
    return await remembering(folder, now, [first, change], now_s=end_ms / 1000)


@pytest.mark.parametrize("seed", range(3))
async def test_what_stands_behind_each_figure_of_each_row_adds_up_to_it(
    tmp_path: Path, seed: int
) -> None:
    built, history = await a_plant(tmp_path, Random(seed))
    for asked in ("", f"&code={code(102)}"):  # in each of its lines, and in all of them
        answer = await built.ask(f"/api/kpis?{DAY}{asked}")
        for row in answer.json()["rows"]:
            of_line = "" if asked else f"&line={row['line_id']}"
            path = f"/api/kpis/intervals?{DAY}&code={row['code']}{of_line}"
            everything = (await built.ask(path)).json()["intervals"]
            for figure in Behind:
                found = (await built.ask(f"{path}&figure={figure.value}")).json()
                mine = [each for each in everything if figure.value in each["figures"]]
                assert found["intervals"] == mine
                check(row, figure, found["count"], found["count_ms"])
    for row in (await built.ask(f"/api/kpis?{DAY}&code={code(102)}")).json()["rows"]:
        found = (await built.ask(f"/api/kpis/failures?{DAY}&code={row['code']}")).json()
        assert len(found["failures"]) == row["failures"]
        assert found["failures"] == sorted(found["failures"])
    history.stop()
    await history.wait_stopped(60)


def check(row: dict[str, Any], figure: Behind, count: int | None, count_ms: int) -> None:
    """Hold what stands behind a figure against the row that has it."""
    seen_ms = row["planned_busy_ms"] - row["disconnected_ms"] - row["unseen_ms"]
    match figure:
        case Behind.FAILURES:
            assert count == row["failures"]
        case Behind.STOPS | Behind.MICRO_STOPS:
            name = figure.value.removesuffix("s")
            assert (count, count_ms) == (row[figure.value], row[f"{name}_ms"])
        case Behind.MTBF | Behind.MTTR:
            mean = row[f"{figure.value}_ms"]
            assert (mean is not None) is (row["failures"] >= 2 and bool(count))
            assert mean is None or mean == count_ms / (count or 1)
        case Behind.STRICT_AVAILABILITY:
            assert count_ms == row["planned_busy_ms"]
        case Behind.AVAILABILITY:
            assert count_ms == seen_ms
        case Behind.UTILISATION:
            assert count_ms == seen_ms - row["stopped_ms"]
        case Behind.TECHNICAL_EFFICIENCY:
            assert count_ms == row["running_ms"] + row["error_ms"]
        case Behind.UNSEEN:
            assert count_ms == row["disconnected_ms"] + row["unseen_ms"]
