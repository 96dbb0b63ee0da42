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
from lineside.core.limits import BACKOFF_MAX_S, BAD_TAG_RETEST_S, RECONNECT_PAUSE_S
from lineside.core.model import CpuState, Instant, Reading
from lineside.core.ports import Clock
from lineside.drivers.melsec.address import TagAddress, parse_address
from lineside.drivers.melsec.commands import (
    ReadRandom,
    ReadWords,
    decode_random,
    decode_words,
    encode_command,
    needs_long_form,
)
from lineside.drivers.melsec.devices import has_long_form, limits_of
from lineside.drivers.melsec.end_codes import EndCode, FaultClass, explain
from lineside.drivers.melsec.frame import Codec, Coding, FrameKind, Request, Route
from lineside.drivers.melsec.lengths import SPARE, Lengths, Room, padded
from lineside.drivers.melsec.link import TcpLink, UdpLink, connect_tcp, connect_udp
from lineside.drivers.melsec.plan import Options, PlannedRead, by_word, is_anchored, plan_reads
from lineside.drivers.melsec.reading import Answer, BadTag, CompiledRead, Variant, reading_of
from lineside.drivers.melsec.refusal import Refusal

_log = structlog.get_logger(__name__)

RUN_STATE_ADDRESS = "SD203"
# A code that no table lists may concern one address only: bisecting tells.
_ISOLATED = frozenset({FaultClass.TAG, FaultClass.UNKNOWN})
_RETESTS_PER_POLL = 8
# So often a refusal of SD203 that says "busy" or "locked" is taken for one that passes: without
# SD203 a CPU in STOP is not known to be, and a busy port must not make it look as if it ran.
_PASSING = 5
_STAND_INS_MAX = 16  # tags that are asked for a proof of life, in one go
_NO_RUN_STATE = "whether the CPU is in RUN is not known"
_LOCAL_PORTS_AVOIDED = 16  # where answers to earlier connections may still come
_TIMER_UNIT_S = 0.25
_SMALL_GAP_WORDS = 64  # tried before none, where not every gap may be read across


class MelsecDriver:
    """One connection to one MELSEC PLC; implements `lineside.core.ports.Driver`."""

    def __init__(self, plc: PlcConfig, addresses: Sequence[str], clock: Clock) -> None:
        """Plan the reading. The addresses must have passed `MELSEC.check`."""
        self._plc = plc
        self._clock = clock
        self._codec = Codec(FrameKind(plc.frame), Coding(plc.code))
        self._route = route_of(plc)
        # The PLC gives up on a request before we do, so that it can say so (C05E).
        self._timer = max(1, math.ceil(plc.timeout / _TIMER_UNIT_S) - 1)
        self._names: dict[TagAddress, tuple[str, ...]] = {}
        for text in dict.fromkeys(addresses):
            tag = parse_address(text, plc.family, self._codec.coding)
            self._names[tag] = (*self._names.get(tag, ()), text)
        self._run_state_tag = parse_address(RUN_STATE_ADDRESS, plc.family)
        self._lengths = Lengths()
        self._stand_in = self._run_state_tag  # which proves that the PLC lives
        self._state_refusals = 0  # connections in a row on which SD203 was refused
        self._has_run_state = False  # this PLC has told it before
        self._cpu_state = CpuState.UNKNOWN  # as last told on this connection
        self._pads_max: dict[ReadWords | ReadRandom, int] = {}  # where the PLC refuses more
        self._options = Options(spare=0 if self._codec.kind is FrameKind.FOUR_E else SPARE)
        self._bad: dict[TagAddress, BadTag] = {}
        self._reads: tuple[CompiledRead, ...] = ()
        self._compiled_for: tuple[frozenset[TagAddress], Options] | None = None
        self._link: TcpLink | UdpLink | None = None
        self._was_heard = False
        self._closed_at: Instant | None = None
        self._local_ports: deque[int] = deque(maxlen=_LOCAL_PORTS_AVOIDED)
        self._serial = 0
        self._request_count = 0
        self._compile()

    async def open(self) -> None:
        """Connect, and prove with one read of SD203 that the PLC answers."""
        self._drop()
        self._cpu_state = CpuState.UNKNOWN  # there may be another PLC by now
        await self._pause_before_reconnect()
        plc = self._plc
        try:
            if plc.transport == "tcp":
                self._link = await connect_tcp(
                    plc.host,
                    plc.port,
                    self._codec,
                    self._route,
                    plc.timeout,
                    was_heard=self._was_heard,
                )
            else:
                udp = await connect_udp(
                    plc.host,
                    plc.port,
                    self._codec,
                    self._route,
                    plc.timeout,
                    self._local_ports,
                    was_heard=self._was_heard,
                )
                if udp.local_port is not None:
                    self._local_ports.append(udp.local_port)
                self._link = udp
            await self._prove()
        except BaseException:
            self._drop()
            raise
        # From now on, silence is no longer a sign of a wrong setting.
        self._was_heard = True

    async def read(self) -> Reading:
        """Read every planned tag once; a refused address makes its own tag BAD."""
        if self._link is None:
            raise PlcUnreachable("the connection is not open")
        self._request_count = 0
        started = self._clock()
        try:
            await self._retest_bad_tags(started)
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
        if self._link is not None:
            self._link.abort()
            self._link = None
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
            await self._exchange(self._compile_read(planned))
        except Refusal as refusal:
            try:
                await self._find_life(refusal, {self._run_state_tag})
                await self._exchange(self._compile_read(planned))
            except Refusal as again:
                self._state_refusals += 1
                is_passing = (
                    again.end_code.fault not in _ISOLATED and self._state_refusals < _PASSING
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
        link = self._link
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
            if self._compiled_for is None:
                self._compile()
            reading = reading_of(
                self._plc.id,
                read_at,
                answers,
                {name: bad for tag, bad in self._bad.items() for name in self._names.get(tag, ())},
                latency_s=started.age_s(self._clock()),
                request_count=self._request_count,
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
        values = read.planned.decode(await self._exchange(read))
        return Answer(read=read, asked_at=asked_at, values=values)

    def _remark(self) -> str:
        refused = self._bad.get(self._run_state_tag)
        if refused is None:
            return ""
        return f"{RUN_STATE_ADDRESS} cannot be read ({refused.end_code.text}): {_NO_RUN_STATE}"

    async def _exchange(self, read: CompiledRead) -> tuple[int, ...]:
        """Send one read and return its words."""
        if self._codec.kind is FrameKind.FOUR_E:
            return await self._send(read, 0)
        pad = self._lengths.choose(read.planned.word_count, read.room.total)
        try:
            return await self._send(read, pad)
        except Refusal as refusal:
            if not pad or refusal.end_code.fault not in _ISOLATED:
                raise
        words = await self._send_bare(read)
        # It was the words beyond that the PLC does not give.
        self._pads_max[read.planned.command] = pad - 1
        self._compiled_for = None
        return words

    async def _send_bare(self, read: CompiledRead) -> tuple[int, ...]:
        """Send one read that asks for exactly what it needs."""
        self._lengths.choose(read.planned.word_count, 0)
        return await self._send(read, 0)

    async def _send(self, read: CompiledRead, pad: int) -> tuple[int, ...]:
        """Send one read with `pad` words more than it needs, and return those it needs."""
        link = self._link
        if link is None:
            raise PlcUnreachable("the connection is not open")
        variant = read.variants.get(pad)
        if variant is None:
            variant = read.variants[pad] = self._variant(read, pad)
        frame, serial = variant.frame, None
        if self._codec.kind is FrameKind.FOUR_E:
            serial = self._serial = (self._serial + 1) & 0xFFFF
            frame = self._codec.with_serial(frame, serial)
        self._request_count += 1
        response = await link.exchange(frame, serial, self._plc.timeout)
        if response.end_code:
            raise Refusal(read.planned, self._explain(variant, response.end_code))
        command = variant.padded.command
        if isinstance(command, ReadRandom):
            words = decode_random(self._codec.coding, response.payload, command)
        else:
            words = decode_words(self._codec.coding, response.payload, command.count)
        return variant.padded.wanted(words) if pad else words

    def _is_long(self, command: ReadWords | ReadRandom) -> bool:
        return has_long_form(self._plc.family) and needs_long_form(command)

    def _explain(self, variant: Variant, code: int) -> EndCode:
        end_code = explain(code)
        if end_code.fault is FaultClass.COMMAND and self._is_long(variant.padded.command):
            # Only some tags need this form: the others can be had.
            cause = "this CPU takes no device numbers above FFFF"
            return replace(end_code, fault=FaultClass.TAG, cause=cause)
        return end_code

    async def _adapt(self, refusal: Refusal) -> None:
        """Learn from a refused read: which tag is bad, or which way of reading is.

        Raises:
            Refusal: no other way of asking can help.
        """
        is_random = isinstance(refusal.planned.command, ReadRandom)
        fault = refusal.end_code.fault
        if fault is FaultClass.COMMAND and is_random:
            self._narrow(refusal)
            return
        if fault not in _ISOLATED:
            raise refusal
        tags = [pick.tag for pick in refusal.planned.picks]
        # Nothing to be had from a PLC is about the PLC, in whatever words it refuses. What it
        # refuses before and after a proof of life, and then gives another, is about addresses.
        await self._find_life(refusal, {})
        bad = await self._find_bad(tags)
        if not bad:
            self._narrow(refusal)
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
                    await self._exchange(self._compile_read(planned))
                except Refusal as other:
                    if other.end_code.fault not in _ISOLATED and tag is not self._run_state_tag:
                        break
                else:
                    return
            self._stand_in = self._next_stand_in()
        raise refusal

    def _next_stand_in(self) -> TagAddress:
        tags = (self._run_state_tag, *(tag for tag in self._names if tag != self._run_state_tag))
        return tags[(tags.index(self._stand_in) + 1) % len(tags)]

    def _narrow(self, refusal: Refusal) -> None:
        """Do without what the refused read needed; its tags can be had.

        Raises:
            Refusal: it needed nothing that one could do without.
        """
        command, options = refusal.planned.command, self._options
        if isinstance(command, ReadRandom):
            if command.double_words:
                options = replace(options, allows_double_words=False)
            else:
                options = replace(options, allows_random=False)
        elif options.gap_words != 0:
            options = replace(options, gap_words=0 if options.gap_words else _SMALL_GAP_WORDS)
        else:
            raise refusal
        self._options = options
        _log.info(
            "reading plan narrowed",
            plc=self._plc.id,
            random_read=options.allows_random,
            double_words=options.allows_double_words,
            gap_words=options.gap_words,
            error=refusal.end_code.text,
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
        options = replace(self._options, allows_random=self._options.allows_random and not is_alone)
        for planned in self._plan(tags, options):
            try:
                await self._send_bare(self._compile_read(planned))
            except Refusal as refusal:
                fault = refusal.end_code.fault
                if fault in _ISOLATED or (fault is FaultClass.COMMAND and not is_alone):
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
            self._bad[tag] = BadTag(end_code=end_code, retest_at_s=math.inf)
        # A PLC that gives none of its tags may have lost its program for a moment.
        rest_s = BACKOFF_MAX_S if self._bad.keys() >= self._names.keys() else BAD_TAG_RETEST_S
        now_s = self._clock().monotonic_s
        for tag, end_code in bad.items():
            # A PLC that has a run state may be in STOP by the next poll.
            is_urgent = tag == self._run_state_tag and self._has_run_state
            retest_at_s = now_s if is_urgent else now_s + rest_s
            self._bad[tag] = BadTag(end_code=end_code, retest_at_s=retest_at_s)

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
        self._options = replace(self._options, holes=holes)
        wanted = frozenset((*self._names, self._run_state_tag)) - self._bad.keys()
        if self._compiled_for == (wanted, self._options):
            return  # planning thousands of tags anew would hold up every other PLC
        self._compiled_for = (wanted, self._options)
        self._reads = tuple(
            self._compile_read(planned) for planned in self._plan(wanted, self._options)
        )

    def _compile_read(self, planned: PlannedRead) -> CompiledRead:
        tags = [pick.tag for pick in planned.picks]
        run_state = self._run_state_tag
        return CompiledRead(
            planned=planned,
            room=self._room(planned),
            variants={},
            names=tuple(self._names.get(tag, ()) for tag in tags),
            run_state_at=tags.index(run_state) if run_state in tags else None,
        )

    def _room(self, planned: PlannedRead) -> Room:
        limits = limits_of(self._plc.family, self._codec.coding)
        command = planned.command
        if isinstance(command, ReadRandom):
            room = Room.around(command, limits.random_points, (), is_fixed=True)
        else:
            device = command.head.device
            holes = [word for name, word in self._options.holes if name == device.name]
            is_fixed = is_anchored(device, self._codec.coding)
            room = Room.around(command, limits.words, holes, is_fixed=is_fixed)
        most = self._pads_max.get(command, room.total) if self._pads_max else room.total
        return replace(room, total=min(room.total, most))

    def _variant(self, read: CompiledRead, pad: int) -> Variant:
        wider = padded(read.planned.command, pad, read.room.below)
        is_long = self._is_long(wider.command)
        code, subcommand, payload = encode_command(
            self._codec.coding, wider.command, is_long=is_long
        )
        request = Request(
            command=code,
            subcommand=subcommand,
            payload=payload,
            timer=self._timer,
            route=self._route,
        )
        return Variant(frame=self._codec.encode_request(request), padded=wider)


def route_of(plc: PlcConfig) -> Route:
    """Return the route that the config names."""
    return Route(network=plc.network, pc=plc.pc, module_io=plc.module_io, station=plc.station)
