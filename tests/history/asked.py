"""What the past answers in tests."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.history.lanes import LaneInterval
from lineside.history.past import lanes
from lineside.history.store import Store


async def lanes_of(
    store: Store, codes: Sequence[str], begin_ms: int, end_ms: int
) -> dict[str, list[LaneInterval]]:
    """Return by machine what it did in [begin_ms, end_ms)."""
    return {lane.code: lane.intervals async for lane in lanes(store, codes, begin_ms, end_ms)}
