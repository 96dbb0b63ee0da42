"""One database: opened when it is first needed and again after trouble, migrated on the way.

SQLite in a file or PostgreSQL, by URL. Whatever goes wrong comes out as a `HistoryError` that says
so in plain words.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiosqlite
import msgspec
import structlog
from sqlalchemy import URL, Connection, event, insert, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from lineside.config.database_url import SCHEME, read_postgresql_url
from lineside.core.errors import HistoryError, LinesideError, RecordsRefused
from lineside.history.left_out import LeftOut
from lineside.history.schema import REVISION, metadata, version
from lineside.history.troubles import in_plain_words, is_about_the_data

LOCK_WAIT_S = 1.0  # for another connection's lock; then it counts as trouble
OPERATION_S = 10.0  # the longest that one transaction may take
END_S = 1.0  # for the threads of connections to end
MIGRATION_S = 6 * 3600.0
SQLITE_PREFIX = "sqlite+aiosqlite:///"
CONNECT_S = 5.0  # unless the URL says another time
_POOL_SIZE = 8  # the writer, retention, key figures, and as many questions as are let in
WAL_SIZE_BYTES = 8 * 1024**2  # to which it shrinks once nobody holds it up
_SQLITE_CACHE_KIB = 32 * 1024

_log = structlog.get_logger("lineside.history")


class Database:
    """The tables of one URL. Not thread-safe: one event loop owns it."""

    def __init__(
        self, url: str, *, operation_s: float | None = None, left_out: LeftOut | None = None
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            url: `sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://...`.
            operation_s: the longest that one transaction may take (OPERATION_S).
            left_out: told of rows that are not understood.
        """
        self.left_out = left_out or LeftOut()
        self._target = target_of(url)
        self._url = self._target.url
        self._operation_s = OPERATION_S if operation_s is None else operation_s
        self._engine: AsyncEngine | None = None
        self._file_identity: tuple[int, int] | None = None
        self._opening = asyncio.Lock()
        self._threads: list[threading.Thread] = []  # of SQLite's connections
        self.opened_count = 0
        self.replaced_count = 0  # how often the file was taken away from under it
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.label = label_of(url)
        file = self._url.database if self.is_sqlite else None
        self._log_file = Path(f"{file}-wal") if file else None
        self._has_log = False  # whether the open connections have been seen to share one

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction that is committed at the end.

        Raises:
            HistoryError: nothing of it is stored, as far as can be known.
        """
        async with self._connection(will_write=True) as connection:
            yield connection
        # What was committed to a file that is no longer there is not stored.
        await self._check_file()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection that sees one moment of the database.

        Raises:
            HistoryError: it cannot be read now.
        """
        async with self._connection(will_write=False) as connection:
            yield connection

    def wal_bytes(self) -> int | None:
        """Return the size of SQLite's write-ahead log; None elsewhere. For any thread."""
        if self._log_file is None:
            return None
        try:
            return self._log_file.stat().st_size
        except OSError:
            return 0

    async def truncate_wal(self) -> bool:
        """Bring SQLite's write-ahead log into the database; say whether it could be emptied.

        Waits for nobody: while another reads what is older, that part stays.

        Raises:
            HistoryError: it cannot be written now.
        """
        with _cancellation_kept():
            try:
                engine = (await self._open()).execution_options(sqlite_begin="")
                async with asyncio.timeout(self._operation_s), engine.connect() as connection:
                    await connection.exec_driver_sql("PRAGMA busy_timeout=0")
                    try:
                        result = await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                        busy = result.scalar()
                    finally:
                        wait_ms = round(LOCK_WAIT_S * 1000)
                        await connection.exec_driver_sql(f"PRAGMA busy_timeout={wait_ms}")
            except self._troubles() as error:
                raise HistoryError(in_plain_words(error, self.label)) from error
        return not busy

    async def close(self) -> None:
        """Let go of every connection. The next transaction opens the database again."""
        engine, self._engine = self._engine, None
        self._has_log = False
        if engine is not None:
            await engine.dispose()

    async def wait_ended(self) -> None:
        """Wait, for a while, until no thread of a connection has anything to tell to this loop.

        A connection whose question was given up goes on in its thread until SQLite lets go of it.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                while any(each.is_alive() for each in self._threads):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)  # a thread has no event for its end

    @asynccontextmanager
    async def _connection(self, *, will_write: bool) -> AsyncIterator[AsyncConnection]:
        with _cancellation_kept():
            try:
                engine = await self._opened()
                if will_write and self.is_sqlite:
                    engine = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
                async with asyncio.timeout(self._operation_s), AsyncExitStack() as stack:
                    yield await self._begun(engine, stack)
            except self._troubles() as error:
                words = in_plain_words(error, self.label)
                is_refused = will_write and is_about_the_data(error)
                raise (RecordsRefused if is_refused else HistoryError)(words) from error

    async def _opened(self) -> AsyncEngine:
        with self._whatever():
            return await self._open()

    async def _begun(self, engine: AsyncEngine, stack: AsyncExitStack) -> AsyncConnection:
        with self._whatever():
            return await stack.enter_async_context(engine.begin())

    @contextmanager
    def _whatever(self) -> Iterator[None]:
        """While connecting: a library may raise anything at what it finds, or was told."""
        try:
            yield
        except LinesideError:
            raise
        except Exception as error:
            raise HistoryError(in_plain_words(error, self.label)) from error

    def _troubles(self) -> tuple[type[Exception], ...]:
        """Return what may be raised, past SQLAlchemy too, as drivers do while connecting."""
        errors: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, TimeoutError)
        if self.is_sqlite:
            return (*errors, sqlite3.Error)
        asyncpg: Any = import_module("asyncpg")
        return (*errors, asyncpg.PostgresError, asyncpg.InterfaceError)

    async def _open(self) -> AsyncEngine:
        async with self._opening:
            if self._engine is not None:
                return self._engine
            engine = self._make_engine()
            try:
                # The longest of all waits, and only once per version of Lineside.
                async with asyncio.timeout(MIGRATION_S):
                    await _migrate(engine, self.label)
            except BaseException:
                await engine.dispose()
                raise
            self._file_identity = self._identify_file()
            self._engine = engine
            self.opened_count += 1
            return engine

    def _make_engine(self) -> AsyncEngine:
        if not self.is_sqlite:
            return create_async_engine(
                self._url,
                pool_size=_POOL_SIZE,
                max_overflow=0,
                pool_pre_ping=True,
                connect_args=self._target.arguments,
            )
        engine = create_async_engine(
            self._url, pool_size=_POOL_SIZE, max_overflow=0, async_creator=self._connect_sqlite
        )
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine

    async def _connect_sqlite(self) -> aiosqlite.Connection:
        """Open a connection; remember its thread.

        Raises:
            HistoryError: it would make a log of its own beside that of the others.
        """
        if self._is_log_gone():
            await self.wait_ended()  # the last connection deletes it too, as it closes
        if self._is_log_gone():
            raise HistoryError(f"{self.label}-wal was deleted while it was in use")
        connection = aiosqlite.connect(
            self._url.database or ":memory:", timeout=LOCK_WAIT_S, check_same_thread=False
        )
        # Before its version 0.22 the connection is a thread itself.
        own: Any = connection
        thread: threading.Thread = getattr(own, "_thread", own)
        thread.daemon = True
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        return await connection

    def _identify_file(self) -> tuple[int, int] | None:
        if not self.is_sqlite or not self._url.database:
            return None
        try:
            found = Path(self._url.database).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    async def _check_file(self) -> None:
        """Notice that the file was deleted or replaced: SQLite would go on writing into nothing."""
        if self._identify_file() != self._file_identity:
            self.replaced_count += 1
            await self.close()
            raise HistoryError(f"{self.label} was deleted or replaced while it was written to")
        if self._is_log_gone():
            # The open connections still have it: what it holds goes where it belongs.
            if not await self.truncate_wal():
                raise HistoryError(f"{self.label}-wal was deleted while it was in use")
            await self.close()
            _log.warning(
                f"history: {self.label}-wal was deleted while it was in use; what it held was saved"
            )
        elif self._log_file is not None:
            self._has_log = self._log_file.exists()

    def _is_log_gone(self) -> bool:
        """Whether SQLite's log was deleted under open connections, which write on into nothing."""
        return (
            self._has_log
            and self._log_file is not None
            and not self._log_file.exists()
            and any(each.is_alive() for each in self._threads)
        )


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a database is: a URL without any query, and what else its driver is told."""

    url: URL
    arguments: dict[str, Any] = {}


def target_of(url: str) -> Target:
    """Return what to connect to.

    Args:
        url: of a SQLite file, all behind its third slash being the path; or of PostgreSQL, as
            `config.database_url` reads it.
    """
    if url.startswith(SQLITE_PREFIX):
        return Target(url=URL.create("sqlite+aiosqlite", database=url.removeprefix(SQLITE_PREFIX)))
    read = read_postgresql_url(url)
    arguments: dict[str, Any] = {
        "timeout": CONNECT_S,
        **read.arguments,
        "server_settings": {"application_name": "lineside", **read.settings},
    }
    if read.dsn is not None:
        arguments["dsn"] = read.dsn
    if arguments.get("statement_cache_size") == 0:
        # Between us and the database there may be a pool that hands one connection of its own to
        # several of ours: no statement is kept, and none has the name of another's.
        arguments.setdefault("prepared_statement_cache_size", 0)
        arguments["prepared_statement_name_func"] = lambda: f"lineside_{uuid4()}"
    return Target(
        url=URL.create(
            SCHEME,
            username=read.user,
            password=read.password,
            host=read.host,
            port=read.port,
            database=read.database,
        ),
        arguments=arguments,
    )


def label_of(url: str) -> str:
    """Return what to call a database in front of people: a file, or a URL without its password."""
    parsed = target_of(url).url
    if parsed.get_backend_name() == "sqlite":
        return parsed.database or "memory"
    return parsed.set(drivername="postgresql", password=None).render_as_string()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema behind `connection` to `revision`, within its transaction."""
    # It takes a while to load, tells much while loading, and is needed once per version.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def create(connection: Connection) -> None:
    """Make the schema of this version in the empty database behind `connection`.

    What comes of it is what all migrations come to (a test holds the two side by side), without
    going through every version that there has been.
    """
    metadata.create_all(connection, checkfirst=False)
    version.create(connection)
    connection.execute(insert(version).values(version_num=REVISION))


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the schema; None for an empty database."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


async def _migrate(engine: AsyncEngine, label: str) -> None:
    async with engine.connect() as connection:
        revision = await connection.run_sync(revision_of)
    if revision == REVISION:
        return
    if revision is not None and revision > REVISION:
        raise HistoryError(
            f"{label} was written by a newer version of Lineside (schema {revision}; this one "
            f"knows {REVISION}): install that version, or name another database"
        )
    if engine.dialect.name == "sqlite":
        engine = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
    async with engine.begin() as connection:
        # Another server may have made it meanwhile; then there is nothing left to upgrade.
        is_empty = await connection.run_sync(revision_of) is None
        await connection.run_sync(create if is_empty else upgrade)


def _set_up_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # Transactions begin where SQLAlchemy says, so that a migration is done wholly or not at all.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Readers never wait for the writer. A commit is on the disk when it returns: power may fail.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"cache_size=-{_SQLITE_CACHE_KIB}",
        "temp_store=MEMORY",
        f"journal_size_limit={WAL_SIZE_BYTES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    how = connection.get_execution_options().get("sqlite_begin", "BEGIN")
    if how:  # a checkpoint is no part of a transaction
        connection.exec_driver_sql(how)


@contextmanager
def _cancellation_kept() -> Iterator[None]:
    """Whoever is cancelled here stays cancelled.

    A connection that was in the middle of something raises trouble of its own while it is given
    back. Taken for the database's, it would let a task go on that was told to end.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        yield
    except Exception as error:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError from error
        raise
