"""A word that has one bit per alarm: which alarms are on in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_EXACT_MAX = 2**53


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


def word_in(value: bool | float | str | None) -> int | None:
    """Return what a value says as a whole number; None where it says none.

    A PLC may hold a code as a floating-point number. One with a fraction is no code, nor is one so
    large that its neighbours have the same value.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        is_whole = abs(value) <= _EXACT_MAX and value.is_integer()
        return int(value) if is_whole else None
    return value if isinstance(value, int) else None
