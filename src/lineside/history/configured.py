"""Which configuration held when: how long each machine was configured, and by which rules.

It is folded out of the stored versions of the configuration, and out of the rules that people have
applied to a time before. It runs in the history's thread.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from lineside.core.calendar import LineCalendar, PlantCalendar
from lineside.core.model import Equipment, KpiRules, Line, StatusRule
from lineside.core.spans import Span, clip
from lineside.history import schema
from lineside.history.database import Database

FAR_MS = 4_102_444_800_000  # 2100
_AT_ONCE = 20  # versions in one read

_log = structlog.get_logger("lineside.history")


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine was judged by from `begin_ms` on, until the next one."""

    begin_ms: int
    calendar: LineCalendar
    rules: KpiRules
    rule: StatusRule

    @property
    def key(self) -> tuple[object, ...]:
        """What two of them have in common that judge alike."""
        return id(self.calendar), self.rules, self.rule.stop_after_s, self.rule.value_map is None


class HeldSite(msgspec.Struct, frozen=True, kw_only=True):
    """As much of a stored version of the configuration as figures depend on."""

    lines: tuple[Line, ...]
    calendar: PlantCalendar = PlantCalendar()
    kpi_rules: KpiRules = KpiRules()


class _Tenure:
    """One machine: when it was configured, as what, and judged by what."""

    __slots__ = ("judges", "lines", "machine", "machine_in", "own", "spans")

    def __init__(self) -> None:
        self.spans: list[Span] = []  # those of two lines touch where it was moved
        self.judges: list[Judge] = []
        self.lines: list[tuple[int, str]] = []  # from when on in which line
        self.own: list[tuple[int, bool]] = []  # and whether with a `stop_after` of its own
        self.machine: Equipment | None = None  # as last configured
        self.machine_in: dict[str, Equipment] = {}  # and as last configured in each line


class Configured:
    """All configurations of one history, folded. Begins before the first of them."""

    def __init__(self) -> None:
        self._tenures: dict[str, _Tenure] = {}
        self._lines: dict[str, Line] = {}
        self._calendars: dict[tuple[object, ...], LineCalendar] = {}
        self.is_known = False  # at least one configuration was stored

    def fold(self, at_ms: int, site: HeldSite) -> None:
        """Let `site` hold from `at_ms` on.

        Versions are folded in the order in which they were recorded: one whose time lies before
        that of an earlier one was recorded after the clock was set back, and is believed.
        """
        self.is_known = True
        codes = set()
        for line in site.lines:
            self._lines[line.id] = line
            calendar = self._calendar(site.calendar, line.id)
            for machine in line.equipment:
                codes.add(machine.code)
                judge = Judge(
                    begin_ms=at_ms, calendar=calendar, rules=site.kpi_rules, rule=machine.rule
                )
                self._configure(machine, judge, is_own=_has_own_stop_after(machine, line))
        for code in self._tenures.keys() - codes:
            tenure = self._tenures[code]
            _forget_from(tenure, at_ms)
            if tenure.spans and tenure.spans[-1].end_ms > at_ms:
                tenure.spans[-1] = Span(tenure.spans[-1].begin_ms, at_ms)

    def apply(self, begin_ms: int, end_ms: int, site: HeldSite, line_id: str) -> None:
        """Let the rules of `site` judge a line in [begin_ms, end_ms), as a person has decided.

        When machines were configured stays as it was; so does what judges them in other lines.
        """
        for line in site.lines:
            if line.id != line_id:
                continue
            calendar = self._calendar(site.calendar, line_id)
            for code, tenure in self._tenures.items():
                for judge, until_ms in self.judged_anew(
                    code, line, calendar, site.kpi_rules, begin_ms, end_ms
                ):
                    tenure.judges = _overlaid(tenure.judges, judge, until_ms)

    def judged_anew(
        self,
        code: str,
        line: Line,
        calendar: LineCalendar,
        rules: KpiRules,
        begin_ms: int = 0,
        end_ms: int = FAR_MS,
    ) -> list[tuple[Judge, int]]:
        """Return what judges a machine by rules that are applied to a line, and until when.

        Those that are in the line by these rules are judged by what they are configured as there.
        Others, which have moved away or were taken out, take the line's rules, and keep a
        `stop_after` that was their own.

        Args:
            code: of the machine: as far as it was in the line.
            line: as it is configured by the rules.
            calendar: of the line by the rules.
            rules: what counts as a micro-stop and as a failure.
            begin_ms: from when on the rules are applied, in UTC Unix milliseconds.
            end_ms: until when.
        """
        tenure = self._tenures.get(code)
        if tenure is None or not tenure.judges:
            return []
        held = {machine.code: machine.rule for machine in line.equipment}
        found: list[tuple[Judge, int]] = []
        for span in clip(self.spans_in_line(code, line.id), begin_ms, end_ms):
            cuts = [] if code in held else _changes_of(tenure, span)
            for begin, end in pairwise([span.begin_ms, *cuts, span.end_ms]):
                rule = held.get(code) or _rule_kept(tenure, line, begin)
                judge = Judge(begin_ms=begin, calendar=calendar, rules=rules, rule=rule)
                found.append((judge, end))
        return found

    def spans_of(self, code: str) -> tuple[Span, ...]:
        """Return when a machine was configured, in order; the last may reach to `FAR_MS`.

        Two spans touch where the machine was moved from one line to another.
        """
        tenure = self._tenures.get(code)
        return () if tenure is None else tuple(tenure.spans)

    def judges_of(self, code: str) -> tuple[Judge, ...]:
        """Return what a machine was judged by, in order; nothing for one that never was."""
        tenure = self._tenures.get(code)
        return () if tenure is None else tuple(tenure.judges)

    def spans_in_line(self, code: str, line_id: str) -> tuple[Span, ...]:
        """Return when a machine was in a line; in its first one also before it was configured."""
        tenure = self._tenures.get(code)
        lines = [] if tenure is None else tenure.lines
        begins = [0, *(begin_ms for begin_ms, _ in lines[1:]), FAR_MS]
        return tuple(
            Span(begin, end)
            for (begin, end), (_, each) in zip(pairwise(begins), lines, strict=False)
            if each == line_id
        )

    def there(self, code: str, line_id: str) -> tuple[Span, ...]:
        """Return when a machine was configured in a line, in order."""
        lines = self.spans_in_line(code, line_id)
        return tuple(
            inside
            for span in self.spans_of(code)
            for inside in clip(lines, span.begin_ms, span.end_ms)
        )

    def was_in(self, code: str, line_id: str, begin_ms: int, end_ms: int) -> bool:
        """Whether a machine was in a line at some time in [begin_ms, end_ms).

        One that no version of the configuration has yet is taken to be wherever it is asked for.
        """
        if code not in self._tenures:
            return True
        return bool(clip(self.there(code, line_id), begin_ms, end_ms))

    def lines_of(self, code: str) -> tuple[str, ...]:
        """Return in which lines a machine was, the first one first."""
        tenure = self._tenures.get(code)
        lines = [] if tenure is None else tenure.lines
        return tuple(dict.fromkeys(line_id for _, line_id in lines))

    def has_moved(self, code: str) -> bool:
        """Whether a machine was in more than one line."""
        return len(self.lines_of(code)) > 1

    def is_elsewhere(self, code: str, line_id: str) -> bool:
        """Whether a machine was in another line than this one at some time."""
        tenure = self._tenures.get(code)
        return tenure is not None and any(each != line_id for _, each in tenure.lines)

    def has_line(self, line_id: str, begin_ms: int = 0, end_ms: int = FAR_MS) -> bool:
        """Whether a line had a machine at some time in [begin_ms, end_ms)."""
        return any(
            clip(self.there(code, line_id), begin_ms, end_ms)
            for code, tenure in self._tenures.items()
            if line_id in tenure.machine_in
        )

    def machine(self, code: str) -> Equipment | None:
        """Return a machine as it was last configured; None for one that never was."""
        tenure = self._tenures.get(code)
        return None if tenure is None else tenure.machine

    def lines_in(
        self, lines: Sequence[Line], begin_ms: int = 0, end_ms: int = FAR_MS
    ) -> tuple[Line, ...]:
        """Return lines with the machines that were in them at some time in [begin_ms, end_ms).

        A machine that was moved meanwhile is in each of its lines, as it was configured there.
        Those that were taken out or moved away come behind those that are in a line now, and lines
        that are gone behind those that are not.

        Args:
            lines: of the plant as configured now.
            begin_ms: only machines that were there at some time from here on,
            end_ms: up to here.
        """
        now = {machine.code: line.id for line in lines for machine in line.equipment}
        others: dict[str, list[Equipment]] = {}
        for code, tenure in self._tenures.items():
            for line_id, machine in tenure.machine_in.items():
                if now.get(code) != line_id and self.was_in(code, line_id, begin_ms, end_ms):
                    others.setdefault(line_id, []).append(machine)
        result = []
        for line in lines:
            mine = (
                machine
                for machine in line.equipment
                if self.was_in(machine.code, line.id, begin_ms, end_ms)
            )
            equipment = (*mine, *others.pop(line.id, ()))
            if equipment != line.equipment:
                line = msgspec.structs.replace(line, equipment=equipment)
            result.append(line)
        for line_id, machines in others.items():
            gone = self._lines[line_id]
            result.append(msgspec.structs.replace(gone, equipment=tuple(machines)))
        return tuple(result)

    def has_own_stop_after(self, code: str, line_id: str) -> bool:
        """Whether a machine had a `stop_after` of its own at some time in a line."""
        tenure = self._tenures.get(code)
        return tenure is not None and any(
            _at(tenure.own, at_ms)
            for span in self.spans_in_line(code, line_id)
            for at_ms in (span.begin_ms, *_changes_of(tenure, span))
        )

    def taken_out_ms(self, code: str) -> int | None:
        """Return when a machine was taken out; None while it is configured."""
        tenure = self._tenures.get(code)
        if tenure is None or not tenure.spans or tenure.spans[-1].end_ms >= FAR_MS:
            return None
        return tenure.spans[-1].end_ms

    def _configure(self, machine: Equipment, judge: Judge, *, is_own: bool) -> None:
        tenure = self._tenures.setdefault(machine.code, _Tenure())
        _forget_from(tenure, judge.begin_ms)
        tenure.machine = tenure.machine_in[machine.line_id] = machine
        is_elsewhere = bool(tenure.lines) and tenure.lines[-1][1] != machine.line_id
        if not tenure.lines or is_elsewhere:
            tenure.lines.append((judge.begin_ms, machine.line_id))
        if not tenure.spans or tenure.spans[-1].end_ms < judge.begin_ms:
            tenure.spans.append(Span(judge.begin_ms, FAR_MS))
        elif is_elsewhere:
            tenure.spans[-1] = Span(tenure.spans[-1].begin_ms, judge.begin_ms)
            tenure.spans.append(Span(judge.begin_ms, FAR_MS))
        else:
            tenure.spans[-1] = Span(tenure.spans[-1].begin_ms, FAR_MS)
        if not tenure.judges or tenure.judges[-1].key != judge.key:
            tenure.judges.append(judge)
        if not tenure.own or tenure.own[-1][1] != is_own:
            tenure.own.append((judge.begin_ms, is_own))

    def _calendar(self, plant: PlantCalendar, line_id: str) -> LineCalendar:
        calendar = plant.of_line(line_id)
        key = (plant.time_zone, plant.holidays, calendar.key)
        return self._calendars.setdefault(key, calendar)


class Configurations:
    """Keeps what is folded of one database, and reads what came since."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._opening = -1
        self._last_id = 0
        self._applied: list[int] = []  # ids, in order
        self._configured = Configured()

    def forget(self) -> None:
        """Read everything again with the next question: what is stored was moved."""
        self._opening = -1

    @property
    def applied(self) -> tuple[int, ...]:
        """What people have applied, as far as it was read: the ids."""
        return tuple(self._applied)

    async def read(self) -> Configured:
        """Return which configuration held when, and which rules people have applied.

        Raises:
            HistoryError: the database cannot be read now.
        """
        async with self._lock:
            is_read = False
            while not is_read:
                is_read = await self._read_some()
            return self._configured

    async def _read_some(self) -> bool:
        """Fold the next few versions; return whether that was all."""
        table = schema.config_version
        async with self._database.reading() as connection:
            if self._opening != self._database.opened_count:  # another file, perhaps
                self._begin_again()
            query = (
                select(table.c.id, table.c.at_ms, table.c.site)
                .where(table.c.id > self._last_id)
                .order_by(table.c.id)
                .limit(_AT_ONCE)
            )
            rows = (await connection.execute(query)).all()
            for id_, at_ms, encoded in rows:
                site = held_site(id_, encoded)
                if site is not None:
                    self._configured.fold(at_ms, site)
                self._last_id = id_
            return len(rows) < _AT_ONCE and await self._apply(connection)

    def _begin_again(self) -> None:
        self._configured, self._last_id, self._applied = Configured(), 0, []
        self._opening = self._database.opened_count

    async def _apply(self, connection: AsyncConnection) -> bool:
        """Fold what people have applied; return False when they have taken something back."""
        applied, version = schema.rule_application, schema.config_version
        query = (
            select(applied, version.c.site)
            .join(version, version.c.id == applied.c.config_version_id)
            .where(applied.c.deleted_ms.is_(None))
            .order_by(applied.c.id)
        )
        ids = select(applied.c.id).where(applied.c.deleted_ms.is_(None)).order_by(applied.c.id)
        wanted = list((await connection.execute(ids)).scalars())
        if wanted == self._applied:
            return True
        if wanted[: len(self._applied)] != self._applied:
            self._begin_again()
            return False
        later = query.where(applied.c.id > max(self._applied, default=0))
        for row in (await connection.execute(later)).all():
            site = held_site(row.config_version_id, row.site)
            if site is not None:
                self._configured.apply(row.begin_ms, row.end_ms, site, row.line_id)
        self._applied = wanted
        return True


def held_site(version_id: int, encoded: str) -> HeldSite | None:
    """Return what figures need of a stored configuration; None, told, where it is not readable."""
    try:
        return msgspec.json.decode(encoded, type=HeldSite)
    except msgspec.DecodeError as error:
        _log.warning(
            "history: a stored configuration is not understood, the one before it judges",
            version=version_id,
            reason=str(error),
        )
        return None


def _forget_from(tenure: _Tenure, at_ms: int) -> None:
    """Forget what a clock that was ahead has said of the time from `at_ms` on."""
    while tenure.spans and tenure.spans[-1].begin_ms >= at_ms:
        tenure.spans.pop()
    del tenure.judges[bisect_left(tenure.judges, at_ms, key=_begin_ms) :]
    del tenure.lines[bisect_left(tenure.lines, at_ms, key=_first) :]
    del tenure.own[bisect_left(tenure.own, at_ms, key=_first) :]


def _has_own_stop_after(machine: Equipment, line: Line) -> bool:
    """Whether it is not that of its line; versions of before do not say it of one that is alike."""
    return machine.has_own_stop_after or machine.rule.stop_after_s != line.stop_after_s


def _changes_of(tenure: _Tenure, span: Span) -> list[int]:
    """Return when in `span` what judges a machine changed, without its begin."""
    moments = {each.begin_ms for each in tenure.judges} | {at_ms for at_ms, _ in tenure.own}
    return sorted(at_ms for at_ms in moments if span.begin_ms < at_ms < span.end_ms)


def _rule_kept(tenure: _Tenure, line: Line, at_ms: int) -> StatusRule:
    """Return what a machine that is gone is judged by at a moment, by the rules of a line."""
    index = max(0, bisect_right(tenure.judges, at_ms, key=_begin_ms) - 1)
    rule = tenure.judges[index].rule
    if _at(tenure.own, at_ms):
        return rule
    return msgspec.structs.replace(rule, stop_after_s=line.stop_after_s)


def _at(moments: Sequence[tuple[int, bool]], at_ms: int) -> bool:
    """Return what holds at a moment: from the last one before it on, or else the first."""
    return moments[max(0, bisect_right(moments, at_ms, key=_first) - 1)][1] if moments else False


def _overlaid(judges: Sequence[Judge], judge: Judge, end_ms: int) -> list[Judge]:
    """Return `judges` with `judge` in its place until `end_ms`."""
    before = [each for each in judges if each.begin_ms < judge.begin_ms]
    last = judges[max(0, bisect_right(judges, end_ms, key=_begin_ms) - 1)]
    after = [msgspec.structs.replace(last, begin_ms=end_ms)]
    after += [each for each in judges if each.begin_ms > end_ms]
    return [*before, judge, *after]


def _begin_ms(judge: Judge) -> int:
    return judge.begin_ms


def _first(each: tuple[int, object]) -> int:
    return each[0]
