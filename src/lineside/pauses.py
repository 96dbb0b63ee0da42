"""The garbage collector's pauses: each one stops every screen, so they are kept short and counted.

Most of what the process holds after its start lives as long as the process. It is moved out of
the collector's sight once; `hub.subscribers` does the same as connections accumulate.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping


class PauseWatch:
    """Measures every collection while it is entered. One per process."""

    def __init__(self) -> None:
        self.count = 0
        self.total_s = 0.0
        self.longest_s = 0.0
        self._began_s = 0.0

    def __enter__(self) -> PauseWatch:
        """Collect once, spare what is left from all later collections, and begin to measure."""
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Measure no more."""
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, _info: Mapping[str, int]) -> None:
        if phase == "start":
            self._began_s = time.perf_counter()
            return
        pause_s = time.perf_counter() - self._began_s
        self.count += 1
        self.total_s += pause_s
        self.longest_s = max(self.longest_s, pause_s)
