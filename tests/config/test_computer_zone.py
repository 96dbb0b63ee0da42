"""Whose clock days follow where the configuration names no time zone, and who says so."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders import WebPlant
from core.calendars import ms
from lineside.cli import main
from lineside.config import load_config
from lineside.config.computer_zone import computer_zone
from lineside.core.errors import ConfigError
from lineside.drivers import DRIVERS
from web.memory import remembering, told

PLANT = """\
[[line]]
id = "weld1"
name = "용접 1라인"

[[plc]]
id = "PLC01"
host = "127.0.0.1"
port = 5010
family = "Q"

[[equipment]]
code = "KRCWO12ELOA101"
name = "Upper"
plc = "PLC01"
status_tag = "M100"
error_tag = "M200"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "lineside.toml"
    path.write_text(PLANT, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("tz", "zone"),
    [
        ("Asia/Seoul", "Asia/Seoul"),
        (":Asia/Seoul", "Asia/Seoul"),
        ("/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("KST-9", None),  # an offset, which does not say when the clock changes
        ("../etc/passwd", None),
    ],
)
def test_the_zone_of_the_environment_counts_by_its_name(tz: str, zone: str | None) -> None:
    assert computer_zone({"TZ": tz}) == zone


@pytest.mark.parametrize(
    ("target", "name", "zone"),
    [
        ("/usr/share/zoneinfo/Asia/Seoul", None, "Asia/Seoul"),
        ("../usr/share/zoneinfo/posix/Asia/Seoul", None, "Asia/Seoul"),
        ("/var/db/timezone/zoneinfo/Asia/Tokyo", "Asia/Seoul", "Asia/Tokyo"),  # macOS
        ("a copy", "Asia/Seoul\n", "Asia/Seoul"),
        ("a copy", None, None),
        (None, None, "UTC"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows keeps it elsewhere")
def test_the_zone_of_the_system_is_what_its_files_name(
    tmp_path: Path, target: str | None, name: str | None, zone: str | None
) -> None:
    localtime, timezone = tmp_path / "localtime", tmp_path / "timezone"
    if target == "a copy":
        localtime.write_bytes(b"TZif2")
    elif target is not None:
        localtime.symlink_to(target)
    if name is not None:
        timezone.write_text(name, encoding="utf-8")
    assert computer_zone({}, localtime, timezone) == zone


def test_check_says_whose_clock_days_follow(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    shown = CliRunner().invoke(main, ["check", str(config)])
    assert shown.exit_code == 0
    assert "Days follow the clock of this computer, Asia/Seoul" in shown.stdout
    said = json.loads(CliRunner().invoke(main, ["check", "--json", str(config)]).stdout)
    assert (said["time_zone"], said["is_computers_zone"]) == ("Asia/Seoul", True)
    config.write_text(PLANT + '[plant]\ntime_zone = "Europe/Berlin"\n', encoding="utf-8")
    named = CliRunner().invoke(main, ["check", str(config)])
    assert "Days follow" not in named.stdout
    said = json.loads(CliRunner().invoke(main, ["check", "--json", str(config)]).stdout)
    assert (said["time_zone"], said["is_computers_zone"]) == ("Europe/Berlin", False)


def test_a_zone_without_a_name_is_refused_unless_the_plant_names_one(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "KST-9")
    with pytest.raises(ConfigError) as refused:
        load_config(config, DRIVERS)
    (problem,) = refused.value.problems
    assert (problem.file, problem.path) == (str(config), "plant.time_zone")
    assert "does not say the name of its time zone" in problem.message
    config.write_text(PLANT + '[plant]\ntime_zone = "Asia/Seoul"\n', encoding="utf-8")
    assert load_config(config, DRIVERS).site.calendar.time_zone == "Asia/Seoul"


@pytest.fixture
async def seoul(config: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WebPlant]:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    site = load_config(config, DRIVERS).site
    begin_ms = ms("2026-11-30 08:30")
    batches = told(site, begin_ms, {101: "r" * 30})
    built, history = await remembering(
        config.parent, site, batches, now_s=ms("2026-11-30 09:00") / 1000
    )
    yield built
    history.stop()
    await history.wait_stopped(10)


async def test_half_past_eight_in_seoul_is_on_the_day_that_seoul_has(seoul: WebPlant) -> None:
    today = (await seoul.ask("/api/today")).json()
    assert today == {
        "line_id": "weld1",
        "day": "2026-11-30",
        "begin": "2026-11-29T15:00:00.000Z",
        "end": "2026-11-30T15:00:00.000Z",
        "time_zone": "Asia/Seoul",
        "is_computers_zone": True,
    }
    rows = (await seoul.ask("/api/kpis?from=2026-11-30&to=2026-12-01&grain=day")).json()["rows"]
    assert [row["label"] for row in rows] == ["2026-11-30"]
    exported = await seoul.ask("/api/export/kpis.csv?from=2026-11-30&to=2026-12-01")
    assert "2026-11-30 00:00:00,2026-11-29T15:00:00.000Z" in exported.text
    assert exported.text.splitlines()[1].endswith(",Asia/Seoul")
