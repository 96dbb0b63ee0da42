"""Checks what the tables say of each other, and against the PLC's rules. Pure.

Works on drafts: a key whose own mistake has been noted is not judged again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lineside.config.durations import format_duration
from lineside.config.findings import Findings, Origin
from lineside.config.schema import (
    AlarmTableConfig,
    DowntimeReasonConfig,
    EquipmentConfig,
    LineConfig,
    PlantConfig,
    PlcConfig,
    ShiftConfig,
    ShiftExceptionConfig,
    stale_after_s,
)
from lineside.config.tables import Draft, TableT
from lineside.core.contacts import is_opposite, read_address
from lineside.core.model import AddressProblem, ReadingPlan
from lineside.core.spacing import poll_spacing_s

_HOLD_LEAST_POLLS = 4  # a lamp is seen on at least every 3.6 (engine.schedule.OffBeat)
TAG_KEYS = ("status_tag", "error_tag", "idle_tag", "alarm_code_tag")


class DriverRules(Protocol):
    """What a protocol says of a PLC before anything is connected."""

    def check(self, plc: PlcConfig, addresses: Sequence[str]) -> list[AddressProblem]:
        """Return what is wrong with `addresses` on this PLC; empty when all can be read."""

    def plan(self, plc: PlcConfig, addresses: Sequence[str]) -> ReadingPlan:
        """Return the requests of one poll. The addresses must have passed `check`."""

    def is_bit(self, plc: PlcConfig, address: str) -> bool:
        """Whether an address that has passed `check` is a single bit."""

    def bit_count(self, plc: PlcConfig, address: str) -> int | None:
        """Return how many bits a checked address has; None: its value is no whole number."""


@dataclass(frozen=True, kw_only=True)
class Drafts:
    """Every table of the configuration as far as it is right."""

    lines: Sequence[Draft[LineConfig]]
    plcs: Sequence[Draft[PlcConfig]]
    equipment: Sequence[Draft[EquipmentConfig]]
    plant: Draft[PlantConfig] | None = None
    shifts: Sequence[Draft[ShiftConfig]] = ()
    exceptions: Sequence[Draft[ShiftExceptionConfig]] = ()
    reasons: Sequence[Draft[DowntimeReasonConfig]] = ()
    alarm_tables: Sequence[Draft[AlarmTableConfig]] = ()


@dataclass(frozen=True, kw_only=True)
class Readings:
    """Per PLC, in configured order: the addresses to read and the plan for them.

    `alarm_words` has, per machine with an alarm_code_tag that is right, how many bits that word
    has; None: its value is no whole number.
    """

    addresses: Mapping[str, tuple[str, ...]]
    plans: Mapping[str, ReadingPlan]
    alarm_words: Mapping[str, int | None]


def check_references(drafts: Drafts, findings: Findings) -> None:
    """Note doubled names, names that do not exist, and machines that nothing can be known of."""
    check_unique(drafts.lines, "id", lambda line: line.id, "two lines", findings)
    check_unique(drafts.plcs, "id", lambda plc: plc.id, "two PLCs", findings)
    check_unique(drafts.equipment, "code", lambda e: e.code, "two machines", findings)
    _check_endpoints(drafts.plcs, findings)
    line_ids = list(dict.fromkeys(d.table.id for d in drafts.lines if d.has("id")))
    plc_ids = list(dict.fromkeys(d.table.id for d in drafts.plcs if d.has("id")))
    # While an id is wrong or missing, what refers to it cannot be called wrong.
    are_lines_named = all(draft.has("id") for draft in drafts.lines)
    are_plcs_named = all(draft.has("id") for draft in drafts.plcs)
    for draft in drafts.equipment:
        if are_lines_named:
            _check_line(draft, line_ids, findings)
        if are_plcs_named:
            _check_plc(draft, plc_ids, findings)
        _check_tags(draft, findings)


def check_readings(
    drafts: Drafts, drivers: Mapping[str, DriverRules], findings: Findings
) -> Readings:
    """Note addresses that the PLCs do not have and periods that cannot be met; return the plans."""
    all_addresses: dict[str, tuple[str, ...]] = {}
    plans: dict[str, ReadingPlan] = {}
    widths: dict[tuple[str, str], int | None] = {}
    users = _tags_by_plc(drafts)
    for draft in drafts.plcs:
        plc = draft.table
        uses = users.get(plc.id, {}) if draft.has("id") else {}
        if draft.has("heartbeat") and plc.heartbeat is not None:
            beat = (draft.origin, "heartbeat", plc.heartbeat)
            uses = {**{plc.heartbeat: []}, **uses}
            uses[plc.heartbeat] = [beat, *uses[plc.heartbeat]]
        all_addresses[plc.id] = tuple(uses)
        rules = drivers.get(plc.driver)
        if rules is None:
            findings.problem(draft.origin, ("driver",), f'"{plc.driver}" is not installed')
            continue
        if {"driver", "family"} & draft.bad or not uses:
            continue  # which addresses exist is the family's to say
        bad = rules.check(plc, tuple(uses))
        for problem in bad:
            message = problem.message
            if problem.address.upper() not in message.upper():
                message = f'"{problem.address}": {message}'
            for origin, key, _ in uses[problem.address]:
                findings.problem(origin, (key,), message, problem.hint)
        wrong = {problem.address for problem in bad}
        right = tuple(address for address in uses if address not in wrong)
        if right and plc.heartbeat not in wrong:  # a plan reads the heartbeat too
            plans[plc.id] = rules.plan(plc, right)
            _check_period(draft, plans[plc.id], findings)
        for address in right:
            is_bit = rules.is_bit(plc, address)
            if any(key == "alarm_code_tag" for _, key, _ in uses[address]) and not is_bit:
                widths[plc.id, address] = rules.bit_count(plc, address)
            for origin, key, written in uses[address]:
                _check_kind(origin, key, written, is_bit, findings)
    words = {
        draft.table.code: widths[draft.table.plc or "", draft.table.alarm_code_tag or ""]
        for draft in drafts.equipment
        if (draft.table.plc, draft.table.alarm_code_tag) in widths and draft.has("plc")
    }
    return Readings(addresses=all_addresses, plans=plans, alarm_words=words)


def check_times(drafts: Drafts, plans: Mapping[str, ReadingPlan], findings: Findings) -> None:
    """Note ages that a PLC's polls cannot keep fresh."""
    lines = {draft.table.id: draft for draft in drafts.lines if draft.has("id")}
    plcs = {draft.table.id: draft for draft in drafts.plcs if draft.has("id")}
    only_line = drafts.lines[0] if len(drafts.lines) == 1 else None
    noted: set[tuple[str, str]] = set()
    for draft in drafts.equipment:
        plc = plcs.get(draft.table.plc or "")
        if plc is None or {"period", "timeout"} & plc.bad:
            continue
        _check_hold(draft, plc.table, findings)
        line = lines.get(draft.table.line) if draft.table.line is not None else only_line
        own = draft.has("stale_after")
        owner: Draft[EquipmentConfig] | Draft[LineConfig] | None = draft if own else line
        if owner is None or not owner.has("stale_after"):
            continue
        stale_s = stale_after_s(draft.table, line.table if line else None, plc.table.period)
        pair = (
            owner.origin.path() if not own else draft.origin.path() + draft.table.code,
            plc.table.id,
        )
        if pair not in noted:
            noted.add(pair)
            plan = plans.get(plc.table.id)
            if not _check_age(owner.origin, "stale_after", stale_s, plc.table, findings) and plan:
                _check_age_of_a_poll(owner.origin, stale_s, plc.table, plan, findings)
    for plc in drafts.plcs:
        if plc.table.heartbeat is not None and not {"period", "heartbeat_timeout"} & plc.bad:
            _check_age(
                plc.origin, "heartbeat_timeout", plc.table.heartbeat_timeout, plc.table, findings
            )


def warn_of_unused(drafts: Drafts, findings: Findings) -> None:
    """Note what the server can live with but its owner did hardly mean."""
    used_plcs = {draft.table.plc for draft in drafts.equipment}
    for plc in drafts.plcs:
        if plc.has("id") and plc.table.id not in used_plcs:
            findings.warning(plc.origin, ("id",), f"no equipment reads from {plc.table.id}")
        if plc.table.transport == "udp" and plc.table.frame == "3E" and not plc.bad:
            findings.warning(
                plc.origin,
                ("transport",),
                f"{plc.table.id} has UDP with 3E, whose answers carry no number: they are told "
                "apart by their length, and one that the network repeats ends the connection",
                'write frame = "4E" where the PLC takes it, or transport = "tcp"',
            )
    used_lines = {draft.table.line for draft in drafts.equipment}
    for line in drafts.lines:
        if line.has("id") and line.table.id not in used_lines and len(drafts.lines) > 1:
            findings.warning(line.origin, ("id",), f"the line {line.table.id} has no equipment")
    for draft in drafts.equipment:
        table = draft.table
        if not {"plc", *TAG_KEYS} & draft.bad and table.status_tag is None:
            findings.warning(
                draft.origin,
                ("status_tag",),
                f"{table.code} has no status_tag: it is shown as disconnected, not configured",
            )
        if table.value_map is not None and table.idle_tag is not None:
            findings.warning(
                draft.origin, ("idle_tag",), "has no effect: value_map says what idle is"
            )
        if draft.has("error_hold") and table.error_tag is None and "error_tag" not in draft.bad:
            findings.warning(
                draft.origin, ("error_hold",), "has no effect: there is no error_tag to hold"
            )
    _warn_of_shared_tags(drafts, findings)


def check_unique(
    drafts: Sequence[Draft[TableT]],
    key: str,
    name_of: Callable[[TableT], str],
    what: str,
    findings: Findings,
) -> None:
    """Note every draft whose `key` another has already; "`what` cannot share it"."""
    first: dict[str, Origin] = {}
    for draft in drafts:
        if not draft.has(key):
            continue
        name = name_of(draft.table)
        if name not in first:
            first[name] = draft.origin
            continue
        line = first[name].line(key)
        elsewhere = first[name].file != draft.origin.file
        place = f"on line {line}" + (f" of {first[name].file}" if elsewhere else "")
        findings.problem(
            draft.origin, (key,), f'"{name}" is taken already, {place}', f"{what} cannot share it"
        )


def _check_endpoints(plcs: Sequence[Draft[PlcConfig]], findings: Findings) -> None:
    """The same port twice is a slip, unless the route tells two CPUs behind one port apart."""
    first: dict[tuple[object, ...], Draft[PlcConfig]] = {}
    for draft in plcs:
        plc = draft.table
        if {"host", "port", "transport"} & draft.bad:
            continue
        endpoint = (plc.host.lower(), plc.port, plc.transport)
        other = first.setdefault(endpoint, draft)
        if other is draft:
            continue
        where = f"{plc.host}:{plc.port} is the address of {other.table.id} too"
        if _route(plc) == _route(other.table):
            findings.problem(
                draft.origin,
                ("host",),
                where,
                "a PLC port serves one connection: put the equipment of both on one [[plc]], or "
                "give each its own port",
            )
        else:
            findings.warning(
                draft.origin, ("host",), f"{where}: make sure that it serves two connections"
            )


def _route(plc: PlcConfig) -> tuple[int, ...]:
    return (plc.network, plc.pc, plc.module_io, plc.station)


def _check_line(draft: Draft[EquipmentConfig], line_ids: Sequence[str], findings: Findings) -> None:
    name = draft.table.line
    if "line" in draft.bad or not line_ids:
        return
    if name is None and len(line_ids) > 1:
        findings.problem(
            draft.origin,
            ("line",),
            f"needs a line, because there are {len(line_ids)}",
            f"add line = … with one of {_listed(line_ids)}",
        )
    elif name is not None and name not in line_ids:
        hint = f"the lines are {_listed(line_ids)}"
        findings.problem(draft.origin, ("line",), f'there is no line "{name}"', hint)


def _check_plc(draft: Draft[EquipmentConfig], plc_ids: Sequence[str], findings: Findings) -> None:
    name = draft.table.plc
    if "plc" in draft.bad:
        return
    if name is None:
        if any(draft.has(key) for key in TAG_KEYS):
            hint = f"add plc = … with one of {_listed(plc_ids)}" if plc_ids else "add a [[plc]]"
            findings.problem(draft.origin, ("plc",), "has tags but no plc to read them from", hint)
    elif name not in plc_ids:
        hint = f"the PLCs are {_listed(plc_ids)}" if plc_ids else "no [[plc]] is configured"
        findings.problem(draft.origin, ("plc",), f'there is no PLC "{name}"', hint)


def _check_tags(draft: Draft[EquipmentConfig], findings: Findings) -> None:
    table = draft.table
    if table.status_tag is not None or "status_tag" in draft.bad:
        return
    for key in ("error_tag", "idle_tag", "alarm_code_tag", "alarm_bits", "value_map"):
        if draft.has(key):
            findings.problem(
                draft.origin,
                (key,),
                f"{key} without status_tag: nothing would tell whether the machine runs",
                "add status_tag = …",
            )


def _check_kind(origin: Origin, key: str, written: str, is_bit: bool, findings: Findings) -> None:
    """Note a code that is read from a bit, and the opposite of what has none."""
    if key == "alarm_code_tag" and is_bit:
        findings.problem(
            origin, (key,), f"{written} is a bit: a code stands in a word", 'as in "D200"'
        )
    elif is_opposite(written) and not is_bit:
        plain = read_address(written)
        hint = f'name a bit of it, as in "!{plain}.0"'
        if key == "alarm_code_tag":
            hint = f'write "{plain}"'
        findings.problem(origin, (key,), f"{plain} is a word: only a bit has an opposite", hint)


def _tags_by_plc(drafts: Drafts) -> dict[str, dict[str, list[tuple[Origin, str, str]]]]:
    """Return per PLC every address to read, in order of first use.

    With each stand the keys that use it, and how they write it: "!M200" reads M200.
    """
    users: dict[str, dict[str, list[tuple[Origin, str, str]]]] = defaultdict(dict)
    for draft in drafts.equipment:
        if not draft.has("plc") or draft.table.plc is None:
            continue
        for key in TAG_KEYS:
            if key == "idle_tag" and draft.table.value_map is not None:
                continue  # the map says what idle is
            address = getattr(draft.table, key)
            if address is not None and draft.has(key):
                use = (draft.origin, key, address)
                users[draft.table.plc].setdefault(read_address(address), []).append(use)
    return users


def _check_period(draft: Draft[PlcConfig], plan: ReadingPlan, findings: Findings) -> None:
    plc = draft.table
    if "period" in draft.bad or plc.period >= plan.shortest_period_s:
        return
    count = len(plan.requests)
    needed = format_duration(math.ceil(round(plan.shortest_period_s * 100, 6)) / 100)
    findings.problem(
        draft.origin,
        ("period",),
        f"{format_duration(plc.period)} is too short: one poll of {plc.id} takes {count} "
        f"request{'s' if count != 1 else ''} and up to {needed}",
        f'write period = "{needed}" or longer',
    )


def _check_hold(draft: Draft[EquipmentConfig], plc: PlcConfig, findings: Findings) -> None:
    """A lamp that blinks may be seen dark at two polls, and at the looks between them."""
    hold_s = draft.table.error_hold
    least_s = _HOLD_LEAST_POLLS * poll_spacing_s(plc.period)
    if hold_s is None or not draft.has("error_hold") or hold_s >= least_s:
        return
    findings.problem(
        draft.origin,
        ("error_hold",),
        f"{format_duration(hold_s)} is too short for {plc.id}, which is polled every "
        f"{format_duration(poll_spacing_s(plc.period))}: a lamp would be lost between two looks",
        f'write error_hold = "{format_duration(least_s)}" or longer',
    )


def _check_age_of_a_poll(
    origin: Origin, stale_s: float, plc: PlcConfig, plan: ReadingPlan, findings: Findings
) -> None:
    """Warn of an age that the first answers of a slow poll reach before its last ones are in."""
    count = len(plan.requests)
    slowest_s = count * plc.timeout
    if count == 1 or stale_s >= slowest_s:
        return
    slowest = format_duration(slowest_s)
    findings.warning(
        origin,
        ("stale_after",),
        f"{format_duration(stale_s)} is shorter than the {count} requests of a poll of {plc.id} "
        f"may take, {slowest} with its timeout: then answers that came in time are too old",
        f'write stale_after = "{slowest}" or longer, or shorten the timeout of {plc.id}',
    )


def _check_age(origin: Origin, key: str, age_s: float, plc: PlcConfig, findings: Findings) -> bool:
    """Note an age that polls cannot keep fresh; return whether there was anything to note."""
    spacing_s = poll_spacing_s(plc.period)
    every = f"polled every {format_duration(spacing_s)}"
    if format_duration(spacing_s) != format_duration(plc.period):
        every += f" since a period of {format_duration(plc.period)} does not fit the ticks"
    if age_s <= spacing_s:
        longer = format_duration(max(3.0, 3 * spacing_s))
        findings.problem(
            origin,
            (key,),
            f"{format_duration(age_s)} is too short for {plc.id}, which is {every}: "
            "its machines would drop out between two polls",
            f'write {key} = "{longer}" or shorten the period',
        )
        return True
    if age_s < 2 * spacing_s:
        findings.warning(
            origin,
            (key,),
            f"{format_duration(age_s)} is less than two polls of {plc.id}, which is {every}: "
            "one late answer shows as disconnected",
        )
        return True
    return False


def _warn_of_shared_tags(drafts: Drafts, findings: Findings) -> None:
    first: dict[tuple[str | None, str], str] = {}
    for draft in drafts.equipment:
        if not (draft.has("status_tag") and draft.has("plc") and draft.table.status_tag):
            continue
        tag = (draft.table.plc, draft.table.status_tag)
        other = first.setdefault(tag, draft.table.code)
        if other != draft.table.code:
            findings.warning(
                draft.origin, ("status_tag",), f"{tag[1]} is the status_tag of {other} too"
            )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
