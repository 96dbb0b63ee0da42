"""Which records of a run are stored, by number, so that missing ones are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nothing is known of the runs that are there."""
    for name in ("origin_key", "first_seq", "last_seq"):
        op.add_column("run", sa.Column(name, sa.BigInteger()))
    op.create_index("ix_run_origin_key", "run", ["origin_key"])
