"""Machines that were taken out of the configuration stay reportable for the time before."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import WebPlant, code, line, site
from core.calendars import ms, plant
from history.told import a_batch, a_run
from lineside.history.records import config_record
from web.memory import MINUTE_MS, get, remembering, told

BEGIN_MS = ms("2025-11-03 08:00")
OUT_MS = BEGIN_MS + 60 * MINUTE_MS
THEN = replace(site(line("weld1", range(101, 104))), calendar=plant())
NOW = replace(site(line("weld1", range(101, 103))), calendar=plant())
GONE = code(103)
HOURS = "from=2025-11-03T08:00:00%2B09:00&to=2025-11-03T12:00:00%2B09:00"
LATER = "from=2025-11-03T10:00:00%2B09:00&to=2025-11-03T12:00:00%2B09:00"


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[WebPlant]:
    (first,) = told(THEN, BEGIN_MS, {101: "r" * 240, 102: "r" * 240, 103: "r" * 40 + "s" * 20})
    change = a_batch(a_run(1, BEGIN_MS), [config_record(9_000, OUT_MS, NOW)])
    now_s = (BEGIN_MS + 240 * MINUTE_MS) / 1000
    built, kept = await remembering(tmp_path, NOW, [first, change], now_s=now_s)
    yield built
    kept.stop()
    await kept.wait_stopped(10)


async def test_its_figures_come_with_its_line_and_say_when_it_was_taken_out(
    history: WebPlant,
) -> None:
    rows = (await get(history, f"/api/kpis?{HOURS}&line=weld1"))["rows"]
    (mine,) = [row for row in rows if row["code"] == GONE]
    assert mine["taken_out"] == "2025-11-03T00:00:00.000Z"
    assert mine["planned_busy_ms"] == 60 * MINUTE_MS
    assert mine["unseen_ms"] == 0
    assert {row["taken_out"] for row in rows if row["code"] != GONE} == {None}


async def test_it_is_not_in_an_answer_about_a_time_after_it(history: WebPlant) -> None:
    rows = (await get(history, f"/api/kpis?{LATER}"))["rows"]
    assert [row["code"] for row in rows] == [code(101), code(102)]
    assert (await history.ask(f"/api/kpis?{LATER}&code={GONE}")).status_code == 404


async def test_the_report_of_its_last_day_has_it(history: WebPlant) -> None:
    report = await get(history, "/api/report?line=weld1&day=2025-11-03")
    rows = {row["code"]: row for row in report["machines"]}
    assert rows[GONE]["taken_out"] == "2025-11-03T00:00:00.000Z"
    assert rows[GONE]["coverage"] == 1.0
    after = await get(history, "/api/report?line=weld1&day=2025-11-04")
    assert GONE not in [row["code"] for row in after["machines"]]


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (f"/api/kpis/intervals?{HOURS}&code={GONE}", "intervals"),
        (f"/api/stops?{HOURS}&code={GONE}", "stops"),
        (f"/api/equipment/{GONE}/changes?{HOURS}", "changes"),
        (f"/api/timeline?{HOURS}&code={GONE}", "equipment"),
    ],
)
async def test_it_can_be_asked_for_by_name(history: WebPlant, path: str, where: str) -> None:
    assert (await get(history, path))[where]


@pytest.mark.parametrize("kind", ["changes", "intervals", "kpis", "stops"])
async def test_it_can_be_exported(history: WebPlant, kind: str) -> None:
    answer = await history.ask(f"/api/export/{kind}.csv?{HOURS}&code={GONE}")
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows
    assert {row["code"] for row in rows} == {GONE}


async def test_the_timeline_says_from_when_to_when_each_machine_was_configured(
    history: WebPlant,
) -> None:
    lanes = (await get(history, f"/api/timeline?{HOURS}"))["equipment"]
    configured = {lane["code"]: lane["configured"] for lane in lanes}
    ((begin_ms, end_ms),) = configured[GONE]
    assert end_ms == OUT_MS
    assert configured[code(101)] == configured[code(102)] == [[begin_ms, None]]
