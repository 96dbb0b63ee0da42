"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("alive_ms", sa.BigInteger(), nullable=False),
        sa.Column("stopped_ms", sa.BigInteger()),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.UniqueConstraint("key", name="uq_run_key"),
    )
    op.create_index("ix_run_started_ms", "run", ["started_ms"])
    op.create_table(
        "equipment",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("plc_id", sa.Text()),
        sa.UniqueConstraint("code", name="uq_equipment_code"),
    )
    op.create_table(
        "state_change",
        sa.Column("equipment_id", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.Text()),
        sa.Column("status", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("tag", sa.Text()),
        sa.Column("value", sa.Text()),
        sa.Column("since_ms", sa.BigInteger()),
        sa.Column("until_ms", sa.BigInteger()),
        sa.Column("detail", sa.Text()),
        sa.Column("tags", sa.Text()),
        sa.PrimaryKeyConstraint("equipment_id", "at_ms", "run_id", "seq", name="pk_state_change"),
        sqlite_with_rowid=False,
    )
    _create_events()


def _create_events() -> None:
    op.create_table(
        "plc_event",
        sa.Column("plc_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text()),
        sa.Column("cause", sa.Text()),
        sa.Column("end_code", sa.Integer()),
        sa.PrimaryKeyConstraint("plc_id", "at_ms", "run_id", "seq", name="pk_plc_event"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "server_event",
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("at_ms", "run_id", "seq", name="pk_server_event"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "config_version",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.UniqueConstraint("run_id", "seq", name="uq_config_version_run_id_seq"),
    )
    op.create_index("ix_config_version_at_ms", "config_version", ["at_ms"])
