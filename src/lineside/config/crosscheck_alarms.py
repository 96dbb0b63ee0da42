"""Checks what machines and alarm tables say of each other. Pure.

As in `crosscheck`, a key whose own mistake has been noted is not judged again.
"""

from __future__ import annotations

from lineside.config.crosscheck import Drafts, check_unique
from lineside.config.findings import Findings
from lineside.config.schema import EquipmentConfig
from lineside.config.tables import Draft
from lineside.core.model import Status


def check_alarms(drafts: Drafts, findings: Findings) -> None:
    """Note doubled alarm tables, machines that name none that exists, and what has no effect."""
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
    used = {draft.table.alarm_table for draft in drafts.equipment}
    tells_code = any(draft.table.alarm_code_tag is not None for draft in drafts.equipment)
    is_only = len(drafts.alarm_tables) == 1 and tells_code
    for table in drafts.alarm_tables:
        if table.has("id") and table.table.id not in used and not is_only:
            findings.warning(table.origin, ("id",), f"no equipment uses {table.table.id}")


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
