from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from history.postgresql import PostgreSQL, drop_tables, empty_tables, postgresql
from lineside.history.database import SQLITE_PREFIX, Database
from lineside.history.store import Store

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    with postgresql() as server:
        yield server


@pytest.fixture(params=KINDS)
async def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind in which there is nothing."""
    if request.param == "sqlite":
        return f"{SQLITE_PREFIX}{tmp_path / 'history.db'}"
    url: str = request.getfixturevalue("bare_postgresql_url")
    await drop_tables(url)
    return url


@pytest.fixture(params=KINDS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of each kind: it has the tables, and nothing in them.

    Tests that change more than rows take `bare_url`.
    """
    if request.param == "sqlite":
        file = tmp_path / "history.db"
        shutil.copyfile(await _new_file(request), file)
        return f"{SQLITE_PREFIX}{file}"
    url: str = request.getfixturevalue("new_postgresql_url")
    await _make_tables(url)
    await empty_tables(url)
    return url


@pytest.fixture(scope="session")
def bare_postgresql_url(postgres: PostgreSQL) -> str:
    """One for all tests: to make a database takes longer than most of them."""
    return postgres.create("bare")


@pytest.fixture(scope="session")
def new_postgresql_url(postgres: PostgreSQL) -> str:
    """One for all tests, likewise."""
    return postgres.create("new")


@pytest.fixture(scope="session")
def new_file_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("new")


async def _new_file(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue("new_file_folder")
    file = folder / "history.db"
    if not file.exists():
        await _make_tables(f"{SQLITE_PREFIX}{file}")
    return file


async def _make_tables(url: str) -> None:
    database = Database(url)
    async with database.reading():
        pass
    await database.close()
    await database.wait_ended()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)
