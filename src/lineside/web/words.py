"""Text that people and programs send: what no database can hold is refused before it is asked.

PostgreSQL knows no NUL and UTF-8 no half of a surrogate pair. Such a text would be refused by the
database each time it is tried, as if the database were not there.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Request
from pydantic import AfterValidator

from lineside.web.asking import refused

_WHY = "holds a NUL, or half of a character, which no database can keep"


def is_storable(text: str) -> bool:
    """Whether every database can hold `text`."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def check_storable(text: str) -> str:
    """Return `text`.

    Raises:
        ValueError: no database can hold it.
    """
    if not is_storable(text):
        raise ValueError(_WHY)
    return text


def check_one_line(text: str) -> str:
    """Return `text`.

    Raises:
        ValueError: it holds a line break or another control character.
    """
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise ValueError("holds a line break or another control character")
    return check_storable(text)


Storable = AfterValidator(check_storable)
OneLine = AfterValidator(check_one_line)
StorableText = Annotated[str, Storable]


async def refuse_unstorable(request: Request) -> None:
    """Refuse a request in whose address there is a text that no database can hold.

    Raises:
        Problem: 422 that names the parameter.
    """
    pairs = [*request.query_params.multi_items(), *request.path_params.items()]
    for name, value in pairs:
        if not is_storable(name) or (isinstance(value, str) and not is_storable(value)):
            raise refused(name if is_storable(name) else "a parameter", _WHY)
