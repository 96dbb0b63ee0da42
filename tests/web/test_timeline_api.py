"""The timeline, the board of a moment and the shifts, over HTTP, from a real history."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import (
    T0_S,
    TurnedClock,
    WebPlant,
    code,
    site,
    site_change,
    state_change,
)
from core.calendars import SEOUL, ms, shift
from core.calendars import plant as calendar
from history.alarms import raised
from history.told import T0_MS, tick
from lineside.core.alarm import AlarmKind
from lineside.core.model import Status
from lineside.core.times import iso_utc
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from serving import eventually
from web.memory import MINUTE_MS, get, remembering, told

DAY_MS = ms("2025-11-03 08:00")  # a Monday in Seoul
SITE = replace(site(), calendar=calendar(shift("day", "08:00-17:00", "12:00-13:00")))
DAY = "from=2025-11-03T08:00:00%2B09:00&to=2025-11-03T09:00:00%2B09:00"


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[WebPlant]:
    batches = told(SITE, DAY_MS, {101: "rrrrriieerrr", 102: "dddrrrrrrrrr"})
    built, history = await remembering(tmp_path, SITE, batches)
    yield built
    history.stop()
    await history.wait_stopped(60)


def minutes(intervals: list[list[Any]]) -> list[tuple[int, str, str | None]]:
    return [((end - DAY_MS) // MINUTE_MS, status, reason) for _, end, status, reason in intervals]


async def test_lanes_tile_the_window_with_reasons_and_unseen_time(plant: WebPlant) -> None:
    body = await get(plant, f"/api/timeline?line=weld1&{DAY}")
    lanes = {each["code"]: each["intervals"] for each in body["equipment"]}
    assert minutes(lanes[code(101)]) == [
        (5, "running", "running"),
        (7, "idle", "idle_wait"),
        (9, "error", "error_tag"),
        (12, "running", "running"),
        (60, "unseen", None),
    ]
    assert minutes(lanes[code(103)]) == [(12, "unseen", None), (60, "unseen", None)][1:]
    assert [each["code"] for each in body["equipment"]] == [code(n) for n in range(101, 106)]
    assert body["shifts"] == [[DAY_MS, DAY_MS + 9 * 60 * MINUTE_MS, "DAY"]]
    assert body["breaks"] == [[DAY_MS + 240 * MINUTE_MS, DAY_MS + 300 * MINUTE_MS]]
    assert body["history"]["known_from_ms"] == DAY_MS
    assert body["time_zone"] == SEOUL


async def test_a_lost_plc_has_a_mark_on_every_lane_that_it_is_read_for(tmp_path: Path) -> None:
    packing = tuple(replace(each, plc_id="PLC02") for each in SITE.lines[1].equipment)
    place = replace(SITE, lines=(SITE.lines[0], replace(SITE.lines[1], equipment=packing)))
    past = told(place, DAY_MS, {101: "rrdd", 201: "rrrr"})
    at_ms = DAY_MS + 2 * MINUTE_MS
    _, lost = raised(
        9, at_ms=at_ms, kind=AlarmKind.PLC, source="PLC01", text_ko="두절", text_en="Lost"
    )
    batches = [replace(each, records=(*each.records, replace(lost, seq=99))) for each in past]
    plant, history = await remembering(tmp_path, place, batches)
    try:
        body = await get(plant, f"/api/timeline?{DAY}")
    finally:
        history.stop()
        await history.wait_stopped(60)
    assert len(body["equipment"]) == 7
    assert body["alarms"] == [
        [code(number), at_ms, "high", "두절", "Lost"] for number in range(101, 106)
    ]


@pytest.mark.parametrize(
    ("asked", "line_id"),
    [("", "weld1"), ("line=pack&", "pack"), (f"code={code(201)}&", "pack")],
)
async def test_a_timeline_says_whose_shifts_it_has(
    plant: WebPlant, asked: str, line_id: str
) -> None:
    assert (await get(plant, f"/api/timeline?{asked}{DAY}"))["line_id"] == line_id


async def test_a_coarse_timeline_keeps_the_worst(plant: WebPlant) -> None:
    body = await get(plant, f"/api/timeline?code={code(101)}&{DAY}&resolution_ms=180000")
    (lane,) = body["equipment"]
    assert minutes(lane["intervals"]) == [
        (5, "running", "running"),
        (9, "error", "error_tag"),
        (12, "running", "running"),
        (60, "unseen", None),
    ]


async def test_nothing_is_told_of_the_future(plant: WebPlant) -> None:
    begin, end = "2025-11-03T10:00:00Z", "2025-11-04T00:00:00Z"
    body = await get(plant, f"/api/timeline?code={code(101)}&from={begin}&to={end}")
    assert body["now_ms"] == T0_S * 1000
    assert body["equipment"][0]["intervals"][-1][1] == body["now_ms"]
    assert body["history"]["known_until_ms"] == body["now_ms"]
    later = await get(plant, f"/api/timeline?code={code(101)}&from={end}&to=2025-11-05T00:00:00Z")
    assert later["equipment"][0]["intervals"] == []


async def test_the_board_is_as_it_was_at_that_second(plant: WebPlant) -> None:
    at = "2025-11-03T08:06:30%2B09:00"
    body = await get(plant, f"/api/board?line=weld1&at={at}")
    assert body["at"] == "2025-11-02T23:06:30.000Z"
    first, second, third = body["equipment"][:3]
    assert (first["status"], first["reason"]["code"]) == ("idle", "idle_wait")
    assert first["since"] == "2025-11-02T23:05:00.000Z"
    assert first["tags"] == {"status_tag": 1, "error_tag": 0, "connection": True}
    assert first["last_updated"] == "2025-11-02T23:04:59.988Z"
    assert second["status"] == "running"
    assert (third["status"], third["reason"]["code"]) == ("disconnected", "never_read")
    assert body["unseen_codes"] == [code(103), code(104), code(105)]


async def test_of_a_time_in_no_run_the_board_says_that_nobody_watched(plant: WebPlant) -> None:
    body = await get(plant, "/api/board?at=2025-11-03T09:00:00%2B09:00")
    assert {each["status"] for each in body["equipment"]} == {"disconnected"}
    assert len(body["unseen_codes"]) == len(body["equipment"]) == 7


async def test_of_a_moment_that_is_on_its_way_the_board_says_nothing_yet(tmp_path: Path) -> None:
    """The database is locked by another program while a machine starts."""
    watched = site()
    history = History(HistorySettings(folder=tmp_path), TurnedClock(), "1.2.3")
    plant = WebPlant(watched, history=history)
    plant.configure()
    plant.tick()
    history.start()
    await eventually(lambda: history.is_open, "the history was not opened")
    for message in (
        site_change(watched, at_s=T0_S),
        state_change(101, Status.IDLE, at_s=T0_S),
        tick(1),
    ):
        history.on_message(message)

    def is_known(second: int) -> bool:
        at_ms = T0_MS + second * 1_000
        return history.known_until_ms(at_ms + 500) == at_ms

    await eventually(lambda: is_known(1), "the first second is not kept")
    plant.clock.turn(4.5)
    at = f"/api/board?line=weld1&at={iso_utc(T0_S + 3)}"
    with closing(sqlite3.connect(tmp_path / "lineside-history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        history.on_message(state_change(101, Status.RUNNING, at_s=T0_S + 2))
        history.on_message(tick(4))
        answer = await plant.ask(at)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "2025-11-03T10:30:46.000Z" in answer.json()["detail"]
        other.execute("ROLLBACK")
    await eventually(lambda: is_known(4), "what waited is not kept")
    board = await get(plant, at)
    assert board["equipment"][0]["status"] == "running"
    assert code(101) not in board["unseen_codes"]
    assert (await plant.ask(f"/api/board?at={iso_utc(T0_S + 60)}")).status_code == 503
    history.stop()
    await history.wait_stopped(60)


async def test_shifts_come_whole_with_their_breaks(plant: WebPlant) -> None:
    body = await get(plant, f"/api/shifts?line=weld1&{DAY}")
    (found,) = body["shifts"]
    assert (found["id"], found["day"], found["begin"]) == (
        "day",
        "2025-11-03",
        "2025-11-02T23:00:00.000Z",
    )
    assert found["breaks"] == [["2025-11-03T03:00:00.000Z", "2025-11-03T04:00:00.000Z"]]


async def test_an_answer_that_the_client_holds_is_not_sent_again(plant: WebPlant) -> None:
    for path in (f"/api/timeline?line=weld1&{DAY}", f"/api/shifts?{DAY}"):
        answer = await plant.ask(path)
        again = await plant.ask(path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/api/timeline?from=yesterday&to=2025-11-04T00:00:00Z", 422, "from"),
        ("/api/timeline?from=2025-11-03T00:00:00&to=2025-11-04T00:00:00Z", 422, "from"),
        ("/api/timeline?from=2025-11-04T00:00:00Z&to=2025-11-03T00:00:00Z", 422, "to"),
        ("/api/timeline?from=2020-11-04T00:00:00Z&to=2025-11-03T00:00:00Z", 422, "to"),
        ("/api/timeline?from=0001-01-01T00:00:00Z&to=2025-11-03T00:00:00Z", 422, "from"),
        (f"/api/timeline?{DAY}&resolution_ms=-1", 422, "resolution_ms"),
        (f"/api/timeline?{DAY}&line=weld2", 404, "weld2"),
        (f"/api/timeline?{DAY}&code=X", 404, "X"),
        ("/api/board", 422, "at"),
        ("/api/board?at=2025-11-03T08:06:30Z&line=nowhere", 404, "nowhere"),
        (f"/api/shifts?{DAY}&line=nowhere", 404, "nowhere"),
    ],
)
async def test_bad_input_is_refused_with_the_name_of_the_parameter(
    plant: WebPlant, path: str, status: int, named: str
) -> None:
    answer = await plant.ask(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert named in answer.json()["detail"]
