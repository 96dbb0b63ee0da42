"""What is wished for of an export: which machines, in which time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from lineside.core.alarm import AlarmState
from lineside.core.alarm_text import Severity
from lineside.core.asked_time import AskedTime
from lineside.core.model import Equipment, Line, Site
from lineside.core.spans import Span
from lineside.history.kpi_words import RowGrain, RowsBy
from lineside.history.store import Store

Ask: TypeAlias = Callable[[Callable[[Store], Awaitable[Any]]], Awaitable[Any]]


class ExportWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported: of these machines, in [begin_ms, end_ms), not beyond `now_ms`."""

    site: Site
    lines: tuple[tuple[Line, tuple[Equipment, ...]], ...]
    begin_ms: int
    end_ms: int
    now_ms: int
    grain: RowGrain = RowGrain.DAY
    by: RowsBy = RowsBy.EQUIPMENT
    asked: AskedTime | None = None  # what is meant for each line, within the time above
    line_id: str | None = None  # as asked for; None: any, and so below
    code: str | None = None
    is_whole: bool = False  # figures are of all that one machine did, in whichever line
    states: tuple[AlarmState, ...] = ()  # of alarms; empty: any, and so below
    severities: tuple[Severity, ...] = ()
    text: str = ""

    @property
    def machines(self) -> list[Equipment]:
        """All of them, in configured order."""
        return [machine for _, machines in self.lines for machine in machines]

    def windows(self) -> Mapping[str, Span]:
        """Return the time that is meant of each line, by its id."""
        spans = {}
        for line, _ in self.lines:
            span = Span(self.begin_ms, self.end_ms)
            if self.asked is not None:
                span = self.asked.of(self.site.calendar.of_line(line.id))
            spans[line.id] = span
        return spans


async def spans_there(ask: Ask, wish: ExportWish) -> Mapping[tuple[str, str], tuple[Span, ...]]:
    """Return when machines that were moved were in each of their lines, by line and code."""

    async def question(store: Store) -> dict[tuple[str, str], tuple[Span, ...]]:
        configured = await store.configurations.read()
        return {
            (machine.line_id, machine.code): configured.there(machine.code, machine.line_id)
            for machine in wish.machines
            if configured.has_moved(machine.code)
        }

    found: dict[tuple[str, str], tuple[Span, ...]] = await ask(question)
    return found
