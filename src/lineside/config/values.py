"""The kinds of value that lineside.toml holds, with what each accepts and says when it does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias
from unicodedata import normalize

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from lineside.config.database_url import check_database_url, check_host_name, is_plain
from lineside.config.durations import PATTERN, between
from lineside.core.model import Status

CODE_LENGTH = 14

_DURATION_JSON: dict[str, Any] = {"type": "string", "pattern": PATTERN}
_STOP_AFTER_JSON: dict[str, Any] = {"anyOf": [_DURATION_JSON, {"const": 0}, {"const": "never"}]}
_KEEP_JSON: dict[str, Any] = {"anyOf": [_DURATION_JSON, {"const": "forever"}]}
_parse_stop_after = between("0s", "7d")
_parse_keep = between("1d", "36500d")


def _parse_stop_after_s(value: object) -> float | None:
    if value == "never":
        return None
    try:
        return _parse_stop_after(value)
    except ValueError as error:
        raise ValueError(f'{error}; 0 means at once, "never" means not at all') from None


def _check_text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    if not is_plain(value):
        raise ValueError("contains a line break, a tab or another control character")
    return value


def _put_together(value: str) -> str:
    """Return a name with a character for each syllable, where macOS has one for each sound."""
    return normalize("NFC", value)


def _check_host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", value):
        raise ValueError(
            f'"{value}" is not a host: write an IP address or a name, without "tcp://" and port'
        )
    if value.count(":") == 1:
        raise ValueError(f'"{value}" holds a port: write it as a key of its own, port = …')
    check_host_name(value)
    return value


def _check_origin(value: str) -> str:
    if value == "*":
        raise ValueError('"*" would let every web page in; name each origin')
    if not re.fullmatch(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?", value):
        raise ValueError(
            f'"{value}" is not an origin: write scheme, host and port as the browser sends them, '
            'as in "http://10.0.0.5:3001", with no path and no slash at the end'
        )
    if re.fullmatch(r"http://.*:80|https://.*:443", value):
        shorter = value.rpartition(":")[0]
        raise ValueError(f'"{value}" never comes: browsers leave that port out, write "{shorter}"')
    return value.lower()


def _check_allowed_host(value: str) -> str:
    if not re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?", value):
        raise ValueError(
            f'"{value}" is not a host name: write it as people type it in the browser, '
            'as in "monitor.plant.local", with no scheme and no path'
        )
    return value.lower()


def _check_code(value: str) -> str:
    if value != value.strip():
        raise ValueError(f'"{value}" has a space before or after it')
    if len(value) != CODE_LENGTH:
        raise ValueError(
            f'"{value}" is {len(value)} characters long; '
            f"an equipment code has {CODE_LENGTH}, as in KRCWO12ELOA101"
        )
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        raise ValueError(f'"{value}" holds a character that is no letter A-Z, digit, _ . or -')
    return value


def _parse_keep_s(value: object) -> float | None:
    if value == "forever":
        return None
    try:
        return _parse_keep(value)
    except ValueError as error:
        raise ValueError(f'{error}; "forever" keeps everything') from None


_OWN_FOLDERS = frozenset({"api", "assets", "docs", "licenses", "metrics", "ws"})


def _check_base_path(value: str) -> str:
    if value == "":
        return value
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", value) or "/." in value:
        raise ValueError('is no folder of a web address: write a path, as in "/line"')
    first = value.split("/")[1]
    if first in _OWN_FOLDERS:
        raise ValueError(f'begins with "/{first}", which the server has itself: choose another')
    return value.rstrip("/")


def _parse_value_map(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError('write value = status pairs, as in { 0 = "stopped", 1 = "running" }')  # noqa: TRY004
    parsed: dict[int, Status] = {}
    mistakes = []
    words = ", ".join(f'"{s}"' for s in Status if s is not Status.DISCONNECTED)
    for key, status in value.items():
        if not re.fullmatch(r"-?[0-9]{1,10}", str(key)):
            mistakes.append(f'"{key}" is not a whole number (the left side is the tag\'s value)')
        elif status == Status.DISCONNECTED:
            mistakes.append(
                f'{key} = "disconnected" (that word is for machines that cannot be seen, no tag '
                f"value can mean it)"
            )
        elif not isinstance(status, str) or status not in set(Status):
            shown = f'"{status}"' if isinstance(status, str) else status
            mistakes.append(f"{key} = {shown} is not a status")
        elif int(key) in parsed:
            mistakes.append(f"the value {int(key)} is given twice")
        else:
            parsed[int(key)] = Status(status)
    if not value:
        mistakes.append("is empty (leave value_map out or give at least one pair)")
    if mistakes:
        raise ValueError(f"{'; '.join(mistakes)}. The statuses are {words}")
    return parsed


Text: TypeAlias = Annotated[str, AfterValidator(_check_text), AfterValidator(_put_together)]
FolderName: TypeAlias = Annotated[str, AfterValidator(_check_text)]
Host: TypeAlias = Annotated[str, AfterValidator(_check_host)]
BasePath: TypeAlias = Annotated[str, AfterValidator(_check_base_path)]
Origin: TypeAlias = Annotated[str, AfterValidator(_check_origin)]
AllowedHost: TypeAlias = Annotated[str, AfterValidator(_check_allowed_host)]
Code: TypeAlias = Annotated[
    str,
    AfterValidator(_check_code),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_.-]{14}$"}),
]
Period: TypeAlias = Annotated[
    float, BeforeValidator(between("20ms", "1h")), WithJsonSchema(_DURATION_JSON)
]
Timeout: TypeAlias = Annotated[
    float, BeforeValidator(between("50ms", "1m")), WithJsonSchema(_DURATION_JSON)
]
StaleAfter: TypeAlias = Annotated[
    float, BeforeValidator(between("1s", "1d")), WithJsonSchema(_DURATION_JSON)
]
ReportTime: TypeAlias = Annotated[
    float,
    BeforeValidator(between("0s", "1h")),
    WithJsonSchema({"anyOf": [_DURATION_JSON, {"const": 0}]}),
]
AlarmDelay: TypeAlias = Annotated[
    float,
    BeforeValidator(between("0s", "10m")),
    WithJsonSchema({"anyOf": [_DURATION_JSON, {"const": 0}]}),
]
ShelfTime: TypeAlias = Annotated[
    float, BeforeValidator(between("1m", "1d")), WithJsonSchema(_DURATION_JSON)
]
StopAfter: TypeAlias = Annotated[
    float | None, BeforeValidator(_parse_stop_after_s), WithJsonSchema(_STOP_AFTER_JSON)
]
Keep: TypeAlias = Annotated[
    float | None, BeforeValidator(_parse_keep_s), WithJsonSchema(_KEEP_JSON)
]
DatabaseUrl: TypeAlias = Annotated[str, AfterValidator(check_database_url)]
ValueMap: TypeAlias = Annotated[
    dict[int, Status],
    BeforeValidator(_parse_value_map),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^-?[0-9]{1,10}$"},
            "additionalProperties": {"enum": [s for s in Status if s is not Status.DISCONNECTED]},
        }
    ),
]
