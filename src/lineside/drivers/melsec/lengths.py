"""How answers without a number are told apart: by how long they are. Pure.

A 3E answer does not say which request it is for. So each request asks for a few words more than it
needs, in turn, that its answer is as long as none of the last ones. A late or repeated answer has
a wrong length then, which ends the connection.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lineside.drivers.melsec.commands import Point, ReadRandom, ReadWords

SPARE = 15  # what the plan leaves free in a full request
_BATCH_PADS = 31  # 31 words cost an FX5U less than 0.1 ms [F]
_RANDOM_PADS = SPARE


class Padded(msgspec.Struct, frozen=True, kw_only=True):
    """A read that asks for more than is wanted: the words before and after `extra` are wanted."""

    command: ReadWords | ReadRandom
    extra: slice

    def wanted(self, words: tuple[int, ...]) -> tuple[int, ...]:
        """Return the words of the read without what was asked for beyond it."""
        if self.extra.start == 0:
            return words[self.extra.stop :]
        return words[: self.extra.start] + words[self.extra.stop :]


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How many more words a read may ask for: below its first one, and in all."""

    below: int
    total: int

    @classmethod
    def around(
        cls, command: ReadWords | ReadRandom, limit: int, holes: Iterable[int], *, is_fixed: bool
    ) -> Room:
        """Return the room around `command`.

        Args:
            command: what is wanted.
            limit: how many words or points one request may have.
            holes: words of its device that the PLC refuses.
            is_fixed: whether it must begin where it does.
        """
        if isinstance(command, ReadRandom):
            count = len(command.words) + len(command.double_words)
            return cls(below=0, total=max(0, min(_RANDOM_PADS, limit - count)))
        first = _word_of(command.head)
        end = first + command.count
        below = 0 if is_fixed else first - max((w + 1 for w in holes if w < first), default=0)
        above = min((w - end for w in holes if w >= end), default=_BATCH_PADS)
        total = min(_BATCH_PADS, limit - command.count, below + above)
        return cls(below=below, total=max(0, total))


def padded(command: ReadWords | ReadRandom, pad: int, below: int) -> Padded:
    """Return `command` with `pad` more words; up to `below` of them below its first one.

    Below there are words on every PLC; beyond the last one wanted there may be none.
    """
    if isinstance(command, ReadRandom):
        filler = (command.words or command.double_words)[0]  # read twice: known to be readable
        count = len(command.words)
        return Padded(
            command=ReadRandom(
                words=(*command.words, *(filler,) * pad), double_words=command.double_words
            ),
            extra=slice(count, count + pad),
        )
    low = min(pad, below)
    head = Point(
        command.head.device, command.head.number - low * (16 if command.head.device.is_bit else 1)
    )
    wider = ReadWords(head=head, count=command.count + pad)
    if low:
        # What was added above stays at the end, where nobody picks it.
        return Padded(command=wider, extra=slice(0, low))
    return Padded(command=wider, extra=slice(command.count, command.count + pad))


class Lengths:
    """Which lengths the last answers had, over all connections to one PLC."""

    def __init__(self) -> None:
        self._last_use: dict[int, int] = {}
        self._count = 0

    def choose(self, words: int, room: int) -> int:
        """Return how many words, up to `room`, to add to `words`: the length longest unused."""
        last_use = self._last_use
        pad = min(range(room + 1), key=lambda pad: last_use.get(words + pad, 0))
        self._count += 1
        last_use[words + pad] = self._count
        return pad


def _word_of(point: Point) -> int:
    return point.number // 16 if point.device.is_bit else point.number
