"""The tables of the history: SQLAlchemy Core, the same on SQLite and PostgreSQL.

Times are Unix milliseconds in UTC. What changes here needs a migration in `migrations/`; a test
holds the migrated schema equal to this one.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = "0001"  # of this schema: the newest file in migrations/versions

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A span of time in which every change was recorded. Its end is stopped_ms, or alive_ms when it
# ended without a word.
run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", BigInteger, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("alive_ms", BigInteger, nullable=False),
    Column("stopped_ms", BigInteger),
    Column("cause", Text, nullable=False),
    Column("version", Text, nullable=False),
    UniqueConstraint("key"),
    Index(None, "started_ms"),
)

# Every machine that was ever recorded, with its names as of the newest configuration.
equipment = Table(
    "equipment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("line_id", Text, nullable=False),
    Column("plc_id", Text),
    UniqueConstraint("code"),
)

# In SQLite the table is its primary key: a machine's changes lie side by side, in order of time.
state_change = Table(
    "state_change",
    metadata,
    Column("equipment_id", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("previous", Text),
    Column("status", Text),  # NULL: no longer configured
    Column("reason", Text),
    Column("tag", Text),
    Column("value", Text),  # JSON
    Column("since_ms", BigInteger),
    Column("until_ms", BigInteger),
    Column("detail", Text),
    Column("tags", Text),  # JSON
    PrimaryKeyConstraint("equipment_id", "at_ms", "run_id", "seq"),
    sqlite_with_rowid=False,
)

plc_event = Table(
    "plc_event",
    metadata,
    Column("plc_id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("link", Text, nullable=False),
    Column("fault", Text),
    Column("cause", Text),
    Column("end_code", Integer),
    PrimaryKeyConstraint("plc_id", "at_ms", "run_id", "seq"),
    sqlite_with_rowid=False,
)

server_event = Table(
    "server_event",
    metadata,
    Column("at_ms", BigInteger, nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", Text),
    PrimaryKeyConstraint("at_ms", "run_id", "seq"),
    sqlite_with_rowid=False,
)

config_version = Table(
    "config_version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("site", Text, nullable=False),  # JSON
    UniqueConstraint("run_id", "seq"),
    Index(None, "at_ms"),
)
