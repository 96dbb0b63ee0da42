"""How a database is reached: what its URL says, and what becomes of what goes wrong there."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from history.postgresql import PostgreSQL
from lineside.core.errors import HistoryError
from lineside.history.database import Database
from lineside.history.settings import HistorySettings

ASKED = "SELECT current_setting('application_name')"


@pytest.mark.parametrize(
    ("words", "application"),
    [
        ("", "lineside"),
        ("?sslmode=prefer&connect_timeout=5", "lineside"),
        ("?application_name=weld%20line&command_timeout=3", "weld line"),
        ("?statement_cache_size=0", "lineside"),
    ],
)
async def test_what_check_understands_is_what_the_database_is_reached_with(
    postgres: PostgreSQL, words: str, application: str
) -> None:
    database = Database(postgres.url + words)
    try:
        async with database.reading() as connection:
            assert await connection.scalar(text(ASKED)) == application
    finally:
        await database.close()


async def test_what_the_server_cannot_do_is_told_in_plain_words(postgres: PostgreSQL) -> None:
    database = Database(f"{postgres.url}?sslmode=require")
    with pytest.raises(HistoryError, match="SSL"):
        async with database.reading():
            pass


async def test_a_missing_certificate_is_told_in_plain_words(postgres: PostgreSQL) -> None:
    database = Database(f"{postgres.url}?sslmode=verify-full&sslrootcert=/nowhere/root.crt")
    with pytest.raises(HistoryError, match="cannot be found"):
        async with database.reading():
            pass


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%20b", "a&b=c", "설비"])
async def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    settings = HistorySettings(folder=folder)
    database = Database(settings.database_url)
    try:
        async with database.writing():
            pass
    finally:
        await database.close()
        await database.wait_ended()
    assert settings.file is not None
    assert settings.file.is_file()
