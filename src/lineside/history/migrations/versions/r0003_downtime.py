"""Parts of key figures, planned downtime, reasons for stops, and who has changed what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "kpi_part",
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("equipment_id", sa.Integer(), nullable=False),
        sa.Column("begin_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("reach_ms", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("grain", "equipment_id", "begin_ms", name="pk_kpi_part"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_kpi_part_end_ms", "kpi_part", ["end_ms"])
    op.create_table(
        "planned_downtime",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("equipment_code", sa.Text()),
        sa.Column("begin_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("deleted_ms", sa.BigInteger()),
    )
    op.create_index("ix_planned_downtime_begin_ms", "planned_downtime", ["begin_ms"])
    _create_stops()
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
    )
    op.create_index("ix_audit_at_ms", "audit", ["at_ms"])


def _create_stops() -> None:
    op.create_table(
        "stop_mark",
        sa.Column("equipment_code", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("equipment_code", "at_ms", name="pk_stop_mark"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stop_reason",
        sa.Column("equipment_code", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("equipment_code", "at_ms", name="pk_stop_reason"),
        sqlite_with_rowid=False,
    )
