"""Who goes first on this machine's processors while something is measured."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def preferred() -> Iterator[None]:
    """Let the processes that are started within go before all others, where that is allowed.

    Attackers bring their own processors. Here they, and whatever else this machine does, share
    them with the server and its screens: a tick that waited for a processor says nothing of an
    attack. (A nice value would not do: Linux weighs it within one session only.)
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)
