"""The system's clock: what was read before a sleep must be as old as the sleep was long."""

from __future__ import annotations

import time

import pytest

from lineside.clock import system_clock


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no such clock")
def test_ages_are_measured_on_the_clock_that_counts_sleep() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    now = system_clock()
    after = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= now.monotonic_s <= after
    assert abs(now.unix_s - time.time()) < 5
