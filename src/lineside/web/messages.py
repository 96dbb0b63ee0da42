"""One client's bytes as messages: RFC 6455 frames in, whole texts and answers out. No I/O.

Framing, masking and decompression are the `websockets` library's. Its connection state is not used:
it answers everything that came in one piece at once, so that a pong would leave behind the answer
to a later message, and a mistake would take the messages before it along. Here each frame has had
its effect before the next is looked at, and how the bytes were cut on the way changes nothing.

Added is what bounds a client: whole messages only, UTF-8 checked as it arrives, and a ration of
frames that carry nothing. What the messages mean is not known here.
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterator

import msgspec
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from lineside.hub.close_codes import REASONS, CloseCode, clip_reason
from lineside.hub.inbound import InboundBudget, InboundLimits, Verdict

_CONTROL_MAX_BYTES = 125  # RFC 6455, section 5.5
_WHOLE_WINDOW_BITS = 15
_UTF8 = codecs.getincrementaldecoder("utf-8")


class ReaderLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one client may send."""

    message_max_bytes: int
    control: InboundLimits  # frames that are no whole message: ping, pong, fragments
    takes_binary: bool = False


class MessageReader:
    """What has come in on one WebSocket, and what the protocol says to answer.

    Attributes:
        is_over: nothing that the client still sends matters.
        has_close: the client has sent its close frame.
    """

    __slots__ = (
        "_budget",
        "_decoder",
        "_due",
        "_extensions",
        "_has_said_close",
        "_limits",
        "_parsing",
        "_parts",
        "_size_bytes",
        "_stream",
        "has_close",
        "is_over",
    )

    def __init__(self, limits: ReaderLimits, is_deflated: bool, now_s: float) -> None:
        self._limits = limits
        self._extensions = (_deflate(),) if is_deflated else ()
        self._budget = InboundBudget(limits.control, now_s)
        self._stream = StreamReader()
        self._parsing: Generator[None, None, Frame] | None = None  # a frame that is not whole yet
        self._parts: list[bytes] | None = None  # of a message that is not whole yet
        self._size_bytes = 0  # of these
        self._decoder: codecs.IncrementalDecoder | None = None  # None for binary
        self._due: list[bytes] = []
        self._has_said_close = False
        self.has_close = False
        self.is_over = False

    @property
    def part_count(self) -> int:
        """How many fragments of an unfinished message are kept."""
        return len(self._parts or ())

    def receive(self, data: bytes, now_s: float) -> Iterator[str | bytes]:
        """Yield the messages that `data` completes.

        Send `answers` before each message is acted on, and at the end.
        """
        self._stream.feed_data(data)
        while not self.is_over:
            frame = self._next_frame()
            if frame is None:
                return
            message = self._take(frame, now_s)
            if message is not None:
                yield message

    def close(self, code: CloseCode, reason: str) -> None:
        """Begin the closing handshake; `answers` has the close frame."""
        self._say_close(Close(code, clip_reason(reason)).serialize())

    def fail(self, code: CloseCode, reason: str) -> None:
        """End with a close frame for the client's fault; what it still sends is not read."""
        if not self._has_said_close:
            self.close(code, reason)
        self.is_over = True
        self._parts = self._decoder = self._parsing = None
        self._stream.discard()

    def answers(self) -> bytes:
        """Return the pongs and the close frame that are due, whole frames only."""
        due = b"".join(self._due)
        self._due.clear()
        return due

    def _next_frame(self) -> Frame | None:
        """Return the next whole frame; None when there is none yet, or never will be."""
        if self._parsing is None:
            room_bytes = self._limits.message_max_bytes - self._size_bytes
            self._parsing = Frame.parse(
                self._stream.read_exact,
                mask=True,
                # A ping may come where a message has no room left.
                max_size=max(room_bytes, _CONTROL_MAX_BYTES),
                extensions=self._extensions,
            )
        try:
            next(self._parsing)
        except StopIteration as done:
            self._parsing = None
            frame: Frame = done.value
            return frame
        except PayloadTooBig as error:
            self.fail(CloseCode.MESSAGE_TOO_BIG, str(error))
        except ProtocolError as error:
            self.fail(CloseCode.PROTOCOL_ERROR, str(error))
        return None

    def _take(self, frame: Frame, now_s: float) -> str | bytes | None:
        """Return the message that `frame` completes, None when it completes none."""
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            self._take_close(bytes(frame.data))
            return None
        is_control = opcode is Opcode.PING or opcode is Opcode.PONG
        is_first = opcode is Opcode.TEXT or opcode is Opcode.BINARY
        if not is_control and is_first is (self._parts is not None):
            expected = "expected a continuation frame" if is_first else "nothing to continue"
            self.fail(CloseCode.PROTOCOL_ERROR, expected)
            return None
        if not (is_first and frame.fin) and not self._affords(frame, now_s):
            return None
        if is_control:
            return None
        if is_first:
            if opcode is Opcode.BINARY and not self._limits.takes_binary:
                self.fail(CloseCode.UNSUPPORTED_DATA, REASONS[CloseCode.UNSUPPORTED_DATA])
                return None
            self._parts = []
            self._decoder = _UTF8() if opcode is Opcode.TEXT else None
        return self._append(bytes(frame.data), frame.fin)

    def _take_close(self, data: bytes) -> None:
        """Echo the client's close frame, which may come in the midst of a message."""
        try:
            Close.parse(data)
        except ProtocolError as error:
            self.fail(CloseCode.PROTOCOL_ERROR, str(error))
        except UnicodeDecodeError:
            self.fail(CloseCode.INVALID_TEXT, "the reason of a close frame was not UTF-8")
        else:
            if not self._has_said_close:
                self._say_close(data)
            self.has_close = self.is_over = True

    def _say_close(self, data: bytes) -> None:
        self._due.append(Frame(Opcode.CLOSE, data).serialize(mask=False))
        self._has_said_close = True

    def _affords(self, frame: Frame, now_s: float) -> bool:
        """Spend on a frame that is no whole message; fail when there are far too many."""
        verdict = self._budget.spend(now_s)
        if verdict is Verdict.CLOSE:
            self.fail(CloseCode.POLICY_VIOLATION, "too many frames that are no whole message")
            return False
        if verdict is Verdict.ANSWER and frame.opcode is Opcode.PING:
            self._due.append(Frame(Opcode.PONG, frame.data).serialize(mask=False))
        return True

    def _append(self, data: bytes, is_last: bool) -> str | bytes | None:
        """Add to the message; return it when it is whole."""
        parts, decoder = self._parts, self._decoder
        if parts is None:
            return None
        self._size_bytes += len(data)
        if self._size_bytes > self._limits.message_max_bytes:
            self.fail(CloseCode.MESSAGE_TOO_BIG, REASONS[CloseCode.MESSAGE_TOO_BIG])
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
        self._size_bytes = 0
        whole = b"".join(parts)
        return whole if decoder is None else whole.decode()


def _deflate() -> Extension:
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=_WHOLE_WINDOW_BITS,
        local_max_window_bits=_WHOLE_WINDOW_BITS,
    )
