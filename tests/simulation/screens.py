"""Screens that hear the hub: readers that are quick, stop, crawl, leave and come back.

What a screen reads is checked byte for byte, and so is what the hub has promised to it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from random import Random

from lineside.hub.close_codes import CloseCode
from lineside.hub.subscribers import Hub
from simulation.network import PlantLoop
from simulation.scenario import ScreenPlan
from simulation.wires import CLOSE_OPCODE, BufferPipe, Pipe, SimulatedWire, SocketPipe

_CONTROL_ROOM_BYTES = 512  # for a status and a close frame behind a tick
_NOTICE_S = 3.0  # the longest until a transport notices that its peer is gone


class Mood(Enum):
    """How a screen reads."""

    QUICK = "quick"
    STUCK = "stuck"
    CRAWLING = "crawling"
    AWAY = "away"


class Screen:
    """One place in front of the plant's hub, and whoever stands there."""

    def __init__(
        self, loop: PlantLoop, hub: Hub, plan: ScreenPlan, name: str, random: Random
    ) -> None:
        self.plan = plan
        self.name = name
        self.mood = Mood.AWAY
        self.wire: SimulatedWire | None = None
        self.heard_sequence = 0
        self.hears_next_tick = False
        self.has_heard_end = False
        self._loop = loop
        self._hub = hub
        self._random = random
        self._stream = bytearray()
        self._is_greeted = False
        self.frame_bytes = 2048  # the largest tick so far
        self.undrained_timeout_s = 0.0
        self.unsent_ticks_max = 0
        self.sequence_of: Callable[[bytes], int | None] = lambda frame: None
        self.is_closing = False

    def expect(self, frame_bytes: int) -> None:
        """Take note of the size of a tick to come: no more than one may ever wait."""
        self.frame_bytes = max(self.frame_bytes, frame_bytes)
        if self.wire is not None:
            self.wire.bound_bytes = self.frame_bytes + _CONTROL_ROOM_BYTES

    # What stands in the scenario.

    def live(self, until_s: float) -> None:
        """Be well-behaved for a while, then not, and so on until `until_s`; then well-behaved."""
        self._turn(Mood.QUICK)
        self._loop.after(self._span_s(self.plan.good_s), lambda: self._misbehave(until_s))

    def _misbehave(self, until_s: float) -> None:
        if self._loop.time() >= until_s:
            return
        self._turn(self._random.choice((Mood.STUCK, Mood.STUCK, Mood.CRAWLING, Mood.AWAY)))
        span_s = min(self._span_s(self.plan.bad_s), until_s - self._loop.time())
        self._loop.after(span_s, lambda: self.live(until_s))

    def _span_s(self, mean_s: float) -> float:
        return 0.1 + self._random.expovariate(1.0 / mean_s)

    def _turn(self, mood: Mood) -> None:
        self.mood = mood
        self._loop.journal.note(self.name, mood.value)
        if mood is Mood.AWAY and self.wire is not None and not self.wire.is_over:
            self.wire.screen_left(self._random.random() * _NOTICE_S)
        elif mood is Mood.QUICK:
            if self.wire is None or self.wire.is_over or self.wire.is_left:
                self.connect()
            self.read()

    def connect(self) -> None:
        """Be accepted and subscribed."""
        pipe: Pipe
        room_bytes = self.frame_bytes * self.plan.room_frames
        pipe = SocketPipe() if self.plan.is_direct else BufferPipe(room_bytes)
        bound_bytes = self.frame_bytes + _CONTROL_ROOM_BYTES
        wire = self.wire = SimulatedWire(self._loop, self.name, pipe, bound_bytes)
        wire.may_be_aborted = lambda: self._may_be_aborted(wire)
        wire.on_written = self._on_written
        self._stream.clear()
        self._is_greeted = False
        self._hub.subscribe(wire, self.plan.line_id, self.plan.encoding)

    def _may_be_aborted(self, wire: SimulatedWire) -> bool:
        if wire.is_left or self.is_closing:
            return True
        since_s = wire.unsent_since_s
        return since_s is not None and self._loop.time() - since_s >= self.undrained_timeout_s

    def _on_written(self) -> None:
        """Read at once what is no tick; ticks are read when all of them are out."""
        if self.mood is Mood.QUICK and self.is_closing:
            self._loop.after(0.0, self.read)

    # Reading.

    def read(self, size_bytes: int = 1 << 20) -> None:
        """Read what has arrived, at most `size_bytes`, and check it."""
        wire = self.wire
        if wire is None or wire.is_over or wire.is_left:
            return
        while size_bytes > 0 and (data := wire.pipe.pull(size_bytes)):
            size_bytes -= len(data)
            self._stream += data
            wire.flush()
        self._take_frames()

    def _take_frames(self) -> None:
        stream = self._stream
        while stream:
            size = _frame_size(stream)
            if size is None or len(stream) < size:
                return
            frame = bytes(stream[:size])
            del stream[:size]
            self._take(frame)

    def _take(self, frame: bytes) -> None:
        journal = self._loop.journal
        if not self._is_greeted:
            self._is_greeted = b'"connected"' in frame
            if not self._is_greeted:
                journal.broken("the greeting comes first", f"{self.name}: {frame!r}")
            return
        sequence = self.sequence_of(frame)
        if sequence is not None:
            if sequence <= self.heard_sequence:
                journal.broken("ticks come once and in order", f"{self.name}: {sequence}")
            self.heard_sequence = sequence
        elif self.is_closing and frame[0] == CLOSE_OPCODE:
            self.has_heard_end = frame[2:4] == CloseCode.SERVICE_RESTART.to_bytes(2, "big")
            if self.wire is not None:
                self.wire.answer_close()
        elif not (self.is_closing and b'"disconnected"' in frame):
            journal.broken("every frame is a whole tick", f"{self.name}: {frame!r}")

    def after_tick(self, sequence: int) -> None:
        """Read as the mood is, and check what the hub has promised."""
        wire = self.wire
        if wire is None or wire.is_over or wire.is_left:
            return
        if self.mood is Mood.QUICK:
            self.read()
            if self.hears_next_tick and self.heard_sequence != sequence and not wire.is_over:
                self._loop.journal.broken(
                    "a quick screen misses no tick",
                    f"{self.name}: heard {self.heard_sequence}, the tick is {sequence}",
                )
            self.hears_next_tick = not wire.has_unsent()
        else:
            self.hears_next_tick = False
            if self.mood is Mood.CRAWLING:
                self.read(self._random.randint(1, 2 * self.frame_bytes))
        wire.unsent_ticks = wire.unsent_ticks + 1 if wire.unsent else 0
        if wire.unsent_ticks > self.unsent_ticks_max and not wire.is_aborted:
            self._loop.journal.broken(
                "a stuck screen is given up in time",
                f"{self.name}: unsent since {wire.unsent_since_s} s",
            )


def _frame_size(stream: bytearray) -> int | None:
    """Return the size of the first frame, header included; None while it cannot be known."""
    if len(stream) < 2:
        return None
    size = stream[1] & 0x7F
    if size < 126:
        return 2 + size
    if len(stream) < 4:
        return None
    return 4 + int.from_bytes(stream[2:4], "big")
