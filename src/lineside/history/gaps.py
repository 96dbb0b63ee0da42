"""Gaps in the numbers of a run's records, and batches without them. Pure.

Where numbers are missing, what happened there is not known: the run ends before the gap, and what
comes behind it is a run of its own, which watches each machine from its first change on. So the
time between is unseen, and stays so when batches are stored again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from lineside.history.records import Batch, Run, RunCause

_KEY_BITS = 20  # of a run's key, beside the time


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Records `first_seq` up to, not including, `end_seq` of a run are missing."""

    run_key: int
    first_seq: int
    end_seq: int


def whole_pieces(batch: Batch) -> Iterator[Batch]:
    """Yield `batch` in pieces in which no number is missing, nearly always as it is."""
    if batch.last_seq is None or not batch.records:
        yield batch
        return
    records, begin = batch.records, 0
    for index in range(1, len(records)):
        if records[index].seq != records[index - 1].seq + 1:
            yield piece_of(batch, begin, index)
            begin = index
    yield piece_of(batch, begin, len(records))
    if records[-1].seq < batch.last_seq:  # what is missing is at the end
        yield Batch(run=batch.run, alive_ms=batch.run.started_ms, last_seq=batch.last_seq)


def piece_of(batch: Batch, begin: int, end: int) -> Batch:
    """Return the records [begin, end) of `batch` as a batch, which says no more than they do."""
    records = batch.records[begin:end]
    if end == len(batch.records) and batch.last_seq in (None, records[-1].seq):
        return msgspec.structs.replace(batch, records=records)
    return Batch(
        run=batch.run,
        alive_ms=max(record.at_ms for record in records),
        records=records,
        last_seq=None if batch.last_seq is None else records[-1].seq,
    )


def behind_gap(piece: Batch) -> Run:
    """Return the run that begins with `piece`; the same each time it is stored."""
    run, first = piece.run, piece.records[0]
    digest = hashlib.blake2b(f"{run.key} {first.seq}".encode(), digest_size=8).digest()
    low_bits = int.from_bytes(digest, "big") & ((1 << _KEY_BITS) - 1)
    return Run(
        key=(first.at_ms << _KEY_BITS) | low_bits,
        started_ms=first.at_ms,
        cause=RunCause.LOST,
        version=run.version,
    )


def halves_of(batch: Batch) -> list[Batch]:
    """Return `batch`, of two records at least, as two."""
    middle = len(batch.records) // 2
    return [piece_of(batch, 0, middle), piece_of(batch, middle, len(batch.records))]


def chunks_of(batches: Sequence[Batch], records_max: int) -> list[Sequence[Batch]]:
    """Return `batches` as they are, or a single one in chunks of `records_max` records."""
    count = len(batches[0].records)
    if len(batches) > 1 or count <= records_max:
        return [batches]
    return [
        [piece_of(batches[0], begin, min(begin + records_max, count))]
        for begin in range(0, count, records_max)
    ]
