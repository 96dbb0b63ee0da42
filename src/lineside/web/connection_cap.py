"""How many connections, of any kind, the server holds open at once."""

from __future__ import annotations

import math

import structlog

from lineside.core import limits

_HTTP_MARGIN = 500  # besides the WebSockets
_KEPT_DESCRIPTORS = 100  # for PLC links, files and the event loop
_LOG_INTERVAL_S = 60.0

_log = structlog.get_logger("lineside.web")


def connection_limit(descriptors: int | None) -> int:
    """Return how many connections may be open.

    Args:
        descriptors: how many files the process may open; None when the system does not limit it.
    """
    wanted = limits.CONNECTIONS_MAX + _HTTP_MARGIN
    if descriptors is None:
        return wanted
    return min(wanted, max(descriptors - _KEPT_DESCRIPTORS, descriptors // 2))


class ConnectionCap:
    """The limit of one server, and what was turned away at it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.rejected_total = 0
        self._logged_at_s = -math.inf

    def admits(self, open_count: int, now_s: float) -> bool:
        """Return whether a connection may stay; a refusal is counted, and logged now and then.

        Args:
            open_count: how many are open, this one included.
            now_s: monotonic time.
        """
        if open_count <= self.limit:
            return True
        self.rejected_total += 1
        if now_s - self._logged_at_s >= _LOG_INTERVAL_S:
            self._logged_at_s = now_s
            _log.warning(
                "connections turned away: too many are open",
                limit=self.limit,
                rejected_total=self.rejected_total,
            )
        return False
