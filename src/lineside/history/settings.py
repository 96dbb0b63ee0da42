"""What the history is told by the configuration: where it lies and how long it keeps things."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from lineside.config.schema import HistoryConfig

DATABASE_FILE = "lineside-history.db"
SPOOL_FOLDER = "lineside-history.spool"
LOCK_FILE = "lineside-history.lock"


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How many seconds each kind of record is kept; None: for ever."""

    changes_s: float | None = None
    plc_events_s: float | None = None
    server_events_s: float | None = None
    alarms_s: float | None = None


class HistorySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the history lies. `url` None: a SQLite file in `folder`, where the spool is too."""

    folder: Path
    url: str | None = None
    retention: Retention = Retention()

    @property
    def file(self) -> Path | None:
        """The SQLite file; None where the database is elsewhere."""
        return self.folder / DATABASE_FILE if self.url is None else None

    @property
    def database_url(self) -> str:
        """The URL as SQLAlchemy takes it."""
        return self.url or f"sqlite+aiosqlite:///{self.folder / DATABASE_FILE}"

    @property
    def spool_folder(self) -> Path:
        """Where batches wait for the database."""
        return self.folder / SPOOL_FOLDER

    @property
    def lock_file(self) -> Path:
        """The file that a running server holds a lock on."""
        return self.folder / LOCK_FILE


def settings_of(
    config: HistoryConfig, folder: Path, environment: Mapping[str, str]
) -> HistorySettings:
    """Return what `[history]` says.

    Args:
        config: the table.
        folder: of the config file, from which paths count.
        environment: a systemd service finds its own folder there, since it may write nowhere else.
    """
    state_folder = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    where = folder / state_folder if state_folder else folder
    if config.folder is not None:
        where = folder / config.folder
    return HistorySettings(
        folder=where.absolute(),
        url=config.url,
        retention=Retention(
            changes_s=config.keep_changes,
            plc_events_s=config.keep_plc_events,
            server_events_s=config.keep_server_events,
            alarms_s=config.keep_alarms,
        ),
    )
