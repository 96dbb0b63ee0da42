"""How often a machine failed and how long its repairs took, in parts that can be joined. Pure.

A failure is an entry into error. Error, out of sight, error again is one failure, which lasts from
the first to the last sight of it. It is *closed* when its end was seen: the machine was in another
status right after the error. What lies outside of planned time counts too: these figures tell of
the machine, not of the plan.
"""

from __future__ import annotations

import msgspec

from lineside.core.model import Status


class Failures(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Failures, and the running time seen before the first, between any two, and after the last.

    Without failures all running time is `before_ms`.
    """

    count: int = 0
    before_ms: int = 0
    between_ms: int = 0
    after_ms: int = 0
    closed: int = 0
    closed_ms: int = 0

    def followed_by(self, other: Failures) -> Failures:
        """Return the failures of this time and a later one together."""
        before_ms, between_ms = self.before_ms, self.between_ms + other.between_ms
        after_ms = other.after_ms
        if self.count == 0:
            before_ms += other.before_ms
        elif other.count == 0:
            after_ms = self.after_ms + other.before_ms
        else:
            between_ms += self.after_ms + other.before_ms
        return Failures(
            count=self.count + other.count,
            before_ms=before_ms,
            between_ms=between_ms,
            after_ms=after_ms,
            closed=self.closed + other.closed,
            closed_ms=self.closed_ms + other.closed_ms,
        )


class Stretch(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A time in which the machine was in error or out of sight, up to `until_ms`.

    `first_ms` is where the first error in it begins and `last_ms` where the last one ends; both
    None when it was only out of sight, or when the stretch is empty.
    """

    until_ms: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def followed_by(self, other: Stretch) -> Stretch:
        """Return this stretch and the next one, which begins where it ends, as one."""
        return Stretch(
            until_ms=other.until_ms,
            first_ms=other.first_ms if self.first_ms is None else self.first_ms,
            last_ms=self.last_ms if other.last_ms is None else other.last_ms,
        )

    def length_ms(self, failure_after_ms: int) -> int | None:
        """Return how long its failure lasted; None when there is none, or a shorter one."""
        if self.first_ms is None or self.last_ms is None:
            return None
        length_ms = self.last_ms - self.first_ms
        return length_ms if length_ms >= failure_after_ms else None

    def as_failures(self, failure_after_ms: int) -> Failures:
        """Return what it amounts to, once another status has ended it."""
        length_ms = self.length_ms(failure_after_ms)
        if length_ms is None:
            return Failures()
        is_closed = self.last_ms == self.until_ms
        return Failures(count=1, closed=int(is_closed), closed_ms=length_ms if is_closed else 0)


class FailureParts(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The failures of one part of a window.

    `head` is the stretch that the part begins in, `tail` the one it ends in: they may go on in the
    neighbours. Where the machine was in error or out of sight all the time (`is_broken` false) all
    of the part is `tail`.
    """

    is_broken: bool = False
    head: Stretch = Stretch()
    inner: Failures = Failures()
    tail: Stretch = Stretch()

    def followed_by(self, other: FailureParts, failure_after_ms: int) -> FailureParts:
        """Return the failures of this part and the next one together."""
        if not other.is_broken:
            return msgspec.structs.replace(self, tail=self.tail.followed_by(other.tail))
        seam = self.tail.followed_by(other.head)
        if not self.is_broken:
            return msgspec.structs.replace(other, head=seam)
        middle = seam.as_failures(failure_after_ms)
        return FailureParts(
            is_broken=True,
            head=self.head,
            inner=self.inner.followed_by(middle).followed_by(other.inner),
            tail=other.tail,
        )

    def failures(self, begin_ms: int, failure_after_ms: int) -> Failures:
        """Return the failures as far as they lie in the part, which begins at `begin_ms`.

        An error that the part begins with was entered earlier: it is no failure of the part, but
        its repair is, as far as it lies in it. An error that the part ends with is not closed.
        """
        tail = Failures()
        if self.tail.length_ms(failure_after_ms) is not None:
            was_entered = self.is_broken or self.tail.first_ms != begin_ms
            tail = Failures(count=int(was_entered))
        if not self.is_broken:
            return tail
        head = self.head.as_failures(failure_after_ms)
        if self.head.first_ms == begin_ms:
            head = msgspec.structs.replace(head, count=0)
        return head.followed_by(self.inner).followed_by(tail)


class FailureBuilder:
    """Finds the failures in a machine's pieces, told in order."""

    def __init__(self, begin_ms: int, failure_after_ms: int) -> None:
        """Begin at `begin_ms`; an error shorter than `failure_after_ms` is no failure."""
        self._failure_after_ms = failure_after_ms
        self._is_broken = False
        self._head = Stretch()
        self._until_ms = begin_ms
        self._first_ms: int | None = None
        self._last_ms: int | None = None
        self._inner = Failures()
        self._running_ms = 0  # since the last failure that was added to `_inner`

    def add(self, begin_ms: int, end_ms: int, status: Status | None) -> None:
        """Take in the next piece; `status` None is a time that nobody saw."""
        if status is Status.ERROR:
            if self._first_ms is None:
                self._first_ms = begin_ms
            self._last_ms = self._until_ms = end_ms
        elif status is None or status is Status.DISCONNECTED:
            self._until_ms = end_ms
        else:
            self._end_stretch()
            if status is Status.RUNNING:
                self._running_ms += end_ms - begin_ms
            self._until_ms = end_ms

    def add_absence(self, until_ms: int) -> None:
        """Take in a time, be it empty, in which the machine was not configured.

        It ends a failure, whose end nobody saw.
        """
        self._until_ms = until_ms + 1  # never the end of the last error
        self._end_stretch()

    def parts(self) -> FailureParts:
        """Return what was found."""
        return FailureParts(
            is_broken=self._is_broken,
            head=self._head,
            inner=self._inner.followed_by(Failures(before_ms=self._running_ms)),
            tail=self._stretch(),
        )

    def _stretch(self) -> Stretch:
        return Stretch(until_ms=self._until_ms, first_ms=self._first_ms, last_ms=self._last_ms)

    def _end_stretch(self) -> None:
        if not self._is_broken:
            self._is_broken = True
            self._head = self._stretch()
        elif self._first_ms is not None:
            found = self._stretch().as_failures(self._failure_after_ms)
            ran = Failures(before_ms=self._running_ms)
            self._inner = self._inner.followed_by(ran).followed_by(found)
            self._running_ms = 0
        self._first_ms = self._last_ms = None
