"""A database of any earlier version becomes one of this version when it is opened, data and all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from builders import code
from history.asked import lanes_of
from lineside.core.alarm import AlarmNote
from lineside.core.errors import HistoryError
from lineside.core.model import Status
from lineside.history import database as database_module
from lineside.history import migrations
from lineside.history.database import Database, create, revision_of, upgrade
from lineside.history.schema import REVISION, metadata, version
from lineside.history.store import Store

SCRIPTS = ScriptDirectory(str(Path(migrations.__file__).parent))
REVISIONS = [each.revision for each in SCRIPTS.walk_revisions()]
# What a database of each revision held: one file per revision, written when it is released.
DATA = Path(__file__).parent / "revisions"


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection)
    found: list[Any] = compare_metadata(context, metadata)
    return found


def made(connection: Connection) -> dict[str, Any]:
    """Return all that the database says of its tables, in any order."""
    inspector = inspect(connection)
    return {
        table: {
            "columns": {str(each["name"]): repr(each) for each in inspector.get_columns(table)},
            "key": inspector.get_pk_constraint(table),
            "unique": sorted(map(repr, inspector.get_unique_constraints(table))),
            "indexes": sorted(map(repr, inspector.get_indexes(table))),
            "foreign": inspector.get_foreign_keys(table),
        }
        for table in inspector.get_table_names()
    }


async def make_database(url: str, revision: str) -> None:
    """Make a database as that revision left it, with what it held."""
    engine = create_async_engine(url)
    statements = (DATA / f"{revision}.sql").read_text(encoding="utf-8").split(";\n")
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, revision)
        for statement in filter(str.strip, statements):
            await connection.exec_driver_sql(statement)
    await engine.dispose()


def test_the_schema_says_which_revision_it_is() -> None:
    assert SCRIPTS.get_current_head() == REVISION


def test_revisions_grow_so_that_a_newer_one_is_known_as_newer() -> None:
    assert sorted(REVISIONS, reverse=True) == REVISIONS


def test_every_revision_has_data_to_migrate() -> None:
    assert sorted(path.stem for path in DATA.iterdir()) == sorted(REVISIONS)


async def test_migrations_make_the_tables_that_the_code_knows(bare_url: str) -> None:
    engine = create_async_engine(bare_url)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_new_database_is_what_all_migrations_make(bare_url: str) -> None:
    engine = create_async_engine(bare_url)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
        migrated = await connection.run_sync(made)
        await connection.run_sync(version.drop)
        await connection.run_sync(metadata.drop_all)
        assert await connection.run_sync(made) == {}
    await engine.dispose()
    new = Database(bare_url)
    async with new.reading() as connection:
        assert await connection.run_sync(made) == migrated
        assert await connection.run_sync(revision_of) == REVISION
    await new.close()


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_of_an_earlier_revision_keeps_its_data(
    revision: str, bare_url: str
) -> None:
    await make_database(bare_url, revision)
    database = Database(bare_url)
    try:
        found = await lanes_of(Store(database), [code(101)], 1_000, 10_000)
        assert [
            (each.end_ms, each.status, each.reason, each.since_ms) for each in found[code(101)]
        ] == [
            (4_000, Status.RUNNING, "running", 800),
            (7_000, Status.ERROR, "error_tag", 4_000),
            (10_000, None, None, None),
        ]
        async with database.reading() as connection:
            assert await connection.run_sync(revision_of) == REVISION
            assert await connection.run_sync(differences) == []
    finally:
        await database.close()


@pytest.mark.parametrize("revision", [each for each in REVISIONS if each >= "0003"])
async def test_what_lineside_used_to_say_in_english_becomes_notes_and_what_people_wrote_stays(
    revision: str, bare_url: str
) -> None:
    await make_database(bare_url, revision)
    database = Database(bare_url)
    try:
        events = await Store(database).alarms.events(4_000_123)
    finally:
        await database.close()
    assert [(each.kind, each.by, each.text, each.note) for each in events] == [
        ("raised", "", "", AlarmNote.COMES_AND_GOES),
        ("code_seen", "", "", None),
        ("commented", "Kim", "no longer configured", None),
        ("cleared", "", "", AlarmNote.NOT_WATCHED),
        ("superseded", "", "", AlarmNote.TOO_MANY),
    ]


async def test_a_database_of_a_newer_version_is_left_alone(bare_url: str) -> None:
    database = Database(bare_url)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    with pytest.raises(HistoryError, match=r"newer version of Lineside \(schema 9999"):
        async with Database(bare_url).reading():
            pass


async def test_a_migration_that_fails_leaves_nothing_half_done(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_database(bare_url, "0001")
    before = await _made(bare_url)
    monkeypatch.setattr(database_module, "upgrade", _failing(upgrade))
    await _cannot_be_opened(bare_url)
    assert await _made(bare_url) == before


async def test_a_new_database_that_cannot_be_made_stays_empty(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "create", _failing(create))
    await _cannot_be_opened(bare_url)
    assert await _made(bare_url) == {}


def _failing(real: Callable[[Connection], None]) -> Callable[[Connection], None]:
    def fail_at_the_end(connection: Connection) -> None:
        real(connection)
        raise OSError(28, "No space left on device")

    return fail_at_the_end


async def _cannot_be_opened(bare_url: str) -> None:
    broken = Database(bare_url)
    with pytest.raises(HistoryError, match="disk is full"):
        async with broken.reading():
            pass


async def _made(bare_url: str) -> dict[str, Any]:
    engine = create_async_engine(bare_url)
    async with engine.connect() as connection:
        found = await connection.run_sync(made)
    await engine.dispose()
    return found
