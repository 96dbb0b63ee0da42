"""What the past would look like with another `stop_after` or other shifts. Pure.

Only waiting is judged anew: whether idle or stopped follows from the time since the last running
sample, the working time and the threshold, all of which are kept. Running, errors and unseen time
stay as they were, and so does what the board said by these same rules: it looks once a second, and
knew of idle tags of which older records tell nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from lineside.core.model import ReasonCode, Status, StatusRule
from lineside.core.spans import Span, clip, subtract

LATE_MS = 5_000  # by which the board may be late to say what time alone has made of a machine
SAME_MS = 1_000  # apart, two moments of the same rule: the one by a clock that is being set

_WAITING = frozenset({ReasonCode.IDLE_WAIT, ReasonCode.STOP_ELAPSED, ReasonCode.OUTSIDE_SHIFT})


class ReasonedInterval(msgspec.Struct, frozen=True, kw_only=True):
    """One machine in [begin_ms, end_ms), with the reason that its status began with.

    `since_ms` is the moment of the last running sample, of a machine that waits; where it is not
    known, the last running interval counts. `until_ms` is when the waiting was to become something
    else, as it was said when the interval began.
    """

    begin_ms: int
    end_ms: int
    status: Status | None  # None: unseen
    reason: ReasonCode | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def reclassify(
    intervals: Iterable[ReasonedInterval], rule: StatusRule, planned: Sequence[Span] | None = None
) -> list[ReasonedInterval]:
    """Return `intervals` as `rule` and `planned` would have made them; like neighbours are joined.

    Args:
        intervals: of one machine, in order, without overlaps, as they were recorded.
        rule: the thresholds to judge by; of a value map only that there is one counts.
        planned: the working time, tidy, from the earliest `since_ms` on. None: all time.
    """
    found: list[ReasonedInterval] = []
    not_running_since_ms: int | None = None
    for interval in intervals:
        is_seen = interval.status not in (None, Status.DISCONNECTED)
        if is_seen and not_running_since_ms is None:
            not_running_since_ms = interval.begin_ms
        pieces: Iterable[ReasonedInterval] = (interval,)
        if _is_waiting(interval, rule):
            since_ms = interval.since_ms
            if since_ms is None:
                since_ms = not_running_since_ms or interval.begin_ms
            pieces = _judged(interval, since_ms, rule, planned)
        elif interval.status is Status.RUNNING:
            not_running_since_ms = interval.end_ms
        for piece in pieces:
            _append(found, piece)
    return found


def _is_waiting(interval: ReasonedInterval, rule: StatusRule) -> bool:
    """Whether nothing but the threshold and the plan make the interval idle or stopped."""
    if rule.value_map is None:
        return interval.reason in _WAITING
    was_mapped = interval.reason is ReasonCode.VALUE_MAP and interval.status is Status.STOPPED
    return was_mapped or interval.reason is ReasonCode.OUTSIDE_SHIFT


def _judged(
    interval: ReasonedInterval, since_ms: int, rule: StatusRule, planned: Sequence[Span] | None
) -> Iterator[ReasonedInterval]:
    """Cut a time of waiting where the plan or the threshold changes its status."""
    begin_ms, end_ms = interval.begin_ms, interval.end_ms
    if planned is None:
        planned = (Span(min(since_ms, begin_ms), end_ms),)
    work = clip(planned, begin_ms, end_ms)
    free = subtract((Span(begin_ms, end_ms),), work)
    stops_ms = begin_ms
    if rule.value_map is None:
        stops_ms = _stops_ms(since_ms, end_ms, rule.stop_after_s, planned)
    said_ms = _said_from_ms(interval, stops_ms, planned)
    if said_ms < end_ms:
        yield from _judged_until(interval, said_ms, since_ms, rule, planned)
        yield msgspec.structs.replace(interval, begin_ms=max(begin_ms, said_ms))
        return
    pieces = [(span, Status.IDLE, ReasonCode.OUTSIDE_SHIFT) for span in free]
    pieces += [(span, Status.IDLE, ReasonCode.IDLE_WAIT) for span in clip(work, begin_ms, stops_ms)]
    is_mapped = rule.value_map is not None
    code = ReasonCode.VALUE_MAP if is_mapped else ReasonCode.STOP_ELAPSED
    pieces += [(span, Status.STOPPED, code) for span in clip(work, stops_ms, end_ms)]
    for span, status, reason in sorted(pieces, key=lambda piece: piece[0]):
        yield ReasonedInterval(
            begin_ms=span.begin_ms,
            end_ms=span.end_ms,
            status=status,
            reason=reason,
            since_ms=since_ms,
        )


def _judged_until(
    interval: ReasonedInterval,
    end_ms: int,
    since_ms: int,
    rule: StatusRule,
    planned: Sequence[Span],
) -> Iterator[ReasonedInterval]:
    if end_ms > interval.begin_ms:
        first = msgspec.structs.replace(interval, end_ms=end_ms, until_ms=None)
        yield from _judged(first, since_ms, rule, planned)


def _said_from_ms(interval: ReasonedInterval, stops_ms: int, planned: Sequence[Span]) -> int:
    """Return from when on the interval is as the board said it, who judged by the same rules.

    It had told when the waiting would become something else. Where these rules say the same moment,
    and it has not become that, the board knew why, or had not looked yet.
    """
    until_ms = interval.until_ms
    if until_ms is None or until_ms >= interval.end_ms:
        return interval.end_ms
    if interval.reason is ReasonCode.IDLE_WAIT and abs(stops_ms - until_ms) <= SAME_MS:
        return stops_ms
    is_late = interval.end_ms - until_ms < LATE_MS
    if interval.reason is ReasonCode.OUTSIDE_SHIFT and is_late:
        begins = bisect_left(planned, until_ms, key=lambda span: span.begin_ms)
        if begins < len(planned) and planned[begins].begin_ms == until_ms:
            return until_ms
    return interval.end_ms


def _stops_ms(
    since_ms: int, end_ms: int, stop_after_s: float | None, planned: Sequence[Span]
) -> int:
    """Return when idle becomes stopped: `stop_after_s` of planned time later, at most `end_ms`."""
    if stop_after_s is None:
        return end_ms
    left_ms = round(stop_after_s * 1000)
    if left_ms == 0:
        return since_ms
    for span in clip(planned, since_ms, end_ms):
        if span.length_ms >= left_ms:
            return span.begin_ms + left_ms
        left_ms -= span.length_ms
    return end_ms


def joined(intervals: Iterable[ReasonedInterval]) -> list[ReasonedInterval]:
    """Return `intervals`, in order, with neighbours of one status joined."""
    found: list[ReasonedInterval] = []
    for interval in intervals:
        _append(found, interval)
    return found


def _append(found: list[ReasonedInterval], piece: ReasonedInterval) -> None:
    last = found[-1] if found else None
    is_same = last is not None and last.status is piece.status and last.reason is piece.reason
    if last is not None and is_same and last.end_ms == piece.begin_ms:
        found[-1] = msgspec.structs.replace(last, end_ms=piece.end_ms)
    else:
        found.append(piece)
