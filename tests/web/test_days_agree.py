"""One day everywhere: whoever is asked for a day, a week or a month counts the same time."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from builders import WebPlant, code, line, site
from core.calendars import MINUTE_MS, ms, plant, shift
from lineside.cli import main
from lineside.config import load_config
from lineside.core.calendar import WEEK, DayKind, PlantCalendar
from lineside.core.model import Site
from lineside.drivers import DRIVERS
from web.memory import get, remembering, told

HOUR_MS = 60 * MINUTE_MS
NIGHT = f"""\
[plant]
time_zone = "Asia/Seoul"

[[line]]
id = "weld1"
name = "용접 1라인"

[[shift]]
id = "night"
name = "야간"
days = ["mon-fri"]
start = "20:00"
end = "05:00"

[[plc]]
id = "PLC01"
host = "127.0.0.1"
port = 5010
family = "Q"

[[equipment]]
code = "{code(101)}"
name = "로봇 용접 101"
plc = "PLC01"
status_tag = "M101"
error_tag = "M201"
"""
MONDAY_MS = ms("2026-03-02 00:00")
# From Monday, midnight, on: all runs but for 01:00 to 02:00 on Tuesday.
STOOD = "r" * 25 * 60 + "s" * 60 + "r" * 22 * 60
NUMBERS = (
    "availability",
    "coverage",
    "strict_availability",
    "utilisation",
    "technical_efficiency",
    "mtbf_ms",
    "mttr_ms",
    "failures",
    "stops",
    "stop_ms",
    "micro_stops",
    "micro_stop_ms",
    "planned_busy_ms",
    "running_ms",
    "idle_ms",
    "stopped_ms",
    "error_ms",
    "disconnected_ms",
    "unseen_ms",
)
FIGURES = ("planned_busy_ms", "running_ms", "stops", "stop_ms", "availability")


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[tuple[WebPlant, Path]]:
    config = tmp_path / "lineside.toml"
    config.write_text(NIGHT, encoding="utf-8")
    site_ = load_config(config, DRIVERS).site
    batches = told(site_, MONDAY_MS, {101: STOOD})
    now_s = ms("2026-03-04 00:00") / 1000
    built, history = await remembering(tmp_path, site_, batches, now_s=now_s)
    yield built, config
    history.stop()
    await history.wait_stopped(10)


def picked(row: Any) -> list[str]:
    return [str(row[name]) for name in FIGURES]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


async def test_a_stop_in_the_night_belongs_to_the_day_on_which_its_shift_began(
    night: tuple[WebPlant, Path],
) -> None:
    built, config = night
    report = await get(built, "/api/report?line=weld1&day=2026-03-02")
    expected = [str(9 * HOUR_MS), str(8 * HOUR_MS), "1", str(HOUR_MS), str(8 / 9)]
    assert picked(report["kpis"]) == expected
    assert picked(report["trend"][-1]) == expected
    # As the page downloads it, by moments, and as people write it, by days.
    moments = f"from={report['begin']}&to={report['end']}"
    for window in (moments, "from=2026-03-02&to=2026-03-03"):
        for grain in ("whole", "day", "week", "month", "shift"):
            path = f"/api/kpis?line=weld1&{window}&grain={grain}"
            assert [picked(row) for row in (await get(built, path))["rows"]] == [expected]
        exported = await built.ask(f"/api/export/kpis.csv?line=weld1&{window}&grain=day")
        assert [picked(row) for row in rows_of(exported.text)] == [expected]
        stops = await built.ask(f"/api/export/stops.csv?line=weld1&{window}")
        assert [row["down_ms"] for row in rows_of(stops.text)] == [str(HOUR_MS)]
    words = ["--from", "2026-03-02", "--to", "2026-03-03", "--config", str(config)]
    for kind, count in (("kpis", 1), ("stops", 1)):
        written = await asyncio.to_thread(CliRunner().invoke, main, ["export", kind, *words])
        assert written.exit_code == 0, written.output
        found = rows_of(written.stdout)
        assert len(found) == count
        if kind == "kpis":
            assert picked(found[0]) == expected
    following = await get(built, "/api/kpis?line=weld1&from=2026-03-03&to=2026-03-04&grain=day")
    assert [row["stops"] for row in following["rows"]] == [0]


async def test_today_is_the_day_of_the_shift_that_goes_on(night: tuple[WebPlant, Path]) -> None:
    built, _ = night
    for at, day in (("04:59", "2026-03-02"), ("05:00", "2026-03-03")):
        built.clock.unix_s = ms(f"2026-03-03 {at}") / 1000
        built.tick()
        today = await get(built, "/api/today?line=weld1")
        report = await get(built, "/api/report?line=weld1")
        assert today["day"] == report["day"] == day
        assert (today["begin"], today["end"]) == (report["begin"], report["end"])


@pytest.mark.parametrize(
    ("window", "name"),
    [
        ("from=2026-03-02&to=2026-03-02", "to"),
        ("from=2026-02-30&to=2026-03-02", "from"),
        ("from=1066-10-14&to=2026-03-02", "from"),
        ("from=2026-03-02T00:00:00&to=2026-03-03", "from"),
    ],
)
async def test_what_is_no_day_is_refused_by_name(
    night: tuple[WebPlant, Path], window: str, name: str
) -> None:
    answer = await night[0].ask(f"/api/kpis?{window}")
    assert answer.status_code == 422
    assert name in answer.json()["detail"]


def a_plan(rng: Random) -> PlantCalendar:
    """Return one to three shifts that do not overlap and may reach over midnight, by weekday."""
    cuts = sorted(rng.sample(range(0, 24 * 60, 15), 2 * rng.randint(1, 3)))
    begins, ends = cuts[::2], cuts[1::2]
    if rng.random() < 0.6:  # the last one goes over midnight, up to where the first begins
        ends[-1] = 24 * 60 + rng.randrange(0, begins[0] + 1, 15)
    shifts = []
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        days: tuple[DayKind, ...] = tuple(rng.sample(WEEK, rng.randint(1, 7)))
        hours = f"{begin // 60}:{begin % 60:02d}-{end // 60}:{end % 60:02d}"
        shifts.append(shift(f"s{number}", hours, days=days))
    return plant(*shifts, zone=rng.choice(("Asia/Seoul", "Europe/Berlin", "America/New_York")))


def a_life(rng: Random, minutes: int) -> str:
    letters: list[str] = []
    while len(letters) < minutes:
        letters += rng.choice("rrriseed") * rng.choice((1, 7, 90, 400))
    return "".join(letters[:minutes])


@pytest.mark.parametrize("seed", range(5))
async def test_every_surface_counts_the_same_day(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    calendar = a_plan(rng)
    site_: Site = replace(site(line("weld1", range(101, 102))), calendar=calendar)
    zone = calendar.time_zone
    begin_ms = ms("2026-03-20 00:00", zone)
    lives = {101: a_life(rng, 16 * 24 * 60)}
    batches = told(site_, begin_ms, lives)
    now_s = ms("2026-04-05 00:00", zone) / 1000
    built, history = await remembering(tmp_path, site_, batches, now_s=now_s)
    try:
        days = [date(2026, 3, 23) + timedelta(days=n) for n in range(10)]  # clocks change on 29
        until = days[-1] + timedelta(days=1)
        rows = (await get(built, f"/api/kpis?from={days[0]}&to={until}&grain=day"))["rows"]
        assert [row["label"] for row in rows] == [str(day) for day in days]
        exported = await built.ask(f"/api/export/kpis.csv?from={days[0]}&to={until}&grain=day")
        for day, row, line_ in zip(days, rows, rows_of(exported.text), strict=True):
            report = await get(built, f"/api/report?line=weld1&day={day}")
            [of_machine] = report["machines"]
            assert of_machine == row
            assert picked(report["kpis"]) == picked(row) == picked_csv(line_)
            listed = (await get(built, f"/api/stops?from={row['begin']}&to={row['end']}"))["stops"]
            stops = await built.ask(f"/api/export/stops.csv?from={row['begin']}&to={row['end']}")
            assert sum(each["stops"] for each in listed) == row["stops"]
            assert sum(int(each["stops"]) for each in rows_of(stops.text)) == row["stops"]
            for pareto in (report["pareto_by_machine"], report["pareto_by_reason"]):
                assert sum(each["count"] for each in pareto) == row["stops"]
            shifts = f"from={day}&to={day + timedelta(days=1)}&grain=shift"
            pieces = (await get(built, f"/api/kpis?{shifts}"))["rows"]
            assert [each["label"].split()[0] for each in pieces] == [str(day)] * len(pieces)
            for name in ("planned_busy_ms", "running_ms", "stopped_ms", "disconnected_ms"):
                assert sum(each[name] for each in pieces) == row[name]
            counted = await get(
                built, f"/api/kpis/intervals?code={code(101)}&from={row['begin']}&to={row['end']}"
            )
            ran = [each for each in counted["intervals"] if each["counts_as"] == "running"]
            assert sum(map(length_ms, ran)) == row["running_ms"]
        book = await built.ask(f"/api/export/kpis.xlsx?from={days[0]}&to={until}&grain=day")
        assert numbers_in(book.content) == [
            [row[name] for name in NUMBERS if row[name] is not None] for row in rows
        ]
        for grain in ("week", "month", "whole"):
            path = f"/api/kpis?from={days[0]}&to={until}&grain={grain}"
            found = (await get(built, path))["rows"]
            for name in ("planned_busy_ms", "running_ms", "error_ms", "idle_ms"):
                assert sum(each[name] for each in found) == sum(each[name] for each in rows)
    finally:
        history.stop()
        await history.wait_stopped(10)


def picked_csv(row: dict[str, str]) -> list[str]:
    return [row[name] or "None" for name in FIGURES]


def numbers_in(book: bytes) -> list[list[float]]:
    """Return the figures that stand in the rows of an Excel file, as its XML has them."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    rows = []
    for row in re.findall(r"<row [^>]*>(.*?)</row>", sheet)[1:]:
        cells = re.findall(r'<c r="[A-Z]+[0-9]+"(?: s="[0-9]+")?><v>([^<]*)</v></c>', row)
        rows.append([float(text) for text in cells[2:]])  # behind begin and end
    return rows


def length_ms(interval: Any) -> int:
    begin, end = (datetime.fromisoformat(interval[name]) for name in ("begin", "end"))
    return round((end - begin) / timedelta(milliseconds=1))
