"""How a believable line behaves: who runs, waits, stands still or is at fault, moment by moment.

Pure: the seed and the time are arguments, and the same seed and time give the same plant, however
often it is asked in between. It knows nothing of tags, PLCs' protocols or sockets; `plant.py` turns
what it says into bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from random import Random

import msgspec

from lineside.core.model import Status

QUANTUM_S = 0.25  # the plant's own resolution; nothing on it happens faster
CATCH_UP_MAX_S = 600.0  # a longer gap (a suspended laptop) is jumped over, not replayed


class Activity(StrEnum):
    """What a machine is doing, in more words than the five statuses have."""

    RUNNING = "running"
    WAITING = "waiting"
    STARVED = "starved"  # nothing comes from the machine before
    BLOCKED = "blocked"  # the machine after takes nothing
    HALTED = "halted"  # somebody stopped it: a changeover, a break, a missing part
    FAULTED = "faulted"


_STATUS = {
    Activity.RUNNING: Status.RUNNING,
    Activity.WAITING: Status.IDLE,
    Activity.STARVED: Status.IDLE,
    Activity.BLOCKED: Status.IDLE,
    Activity.HALTED: Status.STOPPED,
    Activity.FAULTED: Status.ERROR,
}


class MachineSignals(msgspec.Struct, frozen=True, kw_only=True):
    """What one machine tells its PLC at one moment."""

    activity: Activity
    is_running: bool  # the run bit; on a few machines it stays on under a fault
    has_fault: bool

    @property
    def status(self) -> Status:
        """What the machine's own panel would say (for tags that carry a number per status)."""
        return _STATUS[self.activity]


class MachineProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What the behaviour must know of one machine."""

    code: str
    plc_id: str
    stop_after_s: float | None = 300.0


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """How often a machine leaves its work, and for how long. Seconds; `every` is a mean."""

    micro_stop_every_s: float = 260.0
    micro_stop_s: tuple[float, float] = (3.0, 9.0)
    wait_every_s: float = 480.0
    wait_s: tuple[float, float] = (10.0, 38.0)
    halt_every_s: float = 2000.0
    halt_s: tuple[float, float] = (15.0, 150.0)  # beyond what makes idle a stop
    fault_every_s: float = 1500.0
    fault_s: tuple[float, float] = (18.0, 140.0)  # until an operator has cleared it
    long_fault_s: tuple[float, float] = (240.0, 540.0)
    long_fault_share: float = 0.08
    restart_s: tuple[float, float] = (4.0, 12.0)  # between the cleared fault and the first part


class ScriptedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event that happens whatever the dice say."""

    index: int
    at_s: float
    activity: Activity
    duration_s: float


class PlcOutage(msgspec.Struct, frozen=True, kw_only=True):
    """A PLC is silent from `start_s` to `end_s`."""

    plc_id: str
    start_s: float
    end_s: float


class _Machine:
    """One machine's state machine. Advanced in quanta by `LineBehaviour`."""

    def __init__(self, profile: MachineProfile, pattern: Pattern, random: Random) -> None:
        self.profile = profile
        self.held: Activity | None = None
        self.activity = Activity.RUNNING
        self._pattern = pattern
        self._random = random
        self._next: Activity = Activity.WAITING
        self._run_bit_survives_fault = random.random() < 0.2
        self._until_s = 0.0
        self._begin_run(0.0)

    @property
    def signals(self) -> MachineSignals:
        activity = self.held or self.activity
        has_fault = activity is Activity.FAULTED
        is_running = activity is Activity.RUNNING or (has_fault and self._run_bit_survives_fault)
        return MachineSignals(activity=activity, is_running=is_running, has_fault=has_fault)

    def advance(self, now_s: float) -> None:
        """End what has lasted long enough, and begin what comes next."""
        if now_s < self._until_s:
            return
        if self.activity is Activity.RUNNING:
            self.begin(self._next, now_s, self._next_duration_s)
        elif self.activity is Activity.FAULTED:
            self.begin(Activity.WAITING, now_s, self._random.uniform(*self._pattern.restart_s))
        else:
            self._begin_run(now_s)

    def begin(self, activity: Activity, now_s: float, duration_s: float) -> None:
        """Do `activity` from now on for `duration_s`."""
        self.activity = activity
        self._until_s = now_s + duration_s

    def _begin_run(self, now_s: float) -> None:
        """Run until the first of the four things that can happen to a machine happens."""
        pattern, random = self._pattern, self._random
        halt_s = self._halt_s()
        is_long = random.random() < pattern.long_fault_share
        fault_s = random.uniform(*(pattern.long_fault_s if is_long else pattern.fault_s))
        # A longer stop_after makes every halt longer; halting less often keeps the line's share.
        halt_every_s = max(pattern.halt_every_s, 14.0 * halt_s)
        rivals = (
            (pattern.micro_stop_every_s, Activity.WAITING, random.uniform(*pattern.micro_stop_s)),
            (pattern.wait_every_s, Activity.WAITING, random.uniform(*pattern.wait_s)),
            (halt_every_s, Activity.HALTED, halt_s),
            (pattern.fault_every_s, Activity.FAULTED, fault_s),
        )
        draws = [(random.expovariate(1.0 / every_s), kind, s) for every_s, kind, s in rivals]
        run_s, self._next, self._next_duration_s = min(draws)
        self.begin(Activity.RUNNING, now_s, max(run_s, 6.0))

    def _halt_s(self) -> float:
        stop_after_s = self.profile.stop_after_s
        return (stop_after_s or 0.0) + self._random.uniform(*self._pattern.halt_s)


class _Buffer:
    """The parts between two neighbours, counted in seconds of work."""

    def __init__(self, random: Random) -> None:
        self.capacity_s = random.uniform(90.0, 200.0)
        self.level_s = self.capacity_s / 2

    def move(self, is_filling: bool, is_draining: bool) -> None:
        change_s = QUANTUM_S * (is_filling - is_draining)
        self.level_s = min(self.capacity_s, max(0.0, self.level_s + change_s))


class LineBehaviour:
    """A line of machines that share parts: a machine at fault is felt by its neighbours later.

    Holding (`hold`) puts a machine into an activity until it is released; its own life goes on
    unseen meanwhile, so that the rest of the plant does not depend on who was held.
    """

    def __init__(
        self,
        profiles: Sequence[MachineProfile],
        seed: int | str,
        *,
        pattern: Pattern | None = None,
        script: Sequence[ScriptedEvent] = (),
        is_steady: bool = False,
    ) -> None:
        """Set the line to time 0, every machine running.

        Args:
            profiles: the machines in the order in which parts pass them.
            seed: the same seed gives the same life.
            pattern: how often and how long machines leave their work.
            script: events that happen whatever the dice say.
            is_steady: every machine runs for ever, until held.
        """
        self._machines = {
            profile.code: _Machine(
                profile,
                pattern or Pattern(),
                Random(f"{seed}:{profile.code}"),  # noqa: S311
            )
            for profile in profiles
        }
        self._line = tuple(self._machines.values())
        self._random = Random(f"{seed}:parts")  # noqa: S311
        self._buffers = [_Buffer(self._random) for _ in self._line[1:]]
        self._script = sorted(script, key=lambda event: event.at_s, reverse=True)
        self._is_steady = is_steady
        self._now_s = 0.0

    def step(self, now_s: float) -> Mapping[str, MachineSignals]:
        """Return what every machine, by code, tells its PLC `now_s` seconds after the start.

        Time never runs backwards: an earlier `now_s` gives the latest state known.
        """
        if now_s - self._now_s > CATCH_UP_MAX_S:
            self._now_s = now_s - CATCH_UP_MAX_S
        while not self._is_steady and self._now_s + QUANTUM_S <= now_s:
            self._now_s += QUANTUM_S
            self._advance()
        return {code: machine.signals for code, machine in self._machines.items()}

    def hold(self, code: str, activity: Activity) -> None:
        """Keep one machine in `activity` until it is released. Raises KeyError: no such machine."""
        self._machines[code].held = activity

    def release(self, code: str) -> None:
        """Give one machine back to its own life. Raises KeyError: no such machine."""
        self._machines[code].held = None

    def _advance(self) -> None:
        for machine in self._line:
            machine.advance(self._now_s)
        while self._script and self._script[-1].at_s <= self._now_s:
            event = self._script.pop()
            self._line[event.index].begin(event.activity, self._now_s, event.duration_s)
        is_working = [machine.activity is Activity.RUNNING for machine in self._line]
        for index, buffer in enumerate(self._buffers):
            buffer.move(is_working[index], is_working[index + 1])
            if buffer.level_s <= 0.0:
                self._interrupt(buffer, self._line[index + 1], Activity.STARVED)
            elif buffer.level_s >= buffer.capacity_s:
                self._interrupt(buffer, self._line[index], Activity.BLOCKED)

    def _interrupt(self, buffer: _Buffer, machine: _Machine, activity: Activity) -> None:
        """Make a neighbour wait, until somebody brings parts from stock or takes some away.

        That is what people do on a real line; without it one long fault would stop every machine.
        """
        if machine.activity is not Activity.RUNNING:
            return
        machine.begin(activity, self._now_s, self._random.uniform(6.0, 24.0))
        buffer.level_s = buffer.capacity_s * self._random.uniform(0.4, 0.6)


def opening_script(
    profiles: Sequence[MachineProfile], seed: int | str
) -> tuple[ScriptedEvent, ...]:
    """Return events that let a viewer see waiting, fault and stop within the first two minutes.

    The machines of the PLC that falls silent first (see `plc_outages`) are left out as long as
    there are enough others, so that all five statuses can be seen at the same time for a while.
    """
    if not profiles:
        return ()
    random = Random(f"{seed}:opening")  # noqa: S311
    last_plc = profiles[-1].plc_id
    seen = [i for i, profile in enumerate(profiles) if profile.plc_id != last_plc]
    cast = random.sample(seen, len(seen)) if len(seen) >= 4 else list(range(len(profiles)))
    if len(cast) < 4:
        return ()  # too few machines to put one of them in every status
    halted, faulted, waiting, late = cast[:4]
    stop_after_s = profiles[halted].stop_after_s or 0.0
    return (
        _event(halted, 2.0, Activity.HALTED, min(stop_after_s, 120.0) + random.uniform(70, 110)),
        _event(waiting, 5.0, Activity.WAITING, random.uniform(16, 24)),
        _event(faulted, 8.0, Activity.FAULTED, random.uniform(78, 95)),
        _event(late, 61.0, Activity.WAITING, random.uniform(22, 30)),
        _event(waiting, 97.0, Activity.WAITING, random.uniform(15, 25)),
    )


def _event(index: int, at_s: float, activity: Activity, duration_s: float) -> ScriptedEvent:
    return ScriptedEvent(index=index, at_s=at_s, activity=activity, duration_s=duration_s)


def plc_outages(plc_ids: Sequence[str], seed: int | str) -> Iterator[PlcOutage]:
    """Yield, in order of time and without end, when which PLC is silent; never two at once.

    The first comes to the last PLC about a minute after the start, so that a viewer sees it; the
    others every few minutes to any. A lone PLC is spared: its silence would blank the whole line.
    """
    if len(plc_ids) < 2:
        return
    random = Random(f"{seed}:outages")  # noqa: S311
    start_s = random.uniform(59.0, 61.0)
    plc_id = plc_ids[-1]
    while True:
        end_s = start_s + random.uniform(13.0, 25.0)
        yield PlcOutage(plc_id=plc_id, start_s=start_s, end_s=end_s)
        start_s = end_s + random.uniform(240.0, 600.0)
        plc_id = random.choice(plc_ids)
