from __future__ import annotations

from pathlib import Path

from lineside.config.schema import HistoryConfig
from lineside.history.settings import settings_of

FOLDER = Path("/etc/lineside")


def test_the_database_lies_beside_the_config() -> None:
    settings = settings_of(HistoryConfig(), FOLDER, {})
    assert settings.file == Path("/etc/lineside/lineside-history.db")
    assert settings.database_url == "sqlite+aiosqlite:////etc/lineside/lineside-history.db"
    assert settings.spool_folder == Path("/etc/lineside/lineside-history.spool")


def test_a_systemd_service_writes_where_systemd_lets_it() -> None:
    environment = {"STATE_DIRECTORY": "/var/lib/lineside:/var/lib/other"}
    assert settings_of(HistoryConfig(), FOLDER, environment).folder == Path("/var/lib/lineside")


def test_a_folder_in_the_config_counts_from_it_and_wins() -> None:
    environment = {"STATE_DIRECTORY": "/var/lib/lineside"}
    settings = settings_of(HistoryConfig(folder="data"), FOLDER, environment)
    assert settings.folder == Path("/etc/lineside/data")


def test_with_a_url_there_is_no_file_and_the_spool_stays_here() -> None:
    url = "postgresql+asyncpg://lineside@db.plant.local/lineside"
    settings = settings_of(HistoryConfig(url=url), FOLDER, {})
    assert (settings.file, settings.database_url) == (None, url)
    assert settings.spool_folder.parent == FOLDER


def test_three_years_of_changes_are_kept_unless_told_otherwise() -> None:
    retention = settings_of(HistoryConfig(), FOLDER, {}).retention
    assert retention.changes_s == 1095 * 86_400
    forever = HistoryConfig.model_validate({"keep_changes": "forever", "keep_plc_events": "30d"})
    retention = settings_of(forever, FOLDER, {}).retention
    assert (retention.changes_s, retention.plc_events_s) == (None, 30 * 86_400)
