"""What happened in one run: a hash of everything, the last events, and the first broken invariant.

Each actor has a hash of its own, so that things which happen at one moment in no promised order
(connections closed at the end) still give the same trace.
"""

from __future__ import annotations

import hashlib
import marshal
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

_KEPT_EVENTS = 40

# Plain values, so that the same event is the same bytes in every run.
Event: TypeAlias = "str | bytes | int | float | bool | Sequence[Event] | None"


class InvariantBroken(AssertionError):
    """What must never happen has happened. The message says what, when, and how to see it again."""


class Journal:
    """Takes down what happens. `broken` keeps the first breach and lets the run be ended."""

    def __init__(
        self,
        seed: int,
        time: Callable[[], float],
        *,
        is_true_tick: bool = False,
        is_verbose: bool = False,
    ) -> None:
        self.seed = seed
        self.breach: str | None = None
        self.event_count = 0
        self.on_breach: Callable[[], None] = lambda: None
        self._time = time
        self._flags = " --true-tick" if is_true_tick else ""  # which plant the seed stands for
        self._is_verbose = is_verbose
        self._events: dict[str, list[tuple[float, Event]]] = {}
        self._last: deque[tuple[float, str, Event]] = deque(maxlen=_KEPT_EVENTS)

    def note(self, actor: str, event: Event) -> None:
        """Take down that `event` happened to `actor`."""
        now_s = self._time()
        self.event_count += 1
        events = self._events.get(actor)
        if events is None:
            events = self._events[actor] = []
        events.append((now_s, event))
        self._last.append((now_s, actor, event))
        if self._is_verbose:
            print(_line(now_s, actor, event), flush=True)

    def broken(self, invariant: str, detail: object) -> None:
        """Take down that `invariant` does not hold; only the first breach of a run counts."""
        if self.breach is not None:
            return
        self.note("BREACH", f"{invariant}: {detail}")
        events = "\n".join(_line(*event) for event in self._last)
        self.breach = (
            f"seed {self.seed} at {self._time():.6f} s: {invariant}\n{detail}\n\n"
            f"the last events:\n{events}\n\n"
            f"see it again: PYTHONPATH=tests .venv/bin/python -m simulation --seed {self.seed}"
            f"{self._flags} --verbose"
        )
        self.on_breach()

    def digest(self) -> str:
        """Return one hash of everything that happened to everybody."""
        whole = hashlib.blake2b(digest_size=16)
        for actor in sorted(self._events):
            # Format 2 writes values alone, never which objects happen to be the same one.
            whole.update(marshal.dumps((actor, self._events[actor]), 2))
        return whole.hexdigest()


def _line(now_s: float, actor: str, event: Event) -> str:
    return f"  {now_s:14.6f}  {actor:<8} {event!r}"
