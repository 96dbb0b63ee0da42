"""The history's door: a recorder for the bus, and a thread of its own for all that may wait.

The thread has its own event loop. Databases, disks and the libraries that speak to them may stop
there for as long as they like: the event loop of the board only puts messages into a queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import structlog

from lineside.core.errors import HistoryError
from lineside.core.ports import Clock
from lineside.history.lock import FolderLock
from lineside.history.recorder import Recorder
from lineside.history.records import HistoryHealth
from lineside.history.settings import HistorySettings
from lineside.history.spool import Spool
from lineside.history.writer import ALIVE_S, BATCH_WAIT_S, Writer

if TYPE_CHECKING:  # they load the database libraries, which is the thread's business
    from lineside.history.database import Database
    from lineside.history.store import Store

T = TypeVar("T")

STOP_S = 3.0  # for what is in the queue to be stored or spooled
QUESTION_S = 15.0
QUESTIONS_MAX = 4  # at one time
RETRY_S = 2.0
FORGET_FIRST_S = 60.0
FORGET_EVERY_S = 3600.0

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
        """Prepare; `recorder.on_message` may hear the bus from now on.

        Args:
            settings: where the history lies.
            clock: says how far behind it is.
            version: of Lineside, kept with what is recorded.
            alive_s: how often a sign of life is stored when nothing happens.
            batch_wait_s: how long to wait for more before a batch is written.
        """
        self._settings = settings
        self._clock = clock
        self._alive_s = alive_s
        self._batch_wait_s = batch_wait_s
        self.recorder = Recorder(version, self._wake)
        self._thread = threading.Thread(target=self._work, name="history", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: Writer | None = None
        self._store: Store | None = None
        self._asking = asyncio.Semaphore(QUESTIONS_MAX)
        self._is_stopping = threading.Event()
        self._trouble = ""
        self._lock = FolderLock(settings.lock_file)

    def start(self) -> None:
        """Begin to write what is in the queue."""
        self._thread.start()

    def stop(self) -> None:
        """End the recording now; `wait_stopped` says when all of it is kept. Does not wait."""
        if self._is_stopping.is_set():
            return
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
        return not self.recorder

    def health(self) -> HistoryHealth:
        """Return how the history fares."""
        if self._writer is not None:
            return self._writer.health()
        return HistoryHealth(
            database=str(self._settings.file or ""),
            queued=len(self.recorder),
            lost=self.recorder.lost_count,
            error=self._trouble,
        )

    @property
    def acknowledged(self) -> tuple[int, int] | None:
        """The key of a run and the number of its newest record that no crash can take away."""
        return self._writer.acknowledged if self._writer is not None else None

    async def ask(self, question: Callable[[Store], Awaitable[T]]) -> T:
        """Return the answer to `question`, which is put to the store in the history's thread.

        Raises:
            HistoryError: there is no answer now, with the reason in plain words.
        """
        loop, store = self._loop, self._store
        if loop is None or store is None:
            raise HistoryError(self._trouble or "the history is still being opened")

        async def put() -> T:
            return await question(store)

        async with self._asking:
            asked = asyncio.run_coroutine_threadsafe(put(), loop)
            try:
                async with asyncio.timeout(QUESTION_S):
                    return await asyncio.wrap_future(asked)
            except TimeoutError:
                raise HistoryError("the database did not answer in time") from None

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
        while True:
            try:
                with asyncio.Runner() as runner:
                    runner.run(self._record())
            except Exception as error:  # noqa: BLE001 -- no fault of ours here may end recording
                _log.exception("history: stopped by a fault, is started again")
                self._trouble = f"a fault of Lineside's own: {type(error).__name__}"
                self._loop = self._writer = self._store = None
                if not self._is_stopping.wait(RETRY_S):
                    continue
            return

    async def _record(self) -> None:
        """Run until stopped."""
        from lineside.history.database import Database
        from lineside.history.store import Store

        self._loop = asyncio.get_running_loop()
        spool = Spool(self._settings.spool_folder)
        if not await self._prepare(spool):
            return
        database = Database(self._settings.database_url)
        store = Store(database, alive=lambda: writer.alive)
        writer = Writer(
            self.recorder,
            store,
            spool,
            self._clock,
            database=database.label,
            replaced_count=lambda: database.replaced_count,
            alive_s=self._alive_s,
            batch_wait_s=self._batch_wait_s,
        )
        self._writer, self._store, self._trouble = writer, store, ""
        if self._is_stopping.is_set():
            writer.stop()
        forgetting = asyncio.create_task(self._forget(database), name="history retention")
        try:
            await writer.run()
        finally:
            forgetting.cancel()
            await asyncio.wait([forgetting])
            spool.close()
            await database.close()
            self._lock.release()

    async def _prepare(self, spool: Spool) -> bool:
        """Take the lock and open the spool, however long it takes; say whether it was done."""
        while True:
            try:
                self._lock.take()
                spool.open()
            except HistoryError as error:
                if str(error) != self._trouble:
                    _log.error("history: not recorded", error=str(error))
                self._trouble = str(error)
            else:
                return True
            if self._is_stopping.is_set():
                return False
            await asyncio.sleep(RETRY_S)

    async def _forget(self, database: Database) -> None:
        from lineside.history.retention import forget

        await asyncio.sleep(FORGET_FIRST_S)
        while True:
            try:
                count = await forget(database, self._settings.retention, self._clock().unix_s)
            except HistoryError as error:
                _log.warning("history: old records stay for now", error=str(error))
            except Exception:  # noqa: BLE001 -- recording goes on whatever happens here
                _log.exception("history: old records stay for now")
            else:
                if count:
                    _log.info("history: old records deleted", rows=count)
            await asyncio.sleep(FORGET_EVERY_S)
