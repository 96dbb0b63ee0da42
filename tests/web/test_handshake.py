"""The opening handshake as a pure function: what is accepted, and what is refused how."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.streams import StreamReader
from websockets.uri import parse_uri

from lineside.web.handshake import BadHandshake, accept_upgrade

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def headers(**changed: bytes | None) -> list[tuple[bytes, bytes]]:
    """Return the headers of a good handshake; None leaves one out."""
    good: dict[str, bytes | None] = {
        "host": b"localhost",
        "upgrade": b"websocket",
        "connection": b"Upgrade",
        "sec_websocket_key": KEY,
        "sec_websocket_version": b"13",
    }
    return [
        (name.replace("_", "-").encode(), value)
        for name, value in (good | changed).items()
        if value is not None
    ]


def status_of(method: str, version: str, lines: list[tuple[bytes, bytes]]) -> int:
    with pytest.raises(BadHandshake) as caught:
        accept_upgrade(method, version, lines)
    return caught.value.status.value


def test_the_key_of_the_rfc_gets_the_answer_of_the_rfc() -> None:
    upgrade = accept_upgrade("GET", "1.1", headers())
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in upgrade.response
    assert upgrade.response.endswith(b"\r\n\r\n")
    assert not upgrade.is_deflated


@pytest.mark.parametrize("offers_deflate", [False, True])
def test_an_independent_client_takes_the_answer(offers_deflate: bool) -> None:
    extensions = [ClientPerMessageDeflateFactory(client_max_window_bits=True)]
    client = ClientProtocol(
        parse_uri("ws://localhost/ws/monitor"), extensions=extensions if offers_deflate else None
    )
    request = client.connect()
    lines = [(name.lower().encode(), value.encode()) for name, value in request.headers.raw_items()]
    upgrade = accept_upgrade("GET", "1.1", lines)
    reader = StreamReader()
    reader.feed_data(upgrade.response)
    parser = Response.parse(reader.read_line, reader.read_exact, reader.read_to_eof)
    with pytest.raises(StopIteration) as done:
        next(parser)
    client.process_response(done.value.value)
    assert upgrade.is_deflated is offers_deflate
    assert len(client.extensions) == int(offers_deflate)


@pytest.mark.parametrize(
    ("offers", "is_taken"),
    [
        (b"permessage-deflate", True),
        (b"permessage-deflate; client_max_window_bits", True),
        (b"permessage-deflate; server_no_context_takeover; client_no_context_takeover", True),
        (b"permessage-deflate; server_max_window_bits=15", True),
        (b"permessage-deflate; server_max_window_bits=10", False),
        (b"permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        (b"permessage-deflate; server_max_window_bits=99", False),
        (b"permessage-deflate; unheard_of", False),
        (b"x-webkit-deflate-frame", False),
        (b"", False),
    ],
)
def test_compression_is_taken_where_one_frame_can_serve_all(offers: bytes, is_taken: bool) -> None:
    upgrade = accept_upgrade("GET", "1.1", headers(sec_websocket_extensions=offers))
    assert upgrade.is_deflated is is_taken
    assert (b"server_no_context_takeover; client_no_context" in upgrade.response) is is_taken


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (headers(sec_websocket_key=None), 400),
        (headers(sec_websocket_key=b"c2hvcnQ="), 400),
        (headers(sec_websocket_key=b"no base64 at all, is it?"), 400),
        ([*headers(), (b"sec-websocket-key", KEY)], 400),
        (headers(sec_websocket_version=None), 400),
        (headers(sec_websocket_version=b"8"), 400),
        (headers(sec_websocket_extensions=b";;;="), 400),
        (headers(content_length=b"5"), 400),
        (headers(transfer_encoding=b"chunked"), 400),
        ([*headers(origin=b"http://a"), (b"origin", b"http://b")], 400),
        (headers(x=b"x" * 9000), 431),
        ([*headers(), *[(b"x", b"1")] * 100], 431),
    ],
)
def test_what_is_no_good_handshake_is_refused_in_words(
    lines: list[tuple[bytes, bytes]], status: int
) -> None:
    assert status_of("GET", "1.1", lines) == status


def test_only_get_and_only_http_1_1_open_a_websocket() -> None:
    assert status_of("POST", "1.1", headers()) == 405
    assert status_of("GET", "1.0", headers()) == 400


@given(st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=60)), max_size=8))
def test_any_headers_give_an_answer_or_a_refusal(lines: list[tuple[bytes, bytes]]) -> None:
    answered = status_or_response([*headers(), *lines])
    if isinstance(answered, int):
        assert answered in (400, 431)
    else:
        assert answered.startswith(b"HTTP/1.1 101 ")
        assert answered.count(b"\r\n\r\n") == 1


def status_or_response(lines: list[tuple[bytes, bytes]]) -> int | bytes:
    try:
        return accept_upgrade("GET", "1.1", lines).response
    except BadHandshake as bad:
        return bad.status.value
