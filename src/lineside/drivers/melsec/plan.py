"""The reading plan: the fewest requests that read every tag of one PLC, and how to decode them.

Pure. Bit tags are read as the aligned words they lie in. Neighbouring words of one device are read
in one 0401 across gaps; what is left over shares one 0403. A value of two words is never split.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from lineside.config.schema import Family
from lineside.core.model import PlannedRequest, Scalar
from lineside.drivers.melsec.address import TagAddress, ValueType
from lineside.drivers.melsec.commands import Point, ReadRandom, ReadWords
from lineside.drivers.melsec.devices import Device, Limits, limits_of
from lineside.drivers.melsec.frame import Coding

GAP_WORDS = 64  # reading across costs an FX5U 2.3 ms per 960 words, a further request 3.6 ms [F]

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
    gap_words: int = GAP_WORDS
    holes: frozenset[tuple[str, int]] = frozenset()  # (device, word) that it refuses


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tag's first word stands in a response; a second word follows it directly."""

    tag: TagAddress
    offset: int
    value_type: ValueType
    shift: int  # the bit within the word

    @classmethod
    def of(cls, tag: TagAddress, offset: int) -> Pick:
        """Return the pick of `tag` whose first word is the response's word `offset`."""
        return cls(tag=tag, offset=offset, value_type=tag.value_type, shift=tag.bit_in_word)


class PlannedRead(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a poll and the tags it answers."""

    command: ReadWords | ReadRandom
    picks: tuple[Pick, ...]

    @property
    def word_count(self) -> int:
        """How many words the response has."""
        if isinstance(self.command, ReadWords):
            return self.command.count
        return len(self.command.words)

    def decode(self, words: Sequence[int]) -> list[Scalar]:
        """Return the value of each pick, in order, out of the response's words."""
        return [
            words[pick.offset] >> pick.shift & 1
            if pick.value_type is ValueType.BIT
            else _word_value(pick.value_type, words, pick.offset)
            for pick in self.picks
        ]

    def describe(self) -> PlannedRequest:
        """Return the request in words for people."""
        if isinstance(self.command, ReadWords):
            head, count = self.command.head, self.command.count
            last = head.number + (count * 16 if head.device.is_bit else count) - 1
            summary = f"0401 batch read words {head}..{Point(head.device, last)}"
        else:
            summary = f"0403 random read {', '.join(str(point) for point in self.command.words)}"
        return PlannedRequest(
            summary=summary,
            word_count=self.word_count,
            addresses=tuple(pick.tag.canonical for pick in self.picks),
        )


class _Block(msgspec.Struct, kw_only=True):
    """Words of one device that one 0401 reads: [first, end)."""

    device: Device
    first: int
    end: int
    tags: list[TagAddress]

    @property
    def words(self) -> list[int]:
        """The words that tags need; the gaps between them are left out."""
        return sorted(
            {tag.first_word + i for tag in self.tags for i in range(tag.value_type.word_count)}
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
    distinct = sorted(set(tags), key=lambda tag: (tag.device.name, tag.first_word, tag.canonical))
    blocks: list[_Block] = []
    for tag in distinct:
        _add_to_blocks(blocks, tag, limits, options, _is_anchored(tag.device, coding))
    batched, scattered = _choose_random(blocks, limits, coding, options)
    reads = [_batch_read(block) for block in batched]
    if scattered:
        reads.append(_random_read(scattered))
    return tuple(reads)


def shortest_period_s(family: Family, reads: Sequence[PlannedRead]) -> float:
    """Return the period below which such a PLC cannot be expected to answer `reads` in time.

    The slowest answer to expect of the family, times the number of requests: they are sent one
    after the other, never two at once.
    """
    return _ANSWER_S[family] * len(reads)


def _is_anchored(device: Device, coding: Coding) -> bool:
    """Whether reads of `device` must begin at number 0.

    An iQ-F port set to ASCII takes X and Y numbers in octal or in hexadecimal, depending on a
    setting that cannot be read [A]. Number 0 is the same in both, and 64 words hold them all.
    """
    return coding is Coding.ASCII and device.radix == 8


def _add_to_blocks(
    blocks: list[_Block], tag: TagAddress, limits: Limits, options: Options, is_anchored: bool
) -> None:
    """Put `tag` into the last block, or into a new one. Tags come sorted by device and word."""
    end = tag.first_word + tag.value_type.word_count
    last = blocks[-1] if blocks else None
    if last is not None and last.device == tag.device:
        is_near = is_anchored or tag.first_word - last.end <= options.gap_words
        has_hole = any(
            device == tag.device.name and last.end <= word < tag.first_word
            for device, word in options.holes
        )
        if is_near and not has_hole and max(end, last.end) - last.first <= limits.words:
            last.end = max(end, last.end)
            last.tags.append(tag)
            return
    first = 0 if is_anchored else tag.first_word
    blocks.append(_Block(device=tag.device, first=first, end=end, tags=[tag]))


def _choose_random(
    blocks: list[_Block], limits: Limits, coding: Coding, options: Options
) -> tuple[list[_Block], list[_Block]]:
    """Return the blocks to read by 0401, and those that share the one 0403.

    Each block that moves into the 0403 saves a request, so the smallest move first. One block
    alone saves nothing and stays.
    """
    if not options.allows_random:
        return blocks, []
    movable = [
        block
        for block in blocks
        if block.device.is_in_random and not _is_anchored(block.device, coding)
    ]
    chosen: list[int] = []
    points = 0
    for block in sorted(movable, key=lambda block: len(block.words)):
        points += len(block.words)
        if points > limits.random_points:
            break
        chosen.append(id(block))
    if len(chosen) < 2:
        return blocks, []
    return (
        [block for block in blocks if id(block) not in chosen],
        [block for block in blocks if id(block) in chosen],
    )


def _batch_read(block: _Block) -> PlannedRead:
    picks = tuple(Pick.of(tag, tag.first_word - block.first) for tag in block.tags)
    head = _word_point(block.device, block.first)
    return PlannedRead(command=ReadWords(head=head, count=block.end - block.first), picks=picks)


def _random_read(blocks: list[_Block]) -> PlannedRead:
    points: list[Point] = []
    picks: list[Pick] = []
    for block in blocks:
        offsets = {word: len(points) + i for i, word in enumerate(block.words)}
        points += [_word_point(block.device, word) for word in offsets]
        picks += [Pick.of(tag, offsets[tag.first_word]) for tag in block.tags]
    return PlannedRead(command=ReadRandom(words=tuple(points)), picks=tuple(picks))


def _word_point(device: Device, word: int) -> Point:
    return Point(device, word * 16 if device.is_bit else word)


_F32 = struct.Struct("<f")
_TWO_WORDS = struct.Struct("<HH")


def _word_value(kind: ValueType, words: Sequence[int], offset: int) -> Scalar:
    """Return the number that begins at `words[offset]`; of two words the low one is first."""
    low = words[offset]
    if kind is ValueType.I16:
        return low - 0x10000 if low & 0x8000 else low
    if kind is ValueType.U16:
        return low
    high = words[offset + 1]
    if kind is ValueType.F32:
        return float(_F32.unpack(_TWO_WORDS.pack(low, high))[0])
    value = high << 16 | low
    if kind is ValueType.I32 and value & 0x8000_0000:
        return value - 0x1_0000_0000
    return value
