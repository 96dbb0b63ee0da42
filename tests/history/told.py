"""What a recorder hears in tests, and batches made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from builders import T0_S, code, instant, site, site_change, snapshot, state_change
from lineside.core.model import Instant, Site, Snapshot, Status
from lineside.history.recorder import Recorder
from lineside.history.records import (
    Batch,
    ChangeRecord,
    Record,
    Run,
    RunCause,
    ServerEventKind,
    ServerRecord,
)

T0_MS = round(T0_S * 1000)


def a_run(number: int = 1, started_ms: int = T0_MS) -> Run:
    return Run(key=1000 + number, started_ms=started_ms, cause=RunCause.START, version="1.2.3")


def a_change(
    seq: int, at_ms: int, status: Status | None = Status.RUNNING, number: int = 101
) -> ChangeRecord:
    return ChangeRecord(
        seq=seq,
        equipment_code=code(number),
        at_ms=at_ms,
        previous=Status.RUNNING if status is Status.IDLE else Status.IDLE,
        status=status,
        reason="running" if status else None,
        tag="M101",
        value="1",
        since_ms=at_ms,
        detail="상태 'quoted'",
        tags='[["status_tag","M101",1,12]]',
    )


def a_server_event(seq: int, at_ms: int) -> ServerRecord:
    return ServerRecord(seq=seq, at_ms=at_ms, kind=ServerEventKind.START, detail="for a test")


def a_batch(
    run: Run,
    records: Sequence[Record],
    *,
    alive_ms: int | None = None,
    stopped_ms: int | None = None,
) -> Batch:
    last_ms = records[-1].at_ms if records else run.started_ms
    return Batch(
        run=run,
        alive_ms=last_ms if alive_ms is None else alive_ms,
        stopped_ms=stopped_ms,
        records=tuple(records),
    )


def tick(
    sequence: int, *, plant: Site | None = None, at_s: float | None = None, step_s: float = 0.0
) -> Snapshot:
    """A tick `sequence` seconds after T0; `step_s` is by how much the wall clock was set."""
    true_s = T0_S + sequence if at_s is None else at_s
    at = Instant(unix_s=true_s + step_s, monotonic_s=instant(true_s).monotonic_s)
    return replace(snapshot(plant or site(), sequence=sequence, at_s=true_s), at=at)


__all__ = ["T0_MS", "T0_S", "code", "site", "site_change", "state_change"]


def with_previous(batch: Batch) -> Batch:
    """Return `batch` with the status before each change, as a server records it."""
    last: dict[str, Status | None] = {}
    records: list[Record] = []
    for record in batch.records:
        if isinstance(record, ChangeRecord):
            before = last.get(record.equipment_code)
            last[record.equipment_code] = record.status
            record = replace(record, previous=before)
        records.append(record)
    return replace(batch, records=tuple(records))


def taken(recorder: Recorder, at_once: int) -> list[Batch]:
    """Take all that a recorder has lined up, `at_once` records in a batch."""
    found = []
    while recorder:
        batch = recorder.take(at_once)
        assert batch is not None
        found.append(batch)
    return found
