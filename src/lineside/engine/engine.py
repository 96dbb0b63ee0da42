"""The engine's door: runs the pollers and the ticker of one site, and swaps in a new site.

It owns the board. Readings come in from the pollers, snapshots and changes go out on the bus.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

import structlog

from lineside.core.board import Board
from lineside.core.limits import FIRST_TICK_WAIT_S, RECONNECT_PAUSE_S, TICK_PERIOD_S
from lineside.core.model import PastState, Plc, PlcState, Reading, Site, SiteChange, StateChange
from lineside.core.ports import Bus, Clock, Driver
from lineside.engine.flicker import FLICKER_COUNT, FLICKER_WINDOW_S, Flicker
from lineside.engine.poller import Poller
from lineside.engine.schedule import JustInTime, OffBeat, PollSchedule, first_tick_s, next_tick_s

_log = structlog.get_logger("lineside.engine")


@dataclass(frozen=True, kw_only=True)
class PollTarget:
    """One PLC to poll. `fingerprint` changes whenever the poller must be started anew."""

    plc: Plc
    make_driver: Callable[[], Driver]
    fingerprint: str


class Engine:
    """Polls, folds and ticks for as long as `run` is awaited."""

    def __init__(
        self,
        site: Site,
        targets: Sequence[PollTarget],
        bus: Bus,
        clock: Clock,
        *,
        tick_period_s: float = TICK_PERIOD_S,
        make_schedule: Callable[[float, float], PollSchedule] = JustInTime,
        random: Random | None = None,
    ) -> None:
        """Make an engine; `ready` is set once the first snapshot is out.

        Args:
            site: what there is to show.
            targets: what to poll.
            bus: where snapshots and changes go.
            clock: where every time comes from.
            tick_period_s: a whole number of seconds from tick to tick.
            make_schedule: given a PLC's period and that of the ticks, says when to poll it.
            random: the source of the jitter between attempts to reach a PLC.
        """
        self._tick_period_s = tick_period_s
        self._make_schedule = make_schedule
        self._random = random
        self._tick_s = first_tick_s(clock())
        self._bus = bus
        self._clock = clock
        self._board = Board(site, clock())
        self._targets = tuple(targets)
        self._pollers: dict[str, tuple[PollTarget, asyncio.Task[None]]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._unheard = {target.plc.id for target in self._targets}
        self._has_heard_all = asyncio.Event()
        self._flicker = Flicker()
        self.ready = asyncio.Event()
        self.missed_tick_count = 0

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._bus.publish(SiteChange(site=self._board.site, at_s=self._clock().unix_s))
            self._start_pollers()
            await self._tick_before_the_first_second()
            await self._tick_forever()

    def replace_site(self, site: Site, targets: Sequence[PollTarget]) -> None:
        """Swap in a new configuration. What is unchanged keeps its connection and its memory."""
        now = self._clock()
        self._board = Board(site, now, before=self._board)
        self._targets = tuple(targets)
        self._bus.publish(SiteChange(site=site, at_s=self._board.after_tick(now).unix_s))
        self._start_pollers()

    def recall(self, past: Mapping[str, PastState]) -> None:
        """Let the board know what was before the start, by equipment code."""
        self._publish_changes(self._board.recall(past, self._clock()))

    def _start_pollers(self) -> None:
        """Stop the pollers that are no longer wanted as they are; start those that are missing."""
        wanted = {target.plc.id: target for target in self._targets}
        ended: dict[str, asyncio.Task[None]] = {}
        for plc_id, (target, task) in list(self._pollers.items()):
            if plc_id not in wanted or wanted[plc_id].fingerprint != target.fingerprint:
                task.cancel()
                ended[plc_id] = task
                del self._pollers[plc_id]
        for plc_id, target in wanted.items():
            if plc_id in self._pollers or self._tasks is None:
                continue
            # Bound to this poller: after a swap, a late word of an old poller is not believed.
            poller = Poller(
                target.plc,
                target.make_driver(),
                self._clock,
                self._make_schedule(target.plc.period_s, self._tick_period_s),
                lambda: self._tick_s,
                on_reading=partial(self._take_reading, target),
                on_state=partial(self._take_state, target),
                off_beat=OffBeat(target.plc.period_s, self._tick_period_s),
                link=self._board.link_of(plc_id),
                random=self._random,
            )
            running = _run_after(ended.get(plc_id), poller)
            task = self._tasks.create_task(running, name=f"poller {plc_id}")
            self._pollers[plc_id] = (target, task)

    def _is_current(self, target: PollTarget) -> bool:
        return self._pollers.get(target.plc.id, (None,))[0] is target

    def _take_reading(self, target: PollTarget, reading: Reading) -> None:
        if self._is_current(target):
            self._publish_changes(self._board.fold(reading, self._clock()))

    def _take_state(self, target: PollTarget, state: PlcState) -> None:
        self._unheard.discard(target.plc.id)
        if not self._unheard:
            self._has_heard_all.set()
        if self._is_current(target):
            self._publish_changes(self._board.note_plc(state, self._clock()))

    async def _tick_before_the_first_second(self) -> None:
        """Let a page that opens at once be told what is known, without waiting for a silent PLC."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_TICK_WAIT_S if self._unheard else 0):
                await self._has_heard_all.wait()
        self._tick()
        self.ready.set()

    async def _tick_forever(self) -> None:
        self._tick_s = first_tick_s(self._clock())
        while True:
            # A timer may fire a little early; a tick never does.
            while (wait_s := self._tick_s - self._clock().monotonic_s) > 0:  # noqa: ASYNC110
                await asyncio.sleep(wait_s)
            self._tick()
            self._tick_s, missed = next_tick_s(self._tick_s, self._tick_period_s, self._clock())
            if missed:
                self.missed_tick_count += missed
                _log.warning("ticks missed", count=missed)

    def _tick(self) -> None:
        snapshot, changes = self._board.tick(self._clock())
        self._publish_changes(changes)
        self._bus.publish(snapshot)

    def _publish_changes(self, changes: Sequence[StateChange]) -> None:
        for change in changes:
            if self._flicker.note(change):
                _log.warning(
                    "a fault comes and goes: if its tag is a lamp that blinks, set error_hold",
                    equipment=change.equipment_code,
                    tag=change.reason.tag,
                    times=FLICKER_COUNT,
                    within_s=FLICKER_WINDOW_S,
                )
            self._bus.publish(change)


async def _run_after(predecessor: asyncio.Task[None] | None, poller: Poller) -> None:
    """Run `poller` once its predecessor's connection is closed: many PLCs serve one at a time."""
    if predecessor is not None:
        await asyncio.wait([predecessor])
        await asyncio.sleep(RECONNECT_PAUSE_S)
    await poller.run()
