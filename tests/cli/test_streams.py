"""Any text on any console, log and pipe; and readers that have read enough."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineside.history.database import Database
from lineside.history.settings import DATABASE_FILE
from lineside.history.store import Store

PLANT = """
[[line]]
id = "weld1"
name = "Prüfstand 용접 품질 😀"

[[plc]]
id = "PLC01"
host = "127.0.0.1"
port = 1
family = "Q"

[[equipment]]
code = "KRCWO12ELOA101"
name = "Upper 로봇 ✓ → café"
plc = "PLC01"
status_tag = "M100"
"""
ENCODINGS = ("cp949", "euc_kr", "ascii", "latin-1", "utf-8")


def lineside(folder: Path, encoding: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run(
        [sys.executable, "-m", "lineside.cli", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lineside.toml").write_text(PLANT, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_good_file_is_good_on_any_console(folder: Path, encoding: str) -> None:
    done = lineside(folder, encoding, "check", "lineside.toml")
    assert done.returncode == 0, done.stderr
    assert b"is good" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_mistakes_are_told_on_any_console(folder: Path, encoding: str) -> None:
    (folder / "lineside.toml").write_text(PLANT.replace("KRC", "품질"), encoding="utf-8")
    done = lineside(folder, encoding, "check", "lineside.toml")
    assert b"equipment[1].code" in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_program_reads_is_the_same_in_any_encoding(folder: Path, encoding: str) -> None:
    done = lineside(folder, encoding, "probe", "lineside.toml", "--json")
    assert b"Traceback" not in done.stderr
    json.loads(done.stdout.decode(encoding))


@pytest.mark.parametrize("encoding", ["cp949", "ascii"])
def test_a_server_whose_console_lacks_letters_serves(folder: Path, encoding: str) -> None:
    async def ask() -> tuple[bytes, int]:
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lineside.cli", "run", "--config", "lineside.toml", "--port", "0",
            cwd=folder,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert server.stdout is not None
        said = b""
        while b"plc lost" not in said and (line := await server.stdout.readline()):
            said += line
        server.terminate()
        said += await server.stdout.read()
        return said, await server.wait()

    said, code = asyncio.run(ask())
    assert code == 0, said
    assert b"http://127.0.0.1:" in said
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    "words", [["schema", "config"], ["check", "lineside.toml"], ["export", "changes"]]
)
def test_who_reads_the_output_may_stop_reading(folder: Path, words: list[str]) -> None:
    async def make_history() -> None:
        database = Database(f"sqlite+aiosqlite:///{folder / DATABASE_FILE}")
        await Store(database).write([])
        await database.close()

    asyncio.run(make_history())
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lineside.cli", *words],
            cwd=folder,
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
