"""One run: the real engine, pollers, drivers, bus and hub in a simulated world, from a seed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from msgspec.structs import replace

from lineside.bus import MemoryBus
from lineside.config.schema import PlcConfig
from lineside.core.model import Line, Reading, Site, Snapshot, StateChange
from lineside.core.ports import BusMessage, Clock, Driver
from lineside.engine import Engine, PollTarget
from lineside.hub.subscribers import Hub, HubLimits
from simulation.faults import Fault, FaultKind
from simulation.frames import ExpectedFrames
from simulation.judge import Judge
from simulation.network import Cable, PlantLoop
from simulation.plc import SimulatedPlc
from simulation.scenario import Scenario
from simulation.screens import Mood, Screen
from simulation.witness import WitnessedDriver

_GOODBYE_S = 2.0
_ON_TAGS_ALONE = frozenset({FaultKind.REFUSED_TAG})  # these leave the rest of a PLC well

MakeDriver = Callable[[PlcConfig, Sequence[str], Clock], Driver]


class World:
    """Everything of one run."""

    def __init__(
        self, scenario: Scenario, make_driver: MakeDriver, *, is_verbose: bool = False
    ) -> None:
        self.scenario = scenario
        self.loop = loop = PlantLoop(
            scenario.seed, is_true_tick=scenario.is_true_tick, is_verbose=is_verbose
        )
        self.journal = loop.journal
        self.journal.on_breach = loop.stop
        self.judge = Judge(scenario, loop.journal)
        self.reading_count = self.tick_count = 0
        self.fault_counts: Counter[str] = Counter()
        self._make_driver = make_driver
        self._random = Random(f"world {scenario.seed}")
        self._generation = 0
        self._cables = [self._lay_cable(index) for index in range(len(scenario.plcs))]
        bus = MemoryBus()
        limits = HubLimits(undrained_timeout_s=scenario.undrained_timeout_s)
        self.hub = Hub(loop.clock, [line.id for line in scenario.site.lines], limits)
        bus.subscribe(self._before_the_hub)
        bus.subscribe(self.hub.on_message)
        bus.subscribe(self._after_the_hub)
        self.engine = Engine(
            scenario.site,
            self._targets(scenario.site),
            bus,
            loop.clock,
            tick_period_s=scenario.tick_period_s,
            # The backoff's jitter is the only chance in Lineside: here it comes from the seed.
            random=Random(f"jitter {scenario.seed}"),
        )
        self.screens = [self._set_up_screen(index) for index in range(len(scenario.screens))]
        self._frames = ExpectedFrames(scenario.site, self.screens, loop.journal)

    def _lay_cable(self, index: int) -> Cable:
        scenario = self.scenario
        plan = scenario.plcs[index]
        machines = [
            machine
            for line in scenario.site.lines
            for machine in line.equipment
            if machine.plc_id == plan.plc.id
        ]
        random = Random(f"plc {index} of {scenario.seed}")
        plc = SimulatedPlc(plan, machines, random, scenario.machine_tempo_s, scenario.end_s)
        cable = Cable(self.loop, plc, random)
        self.loop.cables[plan.config.host, plan.config.port] = cable
        return cable

    def _set_up_screen(self, index: int) -> Screen:
        scenario = self.scenario
        random = Random(f"screen {index} of {scenario.seed}")
        screen = Screen(self.loop, self.hub, scenario.screens[index], f"screen{index}", random)
        screen.undrained_timeout_s = scenario.undrained_timeout_s
        screen.unsent_ticks_max = round(scenario.undrained_timeout_s / scenario.tick_period_s) + 2
        return screen

    def _targets(self, site: Site) -> list[PollTarget]:
        return [
            PollTarget(
                plc=plan.plc,
                make_driver=partial(self._make_witnessed, index),
                fingerprint=f"{plan.plc.id} {self._generation}",
            )
            for index, plan in enumerate(self.scenario.plcs)
        ]

    def _make_witnessed(self, index: int) -> Driver:
        plan = self.scenario.plcs[index]
        driver = self._make_driver(plan.config, plan.addresses, self.loop.clock)
        plc = self._cables[index].plc
        return WitnessedDriver(driver, plc, self.loop.clock, self.journal, self._take_reading)

    def _take_reading(self, reading: Reading) -> None:
        self.reading_count += 1
        self.judge.take_reading(reading)

    # The faults.

    def _schedule_faults(self) -> None:
        for fault in self.scenario.faults:
            self.loop.after(fault.at_s, partial(self._begin, fault))
            if fault.plc is not None:
                self.loop.after(fault.end_s, partial(self._end, fault))

    def _begin(self, fault: Fault) -> None:
        now_s = self.loop.time()
        self.journal.note("fault", (fault.kind.value, fault.plc, round(fault.duration_s, 3)))
        self.fault_counts[fault.kind.value] += 1
        if fault.plc is None:
            self._disturb_us(fault)
            return
        cable = self._cables[fault.plc]
        cable.plc.begin(fault, now_s)
        cable.on_fault(fault.kind)
        if fault.kind is FaultKind.CHATTER:
            self._chatter(cable)
        self._tell_health(cable)

    def _end(self, fault: Fault) -> None:
        self.journal.note("fault", (fault.kind.value, fault.plc, "over"))
        assert fault.plc is not None
        cable = self._cables[fault.plc]
        cable.plc.end(fault, self.loop.time())
        cable.on_fault_over()
        self._tell_health(cable)

    def _tell_health(self, cable: Cable) -> None:
        now_s = self.loop.time()
        kinds = cable.plc.faults.keys()
        is_ill = bool(kinds - _ON_TAGS_ALONE)
        self.judge.plc_is_well(cable.name, None if is_ill else now_s)
        if FaultKind.REFUSED_TAG in kinds:
            self.judge.tags_are_well(cable.name, None)
        elif cable.plc.refused_until_s:
            self.judge.tags_are_well(cable.name, now_s)

    def _chatter(self, cable: Cable) -> None:
        """Say something unasked, now and then, as long as the fault lasts."""
        fault = cable.plc.faults.get(FaultKind.CHATTER)
        if fault is None:
            return
        for stream in list(cable.entries):
            stream.say_unasked(bytes(cable.random.randrange(256) for _ in range(20)))
        self.loop.after(0.2 + 30.0 * cable.random.random(), partial(self._chatter, cable))

    def _disturb_us(self, fault: Fault) -> None:
        if fault.kind is FaultKind.PAUSE:
            self.judge.process_paused(fault.duration_s)
            self.loop.spend(fault.duration_s)
            for cable in self._cables:
                self._tell_health(cable)
        elif fault.kind is FaultKind.WALL_STEP:
            self.loop.wall_step_s += (fault.amount - 0.5) * 2.0 * 3600.0
            self.judge.clock_was_stepped()
        else:
            self._reconfigure(fault)

    def _reconfigure(self, fault: Fault) -> None:
        """Start every poller anew, or leave out a machine until the next change."""
        if fault.share == 1.0:
            self._generation += 1
            for cable in self._cables:
                self._tell_health(cable)
        site = self.scenario.site
        if fault.amount < 0.5:
            first = site.lines[0]
            fewer = Line(
                id=first.id, name=first.name, equipment=first.equipment[1:] or first.equipment
            )
            site = replace(site, lines=(fewer, *site.lines[1:]))
        self.judge.follow_site(site, self.loop.time())
        self.engine.replace_site(site, self._targets(site))

    # What goes over the bus.

    def _before_the_hub(self, message: BusMessage) -> None:
        if isinstance(message, StateChange):
            self.judge.take_change(message)
        elif isinstance(message, Snapshot):
            self.tick_count += 1
            self.judge.take_snapshot(message)
            self._frames.expect(message)

    def _after_the_hub(self, message: BusMessage) -> None:
        if isinstance(message, Snapshot):
            for screen in self.screens:
                screen.after_tick(message.sequence)

    # The whole run.

    async def play(self) -> None:
        """Let it all happen, and let it end."""
        scenario = self.scenario
        self._schedule_faults()
        engine = asyncio.create_task(self.engine.run(), name="engine")
        for screen in self.screens:
            self.loop.after(
                5.0 * self._random.random(), partial(screen.live, scenario.faults_end_s)
            )
        await asyncio.sleep(scenario.end_s)
        self._check_end()
        for screen in self.screens:
            screen.is_closing = True
        await self.hub.close_all(_GOODBYE_S)
        for screen in self.screens:
            if screen.mood is Mood.QUICK and not screen.has_heard_end:
                self.journal.broken("every screen hears the end", screen.name)
        engine.cancel()
        await asyncio.wait([engine])
        await asyncio.sleep(1.0)  # connections end one turn of the loop after they are dropped
        self._check_leaks(engine)

    def _check_end(self) -> None:
        """After a quiet time every screen hears every tick, and nothing is left unsent."""
        self.journal.note("end", self.hub.metrics().subscribers)
        for screen in self.screens:
            if not screen.hears_next_tick:
                self.journal.broken("every screen is back at the end", screen.name)
        metrics = self.hub.metrics()
        if metrics.subscribers != len(self.screens) or (metrics.aside and not _relay(self.screens)):
            self.journal.broken("the hub keeps nobody who is gone", metrics)

    def _check_leaks(self, engine: asyncio.Task[None]) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if tasks or not engine.cancelled():
            self.journal.broken("no task is left", tasks)
        if self.loop.open_transports:
            self.journal.broken("no connection is left", self.loop.open_transports)
        timers = self.loop.timers_of_lineside()
        if timers:
            self.journal.broken("no timer is left", timers)


def _relay(screens: Sequence[Screen]) -> bool:
    """Whether any screen is written to through its transport, which sets it aside each tick."""
    return any(not screen.plan.is_direct for screen in screens)
