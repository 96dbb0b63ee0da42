"""Says in the log who was refused, and which key would let them in: seldom, however often they ask.

A screen that is refused asks again every few seconds, and a hostile client may ask under any name.
"""

from __future__ import annotations

import structlog

from lineside.core.ports import Clock

_PERIOD_S = 600.0
_TOLD_MAX = 10  # different refusals within one period

_log = structlog.get_logger("lineside.web")


class Refusals:
    """Logs each refusal once in ten minutes, and at most ten different ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun_s = float("-inf")
        self._told: set[str] = set()
        self._untold_count = 0

    def tell(self, detail: str, path: str) -> None:
        """Log one refusal, unless that was done a moment ago.

        Args:
            detail: what the answer says: who was refused, and what to write where.
            path: what was asked for.
        """
        now_s = self._clock().monotonic_s
        if now_s - self._begun_s >= _PERIOD_S:
            if self._untold_count:
                _log.warning("more requests were refused", requests=self._untold_count)
            self._begun_s, self._untold_count = now_s, 0
            self._told.clear()
        if detail in self._told or len(self._told) >= _TOLD_MAX:
            self._untold_count += 1
            return
        self._told.add(detail)
        _log.warning("a request was refused", path=path[:80], problem=detail)
