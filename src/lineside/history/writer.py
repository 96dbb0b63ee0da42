"""The one writer: takes batches from the recorder and stores them, in order, whatever happens.

While the database takes them, they go there. While it does not, they go to the spool, and from the
spool to the database once it takes them again. While neither does, they wait in the recorder's
queue, whose bound is the last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from lineside.core.errors import HistoryError
from lineside.core.ports import Clock
from lineside.core.times import unix_ms
from lineside.history.recorder import GAP_S, Recorder
from lineside.history.records import (
    Batch,
    HistoryHealth,
    RunCause,
    ServerEventKind,
)
from lineside.history.spool import Spool

BATCH_MAX = 2_000
BATCH_WAIT_S = 0.25  # for more to come, so that a commit is shared
ALIVE_S = 5.0
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 10.0
DRAIN_RECORDS = 5_000  # in one transaction
LAST_ATTEMPT_S = 1.0  # to reach the database while stopping; then what waits is spooled
BEHIND_S = 2.0  # what waits for less is on its way


class BatchStore(Protocol):
    """What the writer asks of a store."""

    async def write(self, batches: Sequence[Batch]) -> None:
        """Store all of `batches` or none; raise HistoryError when none."""


_log = structlog.get_logger("lineside.history")


class Writer:
    """Runs in the history's event loop until it is stopped."""

    def __init__(
        self,
        recorder: Recorder,
        store: BatchStore,
        spool: Spool,
        clock: Clock,
        *,
        database: str = "",
        replaced_count: Callable[[], int] = lambda: 0,
        on_kept: Callable[[Batch], None] = lambda batch: None,
        alive_s: float = ALIVE_S,
        batch_wait_s: float = BATCH_WAIT_S,
    ) -> None:
        """Prepare.

        Args:
            recorder: where batches come from.
            store: where they go.
            spool: where they wait; opened.
            clock: says how far behind the history is.
            database: what to call the store in front of people.
            replaced_count: how often the database was found to have been taken away.
            on_kept: told of each batch once it is in the database or on the disk.
            alive_s: how often a sign of life is stored when nothing happens.
            batch_wait_s: how long to wait for more before a batch is written.
        """
        self._recorder = recorder
        self._store = store
        self._spool = spool
        self._clock = clock
        self._replaced_count = replaced_count
        self._on_kept = on_kept
        self._replaced_seen = 0
        self._alive_s = alive_s
        self._batch_wait_s = batch_wait_s
        self._pending: Batch | None = None
        self._is_stopping = False
        self._woken = asyncio.Event()
        self._error = ""  # of the database
        self._spool_error = ""
        self._retry_s = RETRY_FIRST_S
        self._retry_at_s = 0.0
        self._marked_at_s = 0.0
        self._is_told_behind = False
        self._written = 0
        self._whole: tuple[int, int] | None = None  # a run, and up to when all of it is stored
        self._is_taking = False  # what has left the queue is not pending yet
        self.acknowledged: tuple[int, int] | None = None  # run key and seq, in database or spool
        self._database = database
        self._limit: asyncio.Timeout | None = None  # of the attempt that goes on

    def wake(self) -> None:
        """Tell that the recorder has something, or that stopping was asked for."""
        self._woken.set()

    def stop(self) -> None:
        """Ask `run` to keep what there is, in the database or the spool, and to return."""
        self._is_stopping = True
        self._woken.set()
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time() + LAST_ATTEMPT_S)

    @property
    def alive(self) -> tuple[int, int] | None:
        """The run that goes on, and up to when all of it is stored, for the store's answers."""
        # Looked at before the queue: what the other thread tells meanwhile is younger than this.
        alive = self._recorder.alive
        # In this order, for another thread may ask: what leaves the queue is taken, then pending.
        is_waiting = self._recorder or self._is_taking or self._pending is not None
        if not is_waiting and not self._spool and not self._error:
            self._whole = alive
        return self._whole

    def known_until_ms(self, now_ms: int) -> int:
        """Return up to when, at most `now_ms`, the past can be asked for.

        What is on its way is not known yet; that is no time in which nobody watched, as it is when
        the board has not ticked for a while. May be asked from any thread.
        """
        heard, whole = self._recorder.alive, self.alive
        if heard is None or whole is None:
            return now_ms
        is_quiet = whole == heard and now_ms - heard[1] > GAP_S * 1000
        return now_ms if is_quiet else min(now_ms, whole[1])

    async def run(self) -> None:
        """Write until stopped."""
        while not self._is_stopping:
            await self._wait()
            if self._recorder and not self._is_stopping:
                await asyncio.sleep(self._batch_wait_s)
            await self._write_all()
            self._tell()
        await self._write_all()
        self._tell()

    async def _wait(self) -> None:
        """Wait for work: something in the queue, a retry, or the next sign of life."""
        now_s = time.monotonic()
        until_s = self._marked_at_s + self._alive_s
        if self._pending is not None:
            until_s = self._retry_at_s  # nothing else is kept before it
        elif self._spool:
            until_s = min(until_s, self._retry_at_s)
        if not self._recorder or self._pending is not None:
            try:
                async with asyncio.timeout(max(0.0, until_s - now_s)):
                    await self._woken.wait()
            except TimeoutError:
                pass
        self._woken.clear()

    async def _write_all(self) -> None:
        """Keep all that waits; then bring what the spool holds into the database."""
        while True:
            self._pending = batch = self._pending or self._next_batch()
            self._is_taking = False
            if batch is None:
                break
            if not await self._keep(batch):
                return
        while self._spool and time.monotonic() >= self._retry_at_s and not self._is_stopping:
            if not await self._drain():
                return
            # What was heard in the meantime stays behind what waits already.
            while (batch := self._next_batch()) is not None:
                if not await self._keep(batch):
                    return
            self._is_taking = False

    def _next_batch(self) -> Batch | None:
        is_mark_due = time.monotonic() - self._marked_at_s >= self._alive_s
        if not self._recorder and not is_mark_due:
            return None
        self._is_taking = True
        batch = self._recorder.take(BATCH_MAX)
        if batch is None:  # nothing has been heard yet that there could be a sign of life of
            self._marked_at_s = time.monotonic()
        return batch

    async def _keep(self, batch: Batch) -> bool:
        """Store or spool one batch; without success it stays pending. Say whether it is kept."""
        self._pending, self._is_taking = batch, False
        may_try = not self._spool and time.monotonic() >= self._retry_at_s
        if may_try and await self._attempt(lambda: self._store.write([batch])):
            self._note_stored([batch])
            self._note_kept(batch)
            return True
        try:
            self._spool.append(batch)
        except HistoryError as error:
            self._retry_at_s = max(self._retry_at_s, time.monotonic() + RETRY_FIRST_S)
            if str(error) != self._spool_error:
                _log.error("history: nothing can be kept", error=str(error))
            self._spool_error = str(error)
            return False
        self._spool_error = ""
        self._note_kept(batch)
        return True

    async def _drain(self) -> bool:
        """Bring the oldest of the spool into the database; say whether it went."""
        try:
            batches = self._spool.peek(DRAIN_RECORDS)
        except HistoryError as error:
            self._note_failure(error)
            return False
        if not batches:
            return True
        if not await self._attempt(lambda: self._store.write(batches)):
            return False
        self._spool.drop_peeked(batches)
        self._note_stored(batches)
        return True

    async def _attempt(self, write: Callable[[], Awaitable[None]]) -> bool:
        try:
            async with asyncio.timeout(LAST_ATTEMPT_S if self._is_stopping else None) as limit:
                self._limit = limit
                await write()
        except (HistoryError, TimeoutError) as error:
            self._note_failure(
                error
                if isinstance(error, HistoryError)
                else HistoryError(f"{self._database} did not answer in time")
            )
            if self._replaced_count() != self._replaced_seen:
                self._replaced_seen = self._replaced_count()
                self._recorder.tear(RunCause.DATABASE_REPLACED)
            return False
        finally:
            self._limit = None
        self._retry_s, self._retry_at_s = RETRY_FIRST_S, 0.0
        if self._error:
            _log.info("history: the database takes writes again")
        self._error = self._spool_error = ""
        return True

    def _note_failure(self, error: HistoryError) -> None:
        if str(error) != self._error:
            _log.error("history: not written", error=str(error))
        self._error = str(error)
        self._retry_at_s = time.monotonic() + self._retry_s
        self._retry_s = min(RETRY_MAX_S, 2 * self._retry_s)

    def _note_kept(self, batch: Batch) -> None:
        self._pending = None
        self._marked_at_s = time.monotonic()
        if batch.records:
            self.acknowledged = (batch.run.key, batch.records[-1].seq)
            self._on_kept(batch)

    def _note_stored(self, batches: Sequence[Batch]) -> None:
        self._written += sum(len(batch.records) for batch in batches)
        stored = batches[-1]
        whole = self._whole
        if whole is None or whole[0] != stored.run.key or whole[1] < stored.alive_ms:
            self._whole = (stored.run.key, stored.alive_ms)

    def health(self) -> HistoryHealth:
        """Return how things stand. May be asked from any thread."""
        pending, spooled = self._pending, self._spool.record_count
        oldest_ms = [
            at_ms
            for at_ms in (self._spool.oldest_ms, _oldest_of(pending), self._recorder.oldest_ms)
            if at_ms is not None
        ]
        now_ms = unix_ms(self._clock().unix_s)
        waiting_s = (now_ms - min(oldest_ms)) / 1000 if oldest_ms else 0.0
        is_behind = bool(self._error or self._spool) or waiting_s >= BEHIND_S
        return HistoryHealth(
            database=self._database,
            behind_s=max(0.0, waiting_s) if is_behind else 0.0,
            queued=len(self._recorder) + (len(pending.records) if pending else 0),
            spooled=spooled,
            spooled_bytes=self._spool.size_bytes,
            written=self._written,
            lost=self._recorder.lost_count + self._spool.lost_count,
            error="; ".join(filter(None, (self._error, self._spool_error))),
        )

    def _tell(self) -> None:
        """Note in the history itself when it fell behind, and when it caught up."""
        is_behind = bool(self._error or self._spool)
        if is_behind is self._is_told_behind:
            return
        self._is_told_behind = is_behind
        now_ms = unix_ms(self._clock().unix_s)
        if is_behind:
            self._recorder.note(ServerEventKind.HISTORY_BEHIND, now_ms, self._error)
        else:
            self._recorder.note(ServerEventKind.HISTORY_CAUGHT_UP, now_ms, "")
            _log.info("history: caught up")


def _oldest_of(batch: Batch | None) -> int | None:
    if batch is None:
        return None
    return batch.records[0].at_ms if batch.records else batch.alive_ms
