"""A machine that moves to another line, and a line that is gone: the past is as it was then."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import WebPlant, code, line, site
from core.calendars import ms, plant
from history.alarms import raised
from history.told import a_batch, a_run
from lineside.core.alarm import AlarmKind
from lineside.core.times import iso_utc
from lineside.history.records import config_record
from web.memory import MINUTE_MS, get, remembering, told

BEGIN_MS = ms("2025-11-03 08:00")
MOVED_MS = BEGIN_MS + 60 * MINUTE_MS
END_MS = BEGIN_MS + 120 * MINUTE_MS
THEN = replace(
    site(line("weld1", range(101, 103)), line("paint", range(301, 302))), calendar=plant()
)
NOW = replace(site(line("weld1", range(101, 102)), line("pack", (102, 201, 301))), calendar=plant())
MOVED, PAINTED = code(102), code(301)
HOURS = "from=2025-11-03T08:00:00%2B09:00&to=2025-11-03T10:00:00%2B09:00"
LATER = "from=2025-11-03T09:00:00%2B09:00&to=2025-11-03T10:00:00%2B09:00"
LINES = ("weld1", "paint", "pack")


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[WebPlant]:
    lives = {
        101: "r" * 120,
        102: "r" * 40 + "e" * 40 + "r" * 40,  # faulty while it is moved
        301: "r" * 30 + "e" * 20 + "r" * 70,
    }
    (first,) = told(THEN, BEGIN_MS, lives)
    fault = {"kind": AlarmKind.EQUIPMENT, "text_ko": "고장", "text_en": "Fault"}
    _, one = raised(1, at_ms=BEGIN_MS + 40 * MINUTE_MS, source=MOVED, line_id="weld1", **fault)
    _, two = raised(2, at_ms=BEGIN_MS + 30 * MINUTE_MS, source=PAINTED, line_id="paint", **fault)
    records = [replace(one, seq=8_000), replace(two, seq=8_001)]
    change = a_batch(
        a_run(1, BEGIN_MS), [*records, config_record(9_000, MOVED_MS, NOW)], stopped_ms=END_MS
    )
    built, kept = await remembering(tmp_path, NOW, [first, change], now_s=END_MS / 1000)
    yield built
    kept.stop()
    await kept.wait_stopped(60)


async def rows_of(plant: WebPlant, path: str) -> list[dict[str, Any]]:
    answer = await plant.ask(path)
    assert answer.status_code == 200, (path, answer.text)
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_figures_of_each_line_are_of_the_time_in_which_a_machine_was_in_it(
    history: WebPlant,
) -> None:
    ran = {}
    for name in LINES:
        for row in (await get(history, f"/api/kpis?{HOURS}&line={name}"))["rows"]:
            ran[name, row["code"]] = (row["planned_busy_ms"], row["error_ms"], row["failures"])
            assert row["unseen_ms"] == 0 or row["code"] == code(201)
    hour, fault = 60 * MINUTE_MS, 20 * MINUTE_MS
    assert ran.pop(("pack", code(201)))[1:] == (0, 0)
    assert ran == {
        ("weld1", code(101)): (2 * hour, 0, 0),
        ("weld1", MOVED): (hour, fault, 1),
        ("paint", PAINTED): (hour, fault, 1),
        ("pack", MOVED): (hour, fault, 1),
        ("pack", PAINTED): (hour, 0, 0),
    }


async def test_rows_of_all_lines_and_of_one_machine_are_of_the_same_time(
    history: WebPlant,
) -> None:
    per_machine = (await get(history, f"/api/kpis?{HOURS}"))["rows"]
    per_line = (await get(history, f"/api/kpis?{HOURS}&by=line"))["rows"]
    (whole,) = (await get(history, f"/api/kpis?{HOURS}&code={MOVED}"))["rows"]
    for name in ("error_ms", "failures", "planned_busy_ms", "stops", "stop_ms"):
        mine = [row for row in per_machine if row["code"] == MOVED]
        assert [row["line_id"] for row in mine] == ["weld1", "pack"]
        assert sum(row[name] for row in mine) == whole[name]
        for each in per_line:
            rows = [row for row in per_machine if row["line_id"] == each["line_id"]]
            assert sum(row[name] for row in rows) == each[name]
    assert [row["line_id"] for row in per_line] == ["weld1", "pack", "paint"]


async def test_the_timeline_of_a_line_has_its_machines_while_they_were_in_it(
    history: WebPlant,
) -> None:
    told_of: dict[tuple[str, int], set[str]] = {}
    marks = {}
    for name in LINES:
        body = await get(history, f"/api/timeline?{HOURS}&line={name}")
        marks[name] = [mark[0] for mark in body["alarms"]]
        for lane in body["equipment"]:
            for begin, end, status, _ in lane["intervals"]:
                for at_ms in range(begin, end, 10 * MINUTE_MS):
                    is_in = any(
                        b <= at_ms and (e is None or at_ms < e) for b, e in lane["configured"]
                    )
                    assert is_in or status == "unseen"
                    if is_in:
                        told_of.setdefault((name, at_ms), set()).add(lane["code"])
    assert marks == {"weld1": [MOVED], "paint": [PAINTED], "pack": []}
    for at_ms in range(BEGIN_MS, END_MS, 10 * MINUTE_MS):
        at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
        for name in LINES:
            answer = await history.ask(f"/api/board?line={name}&at={at}")
            if name == "paint" and at_ms >= MOVED_MS:
                assert answer.status_code == 404  # gone by then
                continue
            codes = {each["equipment_code"] for each in answer.json()["equipment"]}
            assert codes == told_of.get((name, at_ms), set()), (name, at)


async def test_without_a_line_each_machine_has_one_whole_lane(history: WebPlant) -> None:
    for asked in ("", f"code={MOVED}&"):
        lanes = (await get(history, f"/api/timeline?{asked}{HOURS}"))["equipment"]
        (mine,) = [lane for lane in lanes if lane["code"] == MOVED]
        assert mine["configured"] == [[BEGIN_MS, None]]
        assert [each[2] for each in mine["intervals"]] == ["running", "error", "running"]


async def test_stops_are_those_that_the_figures_of_the_line_count(history: WebPlant) -> None:
    for name in LINES:
        rows = (await get(history, f"/api/kpis?{HOURS}&line={name}"))["rows"]
        stops = (await get(history, f"/api/stops?{HOURS}&line={name}"))["stops"]
        assert sum(row["stops"] for row in rows) == len(stops)
        assert sum(row["stop_ms"] for row in rows) == sum(stop["down_ms"] for stop in stops)
        assert {stop["line_id"] for stop in stops} <= {name}
    mine = (await get(history, f"/api/stops?{HOURS}&code={MOVED}"))["stops"]
    assert [stop["line_id"] for stop in mine] == ["weld1", "pack"]


async def test_what_stands_behind_a_stop_is_cut_where_a_machine_was_moved(
    history: WebPlant,
) -> None:
    """So that of a stop across the move each line has its own, be one a micro-stop."""
    found = await get(history, f"/api/kpis/intervals?{HOURS}&code={MOVED}&figure=stops")
    assert [(each["begin"], each["end"], each["stop"]) for each in found["intervals"]] == [
        (iso_utc(begin_ms / 1000), iso_utc(end_ms / 1000), iso_utc(begin_ms / 1000))
        for begin_ms, end_ms in (
            (BEGIN_MS + 40 * MINUTE_MS, MOVED_MS),
            (MOVED_MS, BEGIN_MS + 80 * MINUTE_MS),
        )
    ]


async def test_exports_say_in_which_line_a_machine_was(history: WebPlant) -> None:
    for kind, total in (("changes", 3), ("intervals", 4), ("stops", 2), ("kpis", 2)):
        found = []
        for name in LINES:
            rows = await rows_of(history, f"/api/export/{kind}.csv?{HOURS}&line={name}")
            found += [(name, row) for row in rows if row["code"] == MOVED]
            assert all(row["line_id"] == name for row in rows if "line_id" in row)
        whole = await rows_of(history, f"/api/export/{kind}.csv?{HOURS}")
        assert len([row for row in whole if row["code"] == MOVED]) == len(found) == total, kind
        assert {name for name, _ in found} == {"weld1", "pack"}


KINDS = ("alarms", "changes", "intervals", "kpis", "stops")


async def test_a_machine_that_was_not_in_a_line_then_is_refused_alike_by_lists_and_exports(
    history: WebPlant,
) -> None:
    earlier = HOURS.replace("T10:00", "T09:00")
    paths = [
        *(f"/api/{name}?{{}}" for name in ("alarms", "kpis", "kpis/intervals", "stops")),
        "/api/timeline?{}",
        *(f"/api/export/{kind}.csv?{{}}" for kind in KINDS),
    ]
    for path in paths:
        answer = await history.ask(path.format(f"{earlier}&line=pack&code={MOVED}"))
        assert answer.status_code == 404, path
        assert answer.json()["detail"] == f"{MOVED} was not in line pack then.", path
        answer = await history.ask(path.format(f"{HOURS}&line=weld1&code={code(999)}"))
        assert answer.status_code == 404, path
        assert answer.json()["detail"].startswith(f"There is no equipment '{code(999)}'"), path
        assert (
            await history.ask(path.format(f"{HOURS}&line=pack&code={MOVED}"))
        ).status_code == 200
        is_alarms = "alarms" in path
        answer = await history.ask(path.format(f"{LATER}&line=weld1&code={MOVED}"))
        assert answer.status_code == (200 if is_alarms else 404), path


async def test_an_alarm_that_stands_where_its_machine_was_before_is_in_lists_and_exports(
    history: WebPlant,
) -> None:
    for query, codes in (
        (f"line=weld1&code={MOVED}", [MOVED]),
        ("line=weld1", [MOVED]),
        (f"code={MOVED}", [MOVED]),
        ("line=pack", []),
        (f"line=pack&code={MOVED}", []),
        ("", [MOVED, PAINTED]),
    ):
        listed = (await get(history, f"/api/alarms?{LATER}&{query}"))["alarms"]
        exported = await rows_of(history, f"/api/export/alarms.csv?{LATER}&{query}")
        found = [sorted(row["code"] for row in rows) for rows in (listed, exported)]
        assert found == [codes, codes], query


async def test_statistics_count_in_each_line_what_happened_there(history: WebPlant) -> None:
    rows = (await get(history, "/api/alarms/statistics"))["equipment"]
    counted = {(row["line_id"], row["code"]): (row["alarms"], row["events"]) for row in rows}
    assert len(counted) == len(rows)
    assert counted == {
        ("weld1", code(101)): (0, 1),
        ("weld1", MOVED): (1, 2),
        ("pack", MOVED): (0, 1),
        ("paint", PAINTED): (1, 3),
        ("pack", PAINTED): (0, 0),
        ("pack", code(201)): (0, 0),
    }
    for name in LINES:
        of_line = (await get(history, f"/api/alarms/statistics?line={name}"))["equipment"]
        assert of_line == [row for row in rows if row["line_id"] == name]
    assert (await history.ask("/api/alarms/statistics?line=never")).status_code == 404


async def test_alarms_of_a_line_that_is_gone_can_be_asked_for(history: WebPlant) -> None:
    for name, codes in (("weld1", [MOVED]), ("paint", [PAINTED]), ("pack", [])):
        found = (await get(history, f"/api/alarms?{HOURS}&line={name}"))["alarms"]
        assert [each["code"] for each in found] == codes
        report = await get(history, f"/api/report?day=2025-11-03&line={name}")
        assert [each["code"] for each in report["alarms"]] == codes
    assert (await history.ask(f"/api/alarms?{LATER}&line=paint")).status_code == 404
    assert (await history.ask(f"/api/alarms?{HOURS}&line=never")).status_code == 404


async def test_a_line_that_is_gone_stays_askable_for_the_time_in_which_it_was_there(
    history: WebPlant,
) -> None:
    for path in ("kpis", "timeline", "stops", "shifts", "planned-downtimes", "alarms"):
        assert (await history.ask(f"/api/{path}?{HOURS}&line=paint")).status_code == 200, path
        assert (await history.ask(f"/api/{path}?{LATER}&line=paint")).status_code == 404, path
