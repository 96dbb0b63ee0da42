"""Days on a wall, in a minute: the page and the server keep nothing of them.

What a page keeps is counted: nodes, listeners and objects. How much memory that is, is measured.
One page gets forty ticks for each real one, with moved timestamps. Another loses its connection
again and again. Meanwhile the server has had three hundred visitors, half of whom left without a
word.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright
from websockets.sync.client import connect

import bounds
from e2e.conftest import launch
from e2e.monitor_page import MonitorPage
from e2e.plant import Plant, ask
from e2e.relay import Relay, Rewrite, frame
from processes import Server

TICKS_PER_TICK = 40
TICKS_MIN = 1_500
WARM_UP_RECONNECTS = 5  # what is made once is made by then
RECONNECTS = 16
VISITORS = 300
TICK_TIMEOUT_S = 60.0
RECONNECT_TIMEOUT_MS = 90_000

#: Counts in the page how often it has come back: who asks may miss that it was away.
RETURNS = """
() => {
  const root = document.documentElement;
  let last = root.dataset.connection;
  window.returns = 0;
  new MutationObserver(() => {
    const now = root.dataset.connection;
    if (now === 'connected' && last !== 'connected') window.returns += 1;
    last = now;
  }).observe(root, { attributes: true, attributeFilter: ['data-connection'] });
}
"""

#: Counts the nodes of the document: those of the machines' strips, which are as many as what
#: happened, and all others.
NODES = """
() => {
  const count = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ALL);
    let nodes = 1;
    while (walker.nextNode()) nodes += 1;
    return nodes;
  };
  const bars = new Set([...document.querySelectorAll('[data-span]')].map((s) => s.parentElement));
  const strips = [...bars].map((bar) => count(bar.parentElement)).reduce((a, b) => a + b, 0);
  return [count(document) - strips, strips];
}
"""

SETTLED_WITHIN_S = 300.0  # a guard: what a box has removed is let go within a minute or two

HEAP_GROWTH_MAX_BYTES = 1_000_000
NODE_GROWTH_MAX = 60
LISTENER_GROWTH_MAX = 10
#: Of what is kept for every tick, or for every machine at every reconnect, there would be more.
OBJECT_GROWTH_MAX = 300
RSS_GROWTH_MAX_BYTES = 6_000_000

pytestmark = [pytest.mark.timeout(900), pytest.mark.measures]


@dataclass(frozen=True, kw_only=True)
class PageFigures:
    """What one page holds after a full garbage collection."""

    heap_bytes: int
    shown: int  # nodes of the document, those of the strips left out
    detached: int  # nodes that are held though the document has them no more
    listeners: int
    objects: int


@dataclass(frozen=True, kw_only=True)
class ServerFigures:
    """What the server's process holds."""

    rss_bytes: int
    descriptors: int


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """Figures before and after."""

    hurried: tuple[PageFigures, PageFigures]
    dropped: tuple[PageFigures, PageFigures]
    server: tuple[ServerFigures, ServerFigures]
    ticks_seen: int


@pytest.fixture(scope="module")
def soaked(shared_plant: Plant) -> Iterator[Soaked]:
    """Do everything of the module's docstring once."""
    ticked = threading.Event()
    seen: list[int] = []
    with (
        shared_plant.server() as server,
        Relay(shared_plant.own_pages[3], server.port, _hurrying(seen)).running() as fast,
        Relay(shared_plant.own_pages[0], server.port, _repeating(ticked)).running() as torn,
        sync_playwright() as playwright,
    ):
        _visit(server, 50)
        _wait_for_ticks(server, 2)
        _open_connections(server)
        server_before = _measure_server(server)
        browser = launch(playwright)
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        hurried, dropped = _open(context, fast.address), _open(context, torn.address)
        _tear(torn, dropped, ticked, WARM_UP_RECONNECTS)
        before = _measure_page(hurried.page), _measure_page(dropped.page)
        ticks_before = sum(seen)
        _visit(server, VISITORS)
        _tear(torn, dropped, ticked, RECONNECTS)
        while sum(seen) - ticks_before < TICKS_MIN:
            _wait_for_ticks(server, 1)
        hurried.expect_live(17)
        after = _settle(hurried.page, before[0]), _settle(dropped.page, before[1])
        ticks_seen = sum(seen) - ticks_before
        browser.close()
        _wait_for_ticks(server, 3)
        yield Soaked(
            hurried=(before[0], after[0]),
            dropped=(before[1], after[1]),
            server=(server_before, _measure_server(server)),
            ticks_seen=ticks_seen,
        )


def test_the_page_stays_flat_over_thousands_of_ticks(soaked: Soaked) -> None:
    assert soaked.ticks_seen >= TICKS_MIN
    _expect_flat(*soaked.hurried)


def test_the_page_stays_flat_over_many_reconnects(soaked: Soaked) -> None:
    _expect_flat(*soaked.dropped)


def test_the_server_stays_flat_over_hundreds_of_visitors(soaked: Soaked) -> None:
    before, after = soaked.server
    assert after.descriptors <= before.descriptors
    bounds.hold(after.rss_bytes - before.rss_bytes, RSS_GROWTH_MAX_BYTES, "server grew by (bytes)")


def _expect_flat(before: PageFigures, after: PageFigures) -> None:
    assert _is_flat(before, after), f"{before} -> {after}"
    bounds.hold(after.heap_bytes - before.heap_bytes, HEAP_GROWTH_MAX_BYTES, "heap grew by (bytes)")


def _is_flat(before: PageFigures, after: PageFigures) -> bool:
    return (
        after.shown - before.shown < NODE_GROWTH_MAX
        and after.detached - before.detached < NODE_GROWTH_MAX
        and after.objects - before.objects < OBJECT_GROWTH_MAX
        and after.listeners - before.listeners < LISTENER_GROWTH_MAX
    )


def _open(context: BrowserContext, address: str) -> MonitorPage:
    page = context.new_page()
    page.goto(f"{address}/?wall=1")
    monitor = MonitorPage(page)
    monitor.expect_live(17)
    page.evaluate(RETURNS)
    return monitor


def _tear(relay: Relay, monitor: MonitorPage, ticked: threading.Event, times: int) -> None:
    """Cut the page's connection `times` times; each time it comes back and has seen a tick."""
    for _ in range(times):
        ticked.clear()
        returns = monitor.page.evaluate("() => window.returns")
        relay.drop_websockets()
        monitor.page.wait_for_function(
            "(before) => window.returns > before", arg=returns, timeout=RECONNECT_TIMEOUT_MS
        )
        assert ticked.wait(TICK_TIMEOUT_S)


def _settle(page: Page, before: PageFigures) -> PageFigures:
    """Measure until the page is flat, or has had its time for it.

    What a box has removed is let go when the box is rendered again, and the strip of a box that
    goes on as it was moves once a minute.
    """
    ends_s = time.monotonic() + SETTLED_WITHIN_S
    while not _is_flat(before, figures := _measure_page(page)) and time.monotonic() < ends_s:
        page.wait_for_timeout(2_000)
    return figures


def _measure_page(page: Page) -> PageFigures:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    for _ in range(3):  # what a first collection finalises, a later one frees
        session.send("HeapProfiler.collectGarbage")
    objects = _count_objects(session)
    found = {m["name"]: int(m["value"]) for m in session.send("Performance.getMetrics")["metrics"]}
    shown, in_strips = page.evaluate(NODES)
    session.detach()
    return PageFigures(
        heap_bytes=found["JSHeapUsedSize"],
        shown=shown,
        detached=found["Nodes"] - shown - in_strips,
        listeners=found["JSEventListeners"],
        objects=objects,
    )


def _count_objects(session: CDPSession) -> int:
    """Return how many objects, arrays, functions and all, the page holds."""
    group = {"objectGroup": "counted"}
    whose = session.send("Runtime.evaluate", {"expression": "Object.prototype", **group})
    prototype = whose["result"]["objectId"]
    found = session.send("Runtime.queryObjects", {"prototypeObjectId": prototype, **group})
    counted = session.send(
        "Runtime.callFunctionOn",
        {
            "objectId": found["objects"]["objectId"],
            "functionDeclaration": "function () { return this.length }",
            "returnByValue": True,
        },
    )
    session.send("Runtime.releaseObjectGroup", group)
    return int(counted["result"]["value"])


def _measure_server(server: Server) -> ServerFigures:
    process = Path("/proc") / str(server.pid)
    resident = next(
        int(line.split()[1]) * 1024
        for line in (process / "status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
    return ServerFigures(rss_bytes=resident, descriptors=len(list((process / "fd").iterdir())))


def _visit(server: Server, count: int) -> None:
    """Connect `count` times; every second visitor is cut off in place of saying goodbye."""
    request = (
        f"GET /ws/monitor HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    )
    for number in range(count):
        if number % 2:
            with connect(server.ws_address) as client:
                assert "connected" in str(client.recv(timeout=TICK_TIMEOUT_S))
        else:
            with socket.create_connection(("127.0.0.1", server.port), TICK_TIMEOUT_S) as visitor:
                visitor.sendall(request.encode())
                assert visitor.recv(4096).startswith(b"HTTP/1.1 101")
                visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _open_connections(server: Server) -> None:
    """Ask so much at once that every connection to the history is open: they stay so."""
    now = datetime.now(UTC)
    window = f"from={now - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}&to={now:%Y-%m-%dT%H:%M:%SZ}"
    with ThreadPoolExecutor(8) as people:
        for _ in people.map(lambda _: ask(server, f"/api/kpis?{window}&grain=day"), range(40)):
            pass


def _wait_for_ticks(server: Server, count: int) -> None:
    """Let the server serve `count` more ticks, and leave."""
    with connect(server.ws_address) as client:
        for _ in range(count + 1):
            client.recv(timeout=TICK_TIMEOUT_S)


def _hurrying(seen: list[int]) -> Rewrite:
    """Return a rewriting that makes many ticks of one, and counts them into `seen`."""

    def rewrite(payload: bytes) -> list[bytes]:
        message = json.loads(payload)
        if message["type"] != "equipment_status":
            return [frame(payload)]
        seen.append(TICKS_PER_TICK)
        return [frame(_moved(message, number)) for number in range(TICKS_PER_TICK)]

    return rewrite


def _moved(tick: dict[str, object], number: int) -> bytes:
    """The tick as it would have been a few milliseconds later."""
    later = timedelta(milliseconds=number * 1_000 / TICKS_PER_TICK)

    def move(timestamp: str) -> str:
        moved = datetime.fromisoformat(timestamp) + later
        return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    equipment = tick["equipment"]
    assert isinstance(equipment, list)
    machines = [{**m, "last_updated": move(m["last_updated"])} for m in equipment]
    moved = {**tick, "timestamp": move(str(tick["timestamp"])), "equipment": machines}
    return json.dumps(moved, ensure_ascii=False).encode()


def _repeating(ticked: threading.Event) -> Callable[[bytes], list[bytes]]:
    """Return a rewriting that greets with the last tick too, so that no reconnect waits for one."""
    last: list[bytes] = []

    def rewrite(payload: bytes) -> list[bytes]:
        if b'"equipment_status"' in payload[:40]:
            last[:] = [payload]
            ticked.set()
            return [frame(payload)]
        if last:
            ticked.set()
        return [frame(payload), *(frame(tick) for tick in last)]

    return rewrite
