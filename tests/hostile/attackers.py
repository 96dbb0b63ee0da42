"""Clients without manners: bare sockets that see every byte and say whatever they are told to."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

import bounds
from serving import handshake, parse_frames

PATIENCE_S = 60.0  # a guard against hanging, no bound
GONE = 1006  # ended without a close frame
DEFLATE_OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
DEFLATE_ANSWER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
SMALL_BUFFER_BYTES = 2048
SMALL_SEGMENT_BYTES = 536
ATTACKS_MAX = 10_000
BREATH_S = 0.2  # from attack to attack, where no times are measured

T = TypeVar("T")


def frame_bytes(
    first_byte: int, payload: bytes, *, length: int | None = None, is_masked: bool = True
) -> bytes:
    """Return one frame as a client sends it, or as none should.

    Args:
        first_byte: FIN, the reserved bits and the opcode.
        payload: what follows the header, unmasked.
        length: what the header claims; the truth by default.
        is_masked: False breaks RFC 6455, section 5.3.
    """
    claimed = len(payload) if length is None else length
    if claimed < 126:
        size = bytes([claimed])
    elif claimed < 2**16:
        size = b"\x7e" + claimed.to_bytes(2, "big")
    else:
        size = b"\x7f" + claimed.to_bytes(8, "big")
    if not is_masked:
        return bytes([first_byte]) + size + payload
    key = random.randbytes(4)
    stream = (key * (len(payload) // 4 + 1))[: len(payload)]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    header = bytes([first_byte, size[0] | 0x80]) + size[1:]
    return header + key + masked.to_bytes(len(payload), "big")


def deflated(data: bytes) -> bytes:
    """Return `data` as the payload of a compressed message (RFC 7692, section 7.2.1)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Stranger:
    """One TCP connection to the server."""

    def __init__(
        self, port: int, *, host: str = "127.0.0.1", source: str = "", is_tiny: bool = False
    ) -> None:
        """Connect.

        Args:
            port: of the server.
            host: of the server.
            source: the address to come from, where it matters.
            is_tiny: small segments and a small receive buffer, so that a client that does not read
                is soon full; loopback's own sizes would hide that for minutes.
        """
        self.port = port
        self.received = bytearray()
        self._is_deflated = False
        self.socket = socket.socket()
        if is_tiny:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT_BYTES)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect((host, port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        # By a reset: thousands of orderly ends would take this machine's free ports for a minute.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    @property
    def name(self) -> tuple[str, int]:
        """This end of the connection, as the server sees it."""
        host, port = self.socket.getsockname()
        return host, port

    def upgrade(self, *headers: str, is_deflated: bool = False) -> Self:
        """Open the WebSocket as a good client does."""
        offer = (DEFLATE_OFFER,) if is_deflated else ()
        self.send(handshake(self.port, "/ws/monitor", *offer, *headers))
        head = self.head()
        assert head.startswith("HTTP/1.1 101 "), head
        if is_deflated:
            assert f"\r\nSec-WebSocket-Extensions: {DEFLATE_ANSWER}" in head, head
        self._is_deflated = is_deflated
        return self

    def send(self, data: bytes) -> None:
        """Send all of it, or fail."""
        self.socket.sendall(data)

    def send_text(self, text: str) -> None:
        """Send one whole text message."""
        self.send(frame_bytes(0x81, text.encode()))

    def end_sending(self) -> None:
        """End this half of the connection."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def pour(self, data: bytes) -> bool:
        """Send as long as the server lets us; return whether it took everything."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def head(self) -> str:
        """Read the head of one HTTP answer; what follows stays in `received`."""
        while b"\r\n\r\n" not in self.received:
            data = self.socket.recv(65_536)
            if not data:
                break
            self.received += data
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        self.received = bytearray(rest)
        return head.decode("latin-1")

    def rest(self) -> bytes:
        """Read until the server ends the connection, by a farewell or a reset."""
        with contextlib.suppress(ConnectionError):
            while data := self.socket.recv(65_536):
                self.received += data
        return bytes(self.received)

    def close_code(self) -> int:
        """Read until the end; return the code of the server's close frame, or GONE."""
        frames, _ = parse_frames(self.rest(), [_inflater()] if self._is_deflated else [])
        closes = [each for each in frames if each.opcode is Opcode.CLOSE]
        return int.from_bytes(bytes(closes[-1].data[:2]), "big") if closes else GONE

    def frames(self) -> list[Frame]:
        """Return the whole frames received so far."""
        return parse_frames(bytes(self.received), [_inflater()] if self._is_deflated else [])[0]


def _inflater() -> PerMessageDeflate:
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=15,
        local_max_window_bits=15,
    )


def all_at_once(count: int, attack: Callable[[int], T]) -> list[T]:
    """Run `attack(0)` to `attack(count - 1)` in a thread each, and return what they return."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(attack, range(count)))


def over_and_over(
    seconds: float, attacks: Sequence[Callable[[], T]], *, at_least: int = 0
) -> list[T]:
    """Run `attacks` in turn for that long, each at least once, and return what they return."""
    results: list[T] = []
    deadline_s = time.monotonic() + seconds
    while (is_due := len(results) < max(len(attacks), at_least)) or time.monotonic() < deadline_s:
        assert len(results) < ATTACKS_MAX, "an attack is bounded"
        if not is_due:
            take_breath()
        results.append(attacks[len(results) % len(attacks)]())
    return results


def take_breath(seconds: float = BREATH_S) -> None:
    """Let others have the computer before attacking again, unless the attack is being measured."""
    if not bounds.are_held:
        threading.Event().wait(seconds)
