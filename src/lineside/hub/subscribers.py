"""The hub: hears the bus, keeps the subscribers, and sends each line its snapshot once a tick.

Latest wins: there is no queue anywhere. Nothing here awaits a client, so no client can delay
another. Routes, handshakes and what clients say belong to the web room.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable
from enum import Enum

import msgspec

from lineside.core import limits
from lineside.core.model import SiteChange, Snapshot
from lineside.core.ports import BusMessage, Clock
from lineside.hub.audience import Audience, Counters, Subscriber, Wire
from lineside.hub.close_codes import REASONS, CloseCode
from lineside.hub.frame import (
    ConnectionWord,
    Encoding,
    connection_status_payload,
    equipment_status_payload,
    text_frame,
    tick_frame,
)

CONNECTED_MESSAGE = "WebSocket connected successfully"
_FREEZE_STEP = 250  # subscribers


class HubLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many subscribers there may be, and how long one may be slow."""

    connections_max: int = limits.CONNECTIONS_MAX
    connections_per_address_max: int = limits.CONNECTIONS_PER_ADDRESS_MAX
    undrained_timeout_s: float = limits.UNDRAINED_TIMEOUT_S


class Refusal(Enum):
    """Why a new connection gets no seat; the value is for people."""

    FULL = "The server has as many connections as it serves."
    ADDRESS_FULL = "Your address has as many connections as one address may have."
    CLOSING = "The server is shutting down."


class HubMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """The hub at one moment; `_total` counts since the start."""

    subscribers: int
    aside: int
    frames_sent_total: int
    bytes_sent_total: int
    missed_ticks_total: int
    slowed_total: int
    aborted_total: int
    failed_total: int
    rejected_total: int
    last_broadcast_s: float


class Hub:
    """Every subscriber of every line. One per process, used from the event loop only."""

    def __init__(
        self,
        clock: Clock,
        line_ids: Iterable[str] = (),
        hub_limits: HubLimits = HubLimits(),  # noqa: B008 -- frozen
    ) -> None:
        """Serve `line_ids` (the first is the default) until a SiteChange says otherwise."""
        self.limits = hub_limits
        self._clock = clock
        self._line_ids = tuple(line_ids)
        self._counters = Counters()
        self._audiences: dict[tuple[str | None, Encoding], Audience] = {}
        self._subscribers: set[Subscriber] = set()
        self._seats: dict[str, int] = {}
        self._seat_count = 0
        self._rejected = 0
        self._last_broadcast_s = 0.0
        self._frozen_at = 0
        self._is_closing = False
        self._emptied = asyncio.Event()

    @property
    def line_ids(self) -> tuple[str, ...]:
        """The lines that can be heard, the default one first."""
        return self._line_ids

    def has_line(self, line_id: str | None) -> bool:
        """Whether the line can be heard; None asks for the default line."""
        return line_id in self._line_ids if line_id is not None else bool(self._line_ids)

    # What the bus says.

    def on_message(self, message: BusMessage) -> None:
        """Take one message from the bus. Never blocks, never waits for a client."""
        if isinstance(message, Snapshot):
            self._broadcast(message)
        elif isinstance(message, SiteChange):
            self._follow_site(message)

    def _broadcast(self, snapshot: Snapshot) -> None:
        started_s = self._clock().monotonic_s
        first = self._line_ids[0] if self._line_ids else None
        for line in snapshot.lines:
            ids = (line.id, None) if line.id == first else (line.id,)
            payload: bytes | None = None
            for encoding in Encoding:
                audiences = [self._audiences.get((line_id, encoding)) for line_id in ids]
                heard = [audience for audience in audiences if audience]
                if not heard:
                    continue
                if payload is None:
                    payload = equipment_status_payload(line, snapshot.at.unix_s)
                frame = tick_frame(payload, encoding)
                for audience in heard:
                    audience.broadcast(frame, started_s)
        self._last_broadcast_s = self._clock().monotonic_s - started_s

    def _follow_site(self, change: SiteChange) -> None:
        self._line_ids = tuple(line.id for line in change.site.lines)
        for key in [key for key in self._audiences if not self.has_line(key[0])]:
            audience = self._audiences.pop(key)
            message = "The line is no longer configured."
            for subscriber in audience.subscribers():
                self._dismiss(subscriber, message, "the line is no longer configured")

    # Who hears.

    def reserve_seat(self, address: str) -> Refusal | None:
        """Take one seat for `address`, or return why there is none. Give it back when done."""
        taken = self.seat_count(address)
        if self._is_closing:
            refusal = Refusal.CLOSING
        elif self._seat_count >= self.limits.connections_max:
            refusal = Refusal.FULL
        elif taken >= self.limits.connections_per_address_max:
            refusal = Refusal.ADDRESS_FULL
        else:
            self._seats[address] = taken + 1
            self._seat_count += 1
            return None
        self._rejected += 1
        return refusal

    def seat_count(self, address: str) -> int:
        """Return how many seats `address` has."""
        return self._seats.get(address, 0)

    def release_seat(self, address: str) -> None:
        """Give back the seat that `reserve_seat` gave."""
        self._seat_count -= 1
        self._seats[address] -= 1
        if not self._seats[address]:
            del self._seats[address]

    def subscribe(
        self, wire: Wire, line_id: str | None, encoding: Encoding = Encoding.PLAIN
    ) -> Subscriber:
        """Greet an accepted connection and let it hear its line from the next tick on.

        Args:
            wire: an accepted WebSocket.
            line_id: a line for which `has_line` is true; None follows the default line.
            encoding: how the client takes its ticks, as negotiated.
        """
        subscriber = Subscriber(wire, line_id, self)
        self._subscribers.add(subscriber)
        wire.attach(subscriber)
        subscriber.send(self.status_frame("connected", CONNECTED_MESSAGE))
        if self._is_closing:
            self._dismiss(subscriber, *_RESTART)
            return subscriber
        audience = self._audiences.get((line_id, encoding))
        if audience is None:
            audience = Audience(self._counters, self.limits.undrained_timeout_s)
            self._audiences[line_id, encoding] = audience
        audience.add(subscriber)
        self._spare_from_collection()
        return subscriber

    def forget(self, subscriber: Subscriber) -> None:
        """Take note that the connection of `subscriber` has ended."""
        self._subscribers.discard(subscriber)
        self._spare_from_collection()
        if not self._subscribers:
            self._emptied.set()

    def status_frame(self, status: ConnectionWord, message: str) -> bytes:
        """Return a `connection_status` of this moment as one frame."""
        return text_frame(connection_status_payload(status, message, self._clock().unix_s))

    # The end.

    async def close_all(self, timeout_s: float = 2.0) -> None:
        """Tell every subscriber that the server goes, close them all, and abort the rest.

        Args:
            timeout_s: how long clients may take to answer the close.
        """
        self._is_closing = True
        for subscriber in list(self._subscribers):
            self._dismiss(subscriber, *_RESTART)
        if not self._subscribers:
            return
        self._emptied.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._emptied.wait()
        except TimeoutError:
            for subscriber in list(self._subscribers):
                subscriber.wire.abort()

    def _dismiss(self, subscriber: Subscriber, message: str, reason: str) -> None:
        subscriber.leave()
        subscriber.send(self.status_frame("disconnected", message))
        subscriber.close(CloseCode.SERVICE_RESTART, reason)

    def metrics(self) -> HubMetrics:
        """Return the figures for `/metrics`."""
        counters = self._counters
        return HubMetrics(
            subscribers=sum(len(audience) for audience in self._audiences.values()),
            aside=sum(audience.aside_count for audience in self._audiences.values()),
            frames_sent_total=counters.frames_sent,
            bytes_sent_total=counters.bytes_sent,
            missed_ticks_total=counters.missed_ticks,
            slowed_total=counters.slowed,
            aborted_total=counters.aborted,
            failed_total=counters.failed,
            rejected_total=self._rejected,
            last_broadcast_s=self._last_broadcast_s,
        )

    def _spare_from_collection(self) -> None:
        """Move long-lived connections out of the garbage collector's sight as they accumulate.

        A full collection with 10,000 connections stops every screen for most of a second. What is
        garbage already is collected first, so that coming and going never hides any; that is quick,
        since all that was there before is out of sight. A connection that ends is freed at once,
        in sight or not, because nothing in it goes in circles.
        """
        count = len(self._subscribers)
        if count >= self._frozen_at + _FREEZE_STEP:
            gc.collect()
            gc.freeze()
            self._frozen_at = count
        elif count < self._frozen_at - _FREEZE_STEP:
            self._frozen_at = count


_RESTART = (
    "The server is shutting down or restarting. Connect again in a few seconds.",
    REASONS[CloseCode.SERVICE_RESTART],
)
