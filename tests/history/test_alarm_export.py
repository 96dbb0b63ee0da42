"""The file of alarms has each of them once, whatever happens while it is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from builders import site
from history.alarms import raised, told
from history.told import T0_MS, a_batch, a_run
from lineside.core.alarm import AlarmEventKind
from lineside.history import export_rows
from lineside.history.export_rows import SOURCES
from lineside.history.export_wish import ExportWish
from lineside.history.store import Store


async def test_an_alarm_that_is_raised_again_while_it_is_exported_is_in_the_file_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_rows, "BATCH_ROWS", 2)
    alarms = {n: raised(n, at_ms=T0_MS + n) for n in range(1, 7)}
    records = [replace(record, seq=n) for n, (_, record) in alarms.items()]
    await store.write([a_batch(a_run(), records)])
    at_ms = [T0_MS + 100]

    async def ask(question: Callable[[Store], Awaitable[Any]]) -> Any:
        answer = await question(store)
        at_ms[0] += 100
        oldest, gone = told(alarms[1][0], AlarmEventKind.CLEARED, at_ms[0])
        alarms[1] = told(oldest, AlarmEventKind.RAISED, at_ms[0] + 1)
        again = [replace(each, seq=at_ms[0] + n) for n, each in enumerate((gone, alarms[1][1]))]
        await store.write([a_batch(a_run(), again)])
        return answer

    lines = tuple((line, line.equipment) for line in site().lines)
    end_ms = T0_MS + 90_000
    wish = ExportWish(site=site(), lines=lines, begin_ms=T0_MS, end_ms=end_ms, now_ms=end_ms)
    rows = [row async for some in SOURCES["alarms"].batches(ask, wish) for row in some]
    assert [row[0] - T0_MS for row in rows] == [6, 5, 4, 3, 2, 1]
