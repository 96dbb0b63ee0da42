"""What the hub writes to: `SimulatedWire` is its `Wire`, with a kernel behind it that can be full.

Some have a file descriptor, so that the hub writes with `os.write` into a real non-blocking socket;
the others have none and are written to through the simulated transport.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from typing import Protocol

from lineside.hub.audience import Subscriber
from lineside.hub.close_codes import CloseCode
from simulation.network import PlantLoop

_SOCKET_ROOM_BYTES = 2304  # Linux doubles it and counts its own bookkeeping
_CLOSE_TIMEOUT_S = 2.0  # as the web room has it
CLOSE_OPCODE = 0x88


class Pipe(Protocol):
    """The kernel between a wire and its screen."""

    def fd(self) -> int | None: ...
    def push(self, data: bytes) -> int: ...
    def pull(self, size_bytes: int) -> bytes: ...
    def leave(self) -> None: ...
    def close(self) -> None: ...


class BufferPipe:
    """A kernel buffer of a known size, for wires without a file descriptor."""

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes
        self._held = bytearray()

    def fd(self) -> int | None:
        """Nothing may write past the transport."""
        return None

    def push(self, data: bytes) -> int:
        """Take what fits and return how much that is."""
        taken = data[: self._room_bytes - len(self._held)]
        self._held += taken
        return len(taken)

    def pull(self, size_bytes: int) -> bytes:
        """Give the screen what has arrived."""
        data = bytes(self._held[:size_bytes])
        del self._held[:size_bytes]
        return data

    def leave(self) -> None:
        """Nothing to do: there is nobody to be told."""

    def close(self) -> None:
        """Throw away what has not been read."""
        self._held.clear()


class SocketPipe:
    """A real pair of sockets."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        for end in (self._ours, self._theirs):
            end.setblocking(False)
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_ROOM_BYTES)

    def fd(self) -> int | None:
        """Return what the hub may write to."""
        return self._ours.fileno()

    def push(self, data: bytes) -> int:
        """Take what fits and return how much that is; all of it when nobody reads any more."""
        try:
            return os.write(self._ours.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def pull(self, size_bytes: int) -> bytes:
        """Give the screen what has arrived."""
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            return self._theirs.recv(size_bytes)
        return b""

    def leave(self) -> None:
        """Close the screen's end."""
        self._theirs.close()

    def close(self) -> None:
        """Close both ends."""
        self._ours.close()
        self._theirs.close()


class SimulatedWire:
    """One accepted WebSocket as the hub sees it."""

    def __init__(self, loop: PlantLoop, name: str, pipe: Pipe, bound_bytes: int) -> None:
        self.pipe = pipe
        self.unsent = b""
        self.unsent_since_s: float | None = None
        self.unsent_ticks = 0
        self.bound_bytes = bound_bytes
        self.is_over = False
        self.is_closing = False
        self.is_left = False  # by the screen
        self.is_aborted = False
        self.may_be_aborted: Callable[[], bool] = lambda: False
        self.on_written: Callable[[], None] = lambda: None
        self._loop = loop
        self._name = name
        self._subscriber: Subscriber | None = None

    # What the hub asks of it.

    def direct_fd(self) -> int | None:
        return self.pipe.fd()

    def attach(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber

    def write(self, data: bytes) -> None:
        if self.is_over or self.is_closing:
            return
        self._write(data)

    def has_unsent(self) -> bool:
        return bool(self.unsent)

    def close(self, code: CloseCode, reason: str) -> None:
        if self.is_over or self.is_closing:
            return
        payload = code.to_bytes(2, "big") + reason.encode()
        self._write(bytes((CLOSE_OPCODE, len(payload))) + payload)
        self.is_closing = True
        self._loop.after(_CLOSE_TIMEOUT_S, self._end)

    def abort(self) -> None:
        self._loop.journal.note(self._name, "aborted")
        if not self.is_over and not self.may_be_aborted():
            since_s = self.unsent_since_s
            self._loop.journal.broken(
                "no screen is given up before its time", f"{self._name}: unsent since {since_s} s"
            )
        self.is_aborted = True
        if self._subscriber is not None:
            self._subscriber.leave()
        self._end_soon()

    # The rest.

    def _write(self, data: bytes) -> None:
        if self.is_left:
            self._end_soon()
            return
        if not self.unsent:
            data = data[self.pipe.push(data) :]
        self.unsent += data
        if self.unsent and self.unsent_since_s is None:
            self.unsent_since_s = self._loop.time()
        if len(self.unsent) > self.bound_bytes:
            self._loop.journal.broken(
                "no queue grows beyond one frame", f"{self._name}: {len(self.unsent)} bytes"
            )
        if self._subscriber is not None:
            self._subscriber.written()
        self.on_written()

    def flush(self) -> None:
        """Push what is unsent, since there is room again."""
        if self.unsent and not self.is_over:
            self.unsent = self.unsent[self.pipe.push(self.unsent) :]
        if not self.unsent:
            self.unsent_since_s = None

    def screen_left(self, notice_s: float) -> None:
        """Let the screen close its end; the transport notices a little later."""
        self.is_left = True
        self.pipe.leave()
        self._loop.after(notice_s, self._end)

    def _end_soon(self) -> None:
        self._loop.after(0.0, self._end)

    def _end(self) -> None:
        """Be what `connection_lost` is: leave the hub, then let go of the file descriptor."""
        if self.is_over:
            return
        self.is_over = True
        self._loop.journal.note(self._name, "over")
        if self._subscriber is not None:
            self._subscriber.lost()
            self._subscriber = None
        self.pipe.close()

    def answer_close(self) -> None:
        """Let the screen answer the close frame."""
        self._end_soon()
