"""`lineside run --demo` comes with a past week, and shows its present no later for it."""

from __future__ import annotations

import json
import statistics
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from websockets.sync.client import ClientConnection, connect

import bounds
from processes import Server

pytestmark = [pytest.mark.timeout(900), pytest.mark.measures]

BOARD_S = 2.0
PATIENCE_S = 600.0  # a guard against hanging: 10 s on a machine with a core for it
LATE_MEDIAN_S = 0.05


def ask(server: Server, path: str) -> Any:
    """The answer; None while the history is being opened."""
    try:
        with urllib.request.urlopen(f"{server.address}{path}", timeout=120) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return None


def tick_lateness_s(client: ClientConnection) -> float:
    """How late the next tick is here: it is meant for a whole second."""
    while True:
        message = json.loads(client.recv(timeout=60))
        if message["type"] == "equipment_status":
            return time.time() % 1.0


def test_a_demo_has_a_past_week_and_ticks_on_time_while_it_is_written() -> None:
    now = datetime.now(UTC)
    began = time.monotonic()
    with Server("--demo") as server, connect(server.ws_address) as client:
        shown = time.monotonic()
        assert len(ask(server, "/api/equipment")["equipment"]) == 17
        bounds.hold(time.monotonic() - shown, BOARD_S, "all machines shown after (s)")
        late_s = []
        report = None
        day = (now.astimezone(ZoneInfo("Asia/Seoul")) - timedelta(days=2)).date()
        while report is None:
            assert time.monotonic() - began < PATIENCE_S, server.output
            late_s.append(tick_lateness_s(client))
            report = ask(server, f"/api/report?line=weld1&day={day}&shift=all")
        bounds.hold(statistics.median(late_s), LATE_MEDIAN_S, "median lateness of ticks (s)")
        _it_all_answers(server, now)
        server.wait_for("past week was generated")


def _it_all_answers(server: Server, now: datetime) -> None:
    begin, end = (f"{now - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (168, 0))
    window = f"from={begin}&to={end}"
    kpis = ask(server, f"/api/kpis?line=weld1&{window}&grain=whole&by=line")["rows"]
    assert 0.7 < kpis[0]["availability"] < 0.97
    assert kpis[0]["failures"] > 50
    assert 0.9 < kpis[0]["coverage"] < 1.0
    timeline = ask(server, f"/api/timeline?line=weld1&{window}&resolution_ms=60000")
    statuses = {each[2] for machine in timeline["equipment"] for each in machine["intervals"]}
    assert statuses == {"running", "idle", "stopped", "error", "disconnected", "unseen"}
    assert timeline["shifts"]
    alarms = ask(server, f"/api/alarms?line=weld1&{window}&limit=50")["alarms"]
    assert len(alarms) == 50
    assert any(each["acknowledged_by"] for each in alarms)
    stops = ask(server, f"/api/stops?line=weld1&{window}")["stops"]
    assert {each["reason"] is None for each in stops} == {True, False}
    _no_run_overlaps_the_present(timeline)


def _no_run_overlaps_the_present(timeline: dict[str, Any]) -> None:
    for machine in timeline["equipment"]:
        ends = [timeline["from_ms"]]
        for begin_ms, end_ms, *_ in machine["intervals"]:
            assert begin_ms == ends[-1]
            ends.append(end_ms)
