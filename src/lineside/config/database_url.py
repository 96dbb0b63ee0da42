"""The URL of a PostgreSQL database: what it may say, and what that means to the driver. Pure.

There is one reader of such a URL. `lineside check` asks it what is wrong, and the history connects
with what it returns; so a URL that was found good is one that can be used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec

SCHEME = "postgresql+asyncpg"
SHAPE = f"{SCHEME}://USER:PASSWORD@HOST:5432/DATABASE"
LABEL_MAX = 63  # of a host name, between two dots (RFC 1035)
NAME_MAX = 253

_ESCAPES = "@ : / ? # in a password as %40 %3A %2F %3F %23"
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_TLS_VERSIONS = ("TLSv1.2", "TLSv1.3")
_Reader: TypeAlias = Callable[[str], Any]


class PostgresqlUrl(msgspec.Struct, frozen=True, kw_only=True):
    """What a URL says. `arguments` and `settings` go to asyncpg, `files` are its `dsn` words.

    `files` is what only a connection string can say: TLS, and where secrets lie.
    """

    user: str | None
    password: str | None
    host: str
    port: int | None
    database: str
    arguments: dict[str, Any]
    settings: dict[str, str]
    files: dict[str, str]

    @property
    def dsn(self) -> str | None:
        """A connection string with `files`; None where there are none."""
        return f"postgresql:///?{urlencode(self.files)}" if self.files else None


def read_postgresql_url(url: str) -> PostgresqlUrl:
    """Return what `url` says.

    Raises:
        ValueError: it cannot be used: why, and what to write. No password is repeated.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError(f"is not a URL: write {SHAPE}")
    if scheme in ("postgresql", "postgres"):
        raise ValueError(f"names no driver: write {SCHEME}:// in place of {scheme}://")
    if scheme != SCHEME:
        raise ValueError(
            f'"{scheme}://" is not supported: write {SHAPE}, or leave url out for a SQLite file'
        )
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"host and port cannot be read: write {SHAPE}, with {_ESCAPES}") from None
    if not host or port == 0:
        raise ValueError(f"names no host: write {SHAPE}")
    if parts.fragment or "#" in rest:
        raise ValueError(f"holds a #: write {SHAPE}, with {_ESCAPES}")
    check_host_name(host)
    database = unquote(parts.path.removeprefix("/"))
    if not database.strip("/"):
        raise ValueError(f"names no database: write {SHAPE}")
    for name, text in (
        ("user", unquote(parts.username or "")),
        ("password", unquote(parts.password or "")),
        ("database", database),
    ):
        if not is_plain(text):
            raise ValueError(f"the {name} holds a control character: write {SHAPE}")
    arguments, settings, files = _read_words(parts.query)
    return PostgresqlUrl(
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        host=host,
        port=port,
        database=database,
        arguments=arguments,
        settings=settings,
        files=files,
    )


def check_database_url(value: str) -> str:
    """Return `value`, or say what is wrong with it.

    Raises:
        ValueError: it cannot be used: why, and what to do.
    """
    read_postgresql_url(value)
    if find_spec("asyncpg") is None:
        raise ValueError(
            'needs a package that is not installed: pip install "lineside[postgresql]"'
        )
    return value


def check_host_name(host: str) -> None:
    """Refuse a host that no resolver takes.

    Raises:
        ValueError: which part of it is wrong.
    """
    if ":" in host:  # IPv6
        return
    labels = host.removesuffix(".").split(".")
    if "" in labels:
        raise ValueError(f'"{host}" is not a host: there is nothing between two of its dots')
    if len(host) > NAME_MAX or any(len(label) > LABEL_MAX for label in labels):
        raise ValueError(
            f'"{host[:NAME_MAX]}" is not a host: between two dots of a name there are at most '
            f"{LABEL_MAX} characters, and {NAME_MAX} in all"
        )
    if not re.fullmatch(r"[A-Za-z0-9._-]+", host):
        raise ValueError(f'"{host}" is not a host: write one IP address or name')


def is_plain(text: str) -> bool:
    """Whether `text` holds no control character."""
    return not any(ord(character) < 0x20 or ord(character) == 0x7F for character in text)


def _read_words(query: str) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Return what stands behind the `?`: arguments, settings and words for a connection string."""
    arguments: dict[str, Any] = {}
    settings: dict[str, str] = {}
    files: dict[str, str] = {}
    told: set[str] = set()
    for word, value in parse_qsl(query, keep_blank_values=True):
        name = _SAME.get(word, word)
        if name in told:
            raise ValueError(f'"{word}" stands there twice: leave one out')
        told.add(name)
        reader = _ARGUMENTS.get(name) or _SETTINGS.get(name) or _FILES.get(name)
        if reader is None:
            raise ValueError(_unknown(word))
        try:
            meant = reader(value)
        except ValueError as error:
            raise ValueError(f'"{word}" {error}') from None
        if name in _ARGUMENTS:
            arguments[name] = meant
        elif name in _SETTINGS:
            settings[name] = str(meant)
        else:
            files[name] = meant
    if query and not told:
        raise ValueError("holds a ? that no word = value follows: leave it out")
    return arguments, settings, files


def _unknown(word: str) -> str:
    if word in ("host", "port", "user", "password", "database", "dbname"):
        return f'"{word}" belongs before the ?: write {SHAPE}'
    known = ", ".join(sorted({*_ARGUMENTS, *_SETTINGS, *_FILES, *_SAME}))
    return f'"{word}" is not a word that Lineside knows after the ?: leave it out. Known: {known}'


def _count(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _seconds(value: str) -> float:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", value) or not 0 < float(value) <= 3600:
        raise ValueError("must be a number of seconds above 0, at most 3600, as in 5")
    return float(value)


def _milliseconds(value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError("must be a whole number of milliseconds")
    return value


def _text(value: str) -> str:
    if not value.strip() or not is_plain(value):
        raise ValueError("must be a text without control characters")
    return value


def _file(value: str) -> str:
    if not is_plain(value) or not re.match(r"/|[A-Za-z]:[\\/]", value):
        raise ValueError("must be the whole path of a file, as in /etc/lineside/root.crt")
    return value


def _one_of(*choices: str) -> _Reader:
    def read(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return read


# libpq's word, or a short form of it, and the driver's.
_SAME = {"connect_timeout": "timeout", "ssl": "sslmode"}
_ARGUMENTS: dict[str, _Reader] = {
    "timeout": _seconds,
    "command_timeout": _seconds,
    "statement_cache_size": _count,
    "prepared_statement_cache_size": _count,
    "max_cached_statement_lifetime": _count,
    "max_cacheable_statement_size": _count,
}
_SETTINGS: dict[str, _Reader] = {
    "application_name": _text,
    "search_path": _text,
    "statement_timeout": _milliseconds,
    "lock_timeout": _milliseconds,
    "idle_in_transaction_session_timeout": _milliseconds,
}
_FILES: dict[str, _Reader] = {
    "sslmode": _one_of(*_SSL_MODES),
    "sslnegotiation": _one_of("postgres", "direct"),
    "ssl_min_protocol_version": _one_of(*_TLS_VERSIONS),
    "ssl_max_protocol_version": _one_of(*_TLS_VERSIONS),
    "sslrootcert": _file,
    "sslcert": _file,
    "sslkey": _file,
    "sslcrl": _file,
    "sslpassword": _text,
    "passfile": _file,
    "target_session_attrs": _one_of("any", "primary", "read-write"),
    "krbsrvname": _text,
}
