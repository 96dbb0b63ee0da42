"""What the past answers in tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from lineside.history.lanes import LaneChange, LaneInterval, lane_intervals
from lineside.history.past import lanes
from lineside.history.records import Batch, ChangeRecord, RunSpan
from lineside.history.store import Store
from lineside.history.writing import Correction


async def lanes_of(
    store: Store, codes: Sequence[str], begin_ms: int, end_ms: int
) -> dict[str, list[LaneInterval]]:
    """Return by machine what it did in [begin_ms, end_ms)."""
    return {lane.code: lane.intervals async for lane in lanes(store, codes, begin_ms, end_ms)}


def lanes_of_batches(batches: Sequence[Batch], begin_ms: int, end_ms: int) -> list[LaneInterval]:
    """Return what a database that holds `batches`, all of one machine, tells of it."""
    runs: dict[int, RunSpan] = {}
    changes: dict[int, list[LaneChange]] = defaultdict(list)
    ids: dict[int, int] = {}
    by_ms = {b.run.key: b.corrected_ms for b in batches if b.corrected_ms is not None}
    for batch in batches:
        number = ids.setdefault(batch.run.key, len(ids) + 1)
        shift_ms = by_ms.get(batch.run.key, 0)
        correction = Correction(shift_ms)
        runs[number] = RunSpan(
            id=number,
            started_ms=batch.run.started_ms + shift_ms,
            end_ms=(batch.stopped_ms or batch.alive_ms) + shift_ms,
        )
        for record in map(correction.of, batch.records):
            if isinstance(record, ChangeRecord):
                change = (
                    record.at_ms,
                    record.status,
                    record.reason,
                    record.since_ms,
                    record.until_ms,
                )
                changes[number].append(change)
    return lane_intervals(changes, runs.values(), begin_ms, end_ms)
