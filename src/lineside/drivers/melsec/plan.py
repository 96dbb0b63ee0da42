"""The reading plan: the fewest requests that read every tag of one PLC, and how to decode them.

Pure. Bit tags are read as the aligned words they lie in. Words of one device share a 0401, gaps
included, or any words share a 0403, whichever takes fewer requests in all: `cover.py` decides. A
value of two words is never split.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter

import msgspec

from lineside.config.schema import Family
from lineside.core.model import PlannedRequest, Scalar
from lineside.drivers.melsec.address import TagAddress, ValueType
from lineside.drivers.melsec.commands import Point, ReadRandom, ReadWords
from lineside.drivers.melsec.cover import Cover, fewest_requests, outermost
from lineside.drivers.melsec.devices import Device, limits_of
from lineside.drivers.melsec.frame import Coding
from lineside.drivers.melsec.leftover import Window
from lineside.drivers.melsec.loose import Strip

# The slowest answer to expect of a PLC that is well: iQ-F 4.7 ms at p99 and 2.3 ms more for 960
# words [F]; Q and L 10 to 50 ms, iQ-R 10 ms [M].
_ANSWER_S: Mapping[Family, float] = {
    Family.Q: 0.05,
    Family.L: 0.05,
    Family.IQ_R: 0.01,
    Family.IQ_F: 0.007,
}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What this one PLC was found to take; the driver narrows it when the PLC refuses."""

    allows_random: bool = True
    allows_double_words: bool = True  # in a random read
    # What a 0401 reads across. No limit: 960 words cost an FX5U 2.3 ms, a further request 3.6 [F].
    gap_words: int | None = None
    spare: int = 0  # words and points of a full request that stay free, see lengths.py
    holes: frozenset[tuple[str, int]] = frozenset()  # (device, word) that it refuses


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """Where the words of a tag stand in a response."""

    tag: TagAddress
    offset: int
    high_offset: int  # of its second word; `offset` when it has none
    value_type: ValueType
    shift: int  # the bit within the word


class PlannedRead(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a poll and the tags it answers."""

    command: ReadWords | ReadRandom
    picks: tuple[Pick, ...]

    @property
    def word_count(self) -> int:
        """How many words the response has."""
        if isinstance(self.command, ReadWords):
            return self.command.count
        return len(self.command.words) + 2 * len(self.command.double_words)

    def decode(self, words: Sequence[int]) -> list[Scalar]:
        """Return the value of each pick, in order, out of the response's words."""
        return [
            words[pick.offset] >> pick.shift & 1
            if pick.value_type is ValueType.BIT
            else _word_value(pick.value_type, words[pick.offset], words[pick.high_offset])
            for pick in self.picks
        ]

    def describe(self) -> PlannedRequest:
        """Return the request in words for people."""
        if isinstance(self.command, ReadWords):
            summary = f"0401 batch read words {_extent(self.command.head, self.command.count)}"
        else:
            points = map(str, self.command.words)
            pairs = (_extent(point, 2) for point in self.command.double_words)
            summary = f"0403 random read {', '.join((*points, *pairs))}"
        return PlannedRequest(
            summary=summary,
            word_count=self.word_count,
            addresses=tuple(pick.tag.canonical for pick in self.picks),
        )


def plan_reads(
    tags: Iterable[TagAddress], family: Family, coding: Coding, options: Options | None = None
) -> tuple[PlannedRead, ...]:
    """Return the requests that read `tags`, each tag once, in a stable order.

    Args:
        tags: addresses of this family; repeated ones are read once.
        family: decides the limits of a request.
        coding: decides the limits too, and how X and Y of iQ-F can be read.
        options: what this PLC was found to take; None for everything its family takes.
    """
    options = options or Options()
    limits = limits_of(family, coding)
    by_device: dict[str, list[TagAddress]] = {}
    for tag in set(tags):
        by_device.setdefault(tag.point.device.name, []).append(tag)
    shelves = [_Shelf.of(by_device[name], coding, options) for name in sorted(by_device)]
    cover = fewest_requests(
        [shelf.strip for shelf in shelves],
        limits.words - options.spare,
        limits.random_points - options.spare if options.allows_random else 0,
        may_pair=options.allows_double_words,
    )
    return (
        *(_batch_read(shelves[window.strip], window) for window in sorted(cover.windows)),
        *_random_reads(shelves, cover),
    )


def by_word(tags: Sequence[TagAddress]) -> list[list[TagAddress]]:
    """Group tags that lie in the same word, in order: the PLC gives or refuses them together."""
    words: dict[tuple[str, int, int], list[TagAddress]] = {}
    for tag in tags:
        key = (tag.device.name, tag.first_word, tag.value_type.word_count)
        words.setdefault(key, []).append(tag)
    return list(words.values())


def shortest_period_s(family: Family, reads: Sequence[PlannedRead]) -> float:
    """Return the period below which such a PLC cannot be expected to answer `reads` in time.

    The slowest answer to expect of the family, times the number of requests: they are sent one
    after the other, never two at once.
    """
    return _ANSWER_S[family] * len(reads)


def is_anchored(device: Device, coding: Coding) -> bool:
    """Whether reads of `device` must begin at number 0.

    An iQ-F port set to ASCII takes X and Y numbers in octal or in hexadecimal, depending on a
    setting that cannot be read [A]. Number 0 is the same in both, and 64 words hold them all.
    """
    return coding is Coding.ASCII and device.radix == 8


_ORDER_BITS = 5
_FAR = 1 << 40
_ORDER_OF_TYPES: Mapping[ValueType, int] = {kind: 15 + i for i, kind in enumerate(ValueType)}


def _place(tag: TagAddress) -> int:
    """Return a number that is different for each tag of a device, and orders them.

    Its high part is the tag's first word; the low part tells the bits and types within apart.
    """
    number = tag.point.number
    if tag.point.device.is_bit:
        return number // 16 << _ORDER_BITS | number % 16
    order = _ORDER_OF_TYPES[tag.value_type] if tag.bit is None else tag.bit
    return number << _ORDER_BITS | order


class _Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """The tags of one device, each with its first word, by the span of words that they lie in."""

    device: Device
    is_anchored: bool
    strip: Strip
    tags: tuple[list[tuple[int, TagAddress]], ...]

    @classmethod
    def of(cls, tags: Sequence[TagAddress], coding: Coding, options: Options) -> _Shelf:
        """Return the shelf of the tags of one device."""
        device = tags[0].device
        ends: dict[int, int] = {}  # of the longest value that begins with a word
        placed: list[tuple[int, TagAddress]] = []
        for place, tag in sorted(zip(map(_place, tags), tags, strict=True), key=itemgetter(0)):
            first = place >> _ORDER_BITS
            placed.append((first, tag))
            ends[first] = first + tag.value_type.word_count  # the long types come last
        spans = outermost(ends.items())
        lying: list[list[tuple[int, TagAddress]]] = [[] for _ in spans]
        at, next_first = -1, placed[0][0]
        for each in placed:
            while each[0] >= next_first:
                at += 1
                next_first = spans[at + 1][0] if at + 1 < len(spans) else each[0] + _FAR
            lying[at].append(each)
        is_fixed = is_anchored(device, coding)
        strip = Strip(
            spans=spans,
            breaks=_breaks(spans, device, None if is_fixed else options.gap_words, options),
            may_be_loose=device.is_in_random and not is_fixed,
        )
        return cls(device=device, is_anchored=is_fixed, strip=strip, tags=tuple(lying))


def _breaks(
    spans: Sequence[tuple[int, int]], device: Device, gap_words: int | None, options: Options
) -> frozenset[int]:
    """Return the numbers of the spans before which there is what no request may read across."""
    holes = sorted(word for name, word in options.holes if name == device.name)
    if gap_words is None and not holes:
        return frozenset()
    return frozenset(
        i
        for i, ((_, last_end), (first, _)) in enumerate(pairwise(spans), start=1)
        if (gap_words is not None and first - last_end > gap_words)
        or bisect_left(holes, last_end) < bisect_left(holes, first)
    )


def _pick(tag: TagAddress, offset: int, high_offset: int) -> Pick:
    kind = tag.value_type
    return Pick(
        tag=tag,
        offset=offset,
        high_offset=high_offset,
        value_type=kind,
        shift=tag.bit_in_word if kind is ValueType.BIT else 0,
    )


def _batch_read(shelf: _Shelf, window: Window) -> PlannedRead:
    spans = shelf.strip.spans[window.begin : window.end]
    head = 0 if shelf.is_anchored else spans[0][0]
    command = ReadWords(head=_word_point(shelf.device, head), count=spans[-1][1] - head)
    picks = tuple(
        _pick(tag, word - head, word - head + tag.value_type.word_count - 1)
        for tags in shelf.tags[window.begin : window.end]
        for word, tag in tags
    )
    return PlannedRead(command=command, picks=picks)


def _random_reads(shelves: Sequence[_Shelf], cover: Cover) -> Iterator[PlannedRead]:
    """Yield the random read of each group: single words first, as in the request."""
    spans_of: list[list[tuple[int, int]]] = [[] for _ in cover.groups]
    for at, group in cover.group_of.items():
        spans_of[group].append(at)
    for points, spans in zip(cover.groups, spans_of, strict=True):
        offsets: dict[tuple[int, int], int] = {}
        singles: list[Point] = []
        doubles: list[Point] = []
        for strip, word, width in sorted(points, key=itemgetter(2)):
            (singles if width == 1 else doubles).append(_word_point(shelves[strip].device, word))
            for each in range(word, word + width):
                offsets[strip, each] = len(offsets)
        picks = tuple(
            _pick(tag, offsets[strip, word], offsets[strip, word + tag.value_type.word_count - 1])
            for strip, span in spans
            for word, tag in shelves[strip].tags[span]
        )
        command = ReadRandom(words=tuple(singles), double_words=tuple(doubles))
        yield PlannedRead(command=command, picks=picks)


def _word_point(device: Device, word: int) -> Point:
    return Point(device, word * 16 if device.is_bit else word)


def _extent(head: Point, words: int) -> str:
    """Return so many words from `head` on, for people: `D0..D9`, `M0..M31`."""
    numbers = words * 16 if head.device.is_bit else words
    return f"{head}..{Point(head.device, head.number + numbers - 1)}"


_F32 = struct.Struct("<f")
_TWO_WORDS = struct.Struct("<HH")


def _word_value(kind: ValueType, low: int, high: int) -> Scalar:
    """Return the number whose words are `low` and, where it has two, `high`."""
    if kind is ValueType.I16:
        return low - 0x10000 if low & 0x8000 else low
    if kind is ValueType.U16:
        return low
    if kind is ValueType.F32:
        return float(_F32.unpack(_TWO_WORDS.pack(low, high))[0])
    value = high << 16 | low
    if kind is ValueType.I32 and value & 0x8000_0000:
        return value - 0x1_0000_0000
    return value
