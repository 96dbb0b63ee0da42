"""A random plant, played for days: a real board, recorder and alarm desk over a real database.

Quiet stretches are passed over: where no signal moves and nothing is due, a board that is asked
each second says the same each second. The recorder hears of them, every few seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from core.calendars import ms, plant, shift
from lineside.core.alarm_bits import AlarmBits
from lineside.core.alarm_text import AlarmRules
from lineside.core.board import Board
from lineside.core.calendar import WEEK
from lineside.core.model import (
    CpuState,
    Equipment,
    EquipmentState,
    Instant,
    Line,
    Plc,
    PlcFault,
    PlcLink,
    PlcState,
    Quality,
    Reading,
    Scalar,
    Site,
    SiteChange,
    Snapshot,
    StateChange,
    Status,
    StatusRule,
    TagRole,
    TagValue,
)
from lineside.history.alarm_desk import AlarmDesk
from lineside.history.recall import recall
from lineside.history.recorder import Recorder
from lineside.history.store import Store

TICK_MS = 3  # after each whole second
READ_S = 0.1  # before the tick that shows it
LATE_S = 0.4  # after a tick, what was read before it may come in
QUIET_S = 3  # the recorder must hear of a tick so often
BEGIN_S = ms("2026-03-02 05:30") // 1000
MAP = {
    0: Status.STOPPED,
    1: Status.RUNNING,
    2: Status.IDLE,
    3: Status.ERROR,
    4: Status.ERROR,
}
CODES = (12, 34, 56)
WORDS = (1, 4, 5, -0x8000, 13, -0x7FFF)  # of machines with one bit per alarm
BITS = AlarmBits(codes={0: 12, 2: 34, 15: 56})
SITE = Site(
    lines=(
        Line(
            id="weld1",
            name="용접 1라인",
            equipment=tuple(
                Equipment(
                    code=f"M{number}",
                    name=f"용접 {number}",
                    line_id="weld1",
                    plc_id=plc_id,
                    addresses={
                        TagRole.STATUS: f"M10{number}",
                        TagRole.ERROR: f"M20{number}",
                        TagRole.IDLE: f"M30{number}",
                        TagRole.ALARM_CODE: f"D20{number}",
                    },
                    rule=rule,
                    alarm_bits=bits,
                )
                for number, plc_id, rule, bits in (
                    (1, "PLC01", StatusRule(), None),
                    (2, "PLC01", StatusRule(stop_after_s=10.0), BITS),
                    (3, "PLC02", StatusRule(value_map=MAP), None),
                    (4, "PLC02", StatusRule(stop_after_s=None), BITS),
                )
            ),
        ),
    ),
    plcs=tuple(
        Plc(id=each, driver="melsec", endpoint="127.0.0.1:5010") for each in ("PLC01", "PLC02")
    ),
    calendar=plant(
        shift("day", "06:00-14:00", "10:00-10:10", "12:00-12:40", days=WEEK),
        shift("night", "22:00-30:00", "26:00-26:30", days=WEEK[:5]),
    ),
    alarm_rules=AlarmRules(on_delay_s=0.0, off_delay_s=0.0),
)
MACHINES = SITE.lines[0].equipment
_MOVED = replace(MACHINES[1], line_id="pack")
# The same plant with one machine in another line, which is there for its sake alone.
OTHER_SITE = replace(
    SITE,
    lines=(
        replace(SITE.lines[0], equipment=(MACHINES[0], *MACHINES[2:])),
        Line(id="pack", name="포장", equipment=(_MOVED,)),
    ),
)


class Said(NamedTuple):
    """What the board said of one machine."""

    status: str
    code: str
    tag: str | None
    value: Scalar | None
    alarm_code: Scalar | None
    since_ms: int
    line_id: str


class Play:
    """One plant over one history. `said` has, by tick in ms, what changed of what was said.

    None: the server was down.
    """

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.rng = Random(seed)
        self.now_s = BEGIN_S
        self.said: dict[str, list[tuple[int, Said | None]]] = {m.code: [] for m in MACHINES}
        self.values: dict[str, Scalar] = {}
        for machine in MACHINES:
            for role, address in machine.addresses.items():
                self.values[address] = int(role is TagRole.STATUS)
        self.links = dict.fromkeys(("PLC01", "PLC02"), PlcLink.ONLINE)
        self.stopped: set[str] = set()
        self.site = SITE

    async def play(self, seconds: int) -> None:
        """Play runs of the server one after another, with time between them."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            length_s = self.rng.choice((300, 20_000, 150_000))
            await self._run(min(end_s, self.now_s + length_s))
            self.now_s += self.rng.choice((2, 5, 60, 900))
            if self.rng.random() < 0.5:
                self._move()  # while nobody watches
            if self.rng.random() < 0.3:
                self._change_site()

    def clock(self) -> Instant:
        return _instant(self.now_s + TICK_MS / 1000)

    async def _run(self, end_s: int) -> None:
        self.board = Board(self.site, self.clock())
        self.recorder = Recorder("1")
        self.desk = AlarmDesk(self.recorder, self.clock)
        self._publish(SiteChange(site=self.site, at_s=self.now_s - 1.0))
        begin_ms = self.now_s * 1000
        for plc_id in self.links:
            self._note(plc_id)
        self._step()
        self.now_s += 1
        codes = [machine.code for machine in MACHINES]
        past = await recall(self.store, codes, begin_ms)
        self.desk.adopt(await self.store.alarms.recall(tuple(self.links), begin_ms))
        for change in self.board.recall(past, self.clock()):
            self._publish(change)
        self._step()
        self.now_s += 1
        next_s = self.now_s
        while self.now_s < end_s:
            if next_s <= self.now_s:
                self._move(is_watched=True)
                next_s = self.now_s + int(self.rng.expovariate(1 / 600)) + 1
            self._step()
            self._pass_quiet(min(next_s, end_s))
            if len(self.recorder) > 1_000:
                await self._store()
        self.recorder.end(self.clock().unix_s)
        await self._store()
        for moments in self.said.values():
            moments.append((self.now_s * 1000 + TICK_MS, None))

    async def _store(self) -> None:
        while self.recorder:
            batch = self.recorder.take(2_000)
            assert batch is not None
            await self.store.write([batch])

    def _change_site(self) -> None:
        self.site = OTHER_SITE if self.site is SITE else SITE

    def _move(self, *, is_watched: bool = False) -> None:
        """Let something happen."""
        rng = self.rng
        if rng.random() < 0.15:
            self._move_plc(rng.choice(tuple(self.links)))
            return
        if rng.random() < 0.02 and is_watched:
            self._change_site()
            self.board = Board(self.site, self.clock(), before=self.board)
            self._publish(SiteChange(site=self.site, at_s=self.now_s - 0.5))
            return
        machine = rng.choice(MACHINES)
        at = machine.addresses
        words = CODES if machine.alarm_bits is None else WORDS
        has_map = machine.rule.value_map is not None
        kind = rng.choice(("run", "wait", "idle tag", "fault", "code", "well"))
        if kind == "run":
            self.values[at[TagRole.STATUS]] = 1
            self.values[at[TagRole.ERROR]] = 0
        elif kind == "wait":
            self.values[at[TagRole.STATUS]] = rng.choice((*MAP, 9)) if has_map else 0
        elif kind == "idle tag":
            self.values[at[TagRole.IDLE]] = 1 - int(bool(self.values[at[TagRole.IDLE]]))
        elif kind == "well":
            self.values[at[TagRole.ERROR]] = 0
        else:
            self.values[at[TagRole.ERROR]] = int(kind == "fault" or rng.random() < 0.7)
            self.values[at[TagRole.ALARM_CODE]] = rng.choice(words)
        if not self.values[at[TagRole.ALARM_CODE]]:
            self.values[at[TagRole.ALARM_CODE]] = rng.choice(words)

    def _move_plc(self, plc_id: str) -> None:
        is_lost = self.links[plc_id] is PlcLink.LOST
        self.links[plc_id] = PlcLink.ONLINE
        self.stopped.discard(plc_id)
        if is_lost or self.rng.random() < 0.5:
            if self.rng.random() < 0.3:
                self.stopped.add(plc_id)
        else:
            self.links[plc_id] = PlcLink.LOST
        self._note(plc_id)

    def _note(self, plc_id: str) -> None:
        now = _instant(self.now_s - READ_S)
        fault = PlcFault(message="no answer within 1 s", at_s=now.unix_s)
        link = self.links[plc_id]
        state = PlcState(id=plc_id, link=link, since_s=now.unix_s, last_fault=fault)
        for change in self.board.note_plc(state, now):
            self._publish(change)

    def _step(self) -> None:
        """Read what answers and tick, at `now_s`."""
        read_at = _instant(self.now_s - READ_S)
        online = [plc_id for plc_id, link in self.links.items() if link is PlcLink.ONLINE]
        self.late = [plc_id for plc_id in online if self.rng.random() < 0.1]
        for plc_id in online:
            if plc_id not in self.late:
                self._fold(self._reading(plc_id, read_at), read_at)
        snapshot, changes = self.board.tick(self.clock())
        for change in changes:
            self._publish(change)
        self._publish(snapshot)
        self.snapshot = snapshot
        for line in snapshot.lines:
            for state in line.equipment:
                moments, said = self.said[state.code], _said(state, line.id)
                if not moments or moments[-1][1] != said:
                    moments.append((self.now_s * 1000 + TICK_MS, said))
        for plc_id in self.late:
            self._fold(self._reading(plc_id, read_at), _instant(self.now_s + LATE_S))

    def _fold(self, reading: Reading, now: Instant) -> None:
        for change in self.board.fold(reading, now):
            self._publish(change)

    def _reading(self, plc_id: str, read_at: Instant) -> Reading:
        is_stopped = plc_id in self.stopped
        quality = Quality.UNCERTAIN if is_stopped else Quality.GOOD
        reason = "the CPU is in STOP" if is_stopped else ""
        addresses = [
            address
            for machine in MACHINES
            if machine.plc_id == plc_id
            for address in machine.addresses.values()
        ]
        return Reading(
            plc_id=plc_id,
            read_at=read_at,
            latency_s=0.01,
            request_count=1,
            cpu_state=CpuState.STOP if is_stopped else CpuState.RUN,
            tags={
                address: TagValue(
                    value=self.values[address], quality=quality, read_at=read_at, reason=reason
                )
                for address in addresses
            },
        )

    def _pass_quiet(self, until_s: int) -> None:
        """Go on to the next second in which something may be another."""
        snapshot = self.snapshot
        states = [state for line in snapshot.lines for state in line.equipment]
        is_settled = not self.late and all(self.now_s - state.since_s >= 5 for state in states)
        due = [state.reason.until_s for state in states if state.reason.until_s is not None]
        minute_s = self.now_s // 60 * 60 + 60  # shifts begin and end on whole minutes
        if not any(state.status is Status.STOPPED for state in states):
            minute_s = until_s
        next_s = min([until_s, minute_s, *(int(each) for each in due)])
        next_s = max(self.now_s + 1, next_s) if is_settled else self.now_s + 1
        for second in range(self.now_s + QUIET_S, next_s, QUIET_S):
            self.recorder.on_message(replace(snapshot, at=_instant(second + TICK_MS / 1000)))
        self.now_s = next_s

    def _publish(self, message: Snapshot | StateChange | SiteChange) -> None:
        self.recorder.on_message(message)
        self.desk.on_message(message)


def _instant(unix_s: float) -> Instant:
    return Instant(unix_s=unix_s, monotonic_s=unix_s - BEGIN_S + 1000.0)


def _said(state: EquipmentState, line_id: str) -> Said:
    tags: Mapping[TagRole, Scalar | None] = {tag.role: tag.value for tag in state.tags}
    is_faulty = state.status is Status.ERROR
    return Said(
        status=state.status.value,
        code=state.reason.code.value,
        tag=state.reason.tag,
        value=state.reason.value,
        alarm_code=tags[TagRole.ALARM_CODE] if is_faulty else None,
        since_ms=round(state.since_s * 1000),
        line_id=line_id,
    )
