"""What alarms have to know of the configured plant: names, messages and shifts. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from lineside.core.alarm import Alarm, AlarmKind, worded
from lineside.core.alarm_bits import AlarmBits, bit_values, word_in
from lineside.core.alarm_text import AlarmRules, AlarmText, Severity, equipment_text, plc_text
from lineside.core.calendar import LineCalendar
from lineside.core.model import Equipment, Plc, Quality, Site, TagRole, TagState
from lineside.history.alarm_book import Source


class AlarmPlant:
    """One configuration, as alarms see it. Without a site there is nothing in it."""

    def __init__(self, site: Site | None = None) -> None:
        lines = site.lines if site is not None else ()
        self._equipment = {each.code: each for line in lines for each in line.equipment}
        self.alarm_bits: dict[Source, AlarmBits] = {
            (AlarmKind.EQUIPMENT, code): each.alarm_bits
            for code, each in self._equipment.items()
            if each.alarm_bits is not None and TagRole.ALARM_CODE in each.addresses
        }
        self._plcs = {plc.id: plc for plc in site.plcs} if site is not None else {}
        self._tables = site.alarm_tables if site is not None else {}
        self.rules = site.alarm_rules if site is not None else AlarmRules()
        self._lines_of_plc: dict[str, list[str]] = {plc_id: [] for plc_id in self._plcs}
        self._machine_counts = dict.fromkeys(self._plcs, 0)
        for each in self._equipment.values():
            if each.plc_id in self._plcs:
                self._machine_counts[each.plc_id] += 1
                if each.line_id not in self._lines_of_plc[each.plc_id]:
                    self._lines_of_plc[each.plc_id].append(each.line_id)
        self._calendars: dict[str, LineCalendar] = (
            {line.id: site.calendar.of_line(line.id) for line in lines} if site is not None else {}
        )

    def has(self, source: Source) -> bool:
        """Whether a machine or PLC is configured."""
        kind, name = source
        return name in (self._equipment if kind is AlarmKind.EQUIPMENT else self._plcs)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The machines and the PLCs."""
        machines = ((AlarmKind.EQUIPMENT, code) for code in self._equipment)
        return (*machines, *((AlarmKind.PLC, plc_id) for plc_id in self._plcs))

    @property
    def plc_ids(self) -> tuple[str, ...]:
        """The PLCs."""
        return tuple(self._plcs)

    def tells_code(self, source: Source) -> bool:
        """Whether a machine has a word that holds the code of its fault."""
        return (
            source[0] is AlarmKind.EQUIPMENT
            and TagRole.ALARM_CODE in self._equipment[source[1]].addresses
            and source not in self.alarm_bits
        )

    def looks_like_bits(self, source: Source, code: int) -> bool:
        """Whether `code` is no code of a machine's table, and each of its bits, as a number, is."""
        table = self._tables.get(self._equipment[source[1]].alarm_table or "", {})
        bits = bit_values(code)
        return code not in table and bool(bits) and all(bit in table for bit in bits)

    def text(self, source: Source, alarm_code: int | None) -> AlarmText:
        """Return what an alarm of a machine or PLC says."""
        if source[0] is AlarmKind.PLC:
            return plc_text(self._machine_counts[source[1]])
        table = self._equipment[source[1]].alarm_table
        return equipment_text(alarm_code, self._tables.get(table, {}) if table else {})

    def new_alarm(
        self, source: Source, alarm_id: int, since_ms: int, alarm_code: int | None
    ) -> Alarm:
        """Return an alarm to which nothing has happened yet."""
        kind, name = source
        is_machine = kind is AlarmKind.EQUIPMENT
        facts = self._of_machine(self._equipment[name]) if is_machine else self._of_plc(name)
        line_id, shown_name, plc_id, tag = facts
        alarm = Alarm(
            id=alarm_id,
            kind=kind,
            source=name,
            line_id=line_id,
            name=shown_name,
            plc_id=plc_id,
            tag=tag,
            alarm_code=alarm_code,
            severity=Severity.HIGH,
            text_ko="",
            text_en="",
            raised_ms=since_ms,
            last_raised_ms=since_ms,
            changed_ms=since_ms,
        )
        return worded(alarm, self.text(source, alarm_code))

    def is_worked(self, source: Source, at_ms: int) -> bool:
        """Whether a shift goes on, breaks included, on a line that a machine or PLC serves."""
        if source[0] is AlarmKind.EQUIPMENT:
            machine = self._equipment.get(source[1])
            lines = [machine.line_id] if machine is not None else []
        else:
            lines = self._lines_of_plc.get(source[1], [])
        return not lines or any(self._is_line_worked(line_id, at_ms) for line_id in lines)

    def _is_line_worked(self, line_id: str, at_ms: int) -> bool:
        calendar = self._calendars[line_id]
        return calendar.is_around_the_clock or calendar.shift_at(at_ms) is not None

    @staticmethod
    def _of_machine(machine: Equipment) -> tuple[str | None, str, str | None, str | None]:
        by_map = machine.addresses.get(TagRole.STATUS)
        tag = machine.addresses.get(TagRole.ERROR, by_map)
        return machine.line_id, machine.name, machine.plc_id, tag

    def _of_plc(self, plc_id: str) -> tuple[str | None, str, str | None, str | None]:
        plc: Plc = self._plcs[plc_id]
        lines = self._lines_of_plc[plc_id]
        return (lines[0] if len(lines) == 1 else None), plc.id, plc.id, None


def alarm_word_in(tags: Iterable[TagState]) -> int | None:
    """Return what the word holds that tells of a machine's fault; None when it was not read."""
    for tag in tags:
        if tag.role is TagRole.ALARM_CODE and tag.quality is Quality.GOOD:
            return word_in(tag.value)
    return None


def alarm_code_in(tags: Iterable[TagState]) -> int | None:
    """Return what the machine tells of its fault; None when it tells nothing, or 0."""
    return alarm_word_in(tags) or None
