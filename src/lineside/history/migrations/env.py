"""How Alembic runs here: on the connection that `database.migrate` brings."""

from __future__ import annotations

from alembic import context

from lineside.history.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
