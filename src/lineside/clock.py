"""The system's clock: the only place where Lineside asks what time it is."""

from __future__ import annotations

import time

from lineside.core.model import Instant

# Where the system has it, a clock that goes on while the computer sleeps: what was read before an
# eight-hour sleep is eight hours old. (Windows' and macOS' monotonic clocks are what they are.)
_STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


def system_clock() -> Instant:
    """Return this moment on the wall clock (Unix, UTC) and on a clock that is never stepped."""
    if _STEADY_CLOCK is None:
        return Instant(unix_s=time.time(), monotonic_s=time.monotonic())
    return Instant(unix_s=time.time(), monotonic_s=time.clock_gettime(_STEADY_CLOCK))
