"""Which seeds the test run plays; each file of seeds is one worker's share.

`make simulate-seeds` plays many more.
"""

from __future__ import annotations

# Every broken part that `test_mutants.py` puts in is found in the first 40.
SEED_COUNT = 120
FILE_COUNT = 2
SEEDS_PER_TEST = 12

# The last seeds are those of which `test_simulation.py` counts what they have met.
COUNTED_SEEDS = range(96, SEED_COUNT)

# The fewest that have every kind of fault and of PLC in them, two of them over two hours long.
TRUE_TICK_SEEDS = (0, 1, 3, 9, 10, 11, 12, 13, 17, 20, 22, 25)


def share_of(file_number: int) -> list[range]:
    """Return the seeds of one file, from 1 to `FILE_COUNT`, a few to a test."""
    per_file = COUNTED_SEEDS.start // FILE_COUNT
    first = (file_number - 1) * per_file
    return [
        range(start, start + SEEDS_PER_TEST)
        for start in range(first, first + per_file, SEEDS_PER_TEST)
    ]
