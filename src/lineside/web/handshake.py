"""The server's half of the WebSocket opening handshake (RFC 6455, section 4.2). Pure.

A request head that has been parsed as HTTP comes in; the bytes of the 101 answer go out, or the
reason why there is none. Who may connect is not decided here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus

import msgspec
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.headers import parse_extension
from websockets.utils import accept_key

_VERSION = "13"
_KEY_BYTES = 16
_HEADERS_MAX = 100
_HEADER_MAX_BYTES = 8 * 1024
_OFFERS_CACHED = 64  # browsers and libraries all say the same few words

# One frame is compressed for all, so nothing of one message may be needed to read the next, and
# what a client compresses must not need memory between its messages either.
_deflate_factory = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True
)
_DEFLATE_ANSWER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
_WHOLE_WINDOW_BITS = 15


class BadHandshake(Exception):
    """A request that asks for a WebSocket, but not in the way the RFC says."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class Upgrade(msgspec.Struct, frozen=True):
    """The answer to a good handshake, and whether the client takes compressed frames."""

    response: bytes
    is_deflated: bool


def accept_upgrade(
    method: str, http_version: str, headers: Iterable[tuple[bytes, bytes]]
) -> Upgrade:
    """Return the answer to an opening handshake.

    Args:
        method: of the request, in capitals.
        http_version: such as "1.1".
        headers: names in lower case.

    Raises:
        BadHandshake: with the HTTP status to refuse it with.
    """
    by_name = _by_name(headers)
    if method != "GET":
        raise BadHandshake(
            HTTPStatus.METHOD_NOT_ALLOWED, "A WebSocket is opened with GET.", {"Allow": "GET"}
        )
    if http_version != "1.1":
        raise BadHandshake(HTTPStatus.BAD_REQUEST, "A WebSocket is opened with HTTP/1.1.")
    if "transfer-encoding" in by_name or by_name.get("content-length", ["0"]) != ["0"]:
        raise BadHandshake(HTTPStatus.BAD_REQUEST, "A WebSocket handshake carries no body.")
    if len(by_name.get("origin", [])) > 1:
        raise BadHandshake(HTTPStatus.BAD_REQUEST, "A handshake has at most one Origin.")
    if by_name.get("sec-websocket-version") != [_VERSION]:
        raise BadHandshake(
            # 400 beside a version is what RFC 6455, section 4.4, shows.
            HTTPStatus.BAD_REQUEST,
            f"Sec-WebSocket-Version must be {_VERSION}, once.",
            {"Sec-WebSocket-Version": _VERSION},
        )
    key = _key(by_name.get("sec-websocket-key", []))
    is_deflated = _takes_deflate(", ".join(by_name.get("sec-websocket-extensions", [])))
    extensions = f"Sec-WebSocket-Extensions: {_DEFLATE_ANSWER}\r\n" if is_deflated else ""
    response = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n{extensions}\r\n"
    )
    return Upgrade(response.encode(), is_deflated)


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    by_name: dict[str, list[str]] = {}
    for count, (name, value) in enumerate(headers, start=1):
        if count > _HEADERS_MAX or len(name) + len(value) > _HEADER_MAX_BYTES:
            raise BadHandshake(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"A handshake has at most {_HEADERS_MAX} headers of {_HEADER_MAX_BYTES} bytes.",
            )
        by_name.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1").strip())
    return by_name


def _key(values: list[str]) -> str:
    try:
        (key,) = values
        if len(base64.b64decode(key.encode(), validate=True)) == _KEY_BYTES:
            return key
    except (ValueError, binascii.Error):
        pass
    raise BadHandshake(
        HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in Base64, once."
    )


@lru_cache(maxsize=_OFFERS_CACHED)
def _takes_deflate(offers: str) -> bool:
    """Return whether one of a client's offers is compression in the way that we share it."""
    if not offers or len(offers) > _HEADER_MAX_BYTES:
        return False
    try:
        parsed = parse_extension(offers)
    except InvalidHandshake as error:
        raise BadHandshake(
            HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Extensions cannot be read."
        ) from error
    for name, parameters in parsed:
        if name != _deflate_factory.name:
            continue
        try:
            _, extension = _deflate_factory.process_request_params(parameters, [])
        except InvalidHandshake:  # an offer that we do not understand is an offer not taken
            continue
        # A client with a smaller window could not read what all others are sent.
        if extension.local_max_window_bits == _WHOLE_WINDOW_BITS:
            return True
    return False
