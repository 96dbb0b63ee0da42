"""Working time from lineside.toml: what the tables become, and what is guessed from slips."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest
from pydantic import ValidationError

from lineside.config import LoadedConfig, load_config
from lineside.config.schema import PlantConfig, ShiftConfig
from lineside.config.shifts import hours_of
from lineside.config.wall_time import format_minute, public_holidays
from lineside.core.calendar import WEEK, DayKind
from lineside.core.errors import ConfigError
from lineside.core.limits import SHIFT_EXCEPTIONS_MAX
from lineside.core.model import Site
from lineside.drivers import DRIVERS

CASES = Path(__file__).parent / "cases"
SHIFT = {"id": "day", "name": "주간", "days": ["mon"], "start": "06:00", "end": "14:00"}
LINE = '[[line]]\nid = "weld1"\nname = "용접"\n'
MACHINE = '[[equipment]]\ncode = "KRCWO12ELOA101"\nname = "로봇"\n'
PLANT = '[plant]\ntime_zone = "Asia/Seoul"\n'
DAY = '[[shift]]\nid = "day"\nname = "주간"\ndays = ["mon-fri"]\nstart = "06:00"\nend = "14:00"\n'


def load(tmp_path: Path, text: str) -> LoadedConfig:
    file = tmp_path / "lineside.toml"
    file.write_text(LINE + MACHINE + text, encoding="utf-8")
    return load_config(file, DRIVERS)


def test_the_tables_of_working_time_become_a_calendar() -> None:
    site = load_config(CASES / "good-work-time" / "lineside.toml", DRIVERS).site
    calendar = site.calendar
    assert calendar.time_zone == "Asia/Seoul"
    assert [shift.id for shift in calendar.shifts] == ["day", "night", "guard"]
    night = calendar.shifts[1]
    assert night.line_ids == ("weld1",)
    assert night.days == (*WEEK[:4], DayKind.SUNDAY)
    assert (night.hours.begin_minute, night.hours.end_minute) == (22 * 60, 30 * 60)
    assert night.hours.breaks == ((1430, 1450), (26 * 60, 26 * 60 + 30))
    assert calendar.shifts[2].hours.end_minute == 24 * 60
    closed, extra = calendar.exceptions
    assert (closed.first_day, closed.last_day) == (date(2026, 7, 27), date(2026, 7, 31))
    assert (closed.shift_id, closed.hours) == (None, None)
    assert extra.hours is not None
    assert (extra.shift_id, extra.hours.breaks) == ("day", ())
    assert site.kpi_rules.micro_stop_ms == 90_000
    assert site.kpi_rules.failure_after_ms == 3_000
    assert [(r.code, r.parent) for r in site.downtime_reasons] == [("E", None), ("E10", "E")]


def test_a_site_with_working_time_can_be_written_as_json_and_read_back() -> None:
    site = load_config(CASES / "good-work-time" / "lineside.toml", DRIVERS).site
    assert msgspec.json.decode(msgspec.json.encode(site), type=Site) == site


def test_korean_holidays_are_free_with_their_substitutes() -> None:
    site = load_config(CASES / "good-work-time" / "lineside.toml", DRIVERS).site
    line = site.calendar.of_line("weld1")
    assert date(2026, 9, 25) in site.calendar.holidays  # 추석
    assert date(2026, 10, 5) in site.calendar.holidays  # 개천절, on a Saturday, is made up for
    assert line.shifts_of(date(2026, 9, 25)) == ()
    assert [w.shift_id for w in site.calendar.of_line("press").shifts_of(date(2026, 9, 25))] == [
        "guard"
    ]


def test_without_tables_of_working_time_all_time_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    site = load(tmp_path, "").site
    assert site.calendar.time_zone == "Asia/Tokyo"  # the computer's
    assert site.calendar.of_line("weld1").is_around_the_clock
    assert site.kpi_rules.micro_stop_ms == 120_000


def test_the_holidays_of_a_part_of_a_country_can_be_named() -> None:
    bavaria = public_holidays("DE-BY")
    assert bavaria is not None
    assert date(2026, 1, 6) in bavaria
    assert public_holidays("XX") is None


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("Seoul", "Asia/Seoul"),
        ("asia/seoul", "Asia/Seoul"),
        ("KST", "Asia/Seoul"),
        ("UTC+9", "Asia/Seoul"),
        ("+09:00", "Asia/Seoul"),
        ("New York", "America/New_York"),
        ("Europe/Berln", "Europe/Berlin"),
    ],
)
def test_an_unknown_time_zone_is_a_mistake_with_a_guess(text: str, guess: str) -> None:
    with pytest.raises(ValidationError, match=f'did you mean "{guess}"'):
        PlantConfig.model_validate({"time_zone": text})


@pytest.mark.parametrize("text", ["nowhere at all", "../etc/passwd", "/etc/localtime", "", 9])
def test_nonsense_is_no_time_zone(text: object) -> None:
    with pytest.raises(ValidationError, match='write its name, as in "Asia/Seoul"'):
        PlantConfig.model_validate({"time_zone": text})


@pytest.mark.parametrize(
    ("days", "meant"),
    [
        (["mon-fri"], "mon tue wed thu fri"),
        (["fri-mon"], "mon fri sat sun"),
        (["Sat", "holiday", "sat"], "sat holiday"),
    ],
)
def test_days_are_words_and_ranges(days: list[str], meant: str) -> None:
    assert " ".join(ShiftConfig.model_validate(SHIFT | {"days": days}).days) == meant


def test_hours_that_end_where_they_begin_last_a_day() -> None:
    hours = hours_of(360, 360, [(300, 330)])
    assert (hours.begin_minute, hours.end_minute) == (360, 1800)
    assert hours.breaks == ((1740, 1770),)


def test_minutes_are_shown_as_a_clock_does() -> None:
    assert [format_minute(m) for m in (0, 605, 1440, 1441)] == ["00:00", "10:05", "24:00", "00:01"]


def test_other_hours_keep_those_breaks_that_lie_in_them(tmp_path: Path) -> None:
    shift = DAY + 'breaks = ["08:00-08:10", "12:00-12:40"]\n'
    other = '[[shift_exception]]\ndate = 2026-11-28\nstart = "06:00"\nend = "12:20"\n'
    [exception] = load(tmp_path, PLANT + shift + other).site.calendar.exceptions
    assert exception.shift_id == "day"
    assert exception.hours is not None
    assert exception.hours.breaks == ((480, 490), (720, 740))


def test_no_more_exceptions_are_taken_than_can_be_served(tmp_path: Path) -> None:
    many = '[[shift_exception]]\ndate = "2026-11-28"\nlines = ["weld1"]\n'
    count = SHIFT_EXCEPTIONS_MAX + 1
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, PLANT + DAY + many * count)
    assert any(f"at most {SHIFT_EXCEPTIONS_MAX}" in p.message for p in caught.value.problems)
