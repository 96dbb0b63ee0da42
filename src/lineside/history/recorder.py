"""Hears the bus and lines up what is to be kept. It never waits and never touches a disk.

It runs where the bus runs; `take` is called from the history's thread. What cannot be lined up,
because the queue is full, is counted as lost, and ends the run: a new one begins at the first tick
that finds room, from what that tick shows. So the time between comes out as unseen. The same is
done after the board did not tick for a while, and after the wall clock was set.

A computer without a battery for its clock starts with a wrong one, and sets it right soon after.
What was recorded since the start is moved then to when it really was; otherwise it would lie over
the time before the start, and the same minutes would be told twice. A clock that is set later
leaves what was recorded by it where it is: figures of days must not move with a hand on the clock.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
import structlog

from lineside.core.limits import FRESH_FOR_S
from lineside.core.model import (
    Instant,
    PlcLink,
    PlcState,
    SiteChange,
    Snapshot,
    StateChange,
)
from lineside.core.ports import BusMessage
from lineside.core.times import unix_ms
from lineside.history.records import (
    AlarmRecord,
    Batch,
    ChangeRecord,
    Record,
    Run,
    RunCause,
    ServerEventKind,
    ServerRecord,
    change_record,
    config_record,
    plc_record,
)

QUEUE_MAX = 100_000
NOTES_MAX = 100
GAP_S = FRESH_FOR_S  # without a tick; what happened in the meantime is not known
CLOCK_STEP_S = 1.0  # between two ticks
SET_RIGHT_WITHIN_S = 600.0  # of the start: a step of the clock corrects what it has recorded
LATE_MAX_MS = 5_000  # by which a change may be older than the last tick

_Matter: TypeAlias = StateChange | PlcState | SiteChange | ServerRecord | ChangeRecord | AlarmRecord


_log = structlog.get_logger("lineside.history")


class _Heard(msgspec.Struct, frozen=True, gc=False):
    """One matter in the queue. `is_end`: the run is over at `at_ms`.

    `corrected_ms`: by how much the run's clock was behind.
    """

    run: Run
    seq: int
    at_ms: int
    matter: _Matter | None
    is_end: bool = False
    corrected_ms: int | None = None


class _Early(msgspec.Struct, frozen=True):
    """A run that was recorded before the clock was set right; when it ended, by its own clock."""

    run: Run
    last_seq: int
    end_ms: int
    corrected_ms: int


class Recorder:
    """The bus handler. All but `take`, `tear` and `note` belong to the bus's thread."""

    def __init__(
        self,
        version: str,
        wake: Callable[[], None] = lambda: None,
        *,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        """Prepare; the first message begins the first run.

        Args:
            version: of Lineside, kept with each run.
            wake: called when something stands in an empty queue.
            queue_max: how much waits in memory at most.
        """
        self._version = version
        self._wake = wake
        self._queue_max = queue_max
        self._queue: deque[_Heard] = deque()
        self._run: Run | None = None
        self.first_key: int | None = None  # of the first run of this server
        self.began_ms: int | None = None  # when that began
        self._seq = 0
        self._is_torn = False  # nothing more is taken into this run
        self._renewal: RunCause | None = None  # why the next tick begins another
        self._last_ms: dict[str, int] = {}  # of each machine's last change in this run
        self._links: dict[str, PlcLink] = {}
        self._codes: frozenset[str] | None = None
        self._site: SiteChange | None = None
        self._tick_at: Instant | None = None
        self._first_tick_at: Instant | None = None
        self._tick_seq = 0  # how much was heard in this run up to the last tick
        self._early: list[_Early] = []
        self._is_over = False
        self._notes: deque[ServerRecord] = deque(maxlen=NOTES_MAX)
        # The run, up to when all of it is in the queue or has left it, and the number of its
        # newest record then; one value for the other thread.
        self._alive: tuple[Run, int, int] | None = None
        self.in_hand: Batch | None = None  # the writer's: taken, and not kept yet
        self.lost_count = 0
        self.heard_count = 0
        self.set_right_ms = 0  # by how much all recorded since the start has been moved

    def on_message(self, message: BusMessage) -> None:
        """Take one message from the bus."""
        if self._is_over:
            return
        if isinstance(message, Snapshot):
            self._take_snapshot(message)
        elif isinstance(message, StateChange):
            self._take_change(message)
        else:
            self._take_site(message)

    def tear(self, cause: RunCause) -> None:
        """Let the next tick begin a new run: what is stored of this one is not whole."""
        self._renewal = cause

    def lose(self) -> None:
        """Count one record as lost, and let the next tick begin a new run: the time is unseen."""
        self.lost_count += 1
        self._renewal, self._is_torn = RunCause.LOST, True

    def note(self, kind: ServerEventKind, at_ms: int, detail: str) -> None:
        """Keep, with the next tick, that something happened to the history. For any thread."""
        self._notes.append(ServerRecord(seq=0, at_ms=at_ms, kind=kind, detail=detail))

    def offer(self, record: AlarmRecord) -> bool:
        """Line up what no message of the bus has brought; say whether there is room for it.

        Unlike a message, what is refused is not lost: it can be offered again.
        """
        has_room = len(self._queue) < self._queue_max
        if self._is_over or self._alive is None or self._is_torn or not has_room:
            return False
        self._put(self._alive[1], record)
        return True

    def end(self, at_s: float) -> None:
        """End the run: the server stops. What comes after is not heard."""
        self._is_over = True
        if self._run is None:
            return
        at_ms = self._not_before(unix_ms(at_s))
        self._put(at_ms, ServerRecord(seq=0, at_ms=at_ms, kind=ServerEventKind.STOP))
        self._put(at_ms, None, is_end=True)

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest in the queue happened."""
        try:
            return self._queue[0].at_ms
        except IndexError:
            return None

    @property
    def alive(self) -> tuple[int, int] | None:
        """The key of the run that goes on, and its last tick in ms; None before the first."""
        alive = self._alive
        return None if alive is None else (alive[0].key, alive[1])

    def take(self, records_max: int) -> Batch | None:
        """Return the oldest of the queue as a batch of one run, or a mere sign of life.

        For the history's thread. What it returns has left the queue.
        """
        # Looked at before the queue: whatever happened up to then is in the queue by now.
        alive = self._alive
        heard: list[_Heard] = []
        queue = self._queue
        while queue and len(heard) < records_max:
            if heard and (queue[0].run is not heard[0].run or heard[-1].is_end):
                break
            heard.append(queue.popleft())
        if not heard:
            if alive is None:
                return None
            return Batch(run=alive[0], alive_ms=alive[1], last_seq=alive[2])
        run, last = heard[0].run, heard[-1]
        alive_ms = last.at_ms
        if not queue and alive is not None and alive[0] is run:
            alive_ms = max(alive_ms, alive[1])
        return Batch(
            run=run,
            alive_ms=alive_ms,
            stopped_ms=last.at_ms if last.is_end else None,
            records=self._records(heard),
            last_seq=last.seq,
            corrected_ms=last.corrected_ms,
        )

    def _records(self, heard: Sequence[_Heard]) -> tuple[Record, ...]:
        records: list[Record] = []
        for each in heard:
            try:
                record = _record(each)
            except Exception:  # noqa: BLE001 -- a fault of ours must not end all recording
                _log.exception("history: a record could not be made")
                self.lost_count += 1
                self.tear(RunCause.LOST)
                continue
            if record is not None:
                records.append(record)
        return tuple(records)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        now, before = snapshot.at, self._tick_at
        self._tick_at = now
        if self._first_tick_at is None:
            self._first_tick_at = now
        if before is not None and self._run is not None:
            cause, detail = _why_a_new_run(before, now)
            if self._renewal is not None:
                cause, detail = self._renewal, f"{self.lost_count} lost since the start"
            if cause is not None:
                self._begin_again(cause, detail, snapshot, before)
        if self._is_torn or self._run is None:
            return
        while self._notes:
            note = self._notes.popleft()
            self._put(note.at_ms, note)
        for plc in snapshot.plcs:
            if self._links.get(plc.id) is not plc.link:
                self._links[plc.id] = plc.link
                self._put(unix_ms(now.unix_s), plc)
        self._tick_seq = self._seq
        if not self._is_torn:
            self._alive = (self._run, self._not_before(unix_ms(now.unix_s)), self._seq)

    def _take_change(self, change: StateChange) -> None:
        if self._codes is not None and change.equipment_code not in self._codes:
            return  # decided before the machine was removed from the site
        if self._run is None:
            self._begin(RunCause.START, unix_ms(change.at_s))
        code = change.equipment_code
        # A slow answer is older than what was decided meanwhile. Much older is only a clock that
        # was set, of which the next tick will tell: it happened after the last one.
        at_ms, tick_ms = unix_ms(change.at_s), self._not_before(0)
        if at_ms < tick_ms - LATE_MAX_MS:
            at_ms = tick_ms
        at_ms = max(at_ms, self._last_ms.get(code, 0))
        self._last_ms[code] = at_ms
        self._put(at_ms, _by_clock_of(change, self._tick_at))

    def _take_site(self, message: SiteChange) -> None:
        at_ms = unix_ms(message.at_s)
        if self._run is None:
            self._begin(RunCause.START, at_ms)
        else:
            at_ms = self._not_before(at_ms)
            self._put(at_ms, ServerRecord(seq=0, at_ms=at_ms, kind=ServerEventKind.CONFIG))
        codes = frozenset(each.code for line in message.site.lines for each in line.equipment)
        for code in sorted((self._codes or codes) - codes):
            gone_ms = max(at_ms, self._last_ms.pop(code, 0))
            self._put(gone_ms, _gone(code, gone_ms))
        self._codes = codes
        self._site = message
        self._put(at_ms, message)

    def _begin(self, cause: RunCause, at_ms: int, detail: str = "") -> None:
        # Two runs that begin in the same millisecond have different keys.
        key = (at_ms << 20) | secrets.randbits(20)
        self._run = Run(key=key, started_ms=at_ms, cause=cause, version=self._version)
        if self.first_key is None:
            self.first_key, self.began_ms = key, at_ms
        self._seq = 0
        self._last_ms.clear()
        self._links.clear()
        self._alive = (self._run, at_ms, 0)
        kind = ServerEventKind(cause.value)
        self._put(at_ms, ServerRecord(seq=0, at_ms=at_ms, kind=kind, detail=detail))

    def _begin_again(
        self, cause: RunCause, detail: str, snapshot: Snapshot, before: Instant
    ) -> None:
        """End the run where it was last whole, and begin another with what the tick shows."""
        states = [state for line in snapshot.lines for state in line.equipment]
        if len(self._queue) + 2 * len(states) > self._queue_max // 2:
            self._renewal, self._is_torn = cause, True
            return
        assert self._run is not None and self._alive is not None, "a run goes on"  # noqa: S101, PT018
        self._renewal, self._is_torn = None, False
        self._end_run(cause, before, snapshot.at)
        at_ms = unix_ms(snapshot.at.unix_s)
        self._begin(cause, at_ms, detail)
        if self._site is not None:  # it may have been lost, or recorded by another clock
            self._put(at_ms, self._site)
        for line in snapshot.lines:
            for state in line.equipment:
                self._last_ms[state.code] = at_ms
                change = StateChange(
                    line_id=line.id,
                    equipment_code=state.code,
                    at_s=snapshot.at.unix_s,
                    previous=None,
                    status=state.status,
                    reason=state.reason,
                    tags=state.tags,
                )
                self._put(at_ms, _by_clock_of(change, snapshot.at))

    def _end_run(self, cause: RunCause, before: Instant, now: Instant) -> None:
        """End the run that goes on, and correct those since the start if the clock was set right.

        After a step alone the board has gone on ticking: unless something was heard since the last
        tick, of which it is not known which clock it had, the run ends where the next one begins.
        """
        assert self._run is not None and self._alive is not None, "a run goes on"  # noqa: S101, PT018
        assert self._first_tick_at is not None, "it has ticked"  # noqa: S101
        end_ms, step_s = self._alive[1], _step_s(before, now)
        if cause is RunCause.LOST:  # what is lost may be a little older
            end_ms = max(self._run.started_ms, end_ms - LATE_MAX_MS)
        if now.monotonic_s - self._first_tick_at.monotonic_s > SET_RIGHT_WITHIN_S:
            self._early.clear()
            self._put(end_ms, None, is_end=True)
            return
        is_step = abs(step_s) >= CLOCK_STEP_S
        is_quiet = self._seq == self._tick_seq
        if is_step and is_quiet and now.monotonic_s - before.monotonic_s <= GAP_S:
            end_ms = max(end_ms, unix_ms(now.unix_s - step_s))
        self._early.append(_Early(self._run, self._seq, end_ms, 0))
        if not is_step:
            self._put(end_ms, None, is_end=True)
            return
        step_ms = round(step_s * 1000)
        self.set_right_ms += step_ms
        self._early = [
            msgspec.structs.replace(each, corrected_ms=each.corrected_ms + step_ms)
            for each in self._early
        ]
        for each in self._early:
            heard = _Heard(each.run, each.last_seq, each.end_ms, None, True, each.corrected_ms)
            self._line_up(heard)

    def _not_before(self, at_ms: int) -> int:
        """Return `at_ms`, or the last sign of life of the run when that is later."""
        return at_ms if self._alive is None else max(at_ms, self._alive[1])

    def _put(self, at_ms: int, matter: _Matter | None, *, is_end: bool = False) -> None:
        run = self._run
        assert run is not None, "a run goes on"  # noqa: S101
        if self._is_torn or len(self._queue) >= self._queue_max:
            self._renewal, self._is_torn = RunCause.LOST, True
            self.lost_count += 1
            return
        if not is_end:  # which is no record: numbers of records have no gaps
            self._seq += 1
        self.heard_count += 1
        self._line_up(_Heard(run, self._seq, at_ms, matter, is_end))

    def _line_up(self, heard: _Heard) -> None:
        self._queue.append(heard)
        if len(self._queue) == 1:
            self._wake()


def _why_a_new_run(before: Instant, now: Instant) -> tuple[RunCause | None, str]:
    """Return why the run cannot go on over two ticks, for machines and for people."""
    passed_s = now.monotonic_s - before.monotonic_s
    if passed_s > GAP_S:
        return RunCause.GAP, f"no tick for {passed_s:.1f} s"
    step_s = _step_s(before, now)
    if abs(step_s) >= CLOCK_STEP_S:
        return RunCause.CLOCK_STEP, f"the clock was set by {step_s:+.1f} s"
    return None, ""


def _step_s(before: Instant, now: Instant) -> float:
    """Return by how much the wall clock was set between two ticks; forward is positive."""
    return now.unix_s - before.unix_s - (now.monotonic_s - before.monotonic_s)


def _by_clock_of(change: StateChange, tick_at: Instant | None) -> StateChange:
    """Return `change` with the begin of a wait as the clock of the last tick would have told it.

    The clock may have been set since then; what is judged by the wait is measured with the other
    one.
    """
    reason = change.reason
    if tick_at is None or reason.since_s is None or reason.since_monotonic_s is None:
        return change
    since_s = tick_at.unix_s - (tick_at.monotonic_s - reason.since_monotonic_s)
    if abs(since_s - reason.since_s) < CLOCK_STEP_S:
        return change
    return msgspec.structs.replace(change, reason=msgspec.structs.replace(reason, since_s=since_s))


def _record(heard: _Heard) -> Record | None:
    matter = heard.matter
    if isinstance(matter, StateChange):
        return change_record(heard.seq, heard.at_ms, matter)
    if isinstance(matter, PlcState):
        return plc_record(heard.seq, heard.at_ms, matter)
    if isinstance(matter, SiteChange):
        return config_record(heard.seq, heard.at_ms, matter.site)
    if matter is None:
        return None
    if isinstance(matter, AlarmRecord):
        return msgspec.structs.replace(matter, seq=heard.seq, at_ms=heard.at_ms)
    return msgspec.structs.replace(matter, seq=heard.seq)


def _gone(code: str, at_ms: int) -> ChangeRecord:
    return ChangeRecord(seq=0, equipment_code=code, at_ms=at_ms, previous=None, status=None)
