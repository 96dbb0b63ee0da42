"""The shapes of what happened to the connections of PLCs, to the server, and of its config."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from lineside.core.model import PlcLink
from lineside.history.records import ServerEventKind
from lineside.web.schema import View


class PlcEventView(View):
    """A PLC's connection changed, or how it was when the server began to record."""

    at: str
    plc_id: str
    link: PlcLink
    fault: str | None = Field(description="What went wrong; None: nothing.")
    cause: str | None = Field(description="What most likely causes that.")
    end_code: str | None = Field(description='Four hex digits, as in "C059".')


class PlcEventsView(View):
    """`/api/plc-events`: one page, oldest first."""

    next: str | None = Field(description="`cursor` for the next page; None: this is the last.")
    events: list[PlcEventView]


class ServerEventView(View):
    """Something happened to the server, or to its history."""

    at: str
    kind: ServerEventKind
    detail: str = Field(description="English, for people; may be empty.")


class ServerEventsView(View):
    """`/api/server-events`: one page, oldest first."""

    next: str | None = Field(description="`cursor` for the next page; None: this is the last.")
    events: list[ServerEventView]


class ConfigVersionView(View):
    """`/api/config`: the configuration that held at one moment."""

    since: str = Field(description="When it was first in force.")
    fingerprint: str = Field(description="The same for the same configuration.")
    site: dict[str, Any] = Field(
        description="Lines, machines, PLCs, shifts and rules, as this version of Lineside or the "
        "one of that time keeps them. Another version may name them otherwise."
    )
