"""Alarms of a run whose clock was wrong are moved with it, when the clock is set right."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from builders import T0_S, code, line, site, site_change, snapshot, state_change
from history.asked import lanes_of
from history.told import taken
from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind
from lineside.core.alarm_text import AlarmRules
from lineside.core.model import Instant, Status
from lineside.core.spans import Span, union
from lineside.history import schema
from lineside.history.alarm_desk import AlarmDesk
from lineside.history.alarm_query import AlarmQuery
from lineside.history.recorder import Recorder
from lineside.history.records import Batch
from lineside.history.store import Store

PLANT = replace(
    site(line("weld1", range(101, 102))), alarm_rules=AlarmRules(on_delay_s=3.0, off_delay_s=2.0)
)
MACHINE = code(101)
RUNNING, ERROR = Status.RUNNING, Status.ERROR


class Server:
    """A recorder and an alarm desk on a clock that is behind; `true_s` counts for all."""

    def __init__(self, store: Store, true_s: int, behind_s: float = 0.0) -> None:
        self.store = store
        self.true_s, self.behind_s, self.status = true_s, behind_s, RUNNING
        self.recorder = Recorder("1")
        self.desk = AlarmDesk(self.recorder, self.clock)

    def clock(self) -> Instant:
        unix_s = T0_S + self.true_s - self.behind_s
        return Instant(unix_s=unix_s, monotonic_s=self.true_s + 1000.0)

    async def begin(self, status: Status) -> None:
        now = self.clock()
        self.hear(site_change(PLANT, at_s=now.unix_s))
        self.change(status)
        self.desk.adopt(await self.store.alarms.recall(("PLC01", "PLC02"), int(now.unix_s * 1000)))
        self.tick()

    def hear(self, message: object) -> None:
        self.recorder.on_message(message)  # type: ignore[arg-type]
        self.desk.on_message(message)  # type: ignore[arg-type]

    def change(self, status: Status) -> None:
        self.status = status
        self.hear(state_change(101, status, at_s=self.clock().unix_s))

    def tick(self) -> None:
        shown = snapshot(PLANT)
        (only,) = shown.lines
        states = tuple(replace(each, status=self.status) for each in only.equipment)
        self.hear(replace(shown, at=self.clock(), lines=(replace(only, equipment=states),)))

    def go_on(self, until_s: int) -> None:
        while self.true_s < until_s:
            self.true_s += 1
            self.tick()

    def comment(self) -> None:
        (alarm,) = self.desk.book
        at_ms = round(self.clock().unix_s * 1000)
        event = AlarmEvent(kind=AlarmEventKind.COMMENTED, at_ms=at_ms, by="Kim", text="금형")
        self.desk.book.act(alarm, event)

    def batches(self) -> list[Batch]:
        return taken(self.recorder, 3)

    async def keep(self) -> None:
        batches = self.batches()
        await self.store.write(batches)
        await self.store.write(batches)  # once more, as after a crash


def seconds(at_ms: int | None) -> float | None:
    return None if at_ms is None else round(at_ms / 1000 - T0_S, 1)


def facts(alarm: Alarm) -> tuple[float | None, ...]:
    times = (alarm.raised_ms, alarm.last_raised_ms, alarm.cleared_ms, alarm.changed_ms)
    return tuple(map(seconds, times))


async def stored(store: Store) -> Alarm:
    (alarm,) = await store.alarms.alarms(AlarmQuery(), 10)
    return alarm


async def events(store: Store) -> list[tuple[str, float | None]]:
    event = schema.alarm_event
    query = select(event.c.kind, event.c.at_ms).order_by(event.c.alarm_id, event.c.number)
    async with store.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [(row.kind, seconds(row.at_ms)) for row in rows if row.kind != "suppressed"]


async def faults(store: Store, end_s: int) -> list[tuple[float | None, float | None]]:
    begin_ms, end_ms = round(T0_S * 1000), round((T0_S + end_s) * 1000)
    found = await lanes_of(store, [MACHINE], begin_ms, end_ms)
    spans = union(
        Span(each.begin_ms, each.end_ms) for each in found[MACHINE] if each.status == ERROR
    )
    return [(seconds(span.begin_ms), seconds(span.end_ms)) for span in spans]


async def seen_running_before(store: Store) -> None:
    server = Server(store, 0)
    await server.begin(RUNNING)
    server.go_on(30)
    server.recorder.end(server.clock().unix_s)
    await server.keep()


# How much the clock is behind; when the fault comes and goes; the clock is set right at 60.
CASES = [
    (behind_s, begin_s, end_s)
    for behind_s in (45.0, -45.0, 86_400.0)
    for begin_s, end_s in ((40, 50), (40, 80), (58, 80), (59, 60))
    if end_s - begin_s > 3
]


@pytest.mark.parametrize(("behind_s", "begin_s", "end_s"), CASES)
@pytest.mark.parametrize("is_kept_meanwhile", [False, True])
async def test_an_alarm_is_where_the_timeline_has_its_fault(
    store: Store, behind_s: float, begin_s: int, end_s: int, is_kept_meanwhile: bool
) -> None:
    await seen_running_before(store)
    server = Server(store, 35, behind_s)
    await server.begin(RUNNING)
    for second, status in ((begin_s, ERROR), (end_s, RUNNING)):
        if server.true_s < 60 <= second:
            server.go_on(59)
            if is_kept_meanwhile:
                await server.keep()
            server.behind_s = 0.0
        server.go_on(second)
        server.change(status)
        server.go_on(second + 1)
    server.go_on(59)
    server.behind_s = 0.0
    server.go_on(90)
    await server.keep()
    assert await faults(store, 90) == [(begin_s, end_s)]
    alarm = await stored(store)
    assert facts(alarm) == (begin_s, begin_s, end_s, end_s)
    assert await events(store) == [("raised", begin_s), ("cleared", end_s)]
    assert server.desk.book.find(alarm.id) == alarm


async def test_what_people_said_of_an_alarm_of_before_the_start_moves_and_it_does_not(
    store: Store,
) -> None:
    first = Server(store, 0)
    await first.begin(RUNNING)
    first.go_on(20)
    first.change(ERROR)
    first.go_on(30)
    first.recorder.end(first.clock().unix_s)
    await first.keep()
    server = Server(store, 35, 30.0)  # it says 5: before the fault
    await server.begin(ERROR)
    server.go_on(40)
    server.comment()
    server.go_on(50)
    server.behind_s = 0.0
    server.go_on(70)
    server.change(RUNNING)
    server.go_on(80)
    await server.keep()
    alarm = await stored(store)
    assert (seconds(alarm.raised_ms), seconds(alarm.cleared_ms)) == (20, 70)
    assert [seconds(each.at_ms) for each in alarm.comments] == [40]
    assert await events(store) == [("raised", 20), ("commented", 40), ("cleared", 70)]
    assert server.desk.book.find(alarm.id) == alarm
