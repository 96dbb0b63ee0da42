"""Answers what people do to alarms once it is kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from lineside.core.alarm import Alarm, AlarmEvent
from lineside.core.errors import HistoryError
from lineside.history.alarm_book import AlarmBook
from lineside.history.records import AlarmRecord, Batch

ACTION_S = 5.0  # for what a person did to be stored or spooled


class Acting:
    """What is done and not kept yet, and who waits for it."""

    def __init__(self) -> None:
        self._awaited: dict[tuple[int, int], asyncio.Future[None]] = {}

    async def act(
        self, book: AlarmBook, alarm: Alarm, event: AlarmEvent, trouble: Callable[[], str]
    ) -> Alarm:
        """Let a person do something to `alarm`; return what comes of it once that is kept.

        Args:
            book: where the alarm is.
            alarm: as it stands there.
            event: what is done.
            trouble: says what is wrong with the history, in English.

        Raises:
            AlarmRefused: that cannot be done to it; nothing was done.
            HistoryError: it is not known to be kept, with the reason in plain words.
        """
        key = (alarm.id, alarm.revision + 1)
        loop = asyncio.get_running_loop()
        kept = self._awaited[key] = loop.create_future()
        try:
            after = book.act(alarm, event)
            async with asyncio.timeout(ACTION_S):
                await kept
        except TimeoutError:
            reason = trouble() or "the disk is slow"
            raise HistoryError(
                f"it is done, but neither the database nor the spool has taken it yet ({reason}), "
                "and it would be lost if the server stopped now"
            ) from None
        finally:
            self._awaited.pop(key, None)
        return after

    def on_kept(self, batch: Batch) -> None:
        """Tell whoever waits for it. In the history's thread."""
        for record in batch.records:
            if isinstance(record, AlarmRecord):
                kept = self._awaited.get((record.alarm.id, record.alarm.revision))
                if kept is not None:
                    with contextlib.suppress(RuntimeError):  # the server is over
                        kept.get_loop().call_soon_threadsafe(_settle, kept)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
