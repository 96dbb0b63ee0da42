"""What Lineside itself notes of an alarm, in no language; it used to stand in English in `text`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NOTES = {
    "cleared while nobody watched": "not_watched",
    "stood already when it was first seen after a start": "first_sight",
    "comes and goes: %": "comes_and_goes",
    "more than % waited for an acknowledgement": "too_many",
    "no longer configured": "not_configured",
}


def upgrade() -> None:
    """Add the column, and leave in `text` what people wrote."""
    op.add_column("alarm_event", sa.Column("note", sa.Text()))
    event = sa.table(
        "alarm_event", *(sa.column(name, sa.Text()) for name in ("person", "text", "note"))
    )
    by_itself = sa.and_(event.c.person.is_(None), event.c.text.is_not(None))
    note = sa.case(*((event.c.text.like(text), note) for text, note in _NOTES.items()))
    op.execute(event.update().where(by_itself).values(note=note, text=None))
