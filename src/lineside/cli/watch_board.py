"""What `lineside watch` knows and how it looks: messages and moments in, a terminal table out.

Pure but for rich's renderables: no socket, no clock. It never shows old data as live: when ticks
stop it turns every machine gray by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineside.core.model import Status
from lineside.hub.frame import (
    ConnectionStatusMessage,
    EquipmentStatusMessage,
    PongMessage,
)

STALE_AFTER_S = 3.0


class Language(StrEnum):
    """The languages of the table."""

    KO = "ko"
    EN = "en"


class Link(StrEnum):
    """How the watch stands to the server. `STALE`: the socket is open but ticks have stopped."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    RECONNECTING = "reconnecting"


_DECODER = msgspec.json.Decoder(EquipmentStatusMessage | ConnectionStatusMessage | PongMessage)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One machine's status changed while the watch was looking."""

    code: str
    name: str
    previous: Status | None
    status: Status


@dataclass(slots=True)
class _Row:
    code: str
    name: str
    status: Status
    since_s: float
    is_since_exact: bool  # False: it already was so when the watch began to look


_STYLE: Mapping[Status, str] = {
    Status.RUNNING: "bold green",
    Status.IDLE: "black on yellow",
    Status.STOPPED: "bold white on red",
    Status.ERROR: "bold white on dark_magenta",
    Status.DISCONNECTED: "grey50",
}
_ICON: Mapping[Status, str] = {
    Status.RUNNING: "▶",
    Status.IDLE: "‖",
    Status.STOPPED: "■",
    Status.ERROR: "▲",
    Status.DISCONNECTED: "×",
}
_WORD: Mapping[Language, Mapping[Status, str]] = {
    Language.KO: {
        Status.RUNNING: "가동",
        Status.IDLE: "비가동",
        Status.STOPPED: "정지",
        Status.ERROR: "설비이상",
        Status.DISCONNECTED: "접속이상",
    },
    Language.EN: {
        Status.RUNNING: "Running",
        Status.IDLE: "Idle",
        Status.STOPPED: "Stopped",
        Status.ERROR: "Fault",
        Status.DISCONNECTED: "Offline",
    },
}
_COLUMNS: Mapping[Language, tuple[str, ...]] = {
    Language.KO: ("설비 코드", "설비", "상태", "지속"),
    Language.EN: ("Code", "Equipment", "Status", "For"),
}
_LINK_WORD: Mapping[Language, Mapping[Link, str]] = {
    Language.KO: {
        Link.CONNECTING: "연결 중",
        Link.LIVE: "연결됨",
        Link.STALE: "데이터 끊김",
        Link.RECONNECTING: "재연결 중",
    },
    Language.EN: {
        Link.CONNECTING: "connecting",
        Link.LIVE: "connected",
        Link.STALE: "no data",
        Link.RECONNECTING: "reconnecting",
    },
}
_LINK_STYLE: Mapping[Link, str] = {
    Link.CONNECTING: "yellow",
    Link.LIVE: "green",
    Link.STALE: "bold red",
    Link.RECONNECTING: "bold red",
}


class WatchBoard:
    """The line as one watch sees it. Every `now_s` is on one monotonic clock, in seconds."""

    def __init__(self, url: str, language: Language, now_s: float) -> None:
        self.url = url
        self.language = language
        self.malformed_count = 0
        self.attempt = 0
        self.note = ""  # what the server or the network last said
        self._rows: dict[str, _Row] = {}
        self._is_open = False
        self._heard_s: float | None = None
        self._changed_s = now_s

    @property
    def has_data(self) -> bool:
        """Whether any snapshot has arrived yet."""
        return self._heard_s is not None

    def opened(self, now_s: float) -> None:
        """Note that the socket is open; data counts again from its first snapshot."""
        self._is_open, self._changed_s, self.note = True, now_s, ""

    def closed(self, now_s: float, why: str) -> None:
        """Note that the socket is closed or could not be opened."""
        if self._is_open:
            self.attempt, self._changed_s = 0, now_s
        self._is_open, self.note = False, why
        self.attempt += 1

    def heard(self, message: str | bytes, now_s: float) -> list[Change]:
        """Take in one message; what cannot be understood is counted and otherwise ignored."""
        try:
            decoded = _DECODER.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.malformed_count += 1
            return []
        if isinstance(decoded, ConnectionStatusMessage):
            self.note = decoded.message if decoded.status != "connected" else ""
        if not isinstance(decoded, EquipmentStatusMessage):
            return []
        was_blind = self.is_blind(now_s)
        self._heard_s = now_s
        self.attempt = 0
        return self._take_snapshot(decoded, now_s, was_blind)

    def link(self, now_s: float) -> Link:
        """Return how things stand at `now_s`."""
        if not self._is_open:
            return Link.RECONNECTING if self.attempt else Link.CONNECTING
        if self._heard_s is not None and not self.is_blind(now_s):
            return Link.LIVE
        waited_s = now_s - max(self._changed_s, self._heard_s or self._changed_s)
        return Link.STALE if waited_s > STALE_AFTER_S else Link.CONNECTING

    def is_blind(self, now_s: float) -> bool:
        """Whether what is known is too old to be shown as the truth."""
        if self._heard_s is None or not self._is_open or self._heard_s < self._changed_s:
            return True
        return now_s - self._heard_s > STALE_AFTER_S

    def render(self, now_s: float) -> RenderableType:
        """Return the whole screen for `now_s`."""
        is_blind = self.is_blind(now_s)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        code, name, status, since = _COLUMNS[self.language]
        table.add_column(code, no_wrap=True)
        table.add_column(name, no_wrap=True, overflow="ellipsis")
        table.add_column(status, no_wrap=True)
        table.add_column(since, justify="right", no_wrap=True)
        for row in self._rows.values():
            shown = Status.DISCONNECTED if is_blind else row.status
            style = "grey50" if is_blind else ""
            table.add_row(
                Text(row.code, style=style or "dim"),
                Text(row.name, style=style),
                Text(f" {_ICON[shown]} {self._word(shown)} ", style=_STYLE[shown]),
                Text("-" if is_blind else self._age_text(row, now_s), style=style),
            )
        return Group(self._header(now_s), self._counts(is_blind), Text(""), table)

    def _word(self, status: Status) -> str:
        return _WORD[self.language][status]

    def _take_snapshot(
        self, snapshot: EquipmentStatusMessage, now_s: float, was_blind: bool
    ) -> list[Change]:
        rows: dict[str, _Row] = {}
        changes = []
        for machine in snapshot.equipment:
            status = machine.status if machine.tags.connection else Status.DISCONNECTED
            code, old = machine.equipment_code, self._rows.get(machine.equipment_code)
            if old is not None and old.status is status and not was_blind:
                old.name = machine.equipment_name
                rows[code] = old
                continue
            # What happened in a gap nobody saw: the time in any status counts from its end.
            is_exact = old is not None and not was_blind
            rows[code] = _Row(code, machine.equipment_name, status, now_s, is_exact)
            previous = old.status if old else None
            if previous is status:
                continue
            changes.append(
                Change(code=code, name=machine.equipment_name, previous=previous, status=status)
            )
        self._rows = rows
        return changes

    def _header(self, now_s: float) -> Text:
        link = self.link(now_s)
        header = Text.assemble(
            ("Lineside ", "bold"),
            (self.url, "dim"),
            "  ",
            (f"● {_LINK_WORD[self.language][link]}", _LINK_STYLE[link]),
        )
        if link is Link.RECONNECTING:
            header.append(f" #{self.attempt}", style="bold red")
        if self._heard_s is not None and link is not Link.LIVE:
            age = format_age(now_s - self._heard_s)
            is_korean = self.language is Language.KO
            text = f"  마지막 데이터 {age} 전" if is_korean else f"  last data {age} ago"
            header.append(text, style="bold red")
        if self.note:
            header.append(f"\n{self.note}", style="yellow")
        return header

    def _counts(self, is_blind: bool) -> Text:
        count = Counter(
            Status.DISCONNECTED if is_blind else row.status for row in self._rows.values()
        )
        parts = Text()
        for status in Status:
            style = _STYLE[status] if count[status] else "grey50"
            parts.append(f" {_ICON[status]} {self._word(status)} {count[status]} ", style=style)
            parts.append(" ")
        if self.malformed_count:
            is_korean = self.language is Language.KO
            word = "이해하지 못한 메시지" if is_korean else "messages not understood"
            parts.append(f" {word}: {self.malformed_count}", style="yellow")
        return parts

    def _age_text(self, row: _Row, now_s: float) -> str:
        age = format_age(now_s - row.since_s)
        return age if row.is_since_exact else f"≥ {age}"


def format_age(seconds: float) -> str:
    """Return a duration as "0:07", "12:04" or "3:20:51"."""
    minutes, second = divmod(int(max(0.0, seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
