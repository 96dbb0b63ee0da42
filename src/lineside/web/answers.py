"""Answers that many screens share: encoded once per revision, then handed out as bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable

import msgspec
from fastapi import Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

_ENTRIES_MAX = 256


class Encoded(msgspec.Struct, frozen=True):
    """One body and the entity tag that names exactly these bytes."""

    body: bytes
    etag: str


class SharedAnswers:
    """The newest encoded answer per question. Bounded; losing an entry only costs an encode."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[Hashable, Encoded]] = {}
        self.encode_count = 0

    def get(self, question: Hashable, revision: Hashable, make: Callable[[], BaseModel]) -> Encoded:
        """Return the answer to `question`, encoding `make()` only when `revision` is new."""
        entry = self._entries.get(question)
        if entry is not None and entry[0] == revision:
            return entry[1]
        encoded = encode(make())
        self.encode_count += 1
        if len(self._entries) >= _ENTRIES_MAX:
            self._entries.clear()
        self._entries[question] = (revision, encoded)
        return encoded


def encode(view: BaseModel) -> Encoded:
    """Return `view` as compact JSON with its entity tag."""
    return tagged(to_json(view))


def tagged(body: bytes) -> Encoded:
    """Return `body` with an entity tag made from its content, so that it survives a restart."""
    return Encoded(body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')


def json_response(request: Request, encoded: Encoded) -> Response:
    """Return `encoded`, or 304 when the client already holds it."""
    headers = {"ETag": encoded.etag, "Cache-Control": "no-cache"}
    if is_held(request, encoded.etag):
        return Response(status_code=304, headers=headers)
    return Response(encoded.body, media_type="application/json", headers=headers)


def is_held(request: Request, etag: str) -> bool:
    """Whether If-None-Match says that the client holds `etag` (RFC 9110, weak comparison)."""
    held = request.headers.get("if-none-match")
    if held is None:
        return False
    if held.strip() == "*":
        return True
    opaque = etag.removeprefix("W/")
    return opaque in {tag.strip().removeprefix("W/") for tag in held.split(",")}
