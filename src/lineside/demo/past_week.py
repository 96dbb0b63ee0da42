"""Writes the demo plant's past week into its history, through the recorder that the board uses.

The week comes from a seed and from the moment at which it ends: nothing of it is stored in the
package. It has two runs, for the server stood for an hour of one night.
"""

from __future__ import annotations

import asyncio
from random import Random

import msgspec

from lineside.core.calendar import LineCalendar
from lineside.core.errors import HistoryError
from lineside.core.model import PlcLink, Site, Snapshot
from lineside.core.ports import BusMessage
from lineside.core.zone import local_day, moment_ms
from lineside.demo import DEMO_FLOW
from lineside.demo.week_life import Turn, live_week
from lineside.demo.week_people import AlarmPeople, explain_stops
from lineside.demo.week_play import Outage, PastClock, WeekPlayer
from lineside.history.alarm_desk import AlarmDesk
from lineside.history.part_work import PartWork
from lineside.history.recorder import LATE_MAX_MS, Recorder
from lineside.history.spool import Spool
from lineside.history.store import Store
from lineside.history.writer import Writer

DAYS = 7
_DAY_S = 86_400
_GAP_MINUTES = (2 * 60 + 47, 3 * 60 + 51)  # of a night, by the plant's clock: the server stood
_KEEP_S = 120.0  # to store one run
_LOOK_S = 0.02
_APART_S = 1800  # outages of PLCs, from each other and from all edges


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told, in whole Unix seconds: the server watched in all `runs`."""

    seed: int | str
    begin_s: int
    end_s: int
    runs: tuple[tuple[int, int], ...]
    outages: tuple[Outage, ...]
    turns: tuple[Turn, ...]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a week came to."""

    records: int
    explained: int
    runs: tuple[tuple[int, int], ...]


def plan_week(site: Site, end_s: int, seed: int | str, days: int = DAYS) -> Week:
    """Return the week of `site` that ends at `end_s`. The same seed and end give the same week."""
    begin_s = end_s - days * _DAY_S
    calendar = site.calendar.of_line(site.lines[0].id)
    gap = _night_unseen(calendar, begin_s, end_s)
    runs = ((begin_s, end_s),) if gap is None else ((begin_s, gap[0]), (gap[1], end_s))
    turns = [
        turn
        for line in site.lines
        for turn in live_week(
            line.equipment,
            DEMO_FLOW,
            site.calendar.of_line(line.id),
            begin_s,
            end_s,
            f"{seed}:{line.id}",
        )
    ]
    return Week(
        seed=seed,
        begin_s=begin_s,
        end_s=end_s,
        runs=runs,
        outages=_outages(site, calendar, runs, seed),
        turns=tuple(sorted(turns, key=lambda turn: turn.at_s)),
    )


async def write_week(store: Store, spool: Spool, site: Site, week: Week, version: str) -> Written:
    """Tell `week` to a recorder and an alarm desk, run by run, and store all that comes of it.

    Raises:
        HistoryError: the database does not take it.
    """
    clock = PastClock(week.begin_s)
    player = WeekPlayer(site, lambda message: None, clock)
    count = 0
    for begin_s, end_s in week.runs:
        recorder = Recorder(version)
        desk = AlarmDesk(recorder, clock)
        clock.set(begin_s)
        if begin_s != week.begin_s:
            plc_ids = [plc.id for plc in site.plcs]
            desk.plant = type(desk.plant)(site)
            desk.adopt(await store.alarms.recall(plc_ids, begin_s * 1000))
        player.tell = _Ears(recorder, desk).hear
        player.play(
            [turn for turn in week.turns if turn.at_s < end_s],
            [each for each in week.outages if begin_s <= each.begin_s < end_s],
            begin_s,
            end_s,
            AlarmPeople(desk, week.seed, week.end_s).on_tick,
        )
        clock.set(end_s)
        recorder.end(end_s)
        await _keep(recorder, store, spool, clock)
        count += recorder.heard_count
    explained = await explain_stops(store, site, week.turns, week.seed, week.begin_s, week.end_s)
    settled_ms = week.end_s * 1000 + LATE_MAX_MS  # nothing of the week is still to come
    await PartWork(store, lambda: settled_ms, pause_s=0.0).compute()
    return Written(records=count, explained=explained, runs=week.runs)


async def _keep(recorder: Recorder, store: Store, spool: Spool, clock: PastClock) -> None:
    """Store all that `recorder` has heard."""
    writer = Writer(recorder, store, spool, clock, batch_wait_s=0.0)
    try:
        async with asyncio.timeout(_KEEP_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(writer.run(), name="past writer")
            while writer.health().queued or spool:  # noqa: ASYNC110 -- the writer has no event
                await asyncio.sleep(_LOOK_S)
            writer.stop()
    except TimeoutError:
        raise HistoryError(writer.health().error or "the database is too slow") from None


class _Ears:
    """Tells a recorder and an alarm desk what the bus brings.

    The desk hears the first tick after each change, and one a minute: nothing comes of the others.
    """

    def __init__(self, recorder: Recorder, desk: AlarmDesk) -> None:
        self._recorder, self._desk = recorder, desk
        self._minute: float = 0
        self._links: list[PlcLink] = []
        self._is_due = True

    def hear(self, message: BusMessage) -> None:
        self._recorder.on_message(message)
        if isinstance(message, Snapshot):
            minute, links = message.at.unix_s // 60, [plc.link for plc in message.plcs]
            if not self._is_due and minute == self._minute and links == self._links:
                return
            self._minute, self._links, self._is_due = minute, links, False
        else:
            self._is_due = True
        self._desk.on_message(message)


def _night_unseen(calendar: LineCalendar, begin_s: int, end_s: int) -> tuple[int, int] | None:
    """Return the newest night's hour of work that is not too near the edges of the week."""
    zone = calendar.zone
    for back in range(1, (end_s - begin_s) // _DAY_S):
        day = local_day(zone, (end_s - back * _DAY_S) * 1000)
        gap = tuple(moment_ms(zone, day, minute) // 1000 for minute in _GAP_MINUTES)
        is_at_work = calendar.shift_at(gap[0] * 1000) is not None
        if is_at_work and begin_s + _DAY_S <= gap[0] and gap[1] <= end_s - _DAY_S // 4:
            return gap[0], gap[1]
    return None


def _outages(
    site: Site, calendar: LineCalendar, runs: tuple[tuple[int, int], ...], seed: int | str
) -> tuple[Outage, ...]:
    """Return one long silence of a PLC, in working time, and some short ones."""
    random = Random(f"{seed}:week:outages")  # noqa: S311
    found: list[Outage] = []
    lengths_s = [random.randrange(780, 1080), *(random.randrange(25, 100) for _ in range(4))]
    for _ in range(1000):
        if not lengths_s or len(site.plcs) < 2:
            break
        begin_s, end_s = random.choice(runs)
        at_s = random.randrange(begin_s, end_s)
        is_inside = begin_s + _APART_S <= at_s <= end_s - _APART_S
        is_apart = all(abs(at_s - each.begin_s) > _APART_S for each in found)
        is_planned = bool(calendar.planned(at_s * 1000, at_s * 1000 + 1))
        if is_inside and is_apart and is_planned:
            plc = random.choice(site.plcs)
            length_s = lengths_s.pop(0)
            found.append(Outage(plc_id=plc.id, begin_s=at_s, end_s=at_s + length_s))
    return tuple(sorted(found, key=lambda outage: outage.begin_s))
