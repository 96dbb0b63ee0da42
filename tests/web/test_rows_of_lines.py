"""Which machines have rows of a line: those that were in it in the window, however one asks."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import WebPlant, code, line, site
from core.calendars import ms, plant, shift
from history.told import a_batch, a_run
from lineside.core.calendar import WEEK
from lineside.core.model import Site
from lineside.history.records import config_record
from web.memory import MINUTE_MS, get, remembering, told

BEGIN_MS = ms("2025-11-03 08:00")
HOUR_MS = 60 * MINUTE_MS
HOURS = 48
END_MS = BEGIN_MS + HOURS * HOUR_MS
# A day of pack goes on until six, that of weld1 ends at midnight.
SHIFTS = plant(shift("night", "22:00-30:00", days=WEEK, lines=("pack",)))
MOVED_MS = ms("2025-11-04 02:00")
GONE_MS = ms("2025-11-04 12:00")


def of(**machines: tuple[int, ...]) -> Site:
    return replace(site(*(line(name, some) for name, some in machines.items())), calendar=SHIFTS)


VERSIONS = {
    BEGIN_MS: of(weld1=(101, 102), pack=(201,), paint=(301,)),
    MOVED_MS: of(weld1=(101, 201), pack=(202, 301)),
    GONE_MS: of(weld1=(101, 201), pack=(202,)),
}
CODES = {
    ("2025-11-02", "weld1"): [],
    ("2025-11-02", "pack"): [],
    ("2025-11-03", "weld1"): [101, 102],
    ("2025-11-03", "pack"): [201, 202, 301],
    ("2025-11-04", "weld1"): [101, 102, 201],
    ("2025-11-04", "pack"): [202, 301],
}


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[WebPlant]:
    later = [*VERSIONS.items()][1:]
    lives = dict.fromkeys((101, 102, 201, 202, 301), "rrre" * (HOURS // 4))
    (past,) = told(VERSIONS[BEGIN_MS], BEGIN_MS, lives, unit_ms=HOUR_MS)
    changes = [config_record(90_000 + n, at_ms, each) for n, (at_ms, each) in enumerate(later)]
    change = a_batch(a_run(1, BEGIN_MS), changes, stopped_ms=END_MS)
    now = VERSIONS[GONE_MS]
    built, kept = await remembering(tmp_path, now, [past, change], now_s=END_MS / 1000)
    yield built
    kept.stop()
    await kept.wait_stopped(60)


def codes(rows: list[dict[str, Any]]) -> list[str]:
    return sorted({row["code"] for row in rows})


@pytest.mark.parametrize(("day", "of_line"), CODES)
async def test_a_day_of_a_line_has_the_same_machines_in_each_table(
    history: WebPlant, day: str, of_line: str
) -> None:
    report = await get(history, f"/api/report?line={of_line}&day={day}")
    moments = f"from={report['begin']}&to={report['end']}"
    days = f"from={day}&to={day[:-1]}{int(day[-1]) + 1}"
    expected = [code(number) for number in CODES[day, of_line]]
    assert codes(report["machines"]) == expected
    for asked in (moments, days, f"{days}&grain=day", f"{moments}&grain=day"):
        rows = (await get(history, f"/api/kpis?line={of_line}&{asked}"))["rows"]
        assert codes(rows) == expected, asked
        answer = await history.ask(f"/api/export/kpis.csv?line={of_line}&{asked}")
        exported = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert codes(exported) == expected, asked


async def test_a_machine_that_is_gone_is_named_after_the_last_line_that_it_was_in(
    history: WebPlant,
) -> None:
    """301 was in paint, which is gone, and then in pack, whose days end at six."""
    asked = f"from=2025-11-03T08:00:00%2B09:00&to=2025-11-05T08:00:00%2B09:00&code={code(301)}"
    rows = (await get(history, f"/api/kpis?{asked}&grain=day"))["rows"]
    assert {row["line_id"] for row in rows} == {"pack"}
    assert [row["end"][11:16] for row in rows] == ["21:00", "21:00", "23:00"]
    answer = await history.ask(f"/api/export/kpis.csv?{asked}&grain=day")
    exported = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["line_id"] for row in exported] == [row["line_id"] for row in rows]
    in_paint = f"from=2025-11-03T08:00:00%2B09:00&to=2025-11-03T12:00:00%2B09:00&code={code(301)}"
    (row,) = (await get(history, f"/api/kpis?{in_paint}"))["rows"]
    assert row["line_id"] == "paint", "it was nowhere else then"


async def test_a_machine_asked_for_by_its_name_has_a_row_of_time_before_it_was_there(
    history: WebPlant,
) -> None:
    before = "from=2025-11-01T08:00:00%2B09:00&to=2025-11-02T08:00:00%2B09:00"
    (row,) = (await get(history, f"/api/kpis?{before}&code={code(201)}"))["rows"]
    assert (row["line_id"], row["planned_busy_ms"], row["coverage"]) == ("weld1", 0, None)
    assert (await get(history, f"/api/kpis?{before}"))["rows"] == []
