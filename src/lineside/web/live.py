"""What the web room remembers of the bus: the newest snapshot, the site, recent state changes.

It does no I/O and answers nothing by itself; the REST views and the metrics read it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from msgspec.structs import replace

from lineside.core import limits
from lineside.core.model import Equipment, Instant, Line, Site, SiteChange, Snapshot, StateChange
from lineside.core.ports import BusMessage, Clock

CHANGES_MAX = 200_000  # over all machines; about 100 MB


class LiveView:
    """The newest of everything, as heard on the bus.

    `equipment_by_code` is in configured order. `revision` grows with each snapshot and each change
    of the site, `change_revision` with each change of a status: what was encoded for one revision
    can be handed out until the next. Changes within a status are the snapshot's and the history's;
    `news` betrays them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.site: Site | None = None
        self.snapshot: Snapshot | None = None
        self.snapshot_received_at: Instant | None = None
        self.observed_since_s: float | None = None
        self.revision = 0
        self.change_revision = 0
        self._began = f"{clock().unix_s:.3f}"  # no count goes on after a restart
        self._site_count = 0
        self._is_site_new = False  # since the newest snapshot
        self._news_by_line: dict[str, int] = {}
        self._news_to_come: dict[str, int] = {}  # heard since the newest snapshot
        self._since_s: dict[str, float] = {}
        self._changes: dict[str, deque[StateChange]] = {}
        self._seen_since_s: dict[str, float] = {}
        self.equipment_by_code: Mapping[str, tuple[Line, Equipment]] = {}

    def on_message(self, message: BusMessage) -> None:
        """Take one message from the bus."""
        if isinstance(message, Snapshot):
            self._take_snapshot(message)
        elif isinstance(message, StateChange):
            self._expect_news(message.line_id)
            if message.is_of_status:
                self._take_change(message)
        else:
            self._take_site(message)

    def snapshot_age_s(self) -> float | None:
        """Return how old the newest snapshot is, in seconds; None before the first."""
        return None if self.snapshot is None else self.snapshot.at.age_s(self._clock())

    def is_ticking(self) -> bool:
        """Whether the newest snapshot may be shown as the present."""
        age_s = self.snapshot_age_s()
        return age_s is not None and age_s <= limits.FRESH_FOR_S

    def find_line(self, line_id: str) -> Line | None:
        """Return the configured line, or None."""
        lines = self.site.lines if self.site is not None else ()
        return next((line for line in lines if line.id == line_id), None)

    def news(self, line_id: str | None = None) -> str:
        """Return a word that is another once a snapshot tells something new of a line (None: any).

        Told is a status, its time, what counts of its reason, and the configuration. The word says
        nothing by itself; after a restart it is another.
        """
        counts = self._news_by_line
        count = sum(counts.values()) if line_id is None else counts.get(line_id, 0)
        return f"{self._began}-{self._site_count}-{count}"

    def changes(self, code: str) -> tuple[StateChange, ...]:
        """Return the recent changes of one machine, oldest first."""
        return tuple(self._changes.get(code, ()))

    def known_since_s(self, code: str) -> float | None:
        """Return the Unix time before which nothing is known of one machine.

        That is when it was first seen or, once old changes had to be dropped, the oldest one kept.
        """
        changes = self._changes.get(code)
        if changes is not None and len(changes) == changes.maxlen:
            return changes[0].at_s
        return self._seen_since_s.get(code, self.observed_since_s)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.snapshot_received_at = self._clock()
        self.revision += 1
        self._site_count += self._is_site_new
        self._is_site_new = False
        self._observe(snapshot.at.unix_s)
        for line in snapshot.lines:
            for equipment in line.equipment:
                if self._since_s.get(equipment.code) != equipment.since_s:
                    self._since_s[equipment.code] = equipment.since_s
                    self._expect_news(line.id)
                if equipment.code not in self._seen_since_s:
                    self._seen_since_s[equipment.code] = snapshot.at.unix_s
        for line_id, count in self._news_to_come.items():
            self._news_by_line[line_id] = self._news_by_line.get(line_id, 0) + count
        self._news_to_come.clear()

    def _expect_news(self, line_id: str) -> None:
        self._news_to_come[line_id] = self._news_to_come.get(line_id, 0) + 1

    def _take_change(self, change: StateChange) -> None:
        if self.site is not None and change.equipment_code not in self.equipment_by_code:
            return  # decided before the machine was removed from the site
        self._observe(change.at_s)
        self._seen_since_s.setdefault(change.equipment_code, change.at_s)
        changes = self._changes.get(change.equipment_code)
        if changes is None:
            changes = self._changes[change.equipment_code] = deque(maxlen=self._changes_kept())
        changes.append(change)
        self.change_revision += 1

    def _take_site(self, message: SiteChange) -> None:
        self.site = message.site
        self.equipment_by_code = {
            equipment.code: (line, equipment)
            for line in message.site.lines
            for equipment in line.equipment
        }
        kept = self._changes_kept()
        self._changes = {
            code: changes if changes.maxlen == kept else deque(changes, maxlen=kept)
            for code, changes in self._changes.items()
            if code in self.equipment_by_code
        }
        self._seen_since_s = {
            code: at_s
            for code, at_s in self._seen_since_s.items()
            if code in self.equipment_by_code
        }
        self._since_s = {
            c: at_s for c, at_s in self._since_s.items() if c in self.equipment_by_code
        }
        if self.snapshot is not None:
            self.snapshot = _still_in(self.snapshot, message.site)
        self._site_count += 1  # what left it is in no answer from now on
        self._is_site_new = True  # names are those of the next snapshot
        self.revision += 1
        self.change_revision += 1

    def _observe(self, at_s: float) -> None:
        if self.observed_since_s is None:
            self.observed_since_s = at_s

    def _changes_kept(self) -> int:
        # A large plant keeps fewer per machine, so that memory has one bound for every plant.
        share = CHANGES_MAX // max(1, len(self.equipment_by_code))
        return min(limits.RECENT_CHANGES_PER_EQUIPMENT, share)


def _still_in(snapshot: Snapshot, site: Site) -> Snapshot:
    """Return a tick without what `site` no longer has, which no answer may count any more."""
    codes = {each.code for line in site.lines for each in line.equipment}
    plc_ids = {plc.id for plc in site.plcs}
    lines = tuple(
        replace(line, equipment=tuple(each for each in line.equipment if each.code in codes))
        for line in snapshot.lines
    )
    return replace(
        snapshot, lines=lines, plcs=tuple(plc for plc in snapshot.plcs if plc.id in plc_ids)
    )
