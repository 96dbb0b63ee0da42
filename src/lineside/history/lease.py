"""Says which one server records into a database that several can reach.

The row of the holder is renewed in the very transactions that write, and for a moment each of them
keeps it locked: who is not the holder any more writes nothing, whatever it believes. A lease that
is not renewed runs out by the database's own clock. It needs no connection of its own, so that
pools between servers and database do not matter. A file has a lock of the system: see `lock`.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import BigInteger, ColumnElement, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from lineside.core.errors import HistoryError
from lineside.core.ports import Clock
from lineside.history import schema
from lineside.history.records import LEASE_MS

_ONLY = 1
_recorder = schema.recorder


class AnotherRecords(HistoryError):
    """Another server records into the database. It is written to when that one ends."""


class Lease:
    """One server's claim to record into one database. One event loop owns it."""

    def __init__(
        self,
        folder: str,
        start: str,
        shown: str,
        label: str,
        clock: Clock,
        *,
        may_succeed: bool = True,
    ) -> None:
        """Claim nothing yet.

        Args:
            folder: one of a kind for each folder of a server, over restarts too.
            start: one of a kind for each start.
            shown: what to call this server in front of people.
            label: what to call the database in front of people.
            clock: says how long ago it was renewed.
            may_succeed: take over at once from whoever had the same folder before. Once the lease
                was held: who has that word and another start is alive, and has a copy of it.
        """
        self._folder = folder
        self._holder = f"{folder} {start}"
        self._may_succeed = may_succeed
        self._shown = shown
        self._label = label
        self._clock = clock
        self._claimed_s = 0.0  # both by the monotonic clock
        self._kept_s: float | None = None
        self._was_kept = False
        self.is_held = False
        self.was_held = False
        self.is_after_another = False  # one has recorded since this server did
        self.refused = asyncio.Event()  # another one has it
        self.refusal = ""  # why, for people

    async def hold(self, connection: AsyncConnection) -> None:
        """Take or renew the lease, within the transaction that writes.

        Raises:
            AnotherRecords: somebody else has it, or had it since this one did and has ended;
                nothing may be written, and this one has to begin anew.
        """
        self._claimed_s = self._clock().monotonic_s
        of_row = select(_recorder.c.holder, _recorder.c.shown).where(_recorder.c.id == _ONLY)
        before = (await connection.execute(of_row.with_for_update())).first()
        # An earlier start of this server may stand there in a database that was put back.
        was_another = before is not None and before.holder.partition(" ")[0] != self._folder
        now_ms = _now_ms()
        claim = {"holder": self._holder, "shown": self._shown, "until_ms": now_ms + LEASE_MS}
        query = (
            insert(_recorder)
            .values(id=_ONLY, **claim)
            .on_conflict_do_update(
                index_elements=[_recorder.c.id],
                set_=claim,
                where=or_(self._is_mine(), _recorder.c.until_ms < now_ms),
            )
            .returning(_recorder.c.id)
        )
        self.is_held = await connection.scalar(query) is not None
        if self.is_held and self._was_kept and was_another and before is not None:
            raise self._refusal(
                f"another Lineside ({before.shown}) has recorded into {self._label} meanwhile: "
                "this one begins anew"
            )
        if self.is_held:
            self.is_after_another = was_another and not self._may_succeed
            self.was_held = True
            self.refused.clear()
            return
        other = await connection.scalar(select(_recorder.c.shown).where(_recorder.c.id == _ONLY))
        raise self._refusal(
            f"another Lineside ({other}) records into {self._label}: this one records nothing and "
            "takes over when that one ends; give each plant a database of its own"
        )

    def _refusal(self, words: str) -> AnotherRecords:
        self.is_held, self._kept_s, self.refusal = False, None, words
        self.refused.set()
        return AnotherRecords(words)

    def confirm(self) -> None:
        """Take in that the transaction in which it was renewed is committed."""
        self._kept_s, self._was_kept = self._claimed_s, True

    @property
    def is_sure(self) -> bool:
        """Whether nobody else can have it yet, whatever the database says. For any thread.

        It is counted from before it was asked for, which is earlier than the database does.
        """
        kept_s = self._kept_s
        return kept_s is not None and self._clock().monotonic_s - kept_s < LEASE_MS / 1000

    def _is_mine(self) -> ColumnElement[bool]:
        holder = _recorder.c.holder
        if self._may_succeed and not self.was_held:
            return or_(holder == self._folder, holder.startswith(f"{self._folder} "))
        return holder == self._holder

    async def release(self, connection: AsyncConnection) -> None:
        """Let the next one have it at once."""
        mine = (_recorder.c.id == _ONLY) & (_recorder.c.holder == self._holder)
        await connection.execute(update(_recorder).where(mine).values(until_ms=0))
        self.is_held, self._kept_s = False, None


def _now_ms() -> ColumnElement[int]:
    return cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
