"""Log lines about words that do not say what the configuration takes them to say."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from lineside.history.alarm_book import Source
from lineside.history.alarm_plant import AlarmPlant

_log = structlog.get_logger("lineside.alarms")


class AlarmHints:
    """Tells each thing once per machine, until the machine leaves the configuration."""

    def __init__(self) -> None:
        self._told: set[tuple[Source, int | None]] = set()  # a bit; None: a code that may be bits

    def forget(self, source: Source) -> None:
        """Tell of a machine again, whose configuration is another now."""
        self._told = {each for each in self._told if each[0] != source}

    def tell_unlisted(self, source: Source, bits: Iterable[int]) -> None:
        """Tell of bits that are on and stand for no alarm code."""
        for bit in bits:
            if (source, bit) not in self._told:
                self._told.add((source, bit))
                _log.warning(
                    "a bit is on that alarm_bits does not list: it has the plain fault alarm",
                    equipment=source[1],
                    bit=bit,
                )

    def tell_code(self, plant: AlarmPlant, source: Source, code: int | None) -> None:
        """Tell of a code that looks as if its word held one bit per alarm."""
        if code is None or (source, None) in self._told or not plant.looks_like_bits(source, code):
            return
        self._told.add((source, None))
        _log.warning(
            "a code that its alarm table lacks is the sum of codes that it has: does the word hold "
            "one bit per alarm? Then write alarm_bits",
            equipment=source[1],
            alarm_code=code,
        )
