"""The system's clock: the only place where Lineside asks what time it is."""

from __future__ import annotations

import time

from lineside.core.model import Instant


def system_clock() -> Instant:
    """Return this moment on the wall clock (Unix, UTC) and on the monotonic clock."""
    return Instant(unix_s=time.time(), monotonic_s=time.monotonic())
