"""Holds every tick against what is true: the statuses, their times, and the grid of the ticks.

It knows the readings that the drivers returned (each of which its witness has held against the
PLC's registers) and has a status rule of its own, written from the design and not from the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineside.core.model import (
    Equipment,
    EquipmentState,
    Instant,
    PlcLink,
    PlcState,
    Quality,
    Reading,
    Site,
    Snapshot,
    StateChange,
    Status,
    TagRole,
    TagValue,
)
from simulation.journal import Journal
from simulation.scenario import PlcPlan, Scenario

_EARLY_S = 1e-6
_PHASE_STEP_S = 0.002
_TAG_RETEST_S = 180.0  # how long a refused address may stay bad after the refusal has ended


@dataclass
class _PlcFacts:
    plan: PlcPlan
    well_since_s: float | None = 0.0  # None while a fault is on
    tags_well_since_s: float | None = 0.0  # None while it refuses any
    heartbeat: TagValue | None = None  # when it was first seen to have its present value


@dataclass
class _MachineFacts:
    equipment: Equipment
    good: dict[TagRole, TagValue] = field(default_factory=dict)
    not_running_since: Instant | None = None
    status: Status | None = None  # as last told on the bus
    known_since_s: float = 0.0


class Judge:
    """Knows what is true of one plant and what Lineside has said of it."""

    def __init__(self, scenario: Scenario, journal: Journal) -> None:
        self._scenario = scenario
        self._journal = journal
        self._plcs = {plan.plc.id: _PlcFacts(plan) for plan in scenario.plcs}
        self._machines: dict[str, _MachineFacts] = {}
        self._last: Snapshot | None = None
        self._phase_s: float | None = None
        self._paused_s = 0.0
        self._was_late = False
        self.live_count = 0
        self.dark_count = 0
        self.follow_site(scenario.site, 0.0)

    # What the scenario and the witnesses tell it.

    def follow_site(self, site: Site, now_s: float) -> None:
        """Forget the machines that are gone, and know the new ones."""
        machines = [machine for line in site.lines for machine in line.equipment]
        self._machines = {
            machine.code: self._machines.get(machine.code)
            or _MachineFacts(machine, known_since_s=now_s)
            for machine in machines
        }

    def plc_is_well(self, plc_id: str, since_s: float | None) -> None:
        """Take note that nothing is wrong with a PLC since then; None: that something is."""
        self._plcs[plc_id].well_since_s = since_s

    def tags_are_well(self, plc_id: str, since_s: float | None) -> None:
        """Take note that a PLC refuses no tag since then; None: that it refuses some."""
        self._plcs[plc_id].tags_well_since_s = since_s

    def process_paused(self, pause_s: float) -> None:
        """Take note that the process stood still."""
        self._paused_s += pause_s

    def clock_was_stepped(self) -> None:
        """Take note that the wall clock was stepped: the grid has to find its second again."""
        self._phase_s = None

    def take_reading(self, reading: Reading) -> None:
        """Remember what a driver has read."""
        plc = self._plcs[reading.plc_id]
        if plc.plan.plc.heartbeat is not None:
            beat = reading.tags[plc.plan.plc.heartbeat]
            if beat.quality is not Quality.BAD and (
                plc.heartbeat is None or plc.heartbeat.value != beat.value
            ):
                plc.heartbeat = beat
        for machine in self._machines.values():
            if machine.equipment.plc_id != reading.plc_id:
                continue
            for role, address in machine.equipment.addresses.items():
                tag = reading.tags[address]
                if tag.quality is Quality.GOOD:
                    machine.good[role] = tag
            status = reading.tags[machine.equipment.addresses[TagRole.STATUS]]
            if status.quality is Quality.GOOD:
                error = machine.good.get(TagRole.ERROR)
                is_running = status.value == 1 and not (error is not None and error.value)
                if is_running or machine.not_running_since is None:
                    machine.not_running_since = reading.read_at

    # What Lineside says.

    def take_change(self, change: StateChange) -> None:
        """Check that changes tell one story."""
        machine = self._machines[change.equipment_code]
        if change.previous is not machine.status:
            self._journal.broken("changes follow from one another", (machine.status, change))
        machine.status = change.status
        self._journal.note("bus", (change.equipment_code, change.status.value))

    def take_snapshot(self, snapshot: Snapshot) -> None:
        """Check one tick."""
        self._check_grid(snapshot)
        plcs = {plc.id: plc for plc in snapshot.plcs}
        codes = []
        for line in snapshot.lines:
            for state in line.equipment:
                codes.append(state.code)
                self._check_machine(state, plcs, snapshot.at)
        if codes != list(self._machines):
            self._journal.broken("a tick has every machine, in order", codes)
        self._last = snapshot
        self._journal.note("bus", ("tick", snapshot.sequence, snapshot.at.unix_s))

    def _check_grid(self, snapshot: Snapshot) -> None:
        last, at = self._last, snapshot.at
        if last is None:
            return
        period_s = self._scenario.tick_period_s
        gap_s = at.monotonic_s - last.at.monotonic_s
        paused_s, self._paused_s = self._paused_s, 0.0
        if snapshot.sequence != last.sequence + 1 or gap_s <= 0.0:
            self._journal.broken("ticks are strictly monotonic", (last.sequence, snapshot.sequence))
        if last.sequence == 1:
            return  # the first tick of all comes before the first whole second
        if gap_s > period_s + _PHASE_STEP_S + _EARLY_S + paused_s + (period_s if paused_s else 0.0):
            self._journal.broken("no tick is late", f"{gap_s} s after the last one")
        was_late, self._was_late = self._was_late, paused_s > 0.0
        # A tick that a pause made late is followed by the next one of the grid.
        if not (paused_s or was_late) and gap_s < period_s - _PHASE_STEP_S - _EARLY_S:
            self._journal.broken("ticks never come in a burst", f"{gap_s} s after the last one")
        phase_s = abs(at.unix_s - round(at.unix_s))
        if paused_s:
            self._phase_s = None
        elif self._phase_s is not None and phase_s > max(
            0.001, self._phase_s - _PHASE_STEP_S + 0.001
        ):
            self._journal.broken("ticks sit on the whole second", f"{phase_s} s beside it")
        if not paused_s:
            self._phase_s = phase_s

    def _check_machine(
        self, state: EquipmentState, plcs: Mapping[str, PlcState], now: Instant
    ) -> None:
        machine = self._machines[state.code]
        broken = self._journal.broken
        if state.status is not machine.status:
            broken("a tick and the changes agree", f"{state.code}: {state.status}")
        if state.is_connected is not (state.status is not Status.DISCONNECTED):
            broken("connection is false exactly when disconnected", state)
        for tag in state.tags:
            good = machine.good.get(tag.role)
            is_true = (tag.value, tag.read_at_s) == (
                (None, None) if good is None else (good.value, good.read_at.unix_s)
            )
            if not is_true:
                broken("what is shown was read, and is the newest", f"{state.code}: {tag}, {good}")
        if state.plc_id is None:
            if state.status is not Status.DISCONNECTED:
                broken("what is not configured is disconnected", state)
            return
        plc = self._plcs[state.plc_id]
        if state.status is Status.DISCONNECTED:
            self.dark_count += 1
            self._check_dark(state, machine, plc, now)
        else:
            self.live_count += 1
            self._check_live(state, machine, plc, plcs[state.plc_id], now)

    def _check_live(
        self,
        state: EquipmentState,
        machine: _MachineFacts,
        plc: _PlcFacts,
        plc_state: PlcState,
        now: Instant,
    ) -> None:
        broken = self._journal.broken
        rule = machine.equipment.rule
        for role in machine.equipment.addresses:
            good = machine.good.get(role)
            if good is None or good.read_at.age_s(now) >= rule.stale_after_s:
                broken("nothing stale is shown live", f"{state.code} {role}: {good} at {now}")
                return
        if plc_state.link is PlcLink.LOST:
            broken("no machine of a lost PLC is shown live", state)
        beat = plc.heartbeat
        plan = plc.plan.plc
        if plan.heartbeat is not None and (
            beat is None or beat.read_at.age_s(now) > plan.heartbeat_timeout_s
        ):
            broken("no machine is live whose PLC's heartbeat stands still", f"{state.code}: {beat}")
        expected = _status_by_design(machine, now)
        if state.status is not expected:
            broken("the status follows from the tags", f"{state.code}: {state}, not {expected}")
        oldest_s = min(tag.read_at.unix_s for tag in machine.good.values())
        if state.last_updated_s != oldest_s:
            broken("last_updated is when the oldest value was read", state)
        age_s = max(tag.read_at.age_s(now) for tag in machine.good.values())
        if self._must_be_live(machine, plc, now) and age_s > 1.5 * plc.plan.spacing_s + 1.0:
            broken("the data of a PLC that is well is fresh", f"{state.code}: {age_s} s old")

    def _check_dark(
        self, state: EquipmentState, machine: _MachineFacts, plc: _PlcFacts, now: Instant
    ) -> None:
        if not self._must_be_live(machine, plc, now):
            return
        if _status_by_design(machine, now) is not Status.DISCONNECTED:
            self._journal.broken(
                "a machine whose PLC is well is live within the promised time",
                f"{state.code} at {now.monotonic_s} s: PLC well since {plc.well_since_s} s, tags"
                f" since {plc.tags_well_since_s} s, but {state.reason}",
            )

    def _must_be_live(self, machine: _MachineFacts, plc: _PlcFacts, now: Instant) -> bool:
        bound_s = self._scenario.recovery_s(plc.plan)
        well_s, tags_s = plc.well_since_s, plc.tags_well_since_s
        return (
            well_s is not None
            and tags_s is not None
            and now.monotonic_s > max(well_s, machine.known_since_s) + bound_s
            and (tags_s == 0.0 or now.monotonic_s > tags_s + bound_s + _TAG_RETEST_S)
        )


def _status_by_design(machine: _MachineFacts, now: Instant) -> Status:
    """Return the status of a machine that can be seen; DISCONNECTED if its value says nothing."""
    good, rule = machine.good, machine.equipment.rule
    if TagRole.STATUS not in good:
        return Status.RUNNING  # never read, though the PLC is well: anything but dark is expected
    error, idle = good.get(TagRole.ERROR), good.get(TagRole.IDLE)
    value = good[TagRole.STATUS].value
    if error is not None and error.value:
        return Status.ERROR
    if rule.value_map is not None:
        return rule.value_map.get(int(value or 0), Status.DISCONNECTED)
    if value == 1:
        return Status.RUNNING
    if value != 0:
        return Status.DISCONNECTED
    if idle is not None and idle.value:
        return Status.IDLE
    since = machine.not_running_since or now
    is_long = rule.stop_after_s is not None and since.age_s(now) >= rule.stop_after_s
    return Status.STOPPED if is_long else Status.IDLE
