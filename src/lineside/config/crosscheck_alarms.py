"""Checks what machines and alarm tables say of each other. Pure.

As in `crosscheck`, a key whose own mistake has been noted is not judged again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineside.config.crosscheck import Drafts, check_unique
from lineside.config.findings import Findings
from lineside.config.schema import EquipmentConfig
from lineside.config.tables import Draft
from lineside.core.alarm_text import AlarmText
from lineside.core.model import Status


def check_alarms(
    drafts: Drafts,
    alarm_words: Mapping[str, int | None],
    messages: Mapping[str, Mapping[int, AlarmText]],
    findings: Findings,
) -> None:
    """Note doubled alarm tables, machines that name none that exists, and what has no effect.

    Args:
        drafts: every table of the configuration.
        alarm_words: per machine how many bits its alarm_code_tag has; see `Readings`.
        messages: what each alarm table says of each code.
        findings: takes what is found.
    """
    check_unique(drafts.alarm_tables, "id", lambda table: table.id, "two alarm tables", findings)
    ids = list(dict.fromkeys(d.table.id for d in drafts.alarm_tables if d.has("id")))
    are_all_named = all(draft.has("id") for draft in drafts.alarm_tables)
    for draft in drafts.equipment:
        name = draft.table.alarm_table
        if draft.has("alarm_table") and name not in ids and are_all_named:
            hint = f"the alarm tables are {', '.join(ids)}" if ids else "add an [[alarm_table]]"
            problem = f'there is no alarm table "{name}"'
            findings.problem(draft.origin, ("alarm_table",), problem, hint)
        _warn_of_no_effect(draft, findings)
        if len(ids) > 1:
            _warn_of_no_table(draft, ids, findings)
        if draft.has("alarm_bits"):
            _check_bits(draft, alarm_words, messages, findings)
    used = {draft.table.alarm_table for draft in drafts.equipment}
    tells_code = any(draft.table.alarm_code_tag is not None for draft in drafts.equipment)
    is_only = len(drafts.alarm_tables) == 1 and tells_code
    for table in drafts.alarm_tables:
        if table.has("id") and table.table.id not in used and not is_only:
            findings.warning(table.origin, ("id",), f"no equipment uses {table.table.id}")


def _check_bits(
    draft: Draft[EquipmentConfig],
    alarm_words: Mapping[str, int | None],
    messages: Mapping[str, Mapping[int, AlarmText]],
    findings: Findings,
) -> None:
    """Note bits that the word does not have, and alarms that would say no more than a number."""
    table, bits = draft.table, draft.table.alarm_bits or {}
    if table.alarm_code_tag is None:
        if "alarm_code_tag" not in draft.bad and table.status_tag is not None:
            problem = "alarm_bits without alarm_code_tag: there is no word to take the bits of"
            findings.problem(draft.origin, ("alarm_bits",), problem, "add alarm_code_tag = …")
    elif draft.has("alarm_code_tag") and table.code in alarm_words:
        count = alarm_words[table.code]
        too_high = [bit for bit in sorted(bits) if count is not None and bit >= count]
        if count is None:
            problem = f"{table.alarm_code_tag} is not read as a whole number: it has no bits"
            findings.problem(draft.origin, ("alarm_bits",), problem, 'as in "D200" or "D200:U32"')
        elif too_high:
            problem = f"{table.alarm_code_tag} has the bits 0 to {count - 1}, and no {too_high[0]}"
            hint = f'a double word has 32, as in "{table.alarm_code_tag.partition(":")[0]}:U32"'
            findings.problem(draft.origin, ("alarm_bits",), problem, hint)
    name = table.alarm_table or (next(iter(messages)) if len(messages) == 1 else None)
    known = messages.get(name or "")  # none: it could not be read, which has been told
    lacking = sorted(set(bits.values()) - known.keys()) if known else []
    if lacking:
        codes = f"code{'s' if len(lacking) > 1 else ''} {', '.join(map(str, lacking))}"
        text = f"the alarm table {name} has no {codes}: the alarm will say only the number"
        findings.warning(draft.origin, ("alarm_bits",), text)


def _warn_of_no_table(
    draft: Draft[EquipmentConfig], ids: Sequence[str], findings: Findings
) -> None:
    """Warn of codes that nothing explains although there are tables of which one might."""
    table = draft.table
    names_none = table.alarm_table is None and "alarm_table" not in draft.bad
    if names_none and draft.has("alarm_code_tag") and table.error_tag is not None:
        text = f"which of {', '.join(ids)} explains its codes is not said: add alarm_table = …"
        findings.warning(draft.origin, ("alarm_code_tag",), text)


def _warn_of_no_effect(draft: Draft[EquipmentConfig], findings: Findings) -> None:
    table = draft.table
    if draft.has("alarm_table") and table.alarm_code_tag is None:
        if "alarm_code_tag" not in draft.bad:
            text = "has no effect: there is no alarm_code_tag"
            findings.warning(draft.origin, ("alarm_table",), text)
        return
    can_fail = table.error_tag is not None or Status.ERROR in (table.value_map or {}).values()
    is_judged = not {"error_tag", "value_map", "status_tag"} & draft.bad
    if draft.has("alarm_code_tag") and is_judged and not can_fail and table.status_tag is not None:
        text = "has no effect: without error_tag nothing tells that there is a fault"
        findings.warning(draft.origin, ("alarm_code_tag",), text)
