"""What is said of a database's URL: what to write, and never the password."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lineside.config.database_url import read_postgresql_url
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
        ("postgresql+asyncpg://lineside:secret#1@db/lineside", "%23"),
        ("postgresql+asyncpg://lineside:secret%00@db/lineside", "the password holds a control"),
        ("postgresql+asyncpg://lineside:secret@db/line%00side", "the database holds a control"),
        ("postgresql+asyncpg://lineside:secret@db..plant/lineside", "between two of its dots"),
        ("postgresql+asyncpg://lineside:secret@" + 64 * "d" + "/lineside", "at most 63"),
        ("postgresql+asyncpg://lineside:secret@db1,db2/lineside", "one IP address or name"),
        (f"{GOOD}?channel_binding=require", '"channel_binding" is not a word that Lineside knows'),
        (f"{GOOD}?sslmode=sometimes", '"sslmode" must be one of disable, allow, prefer, require'),
        (f"{GOOD}?command_timeout=abc", '"command_timeout" must be a number of seconds'),
        (f"{GOOD}?connect_timeout=0", '"connect_timeout" must be a number of seconds above 0'),
        (f"{GOOD}?statement_cache_size=-1", '"statement_cache_size" must be a whole number'),
        (f"{GOOD}?sslrootcert=root.crt", '"sslrootcert" must be the whole path of a file'),
        (f"{GOOD}?application_name=", '"application_name" must be a text'),
        (f"{GOOD}?host=other", '"host" belongs before the ?'),
        (f"{GOOD}?sslmode=require&ssl=prefer", '"ssl" stands there twice'),
        (f"{GOOD}?sslpassword=%00secret", '"sslpassword" must be a text'),
        (f"{GOOD}?&", "holds a ?"),
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
    monkeypatch.setattr("lineside.config.database_url.find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r"pip install \"lineside\[postgresql\]\""):
        HistoryConfig(url=GOOD)


@pytest.mark.parametrize(
    "word",
    [
        "sslmode=require",
        "ssl=disable",
        "sslmode=verify-full&sslrootcert=/etc/lineside/root.crt",
        "connect_timeout=5",
        "timeout=2.5",
        "application_name=weld%20line",
        "statement_cache_size=0",
        "command_timeout=3",
        "target_session_attrs=read-write",
    ],
)
def test_what_people_write_after_the_question_mark_is_understood(word: str) -> None:
    url = f"{GOOD}?{word}"
    assert HistoryConfig(url=url).url == url


def test_words_are_told_to_the_driver_in_its_own_terms() -> None:
    read = read_postgresql_url(
        f"{GOOD}?sslmode=require&connect_timeout=2&application_name=weld%20line"
        "&statement_cache_size=0"
    )
    assert (read.user, read.password, read.host, read.port, read.database) == (
        "lineside",
        "p@ss",
        "db.plant.local",
        5432,
        "lineside",
    )
    assert read.arguments == {"timeout": 2.0, "statement_cache_size": 0}
    assert read.settings == {"application_name": "weld line"}
    assert read.dsn == "postgresql:///?sslmode=require"
