"""What can be exported: columns and rows of each kind, a bounded number of rows at a time.

A source never holds more than one batch. Each batch is a question of its own, so that questions of
people come in between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from lineside.core.alarm import Alarm
from lineside.core.model import Equipment
from lineside.core.spans import Span
from lineside.history.export_wish import Ask, ExportWish, spans_there
from lineside.history.kpi_words import Wanted
from lineside.history.records import StoredChange
from lineside.history.store import Store

BATCH_ROWS = 500
_DAY_MS = 86_400_000

Row: TypeAlias = list[Any]


class ColumnKind(StrEnum):
    """What stands in a column. Times are Unix ms, whatever a file makes of them."""

    TEXT = "text"
    TIME = "time"
    WHOLE = "whole"
    NUMBER = "number"
    TRUTH = "truth"


class ExportColumn(msgspec.Struct, frozen=True):
    """One column."""

    name: str
    kind: ColumnKind


class ExportSource(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of export."""

    columns: tuple[ExportColumn, ...]
    batches: Callable[[Ask, ExportWish], AsyncIterator[list[Row]]]


def _columns(**kinds: ColumnKind) -> tuple[ExportColumn, ...]:
    return tuple(ExportColumn(name, kind) for name, kind in kinds.items())


_TEXT, _TIME, _WHOLE = ColumnKind.TEXT, ColumnKind.TIME, ColumnKind.WHOLE
_NUMBER, _TRUTH = ColumnKind.NUMBER, ColumnKind.TRUTH
_SHARES = (
    "availability",
    "coverage",
    "strict_availability",
    "utilisation",
    "technical_efficiency",
    "mtbf_ms",
    "mttr_ms",
)
_COUNTS = (
    "failures",
    "stops",
    "stop_ms",
    "micro_stops",
    "micro_stop_ms",
    "planned_busy_ms",
    "running_ms",
    "idle_ms",
    "stopped_ms",
    "error_ms",
    "disconnected_ms",
    "unseen_ms",
)


async def _change_batches(ask: Ask, wish: ExportWish) -> AsyncIterator[list[Row]]:
    machines: dict[str, list[Equipment]] = {}
    for machine in wish.machines:
        machines.setdefault(machine.code, []).append(machine)
    windows, there = wish.windows(), await spans_there(ask, wish)

    def of_then(each: StoredChange) -> Equipment | None:
        """Return the machine in the line in which it changed; None where that is not wanted."""
        for machine in machines[each.equipment_code]:
            spans = there.get((machine.line_id, machine.code))
            if spans is None or any(span.holds(each.at_ms) for span in spans):
                return machine if windows[machine.line_id].holds(each.at_ms) else None
        return None

    after: tuple[int, int, int] | None = None
    while True:
        key = after

        async def question(store: Store, key: tuple[int, int, int] | None = key) -> Any:
            return await store.changes(
                list(machines), wish.begin_ms, wish.end_ms, after=key, limit=BATCH_ROWS
            )

        found = await ask(question)
        if not found:
            return
        yield [
            [
                each.at_ms,
                mine.line_id,
                mine.code,
                mine.name,
                each.previous.value if each.previous else None,
                each.status.value if each.status else None,
                each.reason,
                each.tag,
                each.value,
                each.detail or None,
            ]
            for each in found
            if (mine := of_then(each)) is not None
        ]
        after = (found[-1].at_ms, found[-1].run_id, found[-1].seq)


async def _interval_batches(ask: Ask, wish: ExportWish) -> AsyncIterator[list[Row]]:
    """Yield intervals as shown; a week of one machine at a time, joined across the weeks.

    Of a machine that was moved only those of its time in the line.
    """
    from lineside.history.lanes import UNSEEN, only_in
    from lineside.history.past import lanes

    windows, moved = wish.windows(), await spans_there(ask, wish)
    for machine in wish.machines:
        window = windows[machine.line_id]
        there = moved.get((machine.line_id, machine.code))
        end_ms = min(window.end_ms, wish.now_ms)
        last: Row | None = None
        for begin_ms in range(window.begin_ms, end_ms, 7 * _DAY_MS):

            async def question(
                store: Store,
                code: str = machine.code,
                first_ms: int = begin_ms,
                until_ms: int = min(begin_ms + 7 * _DAY_MS, end_ms),
            ) -> Any:
                return [lane.intervals async for lane in lanes(store, [code], first_ms, until_ms)]

            rows: list[Row] = []
            (found,) = await ask(question)
            if there is not None:
                found = [
                    each
                    for each in only_in(found, there)
                    if any(span.holds(each.begin_ms) for span in there)
                ]
            for each in found:
                status = each.status or UNSEEN
                is_same = last is not None and last[4:7:2] == [status, each.reason]
                if last is not None and is_same and last[1] == each.begin_ms:
                    last[1], last[5] = each.end_ms, each.end_ms - last[0]
                    continue
                if last is not None:
                    rows.append(last)
                length_ms = each.end_ms - each.begin_ms
                last = [
                    each.begin_ms,
                    each.end_ms,
                    machine.code,
                    machine.name,
                    status,
                    length_ms,
                    each.reason,
                ]
            for first in range(0, len(rows), BATCH_ROWS):
                yield rows[first : first + BATCH_ROWS]
        if last is not None:
            yield [last]


async def _kpi_batches(ask: Ask, wish: ExportWish) -> AsyncIterator[list[Row]]:
    from lineside.core.times import ms_of_iso
    from lineside.history.kpi_rows import kpi_rows

    wanted = Wanted(
        lines=wish.lines,
        begin_ms=wish.begin_ms,
        end_ms=min(wish.end_ms, wish.now_ms),
        grain=wish.grain,
        by=wish.by,
        asked=wish.asked,
        is_whole=wish.is_whole,
    )
    skip = 0
    while True:

        async def question(store: Store, skip: int = skip) -> list[dict[str, Any]]:
            found = []
            async for row in kpi_rows(store, wish.site, wanted, skip=skip):
                found.append(row)
                if len(found) == BATCH_ROWS:
                    break
            return found

        rows = await ask(question)
        if not rows:
            return
        yield [
            [
                ms_of_iso(row["begin"]),
                ms_of_iso(row["end"]),
                *(row[name] for name in ("label", "line_id", "code", "name")),
                *(row[name] for name in _SHARES),
                row["is_sufficient"],
                *(row[name] for name in _COUNTS),
                None if (kept := row["failures_kept_from"]) is None else ms_of_iso(kept),
            ]
            for row in rows
        ]
        skip += len(rows)


async def _stop_batches(ask: Ask, wish: ExportWish) -> AsyncIterator[list[Row]]:
    from lineside.history.kpi_rows import plans_of
    from lineside.history.stop_questions import stops_in

    names = {reason.code: reason.name for reason in wish.site.downtime_reasons}
    windows = wish.windows()
    for machine in wish.machines:
        window = windows[machine.line_id]
        span = Span(window.begin_ms, min(window.end_ms, wish.now_ms))
        if span.length_ms <= 0:
            continue

        async def question(store: Store, machine: Equipment = machine, span: Span = span) -> Any:
            plans = await plans_of(store, wish.site)
            return await stops_in(
                store,
                plans,
                [machine],
                span.begin_ms,
                span.end_ms,
                wish.now_ms,
                as_figures=True,
            )

        rows: list[Row] = []
        for each in await ask(question):
            stop, why = each.stop, each.stop.reason
            rows.append(
                [
                    stop.begin_ms,
                    None if stop.is_open else stop.end_ms,
                    machine.line_id,
                    machine.code,
                    machine.name,
                    stop.status.value,
                    stop.down_ms,
                    why.reason if why else None,
                    names.get(why.reason) if why else None,
                    why.comment if why else None,
                    why.made_by if why else None,
                    stop.counted,
                ]
            )
        for first in range(0, len(rows), BATCH_ROWS):
            yield rows[first : first + BATCH_ROWS]


async def _alarm_batches(ask: Ask, wish: ExportWish) -> AsyncIterator[list[Row]]:
    """Yield the alarms whose fault stood in the window, those that rose first at last.

    A lost PLC's alarm comes with its line, and not with one machine of it.
    """
    from lineside.history.alarm_query import ID_MAX, AlarmQuery

    windows = wish.windows()
    query = AlarmQuery(
        line_id=wish.line_id,
        code=wish.code,
        begin_ms=wish.begin_ms,
        end_ms=wish.end_ms,
        states=wish.states,
        severities=wish.severities,
        text=wish.text,
        before_id=ID_MAX,
    )
    while True:

        async def question(store: Store, query: AlarmQuery = query) -> tuple[list[Alarm], set[int]]:
            page = await store.alarms.alarms(query, BATCH_ROWS)
            stood = {each.id for each in page if each.line_id not in windows}
            for line_id, span in windows.items():
                of_line = [each for each in page if each.line_id == line_id]
                stood |= await store.alarms.stood(of_line, span.begin_ms, span.end_ms)
            return page, stood

        found, stood = await ask(question)
        if not found:
            return
        yield [_alarm_row(each) for each in found if each.id in stood]
        query = msgspec.structs.replace(query, before_id=found[-1].id)


def _alarm_row(alarm: Alarm) -> Row:
    return [
        alarm.raised_ms,
        alarm.last_raised_ms,
        alarm.raised_count,
        alarm.cleared_ms,
        alarm.state.value,
        alarm.severity.value,
        alarm.kind.value,
        alarm.line_id,
        alarm.source,
        alarm.name,
        alarm.plc_id,
        alarm.tag,
        alarm.alarm_code,
        alarm.text_ko,
        alarm.text_en,
        alarm.acknowledged_ms,
        alarm.acknowledged_by,
        alarm.shelved_until_ms,
        " / ".join(f"{each.by}: {each.text}" for each in alarm.comments) or None,
    ]


async def _plc_event_batches(ask: Ask, wish: ExportWish) -> AsyncIterator[list[Row]]:
    """Yield what happened to the PLCs of the machines; of the whole plant to every PLC ever."""
    from lineside.history.event_store import EventKey, key_of, plc_events

    machines = wish.machines
    wished = {each.code for each in machines}
    is_whole = all(each.code in wished for line in wish.site.lines for each in line.equipment)
    plc_ids = None if is_whole else {each.plc_id for each in machines if each.plc_id is not None}
    after: EventKey | None = None
    while True:

        async def question(store: Store, key: EventKey | None = after) -> Any:
            return await plc_events(
                store, wish.begin_ms, wish.end_ms, plc_ids=plc_ids, after=key, limit=BATCH_ROWS
            )

        found = await ask(question)
        if not found:
            return
        yield [
            [
                each.at_ms,
                each.plc_id,
                each.link.value,
                each.fault or None,
                each.cause or None,
                None if each.end_code is None else f"{each.end_code:04X}",
            ]
            for each in found
        ]
        after = key_of(found[-1])


async def _server_event_batches(ask: Ask, wish: ExportWish) -> AsyncIterator[list[Row]]:
    """Yield what happened to the server, whichever machines are wished for: it watches all."""
    from lineside.history.event_store import EventKey, key_of, server_events

    after: EventKey | None = None
    while True:

        async def question(store: Store, key: EventKey | None = after) -> Any:
            return await server_events(
                store, wish.begin_ms, wish.end_ms, after=key, limit=BATCH_ROWS
            )

        found = await ask(question)
        if not found:
            return
        yield [[each.at_ms, each.kind.value, each.detail or None] for each in found]
        after = key_of(found[-1])


SOURCES: Mapping[str, ExportSource] = {
    "alarms": ExportSource(
        columns=_columns(
            raised=_TIME,
            last_raised=_TIME,
            raised_count=_WHOLE,
            cleared=_TIME,
            state=_TEXT,
            severity=_TEXT,
            kind=_TEXT,
            line_id=_TEXT,
            code=_TEXT,
            name=_TEXT,
            plc_id=_TEXT,
            tag=_TEXT,
            alarm_code=_WHOLE,
            text_ko=_TEXT,
            text_en=_TEXT,
            acknowledged=_TIME,
            acknowledged_by=_TEXT,
            shelved_until=_TIME,
            comments=_TEXT,
        ),
        batches=_alarm_batches,
    ),
    "changes": ExportSource(
        columns=_columns(
            at=_TIME,
            line_id=_TEXT,
            code=_TEXT,
            name=_TEXT,
            previous=_TEXT,
            status=_TEXT,
            reason=_TEXT,
            tag=_TEXT,
            value=_TEXT,
            detail=_TEXT,
        ),
        batches=_change_batches,
    ),
    "intervals": ExportSource(
        columns=_columns(
            begin=_TIME,
            end=_TIME,
            code=_TEXT,
            name=_TEXT,
            status=_TEXT,
            duration_ms=_WHOLE,
            reason=_TEXT,
        ),
        batches=_interval_batches,
    ),
    "kpis": ExportSource(
        columns=_columns(
            begin=_TIME,
            end=_TIME,
            label=_TEXT,
            line_id=_TEXT,
            code=_TEXT,
            name=_TEXT,
            **dict.fromkeys(_SHARES, _NUMBER),
            is_sufficient=_TRUTH,
            **dict.fromkeys(_COUNTS, _WHOLE),
            failures_kept_from=_TIME,
        ),
        batches=_kpi_batches,
    ),
    "plc-events": ExportSource(
        columns=_columns(
            at=_TIME, plc_id=_TEXT, link=_TEXT, fault=_TEXT, cause=_TEXT, end_code=_TEXT
        ),
        batches=_plc_event_batches,
    ),
    "server-events": ExportSource(
        columns=_columns(at=_TIME, kind=_TEXT, detail=_TEXT),
        batches=_server_event_batches,
    ),
    "stops": ExportSource(
        columns=_columns(
            begin=_TIME,
            end=_TIME,
            line_id=_TEXT,
            code=_TEXT,
            name=_TEXT,
            status=_TEXT,
            down_ms=_WHOLE,
            reason=_TEXT,
            reason_name=_TEXT,
            comment=_TEXT,
            by=_TEXT,
            stops=_WHOLE,
        ),
        batches=_stop_batches,
    ),
}
