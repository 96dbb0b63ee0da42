"""What all tables of lineside.toml have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

ID_PATTERN = r"^[A-Za-z0-9_.-]{1,32}$"


class Table(BaseModel):
    """Base of every table: unknown keys are mistakes, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
