"""Ends and beginnings of the server: asked to end, killed, started where another serves."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

import bounds
from hostile.attackers import Stranger, frame_bytes
from hostile.listeners import Listeners
from hostile.siege import Siege, besieged
from processes import Process, Server
from serving import handshake

pytestmark = pytest.mark.measures

ENDED_MAX_S = 5.0
READY_S = 2.0
BACK_S = 5.0
RETRY_S = 3.0  # as the contract's own client has it
RETURNING = 200
EACH = 10


def hang(siege: Siege, stack: ExitStack) -> None:
    """Let clients hang on the server in every way in which they can."""
    asked = f"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1:{siege.port}\r\n\r\n".encode()
    body = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{siege.port}\r\nContent-Length: 9\r\n\r\n".encode()

    def stranger() -> Stranger:
        return stack.enter_context(Stranger(siege.port, is_tiny=True))

    for _ in range(EACH):
        stranger()
        stranger().send(handshake(siege.port)[:50])
        stranger().send(asked * 8)
        stranger().send(body)
        stranger().upgrade()  # and never reads
        stranger().upgrade(is_deflated=True)
        stranger().upgrade().send(frame_bytes(0x01, b"["))  # and never ends its message
        stranger().upgrade().send(frame_bytes(0x81, b"", length=1000))  # nor its frame


def test_sigterm_tells_every_screen_and_ends_in_5_s_whoever_hangs_on() -> None:
    with besieged() as siege, ExitStack() as stack:
        hang(siege, stack)
        siege.pass_time(2.0)
        started_s = time.monotonic()
        assert siege.server.terminate() == 0
        took_s = time.monotonic() - started_s
        heard = siege.screens.ended()
        output = siege.server.output
    bounds.hold(took_s, ENDED_MAX_S, "ended after (s)")
    assert {each.last_status for each in heard} == {"disconnected"}
    assert [code for each in heard for _, code in each.closed] == [1012] * len(heard)
    told_s = max(at_s for each in heard for at_s, _ in each.closed) - started_s
    bounds.hold(told_s, 1.0, "all told after (s)")
    assert "Traceback" not in output


def in_use_line(port: int) -> str:
    """Return all that is printed when the port is taken: what is wrong, and what to do."""
    return (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; "
        "stop what serves there, or choose another port with --port\n"
    )


def test_a_port_in_use_is_one_clear_line_and_disturbs_no_screen() -> None:
    with besieged() as siege:
        port = siege.port
        with (
            siege.attack("a second server"),
            Process(["run", "--demo", "--no-past", "--port", str(port)]) as it,
        ):
            assert it.wait() == 2
            output = it.output
    assert output == in_use_line(port)


def test_a_port_that_something_else_holds_is_the_same_clear_line() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with Process(["run", "--demo", "--no-past", "--port", str(port)]) as refused:
            assert refused.wait() == 2
            assert refused.output == in_use_line(port)


def test_killed_and_started_again_it_is_ready_in_2_s_and_200_screens_are_back_in_5() -> None:
    with (
        Server("--demo", "--no-past") as server,
        Listeners(server.port, RETURNING, retry_s=RETRY_S) as screens,
    ):
        server.kill()
        killed_s = time.monotonic()
        server.start()
        ready_s = time.monotonic() - killed_s
        heard = screens.report()
        back_s = [max(each.opened_s) - killed_s for each in heard]
        told_s = [min(t.heard_s for t in each.ticks if t.heard_s > killed_s) for each in heard]
    assert min(back_s) > 0, "a screen is not back"
    bounds.hold(ready_s, READY_S, "ready after (s)")
    bounds.hold(max(back_s), BACK_S, "all back after (s)")
    bounds.hold(max(told_s) - killed_s, BACK_S, "all heard a tick after (s)")
