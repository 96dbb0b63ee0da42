"""Crowds: a thousand who come and go, five hundred who come at once, and those who come in vain."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from hostile.attackers import Stranger, all_at_once, over_and_over
from hostile.listeners import Listeners, delivery
from hostile.siege import Siege
from serving import handshake

COMINGS = 1_000
AT_ONCE = 500
DOORS = 4
TOGETHER_S = 2.0
ATTACK_S = 1.5  # from one tick through the next to before the one after it


def touch(siege: Siege) -> None:
    """Connect and say nothing."""
    with Stranger(siege.port):
        pass


def ring(siege: Siege) -> None:
    """Ask for a WebSocket and be gone before the answer."""
    with Stranger(siege.port) as stranger:
        stranger.send(handshake(siege.port))


def enter(siege: Siege) -> None:
    """Open a WebSocket and vanish."""
    with Stranger(siege.port) as stranger:
        stranger.upgrade()


def leave_in_good_order(siege: Siege) -> None:
    """Open a WebSocket and close it as the RFC says."""
    with Stranger(siege.port) as stranger:
        stranger.upgrade()
        stranger.send(b"\x88\x82\0\0\0\0\x03\xe8")
        assert stranger.close_code() == 1000


def be_turned_away(siege: Siege) -> None:
    """Ask for a WebSocket as a foreign page does."""
    with Stranger(siege.port) as stranger:
        stranger.send(handshake(siege.port, "/ws/monitor", "Origin: http://evil.example"))
        assert stranger.head().startswith("HTTP/1.1 403 ")


def test_a_thousand_who_come_and_go_disturb_nobody(siege: Siege) -> None:
    visits = [touch, ring, enter, leave_in_good_order, be_turned_away]
    calls: list[Callable[[], None]] = [partial(visit, siege) for visit in visits]

    def come_and_go(_door: int) -> int:
        return len(over_and_over(ATTACK_S, calls, at_least=COMINGS // DOORS))

    with siege.attack("a thousand who come and go"):
        count = sum(all_at_once(DOORS, come_and_go))
    assert count >= COMINGS


def test_five_hundred_at_once_are_all_served(siege: Siege) -> None:
    with siege.attack("five hundred at once"), Listeners(siege.port, AT_ONCE) as crowd:
        seated_unix_s = time.time()
        crowd.listen(TOGETHER_S)
        heard = crowd.report(time.time())
    result = delivery(heard, seated_unix_s, seated_unix_s + TOGETHER_S)
    assert not result.missed, str(result)
    opened_s = [each.opened_s[0] for each in heard]
    print(f"seated in {max(opened_s) - min(opened_s):.2f} s: {result}")


def test_five_hundred_who_reset_at_once_leave_nothing(siege: Siege) -> None:
    with siege.attack("five hundred resets"):
        strangers = [Stranger(siege.port).upgrade() for _ in range(AT_ONCE)]
        siege.pass_time(0.1)
        for stranger in strangers:
            with stranger:
                pass
        siege.pass_time(0.1)
