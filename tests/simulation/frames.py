"""Every frame that a screen may get, known before the hub writes it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import json

from lineside.core.model import Site, Snapshot
from lineside.core.times import iso_utc
from lineside.hub.frame import NEVER_READ, Encoding, equipment_status_payload, tick_frame
from simulation.journal import Journal
from simulation.screens import Screen

_DECODED_EVERY = 16  # ticks: to read one as JSON costs more than all that led to it


class ExpectedFrames:
    """The ticks of one run as bytes."""

    def __init__(self, site: Site, screens: Sequence[Screen], journal: Journal) -> None:
        self._screens = screens
        self._journal = journal
        self._sequences: dict[bytes, int] = {}
        self._wanted: dict[str, list[Encoding]] = {}
        for screen in screens:
            encodings = self._wanted.setdefault(screen.plan.line_id or site.lines[0].id, [])
            if screen.plan.encoding not in encodings:
                encodings.append(screen.plan.encoding)
        for screen in screens:
            screen.sequence_of = self._sequences.get

    def expect(self, snapshot: Snapshot) -> None:
        """Know every frame that a screen may get for this tick."""
        sequence = snapshot.sequence
        for line in snapshot.lines:
            wanted = self._wanted.get(line.id, ())
            if not wanted:
                continue
            payload = equipment_status_payload(line, snapshot.at.unix_s)
            frames = [tick_frame(payload, encoding) for encoding in wanted]
            for frame in frames:
                self._sequences[frame] = sequence
            size_bytes = max(map(len, frames))
            for screen in self._screens:
                screen.expect(size_bytes)
            if sequence % _DECODED_EVERY == 0:
                self._check_payload(payload, snapshot, line.id)

    def _check_payload(self, payload: bytes, snapshot: Snapshot, line_id: str) -> None:
        """Read a tick as a client does: it must say what the snapshot says."""
        said = json.decode(payload)
        line = next(line for line in snapshot.lines if line.id == line_id)
        meant = [
            {
                "equipment_code": state.code,
                "equipment_name": state.name,
                "status": state.status.value,
                "tags": {
                    "status_tag": state.status_value,
                    "error_tag": state.error_value,
                    "connection": state.is_connected,
                },
                "last_updated": NEVER_READ
                if state.last_updated_s is None
                else iso_utc(state.last_updated_s),
            }
            for state in line.equipment
        ]
        if said != {
            "type": "equipment_status",
            "timestamp": iso_utc(snapshot.at.unix_s),
            "equipment": meant,
        }:
            self._journal.broken("a frame says what the tick says", (said, meant))
