"""Questions about the past, over HTTP, to a real history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from builders import T0_S, WebPlant, code, line, site, site_change, snapshot, state_change
from lineside.clock import system_clock
from lineside.core.model import Status
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from serving import eventually
from web.memory import get

DAY = "from=2025-11-03T00:00:00Z&to=2025-11-04T00:00:00%2B00:00"
CHANGES = f"/api/equipment/{code(101)}/changes"


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[History]:
    """Five changes of one machine, stored."""
    history = History(HistorySettings(folder=tmp_path), system_clock, "1.2.3")
    hear = history.recorder.on_message
    plant = site()
    hear(site_change(plant))
    tags = snapshot(plant).lines[0].equipment[0].tags
    for number, status in enumerate(Status):
        hear(replace(state_change(101, status, at_s=T0_S + number), tags=tags))
    history.start()
    await eventually(lambda: history.health().written >= 7, "nothing was written")
    yield history
    history.stop()
    await history.wait_stopped(60)


@pytest.fixture
def plant(history: History) -> WebPlant:
    plant = WebPlant(history=history)
    plant.configure()
    plant.tick()
    return plant


async def test_changes_of_a_window_come_oldest_first_with_reason_and_tags(plant: WebPlant) -> None:
    body = await get(plant, f"{CHANGES}?{DAY}")
    assert [each["status"] for each in body["changes"]] == [status.value for status in Status]
    assert body["next"] is None
    first = body["changes"][0]
    assert first["at"] == "2025-11-03T10:30:45.000Z"
    assert first["reason"]["code"] == "error_tag"
    assert first["reason"]["value"] == 1
    assert [tag["role"] for tag in first["tags"]] == ["status_tag", "error_tag"]
    assert first["tags"][0]["quality"] == "good"
    assert first["tags"][0]["read_at"] == "2025-11-03T10:30:44.750Z"


async def test_pages_follow_each_other(plant: WebPlant) -> None:
    first = await get(plant, f"{CHANGES}?{DAY}&limit=2")
    second = await get(plant, f"{CHANGES}?{DAY}&limit=2&after={first['next']}")
    third = await get(plant, f"{CHANGES}?{DAY}&limit=2&after={second['next']}")
    pages = [first, second, third]
    assert [len(page["changes"]) for page in pages] == [2, 2, 1]
    assert third["next"] is None
    at = [each["at"] for page in pages for each in page["changes"]]
    assert at == sorted(set(at))


async def test_an_answer_that_the_client_holds_is_not_sent_again(plant: WebPlant) -> None:
    answer = await plant.ask(f"{CHANGES}?{DAY}")
    again = await plant.ask(f"{CHANGES}?{DAY}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2025-11-03T00:00:00Z",
        "from=yesterday&to=2025-11-04T00:00:00Z",
        "from=2025-11-03T00:00:00&to=2025-11-04T00:00:00Z",
        "from=0001-01-01T00:00:00%2B14:00&to=2025-11-04T00:00:00Z",
        "from=2025-11-03T00:00:00Z&to=9999-12-31T23:59:59-14:00",
        f"{DAY}&limit=0",
        f"{DAY}&limit=5000",
        f"{DAY}&after=1.2",
        f"{DAY}&after=x",
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(plant: WebPlant, query: str) -> None:
    answer = await plant.ask(f"{CHANGES}?{query}")
    assert answer.status_code == 422


async def test_an_unknown_machine_is_not_found(plant: WebPlant) -> None:
    answer = await plant.ask(f"/api/equipment/{code(999)}/changes?{DAY}")
    assert answer.status_code == 404


async def test_health_says_that_everything_is_stored(plant: WebPlant) -> None:
    body = await get(plant, "/api/history/health")
    assert (body["is_enabled"], body["is_behind"], body["error"]) == (True, False, "")
    assert body["written"] >= 7
    assert body["database"].endswith("lineside-history.db")
    assert (body["set_aside"], body["warnings"]) == (0, [])
    assert body["wal_bytes"] > 0


async def test_metrics_say_how_the_history_fares(plant: WebPlant) -> None:
    text = (await plant.ask("/metrics")).text
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("lineside_history_")
    }
    assert found["lineside_history_up"] == 1
    assert found["lineside_history_behind_seconds"] == 0
    assert found["lineside_history_written_total"] >= 7
    assert found["lineside_history_lost_total"] == 0
    assert found["lineside_history_set_aside_total"] == 0
    assert found["lineside_history_warnings"] == 0
    assert found["lineside_history_wal_bytes"] > 0


async def test_a_history_that_is_not_open_answers_503_with_the_reason(tmp_path: Path) -> None:
    plant = WebPlant(history=History(HistorySettings(folder=tmp_path), system_clock, "1"))
    plant.configure()
    answer = await plant.ask(f"{CHANGES}?{DAY}")
    assert answer.status_code == 503
    assert "still being opened" in answer.json()["detail"]


async def test_a_history_that_is_switched_off_says_so() -> None:
    plant = WebPlant.ticking(site(line("weld1", range(101, 103))))
    assert (await get(plant, "/api/history/health"))["is_enabled"] is False
    answer = await plant.ask(f"{CHANGES}?{DAY}")
    assert answer.status_code == 503
    assert "switched off" in answer.json()["detail"]
    assert "lineside_history" not in (await plant.ask("/metrics")).text
