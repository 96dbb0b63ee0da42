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
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = "0007"  # of this schema: the newest file in migrations/versions

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Which revision the tables are of: Alembic's own table, which no migration knows.
version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

# A span of time in which every change was recorded. Its end is stopped_ms, or alive_ms when it
# ended without a word. Where records are missing in the middle, what comes behind the gap is a run
# of its own: `origin_key` is the key of the run it was part of, `first_seq` its first number.
# ended without a word. `corrected_ms` is by how much its clock was found to be behind: all that is
# stored of the run lies so much later than it was recorded.
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
    Column("origin_key", BigInteger),
    Column("first_seq", BigInteger),  # NULL: 1
    Column("last_seq", BigInteger),  # of the newest record that is stored; NULL: not told
    Column("corrected_ms", BigInteger),
    UniqueConstraint("key"),
    Index(None, "started_ms"),
    Index(None, "origin_key"),
)

# Which server records: at most one row. The lease ends at `until_ms` by the database's clock.
recorder = Table(
    "recorder",
    metadata,
    Column("id", Integer, nullable=False, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("id"),
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

# One row per alarm, as it stands; `revision` counts its events, so that an older word changes
# nothing.
alarm = Table(
    "alarm",
    metadata,
    Column("id", BigInteger, nullable=False, autoincrement=False),
    Column("revision", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),  # code of a machine, id of a PLC
    Column("line_id", Text),
    Column("name", Text, nullable=False),
    Column("plc_id", Text),
    Column("tag", Text),
    Column("alarm_code", BigInteger),
    Column("severity", Text, nullable=False),
    Column("text_ko", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("advice_ko", Text, nullable=False),
    Column("advice_en", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("raised_ms", BigInteger, nullable=False),
    Column("last_raised_ms", BigInteger, nullable=False),
    Column("raised_count", Integer, nullable=False),
    Column("cleared_ms", BigInteger),
    Column("acknowledged_ms", BigInteger),
    Column("acknowledged_by", Text),
    Column("shelved_until_ms", BigInteger),
    Column("changed_ms", BigInteger, nullable=False),
    Column("comments", Text, nullable=False),  # JSON, the newest; alarm_event has all
    PrimaryKeyConstraint("id"),
    Index("ix_alarm_last_raised_ms", "last_raised_ms", "id"),
    Index("ix_alarm_source", "source", "last_raised_ms"),
    Index("ix_alarm_state", "state"),
)

# The audit: everything that happened to every alarm, and who did it.
alarm_event = Table(
    "alarm_event",
    metadata,
    Column("alarm_id", BigInteger, nullable=False, autoincrement=False),
    Column("number", Integer, nullable=False, autoincrement=False),  # revision that it made
    Column("at_ms", BigInteger, nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),  # after it
    Column("person", Text),
    Column("text", Text),  # what the person wrote
    Column("note", Text),  # what else there is to know
    PrimaryKeyConstraint("alarm_id", "number"),
    Index("ix_alarm_event_at_ms", "at_ms"),
    sqlite_with_rowid=False,
)

# To ask with for what happened in a window: a database that knows nothing of its data, as SQLite,
# would take the index of sources, and go through all that ever happened to them.
alarm_source = alarm.c.source.concat("")

# What a machine's closed window contributes to its figures, computed once. `fingerprint` stands for
# all that it was judged by; `reach_ms` is the begin of the working time that this looked at.
kpi_part = Table(
    "kpi_part",
    metadata,
    Column("grain", Text, nullable=False),
    Column("equipment_id", Integer, nullable=False),
    Column("begin_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("reach_ms", BigInteger, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("parts", LargeBinary, nullable=False),
    PrimaryKeyConstraint("grain", "equipment_id", "begin_ms"),
    Index(None, "end_ms"),
    sqlite_with_rowid=False,
)

# `equipment_code` NULL: the whole line. What was deleted stays, for the audit.
planned_downtime = Table(
    "planned_downtime",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("line_id", Text, nullable=False),
    Column("equipment_code", Text),
    Column("begin_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("comment", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("deleted_ms", BigInteger),
    Index(None, "begin_ms"),
)

# Rules of a version of the configuration that a person has applied to a time before them. What was
# taken back stays, for the audit.
rule_application = Table(
    "rule_application",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("config_version_id", Integer, nullable=False),
    Column("line_id", Text, nullable=False),
    Column("begin_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("comment", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("deleted_ms", BigInteger),
)

# Where people have cut a stop, or joined it to the one before: `kind` split or merge.
stop_mark = Table(
    "stop_mark",
    metadata,
    Column("equipment_code", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    PrimaryKeyConstraint("equipment_code", "at_ms"),
    sqlite_with_rowid=False,
)

# Why a machine stood, as somebody said: of the stop that `at_ms` lies in.
stop_reason = Table(
    "stop_reason",
    metadata,
    Column("equipment_code", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("equipment_code", "at_ms"),
    sqlite_with_rowid=False,
)

# Who has changed what by hand. `before` and `after` are JSON.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index(None, "at_ms"),
)
