"""Which run tells of which time: when a machine was seen, and by whom. Pure.

Runs watch in half-open spans [started_ms, end_ms); time in none of them is unseen. Where two runs
overlap, because the clock was set back, the later one is believed. What a machine did in the time
that was seen is the matter of `lanes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from lineside.history.records import RunSpan


class SeenSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A span of the window that belongs to one run."""

    begin_ms: int
    end_ms: int
    run_id: int


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
