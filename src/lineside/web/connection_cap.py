"""How many connections, of any kind, the server holds open at once, and one address of them."""

from __future__ import annotations

import math
from collections import Counter

import structlog

from lineside.core import limits

_HTTP_MARGIN = 500  # besides the WebSockets
_OTHERS_SHARE = 10  # one connection in so many is kept from any single address
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
    """The limits of one server, and what was turned away at them.

    It counts the connections of each address while they are HTTP. Those that became WebSockets
    have seats, which are counted where they are given.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.seats_per_address_max = limits.CONNECTIONS_PER_ADDRESS_MAX
        self.rejected_total = 0
        self._http_counts: Counter[str] = Counter()
        self._logged_at_s = -math.inf

    @property
    def address_limit(self) -> int:
        """How many connections, of any kind, one address may have open."""
        others = self.limit // _OTHERS_SHARE
        return min(self.seats_per_address_max + _HTTP_MARGIN, self.limit - others)

    def enter(self, address: str, *, open_count: int, seat_count: int, now_s: float) -> bool:
        """Count a new connection; return whether it may stay. `leave` follows in any case.

        Args:
            address: where it comes from.
            open_count: how many the server has open, this one included.
            seat_count: how many WebSockets of that address are open.
            now_s: monotonic time.
        """
        self._http_counts[address] += 1
        if open_count > self.limit:
            return self._refuse(now_s, "connections turned away: too many are open", self.limit)
        if self._http_counts[address] + seat_count > self.address_limit:
            reason = "connections turned away: one address has too many open"
            return self._refuse(now_s, reason, self.address_limit)
        return True

    def leave(self, address: str) -> None:
        """Note that a connection has ended, or has a seat from here on."""
        self._http_counts[address] -= 1
        if not self._http_counts[address]:
            del self._http_counts[address]

    def _refuse(self, now_s: float, reason: str, limit: int) -> bool:
        """Count a refusal, and log it now and then."""
        self.rejected_total += 1
        if now_s - self._logged_at_s >= _LOG_INTERVAL_S:
            self._logged_at_s = now_s
            _log.warning(reason, limit=limit, rejected_total=self.rejected_total)
        return False
