"""Which seeds the test run plays; each file of seeds is one worker's share."""

from __future__ import annotations

# Every broken part that `test_mutants.py` puts in is found in the first 40; `make simulate-seeds`
# plays many more.
SEED_COUNT = 240
FILE_COUNT = 4
SEEDS_PER_TEST = 10

TRUE_TICK_SEED_COUNT = 24
TRUE_TICK_FILE_COUNT = 2


def share_of(file_number: int) -> list[range]:
    """Return the seeds of one file, from 1 to `FILE_COUNT`, a few to a test."""
    per_file = SEED_COUNT // FILE_COUNT
    first = (file_number - 1) * per_file
    return [
        range(start, start + SEEDS_PER_TEST)
        for start in range(first, first + per_file, SEEDS_PER_TEST)
    ]


def true_tick_share_of(file_number: int) -> range:
    """Return the seeds that one file plays at the true tick, from 1 to `TRUE_TICK_FILE_COUNT`."""
    per_file = TRUE_TICK_SEED_COUNT // TRUE_TICK_FILE_COUNT
    return range((file_number - 1) * per_file, file_number * per_file)
