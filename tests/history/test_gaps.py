"""Records that are missing in the middle of a run: the time is unseen, never the last status."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import code
from history.asked import lanes_of
from history.told import T0_MS, a_batch, a_change, a_run
from lineside.core.model import Status
from lineside.history.database import Database
from lineside.history.gaps import Gap, piece_of, whole_pieces
from lineside.history.recorder import LATE_MAX_MS
from lineside.history.records import Batch, ChangeRecord
from lineside.history.store import Store

RUNNING, ERROR, IDLE = Status.RUNNING, Status.ERROR, Status.IDLE
MINUTE_MS = 60_000
END_MS = T0_MS + 20 * MINUTE_MS
RUN = a_run()


def minute(number: int, status: Status = RUNNING) -> Batch:
    """The change of one minute, as record `number` of the run, alive until the next."""
    at_ms = T0_MS + number * MINUTE_MS
    batch = a_batch(RUN, [a_change(number, at_ms, status)], alive_ms=at_ms + MINUTE_MS - 1)
    return replace(batch, last_seq=number)


def life(number: int, last_seq: int) -> Batch:
    """A sign of life in minute `number`, after `last_seq` records."""
    return Batch(run=RUN, alive_ms=T0_MS + number * MINUTE_MS, last_seq=last_seq)


async def spans(store: Store) -> list[tuple[float, float]]:
    """Return the runs, in minutes."""
    runs = await store.runs(0, END_MS)
    return sorted(
        ((run.started_ms - T0_MS) / MINUTE_MS, (run.end_ms - T0_MS) / MINUTE_MS) for run in runs
    )


async def statuses(store: Store) -> list[tuple[int, str | None]]:
    """Return what the machine did, minute by minute."""
    lanes = await lanes_of(store, [code(101)], T0_MS + MINUTE_MS, END_MS)
    found = []
    for number in range(1, 12):
        middle_ms = T0_MS + number * MINUTE_MS + MINUTE_MS // 2
        (interval,) = [e for e in lanes[code(101)] if e.begin_ms <= middle_ms < e.end_ms]
        found.append((number, interval.status))
    return found


SEEN = [(1, "running"), (2, "running"), (3, "idle"), (4, "running"), (5, "error")]
UNSEEN = [(number, None) for number in range(6, 12)]


async def test_without_gaps_a_run_is_one_and_all_of_it_is_seen(store: Store) -> None:
    for batch in whole_run():
        await store.write([batch])
    assert len(await store.runs(0, END_MS)) == 1
    assert await statuses(store) == [*SEEN, *UNSEEN]


def whole_run() -> list[Batch]:
    return [minute(1), minute(2), minute(3, IDLE), minute(4), minute(5, ERROR)]


@pytest.mark.parametrize("is_one_transaction", [True, False])
@pytest.mark.parametrize("missing", [1, 2, 3, 4, 5])
async def test_a_batch_that_is_missing_leaves_its_time_unseen(
    store: Store, missing: int, *, is_one_transaction: bool
) -> None:
    batches = [each for each in whole_run() if each.last_seq != missing]
    for some in [batches] if is_one_transaction else [[each] for each in batches]:
        await store.write(some)
    expected = [(n, None if n == missing else status) for n, status in SEEN]
    assert await statuses(store) == [*expected, *UNSEEN]


async def test_the_time_before_a_gap_ends_early_enough_for_a_late_record(store: Store) -> None:
    await store.write([minute(1)])
    await store.write([minute(3)])
    before_ms = T0_MS + 2 * MINUTE_MS - 1 - LATE_MAX_MS
    first, *_ = await store.runs(0, END_MS)
    assert first.end_ms == before_ms


async def test_a_sign_of_life_behind_a_gap_tells_nothing(store: Store) -> None:
    await store.write([minute(1), life(2, 1)])
    assert await spans(store) == [(0, 2)]
    await store.write([life(9, 2)])
    ((begin, end),) = await spans(store)
    assert (begin, end < 2) == (0, True)


async def test_records_that_could_not_be_made_end_the_run_before_them(database: Database) -> None:
    store = Store(database, alive=lambda: (RUN.key, T0_MS + 10 * MINUTE_MS))
    await store.write([replace(minute(1), last_seq=2, alive_ms=T0_MS + 3 * MINUTE_MS)])
    ((begin, end),) = await spans(store)
    assert (begin, end < 2) == (0, True)


async def test_the_run_that_goes_on_does_not_reach_over_a_gap(database: Database) -> None:
    store = Store(database, alive=lambda: (RUN.key, T0_MS + 10 * MINUTE_MS))
    await store.write([minute(1)])
    assert await spans(store) == [(0, 10)]
    await store.write([minute(3)])
    assert max(end for _, end in await spans(store)) < 4


async def test_a_gap_is_told_once(database: Database) -> None:
    gaps: list[Gap] = []
    store = Store(database, on_gap=gaps.append)
    for batch in (minute(1), minute(4), minute(5), minute(4), life(6, 5)):
        await store.write([batch])
    assert gaps == [Gap(run_key=RUN.key, first_seq=2, end_seq=4)]


async def test_storing_again_after_a_restart_changes_nothing(
    store: Store, database: Database, database_url: str
) -> None:
    batches = [minute(1), minute(3, IDLE), minute(4), life(5, 4)]
    for batch in batches:
        await store.write([batch])
    before = await spans(store), await statuses(store)
    await database.close()
    for begin in range(len(batches)):
        other = Database(database_url)
        again = Store(other)
        try:
            await again.write(batches[begin:])
            assert (await spans(again), await statuses(again)) == before
            assert len(await again.changes([code(101)], 0, END_MS)) == 3
        finally:
            await other.close()


async def test_what_was_missing_can_still_come(store: Store) -> None:
    batches = whole_run()
    await store.write([batches[0], *batches[2:]])
    await store.write([batches[1]])
    assert await statuses(store) == [*SEEN, *UNSEEN]


async def test_batches_that_do_not_tell_their_numbers_are_taken_as_whole(store: Store) -> None:
    """As an earlier version has left them in its spool."""
    for number in (1, 5):
        await store.write([replace(minute(number), last_seq=None)])
    assert len(await store.runs(0, END_MS)) == 1


def test_an_earlier_versions_batch_can_be_read_and_an_earlier_version_reads_these() -> None:
    encoded = msgspec.msgpack.encode(minute(1))
    fields = msgspec.msgpack.decode(encoded)
    assert len(fields) == 5
    earlier = msgspec.msgpack.decode(msgspec.msgpack.encode(fields[:4]), type=Batch)
    assert earlier == replace(minute(1), last_seq=None)


numbers = st.sets(st.integers(1, 12), min_size=1).map(sorted)


@given(seqs=numbers, unheard=st.integers(0, 2))
def test_pieces_hold_every_record_once_and_none_has_a_gap(
    seqs: Sequence[int], unheard: int
) -> None:
    records = [a_change(seq, T0_MS + seq) for seq in seqs]
    last_seq = seqs[-1] + unheard
    batch = replace(
        a_batch(RUN, records, alive_ms=T0_MS + 99, stopped_ms=T0_MS + 99), last_seq=last_seq
    )
    pieces = list(whole_pieces(batch))
    if unheard:
        assert (pieces[-1].records, pieces.pop().last_seq) == ((), last_seq)
    assert [record for piece in pieces for record in piece.records] == records
    for piece in pieces:
        found = [record.seq for record in piece.records]
        assert found == list(range(found[0], found[-1] + 1))
        assert piece.last_seq == found[-1]
    *earlier, last = pieces
    assert all(piece.alive_ms == piece.records[-1].at_ms for piece in earlier)
    assert all(piece.stopped_ms is None for piece in earlier)
    assert (last.stopped_ms is None) is (unheard > 0)
    for before, after in itertools.pairwise(pieces):
        assert after.records[0].seq > before.records[-1].seq + 1


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Batch], list[int]]:
    """Batches of one run of two machines, and which of them are missing."""
    batches, seq, now_ms = [], 0, T0_MS
    for _ in range(draw(st.integers(1, 8))):
        records = []
        for _ in range(draw(st.integers(0, 3))):
            seq += 1
            now_ms += draw(st.integers(0, 9_000))
            status = draw(st.sampled_from([RUNNING, ERROR, IDLE]))
            records.append(a_change(seq, now_ms, status, number=draw(st.integers(101, 102))))
        now_ms += draw(st.integers(0, 20_000))
        batches.append(replace(a_batch(RUN, records, alive_ms=now_ms), last_seq=seq))
    missing = draw(st.lists(st.integers(0, len(batches) - 1), unique=True, max_size=4))
    return batches, missing


@given(recording=recordings(), again=st.integers(0, 8))
@settings(max_examples=25, deadline=None)
async def test_whatever_is_missing_no_second_tells_what_was_not_so(
    recording: tuple[list[Batch], list[int]],
    again: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    batches, missing = recording
    kept = [each for index, each in enumerate(batches) if index not in missing]
    database = Database(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('gaps') / 'history.db'}")
    try:
        store = Store(database)
        for batch in kept:
            await store.write([batch])
        await store.write(kept[again:])  # storing some again changes nothing
        lanes = await lanes_of(store, [code(101), code(102)], T0_MS, END_MS)
    finally:
        await database.close()
    records = [record for batch in batches for record in batch.records]
    for machine, lane in lanes.items():
        for interval in lane:
            if interval.status is None:
                continue
            told = [
                each.status
                for each in records
                if isinstance(each, ChangeRecord)
                and each.equipment_code == machine
                and each.at_ms <= interval.begin_ms
            ]
            assert told[-1] == interval.status
            assert not [
                each
                for each in records
                if isinstance(each, ChangeRecord)
                and each.equipment_code == machine
                and interval.begin_ms < each.at_ms < interval.end_ms
                and each.status != interval.status
            ]


@given(cut=st.integers(1, 4))
def test_halves_of_a_batch_are_the_batch(cut: int) -> None:
    batch = replace(
        a_batch(RUN, [a_change(seq, T0_MS + seq) for seq in range(1, 6)], stopped_ms=T0_MS + 9),
        last_seq=5,
    )
    first, second = piece_of(batch, 0, cut), piece_of(batch, cut, 5)
    assert first.records + second.records == batch.records
    assert (first.last_seq, first.stopped_ms) == (cut, None)
    assert (second.last_seq, second.stopped_ms) == (5, T0_MS + 9)
