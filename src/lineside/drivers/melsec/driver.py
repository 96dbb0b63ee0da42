"""Reads one MELSEC PLC: opens the link, runs the plan, isolates addresses that the PLC refuses.

Never writes: `commands.py` cannot even encode a write. What to ask is decided in `plan.py`; when to
poll and to reconnect is the engine's business.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Container, Iterable, Mapping, Sequence

import structlog
from msgspec.structs import replace

from lineside.config.schema import PlcConfig
from lineside.core.errors import PlcRefused, PlcUnreachable
from lineside.core.limits import (
    BACKOFF_MAX_S,
    BAD_TAG_FIRST_RETEST_S,
    BAD_TAG_RETEST_S,
    RECONNECT_PAUSE_S,
)
from lineside.core.model import CpuState, Instant, Reading
from lineside.core.ports import Clock
from lineside.drivers.melsec.address import TagAddress, parse_address
from lineside.drivers.melsec.asking import ABOUT_ADDRESSES, ABOUT_ONE_READ, Asker
from lineside.drivers.melsec.commands import ReadRandom
from lineside.drivers.melsec.end_codes import EndCode, FaultClass
from lineside.drivers.melsec.frame import FrameKind
from lineside.drivers.melsec.lengths import SPARE
from lineside.drivers.melsec.link import connect_tcp, connect_udp
from lineside.drivers.melsec.plan import Options, PlannedRead, by_word, plan_reads
from lineside.drivers.melsec.reading import Answer, BadTag, CompiledRead, reading_of
from lineside.drivers.melsec.refusal import Refusal
from lineside.drivers.melsec.ways import Ways

_log = structlog.get_logger(__name__)

RUN_STATE_ADDRESS = "SD203"
_RETESTS_PER_POLL = 8
# So often a refusal of SD203 that says "busy" or "locked" is taken for one that passes: without
# SD203 a CPU in STOP is not known to be, and a busy port must not make it look as if it ran.
_PASSING = 5
_STAND_INS_MAX = 16  # tags that are asked for a proof of life, in one go
_NO_RUN_STATE = "whether the CPU is in RUN is not known"
_LOCAL_PORTS_AVOIDED = 16  # where answers to earlier connections may still come


class MelsecDriver:
    """One connection to one MELSEC PLC; implements `lineside.core.ports.Driver`."""

    def __init__(self, plc: PlcConfig, addresses: Sequence[str], clock: Clock) -> None:
        """Plan the reading. The addresses must have passed `MELSEC.check`."""
        self._plc = plc
        self._clock = clock
        self._asker = Asker(plc)
        self._codec = self._asker.codec
        self._names: dict[TagAddress, tuple[str, ...]] = {}
        for text in dict.fromkeys(addresses):
            tag = parse_address(text, plc.family, self._codec.coding)
            self._names[tag] = (*self._names.get(tag, ()), text)
        self._run_state_tag = parse_address(RUN_STATE_ADDRESS, plc.family)
        self._stand_in = self._run_state_tag  # which proves that the PLC lives
        self._state_refusals = 0  # connections in a row on which SD203 was refused
        self._has_run_state = False  # this PLC has told it before
        self._cpu_state = CpuState.UNKNOWN  # as last told on this connection
        self._ways = Ways(Options(spare=0 if self._codec.kind is FrameKind.FOUR_E else SPARE))
        self._bad: dict[TagAddress, BadTag] = {}
        self._reads: tuple[CompiledRead, ...] = ()
        self._compiled_for: tuple[frozenset[TagAddress], Options, int] | None = None
        self._was_heard = False
        self._closed_at: Instant | None = None
        self._local_ports: deque[int] = deque(maxlen=_LOCAL_PORTS_AVOIDED)
        self._compile()

    async def open(self) -> None:
        """Connect, and prove with one read of SD203 that the PLC answers."""
        self._drop()
        # There may be another PLC by now, or another program in it.
        self._cpu_state = CpuState.UNKNOWN
        self._asker.forget()
        self._ways.retest(self._clock().monotonic_s)
        await self._pause_before_reconnect()
        plc = self._plc
        try:
            if plc.transport == "tcp":
                self._asker.link = await connect_tcp(
                    plc.host,
                    plc.port,
                    self._codec,
                    self._asker.route,
                    plc.timeout,
                    was_heard=self._was_heard,
                )
            else:
                udp = await connect_udp(
                    plc.host,
                    plc.port,
                    self._codec,
                    self._asker.route,
                    plc.timeout,
                    self._local_ports,
                    was_heard=self._was_heard,
                )
                if udp.local_port is not None:
                    self._local_ports.append(udp.local_port)
                self._asker.link = udp
            await self._prove()
        except BaseException:
            self._drop()
            raise
        # From now on, silence is no longer a sign of a wrong setting.
        self._was_heard = True

    async def read(self) -> Reading:
        """Read every planned tag once; a refused address makes its own tag BAD."""
        if self._asker.link is None:
            raise PlcUnreachable("the connection is not open")
        self._asker.request_count = 0
        started = self._clock()
        try:
            await self._retest_bad_tags(started)
            await self._retest_ways(started)
            reading = await self._poll(started)
        except Refusal as refusal:
            self._drop()
            raise refusal.as_plc_refused() from None
        except BaseException:
            self._drop()
            raise
        return reading

    async def close(self) -> None:
        """Drop the connection."""
        self._drop()

    def _drop(self) -> None:
        if self._asker.link is not None:
            self._asker.link.abort()
            self._asker.link = None
            self._closed_at = self._clock()

    async def _pause_before_reconnect(self) -> None:
        """Some PLCs refuse a connection that comes too soon after the last one [F]."""
        if self._closed_at is None:
            return
        rest_s = RECONNECT_PAUSE_S - self._closed_at.age_s(self._clock())
        if rest_s > 0:
            await asyncio.sleep(rest_s)

    async def _prove(self) -> None:
        """Read SD203. A PLC that refuses only this register still answers."""
        planned = self._plan([self._run_state_tag], Options(allows_random=False))[0]
        now_s = self._clock().monotonic_s
        # What was refused before the connection was lost may be assigned now: ask again soon.
        self._bad = {
            tag: BadTag(end_code=bad.end_code, retest_at_s=now_s)
            for tag, bad in self._bad.items()
            if tag != self._run_state_tag
        }
        try:
            await self._asker.ask(self._compile_read(planned))
        except Refusal as refusal:
            try:
                await self._find_life(refusal, {self._run_state_tag})
                await self._asker.ask(self._compile_read(planned))
            except Refusal as again:
                self._state_refusals += 1
                is_passing = (
                    again.end_code.fault not in ABOUT_ADDRESSES and self._state_refusals < _PASSING
                )
                if again.planned is not planned or again is refusal or is_passing:
                    raise again.as_plc_refused() from None
                self._mark_bad({self._run_state_tag: again.end_code})
        else:
            self._state_refusals, self._has_run_state = 0, True
        self._compile()

    async def _poll(self, started: Instant) -> Reading:
        """Run the plan; when the PLC refuses a read, find out why, plan anew and start over."""
        attempts = len(self._reads) + len(self._names) + 8
        link = self._asker.link
        for _ in range(attempts):
            read_at = self._clock()
            try:
                answers = [await self._answer(read) for read in self._reads]
            except Refusal as refusal:
                await self._adapt(refusal)
                self._compile()
                continue
            if link is not None and not all(read.room.total for read in self._reads):
                # Their answers are always as long, so that one may have been an earlier one.
                await link.expect_silence()
            if self._compiled_for is not None and self._compiled_for[2] != self._asker.narrowings:
                self._compile()
            reading = reading_of(
                self._plc.id,
                read_at,
                answers,
                {name: bad for tag, bad in self._bad.items() for name in self._names.get(tag, ())},
                latency_s=started.age_s(self._clock()),
                request_count=self._asker.request_count,
                remark=self._remark(),
                known_state=self._cpu_state,
            )
            self._cpu_state = reading.cpu_state
            return reading
        raise PlcRefused(
            "the PLC keeps refusing what it has just accepted",
            cause="its program or parameters are being changed",
        )

    async def _answer(self, read: CompiledRead) -> Answer:
        """Read one request's values; they are as old as the request, not as the whole poll."""
        asked_at = self._clock()
        values = read.planned.decode(await self._asker.ask(read))
        return Answer(read=read, asked_at=asked_at, values=values)

    def _remark(self) -> str:
        refused = self._bad.get(self._run_state_tag)
        if refused is None:
            return ""
        return f"{RUN_STATE_ADDRESS} cannot be read ({refused.end_code.text}): {_NO_RUN_STATE}"

    async def _adapt(self, refusal: Refusal) -> None:
        """Learn from a refused read: which tag is bad, or which way of reading is.

        Raises:
            Refusal: no other way of asking can help.
        """
        is_random = isinstance(refusal.planned.command, ReadRandom)
        fault = refusal.end_code.fault
        if fault is FaultClass.COMMAND and is_random:
            await self._narrow(refusal)
            return
        if fault not in ABOUT_ADDRESSES:
            raise refusal
        tags = [pick.tag for pick in refusal.planned.picks]
        # Nothing to be had from a PLC is about the PLC, in whatever words it refuses. What it
        # refuses before and after a proof of life, and then gives another, is about addresses.
        await self._find_life(refusal, {})
        bad = await self._find_bad(tags)
        if not bad:
            await self._narrow(refusal)
            return
        await self._find_life(refusal, bad)
        words = by_word(list(bad))
        again = [(word, await self._try(word, is_alone=True)) for word in words]
        bad = {tag: end_code for word, end_code in again if end_code for tag in word}
        await self._find_life(refusal, bad)
        self._mark_bad(bad)

    async def _find_life(self, refusal: Refusal, refused: Container[TagAddress]) -> None:
        """Have the PLC answer for anything: SD203, or what stands in for it, a tag of its own.

        Raises:
            Refusal: it gives nothing, so that `refusal` is about the PLC.
        """
        for _ in range(_STAND_INS_MAX):
            tag = self._stand_in
            if tag not in refused and tag not in self._bad:
                (planned,) = self._plan([tag], Options(allows_random=False))
                try:
                    await self._asker.ask(self._compile_read(planned))
                except Refusal as other:
                    if (
                        other.end_code.fault not in ABOUT_ADDRESSES
                        and tag is not self._run_state_tag
                    ):
                        break
                else:
                    return
            self._stand_in = self._next_stand_in()
        raise refusal

    def _next_stand_in(self) -> TagAddress:
        tags = (self._run_state_tag, *(tag for tag in self._names if tag != self._run_state_tag))
        return tags[(tags.index(self._stand_in) + 1) % len(tags)]

    async def _narrow(self, refusal: Refusal) -> None:
        """Do without what the refused read needed; its tags can be had.

        Raises:
            Refusal: it needed nothing that one could do without, or is refused otherwise now.
        """
        try:
            await self._asker.ask_bare(self._compile_read(refusal.planned))
        except Refusal as again:
            if again.end_code.fault not in ABOUT_ONE_READ:
                raise
        else:
            return  # it was refused for a moment
        if not self._ways.narrow(refusal.planned.command, self._clock().monotonic_s):
            raise refusal
        self._tell_ways("reading plan narrowed", error=refusal.end_code.text)

    async def _retest_ways(self, now: Instant) -> None:
        """Try again, where its time has come, what the PLC has refused to be read by."""
        wider = self._ways.wider(now.monotonic_s)
        if wider is None:
            return
        in_use = {read.planned.command for read in self._reads}
        wanted = frozenset((*self._names, self._run_state_tag)) - self._bad.keys()
        others = [each for each in self._plan(wanted, wider) if each.command not in in_use]
        try:
            for planned in others[:_RETESTS_PER_POLL]:
                await self._asker.ask_bare(self._compile_read(planned))
        except Refusal:
            self._ways.postpone(now.monotonic_s)
            return
        self._ways.widen(now.monotonic_s)
        self._compile()
        self._tell_ways("reading plan widened again")

    def _tell_ways(self, what: str, **more: str) -> None:
        options = self._ways.options
        _log.info(
            what,
            plc=self._plc.id,
            random_read=options.allows_random,
            double_words=options.allows_double_words,
            gap_words=options.gap_words,
            **more,
        )

    async def _find_bad(self, tags: Sequence[TagAddress]) -> dict[TagAddress, EndCode]:
        """Bisect `tags` down to the words that the PLC refuses, asking each alone by 0401."""
        bad: dict[TagAddress, EndCode] = {}
        groups = [by_word(tags)]
        while groups:
            words = groups.pop()
            refused = await self._try([tag for word in words for tag in word], len(words) == 1)
            if refused is None:
                continue
            if len(words) == 1:
                bad.update(dict.fromkeys(words[0], refused))
            else:
                middle = len(words) // 2
                groups += [words[middle:], words[:middle]]
        return bad

    async def _try(self, tags: Sequence[TagAddress], is_alone: bool) -> EndCode | None:
        """Return the end code with which the PLC refuses `tags`, or None when it gives them."""
        options = self._ways.options
        options = replace(options, allows_random=options.allows_random and not is_alone)
        for planned in self._plan(tags, options):
            try:
                await self._asker.ask_bare(self._compile_read(planned))
            except Refusal as refusal:
                fault = refusal.end_code.fault
                if fault in (ABOUT_ADDRESSES if is_alone else ABOUT_ONE_READ):
                    return refusal.end_code
                raise
        return None

    def _mark_bad(self, bad: Mapping[TagAddress, EndCode]) -> None:
        for tag, end_code in bad.items():
            if tag not in self._bad:
                _log.warning(
                    "tag refused by the PLC"
                    if tag in self._names
                    else f"run state refused by the PLC: {_NO_RUN_STATE}",
                    plc=self._plc.id,
                    tag=tag.canonical,
                    error=end_code.text,
                    cause=end_code.cause,
                )
            known = self._bad.get(tag)
            refusals = 1 if known is None else known.refusals + 1
            self._bad[tag] = BadTag(end_code=end_code, retest_at_s=math.inf, refusals=refusals)
        # A PLC that gives none of its tags may have lost its program for a moment.
        most_s = BACKOFF_MAX_S if self._bad.keys() >= self._names.keys() else BAD_TAG_RETEST_S
        now_s = self._clock().monotonic_s
        for tag in bad:
            known = self._bad[tag]
            # What is refused for a moment is asked for again soon, what is wrong seldom. A PLC
            # that has a run state may be in STOP by the next poll.
            is_urgent = tag == self._run_state_tag and self._has_run_state
            rest_s = min(most_s, BAD_TAG_FIRST_RETEST_S * 2.0 ** min(known.refusals - 1, 16))
            self._bad[tag] = replace(known, retest_at_s=now_s + (0.0 if is_urgent else rest_s))

    async def _retest_bad_tags(self, now: Instant) -> None:
        """Ask again for bad tags whose time has come, a few per poll."""
        due = [tag for tag, bad in self._bad.items() if bad.retest_at_s <= now.monotonic_s]
        if not due:
            return
        for tag in due[:_RETESTS_PER_POLL]:
            try:
                refused = await self._try([tag], is_alone=True)
            except Refusal as refusal:
                if tag != self._run_state_tag:
                    raise
                refused = refusal.end_code
            if refused is not None:
                self._mark_bad({tag: refused})
                continue
            del self._bad[tag]
            if tag in self._names:
                _log.info("tag can be read again", plc=self._plc.id, tag=tag.canonical)
        self._compile()

    def _plan(self, tags: Iterable[TagAddress], options: Options) -> tuple[PlannedRead, ...]:
        return plan_reads(tags, self._plc.family, self._codec.coding, options)

    def _compile(self) -> None:
        """Prepare everything a poll needs that does not change from poll to poll."""
        holes = frozenset(
            (tag.device.name, tag.first_word + i)
            for tag in self._bad
            for i in range(tag.value_type.word_count)
        )
        self._ways.avoid(holes)
        wanted = frozenset((*self._names, self._run_state_tag)) - self._bad.keys()
        compiled_for = (wanted, self._ways.options, self._asker.narrowings)
        if self._compiled_for == compiled_for:
            return  # planning thousands of tags anew would hold up every other PLC
        self._compiled_for = compiled_for
        self._reads = tuple(
            self._compile_read(planned) for planned in self._plan(wanted, self._ways.options)
        )

    def _compile_read(self, planned: PlannedRead) -> CompiledRead:
        tags = [pick.tag for pick in planned.picks]
        run_state = self._run_state_tag
        return CompiledRead(
            planned=planned,
            room=self._asker.room(planned, self._ways.options.holes),
            variants={},
            names=tuple(self._names.get(tag, ()) for tag in tags),
            run_state_at=tags.index(run_state) if run_state in tags else None,
        )
