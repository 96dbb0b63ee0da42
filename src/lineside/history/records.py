"""What the history is made of, as data: batches of records on their way to the database.

Times are Unix milliseconds in UTC (names end in `_ms`). A *run* is a span of time in which every
change was recorded; what lies in no run was seen by nobody. Pure: no I/O, no clock.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TypeAlias

import msgspec

from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, AlarmNote
from lineside.core.model import PlcLink, PlcState, Scalar, Site, StateChange, Status, TagState
from lineside.core.times import unix_ms

_encode_json = msgspec.json.Encoder().encode


LEASE_MS = 30_000  # of who records; signs of life are stored every few seconds


class RunCause(StrEnum):
    """Why a run began."""

    START = "start"  # of the server
    GAP = "gap"  # the board did not tick: the computer slept or was stuck
    CLOCK_STEP = "clock_step"  # the wall clock was set
    LOST = "lost"  # changes could not be kept
    DATABASE_REPLACED = "database_replaced"  # the file was taken away under the running server


class ServerEventKind(StrEnum):
    """What happened to the server, or to the history itself."""

    START = "start"
    STOP = "stop"
    CONFIG = "config"
    GAP = "gap"
    CLOCK_STEP = "clock_step"
    LOST = "lost"
    DATABASE_REPLACED = "database_replaced"
    HISTORY_BEHIND = "history_behind"
    HISTORY_CAUGHT_UP = "history_caught_up"
    ALARMS_WAITING = "alarms_waiting"  # more faults rose at once than are raised in a minute
    ALARMS_CAUGHT_UP = "alarms_caught_up"
    ALARMS_MISSING = "alarms_missing"  # of faults that were over when the server ended


class Run(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One run, as it began. `key` is one of a kind, in whichever database it is stored."""

    key: int
    started_ms: int
    cause: RunCause
    version: str


class ChangeRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="change"):
    """One status change. `status` None: the machine left the configuration and is not watched.

    `value` and `tags` are JSON; `seq` counts the records of a run.
    """

    seq: int
    equipment_code: str
    at_ms: int
    previous: Status | None
    status: Status | None
    reason: str | None = None
    tag: str | None = None
    value: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    detail: str = ""
    tags: str = "[]"


class PlcRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="plc"):
    """One PLC's connection changed, or how it was when a run began."""

    seq: int
    plc_id: str
    at_ms: int
    link: PlcLink
    fault: str = ""
    cause: str = ""
    end_code: int | None = None


class ServerRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="server"):
    """Something happened to the server. `detail` is English, for people."""

    seq: int
    at_ms: int
    kind: ServerEventKind
    detail: str = ""


class ConfigRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="config"):
    """The configuration from `at_ms` on. `site` is the JSON of a `Site`; it holds no secrets."""

    seq: int
    at_ms: int
    fingerprint: str
    site: str


class AlarmRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="alarm"):
    """An alarm as it stands after `event`, which happened at `event_ms`.

    `event` None: nothing happened to it, but the database may never have heard of it. `at_ms` is
    the last tick before it was recorded. `text` is what the person `by` wrote. `is_moved`: its
    times were wrong, and these take their place.
    """

    seq: int
    at_ms: int
    alarm: Alarm
    event: AlarmEventKind | None = None
    event_ms: int = 0
    by: str = ""
    text: str = ""
    note: AlarmNote | None = None
    is_moved: bool = False


Record: TypeAlias = ChangeRecord | PlcRecord | ServerRecord | ConfigRecord | AlarmRecord


class Batch(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Some records of one run, in order; whole in itself, so that it can wait on a disk.

    Up to `alive_ms` nothing happened in the run but what stands in this batch and those before it.
    With `stopped_ms` the run is over. `last_seq` is the number of the run's newest record up to
    there, whether or not it stands in this batch, by which a gap is found; None: not told.
    With `stopped_ms` the run is over. Its times are those of the clock that it had; with
    `corrected_ms` that clock was wrong, and all of the run happened so much later in truth.
    """

    run: Run
    alive_ms: int
    stopped_ms: int | None = None
    records: tuple[Record, ...] = ()
    last_seq: int | None = None
    corrected_ms: int | None = None


class HistoryHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the history fares. `behind_s` 0 and no `error`: all that was heard is in the database.

    `behind_s` is the age of the oldest that is not; `spooled` and `spooled_bytes` wait on the disk
    and `queued` in memory; `lost` could be kept nowhere since the start, and `set_aside` pieces
    cannot be read or stored. `aside_files` hold such pieces, also of before the start, until a
    person removes them; `aside_oldest_ms` is when the oldest was written to. `wal_bytes` None: the
    database keeps its own log. `error` and `warnings` are English.
    `faults` counts defects of ours that were caught, and `left_out` stored rows that this version
    does not understand and so leaves out, both since the start.
    """

    is_enabled: bool = True
    database: str = ""  # for people, without a password
    behind_s: float = 0.0
    queued: int = 0
    spooled: int = 0
    spooled_bytes: int = 0
    written: int = 0
    lost: int = 0
    set_aside: int = 0
    aside_files: int = 0
    aside_oldest_ms: int | None = None
    wal_bytes: int | None = None
    faults: int = 0
    left_out: int = 0
    left_out_why: str = ""
    error: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def is_behind(self) -> bool:
        """Whether something heard is not in the database, for more than a moment."""
        return self.behind_s > 0 or self.spooled > 0 or bool(self.error)


class RunSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One run as stored. `end_ms` is when it stopped or, without a word, was last alive."""

    id: int
    started_ms: int
    end_ms: int


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """As much of a stored change as a restart remembers."""

    at_ms: int
    run_id: int
    status: Status | None


class StoredChange(msgspec.Struct, frozen=True, kw_only=True):
    """One status change with all that is known of it. `tags` and `value` are JSON."""

    equipment_code: str
    at_ms: int
    run_id: int
    seq: int
    previous: Status | None
    status: Status | None
    reason: str | None
    tag: str | None
    value: str | None
    since_ms: int | None
    until_ms: int | None
    detail: str
    tags: str


class StoredPlcEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One PLC's connection changed, or how it was when a run began. `fault` may be empty."""

    plc_id: str
    at_ms: int
    run_id: int
    seq: int
    link: PlcLink
    fault: str
    cause: str
    end_code: int | None


class StoredServerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the server. `detail` is English, for people; it may be empty."""

    at_ms: int
    run_id: int
    seq: int
    kind: ServerEventKind
    detail: str


def change_record(seq: int, at_ms: int, change: StateChange) -> ChangeRecord:
    """Return what is kept of `change`."""
    reason = change.reason
    return ChangeRecord(
        seq=seq,
        equipment_code=change.equipment_code,
        at_ms=at_ms,
        previous=change.previous,
        status=change.status,
        reason=reason.code,
        tag=storable(reason.tag) if reason.tag is not None else None,
        value=_json(reason.value) if reason.value is not None else None,
        since_ms=_ms_or_none(reason.since_s),
        until_ms=_ms_or_none(reason.until_s),
        detail=storable(reason.detail),
        tags=_json([_stored_tag(tag, at_ms) for tag in change.tags]),
    )


def plc_record(seq: int, at_ms: int, state: PlcState) -> PlcRecord:
    """Return what is kept of a PLC's connection."""
    fault = state.last_fault if state.link is not PlcLink.ONLINE else None
    return PlcRecord(
        seq=seq,
        plc_id=state.id,
        at_ms=at_ms,
        link=state.link,
        fault=storable(fault.message) if fault else "",
        cause=storable(fault.cause) if fault else "",
        end_code=fault.end_code if fault else None,  # 16 bits
    )


def config_record(seq: int, at_ms: int, site: Site) -> ConfigRecord:
    """Return `site` as a version of the configuration."""
    encoded = _encode_json(site)
    digest = hashlib.blake2b(encoded, digest_size=12).hexdigest()
    return ConfigRecord(seq=seq, at_ms=at_ms, fingerprint=digest, site=encoded.decode())


def alarm_record(alarm: Alarm, event: AlarmEvent) -> AlarmRecord:
    """Return what is kept of `alarm` and of the `event` that has just happened to it."""
    return AlarmRecord(
        seq=0,
        at_ms=0,
        alarm=alarm,
        event=event.kind,
        event_ms=event.at_ms,
        by=storable(event.by),
        text=storable(event.text),
        note=event.note,
    )


def decode_site(record: ConfigRecord) -> Site:
    """Return the site of a version of the configuration."""
    return msgspec.json.decode(record.site, type=Site)


def _stored_tag(tag: TagState, at_ms: int) -> list[Scalar | None]:
    """Return [role, address, value, ms between its last good read and the change, quality, why].

    The last two are left out where the quality is good, as it nearly always is.
    """
    age_ms = None if tag.read_at_s is None else at_ms - unix_ms(tag.read_at_s)
    stored: list[Scalar | None] = [tag.role.value, tag.address, tag.value, age_ms]
    return stored if tag.quality == "good" else [*stored, tag.quality.value, tag.reason]


def _json(value: object) -> str:
    return _encode_json(value).decode()


def storable(text: str) -> str:
    """Return `text` as every database takes it: PostgreSQL knows no NUL, UTF-8 no half pairs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _ms_or_none(unix_s: float | None) -> int | None:
    return None if unix_s is None else unix_ms(unix_s)
