"""From stored changes to lanes of a timeline: what machines did, with the reason for it. Pure.

Half-open intervals [begin_ms, end_ms) tile the window, with the reason code and the `since` that
each of them began with. A status lasts from its change to the next change of the same run, or to
the end of the run; time in no run is unseen, never the last status. Lanes are made from plain
tuples, because a week of a hundred machines is a lot of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from lineside.core.model import Status
from lineside.core.spans import Span, clip
from lineside.history.records import RunSpan
from lineside.history.seen import seen_spans, watching

UNSEEN = "unseen"
# at_ms, status (None: not configured), reason, since_ms, until_ms; of a run, in recording order
LaneChange: TypeAlias = tuple[int, str | None, str | None, int | None, int | None]
# begin_ms, end_ms, status or "unseen", reason
Piece: TypeAlias = tuple[int, int, str, str | None]

# Whoever looks at a week must not miss a fault of a second.
_SEVERITY: Mapping[str, int] = {
    name: rank
    for rank, name in enumerate(
        (
            Status.RUNNING.value,
            Status.IDLE.value,
            Status.DISCONNECTED.value,
            UNSEEN,
            Status.STOPPED.value,
            Status.ERROR.value,
        )
    )
}


class LaneInterval(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One machine in [begin_ms, end_ms) as recorded. `status` None: unseen.

    `since_ms` and `until_ms` are what the reason says, `changed_ms` when that was known first; all
    None when unseen.
    """

    begin_ms: int
    end_ms: int
    status: str | None
    reason: str | None = None
    since_ms: int | None = None
    changed_ms: int | None = None
    until_ms: int | None = None


def lane_intervals(
    changes: Mapping[int, Sequence[LaneChange]],
    runs: Iterable[RunSpan],
    begin_ms: int,
    end_ms: int,
) -> list[LaneInterval]:
    """Return what one machine did in [begin_ms, end_ms), as intervals that tile it.

    Neighbours are joined only where neither status nor reason changes and the later change adds
    nothing; unseen ones are always joined, and none is empty.

    Args:
        changes: of one machine by run, in the order in which they were recorded: those in the
            window, and of each run the last one before it. No run without any.
        runs: those that overlap the window; a higher `id` began later.
        begin_ms: where the window begins.
        end_ms: where it ends; nothing is returned unless it is after `begin_ms`.
    """
    found: list[LaneInterval] = []
    reached_ms = begin_ms

    def add(end: int, change: LaneChange | None) -> None:
        nonlocal reached_ms
        if end <= reached_ms:
            return
        at_ms, status, reason, since_ms, until_ms = change or (None, None, None, None, None)
        if status is None:
            at_ms, reason, since_ms, until_ms = None, None, None, None
        last = found[-1] if found else None
        if (
            last is not None
            and last.status == status
            and last.reason == reason
            and last.since_ms == since_ms
        ):
            found[-1] = LaneInterval(
                begin_ms=last.begin_ms,
                end_ms=end,
                status=status,
                reason=reason,
                since_ms=since_ms,
                changed_ms=last.changed_ms,
                until_ms=until_ms,
            )
        else:
            found.append(
                LaneInterval(
                    begin_ms=reached_ms,
                    end_ms=end,
                    status=status,
                    reason=reason,
                    since_ms=since_ms,
                    changed_ms=at_ms,
                    until_ms=until_ms,
                )
            )
        reached_ms = end

    firsts_ms = {run_id: _at(some[0]) for run_id, some in changes.items()}
    for span in seen_spans(watching(runs, firsts_ms), begin_ms, end_ms):
        add(span.begin_ms, None)
        run = changes[span.run_id]
        first = bisect_right(run, span.begin_ms, key=_at)
        change = run[first - 1] if first else None
        for following in run[first:]:
            if following[0] >= span.end_ms:
                break
            add(following[0], change)
            change = following
        add(span.end_ms, change)
    add(end_ms, None)
    return found


def only_in(found: Iterable[LaneInterval], spans: Sequence[Span]) -> list[LaneInterval]:
    """Return a lane in which all that lies in none of `spans`, which are in order, is unseen."""
    cut: list[LaneInterval] = []

    def add(begin_ms: int, end_ms: int, of: LaneInterval | None) -> None:
        if begin_ms >= end_ms:
            return
        if of is not None:
            cut.append(msgspec.structs.replace(of, begin_ms=begin_ms, end_ms=end_ms))
        elif cut and cut[-1].status is None:
            cut[-1] = msgspec.structs.replace(cut[-1], end_ms=end_ms)
        else:
            cut.append(LaneInterval(begin_ms=begin_ms, end_ms=end_ms, status=None))

    for each in found:
        reached_ms = each.begin_ms
        for span in clip(spans, each.begin_ms, each.end_ms):
            add(reached_ms, span.begin_ms, None)
            add(span.begin_ms, span.end_ms, each if each.status is not None else None)
            reached_ms = span.end_ms
        add(reached_ms, each.end_ms, None)
    return cut


def pieces(
    found: Iterable[LaneInterval], resolution_ms: int = 0, *, goes_on: bool = False
) -> list[Piece]:
    """Return a lane as a client draws it; neighbours of one status and reason are joined.

    With `resolution_ms`, intervals shorter than it are merged with those short ones beside them
    until the run is as long, and get the worst status of the run: none is lost. What lasts at the
    end of a lane that `goes_on` is not merged: it is how the machine stands.
    """
    done: list[Piece] = []
    run: list[Piece] = []
    told = [(each.begin_ms, each.end_ms, each.status or UNSEEN, each.reason) for each in found]
    lasting = len(told)
    while goes_on and lasting > 0 and told[lasting - 1][2:] == told[-1][2:]:
        lasting -= 1
    for index, piece in enumerate(told):
        if index >= lasting or piece[1] - piece[0] >= resolution_ms:
            _close(run, done)
            _append(done, piece)
            continue
        run.append(piece)
        if piece[1] - run[0][0] >= resolution_ms:
            _close(run, done)
    _close(run, done)
    return done


def _close(run: list[Piece], done: list[Piece]) -> None:
    if run:
        worst = max(run, key=lambda piece: _SEVERITY[piece[2]])
        _append(done, (run[0][0], run[-1][1], worst[2], worst[3]))
        run.clear()


def _append(done: list[Piece], piece: Piece) -> None:
    if done and done[-1][2:] == piece[2:]:
        done[-1] = (done[-1][0], *piece[1:])
    else:
        done.append(piece)


def _at(change: Sequence[Any]) -> int:
    at_ms: int = change[0]
    return at_ms
