"""Waits while another server records, and says how to begin when that one has ended.

What is heard meanwhile is recorded by the other one. So it is forgotten here, and the recording
begins anew with the board as it is then and the alarms as the other one left them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog

from lineside.core.errors import HistoryError
from lineside.core.model import SiteChange, Snapshot, StateChange
from lineside.core.ports import BusMessage

if TYPE_CHECKING:  # they load the database libraries
    from lineside.history.database import Database
    from lineside.history.lease import Lease

ANEW_CHECK_S = 0.02

_log = structlog.get_logger("lineside.history")


class Standby:
    """How one server stands to another. All but `wants_anew` belongs to the history's thread.

    `is_waiting`: another one records into the database. `wants_anew`: it has ended, and the bus's
    thread is to begin anew with the next tick. `was_locked`: the folder was another one's.
    """

    def __init__(self, is_stopping: threading.Event, started_ms: int) -> None:
        self._is_stopping = is_stopping
        self._started_ms = started_ms
        self.is_waiting = False
        self.wants_anew = False
        self.was_locked = False

    async def take_lease(
        self,
        database: Database,
        lease: Lease,
        forget: Callable[[], None],
        tell: Callable[[str], None],
        retry_s: float,
    ) -> bool:
        """Wait while another server records; say whether this one may go on.

        Args:
            database: what to record into.
            lease: this server's claim to it.
            forget: forgets what was heard.
            tell: told why nothing is recorded.
            retry_s: how often to look.
        """
        from lineside.history.lease import AnotherRecords

        while not self._is_stopping.is_set():
            try:
                async with database.writing() as connection:
                    await lease.hold(connection)
                lease.confirm()
                break
            except AnotherRecords as error:
                self.is_waiting = True
                tell(str(error))
            except HistoryError as error:
                if not self.is_waiting:
                    return True  # the writer spools until it knows more
                tell(str(error))
            forget()
            await asyncio.sleep(retry_s)
        is_first = not self.is_waiting and not lease.is_after_another
        return is_first or await self._has_begun_anew()

    async def has_folder(self, database: Database) -> bool:
        """Begin anew if whoever had the folder recorded the present; say whether to go on.

        Others than servers have it too, who do not.
        """
        from lineside.history.retention import is_recorded_after

        if not self.was_locked:
            return True
        self.was_locked = False
        try:
            is_recorded = await is_recorded_after(database, self._started_ms)
        except HistoryError:  # the writer says what is wrong
            return True
        return not is_recorded or await self._has_begun_anew()

    async def _has_begun_anew(self) -> bool:
        """Let the bus's thread begin anew with the next tick; False: it is being stopped."""
        self.wants_anew = True
        while self.wants_anew and not self._is_stopping.is_set():  # noqa: ASYNC110 -- a thread's
            await asyncio.sleep(ANEW_CHECK_S)
        if self._is_stopping.is_set():
            self.wants_anew = False
            return False
        _log.info("history: takes over the recording")
        self.is_waiting = False
        return True


def as_if_heard_now(site: SiteChange | None, snapshot: Snapshot) -> list[BusMessage]:
    """Return what a server hears that begins with `snapshot`: the plant and each machine's status.

    Args:
        site: the plant as it was heard last; None: it was not.
        snapshot: how it stands.
    """
    at_s = snapshot.at.unix_s
    heard: list[BusMessage] = []
    if site is not None:
        heard.append(msgspec.structs.replace(site, at_s=at_s))
    heard += [
        StateChange(
            line_id=line.id,
            equipment_code=state.code,
            at_s=at_s,
            previous=None,
            status=state.status,
            reason=state.reason,
            tags=state.tags,
        )
        for line in snapshot.lines
        for state in line.equipment
    ]
    return heard
