"""Text that no database can hold is refused in words, wherever it comes in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from msgspec.structs import replace

from builders import T0_S, WebPlant, code, line, site
from lineside.core.model import DowntimeReason
from web.memory import MINUTE_MS, remembering, told

T0_MS = round(T0_S * 1000)
PLANT = replace(
    site(line("weld1", range(101, 103))),
    downtime_reasons=(DowntimeReason(code="E", name="설비", name_en="Equipment"),),
)
WINDOW = "from=2025-11-03T10:00:00Z&to=2025-11-03T12:30:00Z"
STOP = f"{code(101)}@{T0_MS + 10 * MINUTE_MS}"
NUL, HALF = "a\0b", "a\ud800b"


@pytest.fixture
async def plant(database_url: str, tmp_path: Path) -> AsyncIterator[WebPlant]:
    url = database_url if database_url.startswith("postgresql") else None
    batches = told(PLANT, T0_MS, {101: "r" * 10 + "e" * 30 + "r" * 20, 102: "r" * 60})
    now_s = T0_S + 3600
    plant, history = await remembering(tmp_path, PLANT, batches, now_s=now_s, url=url)
    yield plant
    history.stop()
    await history.wait_stopped(10)


WRITTEN: list[tuple[str, dict[str, Any], str]] = [
    (f"/api/stops/{STOP}/reason", {"reason": "E", "by": "Kim"}, "comment"),
    (f"/api/stops/{STOP}/reason", {"reason": "E"}, "by"),
    (f"/api/stops/{STOP}/reason", {"by": "Kim"}, "reason"),
    (f"/api/stops/{STOP}/split", {"at": "2025-11-03T10:50:00Z"}, "by"),
    (f"/api/stops/{STOP}/merge", {"by": "Kim"}, "with"),
    (
        "/api/planned-downtimes",
        {
            "line": "weld1",
            "by": "Kim",
            "from": "2025-11-03T10:00:00Z",
            "to": "2025-11-03T11:00:00Z",
        },
        "comment",
    ),
    ("/api/alarms/1/acknowledge", {"by": "Kim"}, "comment"),
    ("/api/alarms/1/acknowledge", {}, "by"),
    ("/api/alarms/1/shelve", {"by": "Kim", "minutes": 5}, "comment"),
    ("/api/alarms/1/comment", {"by": "Kim"}, "text"),
    ("/api/alarms/acknowledge", {"by": "Kim", "ids": [1]}, "comment"),
    (
        "/api/kpis/preview",
        {"from": "2025-11-03T10:00:00Z", "to": "2025-11-03T11:00:00Z"},
        "line",
    ),
]


async def post(plant: WebPlant, path: str, body: dict[str, Any]) -> httpx.Response:
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return await plant.ask(path, method="POST", headers=headers, content=content)


@pytest.mark.parametrize("text", [NUL, HALF], ids=["nul", "half"])
async def test_what_people_write_is_refused_and_named(plant: WebPlant, text: str) -> None:
    for path, body, name in WRITTEN:
        answer = await post(plant, path, {**body, name: text})
        assert answer.status_code == 422, (path, name, answer.status_code, answer.text)
        assert name in answer.json()["detail"]


async def test_what_is_asked_is_refused_and_named(plant: WebPlant) -> None:
    nul = quote(NUL)
    for path, name in (
        (f"/api/alarms?q={nul}", "q"),
        (f"/api/audit?{WINDOW}&code={nul}", "code"),
        (f"/api/timeline?{WINDOW}&line={nul}", "line"),
        (f"/api/kpis?{WINDOW}&code={nul}", "code"),
        (f"/api/plc-events?{WINDOW}&plc={nul}", "plc"),
        (f"/api/equipment/{nul}/changes?{WINDOW}", "code"),
        (f"/api/export/changes.csv?{WINDOW}&line={nul}", "line"),
    ):
        answer = await plant.ask(path)
        assert answer.status_code == 422, (path, answer.status_code, answer.text)
        assert answer.json()["detail"].startswith(f"{name}: holds a NUL")


async def test_what_every_database_can_hold_is_kept(plant: WebPlant) -> None:
    body = {"reason": "E", "by": "김철수", "comment": "first line\nsecond 👷 line"}
    answer = await post(plant, f"/api/stops/{STOP}/reason", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["stops"][0]["comment"] == body["comment"]
