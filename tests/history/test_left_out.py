"""Rows of another version: named, counted and left out, while all the rest is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from builders import T0_S, WebPlant, code, line, site
from history.alarms import raised
from history.asked import lanes_of
from history.told import a_batch, a_run, a_server_event
from lineside.core.model import PlcLink
from lineside.history.event_store import plc_events, server_events
from lineside.history.past import changes_at
from lineside.history.records import AlarmRecord, PlcRecord, Record
from lineside.history.service import History
from lineside.history.store import Store
from web.memory import MINUTE_MS, remembering
from web.memory import told as told_minutes

T0_MS = round(T0_S * 1000)
MINUTES = 30
END_MS = T0_MS + MINUTES * MINUTE_MS
BROKEN = (
    # One change of machine 101: it was running, then something that nobody here knows.
    "UPDATE state_change SET status = 'warming_up' WHERE at_ms = :second",
    "UPDATE state_change SET tags = '[[\"mood_tag\",1]]', value = '{' WHERE at_ms = :third",
    "UPDATE alarm SET state = 'out_of_service' WHERE id = 1",
    "UPDATE alarm SET severity = 'deadly' WHERE id = 2",
    "UPDATE alarm SET comments = '[[' WHERE id = 3",
    "UPDATE alarm_event SET kind = 'sung_about' WHERE alarm_id = 4 AND number = 1",
    "UPDATE plc_event SET link = 'dreaming' WHERE plc_id = 'PLC01'",
    "UPDATE server_event SET kind = 'moved_house' WHERE seq = 901",
    "UPDATE config_version SET site = '{\"lines\": 5}'",
    "INSERT INTO stop_mark (equipment_code, at_ms, kind) VALUES (:code, :third, 'fold')",
    "INSERT INTO audit (at_ms, made_by, action, subject, before) VALUES (:second, 'Kim', 'x', "
    "'y', '{')",
)
PLANT = site(line("weld1", range(101, 104)))


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[WebPlant, History]]:
    """Half an hour of three machines, three PLCs and five alarms, some rows of which are broken."""
    url = database_url if database_url.startswith("postgresql") else None
    letters = {101: "r" * 10 + "e" * 10 + "i" * 10, 102: "r" * MINUTES, 103: "r" * 20 + "e" * 10}
    (batch,) = told_minutes(PLANT, T0_MS, letters)
    more: list[Record] = [
        AlarmRecord(seq=100 + number, at_ms=T0_MS, alarm=raised(number)[0])
        for number in range(1, 6)
    ]
    alarm_event = raised(4)[1]
    more += [
        PlcRecord(seq=200 + number, plc_id=f"PLC0{number}", at_ms=T0_MS + number, link=PlcLink.LOST)
        for number in range(1, 4)
    ]
    more += [a_server_event(900 + number, T0_MS + number) for number in range(3)]
    extra = a_batch(a_run(1, T0_MS), [*more, _numbered(alarm_event, 300)], alive_ms=END_MS)
    plant, history = await remembering(
        tmp_path, PLANT, [batch, extra], now_s=END_MS / 1000, url=url
    )

    async def spoil(store: Store) -> None:
        words = {
            "second": T0_MS + 10 * MINUTE_MS,
            "third": T0_MS + 20 * MINUTE_MS,
            "code": code(103),
        }
        async with store.database.writing() as connection:
            for statement in BROKEN:
                known = {name: words[name] for name in words if f":{name}" in statement}
                await connection.execute(text(statement), known)

    await history.ask(spoil)
    yield plant, history
    history.stop()
    await history.wait_stopped(10)


def _numbered(record: AlarmRecord, seq: int) -> AlarmRecord:
    return replace(record, seq=seq, at_ms=T0_MS)


async def test_an_unknown_status_is_unseen_and_never_the_status_before_it(
    scene: tuple[WebPlant, History],
) -> None:
    _, history = scene
    codes = [code(101), code(102), code(103)]
    found = await history.ask(lambda store: lanes_of(store, codes, T0_MS, END_MS))
    minutes = {
        machine: [((each.end_ms - each.begin_ms) // MINUTE_MS, each.status) for each in intervals]
        for machine, intervals in found.items()
    }
    assert minutes == {
        code(101): [(10, "running"), (10, None), (10, "idle")],
        code(102): [(30, "running")],
        code(103): [(20, "running"), (10, "error")],
    }
    then = await history.ask(lambda store: changes_at(store, codes, T0_MS + 15 * MINUTE_MS))
    assert sorted(then) == [code(102), code(103)]
    changes = await history.ask(lambda store: store.changes([code(101)], T0_MS, END_MS, limit=2))
    assert [each.status for each in changes] == ["running", "idle"]
    last, _, _ = await history.ask(
        lambda store: store.last_changes(code(101), T0_MS, T0_MS + 15 * MINUTE_MS)
    )
    assert last is not None
    assert last.status is None


async def test_pages_are_as_long_as_if_what_is_left_out_were_not_there(
    scene: tuple[WebPlant, History],
) -> None:
    _, history = scene
    of_plcs = await history.ask(lambda store: plc_events(store, T0_MS, END_MS, limit=2))
    assert [each.plc_id for each in of_plcs] == ["PLC02", "PLC03"]
    of_server = await history.ask(lambda store: server_events(store, T0_MS, END_MS, limit=2))
    assert [each.seq for each in of_server] == [900, 902]
    plant, _ = scene
    answer = (await plant.ask("/api/alarms?limit=1")).json()
    assert (len(answer["alarms"]), answer["next"] is not None) == (1, True)


async def test_alarms_of_before_are_recalled_without_those_that_are_not_understood(
    scene: tuple[WebPlant, History],
) -> None:
    _, history = scene
    recalled = await history.ask(lambda store: store.alarms.recall(["PLC01"], END_MS))
    assert sorted(alarm.id for alarm in recalled.open) == [4, 5]
    assert code(101) in recalled.statuses  # idle at last
    events = await history.ask(lambda store: store.alarms.events(4))
    assert events == []


async def test_every_page_of_the_past_is_answered_and_the_rows_are_named(
    scene: tuple[WebPlant, History],
) -> None:
    plant, history = scene
    window = "from=2025-11-03T10:00:00Z&to=2025-11-03T11:30:00Z"
    for path in (
        f"/api/timeline?{window}",
        f"/api/timeline?{window}&resolution_ms=60000",
        "/api/board?at=2025-11-03T10:45:45Z",
        f"/api/kpis?{window}",
        f"/api/kpis/intervals?{window}&code={code(101)}",
        "/api/report?period=day&day=2025-11-03",
        f"/api/stops?{window}",
        f"/api/equipment/{code(101)}/changes?{window}",
        "/api/alarms",
        "/api/alarms/4",
        "/api/alarms/statistics",
        f"/api/plc-events?{window}",
        f"/api/server-events?{window}",
        f"/api/audit?{window}",
        *(
            f"/api/export/{kind}.csv?{window}"
            for kind in ("changes", "intervals", "kpis", "stops", "alarms", "plc-events")
        ),
    ):
        answer = await plant.ask(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
    health: dict[str, Any] = json.loads((await plant.ask("/api/history/health")).text)
    # One row for each statement but the audit's; the tags' one hits a change of 101 and of 103.
    assert health["left_out"] == len(BROKEN)
    assert health["left_out_why"]
    assert health["faults"] == 0
    assert history.left_out.count == health["left_out"]
