"""The words of Lineside as data: what is configured, what was read, what was decided.

Everything that flows each tick is a frozen `msgspec.Struct`. Nothing here does I/O or asks a clock;
times come in as arguments. Names ending in `_s` are seconds and, unless they name a duration, Unix
time in UTC. Ages and deadlines are measured on the monotonic side of `Instant`, so that a stepped
wall clock can neither make old data look live nor make live data look old.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

import msgspec

from lineside.core.alarm_bits import AlarmBits
from lineside.core.alarm_text import AlarmRules, AlarmText
from lineside.core.calendar import PlantCalendar

Scalar: TypeAlias = bool | int | float | str


class Status(StrEnum):
    """The five statuses of the contract, and no sixth."""

    RUNNING = "running"
    IDLE = "idle"
    STOPPED = "stopped"
    ERROR = "error"
    DISCONNECTED = "disconnected"


class Quality(StrEnum):
    """How far a value may be believed (the three classes of OPC quality)."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


class CpuState(StrEnum):
    """What the PLC's CPU says of itself; `UNKNOWN` where the PLC does not tell."""

    RUN = "run"
    STOP = "stop"
    PAUSE = "pause"
    UNKNOWN = "unknown"


class PlcLink(StrEnum):
    """How things stand between the poller and one PLC.

    `RETRYING` is one failed poll with the first reconnection still ahead: its data ages, but it is
    not given up. `LOST` means that reconnecting failed too.
    """

    CONNECTING = "connecting"
    ONLINE = "online"
    RETRYING = "retrying"
    LOST = "lost"


class TagRole(StrEnum):
    """What a tag means. All but the alarm code are for the status rule."""

    STATUS = "status_tag"
    ERROR = "error_tag"
    IDLE = "idle_tag"
    ALARM_CODE = "alarm_code_tag"


class ReasonCode(StrEnum):
    """Which row of the status rule fired. The monitor has one sentence per code and language."""

    NOT_CONFIGURED = "not_configured"
    NEVER_READ = "never_read"
    PLC_LOST = "plc_lost"
    PLC_NOT_IN_RUN = "plc_not_in_run"
    HEARTBEAT_STILL = "heartbeat_still"
    TAG_BAD = "tag_bad"
    STALE = "stale"
    UNMAPPED_VALUE = "unmapped_value"
    ERROR_TAG = "error_tag"
    RUNNING = "running"
    IDLE_TAG = "idle_tag"
    IDLE_WAIT = "idle_wait"
    STOP_ELAPSED = "stop_elapsed"
    VALUE_MAP = "value_map"
    OUTSIDE_SHIFT = "outside_shift"


class Instant(msgspec.Struct, frozen=True, kw_only=True):
    """One moment on both clocks: Unix time to show, monotonic time to measure with."""

    unix_s: float
    monotonic_s: float

    def age_s(self, now: Instant) -> float:
        """Return how many seconds lie between this moment and `now`, never below 0."""
        return max(0.0, now.monotonic_s - self.monotonic_s)


class TagValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value as a driver read it. `value` is None exactly when `quality` is BAD."""

    value: Scalar | None
    quality: Quality
    read_at: Instant
    reason: str = ""  # English; empty when GOOD


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One poll of one PLC: every planned address, as written in the config, with its value.

    `remark` is what the poll went without, for people; most often nothing.
    """

    plc_id: str
    read_at: Instant
    latency_s: float
    request_count: int
    cpu_state: CpuState
    tags: Mapping[str, TagValue]
    remark: str = ""


class StatusRule(msgspec.Struct, frozen=True, kw_only=True):
    """The thresholds of the status rule for one machine.

    `stop_after_s` None means "never": a machine that waits stays idle. 0 means stopped at once.
    `value_map` turns the status tag's value into a status and replaces the 0/1 reading of it.
    `error_hold_s` is how long a fault stays after its tag was last seen on: longer than a lamp that
    blinks is seen dark. 0: a fault is over when its tag is off.
    """

    stop_after_s: float | None = 300.0
    stale_after_s: float = 3.0
    value_map: Mapping[int, Status] | None = None
    error_hold_s: float = 0.0


class Equipment(msgspec.Struct, frozen=True, kw_only=True):
    """One machine as configured. Addresses are in the PLC's own syntax; None where not mapped.

    `alarm_table` names the messages in `Site.alarm_tables` for what its alarm code says.
    `alarm_bits` says which alarm each bit of the alarm code's word is; None: the word is one code.
    `has_own_stop_after`: its `stop_after` stands beside it, and is not that of its line.
    """

    code: str
    name: str
    line_id: str
    plc_id: str | None = None
    addresses: Mapping[TagRole, str] = {}
    rule: StatusRule = StatusRule()
    position: tuple[float, float] | None = None  # percent of the floor plan's width and height
    alarm_table: str | None = None
    alarm_bits: AlarmBits | None = None
    has_own_stop_after: bool = False

    @property
    def is_configured(self) -> bool:
        """Whether there is anything to read: a PLC and at least a status tag."""
        return self.plc_id is not None and TagRole.STATUS in self.addresses


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An ordered set of machines. `floor_plan` is the path of an image file, or None."""

    id: str
    name: str
    equipment: tuple[Equipment, ...]
    stop_after_s: float | None = 300.0
    stale_after_s: float = 3.0
    floor_plan: str | None = None


class Plc(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine and the page know of one PLC; how to speak to it is the driver's business.

    `source` changes exactly when values may come from another machine than before. `has_lamps`:
    some of its tags blink while they are on, so that it is looked at between polls too.
    """

    id: str
    driver: str
    endpoint: str  # for people: "192.168.3.39:5010 TCP 3E binary"
    source: str = ""
    period_s: float = 1.0
    heartbeat: str | None = None
    heartbeat_timeout_s: float = 3.0
    has_lamps: bool = False


class KpiRules(msgspec.Struct, frozen=True, kw_only=True):
    """What reports count as what.

    Stops up to `micro_stop_ms` are micro-stops; errors shorter than `failure_after_ms` are no
    failures.
    """

    micro_stop_ms: int = 120_000
    failure_after_ms: int = 0


class DowntimeReason(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to why a machine stood. `parent` is the code of the reason that it is a kind of.

    `name_en` None: the English page shows `name`.
    """

    code: str
    name: str
    name_en: str | None = None
    parent: str | None = None


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The whole plant as configured; replaced as one piece when the config changes."""

    lines: tuple[Line, ...]
    plcs: tuple[Plc, ...]
    is_demo: bool = False
    calendar: PlantCalendar = PlantCalendar()
    kpi_rules: KpiRules = KpiRules()
    downtime_reasons: tuple[DowntimeReason, ...] = ()
    alarm_rules: AlarmRules = AlarmRules()
    alarm_tables: Mapping[str, Mapping[int, AlarmText]] = {}


class PlcFault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a PLC could not be read: the plain fact, and what most likely causes it."""

    message: str
    cause: str = ""
    end_code: int | None = None
    at_s: float


class PlcState(msgspec.Struct, frozen=True, kw_only=True):
    """One PLC's health at one moment.

    Latencies are per poll, over the last 100 polls. The age of its data is that of the newest good
    read when a tick shows it, over the last 100 ticks; `lead_ms` is how long before the tick it is
    asked, and `late_poll_count` how many of its answers came after theirs.
    """

    id: str
    link: PlcLink
    since_s: float
    last_fault: PlcFault | None = None
    last_read_s: float | None = None
    cpu_state: CpuState = CpuState.UNKNOWN
    latency_last_ms: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    data_age_last_ms: float | None = None
    data_age_p50_ms: float | None = None
    data_age_p95_ms: float | None = None
    lead_ms: float = 0.0
    poll_count: int = 0
    late_poll_count: int = 0
    fault_count: int = 0
    missed_poll_count: int = 0
    request_count: int = 0
    requests_per_poll: int = 0
    reconnect_count: int = 0
    backoff_s: float | None = None  # the wait that is running now; None while online
    next_attempt_s: float | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a machine has its status: which rule fired, on which tag and value, since when.

    `since_monotonic_s` is the same moment on the other clock, where a threshold is measured from
    it: the wall clock may have been set since.
    """

    code: ReasonCode
    since_s: float | None = None
    since_monotonic_s: float | None = None
    tag: str | None = None  # the address as configured
    value: Scalar | None = None
    until_s: float | None = None  # when idle becomes stopped, or work is planned again
    detail: str = ""  # English, for logs and for what no code can say


class TagState(msgspec.Struct, frozen=True, kw_only=True):
    """One configured tag of one machine as last seen; `value` keeps the last good value."""

    role: TagRole
    address: str
    value: Scalar | None
    quality: Quality
    read_at_s: float | None
    reason: str = ""


class EquipmentState(msgspec.Struct, frozen=True, kw_only=True):
    """One machine at one tick. `last_updated_s` is None until a first good read."""

    code: str
    name: str
    plc_id: str | None
    status: Status
    since_s: float
    reason: Reason
    status_value: int | float
    error_value: int
    is_connected: bool
    last_updated_s: float | None
    tags: tuple[TagState, ...]


class LineState(msgspec.Struct, frozen=True, kw_only=True):
    """One line at one tick, machines in configured order."""

    id: str
    name: str
    equipment: tuple[EquipmentState, ...]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The whole plant at one tick. `at` is the moment it was taken, just after a whole second."""

    at: Instant
    sequence: int
    lines: tuple[LineState, ...]
    plcs: tuple[PlcState, ...]


class StateChange(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What is known of one machine changed: its status, or within it what `core.known` counts.

    `previous` is None for its first status after a start, and the same as `status` where the status
    goes on. `tags` are the values that the rule saw.
    """

    line_id: str
    equipment_code: str
    at_s: float
    previous: Status | None
    status: Status
    reason: Reason
    tags: tuple[TagState, ...] = ()

    @property
    def is_of_status(self) -> bool:
        """Whether the status is another; else only what is known of it."""
        return self.previous is not self.status


class PastState(msgspec.Struct, frozen=True, kw_only=True):
    """What the history knows of one machine from before the start.

    It was last seen at `seen_until_s`, in `status` since `since_s`, and last seen running at
    `ran_until_s` (None: not in the time that was looked at).
    """

    status: Status
    since_s: float
    seen_until_s: float
    ran_until_s: float | None = None


class SiteChange(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The configuration was replaced; what follows on the bus is about `site`."""

    site: Site
    at_s: float


class AddressProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why an address cannot be read on this kind of PLC, and what to write in its place."""

    address: str
    message: str
    hint: str = ""


class PlannedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a poll: what it reads, for people, and how much."""

    summary: str  # "0401 batch read words M96..M223"
    word_count: int
    addresses: tuple[str, ...]


class ReadingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one poll of one PLC asks for, in order.

    `shortest_period_s` is the period below which the plan cannot be expected to finish in time on
    such a PLC (from the protocol's measured response times).
    """

    plc_id: str
    requests: tuple[PlannedRequest, ...]
    shortest_period_s: float
