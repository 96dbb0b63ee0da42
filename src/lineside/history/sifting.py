"""Which records of a batch the database does not take, found by halving it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from lineside.core.errors import HistoryError, RecordsRefused
from lineside.history.gaps import halves_of
from lineside.history.records import Batch

Put: TypeAlias = Callable[[Batch], Awaitable[Exception | None]]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One record, as a batch of its own, and why it cannot be stored."""

    batch: Batch
    why: str


def is_refusal(error: Exception | None) -> bool:
    """Whether `error` may be about the records rather than about the database."""
    return isinstance(error, RecordsRefused) or (
        error is not None and not isinstance(error, HistoryError)
    )


async def sift(batch: Batch, put: Put) -> list[Refused]:
    """Store all of `batch` that can be stored; return the rest.

    Args:
        batch: is refused as a whole.
        put: stores a batch; returns what went wrong.

    Raises:
        HistoryError: the database takes nothing at all now. What is stored may be stored again.
    """
    refused: list[Refused] = []
    waiting = [batch]
    while waiting:
        piece = waiting.pop()
        error = await put(piece)
        if error is None:
            continue
        if not is_refusal(error):
            raise error
        if len(piece.records) > 1:
            waiting += reversed(halves_of(piece))
            continue
        await _assert_answers(piece, put)
        # Whatever it was may be over by now: then it was not about this record.
        error = await put(piece)
        if error is not None and not is_refusal(error):
            raise error
        if error is not None and piece.records:
            refused.append(Refused(batch=piece, why=f"{type(error).__name__}: {error}"))
    if refused:
        await _mark(refused[-1].batch, put)
    return refused


async def _assert_answers(piece: Batch, put: Put) -> None:
    """Raise HistoryError unless a batch without records is stored."""
    nothing = Batch(run=piece.run, alive_ms=piece.run.started_ms, last_seq=0)
    error = await put(nothing)
    if error is not None:
        raise error if isinstance(error, HistoryError) else HistoryError(str(error)) from error


async def _mark(piece: Batch, put: Put) -> None:
    """Let the store find now that `piece` is missing, not when something comes behind it."""
    if piece.last_seq is None:
        return
    last = Batch(run=piece.run, alive_ms=piece.run.started_ms, last_seq=piece.records[-1].seq)
    error = await put(last)
    if error is not None:
        raise error if isinstance(error, HistoryError) else HistoryError(str(error)) from error
