"""How few requests the limits of the MC protocol allow for a set of words: a lower bound.

Written without looking at how Lineside plans, to judge it. It goes through the words from the
lowest up, asks for single words only (a value of two words may be torn apart here, so that the
bound is never too high), and lets batch reads end where the planner lets them begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

_NEVER = 1 << 40


def fewest_requests(
    words_of: Mapping[str, Sequence[int]],
    words_max: int,
    points_max: int,
    batch_only: frozenset[str] = frozenset(),
) -> int:
    """Return how many requests it takes at least to read all words.

    Args:
        words_of: the words that are wanted of each device.
        words_max: how many words in a row one batch read (0401) takes, wanted or not.
        points_max: how many points one random read (0403) takes: single words, or two neighbours
            as one double word.
        batch_only: devices that random reads refuse.
    """
    left = {0: 0}  # batch reads -> the fewest points that they leave
    for device, wanted in words_of.items():
        words = sorted(set(wanted))
        points = points_left(words, words_max)
        if device in batch_only:
            points = [0 if each == 0 else _NEVER for each in points]
        sums: dict[int, int] = {}
        for (before, rest), (more, also) in product(left.items(), enumerate(points)):
            count = before + more
            sums[count] = min(sums.get(count, _NEVER), rest + also)
        left = sums
    return min(count + -(-points // points_max) for count, points in left.items())


def points_left(words: Sequence[int], words_max: int) -> list[int]:
    """Return how few points are left of `words` by 0, 1, 2 ... batch reads, until none are."""
    count = len(words)
    lowest = []  # for each word, the first one that a batch read ending with it covers
    begin = 0
    for word in words:
        while words[begin] <= word - words_max:
            begin += 1
        lowest.append(begin)
    fewest: list[int] = []
    before: list[int] = []  # the fewest points of the first i words, with one batch read less
    while not fewest or fewest[-1]:
        full, half = [0], [_NEVER]  # is the last point a double word's first half?
        for i in range(count):
            any_way = min(full[i], half[i])
            is_neighbour = i > 0 and words[i] == words[i - 1] + 1
            joined = half[i] if is_neighbour else _NEVER
            batched = before[lowest[i]] if before else _NEVER
            full.append(min(joined, batched))
            half.append(any_way + 1)
        before = [min(pair) for pair in zip(full, half, strict=True)]
        fewest.append(before[-1])
    return fewest
