"""A record is set aside only when the database takes others and not it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from history.told import T0_MS, a_batch, a_change, a_run
from lineside.core.errors import HistoryError
from lineside.history.records import Batch
from lineside.history.sifting import sift

BATCH = a_batch(a_run(), [a_change(number, T0_MS + number) for number in range(1, 5)])


class Taker:
    """Takes what it is given, but for its first `faults` batches and for `poison` records."""

    def __init__(self, *, faults: int = 0, poison: frozenset[int] = frozenset()) -> None:
        self.faults = faults
        self.poison = poison
        self.taken: set[int] = set()

    async def put(self, batch: Batch) -> Exception | None:
        if self.faults > 0:
            self.faults -= 1
            return KeyError("of Lineside's own")
        numbers = {record.seq for record in batch.records}
        if numbers & self.poison:
            return KeyError("a record")
        self.taken |= numbers
        return None


@pytest.mark.parametrize("faults", range(1, 13))
async def test_a_fault_that_ends_meanwhile_costs_no_record(faults: int) -> None:
    taker = Taker(faults=faults)
    refused = None
    while refused is None:
        with suppress(HistoryError):  # it is tried again, as the writer does
            refused = await sift(BATCH, taker.put)
    assert refused == []
    assert taker.taken == {1, 2, 3, 4}


async def test_what_is_never_taken_is_returned_with_the_reason_and_the_rest_is_taken() -> None:
    taker = Taker(poison=frozenset({2, 3}))
    refused = await sift(BATCH, taker.put)
    assert [record.seq for each in refused for record in each.batch.records] == [2, 3]
    assert [each.why for each in refused] == ["KeyError: 'a record'"] * 2
    assert taker.taken == {1, 4}
