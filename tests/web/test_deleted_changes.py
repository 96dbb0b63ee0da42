"""Days whose changes `keep_changes` has deleted: figures stay, and no list is told as empty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import WebPlant, code, site
from core.calendars import ms, shift
from core.calendars import plant as calendar
from history.told import with_previous
from lineside.core.times import iso_utc
from lineside.history.part_work import PartWork
from lineside.history.retention import forget
from lineside.history.settings import Retention
from lineside.history.store import Store
from web.memory import MINUTE_MS, get, remembering, told

BEGIN_MS = ms("2025-11-03 00:00")
DAYS = 4
HOURS = 24 * DAYS
SITE = replace(site(), calendar=calendar(shift("day", "08:00-16:00")))
#: Each hour a machine runs for 50 minutes and has a fault for 10.
PAST = ("r" * 50 + "e" * 10) * HOURS
GONE = "from=2025-11-03T08:00:00%2B09:00&to=2025-11-03T16:00:00%2B09:00"
LATEST = "from=2025-11-06T08:00:00%2B09:00&to=2025-11-06T16:00:00%2B09:00"
#: The newest change before the last day and a half is left, and tells of a status before it.
KEPT_FROM_MS = ms("2025-11-05 12:00") - 10 * MINUTE_MS
KEPT_FROM = iso_utc(KEPT_FROM_MS / 1000)


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[WebPlant]:
    batches = told(SITE, BEGIN_MS, {101: PAST, 102: PAST})
    batches = [with_previous(each) for each in batches]
    end_ms = BEGIN_MS + HOURS * 60 * MINUTE_MS
    built, history = await remembering(tmp_path, SITE, batches, now_s=end_ms / 1000)

    async def grow_old(store: Store) -> None:
        work = PartWork(store, lambda: end_ms, pause_s=0)
        assert await work.compute() > 0
        assert await forget(store.database, Retention(changes_s=36 * 3_600.0), end_ms / 1000)

    await history.ask(grow_old)
    yield built
    history.stop()
    await history.wait_stopped(60)


async def test_figures_stay_and_each_list_says_from_when_on_changes_are_kept(
    plant: WebPlant,
) -> None:
    (row,) = (await get(plant, f"/api/kpis?code={code(101)}&{GONE}"))["rows"]
    assert (row["coverage"], row["stops"]) == (1.0, 8)
    stops = await get(plant, f"/api/stops?line=weld1&{GONE}")
    assert (stops["stops"], stops["total"], stops["kept_from"]) == ([], 0, KEPT_FROM)
    report = await get(plant, "/api/report?line=weld1&day=2025-11-03")
    assert report["kpis"]["stops"] == 16
    assert (report["pareto_by_reason"], report["kept_from"]) == ([], KEPT_FROM)
    behind = await get(plant, f"/api/kpis/intervals?code={code(101)}&{GONE}&figure=stops")
    assert (behind["intervals"], behind["kept_from"]) == ([], KEPT_FROM)
    changes = await get(plant, f"/api/equipment/{code(101)}/changes?{GONE}")
    assert (changes["changes"], changes["kept_from"]) == ([], KEPT_FROM)
    timeline = await get(plant, f"/api/timeline?line=weld1&{GONE}")
    assert timeline["history"]["kept_from_ms"] == KEPT_FROM_MS


async def test_where_all_changes_are_kept_an_empty_list_is_empty(plant: WebPlant) -> None:
    assert (await get(plant, f"/api/stops?line=weld1&{LATEST}"))["kept_from"] is None
    report = await get(plant, "/api/report?line=weld1&day=2025-11-06")
    assert (report["kept_from"], report["kpis"]["stops"]) == (None, 16)
    assert sum(each["count"] for each in report["pareto_by_machine"]) == 16
    changes = await get(plant, f"/api/equipment/{code(101)}/changes?{LATEST}")
    assert changes["kept_from"] is None
    timeline = await get(plant, f"/api/timeline?line=weld1&{LATEST}")
    assert timeline["history"]["kept_from_ms"] is None


async def test_planned_downtime_and_previews_take_such_a_day_for_what_it_is(
    plant: WebPlant,
) -> None:
    body = {"line": "weld1", "begin": "2025-11-03T08:00:00+09:00"}
    body |= {"end": "2025-11-03T16:00:00+09:00"}
    tried = await plant.ask("/api/kpis/preview", method="POST", body={**body, "stop_after": 10})
    assert tried.status_code == 200, tried.text
    assert [row["coverage"] for row in tried.json()["current"][:2]] == [1.0, 1.0]
    assert [row["coverage"] for row in tried.json()["preview"][:2]] == [0.0, 0.0]
    entered = await plant.ask(
        "/api/planned-downtimes", method="POST", body={**body, "comment": "", "by": "김"}
    )
    assert entered.status_code == 201, entered.text
    (row,) = (await get(plant, f"/api/kpis?code={code(101)}&{GONE}"))["rows"]
    assert (row["coverage"], row["planned_busy_ms"]) == (None, 0)


async def test_each_lane_of_the_timeline_says_from_when_on_its_changes_are_kept(
    plant: WebPlant,
) -> None:
    body = await get(plant, f"/api/timeline?line=weld1&{GONE}")
    lanes = {lane["code"]: lane for lane in body["equipment"]}
    assert lanes[code(101)]["kept_from_ms"] == KEPT_FROM_MS
    assert lanes[code(103)]["kept_from_ms"] is None  # of it nothing was ever kept
    assert {each[2] for each in lanes[code(101)]["intervals"]} == {"unseen"}
    (lane,) = (await get(plant, f"/api/timeline?code={code(101)}&{LATEST}"))["equipment"]
    assert lane["kept_from_ms"] is None
