"""What can go wrong between Lineside and its PLCs, and when it does in one run. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class FaultKind(StrEnum):
    """One way in which a PLC, its network or this computer misbehaves."""

    # The PLC is not there.
    OFF = "off"  # no power: nothing comes back; what was open before is unknown to it afterwards
    CLOSED = "closed"  # it refuses connections, and resets those that are open
    NO_ROUTE = "no route"  # connecting fails at once
    TAKEN = "taken"  # it takes the connection and closes it: its entry is in use
    # The way is broken. TCP holds the bytes and brings them later; datagrams are lost.
    CABLE = "cable"
    HALF_UP = "half up"  # requests do not arrive
    HALF_DOWN = "half down"  # answers do not arrive
    # Answers are late, in pieces, cut, or not what was asked for.
    HANG = "hang"
    LATE = "late"  # later than the timeout
    SLOW = "slow"  # nearly as late as the timeout
    TRICKLE = "trickle"  # byte by byte, longer than the timeout
    CUT = "cut"  # the beginning of an answer, then silence
    CUT_FIN = "cut and closed"
    FIN = "fin"  # closed in place of an answer
    RESET = "reset"  # reset in place of an answer
    GARBAGE = "garbage"
    WRONG_SERIAL = "wrong serial"
    WRONG_ROUTE = "wrong route"
    TWICE = "twice"  # the answer comes twice, the second time a little later
    STALE = "stale"  # the previous answer comes before the right one
    END_CODE = "end code"  # every request is refused
    CHATTER = "chatter"  # bytes that nobody asked for
    # The PLC answers, and yet nothing can be seen in it.
    STOP = "stop"  # the CPU is in STOP: values stand still, SD203 says so
    FROZEN = "frozen"  # the program hangs: values and heartbeat stand still
    REFUSED_TAG = "refused tag"  # one address is refused
    # Around us.
    PAUSE = "pause"  # the process is frozen for a while
    WALL_STEP = "wall step"  # the wall clock is stepped
    RECONFIGURE = "reconfigure"  # a changed config: pollers stop and start

    # The one of Enum runs in Python, and every packet asks which faults there are.
    __hash__ = str.__hash__


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One misbehaviour of one PLC (None: of everything), from `at_s` for `duration_s`.

    `share` is the part of the requests that it meets; `amount` is what the kind makes of it.
    """

    kind: FaultKind
    plc: int | None
    at_s: float
    duration_s: float
    share: float = 1.0
    amount: float = 0.0

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.at_s + self.duration_s


_AROUND_US = (FaultKind.PAUSE, FaultKind.WALL_STEP, FaultKind.RECONFIGURE)
_ONLY_4E = frozenset({FaultKind.WRONG_SERIAL, FaultKind.STALE})
_ONLY_TCP = frozenset({FaultKind.TAKEN, FaultKind.CUT_FIN, FaultKind.TRICKLE})
_OF_PLCS = tuple(kind for kind in FaultKind if kind not in _AROUND_US)


def draw_faults(
    random: Random,
    plcs: Sequence[tuple[bool, bool]],
    from_s: float,
    until_s: float,
    dense_s: float,
) -> tuple[Fault, ...]:
    """Return the faults of one run, in order of time.

    Args:
        random: the run's own source.
        plcs: of each PLC, whether it is on TCP and whether its frames have serials (4E).
        from_s: when the first may begin.
        until_s: when the last is over.
        dense_s: in which two to nine come on each of a PLC's two tracks, if they end at once.
    """
    faults: list[Fault] = []
    for index, (is_tcp, has_serials) in enumerate(plcs):
        kinds = [
            kind
            for kind in _OF_PLCS
            if (has_serials or kind not in _ONLY_4E) and (is_tcp or kind not in _ONLY_TCP)
        ]
        # Two tracks, so that faults meet in pairs, but none meets itself.
        for track in (kinds[::2], kinds[1::2]):
            faults += _draw_track(random, index, track, from_s, until_s, dense_s)
    faults += _draw_track(random, None, list(_AROUND_US), from_s, until_s, dense_s)
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


def _draw_track(
    random: Random,
    plc: int | None,
    kinds: Sequence[FaultKind],
    from_s: float,
    until_s: float,
    dense_s: float,
) -> list[Fault]:
    pause_s = dense_s / random.uniform(2.0, 9.0)
    faults: list[Fault] = []
    at_s = from_s + random.expovariate(1.0 / pause_s)
    while at_s < until_s - 1.0:
        # From half a second to ten minutes, as many short ones as long ones; some for an hour.
        longest_s = 3600.0 if random.random() < 0.03 else 600.0
        duration_s = math.exp(random.uniform(math.log(0.5), math.log(longest_s)))
        duration_s = min(duration_s, until_s - at_s)
        kind = random.choice(kinds)
        if kind is FaultKind.PAUSE:
            duration_s = min(duration_s, 120.0)
        faults.append(
            Fault(
                kind=kind,
                plc=plc,
                at_s=at_s,
                duration_s=duration_s,
                share=random.choice((1.0, 1.0, 0.5, 0.1)),
                amount=random.random(),
            )
        )
        at_s += duration_s + random.expovariate(1.0 / pause_s)
    return faults
