"""What was last known of every machine before the server started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineside.core.model import PastState

if TYPE_CHECKING:  # it loads the database libraries
    from lineside.history.store import Store

LOOK_BACK_MS = 8 * 86_400_000  # longer than any stop timer


async def recall(store: Store, codes: Sequence[str], before_ms: int) -> dict[str, PastState]:
    """Return by equipment code what was last seen of each machine before `before_ms`.

    Machines of which nothing was seen in the 8 days before are left out.

    Raises:
        HistoryError: the history cannot be read now.
    """
    begin_ms = before_ms - LOOK_BACK_MS
    ends = {run.id: run.end_ms for run in await store.runs(begin_ms, before_ms)}
    past = {}
    for code in codes:
        last, ran, after = await store.last_changes(code, begin_ms, before_ms)
        if last is None or last.status is None or last.run_id not in ends:
            continue
        ran_until_ms = None
        if ran is not None and ran.run_id in ends:
            ran_until_ms = ends[ran.run_id]
            if after is not None and after.run_id == ran.run_id:
                ran_until_ms = min(ran_until_ms, after.at_ms)
        past[code] = PastState(
            status=last.status,
            since_s=last.at_ms / 1000,
            seen_until_s=min(before_ms, ends[last.run_id]) / 1000,
            ran_until_s=None if ran_until_ms is None else ran_until_ms / 1000,
        )
    return past
