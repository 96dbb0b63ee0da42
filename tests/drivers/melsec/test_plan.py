"""The reading plan: covers every tag, splits no value, keeps every limit, asks little."""

from __future__ import annotations

import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from lineside.config.schema import Family
from lineside.core.model import Scalar
from lineside.drivers.melsec.address import TagAddress, ValueType, parse_address
from lineside.drivers.melsec.commands import Point, ReadRandom, ReadWords
from lineside.drivers.melsec.devices import devices_of, limits_of
from lineside.drivers.melsec.frame import Coding
from lineside.drivers.melsec.plan import Options, PlannedRead, plan_reads, shortest_period_s


def reads_of(
    *texts: str,
    family: Family = Family.Q,
    coding: Coding = Coding.BINARY,
    options: Options | None = None,
) -> tuple[PlannedRead, ...]:
    tags = [parse_address(text, family, coding) for text in texts]
    return plan_reads(tags, family, coding, options)


def summaries(reads: tuple[PlannedRead, ...]) -> list[str]:
    return [read.describe().summary for read in reads]


@st.composite
def any_tags(draw: st.DrawFn) -> tuple[Family, Coding, list[TagAddress], Options]:
    family, coding = draw(st.sampled_from(Family)), draw(st.sampled_from(Coding))
    names = draw(st.lists(st.sampled_from(sorted(devices_of(family))), min_size=1, max_size=4))
    tags = []
    for _ in range(draw(st.integers(1, 60))):
        device = devices_of(family)[draw(st.sampled_from(names))]
        end = 1024 if device.radix == 8 else draw(st.sampled_from([100, 5_000, 90_000]))
        point = Point(device, draw(st.integers(0, end - 1)))
        kind = ValueType.BIT if device.is_bit else draw(st.sampled_from(ValueType))
        bit = draw(st.integers(0, 15)) if kind is ValueType.BIT and not device.is_bit else None
        tags.append(TagAddress(point=point, value_type=kind, bit=bit))
    options = Options(
        allows_random=draw(st.booleans()),
        allows_double_words=draw(st.booleans()),
        gap_words=draw(st.sampled_from([0, 64, None])),
    )
    return family, coding, tags, options


def word_at(device: str, word: int) -> int:
    """Return what every word of the imagined PLC holds: a different number for each."""
    return zlib.crc32(f"{device} {word}".encode()) & 0xFFFF


def value_in_memory(tag: TagAddress) -> Scalar:
    words = [word_at(tag.device.name, tag.first_word + i) for i in range(2)]
    packed = struct.pack("<HH", *words)
    if tag.value_type is ValueType.BIT:
        position = tag.point.number % 16 if tag.device.is_bit else tag.bit or 0
        return words[0] >> position & 1
    form = {"I16": "<h", "U16": "<H", "I32": "<i", "U32": "<I", "F32": "<f"}[tag.value_type]
    value: Scalar = struct.unpack_from(form, packed)[0]
    return value


def response_to(read: PlannedRead) -> list[int]:
    if isinstance(read.command, ReadRandom):
        points = tuple(
            Point(point.device, point.number + i * (16 if point.device.is_bit else 1))
            for width, each in enumerate((read.command.words, read.command.double_words), start=1)
            for point in each
            for i in range(width)
        )
    else:
        head, count = read.command.head, read.command.count
        step = 16 if head.device.is_bit else 1
        points = tuple(Point(head.device, head.number + i * step) for i in range(count))
    return [
        word_at(point.device.name, point.number // (16 if point.device.is_bit else 1))
        for point in points
    ]


@given(any_tags())
def test_every_tag_is_read_once_and_its_value_is_what_the_memory_holds(
    given_tags: tuple[Family, Coding, list[TagAddress], Options],
) -> None:
    family, coding, tags, options = given_tags

    reads = plan_reads(tags, family, coding, options)

    picked = [pick.tag for read in reads for pick in read.picks]
    assert len(picked) == len(set(picked))
    assert set(picked) == set(tags)
    for read in reads:
        for pick, value in zip(read.picks, read.decode(response_to(read)), strict=True):
            assert repr(value) == repr(value_in_memory(pick.tag))


@given(any_tags())
def test_no_request_exceeds_what_the_family_takes(
    given_tags: tuple[Family, Coding, list[TagAddress], Options],
) -> None:
    family, coding, tags, options = given_tags
    limits = limits_of(family, coding)

    for read in plan_reads(tags, family, coding, options):
        if isinstance(read.command, ReadWords):
            assert 0 < read.command.count <= limits.words
            head = read.command.head
            assert not head.device.is_bit or head.number % 16 == 0
        else:
            assert options.allows_random
            points = (*read.command.words, *read.command.double_words)
            assert 0 < len(points) <= limits.random_points
            assert all(point.device.is_in_random for point in points)
            assert len(set(points)) == len(points)
            assert options.allows_double_words or not read.command.double_words


@given(any_tags())
def test_the_order_of_the_config_does_not_change_the_plan(
    given_tags: tuple[Family, Coding, list[TagAddress], Options],
) -> None:
    family, coding, tags, options = given_tags

    assert plan_reads(tags, family, coding, options) == plan_reads(
        tags[::-1], family, coding, options
    )


def test_bits_are_read_as_the_aligned_words_they_lie_in() -> None:
    assert summaries(reads_of("M100", "M200")) == ["0401 batch read words M96..M207"]


def test_scattered_single_words_share_one_random_read() -> None:
    reads = reads_of("M100", "M5000", "D0", "W0A", "SD203")

    assert summaries(reads) == ["0403 random read D0, M96, M4992, SD203, W0A"]


def test_contacts_stay_out_of_the_random_read() -> None:
    reads = reads_of("TS5", "D0", "M0")

    assert summaries(reads) == ["0401 batch read words TS0..TS15", "0403 random read D0, M0"]


def test_a_gap_is_read_across_as_far_as_one_request_reaches() -> None:
    only_batch = Options(allows_random=False)

    assert len(reads_of("D0", "D959", options=only_batch)) == 1
    assert len(reads_of("D0", "D960", options=only_batch)) == 2


def test_a_gap_wider_than_the_plc_takes_is_not_read_across() -> None:
    only_batch = Options(allows_random=False, gap_words=64)

    assert len(reads_of("D0", "D65", options=only_batch)) == 1
    assert len(reads_of("D0", "D66", options=only_batch)) == 2


def test_neighbours_share_a_point_of_a_random_read_where_that_saves_a_request() -> None:
    pairs = [f"D{10_000 * n + i}" for n in range(1, 150) for i in range(2)]

    (read,) = reads_of(*pairs)

    assert isinstance(read.command, ReadRandom)
    assert len(read.command.double_words) == 149
    assert read.describe().summary.startswith("0403 random read D10000..D10001, D20000..D20001")
    assert len(reads_of(*pairs, options=Options(allows_double_words=False))) == 2


def test_a_word_that_the_plc_refuses_is_not_read_across() -> None:
    options = Options(allows_random=False, holes=frozenset({("D", 5)}))

    assert summaries(reads_of("D0", "D4", "D6", "D9", options=options)) == [
        "0401 batch read words D0..D4",
        "0401 batch read words D6..D9",
    ]


def test_a_value_of_two_words_at_the_limit_begins_a_new_request() -> None:
    texts = [f"D{n}" for n in range(0, 959, 50)] + ["D959:I32"]

    reads = reads_of(*texts, options=Options(allows_random=False))

    assert summaries(reads) == [
        "0401 batch read words D0..D950",
        "0401 batch read words D959..D960",
    ]


def test_the_17_machines_of_a_line_take_one_request() -> None:
    texts = [f"M{100 + n}" for n in range(17)] + [f"M{200 + n}" for n in range(17)]

    assert len(reads_of(*texts, "D0", "SD203")) == 1


def test_ascii_inputs_of_iq_f_are_read_from_0_which_is_the_same_in_octal_and_hexadecimal() -> None:
    reads = reads_of("X100", "Y7", "D0", family=Family.IQ_F, coding=Coding.ASCII)

    heads = {str(read.command.head) for read in reads if isinstance(read.command, ReadWords)}
    assert {"X0", "Y0"} <= heads
    assert all(
        point.device.name == "D"
        for read in reads
        if isinstance(read.command, ReadRandom)
        for point in read.command.words
    )


def test_the_shortest_period_grows_with_the_requests() -> None:
    one, two = reads_of("M0"), reads_of("M0", "TS0")

    assert shortest_period_s(Family.Q, one) == 0.05
    assert shortest_period_s(Family.Q, two) == 0.1
    assert shortest_period_s(Family.IQ_F, two) < 0.05
