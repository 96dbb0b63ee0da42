"""A real PostgreSQL for tests: on a free port, in a temporary folder, never as root."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import delete

from lineside.history.schema import metadata
from processes import free_port

USER = "lineside"
START_S = 30


def find_programs() -> Path | None:
    """Return the folder of the newest server's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _version(path: Path) -> int:
    return int(path.parent.parent.name)


class PostgreSQL:
    """One server. It can be stopped and started again on its port."""

    def __init__(self, programs: Path, folder: Path) -> None:
        """Make a cluster in `folder`; nothing runs yet."""
        self._programs = programs
        self._data = folder / "data"
        self._folder = folder
        self.port = free_port()
        # PostgreSQL refuses to run as root.
        self._as_user = ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []
        if self._as_user:
            shutil.chown(folder, "nobody")
        self._run(
            "initdb", "-D", self._data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8",
            "--locale", "C",
        )  # fmt: skip

    @property
    def url(self) -> str:
        """The URL of the database that each cluster has."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the URL of one database, as the config takes it."""
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make a database and return its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", USER, database)
        return self.url_of(database)

    def copy(self, database: str, copy: str) -> None:
        """Make a database that holds what `database` holds now; who uses that is thrown out."""
        self._tell(
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'"  # noqa: S608 -- ours
        )
        self._run(
            "createdb", "-h", "127.0.0.1", "-p", self.port, "-U", USER, "-T", database, copy
        )  # fmt: skip

    def url_for(self, database: str, user: str) -> str:
        """Make a user and return the URL of a database for it."""
        self._tell(f"create role {user} login superuser")
        return self.url_of(database).replace(f"{USER}@", f"{user}@")

    def bar(self, user: str) -> None:
        """Let a user in no more, and throw it out."""
        self._tell(f"alter role {user} nologin")
        self._tell(
            f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{user}'"  # noqa: S608 -- ours
        )

    def unbar(self, user: str) -> None:
        """Let a user in again."""
        self._tell(f"alter role {user} login")

    def shut(self, database: str) -> None:
        """Let nobody into a database, and throw out who uses it."""
        self._tell(f"alter database {database} with allow_connections false")
        self._tell(
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'"  # noqa: S608 -- ours
        )

    def admit(self, database: str) -> None:
        """Let everybody into it again."""
        self._tell(f"alter database {database} with allow_connections true")

    def put_in_place(self, copy: str, database: str) -> None:
        """Put `copy` in the place of `database`; who uses that is thrown out."""
        self._run("dropdb", "-h", "127.0.0.1", "-p", self.port, "-U", USER, "--force", database)
        self._tell(f"alter database {copy} rename to {database}")

    def _tell(self, statement: str) -> None:
        self._run(
            "psql", "-h", "127.0.0.1", "-p", self.port, "-U", USER, "-d", "postgres", "-X",
            "-v", "ON_ERROR_STOP=1", "-c", statement,
        )  # fmt: skip

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off "
            f"-c unix_socket_directories='' -c max_connections=30"
        )
        self._run(
            "pg_ctl", "start", "-w", "-t", START_S, "-D", self._data, "-o", options,
            "-l", self._folder / "log",
        )  # fmt: skip

    def stop(self) -> None:
        """Stop at once, as a power cut does."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)

    def freeze(self) -> None:
        """Let every process of it stand still: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, name: signal.Signals) -> None:
        main = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in (main, *map(int, children)):
            os.kill(pid, name)

    def _run(self, program: str, *words: object) -> None:
        done = subprocess.run(
            [*self._as_user, str(self._programs / program), *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            cwd="/",
        )
        assert done.returncode == 0, f"{program}: {done.stdout}"


@contextlib.contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL as long as the context lasts."""
    programs = find_programs()
    assert programs is not None, "PostgreSQL is not installed: apt-get install postgresql"
    # Not in pytest's own folder, into which only its user may look.
    with tempfile.TemporaryDirectory(prefix="lineside-postgresql-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = PostgreSQL(programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


async def empty_tables(url: str) -> None:
    """Make a database that has this version's tables as it was when they had just been made."""
    rows = ";".join(str(delete(table)) for table in metadata.tables.values())
    numbers = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
    await _execute(url, f"{rows};{numbers}")


async def drop_tables(url: str) -> None:
    """Make a database as it was when there was nothing in it."""
    await _execute(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")


async def _execute(url: str, statements: str) -> None:
    """Execute with nobody else connected: a lock of an earlier test would be waited for."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.execute(statements)
    finally:
        await connection.close()
