"""A word that has one bit per alarm: which alarms are on in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class AlarmBits(msgspec.Struct, frozen=True, kw_only=True):
    """Which alarm code each bit of a word stands for. `width` is how many bits the word has."""

    codes: Mapping[int, int]
    width: int = 16

    def codes_in(self, word: int) -> frozenset[int]:
        """Return the alarm codes whose bits are 1 in `word`, which may be negative."""
        return frozenset(code for bit, code in self.codes.items() if word >> bit & 1)

    def unlisted_in(self, word: int) -> tuple[int, ...]:
        """Return the bits that are 1 in `word` and stand for no alarm code."""
        return tuple(bit for bit in range(self.width) if word >> bit & 1 and bit not in self.codes)


def bit_values(word: int) -> tuple[int, ...]:
    """Return the powers of two that add up to `word`, the least first; none below 0."""
    return tuple(1 << bit for bit in range(max(0, word).bit_length()) if word >> bit & 1)
