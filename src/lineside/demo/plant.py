"""A plant that is not there: one simulated PLC per [[plc]] of a config, driven by the behaviour.

It serves real MC protocol on real sockets, so whoever reads it cannot tell the difference. What
the machines do is decided in `behaviour.py`; this module only writes it into the PLCs' memory.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import TracebackType
from zlib import crc32

from lineside.config import LoadedConfig
from lineside.config.schema import Family, PlcConfig
from lineside.core.contacts import is_opposite, read_address
from lineside.core.errors import LinesideError
from lineside.core.model import CpuState, Equipment, Status, TagRole
from lineside.core.ports import Clock
from lineside.demo.behaviour import (
    Activity,
    LineBehaviour,
    MachineProfile,
    MachineSignals,
    PlcOutage,
    opening_script,
    plc_outages,
)
from lineside.drivers.melsec.address import ValueType, parse_address
from lineside.drivers.melsec.simulator import Fault, FaultKind, MelsecSimulator

STEP_S = 0.2
_SPEED_MAX = 100.0
_HEARTBEAT_STEPS = 2  # the counter moves two or three times a second
_DELAY_S = 0.4  # of the fault "delay": slow enough to be felt, short of the usual timeout
_WAITING = {Activity.WAITING, Activity.STARVED, Activity.BLOCKED}


class CannotServe(LinesideError):
    """The address of a PLC cannot be listened on; `error` says why."""

    def __init__(self, plc: PlcConfig, error: OSError) -> None:
        number = error.errno or 0  # negative when the name could not be looked up
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        super().__init__(f"{plc.id}: cannot listen on {plc.host}:{plc.port}: {reason}")
        self.plc = plc
        self.error = error


class SimulatedPlant:
    """The PLCs of one config, simulated. `async with` serves them, `run()` gives them life.

    Every fault can be switched while it runs. What an operator switches stays until switched back;
    scripted outages leave such a PLC alone.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        *,
        clock: Clock,
        seed: int = 1,
        speed: float = 1.0,
        only: Collection[str] | None = None,
        host: str | None = None,
        ports: Mapping[str, int] | None = None,
        is_any_port_good: bool = False,
        is_steady: bool = False,
        has_outages: bool = True,
        flow: Sequence[str] = (),
    ) -> None:
        """Prepare the plant; nothing listens yet.

        Args:
            loaded: the config whose PLCs to simulate.
            clock: measures the plant's time.
            seed: the same seed gives the same life.
            speed: seconds of plant time per second, up to 100.
            only: ids of the PLCs to serve; None serves all.
            host: where to listen in place of the configured hosts.
            ports: where to listen in place of the configured ports, by PLC.
            is_any_port_good: whether a free port will do where the wanted one is taken.
            is_steady: every machine runs for ever, until held.
            has_outages: whether a PLC falls silent now and then.
            flow: codes in the order in which parts pass the machines; others follow as configured.
        """
        self._clock = clock
        self._started_s: float | None = None
        self._speed = min(max(speed, 0.0), _SPEED_MAX)
        self._is_any_port_good = is_any_port_good
        self._plcs = {plc.id: plc for plc in loaded.config.plc if only is None or plc.id in only}
        self._simulators = {
            plc.id: MelsecSimulator.for_plc(
                plc, host=host or plc.host, port=(ports or {}).get(plc.id, plc.port)
            )
            for plc in self._plcs.values()
        }
        machines = [e for line in loaded.site.lines for e in line.equipment if e.is_configured]
        self._equipment = tuple(e for e in machines if e.plc_id in self._plcs)
        # All lines live, served or not: then two processes that share a plant agree on its life.
        self._lines = [
            _behaviour(line.equipment, flow, f"{seed}:{line.id}", is_steady)
            for line in loaded.site.lines
        ]
        self._line_of = {
            e.code: i
            for i, line in enumerate(loaded.site.lines)
            for e in line.equipment
            if e.is_configured
        }
        self._heartbeats = {
            plc.id: (plc.heartbeat, _is_bit(plc.heartbeat, plc.family))
            for plc in self._plcs.values()
            if plc.heartbeat is not None
        }
        all_ids = [plc.id for plc in loaded.config.plc]
        has_script = has_outages and not is_steady
        self._outages: Iterator[PlcOutage] = plc_outages(all_ids, seed) if has_script else iter(())
        self._outage = next(self._outages, None)
        self._is_outage_on = False
        self._touched: set[str] = set()  # PLCs that an operator has switched
        self._off: set[str] = set()
        self._step_count = 0

    async def __aenter__(self) -> SimulatedPlant:
        """Listen on every port.

        Raises:
            CannotServe: an address cannot be listened on; nothing is left listening.
        """
        try:
            for plc_id, simulator in self._simulators.items():
                await self._start(self._plcs[plc_id], simulator)
        except BaseException:
            await self._stop_all()
            raise
        self.step()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop_all()

    @property
    def plcs(self) -> Mapping[str, PlcConfig]:
        """The PLCs served, by id, as configured."""
        return self._plcs

    @property
    def equipment(self) -> tuple[Equipment, ...]:
        """The machines on the PLCs served."""
        return self._equipment

    @property
    def ports(self) -> Mapping[str, int]:
        """The port that each PLC really listens on."""
        return {plc_id: simulator.port for plc_id, simulator in self._simulators.items()}

    def simulator(self, plc_id: str) -> MelsecSimulator:
        """Return one simulated PLC. Raises KeyError: it is not served."""
        return self._simulators[plc_id]

    async def run(self) -> None:
        """Live until cancelled: five steps a second."""
        while True:
            self.step()
            await asyncio.sleep(STEP_S)

    def step(self) -> None:
        """Bring every PLC's memory to the present."""
        now_s = self._now_s()
        self._step_count += 1
        signals: dict[str, MachineSignals] = {}
        for line in self._lines:
            signals.update(line.step(now_s))
        for equipment in self._equipment:
            assert equipment.plc_id is not None  # noqa: S101 - only configured ones are kept
            memory = self._simulators[equipment.plc_id].memory
            for address, value in tag_values(equipment, signals[equipment.code]).items():
                memory.set(address, value)
        beat = self._step_count // _HEARTBEAT_STEPS
        for plc_id, (address, is_bit) in self._heartbeats.items():
            self._simulators[plc_id].memory.set(address, beat % 2 if is_bit else beat % 0x8000)
        self._follow_outages(now_s)

    def fault(self, plc_id: str, kind: FaultKind | str) -> None:
        """Let a PLC misbehave from now on, until `heal`.

        Raises:
            KeyError: the PLC is not served.
            ValueError: there is no such fault.
        """
        self._touched.add(plc_id)
        self._simulators[plc_id].fault = Fault(kind=FaultKind(kind), delay_s=_DELAY_S)

    def set_cpu_state(self, plc_id: str, state: CpuState) -> None:
        """Turn a PLC's key switch. Raises KeyError: the PLC is not served."""
        self._touched.add(plc_id)
        self._simulators[plc_id].cpu_state = state

    def is_on(self, plc_id: str) -> bool:
        """Whether a PLC has power; `switch_off` cuts it."""
        return plc_id not in self._off

    async def switch_off(self, plc_id: str) -> None:
        """Cut a PLC's power: its port closes. Raises KeyError: the PLC is not served."""
        self._touched.add(plc_id)
        self._off.add(plc_id)
        await self._simulators[plc_id].go_silent()

    async def heal(self, plc_id: str) -> None:
        """Switch a PLC on, into RUN and without faults; it listens on its port again.

        Raises:
            KeyError: the PLC is not served.
            CannotServe: its port has been taken by someone else meanwhile.
        """
        simulator = self._simulators[plc_id]
        simulator.fault = None
        simulator.cpu_state = CpuState.RUN
        try:
            await simulator.come_back()
        except OSError as error:
            raise CannotServe(self._plcs[plc_id], error) from error
        self._touched.discard(plc_id)
        self._off.discard(plc_id)

    def hold(self, code: str, activity: Activity) -> None:
        """Keep a machine in one activity until released. Raises KeyError: no such machine."""
        self._lines[self._line_of[code]].hold(code, activity)
        self.step()

    def release(self, code: str) -> None:
        """Give a machine back to its own life. Raises KeyError: no such machine."""
        self._lines[self._line_of[code]].release(code)
        self.step()

    def _now_s(self) -> float:
        """Return the plant's time: seconds since its first step, times its speed."""
        monotonic_s = self._clock().monotonic_s
        if self._started_s is None:
            self._started_s = monotonic_s
        return (monotonic_s - self._started_s) * self._speed

    def _follow_outages(self, now_s: float) -> None:
        """Silence the PLC whose turn it is, and let it speak again."""
        outage = self._outage
        if outage is None:
            return
        simulator = self._simulators.get(outage.plc_id)
        is_free = simulator is not None and outage.plc_id not in self._touched
        if not self._is_outage_on and now_s >= outage.start_s:
            self._is_outage_on = True
            if simulator is not None and is_free:
                simulator.fault = Fault(kind=FaultKind.HANG)
        if self._is_outage_on and now_s >= outage.end_s:
            self._is_outage_on = False
            self._outage = next(self._outages, None)
            if simulator is not None and is_free:
                simulator.fault = None

    async def _start(self, plc: PlcConfig, simulator: MelsecSimulator) -> None:
        try:
            await simulator.start()
        except OSError as error:
            if not self._is_any_port_good:
                raise CannotServe(plc, error) from error
            simulator.port = 0
            try:
                await simulator.start()
            except OSError as second_error:
                raise CannotServe(plc, second_error) from second_error

    async def _stop_all(self) -> None:
        for simulator in self._simulators.values():
            await simulator.stop()


def tag_values(equipment: Equipment, signals: MachineSignals) -> Mapping[str, int]:
    """Return what a machine that gives `signals` writes to each of its addresses. Pure."""
    values: dict[str, int] = {}
    for role, address in equipment.addresses.items():
        if role is TagRole.ERROR:
            values[address] = int(signals.has_fault)
        elif role is TagRole.IDLE:
            values[address] = int(signals.activity in _WAITING)
        elif role is TagRole.ALARM_CODE:
            values[address] = _alarm_code(equipment.code) if signals.has_fault else 0
        elif equipment.rule.value_map is None:
            values[address] = int(signals.is_running)
        else:
            values[address] = _mapped_value(equipment.rule.value_map, signals.status)
    return {
        read_address(address): int(not value) if is_opposite(address) else value
        for address, value in values.items()
    }


def _alarm_code(code: str) -> int:
    """Return the fault that a machine has whenever it has one: 1 to 4."""
    return 1 + crc32(code.encode()) % 4


def _mapped_value(value_map: Mapping[int, Status], status: Status) -> int:
    """Return the number that the map has for `status`, or for the next best thing to say."""
    by_status = {mapped: number for number, mapped in sorted(value_map.items(), reverse=True)}
    substitutes = (status, Status.STOPPED, Status.IDLE, Status.ERROR, Status.RUNNING)
    return next((by_status[s] for s in substitutes if s in by_status), min(value_map))


def _behaviour(
    equipment: Sequence[Equipment], flow: Sequence[str], seed: str, is_steady: bool
) -> LineBehaviour:
    rank = {code: place for place, code in enumerate(flow)}
    profiles = [
        MachineProfile(code=e.code, plc_id=e.plc_id, stop_after_s=e.rule.stop_after_s)
        for e in sorted(equipment, key=lambda e: rank.get(e.code, len(rank)))
        if e.is_configured and e.plc_id is not None
    ]
    script = () if is_steady else opening_script(profiles, seed)
    return LineBehaviour(profiles, seed, script=script, is_steady=is_steady)


def _is_bit(address: str, family: Family) -> bool:
    return parse_address(address, family).value_type is ValueType.BIT
