"""What each piece of a machine's time counts to: the books behind its figures. Pure.

`Bookkeeping` is told the same pieces, in the same order, as the builders of the figures
(`failures.py`, `stops.py`), and notes of each which figures it is in. So the pieces of a figure
add up to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from lineside.core.model import KpiRules, Status
from lineside.core.times import iso_utc
from lineside.history.kpi_words import Behind

_STANDING = frozenset({Status.IDLE, Status.STOPPED, Status.ERROR})
_BUSY = frozenset({Status.RUNNING, Status.ERROR})


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of time and how it was counted. `status` None: nobody saw it.

    `figures` are those that it is above or below the line of. `failure_ms` and `stop_ms` are where
    the failure and the stop, or micro-stop, that it is a piece of begin in the window.
    """

    begin_ms: int
    end_ms: int
    status: Status | None
    is_planned: bool
    figures: frozenset[Behind] = frozenset()
    failure_ms: int | None = None
    stop_ms: int | None = None
    reason: str | None = None  # code of the downtime reason
    comment: str | None = None
    line_id: str | None = None  # in which it was counted, of a machine that was moved

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.begin_ms

    @property
    def is_seen(self) -> bool:
        """Whether what the machine did is known."""
        return self.status is not None and self.status is not Status.DISCONNECTED

    def goes_on_in(self, other: Counted) -> bool:
        """Whether `other` follows it and was counted alike."""
        same = msgspec.structs.replace(other, begin_ms=self.begin_ms, end_ms=self.end_ms)
        return self.end_ms == other.begin_ms and same == self

    def told(self) -> dict[str, Any]:
        """Return it as REST tells it."""
        counts_as = self.status.value if self.is_seen and self.status is not None else "not_seen"
        return {
            "begin": iso_utc(self.begin_ms / 1000),
            "end": iso_utc(self.end_ms / 1000),
            "status": "unseen" if self.status is None else self.status.value,
            "is_planned": self.is_planned,
            "counts_as": counts_as if self.is_planned else "not_planned",
            "figures": [figure.value for figure in Behind if figure in self.figures],
            "failure": None if self.failure_ms is None else iso_utc(self.failure_ms / 1000),
            "stop": None if self.stop_ms is None else iso_utc(self.stop_ms / 1000),
            "reason": self.reason,
            "comment": self.comment,
        }


class Bookkeeping:
    """Notes of each piece of a window of one machine which figures it counts to."""

    def __init__(self, begin_ms: int, rules_at: Callable[[int], KpiRules]) -> None:
        """Begin at `begin_ms`.

        Args:
            begin_ms: start of the window, in UTC Unix milliseconds.
            rules_at: what tells micro-stops and failures that begin at a moment.
        """
        self._begin_ms = begin_ms
        self._rules_at = rules_at
        self._pieces: list[_Piece] = []
        self._is_broken = False  # whether anything but error and what was not seen came yet
        self._failure: list[_Piece] = []  # from its first error to its last
        self._out_of_sight: list[_Piece] = []  # behind that
        self._failed: list[_Piece] | None = None  # the failure before
        self._ran: list[_Piece] = []  # since then
        self._stop: list[_Piece] = []

    def take(self, begin_ms: int, end_ms: int, status: Status | None, is_planned: bool) -> None:
        """Take in the next piece; `status` None is a time that nobody saw."""
        piece = _Piece(begin_ms=begin_ms, end_ms=end_ms, status=status, is_planned=is_planned)
        self._pieces.append(piece)
        if status is Status.ERROR:
            self._failure += [*self._out_of_sight, piece]
            self._out_of_sight = []
        elif status is None or status is Status.DISCONNECTED:
            if self._failure:
                self._out_of_sight.append(piece)
        else:
            self._end_failure(is_closed=not self._out_of_sight)
            if status is Status.RUNNING:
                self._ran.append(piece)
        if is_planned and status in _STANDING:
            self._stop.append(piece)
        elif is_planned or status is Status.RUNNING:
            self._end_stop()

    def skip(self, _until_ms: int) -> None:
        """Take in a time, be it empty, in which the machine was not configured."""
        self._end_failure(is_closed=False)
        self._end_stop()

    def counted(self) -> list[Counted]:
        """Return all pieces, once the last one was taken in."""
        self._end_failure(is_closed=False)
        self._end_stop()
        return [
            Counted(
                begin_ms=each.begin_ms,
                end_ms=each.end_ms,
                status=each.status,
                is_planned=each.is_planned,
                figures=frozenset(each.figures | _of_time(each)),
                failure_ms=each.failure_ms,
                stop_ms=each.stop_ms,
            )
            for each in self._pieces
        ]

    def _end_failure(self, *, is_closed: bool) -> None:
        pieces, self._failure, self._out_of_sight = self._failure, [], []
        was_broken, self._is_broken = self._is_broken, True
        if not pieces:
            return
        begin_ms = pieces[0].begin_ms
        if pieces[-1].end_ms - begin_ms < self._rules_at(begin_ms).failure_after_ms:
            return
        is_entered = was_broken or begin_ms != self._begin_ms
        for each in pieces:
            each.failure_ms = begin_ms
            each.figures |= {Behind.MTTR} if is_closed else set()
            each.figures |= {Behind.FAILURES} if is_entered else set()
        if not is_entered:  # before the window: it bounds no gap
            return
        if self._failed is not None:
            for each in (*self._failed, *self._ran, *pieces):
                each.figures.add(Behind.MTBF)
        self._failed, self._ran = pieces, []

    def _end_stop(self) -> None:
        pieces, self._stop = self._stop, []
        if not pieces:
            return
        begin_ms = pieces[0].begin_ms
        lasts_ms = sum(each.end_ms - each.begin_ms for each in pieces)
        is_micro = lasts_ms <= self._rules_at(begin_ms).micro_stop_ms
        for each in pieces:
            each.stop_ms = begin_ms
            each.figures.add(Behind.MICRO_STOPS if is_micro else Behind.STOPS)


class _Piece(msgspec.Struct, kw_only=True):
    begin_ms: int
    end_ms: int
    status: Status | None
    is_planned: bool
    figures: set[Behind] = msgspec.field(default_factory=set)
    failure_ms: int | None = None
    stop_ms: int | None = None


def behind(figure: Behind, intervals: Iterable[Counted]) -> list[Counted]:
    """Return those of `intervals` that count to a figure, above or below its fraction's line."""
    return [each for each in intervals if figure in each.figures]


def amount(figure: Behind, intervals: Sequence[Counted]) -> tuple[int | None, int]:
    """Return how often and how long, in milliseconds, a figure counts the intervals behind it.

    How often: its failures, repairs, stops, or gaps between failures; None where it is a share of
    time, or time. How long: MTBF counts the running time between failures, others all of it.
    """
    mine = behind(figure, intervals)
    lasts_ms = sum(each.length_ms for each in mine)
    match figure:
        case Behind.FAILURES | Behind.MTTR:
            return len({each.failure_ms for each in mine}), lasts_ms
        case Behind.MTBF:
            failures = {
                (each.line_id, each.failure_ms) for each in mine if each.failure_ms is not None
            }
            lines = {line_id for line_id, _ in failures}  # in each is one gap less than failures
            ran_ms = sum(each.length_ms for each in mine if each.status is Status.RUNNING)
            return len(failures) - len(lines), ran_ms
        case Behind.STOPS | Behind.MICRO_STOPS:
            return len({each.stop_ms for each in mine}), lasts_ms
    return None, lasts_ms


def _of_time(each: _Piece) -> set[Behind]:
    """Return the shares of planned time that a piece is above or below the line of."""
    if not each.is_planned:
        return set()
    found = {Behind.STRICT_AVAILABILITY}
    if each.status is None or each.status is Status.DISCONNECTED:
        return found | {Behind.UNSEEN}
    found.add(Behind.AVAILABILITY)
    if each.status is not Status.STOPPED:
        found.add(Behind.UTILISATION)
    if each.status in _BUSY:
        found.add(Behind.TECHNICAL_EFFICIENCY)
    return found
