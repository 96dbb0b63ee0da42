"""Tags as they lie in the memory of PLCs: one after the other, in areas, in clusters, anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random

from lineside.config.schema import Family
from lineside.drivers.melsec.devices import devices_of

# As many as a Q CPU has by default, and an FX5U; of B and W there what plants assign.
_POINTS = {"D": 12_288, "W": 8_192, "M": 8_192, "X": 8_192, "B": 8_192}
_POINTS_IQ_F = {"D": 8_000, "W": 512, "M": 7_680, "X": 1_024, "B": 256}
_DEVICES = "DDDDDDDDWWWWWMMMMMXB"  # words are wanted more often than bits

SHAPES = {
    "dense": "one after the other",
    "areas": "in twelve areas, about a third of each",
    "clusters": "in clusters of up to ten",
    "anywhere": "evenly over the whole memory",
}
_AREAS = 12
_CLUSTER = 10


def scattered(shape: str, size: int, random: Random, family: Family = Family.Q) -> list[str]:
    """Return addresses of so many tags, all different.

    Args:
        shape: one of `SHAPES`.
        size: how many.
        random: where chance comes from; the same gives the same.
        family: what devices there are, and how they are numbered.
    """
    points = _POINTS_IQ_F if family is Family.IQ_F else _POINTS
    devices = devices_of(family)
    chosen: dict[str, None] = {}
    for device, number in _places(shape, size, random):
        if number < points[device]:
            chosen[device + devices[device].number_text(number)] = None
        if len(chosen) == size:
            break
    return list(chosen)


def _places(shape: str, size: int, random: Random) -> Iterator[tuple[str, int]]:
    """Yield devices and numbers in them without end; some are beyond the end, some come twice."""
    if shape == "dense":
        for number in count():
            for device in _POINTS:
                yield device, number
    largest = max(_POINTS.values())
    length = {"areas": 3 * size // _AREAS, "clusters": _CLUSTER, "anywhere": 1}[shape]
    heads = [_head(random) for _ in range(_AREAS)]
    while True:
        if shape == "areas":
            device, head = random.choice(heads)
            yield device, (head + random.randrange(length)) % largest
        else:
            device, head = _head(random)
            for number in range(head, head + random.randint(1, length)):
                yield device, number


def _head(random: Random) -> tuple[str, int]:
    device = random.choice(_DEVICES)
    return device, random.randrange(_POINTS[device])
