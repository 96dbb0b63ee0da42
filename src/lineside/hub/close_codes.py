"""WebSocket close codes (RFC 6455, section 7.4, and the IANA registry) as Lineside uses them.

The code tells the client what to do. 1000, 1001, 1012 and 1013: connect again. 1003, 1008 and 1009:
the client did something that it must not do again, and connecting again does not help.
"""

from __future__ import annotations

from enum import IntEnum

REASON_MAX_BYTES = 123  # a control frame carries 125 bytes, two of which are the code


class CloseCode(IntEnum):
    """Why a WebSocket was closed."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013


REASONS: dict[CloseCode, str] = {
    CloseCode.NORMAL: "closed",
    CloseCode.GOING_AWAY: "the other side went away",
    CloseCode.PROTOCOL_ERROR: "the bytes received are not a WebSocket frame",
    CloseCode.UNSUPPORTED_DATA: "only text messages are understood here",
    CloseCode.INVALID_TEXT: "a text message was not UTF-8",
    CloseCode.POLICY_VIOLATION: "too many messages: one per second is answered",
    CloseCode.MESSAGE_TOO_BIG: "a message may have 64 KiB at most",
    CloseCode.INTERNAL_ERROR: "the server failed on this connection",
    CloseCode.SERVICE_RESTART: "the server is restarting, connect again",
    CloseCode.TRY_AGAIN_LATER: "the server is busy, connect again later",
}


def clip_reason(text: str) -> str:
    """Return `text` cut to what fits into a close frame, never through the middle of a letter."""
    return text.encode()[:REASON_MAX_BYTES].decode(errors="ignore")
