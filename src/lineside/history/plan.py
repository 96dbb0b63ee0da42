"""What a machine's figures are judged by, and how a window is covered with parts. Pure.

The past is judged by what held then: by the shifts, `stop_after` and rules that were configured at
the time, and only for as long as the machine was configured. Rules of today judge a time before
them only where a person has applied them to it. A part carries a fingerprint of all that it was
judged by; when anything of that changes, the part no longer fits and is computed anew.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

import msgspec

from lineside.core.calendar import LineCalendar
from lineside.core.model import KpiRules, ReasonCode, Status, StatusRule
from lineside.core.spans import Span, clip, union
from lineside.core.zone import Grain, periods
from lineside.history.behind import Bookkeeping, Counted
from lineside.history.failures import FailureParts
from lineside.history.kpi import KpiParts, Times, parts_of, walk
from lineside.history.lanes import LaneInterval
from lineside.history.reclassify import ReasonedInterval, joined, reclassify
from lineside.history.stops import StopParts

_DAY_MS = 86_400_000
_REACH_MS = 400 * _DAY_MS  # no stop timer is so long
_FORMAT = 2  # of stored parts, and of how they are computed: a new number computes all anew
_ABSENT_FORMAT = 2  # the same, of parts in which a machine was not configured throughout
_WAITING = frozenset(
    {
        ReasonCode.IDLE_WAIT.value,
        ReasonCode.STOP_ELAPSED.value,
        ReasonCode.OUTSIDE_SHIFT.value,
        ReasonCode.VALUE_MAP.value,
    }
)
_REASONS = {code.value: code for code in ReasonCode}
_STATUSES = {status.value: status for status in Status}


class PartGrain(StrEnum):
    """The windows that parts are kept of: days from midnight to midnight, and their pieces.

    Pieces lie between the begins and ends of shifts, so that a line's day, which goes on until its
    last shift has ended, is made of them. What is kept stays whole when hours of shifts change.
    """

    DAY = "day"
    PIECE = "piece"


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a window. `grain` None: nothing is kept of such a piece."""

    grain: PartGrain | None
    span: Span


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine did by the rules; `reach_ms` is how far back the judging looked."""

    intervals: list[ReasonedInterval]
    reach_ms: int


class _StoredParts(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    times: Times
    stops: StopParts
    failures: FailureParts


_T = TypeVar("_T", LaneInterval, ReasonedInterval)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_StoredParts).decode


class RulePlan:
    """One rule and calendar that machines are judged by. It remembers fingerprints."""

    def __init__(
        self,
        calendar: LineCalendar,
        rules: KpiRules,
        rule: StatusRule,
        downtime: Iterable[Span] = (),
    ) -> None:
        """Judge by `rule` and `rules`, in the working time of `calendar` without `downtime`."""
        self.calendar = calendar
        self.rules = rules
        self.rule = rule
        self.downtime = union(downtime)
        self._fingerprints: dict[tuple[int, int, int, int], int] = {}
        self._planned: dict[tuple[int, int], tuple[Span, ...]] = {}

    def planned(self, begin_ms: int, end_ms: int) -> tuple[Span, ...]:
        """Return the planned busy time within [begin_ms, end_ms)."""
        key = (begin_ms, end_ms)
        found = self._planned.get(key)
        if found is None:
            if len(self._planned) > 2000:
                self._planned.clear()
            found = self.calendar.planned(begin_ms, end_ms, self.downtime)
            self._planned[key] = found
        return found

    def judge(self, lane: Sequence[LaneInterval], begin_ms: int, end_ms: int) -> Judged:
        """Return what the machine did in [begin_ms, end_ms) by this rule.

        Planned downtime does not count here: as on the board, only shifts and breaks do.
        """
        found, since_ms = [], begin_ms
        for each in _within(lane, begin_ms, end_ms):
            is_waiting = each.reason in _WAITING
            since = _since_ms(each) if is_waiting else None
            if since is not None:
                since_ms = min(since_ms, since)
            found.append(
                ReasonedInterval(
                    begin_ms=max(each.begin_ms, begin_ms),
                    end_ms=min(each.end_ms, end_ms),
                    status=None if each.status is None else _STATUSES[each.status],
                    reason=_REASONS.get(each.reason) if each.reason else None,
                    since_ms=since,
                    until_ms=each.until_ms if is_waiting else None,
                )
            )
        if self.calendar.is_around_the_clock:
            return Judged(intervals=reclassify(found, self.rule), reach_ms=begin_ms)
        days = -(-(begin_ms - since_ms) // _DAY_MS)
        reach_ms = begin_ms - days * _DAY_MS  # in whole days, so that machines share fingerprints
        work = self.calendar.planned(reach_ms, end_ms)
        return Judged(intervals=reclassify(found, self.rule, work), reach_ms=reach_ms)

    def fingerprint(self, begin_ms: int, end_ms: int, reach_ms: int, version: int = _FORMAT) -> int:
        """Return what stands for all that a part of [begin_ms, end_ms) is judged by.

        `version` is that of how it was computed.
        """
        key = (begin_ms, end_ms, reach_ms, version)
        found = self._fingerprints.get(key)
        if found is None:
            work: tuple[Span, ...] = ()
            if not self.calendar.is_around_the_clock:
                work = self.calendar.planned(reach_ms, end_ms)
            judged_by = (
                version,
                self.rules,
                self.rule.stop_after_s,
                self.rule.value_map is None,
                self.calendar.is_around_the_clock,
                work,
                clip(self.downtime, begin_ms, end_ms),
            )
            found = self._fingerprints[key] = _digest(judged_by)
        return found


class MachinePlan:
    """What one machine, or several alike, is judged by over time, and when it was configured."""

    def __init__(
        self,
        calendar: LineCalendar,
        plans: Sequence[tuple[int, RulePlan]],
        configured: Sequence[Span] | None = None,
    ) -> None:
        """Judge by each of `plans` from its moment on, until that of the next.

        Args:
            calendar: of the line as it works now: where days and shifts are cut.
            plans: in order, at least one; the first judges what was before it as well.
            configured: when the machine was configured, in order; other time is not planned. Where
                two touch the machine was moved: stops and failures end there. None: it always was.
        """
        self.calendar = calendar
        self.configured = None if configured is None else tuple(configured)
        self._begins_ms = [begin_ms for begin_ms, _ in plans]
        self._plans = [plan for _, plan in plans]

    def rules_at(self, at_ms: int) -> KpiRules:
        """Return what counted as a micro-stop and as a failure at a moment."""
        return self._at(at_ms).rules

    def rule_at(self, at_ms: int) -> StatusRule:
        """Return the thresholds that held at a moment."""
        return self._at(at_ms).rule

    def configured_in(self, begin_ms: int, end_ms: int) -> tuple[Span, ...]:
        """Return when in [begin_ms, end_ms) the machine was configured, in order."""
        if self.configured is None:
            return (Span(begin_ms, end_ms),) if begin_ms < end_ms else ()
        return clip(self.configured, begin_ms, end_ms)

    def planned(self, begin_ms: int, end_ms: int) -> tuple[Span, ...]:
        """Return the planned busy time within [begin_ms, end_ms)."""
        held = list(self._held(begin_ms, end_ms))
        found = (
            union(span for plan, begin, end in held for span in plan.planned(begin, end))
            if len(held) > 1
            else held[0][0].planned(begin_ms, end_ms)
        )
        if self._is_configured_throughout(begin_ms, end_ms):
            return found
        return union(
            span
            for each in self.configured_in(begin_ms, end_ms)
            for span in clip(found, each.begin_ms, each.end_ms)
        )

    def judge(self, lane: Sequence[LaneInterval], begin_ms: int, end_ms: int) -> Judged:
        """Return what the machine did in [begin_ms, end_ms), each time by the rule of then.

        Planned downtime does not count here: as on the board, only shifts and breaks do.
        """
        held = list(self._held(begin_ms, end_ms))
        if len(held) == 1:
            return held[0][0].judge(lane, begin_ms, end_ms)
        judged = [plan.judge(lane, begin, end) for plan, begin, end in held]
        return Judged(
            intervals=joined(each for some in judged for each in some.intervals),
            reach_ms=min(some.reach_ms for some in judged),
        )

    def parts(self, judged: Judged, begin_ms: int, end_ms: int) -> KpiParts:
        """Return what [begin_ms, end_ms), which `judged` covers, contributes to the figures.

        Micro-stops and failures are told by the rules at its end.
        """
        planned = self.planned(begin_ms, end_ms)
        rules = self.rules_at(end_ms - 1)
        intervals = _within(judged.intervals, begin_ms, end_ms)
        configured = self._there_in(begin_ms, end_ms)
        return parts_of(intervals, planned, begin_ms, end_ms, rules, configured)

    def counted(self, judged: Judged, begin_ms: int, end_ms: int) -> list[Counted]:
        """Return each piece of [begin_ms, end_ms), which `judged` covers, and what it counts to.

        Time in which the machine was not configured is in none of them.
        """
        book = Bookkeeping(begin_ms, self.rules_in(begin_ms, end_ms))
        planned = self.planned(begin_ms, end_ms)
        intervals = _within(judged.intervals, begin_ms, end_ms)
        configured = self._there_in(begin_ms, end_ms)
        walk(intervals, planned, begin_ms, end_ms, configured, book.take, book.skip)
        return book.counted()

    def rules_in(self, begin_ms: int, end_ms: int) -> Callable[[int], KpiRules]:
        """Return the rules by which figures of [begin_ms, end_ms) tell what begins at a moment.

        They make up the window of pieces, each of which is judged by the rules at its end.
        """
        ends_ms = [tile.span.end_ms for tile in cover(self.calendar, begin_ms, end_ms)]
        return lambda at_ms: self.rules_at(ends_ms[bisect_right(ends_ms, at_ms)] - 1)

    def fingerprint(self, begin_ms: int, end_ms: int, reach_ms: int) -> int:
        """Return what stands for all that a part of [begin_ms, end_ms) is judged by."""
        return self._fingerprint(begin_ms, end_ms, reach_ms, _FORMAT, _ABSENT_FORMAT)

    def is_judged_alike(self, fingerprint: int, begin_ms: int, end_ms: int, reach_ms: int) -> bool:
        """Whether a part was judged by the same, though an earlier version may have computed it."""
        return any(
            fingerprint == self._fingerprint(begin_ms, end_ms, reach_ms, version, absent)
            for version in range(_FORMAT, 0, -1)
            for absent in range(_ABSENT_FORMAT, 0, -1)
        )

    def _fingerprint(
        self, begin_ms: int, end_ms: int, reach_ms: int, version: int, absent: int
    ) -> int:
        held = list(self._held(begin_ms, end_ms))
        is_throughout = self._is_configured_throughout(begin_ms, end_ms)
        if len(held) == 1 and is_throughout:
            return held[0][0].fingerprint(begin_ms, end_ms, reach_ms, version)
        pieces = [
            (begin, end, plan.fingerprint(begin, end, min(reach_ms, begin), version))
            for plan, begin, end in held
        ]
        configured = self.configured_in(begin_ms, end_ms)
        if is_throughout or absent == 1:  # the first had no number of its own
            return _digest((pieces, configured))
        return _digest((pieces, configured, absent))

    def _at(self, at_ms: int) -> RulePlan:
        return self._plans[max(0, bisect_right(self._begins_ms, at_ms) - 1)]

    def _held(self, begin_ms: int, end_ms: int) -> Iterator[tuple[RulePlan, int, int]]:
        """Yield by which plan each piece of [begin_ms, end_ms) is judged; at least one."""
        first = max(0, bisect_right(self._begins_ms, begin_ms) - 1)
        last = max(first + 1, bisect_left(self._begins_ms, end_ms))
        for index in range(first, last):
            begin = begin_ms if index == first else self._begins_ms[index]
            end = end_ms if index + 1 == last else self._begins_ms[index + 1]
            yield self._plans[index], begin, end

    def _there_in(self, begin_ms: int, end_ms: int) -> tuple[Span, ...] | None:
        """Return when in [begin_ms, end_ms) it was configured; None: throughout.

        An empty span at the begin stands for a move at that moment.
        """
        if self._is_configured_throughout(begin_ms, end_ms):
            return None
        configured = self.configured_in(begin_ms, end_ms)
        if self._is_moved_at(begin_ms):
            return (Span(begin_ms, begin_ms), *configured)
        return configured

    def _is_configured_throughout(self, begin_ms: int, end_ms: int) -> bool:
        """Whether it was, as far as that is known, without being moved."""
        if self._is_moved_at(begin_ms):
            return False
        return self.configured is None or any(
            span.begin_ms <= begin_ms and end_ms <= span.end_ms for span in self.configured
        )

    def _is_moved_at(self, at_ms: int) -> bool:
        spans = self.configured or ()
        return any(first.end_ms == at_ms == second.begin_ms for first, second in pairwise(spans))


def encode_parts(parts: KpiParts) -> bytes:
    """Return `parts` as they are stored, without their window and rules."""
    return _encode(_StoredParts(times=parts.times, stops=parts.stops, failures=parts.failures))


def has_seen(stored: bytes) -> bool:
    """Whether anything was known of the machine in a stored part that this version understands."""
    try:
        times = _decode(stored).times
    except msgspec.MsgspecError:
        return False
    return times.planned_busy_ms > times.unseen_ms


def decode_parts(stored: bytes, span: Span, rules: KpiRules) -> KpiParts:
    """Return stored parts of the window `span`, computed by `rules`."""
    found = _decode(stored)
    return KpiParts(
        rules=rules, window=span, times=found.times, stops=found.stops, failures=found.failures
    )


def pieces_of(calendar: LineCalendar, day: Span) -> list[Span]:
    """Return a day from midnight to midnight in pieces that begin and end where shifts do."""
    cuts = {day.begin_ms, day.end_ms}
    for shift in calendar.shift_windows(day.begin_ms, day.end_ms):
        cuts |= {at for at in (shift.span.begin_ms, shift.span.end_ms) if day.holds(at)}
    moments = sorted(cuts)
    return [Span(begin, end) for begin, end in pairwise(moments)]


def cover(calendar: LineCalendar, begin_ms: int, end_ms: int) -> list[Tile]:
    """Return tiles that make up [begin_ms, end_ms): as few as can be of those that are kept."""
    tiles: list[Tile] = []
    for _, day in periods(calendar.zone, Grain.DAY, begin_ms, end_ms):
        if begin_ms <= day.begin_ms and day.end_ms <= end_ms:
            tiles.append(Tile(grain=PartGrain.DAY, span=day))
        else:
            tiles += _cover_day(calendar, day, begin_ms, end_ms)
    return tiles


def _cover_day(calendar: LineCalendar, day: Span, begin_ms: int, end_ms: int) -> Iterator[Tile]:
    for piece in pieces_of(calendar, day):
        begin, end = max(piece.begin_ms, begin_ms), min(piece.end_ms, end_ms)
        if begin < end:
            is_whole = (begin, end) == (piece.begin_ms, piece.end_ms) and piece != day
            yield Tile(grain=PartGrain.PIECE if is_whole else None, span=Span(begin, end))


def _digest(judged_by: object) -> int:
    digest = hashlib.blake2b(_encode(judged_by), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _since_ms(interval: LaneInterval) -> int:
    """Return when waiting began, the same for every window that shows a part of it."""
    began_ms = interval.begin_ms if interval.changed_ms is None else interval.changed_ms
    if interval.since_ms is None:
        return began_ms
    return max(min(interval.since_ms, began_ms), began_ms - _REACH_MS)


def _within(intervals: Sequence[_T], begin_ms: int, end_ms: int) -> Sequence[_T]:
    """Return those of `intervals`, which tile a window, that overlap [begin_ms, end_ms)."""
    first = bisect_right(intervals, begin_ms, key=lambda each: each.end_ms)
    last = bisect_left(intervals, end_ms, key=lambda each: each.begin_ms)
    return intervals[first:last]
