"""A PLC that does what a script says, on virtual time: the engine's counterpart in its tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from lineside.core.errors import PlcUnreachable
from lineside.core.model import CpuState, Quality, Reading, Scalar, TagValue
from lineside.core.ports import Clock


@dataclass
class ScriptedPlc:
    """Answers `tags`, and `beats` as functions of the monotonic time in seconds.

    Answers after `answer_s` while `is_up`; times out after `timeout_s` while it is down.

    It fails the test that lets two calls run at once or reads without a connection.
    """

    id: str
    clock: Clock
    tags: dict[str, Scalar] = field(default_factory=dict)
    beats: dict[str, Callable[[float], Scalar]] = field(default_factory=dict)
    answer_s: float = 0.01
    timeout_s: float = 1.0
    is_up: bool = True
    surprise: Callable[[], Exception] | None = None
    open_count: int = 0
    read_times_s: list[float] = field(default_factory=list)
    open_times_s: list[float] = field(default_factory=list)
    is_open: bool = False
    is_busy: bool = False

    async def open(self) -> None:
        """Connect, or time out."""
        self.open_count += 1
        self.open_times_s.append(self.clock().monotonic_s)
        await self._exchange()
        self.is_open = True

    async def read(self) -> Reading:
        """Answer with the tags as they are when the answer leaves."""
        assert self.is_open, "read on a closed connection"
        started = self.clock()
        self.read_times_s.append(started.monotonic_s)
        await self._exchange()
        now = self.clock()
        beating = {address: beat(now.monotonic_s) for address, beat in self.beats.items()}
        tags = {
            address: TagValue(value=value, quality=Quality.GOOD, read_at=now)
            for address, value in {**self.tags, **beating}.items()
        }
        return Reading(
            plc_id=self.id,
            read_at=now,
            latency_s=now.monotonic_s - started.monotonic_s,
            request_count=2,
            cpu_state=CpuState.RUN,
            tags=tags,
        )

    async def close(self) -> None:
        """Drop the connection."""
        self.is_open = False

    async def _exchange(self) -> None:
        assert not self.is_busy, "two requests in flight"
        self.is_busy = True
        try:
            if self.surprise is not None:
                raise self.surprise()
            if not self.is_up:
                await asyncio.sleep(self.timeout_s)
                self.is_open = False
                raise PlcUnreachable("no answer within 1 s", cause="powered off?")
            await asyncio.sleep(self.answer_s)
        except BaseException:
            self.is_open = False
            raise
        finally:
            self.is_busy = False
