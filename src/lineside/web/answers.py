"""Answers that many screens share: encoded once per revision, then handed out as bytes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

import msgspec
from fastapi import Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

_ENTRIES_MAX = 256
_SLICE = 100  # items; a few milliseconds

Item = TypeVar("Item")


class Encoded(msgspec.Struct, frozen=True):
    """One body and the entity tag that names exactly these bytes."""

    body: bytes
    etag: str


class SharedAnswers:
    """The newest encoded answer per question. Bounded; losing an entry only costs an encode."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[Hashable, Encoded]] = {}
        self._slicing = asyncio.Lock()
        self.encode_count = 0

    def get(self, question: Hashable, revision: Hashable, make: Callable[[], BaseModel]) -> Encoded:
        """Return the answer to `question`, encoding `make()` only when `revision` is new."""
        found = self._find(question, revision)
        return found or self._keep(question, revision, encode(make()))

    async def get_sliced(
        self, question: Hashable, revision: Hashable, make: Callable[[], Awaitable[Encoded]]
    ) -> Encoded:
        """Do as `get` does, where `make` gives way to the loop; who asks meanwhile waits for it."""
        found = self._find(question, revision)
        if found is not None:
            return found
        async with self._slicing:
            found = self._find(question, revision)
            return found or self._keep(question, revision, await make())

    def _find(self, question: Hashable, revision: Hashable) -> Encoded | None:
        entry = self._entries.get(question)
        return entry[1] if entry is not None and entry[0] == revision else None

    def _keep(self, question: Hashable, revision: Hashable, encoded: Encoded) -> Encoded:
        self.encode_count += 1
        if len(self._entries) >= _ENTRIES_MAX:
            self._entries.clear()
        self._entries[question] = (revision, encoded)
        return encoded


async def encode_in_slices(
    envelope: BaseModel, items: Sequence[Item], view: Callable[[Item], BaseModel]
) -> Encoded:
    """Return `envelope` with a view of every item in its last field, as compact JSON.

    A plant of thousands of machines takes longer to encode than a tick may be late, so the loop
    gets its turn after every slice. (A thread would be worse: each write to a screen gives up the
    interpreter, and would wait for the thread to give it back.)

    Args:
        envelope: its last field is an empty list.
        items: must not change meanwhile.
        view: makes the view of one item.
    """
    head = to_json(envelope)
    if not head.endswith(b"[]}"):
        raise ValueError("the last field of the envelope must be an empty list")
    parts: list[bytes] = []
    for start in range(0, len(items), _SLICE):
        if start:
            await asyncio.sleep(0)
        parts.extend(to_json(view(item)) for item in items[start : start + _SLICE])
    return tagged(b"".join((head[:-2], b",".join(parts), b"]}")))


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
