"""Crowds: a thousand who come and go, five hundred who come at once, and those who come in vain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

import bounds
from hostile.attackers import Stranger, all_at_once, over_and_over
from hostile.listeners import Listeners, delivery
from hostile.siege import SCREENS, Siege, besieged, eventually, held_from
from processes import free_port
from serving import handshake

pytestmark = pytest.mark.measures

COMINGS = 1_000
AT_ONCE = 500
DOORS = 4
TOGETHER_S = 2.0
ATTACK_S = 1.5  # from one tick through the next to before the one after it
GUESTS = 5
HTTP_BESIDE = 500  # connections of an address besides its WebSockets
TOO_MANY = 10
CONFIG = f"""\
[server]
connections_max = {SCREENS + 2 * GUESTS}
connections_per_address_max = {SCREENS + GUESTS}

[[line]]
id = "weld1"
name = "용접 1라인"

[[plc]]
id = "PLC01"
host = "127.0.0.1"
port = {{port}}
family = "Q"

[[equipment]]
code = "KRCWO12ELOA101"
name = "로봇 1"
plc = "PLC01"
status_tag = "M101"
error_tag = "M201"
"""


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
    assert not result.lost, str(result)
    bounds.hold(len(result.missed), 1, "seconds without a tick")
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


def ask_for_a_seat(siege: Siege, source: str) -> str:
    """Return how the answer to a handshake from that address begins, and go again."""
    with Stranger(siege.port, source=source) as stranger:
        stranger.send(handshake(siege.port))
        return stranger.head()


@pytest.fixture(scope="module")
def small_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """A server with seats for the fifty, and a few more."""
    path = tmp_path_factory.mktemp("plant") / "lineside.toml"
    path.write_text(CONFIG.format(port=free_port()), encoding="utf-8")
    with besieged(str(path), plant="--config") as siege:
        yield siege


def test_more_websockets_than_there_are_seats_are_503_and_a_seat_left_is_free(
    small_house: Siege,
) -> None:
    siege = small_house
    with siege.attack("more than there are seats"), ExitStack() as stack:
        for source in ("127.0.0.1", "127.0.0.2"):
            for _ in range(GUESTS):
                stack.enter_context(Stranger(siege.port, source=source)).upgrade()
            for _ in range(TOO_MANY):
                answer = ask_for_a_seat(siege, source)
                assert answer.startswith("HTTP/1.1 503 "), answer
                assert "\r\nretry-after: " in answer
            # The first address is full; with the second so is the house.
        siege.pass_time(ATTACK_S)
        stack.close()
        assert eventually(lambda: ask_for_a_seat(siege, "127.0.0.1").startswith("HTTP/1.1 101 "))


def test_one_address_that_opens_all_it_can_locks_nobody_out(small_house: Siege) -> None:
    siege = small_house
    most = SCREENS + GUESTS + HTTP_BESIDE
    with siege.attack("all that one address can open"), ExitStack() as stack:
        for _ in range(most + TOO_MANY):
            stack.enter_context(Stranger(siege.port, source="127.0.0.3"))

        def held() -> int:
            ends = held_from(siege.server.pid, siege.port)
            return sum(1 for address, _ in ends if address == "127.0.0.3")

        assert eventually(lambda: held() == most), held()
        assert ask_for_a_seat(siege, "127.0.0.1").startswith("HTTP/1.1 101 ")
        siege.pass_time(ATTACK_S)
