"""What the machines of the demo line did in a past week, in bits. Pure: the seed gives the week.

The line of `behaviour.py` is made to be looked at for minutes; this one is made for reports. Parts
pass the machines through buffers of some minutes of work, so that a long fault starves what comes
after it and blocks what comes before. Some machines are good and some are bad. Work stops in breaks
and between shifts; at night there are fewer people, so that faults last longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from random import Random

import msgspec

from lineside.core.calendar import LineCalendar
from lineside.core.model import Equipment
from lineside.core.spans import Span
from lineside.demo.behaviour import Activity, MachineSignals

STEP_S = 5  # within which a machine changes once at most
RESUME_S = 90.0  # of parts, or of room for them, before a machine that waited begins again
_NIGHT_HOURS = (22, 6)
_HOUR_S = 3600.0
_DAY_S = 86_400
_LONG_S = 4 * 3600  # a rest that is no break

_RUNNING, _FAULTED = Activity.RUNNING, Activity.FAULTED
_FLOWING = {Activity.STARVED, Activity.BLOCKED}


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """From the whole second `at_s` on a machine gives `signals`."""

    at_s: int
    code: str
    signals: MachineSignals


class WeekPattern(msgspec.Struct, frozen=True, kw_only=True):
    """How often a running machine leaves its work, per hour, and for how long, in seconds."""

    micro_stops: float = 4.2
    micro_stop_s: tuple[float, float] = (8.0, 40.0)
    waits: float = 0.9
    wait_s: tuple[float, float] = (50.0, 115.0)
    halts: float = 0.05
    halt_s: tuple[float, float] = (240.0, 1200.0)
    faults: float = 0.12  # of a machine that is neither good nor bad
    fault_median_s: float = 280.0
    fault_max_s: float = 4500.0
    night_slowness: float = 1.7  # of whoever clears a fault
    buffer_s: tuple[float, float] = (420.0, 1100.0)  # of work between two machines


class _Machine:
    """One machine; `until_s` is when its activity ends by itself."""

    def __init__(self, code: str, random: Random) -> None:
        self.code = code
        self.random = random
        self.care = random.choice((0.35, 0.6, 1.0, 1.0, 1.6, 2.6))
        self.run_bit_survives_fault = random.random() < 0.2
        self.activity = Activity.HALTED
        self.until_s = 0.0
        self.turned_s = 0  # the step of its last turn, which is number `turn_index`
        self.turn_index = 0
        self.next_s = 0.0  # when the run that goes on is interrupted
        self.next_activity = Activity.WAITING
        self.next_lasts_s = 0.0
        self.begins_s = 0.0  # to work in the planned time that goes on, and ends
        self.ends_s = 0.0

    def signals(self) -> MachineSignals:
        has_fault = self.activity is _FAULTED
        is_running = self.activity is _RUNNING or (has_fault and self.run_bit_survives_fault)
        return MachineSignals(activity=self.activity, is_running=is_running, has_fault=has_fault)


def live_week(
    machines: Sequence[Equipment],
    flow: Sequence[str],
    calendar: LineCalendar,
    begin_s: int,
    end_s: int,
    seed: int | str,
    pattern: WeekPattern | None = None,
) -> list[Turn]:
    """Return what the machines of one line did in [begin_s, end_s), in order of time.

    Args:
        machines: of the line.
        flow: their codes in the order in which parts pass them.
        calendar: when work is planned on it.
        begin_s: in Unix seconds; each machine has a turn there.
        end_s: in Unix seconds.
        seed: the same seed gives the same week.
        pattern: how often and how long machines leave their work.
    """
    codes = {machine.code for machine in machines if machine.is_configured}
    in_flow = [code for code in flow if code in codes] + sorted(codes - set(flow))
    week = _Week(in_flow, calendar, seed, pattern or WeekPattern())
    return week.live(begin_s, end_s)


class _Week:
    def __init__(
        self, codes: Sequence[str], calendar: LineCalendar, seed: int | str, pattern: WeekPattern
    ) -> None:
        self._pattern = pattern
        self._calendar = calendar
        self._line = [_Machine(code, Random(f"{seed}:week:{code}")) for code in codes]  # noqa: S311
        self._random = Random(f"{seed}:week:parts")  # noqa: S311
        self._rooms_s = [self._random.uniform(*pattern.buffer_s) for _ in codes[1:]]
        self._levels_s = [room_s / 2 for room_s in self._rooms_s]
        self._is_night = False
        self._turns: list[Turn] = []

    def live(self, begin_s: int, end_s: int) -> list[Turn]:
        for machine in self._line:
            self._turns.append(Turn(at_s=begin_s, code=machine.code, signals=machine.signals()))
        spans = self._working_times(begin_s, end_s)
        if spans and spans[0].begin_ms // 1000 - begin_s > _LONG_S:
            self._leave_a_fault(begin_s + 1800, spans[0].begin_ms // 1000)
        for span, following in pairwise([*spans, None]):
            if span is None or span.begin_ms >= end_s * 1000:
                break
            self._work(span, begin_s, end_s)
            if following is not None and span.end_ms <= end_s * 1000:
                self._rest(span.end_ms // 1000, following.begin_ms // 1000)
        return sorted(self._turns, key=lambda turn: turn.at_s)

    def _working_times(self, begin_s: int, end_s: int) -> list[Span]:
        """Return the planned times, shift by shift: between two the line stands for a moment."""
        calendar, begin_ms, end_ms = self._calendar, begin_s * 1000, (end_s + 3 * _DAY_S) * 1000
        if calendar.is_around_the_clock:
            return list(calendar.planned(begin_ms, end_ms))
        windows = calendar.shift_windows(begin_ms, end_ms)
        return [span for each in windows for span in each.planned if span.end_ms > begin_ms]

    def _work(self, span: Span, begin_s: int, end_s: int) -> None:
        """Live through one planned time."""
        first_s, last_s = span.begin_ms // 1000, span.end_ms // 1000
        hour = datetime.fromtimestamp(first_s, self._calendar.zone).hour
        self._is_night = hour >= _NIGHT_HOURS[0] or hour < _NIGHT_HOURS[1]
        for place, machine in enumerate(self._line):
            late_s = 240.0 if self._is_night else 90.0
            is_amid_work = first_s < begin_s
            starts_s = first_s + 4.0 * place + machine.random.uniform(5.0, late_s)
            machine.begins_s = 0.0 if is_amid_work else starts_s
            machine.ends_s = last_s - machine.random.uniform(0.0, 40.0)
        now_s = max(first_s, begin_s)
        now_s += -now_s % STEP_S
        while now_s < min(last_s, end_s - STEP_S):
            self._step(now_s)
            now_s += STEP_S

    def _rest(self, begin_s: int, end_s: int) -> None:
        """Let all stand until `end_s`. What has a fault keeps it: nobody is there to clear it."""
        if end_s - begin_s > _LONG_S and all(m.activity is not _FAULTED for m in self._line):
            self._leave_a_fault(begin_s - STEP_S, end_s)
        for machine in self._line:
            if machine.activity is not _FAULTED:
                self._begin(machine, Activity.HALTED, begin_s, 0.0)
            elif machine.until_s > begin_s:
                machine.until_s = end_s + machine.random.uniform(120.0, 900.0)

    def _leave_a_fault(self, at_s: int, end_s: int) -> None:
        """Give one machine a fault that is found only after a long rest."""
        machine = self._line[self._random.randrange(len(self._line))]
        self._begin(machine, _FAULTED, at_s, end_s - at_s + self._random.uniform(120.0, 900.0))

    def _step(self, now_s: int) -> None:
        line, levels, rooms = self._line, self._levels_s, self._rooms_s
        for machine in line:
            if machine.activity is _RUNNING:
                if now_s >= machine.ends_s:
                    self._begin(machine, Activity.HALTED, now_s, 0.0)
                elif now_s >= machine.next_s:
                    self._begin(machine, machine.next_activity, now_s, machine.next_lasts_s)
            elif machine.activity not in _FLOWING and now_s >= machine.until_s:
                self._end(machine, now_s)
        before = line[0]
        for index in range(len(levels)):
            after = line[index + 1]
            fills, drains = before.activity is _RUNNING, after.activity is _RUNNING
            if fills is not drains:
                level = levels[index] + (STEP_S if fills else -STEP_S)
                levels[index] = level
                if level <= 0.0 and drains:
                    self._begin(after, Activity.STARVED, now_s, 0.0)
                elif level >= rooms[index] and fills:
                    self._begin(before, Activity.BLOCKED, now_s, 0.0)
            before = after
        for place, machine in enumerate(line):
            if machine.activity in _FLOWING:
                if now_s >= machine.ends_s:
                    self._begin(machine, Activity.HALTED, now_s, 0.0)
                elif self._can_resume(place):
                    self._restock(place, machine.activity)
                    self._run(machine, now_s)

    def _can_resume(self, place: int) -> bool:
        levels, rooms = self._levels_s, self._rooms_s
        has_parts = place == 0 or levels[place - 1] >= RESUME_S
        has_room = place == len(levels) or levels[place] <= rooms[place] - RESUME_S
        return has_parts and has_room

    def _restock(self, place: int, activity: Activity) -> None:
        """Somebody brings parts from stock, or takes some away, so that it does not soon recur."""
        levels, rooms = self._levels_s, self._rooms_s
        share = self._random.uniform(0.3, 0.5)
        if activity is Activity.STARVED:
            levels[place - 1] = max(levels[place - 1], share * rooms[place - 1])
        else:
            levels[place] = min(levels[place], (1.0 - share) * rooms[place])

    def _end(self, machine: _Machine, now_s: int) -> None:
        """End an activity that has lasted long enough, in planned time."""
        if now_s >= machine.ends_s:
            if machine.activity is not Activity.HALTED:
                self._begin(machine, Activity.HALTED, now_s, 0.0)
        elif machine.activity is _FAULTED:
            self._begin(machine, Activity.WAITING, now_s, machine.random.uniform(8.0, 40.0))
        elif now_s >= machine.begins_s:
            self._run(machine, now_s)

    def _run(self, machine: _Machine, now_s: int) -> None:
        """Run until the first of the four things that can happen to a machine happens."""
        pattern, random = self._pattern, machine.random
        slowness = pattern.night_slowness if self._is_night else 1.0
        fault_s = pattern.fault_median_s * slowness * random.lognormvariate(0.0, 0.85)
        rivals = (
            (pattern.micro_stops, Activity.WAITING, random.uniform(*pattern.micro_stop_s)),
            (pattern.waits * slowness, Activity.WAITING, random.uniform(*pattern.wait_s)),
            (pattern.halts, Activity.HALTED, random.uniform(*pattern.halt_s)),
            (pattern.faults * machine.care, _FAULTED, min(fault_s, pattern.fault_max_s)),
        )
        draws = [
            (random.expovariate(per_hour / _HOUR_S), number, kind, lasts_s)
            for number, (per_hour, kind, lasts_s) in enumerate(rivals)
        ]
        run_s, _, machine.next_activity, machine.next_lasts_s = min(draws)
        machine.next_s = now_s + max(run_s, 20.0)
        self._begin(machine, _RUNNING, now_s, 0.0)

    def _begin(self, machine: _Machine, activity: Activity, now_s: int, lasts_s: float) -> None:
        machine.activity = activity
        machine.until_s = now_s + lasts_s
        if now_s != machine.turned_s:
            machine.turned_s, machine.turn_index = now_s, len(self._turns)
            at_s = now_s + machine.random.randrange(STEP_S)
            self._turns.append(Turn(at_s=at_s, code=machine.code, signals=machine.signals()))
            return
        # What begins in the same step takes the place of what has begun just now.
        at_s = self._turns[machine.turn_index].at_s
        turn = Turn(at_s=at_s, code=machine.code, signals=machine.signals())
        self._turns[machine.turn_index] = turn
