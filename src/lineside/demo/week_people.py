"""What the people of the demo plant did in its past week: alarms acknowledged and put aside, stops
explained, downtime planned.

They use what the page's buttons use: the alarm book and the store of downtime.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from random import Random

from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, AlarmState
from lineside.core.model import Site
from lineside.demo.behaviour import Activity
from lineside.demo.week_life import Turn
from lineside.history.alarm_desk import AlarmDesk
from lineside.history.downtime import StopReason
from lineside.history.downtime_store import PlannedDowntime, add_planned_downtime, explain
from lineside.history.kpi_rows import plans_of
from lineside.history.stop_questions import MachineStop, stops_in
from lineside.history.store import Store

LOOK_EVERY_S = 30
NAMES = ("김민수", "이서연", "박준호", "최은지", "정우진")
ASKING_S = 6 * 3600  # stops of the last hours still ask
EXPLAINED = 0.75  # of the older ones; of those that neighbours have caused, fewer
EXPLAINED_FLOW = 0.05
_SHELF_S = 24 * 3600
_SHORT_SHELF_S = 4 * 3600
_HOUR_MS = 3_600_000
_ALARM_WORDS = ("센서 청소함", "리셋 후 정상", "보전팀 호출", "팁 교체함", "반복되면 점검 필요")
_REASONS: Mapping[Activity, tuple[tuple[str, str], ...]] = {
    Activity.FAULTED: (
        ("E10", "근접 센서 오염"),
        ("E10", "케이블 접촉 불량"),
        ("E20", "클램프 실린더 누기"),
        ("E20", ""),
        ("E30", "팁 교체"),
    ),
    Activity.HALTED: (("S10", ""), ("S10", "다음 품종 준비"), ("S20", "초품 검사")),
    Activity.STARVED: (("M10", ""),),
    Activity.BLOCKED: (("M20", ""),),
    Activity.WAITING: (("M", ""), ("S20", "")),
}
_WAITING_STATES = (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED)


class AlarmPeople:
    """Whoever stands at the line and answers its alarms."""

    def __init__(self, desk: AlarmDesk, seed: int | str, end_s: int) -> None:
        """Answer the alarms of `desk`; the week ends at `end_s`."""
        self._desk = desk
        self._seed = seed
        self._shelf_from_s = end_s - ASKING_S
        self._has_shelved = False
        self._answer_s: dict[tuple[int, int], int] = {}  # by alarm and how often it rose

    def on_tick(self, now_s: int) -> None:
        """Look at the alarms, every now and then."""
        if now_s % LOOK_EVERY_S:
            return
        for alarm in self._desk.book:
            if alarm.state in _WAITING_STATES:
                self._look_at(alarm, now_s)

    def _look_at(self, alarm: Alarm, now_s: int) -> None:
        key = (alarm.id, alarm.raised_count)
        random = Random(f"{self._seed}:{alarm.source}:{alarm.last_raised_ms}")  # noqa: S311
        if key not in self._answer_s:
            is_soon = random.random() < 0.6
            delay_s = random.uniform(40.0, 600.0) if is_soon else random.uniform(3600.0, 25_000.0)
            self._answer_s[key] = now_s + round(delay_s)
        if now_s < self._answer_s[key]:
            return
        if not self._desk.plant.is_worked((alarm.kind, alarm.source), now_s * 1000):
            return
        by = random.choice(NAMES)
        is_last = not self._has_shelved and now_s >= self._shelf_from_s
        if is_last or random.random() < 0.02:
            self._has_shelved = self._has_shelved or is_last
            lasts_s = _SHELF_S if is_last else _SHORT_SHELF_S
            self._act(alarm, AlarmEventKind.SHELVED, now_s, by, "부품 입고 대기", lasts_s)
            return
        words = random.choice(_ALARM_WORDS) if random.random() < 0.25 else ""
        self._act(alarm, AlarmEventKind.ACKNOWLEDGED, now_s, by, words)

    def _act(
        self,
        alarm: Alarm,
        kind: AlarmEventKind,
        now_s: int,
        by: str,
        text: str,
        lasts_s: int | None = None,
    ) -> None:
        until_ms = None if lasts_s is None else (now_s + lasts_s) * 1000
        event = AlarmEvent(kind=kind, at_ms=now_s * 1000, by=by, text=text, until_ms=until_ms)
        self._desk.book.act(alarm, event)


async def explain_stops(
    store: Store, site: Site, turns: Sequence[Turn], seed: int | str, begin_s: int, end_s: int
) -> int:
    """Let people say why machines stood in [begin_s, end_s); return how many stops were explained.

    Some stops, and those of the last hours, still ask. One set-up had been planned.
    """
    machines = [each for line in site.lines for each in line.equipment]
    begin_ms, end_ms = begin_s * 1000, end_s * 1000
    asking = await stops_in(store, await plans_of(store, site), machines, begin_ms, end_ms, end_ms)
    did = _ByMachine(turns)
    random = Random(f"{seed}:week:stops")  # noqa: S311
    planned: MachineStop | None = None
    count = 0
    for each in asking:
        stop = each.stop
        activity = did.mainly(each.machine.code, stop.begin_ms // 1000, stop.end_ms // 1000)
        reason, comment = random.choice(_REASONS[activity])
        said_ms = stop.end_ms + random.randrange(60_000, 1_800_000)
        is_own = activity in (Activity.FAULTED, Activity.HALTED)
        is_asking = random.random() >= (EXPLAINED if is_own else EXPLAINED_FLOW)
        by = random.choice(NAMES)
        if stop.is_open or said_ms > end_ms - ASKING_S * 1000:
            continue
        is_set_up = activity is Activity.HALTED and stop.begin_ms > begin_ms + 24 * _HOUR_MS
        if is_set_up and (planned is None or stop.down_ms > planned.stop.down_ms):
            planned = each
        if is_asking:
            continue
        said = StopReason(
            at_ms=stop.begin_ms, reason=reason, comment=comment, made_by=by, made_ms=said_ms
        )
        await explain(store, each.machine.code, said, stop.from_ms, stop.end_ms)
        count += 1
    if planned is not None:
        await _plan(store, planned)
    return count


async def _plan(store: Store, stop: MachineStop) -> None:
    await add_planned_downtime(
        store,
        PlannedDowntime(
            id=0,
            line_id=stop.machine.line_id,
            code=stop.machine.code,
            begin_ms=stop.stop.begin_ms,
            end_ms=stop.stop.end_ms,
            comment="품종 교체 (계획)",
            made_by=NAMES[0],
            made_ms=stop.stop.begin_ms - 20 * _HOUR_MS,
        ),
    )


class _ByMachine:
    """What each machine was doing, to be asked for."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns: dict[str, list[Turn]] = {}
        for turn in turns:
            self._turns.setdefault(turn.code, []).append(turn)

    def mainly(self, code: str, begin_s: int, end_s: int) -> Activity:
        """Return what kept a machine from running: a fault before all else, else the longest."""
        turns = self._turns[code]
        first = max(0, bisect_left(turns, begin_s + 1, key=lambda turn: turn.at_s) - 1)
        lasted_s: dict[Activity, int] = {}
        for index in range(first, len(turns)):
            turn = turns[index]
            if turn.at_s >= end_s:
                break
            until_s = turns[index + 1].at_s if index + 1 < len(turns) else end_s
            length_s = min(until_s, end_s) - max(turn.at_s, begin_s)
            activity = turn.signals.activity
            lasted_s[activity] = lasted_s.get(activity, 0) + length_s
        if Activity.FAULTED in lasted_s:
            return Activity.FAULTED
        lasted_s.pop(Activity.RUNNING, None)
        return max(lasted_s, key=lambda each: lasted_s[each], default=Activity.WAITING)
