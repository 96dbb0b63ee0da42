"""Key figures as they are and as another configuration would have made them.

Nothing of a preview is stored, so all of it is computed from the intervals: some machines at a
time, each a question of its own, so that questions of people come in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from lineside.core.model import Site
from lineside.history.figures import Plans
from lineside.history.kpi_rows import kpi_rows, plans_by, plans_of
from lineside.history.kpi_words import Wanted
from lineside.history.rules_applied import newest_version
from lineside.history.store import Store

_DAY_MS = 86_400_000
_AT_ONCE = 500  # machine-days in one question

Ask: TypeAlias = Callable[[Callable[[Store], Awaitable[Any]]], Awaitable[Any]]


async def preview(
    ask: Ask,
    site: Site,
    other_site: Site,
    wanted: Wanted,
    told: Mapping[str, Any],
    *,
    is_tried: bool = True,
    is_stop_after_tried: bool = False,
) -> bytes:
    """Return the rows that are wanted as JSON: `current` by what held then, `preview` by the other.

    Args:
        ask: puts one question to the history.
        site: the plant as configured.
        other_site: the plant with other rules, which judge all of the window.
        wanted: rows per machine.
        told: what else the answer says.
        is_tried: whether the other plant is one that is tried, and not the rules in force.
        is_stop_after_tried: whether its lines have another `stop_after`.

    Raises:
        HistoryError: the database cannot be read now.
    """

    async def both_plans(store: Store) -> tuple[int | None, Plans, Plans]:
        version = None if is_tried else await newest_version(store)
        return version, await plans_of(store, site), await plans_by(store, other_site)

    version, plans, other_plans = await ask(both_plans)
    machines = [each for _, some in wanted.lines for each in some if is_stop_after_tried]
    own = [each.code for each in machines if other_plans.has_own_stop_after(each)]
    current: list[bytes] = []
    other: list[bytes] = []
    for some in _slices(wanted):

        async def question(store: Store, some: Wanted = some) -> None:
            for rows, judged_by in ((current, plans), (other, other_plans)):
                async for row in kpi_rows(store, site, some, plans=judged_by):
                    rows.append(msgspec.json.encode(row))

        await ask(question)
    return b"".join(
        (
            msgspec.json.encode({"version": version, "own_stop_after": own, **told})[:-1],
            b',"current":[',
            b",".join(current),
            b'],"preview":[',
            b",".join(other),
            b"]}",
        )
    )


def _slices(wanted: Wanted) -> list[Wanted]:
    """Return the question in pieces of a few machines, in order."""
    days = max(1, -(-(wanted.end_ms - wanted.begin_ms) // _DAY_MS))
    step = max(1, _AT_ONCE // days)
    return [
        msgspec.structs.replace(wanted, lines=((line, machines[first : first + step]),))
        for line, machines in wanted.lines
        for first in range(0, len(machines), step)
    ]
