"""One suite for every database: events of PLCs and of the server come back in order, by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from builders import site
from history.told import T0_MS, a_batch, a_run, a_server_event
from lineside.core.model import Line, PlcLink
from lineside.history import export_rows
from lineside.history.event_store import key_of, plc_events, server_events
from lineside.history.export_rows import SOURCES, Row
from lineside.history.export_wish import ExportWish
from lineside.history.records import PlcRecord, Record, ServerEventKind
from lineside.history.store import Store

WINDOW = (T0_MS, T0_MS + 100)


def an_event(seq: int, at_ms: int, plc_id: str = "PLC01") -> PlcRecord:
    return PlcRecord(
        seq=seq,
        plc_id=plc_id,
        at_ms=at_ms,
        link=PlcLink.LOST,
        fault="no answer",
        cause="a cable?",
        end_code=0x59,
    )


async def exported(store: Store, kind: str, lines: tuple[Line, ...]) -> list[Row]:
    async def ask(question: Callable[[Store], Awaitable[Any]]) -> Any:
        return await question(store)

    wish = ExportWish(
        site=site(),
        lines=tuple((line, line.equipment) for line in lines),
        begin_ms=WINDOW[0],
        end_ms=WINDOW[1],
        now_ms=WINDOW[1],
    )
    return [row async for rows in SOURCES[kind].batches(ask, wish) for row in rows]


async def test_events_come_back_whole(store: Store) -> None:
    back = PlcRecord(seq=2, plc_id="PLC01", at_ms=T0_MS + 10, link=PlcLink.ONLINE)
    records: list[Record] = [an_event(1, T0_MS), back, a_server_event(3, T0_MS + 20)]
    await store.write([a_batch(a_run(), records)])
    first, second = await plc_events(store, *WINDOW)
    assert (first.plc_id, first.at_ms, first.seq, first.link) == ("PLC01", T0_MS, 1, PlcLink.LOST)
    assert (first.fault, first.cause, first.end_code) == ("no answer", "a cable?", 0x59)
    assert (second.at_ms, second.link, second.fault) == (T0_MS + 10, PlcLink.ONLINE, "")
    (started,) = await server_events(store, *WINDOW)
    assert (started.at_ms, started.seq, started.kind) == (T0_MS + 20, 3, ServerEventKind.START)
    assert started.detail == "for a test"


async def test_a_history_without_events_has_none(store: Store) -> None:
    assert await plc_events(store, *WINDOW) == []
    assert await server_events(store, *WINDOW) == []


async def test_the_window_includes_its_begin_and_not_its_end(store: Store) -> None:
    plc = [an_event(n, T0_MS + n) for n in (1, 2, 3)]
    await store.write([a_batch(a_run(), [*plc, *(a_server_event(n, T0_MS + n) for n in (4, 5))])])
    found = await plc_events(store, T0_MS + 1, T0_MS + 3)
    assert [each.seq for each in found] == [1, 2]
    assert [e.seq for e in await server_events(store, T0_MS + 4, T0_MS + 5)] == [4]


async def test_pages_of_all_plcs_have_no_gaps_or_repeats(store: Store) -> None:
    # Of each millisecond three, of three PLCs in turn and two runs: the order is that of time.
    ids = ("PLC02", "가공 PLC", "PLC01")
    events = [an_event(n, T0_MS + n // 3, ids[n % 3]) for n in range(1, 30)]
    await store.write([a_batch(a_run(1), events[:15]), a_batch(a_run(2), events[15:])])
    seen, after = [], None
    while page := await plc_events(store, *WINDOW, after=after, limit=4):
        seen += [each.seq for each in page]
        after = key_of(page[-1])
    assert seen == list(range(1, 30))
    of_one = await plc_events(store, *WINDOW, plc_ids=["가공 PLC"], limit=3)
    assert [each.seq for each in of_one] == [1, 4, 7]
    rest = await plc_events(store, *WINDOW, plc_ids=["가공 PLC"], after=key_of(of_one[-1]))
    assert [each.seq for each in rest] == list(range(10, 30, 3))
    assert await plc_events(store, *WINDOW, plc_ids=[]) == []


async def test_pages_of_the_server_have_no_gaps_or_repeats(store: Store) -> None:
    await store.write([a_batch(a_run(), [a_server_event(n, T0_MS + n // 3) for n in range(1, 30)])])
    seen, after = [], None
    while page := await server_events(store, *WINDOW, after=after, limit=4):
        seen += [each.seq for each in page]
        after = key_of(page[-1])
    assert seen == list(range(1, 30))


async def test_exports_of_events_go_on_across_their_batches(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_rows, "BATCH_ROWS", 4)
    events = [an_event(n, T0_MS + n, ("PLC01", "PLC02", "PLC99")[n % 3]) for n in range(30)]
    await store.write(
        [a_batch(a_run(), [*events, *(a_server_event(n, T0_MS + n) for n in range(30, 40))])]
    )
    weld, pack = site().lines
    rows = await exported(store, "plc-events", (weld, pack))
    assert [row[0] - T0_MS for row in rows] == list(range(30))
    assert rows[2] == [T0_MS + 2, "PLC99", "lost", "no answer", "a cable?", "0059"]
    # Of one line its own PLCs, and the server's events all the same.
    own = {machine.plc_id for machine in weld.equipment}
    of_weld = await exported(store, "plc-events", (weld,))
    assert [row[:2] for row in of_weld] == [row[:2] for row in rows if row[1] in own]
    server = await exported(store, "server-events", (weld,))
    assert server == [[T0_MS + n, "start", "for a test"] for n in range(30, 40)]
