"""`lineside run` with a history that has troubles: the board runs, and says what is wrong."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

import bounds
from lineside.core.times import iso_utc
from processes import Server, free_port

CONFIG = """\
[history]
{history}

[[line]]
id = "weld1"
name = "Weld 1"

[[equipment]]
code = "KRCWO12ELOA101"
name = "Robot"
"""
PATIENCE_S = 60.0


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "lineside.toml"
    path.write_text(CONFIG.format(history=""), encoding="utf-8")
    return path


def health(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.address}/api/history/health").json()
    return found


def until(server: Server, **expected: object) -> dict[str, Any]:
    """Ask how the history fares until it is as expected."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        found = health(server)
        if expected.items() <= found.items() and (found["written"] or found["spooled"]):
            return found
    raise AssertionError(health(server))


def test_history_is_on_by_itself_and_lies_beside_the_config(config: Path) -> None:
    with Server("--config", str(config)) as server:
        until(server, is_behind=False)
        assert server.terminate() == 0
    assert "Traceback" not in server.output
    with sqlite3.connect(config.with_name("lineside-history.db")) as database:
        (row,) = database.execute("SELECT cause, stopped_ms IS NOT NULL FROM run").fetchall()
        changes = database.execute("SELECT previous, status FROM state_change").fetchall()
    database.close()
    assert row == ("start", 1)
    assert changes == [(None, "disconnected")]


@pytest.mark.measures
def test_a_database_that_cannot_be_reached_is_one_line_in_the_log_and_the_board_runs(
    config: Path,
) -> None:
    url = f'url = "postgresql+asyncpg://lineside:secret@127.0.0.1:{free_port()}/lineside"'
    config.write_text(CONFIG.format(history=url), encoding="utf-8")
    with Server("--config", str(config)) as server:
        found = until(server, is_behind=True)
        assert "nothing listens there" in found["error"]
        assert httpx.get(f"{server.address}/readyz").status_code == 200
        assert httpx.get(f"{server.address}/api/equipment").status_code == 200
        begun_s = time.monotonic()
        assert server.terminate() == 0
        bounds.hold(time.monotonic() - begun_s, 5.0, "ended after (s)")
    assert "Traceback" not in server.output
    assert "secret" not in server.output
    assert server.output.count("history: not written") == 1
    assert list((config.parent / "lineside-history.spool").glob("*.spool"))


def test_a_history_that_is_switched_off_leaves_no_file(config: Path) -> None:
    config.write_text(CONFIG.format(history="enabled = false"), encoding="utf-8")
    with Server("--config", str(config)) as server:
        assert health(server)["is_enabled"] is False
        assert server.terminate() == 0
    assert [path.name for path in config.parent.iterdir()] == ["lineside.toml"]


def test_a_second_server_beside_the_first_runs_and_says_that_it_does_not_record(
    config: Path,
) -> None:
    with Server("--config", str(config)) as first, Server("--config", str(config)) as second:
        until(first, is_behind=False)
        second.wait_for("another Lineside records into")
        assert "another Lineside" in health(second)["error"]
        assert second.terminate() == 0
        assert first.terminate() == 0


def test_a_changed_history_table_is_told_to_apply_at_the_next_start(config: Path) -> None:
    with Server("--config", str(config)) as server:
        config.write_text(CONFIG.format(history='keep_changes = "30d"'), encoding="utf-8")
        server.wait_for(r"\[history\] applies at the next start")


def test_a_past_that_nobody_can_read_is_told_and_the_board_runs(config: Path) -> None:
    with Server("--config", str(config)) as server:
        until(server, is_behind=False)
        server.terminate()
    with sqlite3.connect(config.with_name("lineside-history.db")) as database:
        database.execute("UPDATE run SET alive_ms = 'once upon a time', stopped_ms = NULL")
    database.close()
    with Server("--config", str(config)) as server:
        server.wait_for("a fault of ours")
        found = health(server)
        assert found["faults"] > 0
        now_s = time.time()
        day = f"from={iso_utc(now_s - 3600)}&to={iso_utc(now_s)}"
        answer = httpx.get(f"{server.address}/api/timeline?{day}")
        assert answer.status_code == 503
        assert "The history cannot be read now" in answer.json()["detail"]
        assert httpx.get(f"{server.address}/readyz").status_code == 200
        assert httpx.get(f"{server.address}/api/equipment").status_code == 200
        assert server.terminate() == 0


def test_a_url_with_words_that_the_driver_does_not_take_as_they_are_does_not_end_the_server(
    config: Path,
) -> None:
    words = "sslmode=require&connect_timeout=5&application_name=x&statement_cache_size=0"
    url = f'url = "postgresql+asyncpg://u:secret@127.0.0.1:{free_port()}/x?{words}"'
    config.write_text(CONFIG.format(history=url), encoding="utf-8")
    with Server("--config", str(config)) as server:
        until(server, is_behind=True)
        assert httpx.get(f"{server.address}/readyz").status_code == 200
        assert server.terminate() == 0
    assert "secret" not in server.output
