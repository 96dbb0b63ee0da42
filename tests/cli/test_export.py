"""`lineside export` as a user meets it: without a server, and beside one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders import code
from core.calendars import ms
from history.told import a_batch, a_run
from lineside.cli import main
from lineside.config import load_config
from lineside.core.model import PlcLink
from lineside.drivers import DRIVERS
from lineside.history.database import Database
from lineside.history.records import PlcRecord, Record, ServerEventKind, ServerRecord
from lineside.history.settings import DATABASE_FILE
from lineside.history.store import Store
from web.memory import MINUTE_MS, told

DAY_MS = ms("2025-11-03 08:00")
CONFIG = f"""\
[plant]
time_zone = "Asia/Seoul"

[[line]]
id = "weld1"
name = "용접 1라인"

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


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "lineside.toml"
    path.write_text(CONFIG, encoding="utf-8")
    site = load_config(path, DRIVERS).site

    async def write() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / DATABASE_FILE}")
        events: list[Record] = [
            PlcRecord(seq=1, plc_id="PLC01", at_ms=DAY_MS, link=PlcLink.LOST, fault="no answer"),
            ServerRecord(seq=2, at_ms=DAY_MS, kind=ServerEventKind.STOP),
        ]
        told_ = told(site, DAY_MS, {101: "r" * 60 + "e" * 20 + "r" * 10})
        await Store(database).write([*told_, a_batch(a_run(2, DAY_MS), events)])
        await database.close()

    asyncio.run(write())
    return path


def export(config: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["export", *words, "--config", str(config)])
    return result.exit_code, result.stdout, result.stderr


def test_changes_go_to_standard_output_as_csv(config: Path) -> None:
    status, out, _ = export(config, "changes", "--from", "2025-11-03", "--to", "2025-11-04")
    assert status == 0
    lines = out.removeprefix("\ufeff").splitlines()
    assert lines[0].startswith("at,at_utc,line_id,code,name,")
    assert [line.split(",")[0] for line in lines[1:]] == [
        "2025-11-03 08:00:00",
        "2025-11-03 09:00:00",
        "2025-11-03 09:20:00",
    ]


def test_the_end_of_the_name_says_what_is_written(config: Path, tmp_path: Path) -> None:
    for name, magic in (("s.csv", b"\xef\xbb\xbf"), ("s.xlsx", b"PK"), ("s.parquet", b"PAR1")):
        file = tmp_path / name
        window = ("--from", "2025-11-03T00:00:00+09:00", "--to", "2025-11-04")
        status, _, told_ = export(config, "stops", *window, "-o", str(file))
        assert (status, told_) == (0, f"{file}: 1 row.\n")
        assert file.read_bytes().startswith(magic)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("plc-events", ",2025-11-02T23:00:00.000Z,PLC01,lost,no answer,,"),
        ("server-events", ",2025-11-02T23:00:00.000Z,stop,"),
    ],
)
def test_events_go_to_standard_output_as_csv(config: Path, kind: str, row: str) -> None:
    status, out, _ = export(config, kind, "--from", "2025-11-03", "--to", "2025-11-04")
    assert (status, out.splitlines()[1:]) == (0, [f"2025-11-03 08:00:00{row},Asia/Seoul"])


def test_what_waits_in_the_spool_is_not_called_unseen(config: Path) -> None:
    words = ("intervals", "--from", "2025-11-03", "--to", "2025-11-04")
    _, output, _ = export(config, *words)
    assert output.strip().splitlines()[-1].count("unseen") == 1, "no server has watched since"
    spool = config.parent / "lineside-history.spool"
    spool.mkdir(exist_ok=True)
    (spool / "000001.spool").write_bytes(b"what a server could not store yet")
    _, output, _ = export(config, *words)
    assert ",running,600000," in output.strip().splitlines()[-1]


def test_kpis_of_a_line(config: Path) -> None:
    words = ("--from", "2025-11-03", "--to", "2025-11-04", "--by", "line", "--grain", "whole")
    status, out, _ = export(config, "kpis", *words)
    assert status == 0
    assert f",{70 * MINUTE_MS}," in out


@pytest.mark.parametrize(
    ("words", "told_"),
    [
        (("kpis", "--from", "monday"), "neither a day"),
        (("kpis", "--from", "2025-11-04", "--to", "2025-11-03"), "--to must be after --from"),
        (("kpis", "--line", "press"), "lines: weld1"),
        (("kpis", "--code", "X"), "no machine 'X'"),
        (("kpis", "-o", "out.doc"), ".csv, .xlsx or .parquet"),
        (("kpis", "--format", "xlsx"), "name a file"),
    ],
)
def test_mistakes_are_told_with_what_to_do(
    config: Path, words: tuple[str, ...], told_: str
) -> None:
    status, _, err = export(config, *words)
    assert status == 2
    assert told_ in err


@pytest.mark.parametrize("kind", ["alarms", "changes", "intervals", "kpis", "stops"])
def test_a_machine_that_was_not_in_a_line_then_is_said_to_be_so(config: Path, kind: str) -> None:
    other = (
        f'[[equipment]]\ncode = "{code(201)}"\nname = "포장 201"\nplc = "PLC01"\nline = "pack"\n'
    )
    text = CONFIG.replace("[[plc]]", '[[line]]\nid = "pack"\nname = "포장"\n\n[[plc]]')
    text = text.replace("status_tag", 'line = "weld1"\nstatus_tag')
    config.write_text(f'{text}\n{other}status_tag = "M301"\n', encoding="utf-8")
    time = ("--from", "2025-11-03", "--to", "2025-11-04")
    status, _, error = export(config, kind, *time, "--line", "pack", "--code", code(101))
    assert status == 2
    assert f"{code(101)} was not in line pack then" in error
    assert export(config, kind, *time, "--line", "weld1", "--code", code(101))[0] == 0


def test_without_a_history_it_says_where_there_should_be_one(config: Path) -> None:
    (config.parent / DATABASE_FILE).unlink()
    status, _, err = export(config, "changes")
    assert status == 2
    assert DATABASE_FILE in err


def test_a_file_that_cannot_be_written_leaves_nothing_behind(config: Path, tmp_path: Path) -> None:
    status, _, err = export(config, "changes", "-o", str(tmp_path / "no" / "such.csv"))
    assert status == 2
    assert "cannot be written" in err
