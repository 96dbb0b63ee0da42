"""Changed rules judge the past only after a person was shown the difference and applied them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import WebPlant, code, line, site
from core.calendars import ms, plant, shift
from history.told import a_batch, a_run
from lineside.core.calendar import WEEK
from lineside.core.model import KpiRules, Line, Site
from lineside.history.records import config_record
from web.memory import MINUTE_MS, remembering, told

BEGIN_MS = ms("2025-11-03 08:00")
THEN = replace(site(line("weld1", range(101, 102))), calendar=plant())
WINDOW = "from=2025-11-03T08:00:00%2B09:00&to=2025-11-03T12:00:00%2B09:00"
DAY = "from=2025-11-03T00:00:00%2B09:00&to=2025-11-04T00:00:00%2B09:00"
WISH = {
    "line": "weld1",
    "from": "2025-11-03T08:00:00+09:00",
    "to": "2025-11-03T12:00:00+09:00",
}


def ruled(some: Line, minutes: int) -> Line:
    return replace(
        some,
        stop_after_s=minutes * 60.0,
        equipment=tuple(
            replace(machine, rule=replace(machine.rule, stop_after_s=minutes * 60.0))
            for machine in some.equipment
        ),
    )


def with_stop_after(minutes: int) -> Site:
    return replace(THEN, lines=(ruled(THEN.lines[0], minutes),))


NOW = with_stop_after(30)


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[WebPlant]:
    (first,) = told(with_stop_after(5), BEGIN_MS, {101: "r" * 60 + "i" * 60 + "r" * 120})
    later = config_record(9_000, BEGIN_MS + 180 * MINUTE_MS, NOW)
    change = a_batch(a_run(1, BEGIN_MS), [later])
    now_s = (BEGIN_MS + 240 * MINUTE_MS) / 1000
    built, kept = await remembering(tmp_path, NOW, [first, change], now_s=now_s)
    yield built
    kept.stop()
    await kept.wait_stopped(10)


async def idle_min(history: WebPlant) -> float:
    answer = await history.ask(f"/api/kpis?{WINDOW}")
    return float(answer.json()["rows"][0]["idle_ms"]) / MINUTE_MS


async def send(history: WebPlant, method: str, path: str, body: Any, expect: int) -> Any:
    answer = await history.ask(path, method=method, body=body)
    assert answer.status_code == expect, answer.text
    return answer.json() if answer.content else None


async def test_a_person_who_was_shown_the_difference_applies_the_rules_and_takes_them_back(
    history: WebPlant,
) -> None:
    assert await idle_min(history) == 5
    shown = await send(history, "POST", "/api/kpis/preview", WISH, 200)
    assert shown["current"][0]["idle_ms"] == 5 * MINUTE_MS
    assert shown["preview"][0]["idle_ms"] == 30 * MINUTE_MS
    wish = {"line": "weld1", "version": shown["version"], "from": WISH["from"], "by": "김"}
    made = await send(history, "POST", "/api/rules/applied", wish, 201)
    assert await idle_min(history) == 30
    audit = (await history.ask(f"/api/audit?{DAY}")).json()["entries"]
    assert [(each["by"], each["action"]) for each in audit] == [("김", "rules.apply")]
    assert (await history.ask("/api/rules/applied")).json()["applied"] == [made]
    await send(history, "DELETE", f"/api/rules/applied/{made['id']}?by=Kim", None, 204)
    assert await idle_min(history) == 5


async def test_rules_that_nobody_was_shown_are_not_applied(history: WebPlant) -> None:
    tried = await send(history, "POST", "/api/kpis/preview", {**WISH, "stop_after": 60}, 200)
    assert tried["version"] is None
    wish = {"line": "weld1", "version": 1, "from": WISH["from"], "by": "김"}
    await send(history, "POST", "/api/rules/applied", wish, 409)
    assert await idle_min(history) == 5


async def test_rules_are_applied_to_the_time_that_was_shown_and_to_no_other(
    history: WebPlant,
) -> None:
    version = (await send(history, "POST", "/api/kpis/preview", WISH, 200))["version"]
    wish = {"line": "weld1", "version": version, "by": "김"}
    early = {"from": "2025-11-03T08:00:00+09:00", "to": "2025-11-03T08:30:00+09:00"}
    made = await send(history, "POST", "/api/rules/applied", {**wish, **early}, 201)
    assert made["end"] == "2025-11-02T23:30:00.000Z"
    assert await idle_min(history) == 5, "the stop of 09:00 lies behind it"
    backwards = {"from": early["to"], "to": early["from"]}
    await send(history, "POST", "/api/rules/applied", {**wish, **backwards}, 422)
    rest = {"from": early["to"], "to": WISH["to"]}
    await send(history, "POST", "/api/rules/applied", {**wish, **rest}, 201)
    assert await idle_min(history) == 30


def weld_and_pack(
    minutes: int, weld: Sequence[int], pack: Sequence[int], micro_stop_min: int, first: str
) -> Site:
    """105 has a `stop_after` of its own, of 10 minutes; the shift begins at `first`."""
    lines = []
    for some in (ruled(line("weld1", weld), minutes), ruled(line("pack", pack), minutes)):
        machines = tuple(
            replace(
                each, rule=replace(each.rule, stop_after_s=OWN_MS / 1000), has_own_stop_after=True
            )
            if each.code == code(105)
            else each
            for each in some.equipment
        )
        lines.append(replace(some, equipment=machines))
    return replace(
        site(*lines),
        calendar=plant(shift("day", f"{first}-20:00", days=WEEK)),
        kpi_rules=KpiRules(micro_stop_ms=micro_stop_min * MINUTE_MS),
    )


OWN_MS = 10 * MINUTE_MS


async def test_rules_applied_to_a_line_judge_all_machines_that_were_in_it_as_their_preview_shows(
    tmp_path: Path,
) -> None:
    """103 and 105 were taken out and 102 was moved away since, and judged by the rules of then."""
    waits = "r" * 60 + "i" * 60 + "r" * 60
    weeks = {101: waits, 102: waits, 103: waits, 105: waits, 104: "r" * 60 + "i" * 60 + "r" * 120}
    (first,) = told(weld_and_pack(5, (101, 102, 103, 105), (104,), 2, "06:00"), BEGIN_MS, weeks)
    now = weld_and_pack(30, (101,), (104, 102), 90, "09:00")
    change = a_batch(a_run(1, BEGIN_MS), [config_record(9_000, BEGIN_MS + 180 * MINUTE_MS, now)])
    now_s = (BEGIN_MS + 240 * MINUTE_MS) / 1000
    web, kept = await remembering(tmp_path, now, [first, change], now_s=now_s)

    async def rows(of_line: str = "weld1") -> dict[str, Any]:
        answer = await web.ask(f"/api/kpis?line={of_line}&{WINDOW}")
        return {row["code"]: row for row in answer.json()["rows"]}

    before, others = await rows(), await rows("pack")
    shown = await send(web, "POST", "/api/kpis/preview", WISH, 200)
    assert {row["code"]: row for row in shown["current"]} == before
    wish = {"line": "weld1", "version": shown["version"], "from": WISH["from"], "by": "김"}
    made = await send(web, "POST", "/api/rules/applied", wish, 201)
    after = await rows()
    assert {row["code"]: row for row in shown["preview"]} == after
    assert {row["idle_ms"] for row in before.values()} == {5 * MINUTE_MS, OWN_MS}
    assert before[code(103)]["stops"] == 1
    hour_ms = 60 * MINUTE_MS
    assert {name: row["idle_ms"] for name, row in after.items()} == {
        **dict.fromkeys((code(101), code(102), code(103)), 30 * MINUTE_MS),
        code(105): OWN_MS,
    }
    for name, row in after.items():
        assert (row["stops"], row["micro_stops"]) == (0, 1), name
        assert before[name]["planned_busy_ms"] - row["planned_busy_ms"] == hour_ms, name
    assert await rows("pack") == others, "what they did in another line is judged as before"
    await send(web, "DELETE", f"/api/rules/applied/{made['id']}?by=Kim", None, 204)
    assert await rows() == before
    tried = await send(web, "POST", "/api/kpis/preview", {**WISH, "stop_after": 1200}, 200)
    assert {row["code"]: row["idle_ms"] for row in tried["preview"]} == {
        **dict.fromkeys((code(101), code(102), code(103)), 20 * MINUTE_MS),
        code(105): OWN_MS,
    }
    assert tried["own_stop_after"] == [code(105)]
    kept.stop()
    await kept.wait_stopped(10)


async def test_a_tried_stop_after_leaves_machines_alone_that_have_one_of_their_own(
    tmp_path: Path,
) -> None:
    """What the preview shows is what `stop_after` of the line in lineside.toml would bring."""
    (mine,) = ruled(line("weld1", (102,)), 5).equipment
    own = replace(mine, has_own_stop_after=True)
    (usual,) = ruled(line("weld1", (101,)), 5).equipment
    both = replace(site(replace(THEN.lines[0], equipment=(usual, own))), calendar=plant())
    waits = "r" * 60 + "i" * 60 + "r" * 120
    now_s = (BEGIN_MS + 240 * MINUTE_MS) / 1000
    batches = told(both, BEGIN_MS, {101: waits, 102: waits})
    web, kept = await remembering(tmp_path, both, batches, now_s=now_s)
    tried = await send(web, "POST", "/api/kpis/preview", {**WISH, "stop_after": 1_800}, 200)
    assert [row["idle_ms"] / MINUTE_MS for row in tried["current"]] == [5, 5]
    assert [row["idle_ms"] / MINUTE_MS for row in tried["preview"]] == [30, 5]
    assert tried["own_stop_after"] == [own.code]
    hours = await send(web, "POST", "/api/kpis/preview", WISH, 200)
    assert hours["own_stop_after"] == [], "no stop_after is tried"
    kept.stop()
    await kept.wait_stopped(10)
