"""Which ways of reading a PLC takes: one that it refuses is done without, for a while. Pure.

A PLC that cannot do something refuses it each time. One that is being programmed, or is just back,
refuses for a moment what it can do: so what is done without is tried again now and then.
"""

from __future__ import annotations

import math

from msgspec.structs import replace

from lineside.core.limits import BAD_TAG_RETEST_S
from lineside.drivers.melsec.commands import ReadRandom, ReadWords
from lineside.drivers.melsec.plan import Options

_SMALL_GAP_WORDS = 64  # tried before none, where not every gap may be read across


class Ways:
    """`options` are those in use. Moments are in seconds of the monotonic clock."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._wider: list[Options] = []  # what was in use before each step
        self._retest_at_s = math.inf

    def avoid(self, holes: frozenset[tuple[str, int]]) -> None:
        """Read across none of these words, each of a device."""
        self.options = replace(self.options, holes=holes)

    def narrow(self, command: ReadWords | ReadRandom, now_s: float) -> bool:
        """Do without what `command` needed; False: it needed nothing of the kind."""
        options = self.options
        if isinstance(command, ReadRandom):
            if command.double_words:
                narrower = replace(options, allows_double_words=False)
            else:
                narrower = replace(options, allows_random=False)
        elif options.gap_words != 0:
            gap_words = 0 if options.gap_words else _SMALL_GAP_WORDS
            narrower = replace(options, gap_words=gap_words)
        else:
            return False
        self._wider.append(options)
        self.options = narrower
        self.postpone(now_s)
        return True

    def wider(self, now_s: float) -> Options | None:
        """Return what is to be tried again now, if anything is."""
        if not self._wider or now_s < self._retest_at_s:
            return None
        return replace(self._wider[-1], holes=self.options.holes)

    def widen(self, now_s: float) -> None:
        """Take the last step back; the one before it is tried next."""
        self.options = replace(self._wider.pop(), holes=self.options.holes)
        self.retest(now_s)

    def postpone(self, now_s: float) -> None:
        """Leave it as it is for a while."""
        self._retest_at_s = now_s + BAD_TAG_RETEST_S

    def retest(self, now_s: float) -> None:
        """Try what is done without as soon as possible."""
        self._retest_at_s = now_s
