"""Hand-made plants for the web tests: small, complete, and on a clock that tests turn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import httpx

from lineside.core.model import (
    CpuState,
    Equipment,
    EquipmentState,
    Instant,
    Line,
    LineState,
    Plc,
    PlcFault,
    PlcLink,
    PlcState,
    Quality,
    Reason,
    ReasonCode,
    Site,
    SiteChange,
    Snapshot,
    StateChange,
    Status,
    TagRole,
    TagState,
)
from lineside.history.service import History
from lineside.hub.subscribers import HubMetrics
from lineside.web.gate import Gate, gate_rules
from lineside.web.http import create_app
from lineside.web.live import LiveView
from lineside.web.views import ServerInfo

T0_S = 1_762_165_845.0  # 2025-11-03T10:30:45Z

FIVE_STATUSES = tuple(Status)


class TurnedClock:
    """A clock that stands until a test turns it. Both sides move together."""

    def __init__(self, unix_s: float = T0_S) -> None:
        self.unix_s = unix_s

    def __call__(self) -> Instant:
        return instant(self.unix_s)

    def turn(self, seconds: float) -> None:
        self.unix_s += seconds


def instant(unix_s: float) -> Instant:
    return Instant(unix_s=unix_s, monotonic_s=unix_s - T0_S + 1000.0)


def code(number: int) -> str:
    return f"KRCWO12ELOA{number:03d}"


def equipment(number: int, *, line_id: str = "weld1", plc_id: str | None = "PLC01") -> Equipment:
    return Equipment(
        code=code(number),
        name=f"로봇 용접 {number}",
        line_id=line_id,
        plc_id=plc_id,
        addresses={TagRole.STATUS: f"M{number}", TagRole.ERROR: f"M{number + 100}"},
        position=(8.0, 20.0) if number % 2 else None,
    )


def line(
    line_id: str, numbers: Iterable[int], *, name: str = "용접 1라인", floor_plan: str | None = None
) -> Line:
    return Line(
        id=line_id,
        name=name,
        equipment=tuple(equipment(number, line_id=line_id) for number in numbers),
        floor_plan=floor_plan,
    )


def site(*lines: Line) -> Site:
    return Site(
        lines=lines or (line("weld1", range(101, 106)), line("pack", range(201, 203), name="포장")),
        plcs=(
            Plc(id="PLC01", driver="melsec", endpoint="192.168.3.39:5010 TCP 3E binary"),
            Plc(id="PLC02", driver="melsec", endpoint="192.168.3.40:5010 TCP 3E ascii"),
        ),
        is_demo=True,
    )


def equipment_state(
    machine: Equipment, status: Status = Status.RUNNING, *, at_s: float = T0_S
) -> EquipmentState:
    was_read = status is not Status.DISCONNECTED
    return EquipmentState(
        code=machine.code,
        name=machine.name,
        plc_id=machine.plc_id,
        status=status,
        since_s=at_s - 12.0,
        reason=Reason(
            code=ReasonCode.RUNNING if was_read else ReasonCode.PLC_LOST,
            since_s=at_s - 12.0,
            tag=machine.addresses[TagRole.STATUS],
            value=1 if was_read else None,
            until_s=at_s + 60.0 if status is Status.IDLE else None,
        ),
        status_value=1 if status is Status.RUNNING else 0,
        error_value=1 if status is Status.ERROR else 0,
        is_connected=was_read,
        last_updated_s=at_s - 0.25 if was_read else None,
        tags=tuple(
            TagState(
                role=role,
                address=address,
                value=1 if was_read else None,
                quality=Quality.GOOD if was_read else Quality.BAD,
                read_at_s=at_s - 0.25 if was_read else None,
                reason="" if was_read else "the PLC does not answer",
            )
            for role, address in machine.addresses.items()
        ),
    )


def plc_states(at_s: float) -> tuple[PlcState, ...]:
    return (
        PlcState(
            id="PLC01",
            link=PlcLink.ONLINE,
            since_s=at_s - 100.0,
            last_read_s=at_s - 0.25,
            cpu_state=CpuState.RUN,
            latency_last_ms=4.0,
            latency_p50_ms=3.5,
            latency_p95_ms=9.25,
            data_age_last_ms=12.0,
            data_age_p50_ms=11.5,
            data_age_p95_ms=14.25,
            lead_ms=11.0,
            late_poll_count=2,
            poll_count=200,
            request_count=400,
            requests_per_poll=2,
        ),
        PlcState(
            id="PLC02",
            link=PlcLink.LOST,
            since_s=at_s - 30.0,
            last_fault=PlcFault(
                message="The PLC refused the request.",
                cause="Remote password.",
                end_code=0xC201,
                at_s=at_s - 1.5,
            ),
            fault_count=7,
            reconnect_count=3,
            backoff_s=4.0,
            next_attempt_s=at_s + 2.5,
        ),
    )


def snapshot(plant: Site, *, sequence: int = 1, at_s: float = T0_S) -> Snapshot:
    """One tick in which the machines of each line go through the five statuses in order."""
    return Snapshot(
        at=instant(at_s),
        sequence=sequence,
        lines=tuple(
            LineState(
                id=each.id,
                name=each.name,
                equipment=tuple(
                    equipment_state(machine, FIVE_STATUSES[index % 5], at_s=at_s)
                    for index, machine in enumerate(each.equipment)
                ),
            )
            for each in plant.lines
        ),
        plcs=plc_states(at_s),
    )


def site_change(plant: Site, *, at_s: float = T0_S) -> SiteChange:
    return SiteChange(site=plant, at_s=at_s)


def state_change(
    number: int,
    status: Status,
    *,
    at_s: float = T0_S,
    previous: Status | None = Status.RUNNING,
    line_id: str = "weld1",
) -> StateChange:
    if previous is status:
        previous = Status.IDLE if status is Status.RUNNING else Status.RUNNING
    return StateChange(
        line_id=line_id,
        equipment_code=code(number),
        at_s=at_s,
        previous=previous,
        status=status,
        reason=Reason(code=ReasonCode.ERROR_TAG, since_s=at_s, tag="M200", value=1),
    )


QUIET_HUB = HubMetrics(
    subscribers=0,
    aside=0,
    frames_sent_total=0,
    bytes_sent_total=0,
    missed_ticks_total=0,
    slowed_total=0,
    aborted_total=0,
    failed_total=0,
    rejected_total=0,
    last_broadcast_s=0.0,
)


class WebPlant:
    """The web application over a hand-made plant; the test is the bus and turns the clock."""

    def __init__(
        self,
        plant: Site | None = None,
        *,
        static_dir: Path | None = None,
        hub_stats: HubMetrics = QUIET_HUB,
        history: History | None = None,
    ) -> None:
        self.clock = TurnedClock()
        self.live = LiveView(self.clock)
        self.site = plant or site()
        self.app = create_app(
            self.live,
            lambda: hub_stats,
            ServerInfo(version="1.2.3", started_at_s=T0_S - 60.0),
            self.clock,
            static_dir=static_dir,
            history=history,
        )
        self._sequence = 0

    def configure(self, plant: Site | None = None) -> None:
        self.site = plant or self.site
        self.live.on_message(site_change(self.site, at_s=self.clock.unix_s))

    def tick(self) -> None:
        self._sequence += 1
        self.live.on_message(snapshot(self.site, sequence=self._sequence, at_s=self.clock.unix_s))

    @classmethod
    def ticking(cls, plant: Site | None = None, *, static_dir: Path | None = None) -> WebPlant:
        built = cls(plant, static_dir=static_dir)
        built.configure()
        built.tick()
        return built

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: object = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        # A defect must answer 500 here as it does behind uvicorn, not fail the client.
        gated = Gate(self.app, gate_rules("plant"))
        transport = httpx.ASGITransport(gated, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://plant:8000") as client:
            return await client.request(method, path, headers=headers, json=body, content=content)
