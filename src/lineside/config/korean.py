"""Tells Korean text from what another encoding looks like when it is read as CP949. Pure.

Chinese and Japanese spreadsheets are valid CP949 more often than not, and come out as syllables
that no Korean word has. How likely each sound is in Korean decides.
"""

from __future__ import annotations

from collections.abc import Sequence

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_MEDIALS, _FINALS = 21, 28

# How much more often (natural logarithm) a sound stands in Korean text than in the 2,350 syllables
# of KS X 1001: initial, medial and final sounds, in the order of Unicode. Counted over 5,595
# syllables of this project's Korean texts.
# fmt: off
_INITIAL = (0.6, -1.8, 0.1, 0.4, -2.1, 0.1, -0.3, 0.1, -3.2, 0.6, -3.4, 0.8, 0.5, -2.9, -0.9, -2.0,
            -0.3, -1.0, -0.1)
_MEDIAL = (0.7, -0.4, -2.9, -3.0, 0.2, -0.6, -0.2, -1.4, 0.2, -0.4, -2.7, -0.9, -0.8, -0.6, -2.2,
           -3.5, -2.3, -1.2, 0.5, -0.2, 1.0)
_FINAL = (1.3, -0.7, -2.0, -2.2, 0.0, -1.5, 0.3, -1.4, -0.3, -0.8, -3.7, -1.9, -1.8, -1.8, -1.3,
          -2.7, -1.2, -0.8, 2.0, -2.5, -1.4, -0.2, -1.8, -2.6, -1.8, -1.6, -2.2, -2.3)
# fmt: on
_RARE_SYLLABLE = -4.0  # one that KS X 1001 lacks
_IDEOGRAPH = -3.0
_IDEOGRAPHS_IN_USE = "上下左右前後大中小內外"  # on the floor, between Korean words
_UNLIKELY = -3.0  # of a whole text; real words come out above, most far above


def looks_korean(texts: Sequence[str]) -> bool:
    """Return whether `texts` together may be Korean; text without Korean letters may."""
    return sum(_likelihood(character) for text in texts for character in text) >= _UNLIKELY


def _likelihood(character: str) -> float:
    code = ord(character)
    if character in _IDEOGRAPHS_IN_USE:
        return 0.0
    if "\u4e00" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff":
        return _IDEOGRAPH
    if not _FIRST_SYLLABLE <= code <= _LAST_SYLLABLE:
        return 0.0
    if not character.encode("euc_kr", "ignore"):
        return _RARE_SYLLABLE
    initial, rest = divmod(code - _FIRST_SYLLABLE, _MEDIALS * _FINALS)
    medial, final = divmod(rest, _FINALS)
    return _INITIAL[initial] + _MEDIAL[medial] + _FINAL[final]
