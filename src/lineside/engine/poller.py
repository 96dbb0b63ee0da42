"""One PLC's poller and its supervisor: one task, one connection, one request in flight.

It never gives up: whatever goes wrong is told once, counted, and tried again after a backoff. What
it reads and how the link stands go out through two callbacks; it knows nothing of machines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import structlog

from lineside.core.errors import DriverError
from lineside.core.limits import LATENCY_WINDOW, OFF_BEAT_LOOKS, RETRY_LOG_INTERVAL_S
from lineside.core.model import (
    CpuState,
    Instant,
    Plc,
    PlcFault,
    PlcLink,
    PlcState,
    Reading,
    TagValue,
)
from lineside.core.ports import Clock, Driver
from lineside.core.window import Window
from lineside.engine.schedule import OffBeat, PollSchedule, backoff_s

_log = structlog.get_logger("lineside.poller")


class Poller:
    """Polls one PLC for as long as `run` is awaited."""

    def __init__(
        self,
        plc: Plc,
        driver: Driver,
        clock: Clock,
        schedule: PollSchedule,
        next_tick_s: Callable[[], float],
        *,
        on_reading: Callable[[Reading], None],
        on_state: Callable[[PlcState], None],
        off_beat: OffBeat | None = None,
        link: PlcLink = PlcLink.CONNECTING,
        random: Random | None = None,
    ) -> None:
        """Make a poller that has not connected yet.

        Args:
            plc: what to poll and how often.
            driver: the connection; this poller is its only user and closes it at the end.
            clock: where every time comes from.
            schedule: when to poll.
            next_tick_s: says when the next tick is, in monotonic seconds.
            on_reading: gets every completed poll. Must not block.
            on_state: gets the link's state after every poll and every transition.
            off_beat: when to look between two polls; None: never.
            link: how things stood with this PLC before; a new plan for a PLC that was online gives
                it the same second chance as one failed poll.
            random: the source of the backoff's jitter.
        """
        self._plc = plc
        self._driver = driver
        self._clock = clock
        self._schedule = schedule
        self._next_tick_s = next_tick_s
        self._off_beat = off_beat
        self._heartbeat: TagValue | None = None
        self._on_reading = on_reading
        self._on_state = on_state
        self._random = random or Random()  # noqa: S311 -- jitter, not a secret
        self._log = _log.bind(plc=plc.id)
        self._link = link
        self._told_retry_at: Instant | None = None
        self._since_s = clock().unix_s
        self._fault: PlcFault | None = None
        self._failures = 0
        self._backoff_s: float | None = None
        self._next_attempt_s: float | None = None
        self._latencies_ms = Window(LATENCY_WINDOW)
        self._last: Reading | None = None
        self._poll_count = self._fault_count = self._missed_count = 0
        self._request_count = self._reconnect_count = 0

    async def run(self) -> None:
        """Connect and poll until cancelled; leaves the connection closed."""
        try:
            while True:
                await self._run_until_fault()
                await asyncio.sleep(self._backoff_s or 0.0)
                self._reconnect_count += 1
        finally:
            await self._driver.close()

    async def _run_until_fault(self) -> None:
        """Connect and poll; return, with a backoff set, when something went wrong."""
        try:
            await self._driver.open()
            await self._poll_forever()
        except DriverError as error:
            self._note_fault(error.message, error.cause, error.end_code)
        except Exception as error:  # noqa: BLE001 -- the one supervisor: a PLC never stops the rest
            self._log.exception("poller failed unexpectedly", error=str(error))
            self._note_fault(
                f"internal error: {type(error).__name__}: {error}",
                "A defect of Lineside; the log has the traceback. Polling goes on.",
                None,
            )
            await self._driver.close()

    async def _poll_forever(self) -> None:
        self._schedule.begin(self._clock().monotonic_s)
        while True:
            asked_s = self._clock().monotonic_s
            reading = await self._driver.read()
            looks = self._looks_wanted(reading)
            self._note_reading(reading)
            now_s = self._clock().monotonic_s
            start_s, missed = self._schedule.next_start_s(now_s, self._next_tick_s())
            self._missed_count += missed
            if self._off_beat is not None and looks:
                lead_s = self._schedule.lead_s
                for look_s in self._off_beat.looks_s(looks, asked_s, now_s, start_s, lead_s):
                    await asyncio.sleep(look_s - self._clock().monotonic_s)
                    self._note_reading(await self._driver.read())
                now_s = self._clock().monotonic_s
            await asyncio.sleep(start_s - now_s)

    def _looks_wanted(self, reading: Reading) -> int:
        """Return how often to look before the next poll for what may beat in step with the polls.

        That is a lamp, or a heartbeat that is the same as at the poll before. Now and then any PLC
        is looked at once, for nobody tells which of its bits are lamps.
        """
        is_due = self._off_beat is not None and self._off_beat.is_due()
        beat = reading.tags.get(self._plc.heartbeat) if self._plc.heartbeat is not None else None
        before, self._heartbeat = self._heartbeat, beat
        is_still = beat is not None and before is not None and beat.value == before.value
        if is_still or self._plc.has_lamps:
            return OFF_BEAT_LOOKS
        return 1 if is_due else 0

    def _note_reading(self, reading: Reading) -> None:
        self._poll_count += 1
        self._request_count += reading.request_count
        self._latencies_ms.add(reading.latency_s * 1000.0)
        if self._link in (PlcLink.CONNECTING, PlcLink.LOST):
            self._log.info("plc online", latency_ms=round(reading.latency_s * 1000.0, 1))
        if self._link is not PlcLink.ONLINE or self._last is None:
            self._enter(PlcLink.ONLINE)
        self._last = reading
        self._failures = 0
        self._backoff_s = self._next_attempt_s = None
        self._on_reading(reading)
        self._on_state(self.state())

    def _note_fault(self, message: str, cause: str, end_code: int | None) -> None:
        now = self._clock()
        self._failures += 1
        self._fault_count += 1
        self._fault = PlcFault(message=message, cause=cause, end_code=end_code, at_s=now.unix_s)
        self._backoff_s = backoff_s(self._failures, self._random.random())
        self._next_attempt_s = now.unix_s + self._backoff_s
        if self._link is PlcLink.ONLINE:
            self._enter(PlcLink.RETRYING)
            self._tell_retry(now, message)
        elif self._link is not PlcLink.LOST:
            self._log.warning("plc lost", error=message, cause=cause)
            self._enter(PlcLink.LOST)
        self._on_state(self.state())

    def _tell_retry(self, now: Instant, message: str) -> None:
        """Log a failed poll, but not each one of a link that flaps all day."""
        told = self._told_retry_at
        if told is None or told.age_s(now) >= RETRY_LOG_INTERVAL_S:
            self._told_retry_at = now
            self._log.warning("plc poll failed", error=message, fault_count=self._fault_count)

    def _enter(self, link: PlcLink) -> None:
        self._link = link
        self._since_s = self._clock().unix_s

    def state(self) -> PlcState:
        """Return the PLC's health as of now."""
        latencies, last = self._latencies_ms, self._last
        return PlcState(
            id=self._plc.id,
            link=self._link,
            since_s=self._since_s,
            last_fault=self._fault,
            last_read_s=last.read_at.unix_s if last else None,
            cpu_state=last.cpu_state if last else CpuState.UNKNOWN,
            latency_last_ms=latencies.last,
            latency_p50_ms=latencies.quantile(0.5),
            latency_p95_ms=latencies.quantile(0.95),
            lead_ms=self._schedule.lead_s * 1000.0,
            late_poll_count=self._schedule.late_count,
            poll_count=self._poll_count,
            fault_count=self._fault_count,
            missed_poll_count=self._missed_count,
            request_count=self._request_count,
            requests_per_poll=last.request_count if last else 0,
            reconnect_count=self._reconnect_count,
            backoff_s=self._backoff_s,
            next_attempt_s=self._next_attempt_s,
        )
