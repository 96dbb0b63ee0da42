"""Alarms and what happened to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alarm",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plc_id", sa.Text()),
        sa.Column("tag", sa.Text()),
        sa.Column("alarm_code", sa.BigInteger()),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("text_ko", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("advice_ko", sa.Text(), nullable=False),
        sa.Column("advice_en", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_raised_ms", sa.BigInteger(), nullable=False),
        sa.Column("raised_count", sa.Integer(), nullable=False),
        sa.Column("cleared_ms", sa.BigInteger()),
        sa.Column("acknowledged_ms", sa.BigInteger()),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("shelved_until_ms", sa.BigInteger()),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.Column("comments", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alarm"),
    )
    op.create_index("ix_alarm_last_raised_ms", "alarm", ["last_raised_ms", "id"])
    op.create_index("ix_alarm_source", "alarm", ["source", "last_raised_ms"])
    op.create_index("ix_alarm_state", "alarm", ["state"])
    op.create_table(
        "alarm_event",
        sa.Column("alarm_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("person", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.PrimaryKeyConstraint("alarm_id", "number", name="pk_alarm_event"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alarm_event_at_ms", "alarm_event", ["at_ms"])
