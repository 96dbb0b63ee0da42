from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from lineside.pauses import PauseWatch


@pytest.fixture(autouse=True)
def _unfreeze() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_every_collection_is_counted_and_the_longest_is_kept() -> None:
    with PauseWatch() as watch:
        assert watch.count == 0  # the first collection belongs to the start
        gc.collect()
        first_s = watch.longest_s
        assert first_s > 0.0
        circles: list[list[object]] = [[] for _ in range(100_000)]
        for circle in circles:
            circle.append(circle)
        del circle, circles
        gc.collect()
        assert watch.count >= 2
        assert watch.total_s >= watch.longest_s >= first_s


def test_what_lives_at_the_start_is_out_of_the_collectors_sight() -> None:
    kept: list[list[object]] = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    with PauseWatch():
        assert gc.get_freeze_count() >= before + len(kept)


def test_nothing_is_counted_after_the_end() -> None:
    with PauseWatch() as watch:
        pass
    gc.collect()
    assert watch.count == 0
