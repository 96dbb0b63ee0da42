"""Key figures, stops, reasons, planned downtime and the report, over HTTP, from a real history."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import WebPlant, code, line, site
from core.calendars import ms, shift
from core.calendars import plant as calendar
from lineside.core.model import DowntimeReason
from lineside.history import service as service_module
from web.memory import MINUTE_MS, get, remembering, told

DAY_MS = ms("2025-11-03 08:00")  # a Monday in Seoul
REASONS = (
    DowntimeReason(code="E", name="설비", name_en="Equipment"),
    DowntimeReason(code="E10", name="설비 고장", name_en="Breakdown", parent="E"),
    DowntimeReason(code="M20", name="자재 대기"),
)
SITE = replace(
    site(),
    calendar=calendar(shift("day", "08:00-12:00", "10:00-10:10")),
    downtime_reasons=REASONS,
)
SHIFT = "from=2025-11-03T08:00:00%2B09:00&to=2025-11-03T12:00:00%2B09:00"
DAY = "from=2025-11-03T00:00:00%2B09:00&to=2025-11-04T00:00:00%2B09:00"
# 240 minutes of a shift with a break from minute 120 to 130. Machine 101 runs 60, stands 20 (5 of
# them idle), runs 30, has a fault for 15 that ends in the break, runs 65, has one for 10, runs 20,
# cannot be seen for 18, stands for 1, runs 1.
FIRST = "r" * 60 + "i" * 5 + "s" * 15 + "r" * 30 + "e" * 15 + "r" * 65 + "e" * 10 + "r" * 20
FIRST += "d" * 18 + "i" + "r"
SECOND = "r" * 240
BY_HAND = {
    # minutes: PBT 230 = 240 - 10; running 60+30+65+20+1 less the 5 of the 65 that lie in the break
    "planned_busy_ms": 230,
    "running_ms": 171,
    "idle_ms": 6,
    "stopped_ms": 15,
    "error_ms": 20,  # 15 + 10, of which 120..125 lie in the break
    "disconnected_ms": 18,
    "unseen_ms": 0,
    "stop_ms": 40,  # 20 waiting, 10 of the first fault (110..120), 10 of the second
    "micro_stop_ms": 1,
}


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[WebPlant]:
    batches = told(SITE, DAY_MS, {101: FIRST, 102: SECOND})
    now_s = (DAY_MS + 240 * MINUTE_MS) / 1000
    built, history = await remembering(tmp_path, SITE, batches, now_s=now_s)
    yield built
    history.stop()
    await history.wait_stopped(60)


async def post(plant: WebPlant, path: str, body: dict[str, Any], *, expect: int = 200) -> Any:
    answer = await plant.ask(path, method="POST", body=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


async def test_a_day_computed_by_hand(plant: WebPlant) -> None:
    body = await get(plant, f"/api/kpis?code={code(101)}&{SHIFT}")
    (row,) = body["rows"]
    assert {name: row[name] / MINUTE_MS for name in BY_HAND} == BY_HAND
    assert row["coverage"] == pytest.approx(1 - 18 / 230)
    assert row["is_sufficient"] is False
    assert row["availability"] == pytest.approx(171 / (230 - 18))
    assert row["strict_availability"] == pytest.approx(171 / 230)
    assert row["utilisation"] == pytest.approx(171 / (171 + 6 + 20))
    assert row["technical_efficiency"] == pytest.approx(171 / (171 + 20))
    assert (row["failures"], row["stops"], row["micro_stops"]) == (2, 3, 1)
    # Running between the two faults: 65 minutes; both were seen to end: 15 and 10.
    assert row["mtbf_ms"] == 65 * MINUTE_MS
    assert row["mttr_ms"] == 12.5 * MINUTE_MS
    assert row["oee"] is None


async def test_every_grain_says_the_same_of_the_only_shift(plant: WebPlant) -> None:
    labels = {
        "whole": "",
        "shift": "2025-11-03 day",
        "day": "2025-11-03",
        "week": "2025-W45",
        "month": "2025-11",
    }
    for grain, label in labels.items():
        (row,) = (await get(plant, f"/api/kpis?code={code(101)}&{DAY}&grain={grain}"))["rows"]
        assert row["running_ms"] == 171 * MINUTE_MS, grain
        assert row["label"] == label


async def test_lines_are_the_sums_of_their_machines(plant: WebPlant) -> None:
    rows = (await get(plant, f"/api/kpis?{SHIFT}&by=line"))["rows"]
    assert [(row["line_id"], row["code"]) for row in rows] == [("weld1", None), ("pack", None)]
    assert rows[0]["running_ms"] == (171 + 230) * MINUTE_MS
    assert rows[0]["planned_busy_ms"] == 5 * 230 * MINUTE_MS


async def test_rows_come_page_by_page(plant: WebPlant) -> None:
    rows, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        body = await get(plant, f"/api/kpis?{SHIFT}&limit=3{more}")
        assert len(body["rows"]) <= 3
        rows += body["rows"]
        cursor = body["next"]
    assert rows == (await get(plant, f"/api/kpis?{SHIFT}"))["rows"]
    assert len(rows) == 7


async def test_a_figure_opens_down_to_its_intervals(plant: WebPlant) -> None:
    body = await get(plant, f"/api/kpis/intervals?code={code(101)}&{SHIFT}")
    found = body["intervals"]
    assert all(one["end"] == other["begin"] for one, other in itertools.pairwise(found))
    minutes: dict[str, int] = {}
    for each in found:
        length = (ms_of(each["end"]) - ms_of(each["begin"])) // MINUTE_MS
        minutes[each["counts_as"]] = minutes.get(each["counts_as"], 0) + length
    assert minutes == {
        "running": 171,
        "idle": 6,
        "stopped": 15,
        "error": 20,
        "not_seen": 18,
        "not_planned": 10,
    }


def ms_of(text: str) -> int:
    from datetime import datetime

    return round(datetime.fromisoformat(text).timestamp() * 1000)


async def stops(plant: WebPlant, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await get(plant, f"/api/stops?line=weld1&{SHIFT}{query}"))[
        "stops"
    ]
    return found


async def test_stops_longer_than_stop_after_ask_for_a_reason_and_micro_stops_never(
    plant: WebPlant,
) -> None:
    found = await stops(plant)
    assert [(each["down_ms"] // MINUTE_MS, each["status"]) for each in found] == [
        (20, "stopped"),
        (10, "error"),
        (10, "error"),
    ]
    assert found[0]["id"] == f"{code(101)}@{DAY_MS + 60 * MINUTE_MS}"
    assert {each["reason"] for each in found} == {None}


async def test_a_reason_is_given_and_given_anew_with_audit(plant: WebPlant) -> None:
    first = (await stops(plant))[0]["id"]
    path = f"/api/stops/{first}/reason"
    await post(plant, path, {"by": " 김철수 ", "reason": "E10", "comment": "센서"})
    body = await post(plant, path, {"by": "박", "reason": "M20"})
    assert [each["reason"] for each in body["stops"]] == ["M20"]
    assert len(await stops(plant, "&unexplained=true")) == 2
    entries = (await get(plant, f"/api/audit?{DAY}"))["entries"]
    assert [(e["by"], e["action"], e["subject"]) for e in entries] == [
        ("박", "stop.reason", first),
        ("김철수", "stop.reason", first),
    ]
    assert entries[0]["before"]["reason"] == "E10"
    assert entries[0]["after"]["reason"] == "M20"
    opened = await get(plant, f"/api/kpis/intervals?code={code(101)}&{SHIFT}")
    assert [each["reason"] for each in opened["intervals"]].count("M20") == 2
    of_stops = await get(plant, f"/api/audit?{DAY}&code={code(101)}")
    assert [each["action"] for each in of_stops["entries"]] == ["stop.reason", "stop.reason"]
    assert (await get(plant, f"/api/audit?{DAY}&code={code(102)}"))["entries"] == []


async def test_a_stop_is_split_explained_twice_and_merged_again(plant: WebPlant) -> None:
    first = (await stops(plant))[0]["id"]
    cut = "2025-11-03T09:12:00+09:00"
    body = await post(plant, f"/api/stops/{first}/split", {"by": "김", "at": cut})
    assert [each["down_ms"] // MINUTE_MS for each in body["stops"]] == [12, 8]
    second = body["stops"][1]["id"]
    assert second == f"{code(101)}@{DAY_MS + 72 * MINUTE_MS}"
    await post(plant, f"/api/stops/{second}/reason", {"by": "김", "reason": "M20"})
    assert [each["reason"] for each in await stops(plant)] == [None, "M20", None, None]
    body = await post(plant, f"/api/stops/{first}/merge", {"by": "김", "with": second})
    assert [each["down_ms"] // MINUTE_MS for each in body["stops"]] == [20]
    assert len(await stops(plant)) == 3


async def test_two_stops_are_merged_and_split_again(plant: WebPlant) -> None:
    found = [each["id"] for each in await stops(plant)]
    body = await post(plant, f"/api/stops/{found[1]}/merge", {"by": "김", "with": found[2]})
    assert [each["down_ms"] // MINUTE_MS for each in body["stops"]] == [20]
    assert body["stops"][0]["id"] == found[1]
    between = "2025-11-03T10:40:00+09:00"
    await post(plant, f"/api/stops/{found[1]}/split", {"by": "김", "at": between})
    assert [each["id"] for each in await stops(plant)] == found
    refused = await plant.ask(
        f"/api/stops/{found[0]}/merge", method="POST", body={"by": "김", "with": found[2]}
    )
    assert refused.status_code == 422
    assert "with" in refused.json()["detail"]


async def test_of_two_who_merge_the_same_stops_at_once_one_is_told_that_they_are_gone(
    plant: WebPlant,
) -> None:
    found = [each["id"] for each in await stops(plant)]
    path, body = f"/api/stops/{found[1]}/merge", {"by": "김", "with": found[2]}
    answers = await asyncio.gather(*(plant.ask(path, method="POST", body=body) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 404]
    entries = (await get(plant, f"/api/audit?{DAY}"))["entries"]
    assert [each["action"] for each in entries] == ["stop.merge"]


async def test_what_cannot_be_written_is_not_called_unreadable(
    plant: WebPlant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await stops(plant))[0]["id"]
    monkeypatch.setattr(service_module, "QUESTION_S", 2.0)
    with closing(sqlite3.connect(tmp_path / "lineside-history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = await plant.ask(
            f"/api/stops/{first}/reason", method="POST", body={"by": "김", "reason": "M20"}
        )
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("It is not known whether this is kept: ")


async def test_planned_downtime_is_no_planned_time(plant: WebPlant) -> None:
    entered = {
        "by": "김",
        "line": "weld1",
        "from": "2025-11-03T09:00:00+09:00",
        "to": "2025-11-03T09:20:00+09:00",
        "comment": "금형 교체",
    }
    made = await post(plant, "/api/planned-downtimes", entered, expect=201)
    (row,) = (await get(plant, f"/api/kpis?code={code(101)}&{SHIFT}"))["rows"]
    assert row["planned_busy_ms"] == 210 * MINUTE_MS
    assert (row["stops"], row["stopped_ms"]) == (2, 0)
    assert len(await stops(plant)) == 2
    listed = await get(plant, f"/api/planned-downtimes?{DAY}")
    assert listed["planned_downtimes"] == [made]
    path = f"/api/planned-downtimes/{made['id']}"
    answer = await plant.ask(f"{path}?by=%EA%B9%80", method="DELETE")
    assert answer.status_code == 204
    assert (await plant.ask(f"{path}?by=%EA%B9%80", method="DELETE")).status_code == 404
    (row,) = (await get(plant, f"/api/kpis?code={code(101)}&{SHIFT}"))["rows"]
    assert row["planned_busy_ms"] == 230 * MINUTE_MS
    actions = [each["action"] for each in (await get(plant, f"/api/audit?{DAY}"))["entries"]]
    assert actions == ["planned_downtime.delete", "planned_downtime.add"]


async def test_another_stop_after_is_tried_and_changes_nothing(plant: WebPlant) -> None:
    body = {
        "line": "weld1",
        "stop_after": 900,
        "from": "2025-11-03T08:00:00+09:00",
        "to": "2025-11-03T12:00:00+09:00",
    }
    found = await post(plant, "/api/kpis/preview", body)
    current, preview = found["current"][0], found["preview"][0]
    assert (current["idle_ms"], current["stopped_ms"]) == (6 * MINUTE_MS, 15 * MINUTE_MS)
    assert (preview["idle_ms"], preview["stopped_ms"]) == (16 * MINUTE_MS, 5 * MINUTE_MS)
    assert (await post(plant, "/api/kpis/preview", body))["current"] == found["current"]


async def test_a_preview_of_many_machines_and_days_is_computed_piece_by_piece(
    tmp_path: Path,
) -> None:
    large = site(line("weld1", range(101, 126)))
    day_ms = 1440 * MINUTE_MS
    batches = told(large, DAY_MS, dict.fromkeys(range(101, 126), "ri" * 50), unit_ms=day_ms)
    end_s = (DAY_MS + 100 * day_ms) / 1000
    plant, history = await remembering(tmp_path, large, batches, now_s=end_s)
    begin, end = (f"{day}T08:00:00+09:00" for day in ("2025-11-03", "2026-02-11"))
    body = {"line": "weld1", "stop_after": None, "from": begin, "to": end}
    try:
        found = await post(plant, "/api/kpis/preview", body)
        for name in ("current", "preview"):
            assert [row["code"] for row in found[name]] == [code(n) for n in range(101, 126)]
            assert {row["running_ms"] for row in found[name]} == {50 * day_ms}
        assert {row["stopped_ms"] > 0 for row in found["current"]} == {True}
        assert {row["idle_ms"] for row in found["preview"]} == {50 * day_ms}
    finally:
        history.stop()
        await history.wait_stopped(60)


async def test_a_preview_that_would_take_minutes_says_how_many_days_are_possible(
    tmp_path: Path,
) -> None:
    large = site(line("weld1", range(101, 601)))
    now_s = (DAY_MS + 100 * 1440 * MINUTE_MS) / 1000
    plant, history = await remembering(tmp_path, large, [], now_s=now_s)
    begin, end = (f"{day}T08:00:00+09:00" for day in ("2025-11-03", "2026-02-11"))
    try:
        found = await post(
            plant, "/api/kpis/preview", {"line": "weld1", "from": begin, "to": end}, expect=422
        )
        assert "to: a preview of 500 machines may have 40 days at most" in found["detail"]
    finally:
        history.stop()
        await history.wait_stopped(60)


async def test_other_hours_of_a_shift_are_tried_and_change_nothing(plant: WebPlant) -> None:
    body = {
        "line": "weld1",
        "shifts": [{"id": "day", "start": "09:00", "end": "12:00"}],
        "from": "2025-11-03T08:00:00+09:00",
        "to": "2025-11-03T12:00:00+09:00",
    }
    found = await post(plant, "/api/kpis/preview", body)
    current, preview = found["current"][0], found["preview"][0]
    assert current["planned_busy_ms"] == 230 * MINUTE_MS
    assert preview["planned_busy_ms"] == 170 * MINUTE_MS  # less an hour; its break stays
    assert (await post(plant, "/api/kpis/preview", body))["current"] == found["current"]
    overnight = {**body, "shifts": [{"id": "day", "start": "11:00", "end": "10:05"}]}
    (row, *_) = (await post(plant, "/api/kpis/preview", overnight))["preview"]
    assert row["planned_busy_ms"] == 60 * MINUTE_MS  # from 11 on; on Sunday nobody works
    assert found["breaks"] == [], "its break lies in the hours"
    cut = (await post(plant, "/api/kpis/preview", overnight))["breaks"]
    assert cut == [{"id": "day", "breaks": ["10:00-10:05"]}], "as lineside.toml has to say then"
    none = {**body, "shifts": [{"id": "day", "start": "11:00", "end": "12:00"}]}
    found = await post(plant, "/api/kpis/preview", none)
    assert found["breaks"] == [{"id": "day", "breaks": []}]
    unknown = {**body, "shifts": [{"id": "dusk", "start": "09:00", "end": "12:00"}]}
    assert (await plant.ask("/api/kpis/preview", method="POST", body=unknown)).status_code == 404
    wrong = {**body, "shifts": [{"id": "day", "start": "9 h", "end": "12:00"}]}
    assert (await plant.ask("/api/kpis/preview", method="POST", body=wrong)).status_code == 422


async def test_a_shift_that_is_called_all_has_a_report_of_its_own(tmp_path: Path) -> None:
    hours = shift("all", "08:00-10:00"), shift("late", "10:00-12:00")
    called_all = replace(SITE, calendar=calendar(*hours))
    now_s = (DAY_MS + 240 * MINUTE_MS) / 1000
    batches = told(called_all, DAY_MS, {101: FIRST})
    plant, history = await remembering(tmp_path, called_all, batches, now_s=now_s)
    day = "/api/report?line=weld1&day=2025-11-03"
    whole, mine = await get(plant, day), await get(plant, f"{day}&shift=all")
    assert (whole["shift"], whole["end"]) == (None, "2025-11-03T15:00:00.000Z")
    assert (mine["shift"], mine["end"]) == ("all", "2025-11-03T01:00:00.000Z")
    free = await plant.ask("/api/report?line=weld1&day=2025-11-02&shift=all")
    assert free.status_code == 404, "it does not run on a Sunday"
    history.stop()
    await history.wait_stopped(60)


async def test_the_report_of_a_day_has_figures_pareto_and_trend(plant: WebPlant) -> None:
    first, second, _ = [each["id"] for each in await stops(plant)]
    await post(plant, f"/api/stops/{first}/reason", {"by": "김", "reason": "M20"})
    await post(plant, f"/api/stops/{second}/reason", {"by": "김", "reason": "E10"})
    body = await get(plant, "/api/report?line=weld1&day=2025-11-03&shift=all")
    assert body["kpis"]["running_ms"] == (171 + 230) * MINUTE_MS
    assert [row["code"] for row in body["machines"]] == [code(n) for n in range(101, 106)]
    assert [(row["code"], row["down_ms"] // MINUTE_MS) for row in body["pareto_by_reason"]] == [
        ("M20", 20),
        (None, 10),
        ("E10", 10),
    ]
    assert [row["code"] for row in body["pareto_by_machine"]] == [code(101)]
    assert len(body["trend"]) == 14
    assert body["trend"][-1]["label"] == "2025-11-03"
    assert body["trend"][-1]["running_ms"] == body["kpis"]["running_ms"]
    assert [each["id"] for each in body["shifts"]] == ["day"]
    shift_report = await get(plant, "/api/report?line=weld1&day=2025-11-03&shift=day")
    assert shift_report["shift"] == "day"
    assert shift_report["kpis"] == body["kpis"]
    today = await get(plant, "/api/report?line=weld1")
    assert today["day"] == "2025-11-03"


async def test_reasons_come_as_configured(plant: WebPlant) -> None:
    found = (await get(plant, "/api/downtime-reasons"))["reasons"]
    assert found[1] == {"code": "E10", "name": "설비 고장", "name_en": "Breakdown", "parent": "E"}


HELD = [
    f"/api/kpis?{SHIFT}",
    f"/api/kpis/intervals?code={code(101)}&{SHIFT}",
    "/api/report?line=weld1&day=2025-11-03",
    f"/api/stops?{SHIFT}",
    f"/api/planned-downtimes?{SHIFT}",
    "/api/downtime-reasons",
    f"/api/audit?{SHIFT}",
]


async def test_an_answer_that_the_client_holds_is_not_sent_again(plant: WebPlant) -> None:
    for path in HELD:
        answer = await plant.ask(path)
        assert answer.status_code == 200, path
        again = await plant.ask(path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304, path


BAD_QUESTIONS = [
    (f"/api/kpis?{SHIFT}&grain=hour", 422, "grain"),
    (f"/api/kpis?{SHIFT}&by=plc", 422, "by"),
    (f"/api/kpis?{SHIFT}&cursor=x", 422, "cursor"),
    (f"/api/kpis?{SHIFT}&limit=1001", 422, "limit"),
    (f"/api/kpis?{SHIFT}&line=weld9", 404, "weld9"),
    (f"/api/kpis/intervals?{SHIFT}", 422, "code"),
    (f"/api/kpis/intervals?code=X&{SHIFT}", 404, "X"),
    ("/api/report?day=3.11.2025", 422, "day"),
    ("/api/report?day=1066-10-14", 422, "day"),
    ("/api/report?day=2025-11-03&shift=night", 404, "night"),
    (f"/api/stops?{SHIFT}&unexplained=perhaps", 422, "unexplained"),
    ("/api/stops?from=2025-01-01T00:00:00Z&to=2025-12-01T00:00:00Z", 422, "to"),
    ("/api/audit?from=2025-01-01T00:00:00Z", 422, "to"),
]


async def test_bad_questions_are_refused_with_the_name_of_the_parameter(plant: WebPlant) -> None:
    for path, status, named in BAD_QUESTIONS:
        answer = await plant.ask(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert named in answer.json()["detail"], path


STOP = f"/api/stops/{code(101)}@{DAY_MS + 60 * MINUTE_MS}"
PLANNED = {"by": "김", "from": "2025-11-03T09:00:00Z", "to": "2025-11-03T10:00:00Z"}


BAD_WRITES: list[tuple[str, dict[str, Any], int, str]] = [
    (f"{STOP}/reason", {"reason": "E10"}, 422, "by"),
    (f"{STOP}/reason", {"by": " ", "reason": "E10"}, 422, "by"),
    (f"{STOP}/reason", {"by": "x" * 61, "reason": "E10"}, 422, "by"),
    (f"{STOP}/reason", {"by": "김", "reason": "E99"}, 404, "E99"),
    (f"{STOP}/reason", {"by": "김", "reason": "E10", "why": 1}, 422, "why"),
    (f"{STOP}/reason", {"by": "김", "reason": "E10", "comment": "x" * 1001}, 422, "comment"),
    (f"{STOP}1/reason", {"by": "김", "reason": "E10"}, 404, "no stop"),
    ("/api/stops/nothing/reason", {"by": "김", "reason": "E10"}, 422, "stop"),
    (f"{STOP}/split", {"by": "김", "at": "2025-11-03T12:00:00Z"}, 422, "at"),
    (f"{STOP}/merge", {"by": "김", "with": f"{code(101)}@1"}, 404, "no stop"),
    ("/api/planned-downtimes", PLANNED, 422, "line"),
    ("/api/planned-downtimes", {**PLANNED, "line": "weld9"}, 404, "weld9"),
    ("/api/planned-downtimes", {**PLANNED, "line": "weld1", "to": "x"}, 422, "to"),
    ("/api/kpis/preview", {"line": "weld1", "stop_after": -1}, 422, "stop_after"),
]


async def test_bad_writes_are_refused_with_the_name_of_the_field(plant: WebPlant) -> None:
    for path, body, status, named in BAD_WRITES:
        answer = await plant.ask(path, method="POST", body=body)
        assert answer.status_code == status, (path, answer.text)
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert named in answer.json()["detail"], path
        assert (await get(plant, f"/api/audit?{DAY}"))["entries"] == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://plant:9000"])
async def test_a_page_from_elsewhere_cannot_write(plant: WebPlant, origin: str) -> None:
    for method, path, body in (
        ("POST", f"{STOP}/reason", {"by": "김", "reason": "E10"}),
        ("POST", "/api/planned-downtimes", {**PLANNED, "line": "weld1"}),
        ("DELETE", "/api/planned-downtimes/1?by=x", None),
    ):
        answer = await plant.ask(path, method=method, body=body, headers={"Origin": origin})
        assert answer.status_code == 403
    own = {"Origin": "http://plant:8000"}
    body = {"by": "김", "reason": "E10"}
    written = await plant.ask(f"{STOP}/reason", method="POST", body=body, headers=own)
    assert written.status_code == 200
    assert len((await get(plant, f"/api/audit?{DAY}"))["entries"]) == 1


async def test_what_a_form_sends_is_not_taken_for_json(plant: WebPlant) -> None:
    answer = await plant.ask(
        f"{STOP}/reason",
        method="POST",
        headers={"Content-Type": "text/plain"},
        content=json.dumps({"by": "김", "reason": "E10"}).encode(),
    )
    assert answer.status_code == 422


async def test_a_body_beyond_all_reason_is_not_read(plant: WebPlant) -> None:
    body = {"by": "김", "reason": "E10", "comment": "x" * 100_000}
    answer = await plant.ask(f"{STOP}/reason", method="POST", body=body)
    assert answer.status_code == 413
