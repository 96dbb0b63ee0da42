"""What is said of a database's URL: what to write, and never the password."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lineside.config.schema import HistoryConfig

GOOD = "postgresql+asyncpg://lineside:p%40ss@db.plant.local:5432/lineside"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("lineside.db", "is not a URL"),
        ("postgresql://lineside:secret@db/lineside", "names no driver"),
        ("postgres://lineside:secret@db/lineside", "names no driver"),
        ("mysql+aiomysql://lineside:secret@db/lineside", '"mysql+aiomysql://" is not supported'),
        ("sqlite+aiosqlite:///lineside.db", "leave url out for a SQLite file"),
        ("postgresql+asyncpg://lineside:secret/1@db:5432/lineside", "%2F"),
        ("postgresql+asyncpg://lineside:secret@db:port/lineside", "host and port cannot be read"),
        ("postgresql+asyncpg:///lineside", "names no host"),
        ("postgresql+asyncpg://lineside:secret@db.plant.local", "names no database"),
        ("postgresql+asyncpg://lineside:secret@db.plant.local/", "names no database"),
    ],
)
def test_a_wrong_url_is_a_mistake_that_says_what_to_write(url: str, said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        HistoryConfig(url=url)
    (mistake,) = raised.value.errors()
    assert said in mistake["msg"]
    assert "secret" not in mistake["msg"]


def test_a_right_url_is_taken_as_it_is() -> None:
    assert HistoryConfig(url=GOOD).url == GOOD


def test_without_the_driver_the_package_to_install_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lineside.config.values.find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r"pip install \"lineside\[postgresql\]\""):
        HistoryConfig(url=GOOD)
