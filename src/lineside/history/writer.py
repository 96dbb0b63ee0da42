"""The one writer: takes batches from the recorder and stores them, in order, whatever happens.

While the database takes them, they go there. While it does not, they go to the spool, and from the
spool to the database once it takes them again. While neither does, they wait in the recorder's
queue, whose bound is the last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from lineside.core.errors import HistoryError
from lineside.core.ports import Clock
from lineside.core.times import unix_ms
from lineside.history.gaps import Gap, chunks_of, halves_of
from lineside.history.recorder import GAP_S, Recorder
from lineside.history.records import (
    Batch,
    HistoryHealth,
    RunCause,
    ServerEventKind,
)
from lineside.history.sifting import Refused, is_refusal, sift
from lineside.history.spool import Spool
from lineside.history.troubles import WAL_WARNING_BYTES, wal_warning

BATCH_MAX = 2_000
BATCH_WAIT_S = 0.25  # for more to come, so that a commit is shared
ALIVE_S = 5.0
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 10.0
DRAIN_RECORDS = 5_000  # in one transaction, while the database is quick
LOOK_S = 10.0  # how often it looks whether what was set aside still lies there
REFUSALS = 5  # then records that are refused while the database answers are set aside
HANDOVER_S = 1.0  # for the database to answer; then what is heard goes to the spool
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
        handover_s: float = HANDOVER_S,
        wal_bytes: Callable[[], int | None] = lambda: None,
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
            handover_s: how long the database may take before what is heard goes to the spool.
            wal_bytes: the size of the database's write-ahead log; None where there is none.
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
        self._handover_s = handover_s
        self._wal_bytes = wal_bytes
        self._is_stopping = False
        self._woken = asyncio.Event()
        self._error = ""  # of the database
        self._spool_error = ""
        self._refusals = 0  # one after the other, without anything stored between them
        self._drain_records = DRAIN_RECORDS
        self._retry_s = RETRY_FIRST_S
        self._retry_at_s = 0.0
        self._marked_at_s = 0.0
        self._is_told_behind = False
        self._look_at_s = 0.0
        self._whole: tuple[int, int] | None = None  # a run, and up to when all of it is stored
        self._is_taking = False  # what has left the queue is not in hand yet
        # How much had been set aside when a batch last went from the memory to the database, with
        # which a gap before it is found.
        self._whole_at_count = 0
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
        # In this order, for another thread may ask: what leaves the queue is taken, then in hand.
        is_waiting = self._recorder or self._is_taking or self._recorder.in_hand is not None
        is_whole = self._whole_at_count == self._spool.set_aside_count
        if not is_waiting and not self._spool and is_whole and not self._error:
            self._whole = alive
        return self._whole

    def known_until_ms(self, now_ms: int) -> int:
        """Return up to when, at most `now_ms`, the past can be asked for.

        What is on its way is not known yet; that is no time in which nobody watched, as it is when
        the board has not ticked for a while. May be asked from any thread.
        """
        heard, whole = self._recorder.alive, self.alive
        if heard is None or whole is None:
            # Nothing of this process is stored: what is on its way begins with its first run, or
            # with what an earlier process has left in the spool.
            waiting_ms = [self._recorder.began_ms, self._spool.oldest_ms]
            return min([now_ms, *(each for each in waiting_ms if each is not None)])
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
            self._look_aside()
        await self._write_all()
        self._tell()

    async def _wait(self) -> None:
        """Wait for work: something in the queue, a retry, or the next sign of life."""
        now_s = time.monotonic()
        until_s = self._marked_at_s + self._alive_s
        if self._recorder.in_hand is not None:
            until_s = self._retry_at_s  # nothing else is kept before it
        elif self._spool:
            until_s = min(until_s, self._retry_at_s)
        if not self._recorder or self._recorder.in_hand is not None:
            try:
                async with asyncio.timeout(max(0.0, until_s - now_s)):
                    await self._woken.wait()
            except TimeoutError:
                pass
        self._woken.clear()

    async def _write_all(self) -> None:
        """Keep all that waits; then bring what the spool holds into the database."""
        while (batch := self._next_batch()) is not None:
            if not await self._keep(batch):
                return
        while self._spool and time.monotonic() >= self._retry_at_s and not self._is_stopping:
            if not await self._drain():
                return
            # What was heard in the meantime stays behind what waits already.
            while (batch := self._next_batch()) is not None:
                if not await self._keep(batch):
                    return

    def _next_batch(self) -> Batch | None:
        """Return what was taken from the recorder and is not kept yet, or the next."""
        if self._recorder.in_hand is not None:
            return self._recorder.in_hand
        is_mark_due = time.monotonic() - self._marked_at_s >= self._alive_s
        if not self._recorder and not is_mark_due:
            return None
        self._is_taking = True
        batch = self._recorder.in_hand = self._recorder.take(BATCH_MAX)
        self._is_taking = False
        if batch is None:  # nothing has been heard yet that there could be a sign of life of
            self._marked_at_s = time.monotonic()
        return batch

    async def _keep(self, batch: Batch) -> bool:
        """Store or spool the batch in hand, where it stays without success; say whether it went."""
        if not self._spool and time.monotonic() >= self._retry_at_s:
            is_stored = await self._attempt([batch])
            if self._recorder.in_hand is not batch:
                return True  # the database was slow, and the spool has it
            if is_stored:
                self._refusals = 0
                self._whole_at_count = self._spool.set_aside_count
                self._note_stored([batch])
                self._note_kept(batch)
                return True
        if self._spool_in_hand(batch):
            return True
        if self._refusals >= REFUSALS:
            return await self._sift([batch], self._note_lost)
        return False

    def _spool_heard(self) -> None:
        """Put all that waits in memory into the spool."""
        while (batch := self._next_batch()) is not None and self._spool_in_hand(batch):
            pass

    def _spool_in_hand(self, batch: Batch) -> bool:
        try:
            self._append(batch)
        except HistoryError as error:
            self._retry_at_s = max(self._retry_at_s, time.monotonic() + RETRY_FIRST_S)
            if str(error) != self._spool_error:
                _log.error("history: nothing can be kept", error=str(error))
            self._spool_error = str(error)
            return False
        self._spool_error = ""
        self._note_kept(batch)
        return True

    def _append(self, batch: Batch) -> None:
        """Put `batch` into the spool, without the records that cannot be written down at all.

        Raises:
            HistoryError: the disk does not take it. What it took may be taken again.
        """
        try:
            self._spool.append(batch)
        except HistoryError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, those beside it are kept
            if len(batch.records) > 1:
                for half in halves_of(batch):
                    self._append(half)
            elif batch.records:
                self._spool.set_aside(batch, f"{type(error).__name__}: {error}")

    async def _drain(self) -> bool:
        """Bring the oldest of the spool into the database; say whether it went."""
        is_sifting = self._refusals >= REFUSALS
        try:
            batches = self._spool.peek(1 if is_sifting else self._drain_records)
        except HistoryError as error:
            self._note_failure(error)
            return False
        if not batches:
            return True
        if is_sifting:
            return await self._sift(batches, self._set_aside_oldest)
        for some in chunks_of(batches, self._drain_records):
            self._spool_heard()
            if self._is_stopping:
                return False
            if not await self._attempt(some):
                # A smaller transaction may be done in time.
                self._drain_records = max(1, self._drain_records // 2)
                return False
        self._refusals = 0  # not before: the first chunk of a batch may go, and the next never
        self._drain_records = min(DRAIN_RECORDS, 2 * self._drain_records)
        self._spool.drop_peeked(batches)
        self._note_stored(batches)
        return True

    async def _sift(
        self, batches: list[Batch], be_done: Callable[[list[Batch], list[Refused]], None]
    ) -> bool:
        """Store what the database takes of `batches`, and `be_done` with the rest."""
        refused: list[Refused] = []
        try:
            for batch in batches:
                refused += await sift(batch, self._put)
            be_done(batches, refused)
        except HistoryError as error:
            self._note_failure(error)
            return False
        if refused:
            self._refusals = 0
            self._note_success()
        return True

    async def _put(self, piece: Batch) -> Exception | None:
        """Store one piece of many, which may take long together: nothing waits behind them."""
        self._spool_heard()
        if self._is_stopping:
            return HistoryError("the server stops")
        return await self._reach([piece])

    def _set_aside_oldest(self, batches: list[Batch], refused: list[Refused]) -> None:
        for each in refused:
            self._spool.set_aside(each.batch, each.why)
        self._spool.drop_peeked(batches)
        self._note_stored(batches)

    def _note_lost(self, batches: list[Batch], refused: list[Refused]) -> None:
        """Let go of what neither the database nor the disk takes."""
        (batch,) = batches
        if self._recorder.in_hand is not batch:
            return  # the disk has taken it after all
        for each in refused:
            self._recorder.lost_count += len(each.batch.records)
            _log.error("history: lost, for it can be kept nowhere", why=each.why)
        self._note_stored(batches)
        self._note_kept(batch)

    async def _attempt(self, batches: Sequence[Batch]) -> bool:
        error = await self._reach(batches)
        if error is None:
            self._note_success()
            return True
        if is_refusal(error):
            self._refusals += 1
        self._note_failure(error)
        if self._replaced_count() != self._replaced_seen:
            self._replaced_seen = self._replaced_count()
            self._recorder.tear(RunCause.DATABASE_REPLACED)
        return False

    async def _reach(self, batches: Sequence[Batch]) -> Exception | None:
        """Store `batches`; return what went wrong. A database that is slow holds nothing else up.

        It goes on while what is heard, and what is in hand, goes to the spool.
        """
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._write(batches))
            await asyncio.wait({writing}, timeout=self._handover_s)
            while not writing.done():
                if self._recorder.in_hand is batches[0] and not self._error:
                    self._error = self._slow
                    _log.warning("history: slow", error=self._error)
                self._spool_heard()
                await asyncio.wait({writing}, timeout=self._batch_wait_s or BATCH_WAIT_S)
        if writing.cancelled():  # by a library: nobody here does that
            return HistoryError(self._slow)
        return writing.result()

    async def _write(self, batches: Sequence[Batch]) -> Exception | None:
        try:
            async with asyncio.timeout(LAST_ATTEMPT_S if self._is_stopping else None) as limit:
                self._limit = limit
                await self._store.write(batches)
        except TimeoutError:
            return HistoryError(self._slow)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the records must not be lost
            return error
        finally:
            self._limit = None
        return None

    @property
    def _slow(self) -> str:
        return f"{self._database or 'the database'} did not answer in time"

    def _note_success(self) -> None:
        self._retry_s, self._retry_at_s = RETRY_FIRST_S, 0.0
        if self._error:
            _log.info("history: the database takes writes again")
        self._error = self._spool_error = ""

    def _note_failure(self, error: Exception) -> None:
        words = str(error)
        if not isinstance(error, HistoryError):
            words = f"a fault of Lineside's own: {type(error).__name__}: {error}"
        if words != self._error:
            trace = None if isinstance(error, HistoryError) else error
            _log.error("history: not written", error=words, exc_info=trace)
        self._error = words
        self._retry_at_s = time.monotonic() + self._retry_s
        self._retry_s = min(RETRY_MAX_S, 2 * self._retry_s)

    def note_gap(self, gap: Gap) -> None:
        """Let the next tick begin a new run when it is the run that goes on that has a gap."""
        count = gap.end_seq - gap.first_seq
        _log.warning("history: records are missing, their time is unseen", records=count)
        alive = self._recorder.alive
        if alive is not None and alive[0] == gap.run_key:
            self._recorder.tear(RunCause.LOST)

    def _note_kept(self, batch: Batch) -> None:
        self._recorder.in_hand = None
        self._marked_at_s = time.monotonic()
        if batch.records:
            self.acknowledged = (batch.run.key, batch.records[-1].seq)
            self._on_kept(batch)

    def _note_stored(self, batches: Sequence[Batch]) -> None:
        self._spool.tally.written += sum(len(batch.records) for batch in batches)
        stored = batches[-1]
        whole = self._whole
        if whole is None or whole[0] != stored.run.key or whole[1] < stored.alive_ms:
            self._whole = (stored.run.key, stored.alive_ms)

    @property
    def error(self) -> str:
        """What keeps it from storing, in English; empty when nothing does. For any thread."""
        return "; ".join(filter(None, (self._error, self._spool_error)))

    def health(self) -> HistoryHealth:
        """Return how things stand. May be asked from any thread."""
        # In this order: what leaves the queue is taken, then in hand.
        queued, is_taking = len(self._recorder), self._is_taking
        pending, spooled = self._recorder.in_hand, self._spool.record_count
        oldest_ms = [
            at_ms
            for at_ms in (self._spool.oldest_ms, _oldest_of(pending), self._recorder.oldest_ms)
            if at_ms is not None
        ]
        now_ms = unix_ms(self._clock().unix_s)
        waiting_s = (now_ms - min(oldest_ms)) / 1000 if oldest_ms else 0.0
        is_behind = bool(self._error or self._spool) or waiting_s >= BEHIND_S
        wal_bytes, warnings = self._wal_bytes(), self._spool.warnings()
        if wal_bytes is not None and wal_bytes >= WAL_WARNING_BYTES:
            warnings.append(wal_warning(self._database, wal_bytes))
        return HistoryHealth(
            database=self._database,
            behind_s=max(0.0, waiting_s) if is_behind else 0.0,
            queued=queued + (len(pending.records) if pending else is_taking),  # of these, at least
            spooled=spooled,
            spooled_bytes=self._spool.size_bytes,
            written=self._spool.tally.written,
            lost=self._recorder.lost_count + self._spool.lost_count,
            set_aside=self._spool.set_aside_count,
            aside_files=self._spool.aside.files,
            aside_oldest_ms=self._spool.aside.oldest_ms,
            wal_bytes=wal_bytes,
            error=self.error,
            warnings=tuple(warnings),
        )

    def _look_aside(self) -> None:
        """Look now and then whether a person has taken away what lies beside the spool."""
        if self._spool.aside.files and time.monotonic() >= self._look_at_s:
            self._look_at_s = time.monotonic() + LOOK_S
            self._spool.look_aside()

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
