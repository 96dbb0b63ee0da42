"""Answers without a number are told apart by their length: which reads go out, and what is kept."""

from __future__ import annotations

import pytest

from lineside.config.schema import Family
from lineside.drivers.melsec.commands import Point, ReadRandom, ReadWords
from lineside.drivers.melsec.devices import devices_of
from lineside.drivers.melsec.lengths import Lengths, Room, padded
from lineside.drivers.melsec.simulator import MelsecSimulator

from .conftest import Drivers

DEVICES = devices_of(Family.Q)
D100 = Point(DEVICES["D"], 100)
M0 = Point(DEVICES["M"], 0)


def test_no_length_comes_again_before_all_others_were_used() -> None:
    lengths = Lengths()

    asked = [words + lengths.choose(words, 31) for _ in range(10) for words in (1, 1, 1)]

    assert asked == list(range(1, 31))


def test_more_is_asked_for_below_where_words_surely_are() -> None:
    wider = padded(ReadWords(head=D100, count=2), 3, below=100)

    assert wider.command == ReadWords(head=Point(DEVICES["D"], 97), count=5)
    assert wider.wanted((97, 98, 99, 100, 101)) == (100, 101)


def test_at_the_beginning_of_a_device_more_is_asked_for_above() -> None:
    wider = padded(ReadWords(head=M0, count=1), 2, below=0)

    assert wider.command == ReadWords(head=M0, count=3)
    assert wider.wanted((1, 2, 3)) == (1,)


def test_a_random_read_names_its_first_word_again() -> None:
    command = ReadRandom(words=(D100,), double_words=(M0,))

    wider = padded(command, 2, below=0)

    assert wider.command == ReadRandom(words=(D100, D100, D100), double_words=(M0,))
    assert wider.wanted((1, 1, 1, 2, 3)) == (1, 2, 3)


@pytest.mark.parametrize(
    ("holes", "below", "total"), [((), 100, 31), ((98,), 1, 31), ((98, 104), 1, 3)]
)
def test_a_refused_word_is_never_read_across(
    holes: tuple[int, ...], below: int, total: int
) -> None:
    room = Room.around(ReadWords(head=D100, count=2), 960, holes, is_fixed=False)

    assert (room.below, room.total) == (below, total)


async def test_where_a_device_ends_early_the_driver_asks_for_less(drivers: Drivers) -> None:
    """Every poll is answered whole, and what the PLC refuses is not asked for again and again."""
    async with MelsecSimulator() as plc:
        plc.refuse("TS64", 0x4031)  # only 64 timers are assigned
        driver = drivers.on(plc, ["TS0", "CS0"])
        await driver.open()
        counts = [(await driver.read()).request_count for _ in range(40)]

    assert counts.count(3) >= 38
