"""One client's bytes as messages: RFC 6455 frames in, whole texts and answers out. No I/O.

Framing, masking, control frames and decompression are the `websockets` library's; what is added
here is what bounds a client: whole messages only, UTF-8 checked as it arrives, and a ration of
frames that carry nothing. What the messages mean is not known here.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import cast

import msgspec
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol

from lineside.hub.close_codes import REASONS, CloseCode, clip_reason
from lineside.hub.inbound import InboundBudget, InboundLimits, Verdict

_PONG_FIRST_BYTE = b"\x8a"
_WHOLE_WINDOW_BITS = 15
_UTF8 = codecs.getincrementaldecoder("utf-8")


class ReaderLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one client may send."""

    message_max_bytes: int
    control: InboundLimits  # frames that are no whole message: ping, pong, fragments
    takes_binary: bool = False


class MessageReader:
    """What has come in on one WebSocket, and what the protocol says to answer."""

    __slots__ = ("_budget", "_decoder", "_limits", "_parts", "_pongs_granted", "_protocol")

    def __init__(self, limits: ReaderLimits, is_deflated: bool, now_s: float) -> None:
        self._limits = limits
        self._protocol = Protocol(SERVER, max_size=limits.message_max_bytes)
        if is_deflated:
            self._protocol.extensions = [_deflate()]
        self._budget = InboundBudget(limits.control, now_s)
        self._parts: list[bytes] | None = None  # of a message that is not whole yet
        self._decoder: codecs.IncrementalDecoder | None = None  # None for binary
        self._pongs_granted = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing that the client still sends matters."""
        return self._protocol.eof_sent

    @property
    def has_close(self) -> bool:
        """Whether the client has sent its close frame."""
        return self._protocol.close_rcvd is not None

    @property
    def part_count(self) -> int:
        """How many fragments of an unfinished message are kept."""
        return len(self._parts or ())

    def receive(self, data: bytes, now_s: float) -> Iterator[str | bytes]:
        """Yield the messages that `data` completes; send `answers` afterwards."""
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            # Without a handshake of its own the library has no other events.
            message = self._take(cast(Frame, frame), now_s)
            if message is not None:
                yield message
            if self._has_failed:
                return

    def close(self, code: CloseCode, reason: str) -> None:
        """Begin the closing handshake; `answers` has the close frame."""
        self._protocol.send_close(code, clip_reason(reason))

    def fail(self, code: CloseCode, reason: str) -> None:
        """End with a close frame for the client's fault; what it still sends is not read."""
        self._protocol.fail(code, clip_reason(reason))
        self._parts = self._decoder = None

    def answers(self) -> bytes:
        """Return the pongs and the close frame that are due, whole frames only."""
        due = []
        for frame in self._protocol.data_to_send():
            if frame[:1] == _PONG_FIRST_BYTE:
                if self._pongs_granted == 0:
                    continue
                self._pongs_granted -= 1
            due.append(frame)
        self._pongs_granted = 0
        return b"".join(due)

    def free(self) -> None:
        """Undo the circles that run through the protocol, which needs no collector then."""
        self._protocol.parser.close()
        self._protocol.parser_exc = None

    @property
    def _has_failed(self) -> bool:
        return self.is_over and not self.has_close

    def _take(self, frame: Frame, now_s: float) -> str | bytes | None:
        """Return the message that `frame` completes, None when it completes none."""
        if frame.opcode is Opcode.CLOSE:
            return None
        is_data = frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY
        if not (is_data and frame.fin) and not self._affords(frame, now_s):
            return None
        if is_data:
            if frame.opcode is Opcode.BINARY and not self._limits.takes_binary:
                self.fail(CloseCode.UNSUPPORTED_DATA, REASONS[CloseCode.UNSUPPORTED_DATA])
                return None
            self._parts = []
            self._decoder = _UTF8() if frame.opcode is Opcode.TEXT else None
        elif frame.opcode is not Opcode.CONT:
            return None
        return self._append(bytes(frame.data), frame.fin)

    def _affords(self, frame: Frame, now_s: float) -> bool:
        """Spend on a frame that is no whole message; fail when there are far too many."""
        verdict = self._budget.spend(now_s)
        if verdict is Verdict.CLOSE:
            self.fail(CloseCode.POLICY_VIOLATION, "too many frames that are no whole message")
            return False
        if verdict is Verdict.ANSWER and frame.opcode is Opcode.PING:
            self._pongs_granted += 1
        return True

    def _append(self, data: bytes, is_last: bool) -> str | bytes | None:
        """Add to the message; return it when it is whole."""
        parts, decoder = self._parts, self._decoder
        if parts is None:
            return None
        if decoder is not None:
            try:
                decoder.decode(data, final=is_last)  # so that bad text fails at its first byte
            except UnicodeDecodeError:
                self.fail(CloseCode.INVALID_TEXT, REASONS[CloseCode.INVALID_TEXT])
                return None
        if data:  # empty ones would cost memory without ever reaching the limit
            parts.append(data)
        if not is_last:
            return None
        self._parts = self._decoder = None
        whole = b"".join(parts)
        return whole if decoder is None else whole.decode()


def _deflate() -> Extension:
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=_WHOLE_WINDOW_BITS,
        local_max_window_bits=_WHOLE_WINDOW_BITS,
    )
