"""The examples of the documents, computed anew: key figures by hand, and the plan of a week."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import msgspec

from core.calendars import ms
from docs.markdown import ROOT, blocks
from lineside.config import LoadedConfig, load_config
from lineside.core.model import Status
from lineside.core.spans import Span, total_ms
from lineside.drivers import DRIVERS
from lineside.history.kpi import Kpis, kpis_of, parts_of, totals_of

KPI = (ROOT / "docs/reference/kpi.md").read_text(encoding="utf-8")
SHIFTS = (ROOT / "docs/howto/shifts.md").read_text(encoding="utf-8")
DAY = "2026-03-02"
LINE = '[[line]]\nid = "weld1"\nname = "용접"\n'
MACHINE = '[[equipment]]\ncode = "KRCWO12ELOA101"\nname = "로봇"\n'


class Row(msgspec.Struct, frozen=True, kw_only=True):
    begin_ms: int
    end_ms: int
    status: Status | None


def table(text: str, header: str) -> list[list[str]]:
    """Return the rows of the table whose first line begins with `header`."""
    lines = text[text.index(header) :].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def load(text: str, folder: Path) -> LoadedConfig:
    file = folder / "lineside.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, DRIVERS)


def moment(clock: str) -> int:
    return ms(f"{DAY} {clock}")


def figures(folder: Path) -> Kpis:
    [config] = blocks(KPI, "toml")
    site = load(LINE + MACHINE + config.text, folder).site
    downtime = Span(moment("10:00"), moment("10:20"))
    begin_ms, end_ms = moment("06:00"), moment("14:00")
    planned = site.calendar.of_line("weld1").planned(begin_ms, end_ms, [downtime])
    intervals = [
        Row(begin_ms=moment(begin), end_ms=moment(end), status=Status(status))
        for begin, end, status in table(KPI, "| from | to | status |")
    ]
    return kpis_of(totals_of(parts_of(intervals, planned, begin_ms, end_ms, site.kpi_rules)))


def minutes(duration_ms: float | None) -> str:
    return "null" if duration_ms is None else f"{round(duration_ms / 60_000, 2):g} min"


def percent(share: float | None) -> str:
    return "null" if share is None else f"{share * 100:.2f} %"


def test_the_example_of_key_figures_is_right(tmp_path: Path) -> None:
    found = figures(tmp_path)
    totals, times = found.totals, found.totals.times
    assert found.is_sufficient
    assert {row[0]: row[2] for row in table(KPI, "| figure | by hand | result |")} == {
        "PBT": minutes(times.planned_busy_ms),
        "U": minutes(times.not_seen_ms),
        "APT": minutes(times.actual_production_ms),
        "ADET": minutes(times.actual_delay_ms),
        "AUBT": minutes(times.actual_busy_ms),
        "coverage": percent(found.coverage),
        "availability": percent(found.availability),
        "strict availability": percent(found.strict_availability),
        "utilisation efficiency": percent(found.utilisation),
        "technical efficiency": percent(found.technical_efficiency),
        "failures": str(totals.failures),
        "MTBF": minutes(found.mtbf_ms),
        "MTTR": minutes(found.mttr_ms),
        "stops": str(totals.stops.stops),
        "time in stops": minutes(totals.stops.stop_ms),
        "micro-stops": str(totals.stops.micro_stops),
        "time in micro-stops": minutes(totals.stops.micro_stop_ms),
    }


def test_what_stands_in_the_example_as_a_sum_is_the_result() -> None:
    for figure, by_hand, result in table(KPI, "| figure | by hand | result |"):
        formula = re.sub(r"\([a-z0-9 ]*[a-z][a-z0-9 ]*\)", "", by_hand).replace("−", "-")
        if not re.fullmatch(r"[0-9+\-/() ]+", formula):
            continue
        value = eval(formula)  # noqa: S307  (digits and operators alone)
        unit = 100 if result.endswith("%") else 1
        assert round(value * unit, 2) == float(result.split()[0]), figure


def test_the_week_of_the_example_of_shifts_is_right(tmp_path: Path) -> None:
    [config] = blocks(SHIFTS, "toml")
    calendar = load(config.text, tmp_path).site.calendar
    columns = [("weld1", "day"), ("weld1", "night"), ("press", "day")]
    rows = table(SHIFTS, "| day | weld1, day |")
    assert len(rows) == 7
    for day, *planned, _ in rows:
        for (line, shift), shown in zip(columns, planned, strict=True):
            windows = calendar.of_line(line).shifts_of(date.fromisoformat(day))
            found = [total_ms(w.planned) // 60_000 for w in windows if w.shift_id == shift]
            assert [f"{m // 60}:{m % 60:02d}" for m in found] == [s for s in [shown] if s != "–"]
