"""Stops that ask for a reason: found in what a machine did, cut, joined and explained. Pure.

A stop is that of the key figures: an unbroken time without running, as far as it is planned. Each
that is no micro-stop asks for a reason. Where people cut and joined stops, each knows of which of
the figures it is made, so that a list counts what the figures count. What people say of it is kept
at moments, not at stops: it holds for the stop that the moment lies in, also when shifts or rules
change and with them the stop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from lineside.core.model import KpiRules, Status
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
    `wholes` are the stops of the figures that it is made of, as each was before people cut or
    joined it: one, or several between which the machine ran. `counted` says of how many of them a
    list counts it: of none where an earlier part of the same stop is in the list. `figured` is its
    time in those that the figures of the list's window count as stops; None: in all.
    """

    from_ms: int
    spans: tuple[Span, ...]
    status: Status
    is_open: bool = False  # it reaches the end of what was looked at
    reason: StopReason | None = None
    wholes: tuple[tuple[Span, ...], ...] = ()
    counted: int = 1
    figured: tuple[Span, ...] | None = None

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
        """Return how much planned time of a window it took, as the figures count it."""
        spans = self.spans if self.figured is None else self.figured
        return total_ms(clip(spans, begin_ms, end_ms))


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
            whole = tuple(spans)
            found.append(
                Stop(from_ms=from_ms, spans=whole, status=status, is_open=is_open, wholes=(whole,))
            )
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


def asking(stops: Iterable[Stop], rules: KpiRules) -> list[Stop]:
    """Return those of `stops` that ask for a reason: all but micro-stops."""
    return [stop for stop in stops if stop.down_ms > rules.micro_stop_ms]


def counted_in(
    stops: Iterable[Stop], begin_ms: int, end_ms: int, rules_at: Callable[[int], KpiRules]
) -> Iterator[Stop]:
    """Yield what figures of [begin_ms, end_ms) count as stops, of one machine's in order.

    Figures look at a stop as far as it lies in their window, and tell it by the rules where that
    begins. The sum of `counted` is theirs.
    """
    seen: set[int] = set()
    for stop in stops:
        counting = []
        for whole in stop.wholes:
            inside = clip(whole, begin_ms, end_ms)
            if inside and total_ms(inside) > rules_at(inside[0].begin_ms).micro_stop_ms:
                counting.append(whole)
        if counting and stop.begin_ms < end_ms and begin_ms < stop.end_ms:
            new = {whole[0].begin_ms for whole in counting} - seen
            seen |= new
            figured = tuple(
                span
                for whole in counting
                for part in whole
                for span in clip(stop.spans, part.begin_ms, part.end_ms)
            )
            yield replace(stop, counted=len(new), figured=figured)


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
        parts.append(replace(stop, from_ms=from_ms, spans=before, is_open=False))
        rest, from_ms = after, at_ms
    parts.append(replace(stop, from_ms=from_ms, spans=rest))
    return parts


def _join(first: Stop, second: Stop) -> Stop:
    worst = Status.ERROR if Status.ERROR in (first.status, second.status) else second.status
    return Stop(
        from_ms=first.from_ms,
        spans=first.spans + second.spans,
        status=worst,
        is_open=second.is_open,
        wholes=first.wholes + tuple(each for each in second.wholes if each not in first.wholes),
    )


def _with_reason(stop: Stop, reasons: Iterable[StopReason]) -> Stop:
    mine = [each for each in reasons if stop.from_ms <= each.at_ms < stop.end_ms]
    if not mine:
        return stop
    return replace(stop, reason=max(mine, key=lambda each: each.made_ms))


def _has_any(moments: Sequence[int], begin_ms: int, end_ms: int) -> bool:
    return bisect_left(moments, begin_ms) < bisect_left(moments, end_ms)
