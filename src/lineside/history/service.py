"""The history's door: a recorder for the bus, and a thread of its own for all that may wait.

The thread has its own event loop. Databases, disks and the libraries that speak to them may stop
there for as long as they like: the event loop of the board only puts messages into a queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog

from lineside.core.alarm import Alarm, AlarmEvent
from lineside.core.errors import HistoryError, LinesideError
from lineside.core.model import SiteChange, Snapshot
from lineside.core.ports import BusMessage, Clock
from lineside.core.times import unix_ms
from lineside.history.acting import Acting
from lineside.history.alarm_desk import AlarmDesk
from lineside.history.aside import Tally
from lineside.history.left_out import LeftOut
from lineside.history.lock import FolderLock, FolderTaken
from lineside.history.recorder import Recorder
from lineside.history.records import LEASE_MS, HistoryHealth
from lineside.history.settings import HistorySettings
from lineside.history.slots import Slots
from lineside.history.spool import Spool
from lineside.history.standby import Standby, as_if_heard_now
from lineside.history.supervised import Faults
from lineside.history.writer import ALIVE_S, BATCH_WAIT_S, Writer

if TYPE_CHECKING:  # they load the database libraries, which is the thread's business
    from lineside.history.database import Database
    from lineside.history.lease import Lease
    from lineside.history.store import Store

T = TypeVar("T")

STOP_S = 3.0  # for what is in the queue to be stored or spooled
QUESTION_S = 15.0
QUESTIONS_MAX = 4  # at one time
URGENT_MAX = 1  # besides; what people change by hand is changed one by one
WAITING_MAX = 32
RETRY_S = 2.0
RETRY_MAX_S = 60.0
LOCK_LOOK_S = 2.0
RELEASE_S = 0.5
FORGOTTEN_AT_ONCE = 2_000
RECALL_EVERY_S = 0.2  # while the database does not answer, or the spool is not empty

RECORDING, RECORDING_THREAD = "recording", "the history's thread"

_RESTARTED = "the history is being restarted"

_log = structlog.get_logger("lineside.history")


class History:
    """Records what the bus tells, from `start` to `stop`, and answers questions."""

    def __init__(
        self,
        settings: HistorySettings,
        clock: Clock,
        version: str,
        *,
        alive_s: float = ALIVE_S,
        batch_wait_s: float = BATCH_WAIT_S,
    ) -> None:
        """Prepare; `on_message` may hear the bus from now on.

        Args:
            settings: where the history lies.
            clock: says how far behind it is.
            version: of Lineside, kept with what is recorded.
            alive_s: how often a sign of life is stored when nothing happens.
            batch_wait_s: how long to wait for more before a batch is written.
        """
        self._settings = settings
        self._clock = clock
        self._started = clock()
        self._alive_s = alive_s
        self._batch_wait_s = batch_wait_s
        self._version = version
        self._site: SiteChange | None = None
        self.recorder = Recorder(version, self._wake)
        self.alarms = AlarmDesk(self.recorder, clock)
        self._acting = Acting()
        self._lease: Lease | None = None
        self._thread = threading.Thread(target=self._work, name="history", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tally = Tally()
        self._writer: Writer | None = None
        self._store: Store | None = None
        self._slots = Slots(QUESTIONS_MAX, WAITING_MAX)
        self._urgent_slots = Slots(URGENT_MAX, WAITING_MAX)
        self._is_stopping = threading.Event()
        self._standby = Standby(self._is_stopping, unix_ms(self._started.unix_s))
        self._trouble = ""
        self._lock = FolderLock(settings.lock_file)
        self._start = secrets.token_hex(4)
        self._has_held_lease = False
        self.faults = Faults()
        self.left_out = LeftOut()

    def on_message(self, message: BusMessage) -> None:
        """Take one message from the bus. Raises nothing, whatever happens."""
        begun = self.faults.count
        with self.faults.caught(RECORDING):
            if isinstance(message, SiteChange):
                self._site = message
            elif self._standby.wants_anew and isinstance(message, Snapshot):
                self._begin_anew(message)
            self.recorder.on_message(message)
        if self.faults.count != begun:
            self.recorder.lose()
        with self.faults.caught("alarms"):
            self.alarms.on_message(message)

    def knows_alarms(self, begin_ms: int | None = None, end_ms: int | None = None) -> bool:
        """Whether all alarms of a window are known, and no other server has more.

        Args:
            begin_ms: Unix time in ms; None: it has no bound.
            end_ms: the same.
        """
        return self.alarms.is_complete(begin_ms, end_ms) and not self._standby.is_waiting

    def _begin_anew(self, snapshot: Snapshot) -> None:
        """Forget what was heard while another server recorded, and begin with what there is now."""
        recorder = Recorder(self._version, self._wake)
        recorder.lost_count = self.recorder.lost_count
        desk = AlarmDesk(recorder, self._clock)
        for message in as_if_heard_now(self._site, snapshot):
            recorder.on_message(message)
            desk.on_message(message)
        self.recorder, self.alarms, self._standby.wants_anew = recorder, desk, False

    def start(self) -> None:
        """Begin to write what is in the queue, if that was not begun yet.

        Raises:
            RuntimeError: the system gives no thread now.
        """
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End the recording now; `wait_stopped` says when all of it is kept. Does not wait."""
        if self._is_stopping.is_set():
            return
        with self.faults.caught(RECORDING):
            self.recorder.end(self._clock().unix_s)
        self._is_stopping.set()
        self._call(self._stop_writer)

    async def wait_stopped(self, timeout_s: float = STOP_S) -> bool:
        """Wait until what was heard is kept; say whether it is."""
        if self._thread.ident is None:
            return False
        waited_s = 0.0
        while self._thread.is_alive() and waited_s < timeout_s:
            await asyncio.sleep(0.01)
            waited_s += 0.01
        if self._thread.is_alive():
            _log.warning("history: stopping took too long", queued=len(self.recorder))
            return False
        return not self.recorder and self.recorder.in_hand is None

    @property
    def is_open(self) -> bool:
        """Whether questions can be put now."""
        return self._store is not None

    def health(self) -> HistoryHealth:
        """Return how the history fares. Raises nothing, whatever happens."""
        found = HistoryHealth(
            database=str(self._settings.file or ""),
            queued=len(self.recorder),
            lost=self.recorder.lost_count,
            error=self._trouble,
        )
        writer = self._writer
        if writer is not None:
            with self.faults.caught("health"):
                found = writer.health()
        return msgspec.structs.replace(
            found,
            faults=self.faults.count,
            left_out=self.left_out.count,
            left_out_why=self.left_out.last,
            error="; ".join(filter(None, (found.error, self.faults.standing))),
        )

    def known_until_ms(self, now_ms: int) -> int:
        """Return up to when, at most `now_ms`, the past is known: the rest is on its way."""
        return now_ms if self._writer is None else self._writer.known_until_ms(now_ms)

    @property
    def acknowledged(self) -> tuple[int, int] | None:
        """The key of a run and the number of its newest record that no crash can take away."""
        return self._writer.acknowledged if self._writer is not None else None

    async def ask(self, question: Callable[[Store], Awaitable[T]], *, is_urgent: bool = False) -> T:
        """Return the answer to `question`, which is put to the store in the history's thread.

        Args:
            question: asks the store.
            is_urgent: does not wait behind those that are not: short, and somebody, or the board
                itself, cannot go on without it.

        Raises:
            HistoryError: there is no answer now, with the reason in plain words.
        """
        loop, store = self._loop, self._store
        if loop is None or store is None:
            raise HistoryError(self._trouble or "the history is still being opened")

        async def put() -> T:
            return await question(store)

        slots = self._urgent_slots if is_urgent else self._slots
        try:
            async with asyncio.timeout(QUESTION_S), slots.one():
                return await _answer_in(loop, put())
        except TimeoutError:
            raise HistoryError("the database did not answer in time") from None
        except LinesideError:  # it says itself what is wrong
            raise
        except Exception as error:
            self.faults.note("a question", error, is_standing=False)
            raise HistoryError(
                f"a fault of Lineside's own ({type(error).__name__}); its log says more"
            ) from error

    async def recall_alarms(self) -> None:
        """Find out how alarms stood before the start, however long it takes."""
        await self.faults.kept("alarms of before", self._recall_until_known)

    async def _recall_until_known(self) -> None:
        while not self.alarms.is_recalled:
            # What an earlier run has left in the spool is newer than the database.
            if self._writer is not None and not self.health().spooled_bytes:
                with contextlib.suppress(HistoryError):
                    await self._recall_alarms()
            await asyncio.sleep(RECALL_EVERY_S)

    async def _recall_alarms(self) -> None:
        desk = self.alarms
        plc_ids, before_ms = desk.plant.plc_ids, desk.started_ms
        on_delay_ms = round(desk.plant.rules.on_delay_s * 1000)
        if before_ms is not None:
            recalled = await self.ask(
                lambda store: store.alarms.recall(plc_ids, before_ms, on_delay_ms), is_urgent=True
            )
            desk.adopt(recalled)

    async def act(self, alarm: Alarm, event: AlarmEvent) -> Alarm:
        """Let a person do something to `alarm`; return what comes of it once that is kept.

        Raises:
            AlarmRefused: that cannot be done to it; nothing was done.
            HistoryError: it is not known to be kept, with the reason in plain words.
        """
        if self._standby.is_waiting:
            raise HistoryError(self._trouble)
        if self._settings.url is not None and (self._lease is None or not self._lease.is_sure):
            raise HistoryError(
                "nothing was done, for another server may record now: this one has not reached "
                f"the database in the last {LEASE_MS // 1000} s"
            )
        return await self._acting.act(
            self.alarms.book, alarm, event, trouble=lambda: self.health().error
        )

    def _wake(self) -> None:
        if self._writer is not None:
            self._call(self._writer.wake)

    def _call(self, function: Callable[[], None]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is over
                self._loop.call_soon_threadsafe(function)

    def _stop_writer(self) -> None:
        if self._writer is not None:
            self._writer.stop()

    def _work(self) -> None:
        retry_s = RETRY_S
        while True:
            begun_s = time.monotonic()
            try:
                with asyncio.Runner() as runner:
                    runner.run(self._record())
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- nothing may end recording
                self.faults.note(RECORDING_THREAD, error)
                self._loop = self._writer = self._store = None
                if time.monotonic() - begun_s > RETRY_MAX_S:
                    retry_s = RETRY_S
                if not self._is_stopping.wait(retry_s):
                    retry_s = min(RETRY_MAX_S, 2 * retry_s)
                    continue
            if self._is_stopping.is_set():
                return

    async def _record(self) -> None:
        """Run until stopped."""
        from lineside.history.database import Database
        from lineside.history.lease import Lease
        from lineside.history.part_work import PartWork
        from lineside.history.store import Store
        from lineside.history.wal import keep_wal_small

        # The libraries stay as long as the process: out of the collector's sight with them.
        gc.freeze()
        self._loop = asyncio.get_running_loop()
        spool = Spool(self._settings.spool_folder, tally=self._tally)
        if not await self._prepare(spool):
            return
        database = Database(self._settings.database_url, left_out=self.left_out)
        lease = None
        if not database.is_sqlite:
            lease = Lease(
                self._lock.token,
                self._start,
                socket.gethostname(),
                database.label,
                self._clock,
                may_succeed=not self._has_held_lease,
            )
            self._lease = lease
            forget = partial(_forget_all, self.recorder)
            may_begin = await self._standby.take_lease(database, lease, forget, self._tell, RETRY_S)
        else:
            may_begin = await self._standby.has_folder(database)
        if not may_begin:
            spool.close()
            await database.close()
            self._lock.release()
            return
        store = Store(
            database,
            alive=lambda: writer.alive,
            on_gap=lambda gap: writer.note_gap(gap),
            lease=lease,
        )
        writer = Writer(
            self.recorder,
            store,
            spool,
            self._clock,
            database=database.label,
            replaced_count=lambda: database.replaced_count,
            alive_s=self._alive_s,
            batch_wait_s=self._batch_wait_s,
            on_kept=self._acting.on_kept,
            wal_bytes=database.wal_bytes,
        )
        self._writer, self._store, self._trouble = writer, store, ""
        self.faults.over(RECORDING_THREAD)
        if self._is_stopping.is_set():
            writer.stop()
        parts = PartWork(store, lambda: writer.alive[1] if writer.alive else None)
        behind = [
            asyncio.create_task(self._forget(database), name="history retention"),
            asyncio.create_task(parts.run(), name="key figures"),
            asyncio.create_task(keep_wal_small(database), name="write-ahead log"),
            asyncio.create_task(self._keep_lock(writer), name="history lock"),
        ]
        if lease is not None:
            behind.append(asyncio.create_task(self._give_up(lease, writer), name="history lease"))
        try:
            await writer.run()
        finally:
            if not self._is_stopping.is_set():
                self._trouble = self._trouble or writer.error  # until it records again
                self._writer, self._store = None, None
            for task in behind:
                task.cancel()
            await asyncio.wait(behind)
            spool.close()
            if lease is not None:
                self._has_held_lease |= lease.was_held
            if lease is not None and lease.is_held:
                await _release(database, lease)
            await database.close()
            await database.wait_ended()
            self._lock.release()

    async def _prepare(self, spool: Spool) -> bool:
        """Take the lock and open the spool, however long it takes; say whether it was done."""
        while True:
            try:
                self._lock.take()
                spool.open()
            except HistoryError as error:
                self._standby.was_locked = True
                self._tell(str(error))
            else:
                return True
            if self._is_stopping.is_set():
                return False
            await asyncio.sleep(RETRY_S)

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            _log.error("history: not recorded", error=trouble)
        self._trouble = trouble

    async def _forget(self, database: Database) -> None:
        from lineside.history.retention import keep_forgetting

        await keep_forgetting(
            database,
            self._settings.retention,
            self._clock,
            self._started,
            lambda: self.recorder.first_key,
        )

    async def _keep_lock(self, writer: Writer) -> None:
        """Lock the folder again when its lock file was deleted; end the writer if another has."""
        while True:
            await asyncio.sleep(LOCK_LOOK_S)
            if self._lock.is_in_place():
                continue
            try:
                self._lock.take_again()
            except FolderTaken as error:
                self._tell(str(error))
                writer.stop()
                return
            except HistoryError:
                continue  # the folder is away; whoever comes back to it finds this lock
            _log.warning("history: the lock file was deleted; there is a new one")

    async def _give_up(self, lease: Lease, writer: Writer) -> None:
        """End the writer when another server has begun to record; what waits is spooled."""
        await lease.refused.wait()
        self._tell(lease.refusal)
        writer.stop()


def _forget_all(recorder: Recorder) -> None:
    while (batch := recorder.take(FORGOTTEN_AT_ONCE)) is not None and batch.records:
        pass


async def _release(database: Database, lease: Lease) -> None:
    """Let another server begin at once; if that cannot be told now, the lease runs out."""
    with contextlib.suppress(HistoryError, TimeoutError):
        async with asyncio.timeout(RELEASE_S), database.writing() as connection:
            await lease.release(connection)


async def _answer_in(loop: asyncio.AbstractEventLoop, answer: Coroutine[Any, Any, T]) -> T:
    """Await `answer` in the loop of another thread, which may end while it does.

    Raises:
        HistoryError: it has ended.
    """
    try:
        asked = asyncio.run_coroutine_threadsafe(answer, loop)
    except RuntimeError:  # it is closed
        answer.close()
        raise HistoryError(_RESTARTED) from None
    try:
        return await asyncio.wrap_future(asked)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise  # it is who asks that ends
        raise HistoryError(_RESTARTED) from None
