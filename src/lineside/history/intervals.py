"""From stored changes to intervals: what a machine did in a window, and when nobody saw it. Pure.

Half-open intervals [begin_ms, end_ms) tile the window. A status lasts from its change to the next
change of the same run, or to the end of the run; time in no run is unseen, never the last status.
Where two runs overlap, because the clock was set back, the later one is believed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from lineside.core.model import Status
from lineside.history.records import RunSpan, StatusChange


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """One machine from `begin_ms` up to, not including, `end_ms`. `status` None: unseen."""

    begin_ms: int
    end_ms: int
    status: Status | None

    @property
    def duration_ms(self) -> int:
        """How long it lasts."""
        return self.end_ms - self.begin_ms


class SeenSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A span of the window that belongs to one run."""

    begin_ms: int
    end_ms: int
    run_id: int


def intervals(
    changes: Iterable[StatusChange], runs: Iterable[RunSpan], begin_ms: int, end_ms: int
) -> list[Interval]:
    """Return what one machine did in [begin_ms, end_ms), as intervals that tile it.

    Neighbours of one status are joined, unseen ones too, and none is empty.

    Args:
        changes: of one machine, in the order in which they were recorded within each run: those in
            the window, and of each run the last one before it.
        runs: those that overlap the window; a higher `id` began later.
        begin_ms: where the window begins.
        end_ms: where it ends; nothing is returned unless it is after `begin_ms`.
    """
    by_run: dict[int, list[StatusChange]] = {}
    for change in changes:
        by_run.setdefault(change.run_id, []).append(change)
    tiles = _Tiles(begin_ms)
    firsts_ms = {run_id: some[0].at_ms for run_id, some in by_run.items()}
    for span in seen_spans(watching(runs, firsts_ms), begin_ms, end_ms):
        tiles.add(span.begin_ms, None)
        _add_run(tiles, by_run.get(span.run_id, ()), span)
    tiles.add(end_ms, None)
    return tiles.done


def watching(runs: Iterable[RunSpan], firsts_ms: Mapping[int, int]) -> list[RunSpan]:
    """Return the runs that watched one machine, each from its first change of it on.

    That is nearly always its begin. Before, or when it is another server's, a run takes nothing
    away from runs that saw the machine.

    Args:
        runs: all of the window.
        firsts_ms: when the first known change of the machine happened, by run.
    """
    return [
        msgspec.structs.replace(run, started_ms=max(run.started_ms, firsts_ms[run.id]))
        for run in runs
        if run.id in firsts_ms
    ]


def seen_spans(runs: Iterable[RunSpan], begin_ms: int, end_ms: int) -> list[SeenSpan]:
    """Return which run tells of which part of a window, in order, without overlaps."""
    free = [(begin_ms, end_ms)] if begin_ms < end_ms else []
    seen = []
    for run in sorted(runs, key=lambda run: run.id, reverse=True):
        rest = []
        for begin, end in free:
            inner_begin, inner_end = max(begin, run.started_ms), min(end, run.end_ms)
            if inner_begin >= inner_end:
                rest.append((begin, end))
                continue
            seen.append(SeenSpan(begin_ms=inner_begin, end_ms=inner_end, run_id=run.id))
            rest += [
                piece for piece in ((begin, inner_begin), (inner_end, end)) if piece[0] < piece[1]
            ]
        free = rest
    return sorted(seen, key=lambda span: span.begin_ms)


def _add_run(tiles: _Tiles, changes: Sequence[StatusChange], span: SeenSpan) -> None:
    """Add what `changes` of one run say of a span of it."""
    first = bisect_right(changes, span.begin_ms, key=lambda change: change.at_ms)
    status = changes[first - 1].status if first else None
    for change in changes[first:]:
        if change.at_ms >= span.end_ms:
            break
        tiles.add(change.at_ms, status)
        status = change.status
    tiles.add(span.end_ms, status)


class _Tiles:
    """Intervals under construction: each begins where the one before it ends."""

    def __init__(self, begin_ms: int) -> None:
        self._reached_ms = begin_ms
        self.done: list[Interval] = []

    def add(self, end_ms: int, status: Status | None) -> None:
        """Add `status` up to `end_ms`; nothing when that is already reached."""
        if end_ms <= self._reached_ms:
            return
        begin_ms = self._reached_ms
        if self.done and self.done[-1].status is status:
            begin_ms = self.done.pop().begin_ms
        self.done.append(Interval(begin_ms=begin_ms, end_ms=end_ms, status=status))
        self._reached_ms = end_ms
