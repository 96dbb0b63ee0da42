"""Stops that ask for a reason: found in what a machine did, cut, joined and explained. Pure.

A stop is that of the key figures: an unbroken time without running, as far as it is planned. It
asks for a reason when it lasts longer than `stop_after` and is no micro-stop, and the machine
was stopped or had a fault in it. What people say of it is kept at moments, not at stops: it holds
for the stop that the moment lies in, also when shifts or rules change and with them the stop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from lineside.core.model import KpiRules, Status, StatusRule
from lineside.core.spans import Span, clip, total_ms
from lineside.history.kpi import StatusInterval, pieces_of

_STANDING = frozenset({Status.IDLE, Status.STOPPED, Status.ERROR})


class MarkKind(StrEnum):
    """What somebody did to stops at a moment: cut one, or joined one to the one before."""

    SPLIT = "split"
    MERGE = "merge"


class StopReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a machine stood at `at_ms`, as somebody said. `reason` is the code of a reason."""

    at_ms: int
    reason: str
    comment: str
    made_by: str
    made_ms: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """All that people said of one machine's stops."""

    marks: Mapping[int, MarkKind] = {}
    reasons: tuple[StopReason, ...] = ()


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One stop. `spans` is the planned time in which the machine stood, tidy.

    `from_ms` is where it began to stand, be it outside of planned time. `status` is the worst.
    """

    from_ms: int
    spans: tuple[Span, ...]
    status: Status
    is_open: bool = False  # it reaches the end of what was looked at
    reason: StopReason | None = None

    @property
    def begin_ms(self) -> int:
        """The first planned moment of it: what its id is made of."""
        return self.spans[0].begin_ms

    @property
    def end_ms(self) -> int:
        """The end of the last planned moment of it."""
        return self.spans[-1].end_ms

    @property
    def down_ms(self) -> int:
        """How much planned time it took."""
        return total_ms(self.spans)

    def down_in(self, begin_ms: int, end_ms: int) -> int:
        """Return how much planned time of a window it took."""
        return total_ms(clip(self.spans, begin_ms, end_ms))


def all_stops(
    intervals: Iterable[StatusInterval], planned: Sequence[Span], begin_ms: int, end_ms: int
) -> list[Stop]:
    """Return every stop in a window of one machine, micro-stops too; args as for `parts_of`."""
    found: list[Stop] = []
    spans: list[Span] = []
    statuses: set[Status] = set()
    from_ms: int | None = None

    def close(*, is_open: bool) -> None:
        nonlocal from_ms
        if spans and from_ms is not None:
            status = next(
                each for each in (Status.ERROR, Status.STOPPED, Status.IDLE) if each in statuses
            )
            found.append(Stop(from_ms=from_ms, spans=tuple(spans), status=status, is_open=is_open))
        spans.clear()
        statuses.clear()
        from_ms = None

    for begin, end, status, is_planned in pieces_of(intervals, planned, begin_ms, end_ms):
        if status in _STANDING and status is not None:
            from_ms = begin if from_ms is None else from_ms
            if is_planned:
                statuses.add(status)
                if spans and spans[-1].end_ms == begin:
                    spans[-1] = Span(spans[-1].begin_ms, end)
                else:
                    spans.append(Span(begin, end))
        elif status is Status.RUNNING or is_planned:
            close(is_open=False)
    close(is_open=True)
    return found


def asking(stops: Iterable[Stop], rule: StatusRule, rules: KpiRules) -> list[Stop]:
    """Return those of `stops` that ask for a reason."""
    least_ms = max(rules.micro_stop_ms, round((rule.stop_after_s or 0.0) * 1000))
    return [stop for stop in stops if stop.status is not Status.IDLE and stop.down_ms > least_ms]


def explained(stops: Iterable[Stop], said: Said) -> list[Stop]:
    """Return `stops` of one machine, in order, as people have cut, joined and explained them."""
    found: list[Stop] = []
    cuts = sorted(at for at, kind in said.marks.items() if kind is MarkKind.SPLIT)
    joins = sorted(at for at, kind in said.marks.items() if kind is MarkKind.MERGE)
    for stop in stops:
        first, *others = _cut(stop, cuts)
        if found and _has_any(joins, stop.from_ms, first.end_ms):
            found[-1] = _join(found[-1], first)
        else:
            found.append(first)
        found += others
    return [_with_reason(stop, said.reasons) for stop in found]


def _cut(stop: Stop, cuts: Sequence[int]) -> list[Stop]:
    parts, rest, from_ms = [], stop.spans, stop.from_ms
    for at_ms in cuts[bisect_left(cuts, stop.begin_ms + 1) : bisect_left(cuts, stop.end_ms)]:
        before = clip(rest, rest[0].begin_ms, at_ms)
        after = clip(rest, at_ms, stop.end_ms)
        if not before or not after:
            continue
        parts.append(Stop(from_ms=from_ms, spans=before, status=stop.status))
        rest, from_ms = after, at_ms
    parts.append(Stop(from_ms=from_ms, spans=rest, status=stop.status, is_open=stop.is_open))
    return parts


def _join(first: Stop, second: Stop) -> Stop:
    worst = Status.ERROR if Status.ERROR in (first.status, second.status) else second.status
    return Stop(
        from_ms=first.from_ms,
        spans=first.spans + second.spans,
        status=worst,
        is_open=second.is_open,
    )


def _with_reason(stop: Stop, reasons: Iterable[StopReason]) -> Stop:
    mine = [each for each in reasons if stop.from_ms <= each.at_ms < stop.end_ms]
    if not mine:
        return stop
    return msgspec.structs.replace(stop, reason=max(mine, key=lambda each: each.made_ms))


def _has_any(moments: Sequence[int], begin_ms: int, end_ms: int) -> bool:
    return bisect_left(moments, begin_ms) < bisect_left(moments, end_ms)
