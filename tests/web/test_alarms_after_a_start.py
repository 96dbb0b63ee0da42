"""Alarms over HTTP after a start, while those of before are not known yet."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from builders import site_change, state_change
from lineside.core.model import Status
from lineside.history import alarm_flood
from lineside.history import database as database_module
from lineside.history.alarm_desk import AlarmDesk
from serving import eventually
from web.alarm_scene import KIM, Scene


async def test_before_the_past_is_known_lists_say_that_they_are_not_complete(
    tmp_path: Path,
) -> None:
    scene = await Scene.opened(tmp_path)
    stored = await scene.id_of(101)
    scene.history.alarms = AlarmDesk(scene.history.recorder, scene.clock)  # as after a start
    body = await scene.get("/api/alarms?state=unacknowledged")
    assert body["is_complete"] is False
    # What is not known is not counted: a number would be too low.
    metrics = [each for each in (await scene.ask("/metrics")).text.splitlines() if each[0] != "#"]
    assert [each for each in metrics if each.startswith("lineside_alarms")] == [
        "lineside_alarms_complete 0.0"
    ]
    refused = await scene.post(f"/api/alarms/{stored}/acknowledge", KIM, 503)
    assert "still being read" in refused["detail"]
    scene.history.stop()
    assert await scene.history.wait_stopped(60)


async def test_an_alarm_that_waits_in_the_spool_is_still_being_read_and_not_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "LOCK_WAIT_S", 0.1)
    before = await Scene.opened(tmp_path)
    stored = await before.id_of(101)
    with closing(sqlite3.connect(tmp_path / "lineside-history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        before.hear(state_change(104, Status.ERROR, at_s=before.clock.unix_s))
        (alarm,) = [each for each in before.history.alarms.book if each.source.endswith("104")]
        await eventually(lambda: bool(before.history.health().spooled), "nothing is spooled")
        before.history.stop()
        await before.history.wait_stopped(60)

        scene = Scene.with_history(tmp_path)
        scene.clock.turn(100.0)
        scene.hear(site_change(scene.site, at_s=scene.clock.unix_s))
        scene.tick()
        scene.history.start()
        await eventually(lambda: scene.history.is_open, "the history is not opened")
        for alarm_id in (stored, alarm.id):
            refused = await scene.post(f"/api/alarms/{alarm_id}/acknowledge", KIM, 503)
            assert "still being read" in refused["detail"]
        answer = await scene.ask(f"/api/alarms/{alarm.id}")
        assert answer.status_code == 503
    async with asyncio.timeout(60):
        await scene.history.recall_alarms()
    assert (await scene.post(f"/api/alarms/{alarm.id}/acknowledge", KIM))["state"]
    await scene.post("/api/alarms/7/acknowledge", KIM, 404)
    scene.history.stop()
    assert await scene.history.wait_stopped(60)


async def test_while_alarms_wait_for_room_lists_say_that_they_are_not_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_flood, "RISES_MAX", 2)
    scene = await Scene.opened(tmp_path)
    for path in ("alarms", "alarms/recent", "alarms?from=2025-11-03T00:00:00Z"):
        assert (await scene.get(f"/api/{path}"))["is_complete"] is False
    assert (await scene.get("/api/alarms?to=2025-11-03T00:00:00Z"))["is_complete"] is True
    scene.history.stop()
    assert await scene.history.wait_stopped(60)
