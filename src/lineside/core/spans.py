"""Stretches of time, half-open, in UTC Unix milliseconds, and their arithmetic. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec


class Span(msgspec.Struct, frozen=True, order=True, gc=False):
    """The time from `begin_ms` up to, but not with, `end_ms`. Never empty where it stands for time.

    Lists of spans are called *tidy* when they are in order, not empty, and do not overlap.
    """

    begin_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long it lasts."""
        return self.end_ms - self.begin_ms

    def holds(self, at_ms: int) -> bool:
        """Whether the moment lies in it."""
        return self.begin_ms <= at_ms < self.end_ms


def total_ms(spans: Iterable[Span]) -> int:
    """Return the summed length of `spans`."""
    return sum(span.end_ms - span.begin_ms for span in spans)


def clip(spans: Iterable[Span], begin_ms: int, end_ms: int) -> tuple[Span, ...]:
    """Return what of `spans` lies in [begin_ms, end_ms); empty ones are left out."""
    clipped = (Span(max(s.begin_ms, begin_ms), min(s.end_ms, end_ms)) for s in spans)
    return tuple(span for span in clipped if span.begin_ms < span.end_ms)


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the time that lies in any of `spans`, tidy; neighbours that touch become one."""
    merged: list[Span] = []
    for span in sorted(span for span in spans if span.begin_ms < span.end_ms):
        if merged and span.begin_ms <= merged[-1].end_ms:
            merged[-1] = Span(merged[-1].begin_ms, max(merged[-1].end_ms, span.end_ms))
        else:
            merged.append(span)
    return tuple(merged)


def subtract(spans: Sequence[Span], holes: Iterable[Span]) -> tuple[Span, ...]:
    """Return the time that lies in `spans` (tidy) and in none of `holes` (any), tidy."""
    rest: list[Span] = []
    gaps = union(holes)
    first = 0
    for span in spans:
        begin_ms = span.begin_ms
        while first < len(gaps) and gaps[first].end_ms <= begin_ms:
            first += 1
        for gap in gaps[first:]:
            if gap.begin_ms >= span.end_ms:
                break
            if gap.begin_ms > begin_ms:
                rest.append(Span(begin_ms, gap.begin_ms))
            begin_ms = max(begin_ms, gap.end_ms)
        if begin_ms < span.end_ms:
            rest.append(Span(begin_ms, span.end_ms))
    return tuple(rest)
