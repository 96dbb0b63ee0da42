"""At every second, what the board said is what everything else says of that second.

A random plant is played for virtual weeks: runs, waits, idle tags, mapped values, faults whose
codes or alarm bits change, lost and stopped PLCs, shifts, a machine with a limit of its own,
one that changes lines, restarts. More of them: `LINESIDE_AGREEMENT_SEEDS=100`.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import dropwhile, pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from sqlalchemy import select

from history.played import BEGIN_S, MACHINES, TICK_MS, Play, Said
from lineside.core.alarm import AlarmEventKind
from lineside.core.model import Equipment, Site, Status
from lineside.core.spans import Span, clip
from lineside.history import schema
from lineside.history.database import Database
from lineside.history.export_rows import SOURCES
from lineside.history.export_wish import ExportWish
from lineside.history.figures import totals_in
from lineside.history.kpi import Times
from lineside.history.kpi_rows import plans_of
from lineside.history.lanes import LaneInterval, only_in, pieces
from lineside.history.past import changes_at, lanes, site_at
from lineside.history.store import Store

T = TypeVar("T")
DAYS = 7
LINES = ("weld1", "pack")
SEEDS = int(os.environ.get("LINESIDE_AGREEMENT_SEEDS", "3"))
FROM_MS = BEGIN_S * 1000 - 1_000  # a second in which nobody watched
Steps = list[tuple[int, T]]  # from each moment on


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'history.db'}")
    yield Store(database)
    await database.close()


def tick_of(at_ms: int) -> int:
    """Return the first tick at or after a moment: the first that shows what happened then."""
    return -(-(at_ms - TICK_MS) // 1000) * 1000 + TICK_MS


def steps(changes: Sequence[tuple[int, T]]) -> Steps[T]:
    """Return what ticks show of `changes`: the last before each tick, where it is another."""
    found: Steps[T] = []
    for at_ms, value in changes:
        tick_ms = tick_of(at_ms)
        if found and found[-1][0] == tick_ms:
            found.pop()
        if not found or found[-1][1] != value:
            found.append((tick_ms, value))
    return found


def at(some: Steps[T], tick_ms: int) -> T | None:
    index = bisect_right(some, tick_ms, key=lambda step: step[0])
    return some[index - 1][1] if index else None


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_at_every_second_all_say_what_the_board_said(store: Store, seed: int) -> None:
    play = Play(store, seed)
    await play.play(DAYS * 86_400)
    end_ms = play.now_s * 1000
    codes = [machine.code for machine in MACHINES]
    found = {lane.code: lane.intervals async for lane in lanes(store, codes, FROM_MS, end_ms)}
    for machine in MACHINES:
        said = play.said[machine.code]
        check_lane(said, found[machine.code])
        await check_moments(store, play, machine)
        await check_alarms(store, said, machine)
        await check_lines(store, said, machine, found[machine.code])
        await check_exports(store, play, machine, end_ms)
    await check_figures(store, play.site, found, end_ms)


def shown(said: Steps[Said | None]) -> Steps[tuple[str, str | None]]:
    return steps([(t, ("unseen", None) if s is None else (s.status, s.code)) for t, s in said])


def check_lane(said: Steps[Said | None], intervals: list[LaneInterval]) -> None:
    """The timeline."""
    drawn = [(begin, (status, reason)) for begin, _, status, reason in pieces(intervals)]
    assert steps(drawn)[1:] == shown(said)


async def check_lines(
    store: Store, said: Steps[Said | None], machine: Equipment, intervals: list[LaneInterval]
) -> None:
    """The timeline of each line: the machine while it was in it."""
    configured = await store.configurations.read()
    for line_id in LINES:
        here = [
            (tick_ms, then if then is not None and then.line_id == line_id else None)
            for tick_ms, then in said
        ]
        mine = only_in(intervals, configured.there(machine.code, line_id))
        drawn = [(begin, (status, reason)) for begin, _, status, reason in pieces(mine)]
        assert _from_sight(steps(drawn)) == _from_sight(shown(here)), line_id


def _from_sight(some: Steps[tuple[str, str | None]]) -> Steps[tuple[str, str | None]]:
    return list(dropwhile(lambda step: step[1][0] == "unseen", some))


async def check_moments(store: Store, play: Play, machine: Equipment) -> None:
    """The time machine, at the seconds at which something was new, and those before."""
    said = play.said[machine.code]
    some = play.rng.sample(said[1:], min(40, len(said) - 1))
    for tick_ms in sorted({t - d for t, _ in some for d in (0, 1000)}):
        then = at(said, tick_ms)
        known = (await changes_at(store, [machine.code], tick_ms)).get(machine.code)
        assert (known is None) == (then is None)
        if known is None or then is None:
            continue
        site = await site_at(store, tick_ms)
        assert site is not None
        assert then.line_id in [
            line.id for line in site.lines if machine.code in [m.code for m in line.equipment]
        ]
        change = known.change
        tags = {tag[0]: tag[2] for tag in msgspec.json.decode(change.tags)}
        assert change.status is not None
        told = (change.status.value, change.reason, change.tag)
        assert told == (then.status, then.code, then.tag)
        assert (None if change.value is None else msgspec.json.decode(change.value)) == then.value
        if then.status == Status.ERROR:
            assert tags["alarm_code_tag"] == then.alarm_code
        # A status that goes on over a restart began before the run that tells of it.
        assert known.began_ms >= then.since_ms


async def check_alarms(store: Store, said: Steps[Said | None], machine: Equipment) -> None:
    """Which alarms stand, with which codes."""
    alarm, event = schema.alarm, schema.alarm_event
    query = (
        select(
            event.c.at_ms,
            event.c.kind,
            alarm.c.id,
            alarm.c.alarm_code,
            alarm.c.line_id,
            alarm.c.raised_ms,
        )
        .join(alarm, alarm.c.id == event.c.alarm_id)
        .where(alarm.c.source == machine.code)
        .order_by(event.c.at_ms, event.c.run_id, event.c.seq)
    )
    async with store.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    standing: dict[int, int | None] = {}
    changes: list[tuple[int, list[int | None]]] = [(0, [])]
    for at_ms, kind, alarm_id, code, line_id, raised_ms in rows:
        if kind == AlarmEventKind.RAISED:
            standing[alarm_id] = code
            then = at(said, tick_of(at_ms))
            assert then is None or at_ms != raised_ms or line_id == then.line_id
        elif kind in (AlarmEventKind.CLEARED, AlarmEventKind.SUPERSEDED):
            standing.pop(alarm_id, None)
        changes.append((at_ms, sorted(standing.values(), key=lambda each: each or 0)))
    told = steps(changes)
    ticks = sorted({t for t, _ in said} | {t for t, _ in told[1:]})
    for tick_ms in ticks:
        then = at(said, tick_ms)
        if then is None or then.status == Status.DISCONNECTED:
            continue
        wanted = alarms_of(machine, then) if then.status == Status.ERROR else []
        assert at(told, tick_ms) == wanted, (tick_ms, then)


def alarms_of(machine: Equipment, then: Said) -> list[int | None]:
    """Return the codes of the alarms of a faulty machine; None, the first, is the plain fault."""
    assert isinstance(then.alarm_code, int)
    if machine.alarm_bits is None:
        return [then.alarm_code]
    is_plain = bool(machine.alarm_bits.unlisted_in(then.alarm_code))
    return [*([None] * is_plain), *sorted(machine.alarm_bits.codes_in(then.alarm_code))]


async def check_exports(store: Store, play: Play, machine: Equipment, end_ms: int) -> None:
    """The files of intervals and changes."""
    said = play.said[machine.code]
    configured = await store.configurations.read()
    lines = configured.lines_in(play.site.lines, FROM_MS, end_ms)
    wish = ExportWish(
        site=play.site,
        lines=tuple(
            (line, (each,))
            for line in lines
            for each in line.equipment
            if each.code == machine.code
        ),
        begin_ms=FROM_MS,
        end_ms=end_ms,
        now_ms=end_ms,
    )

    async def ask(question: Callable[[Store], Awaitable[Any]]) -> Any:
        return await question(store)

    rows = [row async for some in SOURCES["intervals"].batches(ask, wish) for row in some]
    rows.sort(key=lambda row: row[0])
    assert steps([(row[0], (row[4], row[6])) for row in rows])[1:] == shown(said)
    rows = [row async for some in SOURCES["changes"].batches(ask, wish) for row in some]
    for row in rows:
        then = at(said, tick_of(row[0]))
        assert then is None or row[1] == then.line_id
    exported = steps([(row[0], tuple(row[5:9])) for row in rows])
    for tick_ms, then in said:
        if then is not None:
            status, code, tag, value = at(exported, tick_ms) or ()
            assert (status, code, tag) == (then.status, then.code, then.tag)
            assert (None if value is None else msgspec.json.decode(value)) == then.value


async def check_figures(
    store: Store, now: Site, found: dict[str, list[LaneInterval]], end_ms: int
) -> None:
    """Key figures of days and of everything: the sums of what was shown in planned time."""
    plans, configured = await plans_of(store, now), await store.configurations.read()
    edges = [FROM_MS, *range(FROM_MS + 1_234_567, end_ms, 86_400_000), end_ms]
    windows = [Span(a, b) for a, b in pairwise(edges)]
    whole = await totals_in(store, plans, MACHINES, windows)
    by_line = {
        line_id: await totals_in(store, plans, MACHINES, windows, line_id=line_id)
        for line_id in LINES
    }
    for index, window in enumerate(windows):
        planned = now.calendar.of_line("weld1").planned(window.begin_ms, window.end_ms)
        for machine in MACHINES:
            lane = found[machine.code]
            mine = whole[index][machine.code]
            assert times_of(mine.times) == times_in(lane, planned), (machine.code, window)
            for line_id in LINES:
                there = configured.there(machine.code, line_id)
                here = [s for span in there for s in clip(planned, span.begin_ms, span.end_ms)]
                times = by_line[line_id][index][machine.code].times
                assert times_of(times) == times_in(lane, here), (machine.code, line_id, window)
            # What stops or fails does so in one line.
            some = [by_line[line_id][index][machine.code] for line_id in LINES]
            for name in ("stops", "failures", "repairs", "repair_ms"):
                first, *others = [getattr(totals, name) for totals in some]
                assert sum(others, first) == getattr(mine, name), (machine.code, name, window)


def times_of(times: Times) -> dict[str | None, int]:
    return {
        "running": times.running_ms,
        "idle": times.idle_ms,
        "stopped": times.stopped_ms,
        "error": times.error_ms,
        "disconnected": times.disconnected_ms,
        None: times.unseen_ms,
    }


def times_in(lane: list[LaneInterval], planned: Sequence[Span]) -> dict[str | None, int]:
    wanted = dict.fromkeys([*(status.value for status in Status), None], 0)
    for each in lane:
        inside = clip(planned, each.begin_ms, each.end_ms)
        wanted[each.status] += sum(span.length_ms for span in inside)
    return wanted
