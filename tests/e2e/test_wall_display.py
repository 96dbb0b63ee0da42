"""A wall display that was asleep, offline or minimised shows the truth within a second of waking.

Each time one display's server lives and a machine has changed meanwhile, and another display's
server has died: the first shows the change, the second is gray, and neither shows what was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from websockets.sync.client import connect

import bounds
from e2e.monitor_page import GRAY, GREEN, PURPLE
from e2e.plant import RUNNING, Plant
from e2e.relay import Relay, frame
from e2e.wall import Display, Wall, wall
from processes import Server

TRUE_WITHIN_S = 1.0
ASLEEP_TICKS = 11  # longer than a silent socket is kept
AWAY_TICKS = 4  # longer than data is believed
FAILED_WITHIN_MS = 120_000  # six attempts of 3 s, and a margin for a busy machine

pytestmark = [pytest.mark.timeout(600), pytest.mark.measures]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two servers for one plant, and a display of each."""

    plant: Plant
    living: Server
    dying: Server
    alive: Display
    bereft: Display

    @property
    def all_green(self) -> Mapping[str, str]:
        """Every machine runs."""
        return dict.fromkeys(self.plant.codes, GREEN)

    def change_the_truth(self) -> None:
        """Kill a server, let a machine change, and wait until the other server has said so."""
        self.dying.kill()
        self.plant.order(RUNNING, "fault")
        wait_for_ticks(self.living, AWAY_TICKS, until=(RUNNING, "error"))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    """The browser."""
    with wall(tmp_path_factory.mktemp("wall")) as running:
        yield running


@pytest.fixture(scope="module")
def shared_plant(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Plant]:
    """A plant of this module's own."""
    with Plant(tmp_path_factory.mktemp("walled")).running() as plant:
        yield plant


@pytest.fixture(scope="module")
def steady(shared_plant: Plant) -> Iterator[Server]:
    with shared_plant.server() as server:
        yield server


@pytest.fixture(scope="module")
def dying(shared_plant: Plant) -> Iterator[Server]:
    with shared_plant.server() as server:
        yield server


@pytest.fixture(scope="module")
def forsaken(shared_plant: Plant, chromium: Wall) -> Iterator[tuple[Display, Server]]:
    """A display whose server died at the start of the module; it takes a while to say "failed"."""
    with shared_plant.server() as server:
        display = chromium.hang(server.address)
        display.expect_colors(dict.fromkeys(shared_plant.codes, GREEN))
        server.kill()
        yield display, server


@pytest.fixture(scope="module")
def displays(
    chromium: Wall,
    steady: Server,
    dying: Server,
    forsaken: tuple[Display, Server],  # its waiting begins here
) -> tuple[Display, Display]:
    return chromium.hang(f"{steady.address}/?wall=1"), chromium.hang(f"{dying.address}/?wall=1")


@pytest.fixture
def pair(
    displays: tuple[Display, Display], steady: Server, dying: Server, steady_plant: Plant
) -> Iterator[Pair]:
    """Both displays live and all green; mended after the test."""
    alive, bereft = displays
    pair = Pair(plant=steady_plant, living=steady, dying=dying, alive=alive, bereft=bereft)
    for display in displays:
        display.expect_colors(pair.all_green)
        display.expect_phase("live")
    yield pair
    if not dying.is_running:
        dying.start()


@pytest.mark.parametrize("is_frozen", [False, True], ids=["throttled", "frozen"])
def test_a_display_that_was_minimised(pair: Pair, *, is_frozen: bool) -> None:
    for display in (pair.alive, pair.bereft):
        display.minimise()
        if is_frozen:
            display.freeze()
    pair.change_the_truth()
    shown_at_s = time.time()
    for display in (pair.alive, pair.bereft):
        display.show()
    expect_truth(pair, shown_at_s)


def test_a_display_that_was_offline(pair: Pair) -> None:
    for display in (pair.alive, pair.bereft):
        display.set_network(is_offline=True)
    pair.change_the_truth()
    online_at_s = time.time()
    for display in (pair.alive, pair.bereft):
        display.set_network(is_offline=False)
    expect_truth(pair, online_at_s)


def test_a_display_whose_socket_is_open_and_dead(
    steady: Server, steady_plant: Plant, chromium: Wall
) -> None:
    dead: list[bool] = []

    def rewrite(payload: bytes) -> list[bytes]:
        """The first connection hears nothing more once it is dead; the next one is a new one."""
        if b'"connection_status"' in payload[:40]:
            dead.clear()
        return [] if dead else [frame(payload)]

    with Relay(steady_plant.own_pages[1], steady.port, rewrite).running() as relay:
        display = chromium.hang(relay.address)
        display.expect_colors(dict.fromkeys(steady_plant.codes, GREEN))
        display.minimise()
        dead.append(True)
        steady_plant.order(RUNNING, "fault")
        display.expect_phase("stale")  # and it would give the socket up after 10 s
        shown_at_s = time.time()
        display.show()
        truth = {**dict.fromkeys(steady_plant.codes, GREEN), RUNNING: PURPLE}
        expect_colors_within(display, truth, shown_at_s)
        display.close()


# It waits until a display has failed, 20 s by the contract's own clock, and then for the sleep.
def test_a_display_that_was_asleep(
    pair: Pair, chromium: Wall, forsaken: tuple[Display, Server]
) -> None:
    failed, returning = forsaken
    failed.expect_phase("failed", timeout_ms=FAILED_WITHIN_MS)
    with chromium.asleep():
        returning.start()
        pair.change_the_truth()
        wait_for_ticks(pair.living, ASLEEP_TICKS - AWAY_TICKS)
        woken_at_s = time.time()
    expect_truth(pair, woken_at_s)
    truth = {**pair.all_green, RUNNING: PURPLE}
    expect_colors_within(failed, truth, woken_at_s)


def expect_truth(pair: Pair, since_s: float) -> None:
    """The living server's display shows the change in time; the dead one's is gray in time."""
    expect_colors_within(pair.alive, {**pair.all_green, RUNNING: PURPLE}, since_s)
    expect_colors_within(pair.bereft, dict.fromkeys(pair.plant.codes, GRAY), since_s)


def expect_colors_within(display: Display, truth: Mapping[str, str], since_s: float) -> None:
    """Wait for the truth; then judge when it was there, and that nothing else looked live before.

    The page's own clock says when it woke: what a busy machine needs to wake a process is not the
    page's to answer for.
    """
    woke_at_s = display.woke_at_s(since_s)
    display.expect_colors(truth)
    turned = display.colors_since(woke_at_s)
    assert all(color in (GRAY, truth[code]) for _, code, color in turned), turned
    true_after_s = max((at_s for at_s, _, _ in turned), default=woke_at_s) - woke_at_s
    bounds.hold(true_after_s, TRUE_WITHIN_S, "true after waking (s)")


def wait_for_ticks(server: Server, count: int, until: tuple[str, str] | None = None) -> None:
    """Let the server serve `count` ticks, and more until a machine has the status of `until`."""
    with connect(server.ws_address) as client:
        client.recv(timeout=60)
        while True:
            tick = json.loads(client.recv(timeout=60))
            count -= 1
            statuses = {item["equipment_code"]: item["status"] for item in tick["equipment"]}
            if count <= 0 and (until is None or statuses[until[0]] == until[1]):
                return
