"""What one seed stands for: a small plant, its faults and its screens, drawn at random. Pure.

Lengths of time are drawn with the tick: a plant that ticks every 30 s is polled, called stale and
given up in proportion. Timeouts and backoffs are the true ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from lineside.config.schema import Family, PlcConfig
from lineside.core.limits import BACKOFF_MAX_S, UNDRAINED_TIMEOUT_S
from lineside.core.model import Equipment, Line, Plc, Site, Status, StatusRule, TagRole
from lineside.core.spacing import poll_spacing_s
from lineside.hub.frame import Encoding
from simulation.faults import Fault, draw_faults

CLOCK_ADDRESS = "D7000:U32"  # milliseconds of the PLC's own clock: tells when it was read
HEARTBEAT_ADDRESS = "D7002"
HEALING_S = 3.0  # after a fault's end, until what it held back or broke is gone

_ROUND_TRIPS = 8  # at most, to connect, to prove the connection, and for a poll's requests
_PIECES_S = 0.02  # from the first piece of an answer to the last
_HOUR_S = 3600.0
_LONG_EVERY = 9  # plants at the true tick
_VALUE_MAP = {0: Status.STOPPED, 1: Status.RUNNING, 2: Status.IDLE}


@dataclass(frozen=True, kw_only=True)
class PlcPlan:
    """One PLC: how it is configured, how it answers when it is well."""

    config: PlcConfig
    plc: Plc
    addresses: tuple[str, ...]  # as the config has them, heartbeat included, and the clock
    spacing_s: float  # from poll to poll: the period, a little longer where it does not fit ticks
    latency_s: float  # one way
    jitter_s: float
    splits_share: float  # of the answers that arrive in pieces
    takes_random: bool  # random read is known to it
    entries_max: int  # connections at a time


@dataclass(frozen=True, kw_only=True)
class ScreenPlan:
    """One screen: what it hears, through what, and how long it stays well-behaved at a time."""

    line_id: str | None
    encoding: Encoding
    is_direct: bool  # through a file descriptor; else through a transport
    room_frames: int  # how many frames fit into the kernel on the way, if not direct
    good_s: float
    bad_s: float


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Everything that is drawn before a run begins."""

    seed: int
    is_true_tick: bool
    tick_period_s: float
    faults_end_s: float
    end_s: float
    undrained_timeout_s: float
    site: Site
    plcs: tuple[PlcPlan, ...]
    faults: tuple[Fault, ...]
    screens: tuple[ScreenPlan, ...]
    machine_tempo_s: float

    def recovery_s(self, plc: PlcPlan) -> float:
        """Return how long after the end of a fault a reading of `plc` must be in.

        That is what ARCHITECTURE.md promises ("When a part dies"), and no more: the longest
        backoff, a timeout, a poll, and what the PLC's answers take. The tick that shows the reading
        is the next one.
        """
        answers_s = _ROUND_TRIPS * (2.0 * (plc.latency_s + plc.jitter_s) + _PIECES_S)
        return HEALING_S + BACKOFF_MAX_S + plc.config.timeout + plc.spacing_s + answers_s


def draw_scenario(seed: int, *, is_true_tick: bool = False) -> Scenario:
    """Return what `seed` stands for.

    Args:
        seed: any number.
        is_true_tick: tick once a second, as Lineside does, over half an hour, and every ninth plant
            over two hours or more; else tick every 20 to 60 s over two hours or more.
    """
    random = Random(f"lineside {seed}")
    tick_period_s = 1.0 if is_true_tick else random.choice((20.0, 40.0, 60.0, 60.0, 60.0))
    length_s = random.uniform(2.0, 2.4) * _HOUR_S
    # As many faults come in half an hour at the true tick as else in hours.
    dense_s = _HOUR_S / 2 if is_true_tick else length_s
    if is_true_tick and seed % _LONG_EVERY:
        length_s = _HOUR_S / 2
    plcs = tuple(
        _draw_plc(random, index, tick_period_s)
        for index in range(random.choice((1, 1, 1, 2, 2, 3)))
    )
    site, addresses = _draw_site(random, plcs)
    plcs = tuple(_with_addresses(plan, addresses[plan.plc.id]) for plan in plcs)
    quiet_s = HEALING_S + 30.0 + 240.0 + 4.0 * max(plan.spacing_s for plan in plcs)
    faults_end_s = length_s - quiet_s
    kinds = [(plan.config.transport == "tcp", plan.config.frame == "4E") for plan in plcs]
    return Scenario(
        seed=seed,
        is_true_tick=is_true_tick,
        tick_period_s=tick_period_s,
        faults_end_s=faults_end_s,
        end_s=length_s,
        undrained_timeout_s=UNDRAINED_TIMEOUT_S * tick_period_s,
        site=site,
        plcs=plcs,
        faults=draw_faults(random, kinds, 2.0 * tick_period_s, faults_end_s, dense_s - quiet_s),
        screens=tuple(
            _draw_screen(random, site, tick_period_s) for _ in range(random.randint(1, 4))
        ),
        machine_tempo_s=random.choice((0.1, 0.5, 4.0, 20.0)) * 20.0 * tick_period_s**0.5,
    )


def _draw_plc(random: Random, index: int, tick_period_s: float) -> PlcPlan:
    heartbeat = HEARTBEAT_ADDRESS if random.random() < 0.4 else None
    period_s = tick_period_s * random.choice((0.4, 0.7, 1.0, 1.0, 1.0, 1.0, 1.5, 2.0, 2.0, 3.0))
    timeout_s = random.choice((0.3, 1.0, 1.0, 3.0))
    transport: Literal["tcp", "udp"] = "tcp" if random.random() < 0.65 else "udp"
    config = PlcConfig(
        id=f"PLC{index + 1:02}",
        host=f"192.168.3.{39 + index}",
        port=5010 + index,
        family=random.choice(list(Family)),
        frame=random.choice(("3E", "4E")),
        code=random.choice(("binary", "binary", "ascii")),
        transport=transport,
        period=f"{period_s:g}s",
        timeout=f"{timeout_s:g}s",
        heartbeat=heartbeat,
        network=random.choice((0, 0, 1)),
    )
    plc = Plc(
        id=config.id,
        driver="melsec",
        endpoint=config.endpoint,
        source=config.endpoint,
        period_s=period_s,
        heartbeat=heartbeat,
        # As the config has it at the least: it counts once a second, and may be asked as seldom.
        heartbeat_timeout_s=max(3.0, 3.0 * period_s),
    )
    return PlcPlan(
        config=config,
        plc=plc,
        addresses=(),
        spacing_s=poll_spacing_s(period_s, tick_period_s),
        latency_s=random.choice((0.001, 0.01, 0.04)),
        jitter_s=random.choice((0.0, 0.002, 0.03)),
        splits_share=random.choice((0.0, 0.0, 0.3, 1.0)),
        takes_random=random.random() < 0.9,
        entries_max=random.choice((1, 1, 8)),
    )


def _with_addresses(plan: PlcPlan, addresses: list[str]) -> PlcPlan:
    heartbeat = () if plan.plc.heartbeat is None else (plan.plc.heartbeat,)
    return replace(plan, addresses=(*addresses, CLOCK_ADDRESS, *heartbeat))


def _draw_site(random: Random, plcs: tuple[PlcPlan, ...]) -> tuple[Site, dict[str, list[str]]]:
    line_ids = ["weld1", "pack"][: random.choice((1, 1, 1, 2))]
    machines: dict[str, list[Equipment]] = {line_id: [] for line_id in line_ids}
    addresses: dict[str, list[str]] = {plan.plc.id: [] for plan in plcs}
    number = 0
    for plan in plcs:
        for _ in range(random.randint(1, 4)):
            number += 1
            line_id = line_ids[number % len(line_ids)]
            machine = _draw_machine(random, plan, number, line_id)
            machines[line_id].append(machine)
            addresses[plan.plc.id] += machine.addresses.values()
    if random.random() < 0.3:
        bare = Equipment(code="KRCWO12ELOA999", name="not configured", line_id=line_ids[0])
        machines[line_ids[0]].append(bare)
    lines = tuple(
        Line(id=line_id, name=f"{line_id} 라인", equipment=tuple(machines[line_id]))
        for line_id in line_ids
    )
    return Site(lines=lines, plcs=tuple(plan.plc for plan in plcs)), addresses


def _draw_machine(random: Random, plan: PlcPlan, number: int, line_id: str) -> Equipment:
    is_word = random.random() < 0.3
    spread = random.choice((1, 16, 500))  # neighbours, or far apart in the PLC's memory
    addresses = {TagRole.STATUS: f"D{number * spread}" if is_word else f"M{number * spread}"}
    if random.random() < 0.8:
        is_bit = random.random() < 0.7
        addresses[TagRole.ERROR] = f"M{4000 + number}" if is_bit else f"D90.{number:X}"
    has_map = is_word and random.random() < 0.5
    if not has_map and random.random() < 0.3:
        addresses[TagRole.IDLE] = f"M{6000 + number}"
    return Equipment(
        code=f"KRCWO12ELOA{number:03}",
        name=f"설비 {number}",
        line_id=line_id,
        plc_id=plan.plc.id,
        addresses=addresses,
        rule=StatusRule(
            stop_after_s=random.choice((None, 0.0, 60.0, 300.0)),
            stale_after_s=max(3.0, random.choice((1.6, 3.0, 3.0)) * plan.spacing_s),
            value_map=_VALUE_MAP if has_map else None,
        ),
    )


def _draw_screen(random: Random, site: Site, tick_period_s: float) -> ScreenPlan:
    return ScreenPlan(
        line_id=random.choice((None, *(line.id for line in site.lines))),
        encoding=random.choice((Encoding.PLAIN, Encoding.PLAIN, Encoding.DEFLATE)),
        is_direct=random.random() < 0.5,
        room_frames=random.randint(1, 3),
        good_s=tick_period_s * random.choice((5.0, 10.0, 40.0, 1e9)),
        bad_s=tick_period_s * random.choice((3.0, 8.0, 30.0)),
    )
