"""How fresh a tick is when it reaches its clients: `python bench/delivery.py [CLIENTS...]`.

Starts the demo plant as a process of its own, connects N clients from this process, and measures
for every message the time from the tick's own timestamp to its arrival, on the same clock. The
load client is part of the delay: it reads all N sockets in one thread. Prints p50, p99 and max over
all messages, the time until the last client has a tick (median of the ticks), the server's
resident memory and its CPU share.
"""

from __future__ import annotations

import argparse
import os
import resource
import selectors
import socket
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from processes import Server

HANDSHAKE = (
    "GET /ws/monitor HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)
MARK = b'{"type":"equipment_status","timestamp":"'
TIMESTAMP_BYTES = 24


def main() -> None:
    """Measure each number of clients in turn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("clients", nargs="*", type=int, default=[50, 1000])
    parser.add_argument("--ticks", type=int, default=20, help="ticks to measure (default 20)")
    options = parser.parse_args()
    lift_descriptor_limit()
    print("clients  p50 ms  p99 ms  max ms  last client ms  missed  RSS MB  CPU %  connect s")
    for count in options.clients:
        with Server("--demo", "--no-past") as server:
            measure(server, count, options.ticks)


def lift_descriptor_limit() -> None:
    """Allow as many sockets as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def measure(server: Server, count: int, ticks: int) -> None:
    """Connect `count` clients, listen for `ticks` ticks and print one row."""
    started = time.perf_counter()
    clients = [connect(server.port) for _ in range(count)]
    connect_s = time.perf_counter() - started
    selector = selectors.DefaultSelector()
    for client in clients:
        client.setblocking(False)
        selector.register(client, selectors.EVENT_READ)
    cpu_before = cpu_s(server.pid)
    wall_before = time.perf_counter()
    arrivals: dict[bytes, list[float]] = {}
    while len(arrivals) < ticks + 2:
        for key, _ in selector.select(2.0):
            data = key.fileobj.recv(65536)  # type: ignore[union-attr]
            now = time.time()
            at = data.find(MARK)
            if at >= 0:
                stamp = data[at + len(MARK) : at + len(MARK) + TIMESTAMP_BYTES]
                arrivals.setdefault(stamp, []).append(now)
    share = 100 * (cpu_s(server.pid) - cpu_before) / (time.perf_counter() - wall_before)
    for client in clients:
        client.close()
    report(count, list(arrivals.items())[1 : ticks + 1], server.pid, share, connect_s)


def report(
    count: int,
    heard: list[tuple[bytes, list[float]]],
    pid: int,
    cpu_percent: float,
    connect_s: float,
) -> None:
    """Print one row; `heard` are whole ticks with the arrival times of their messages."""
    delays_ms, last_ms, missed = [], [], 0
    for stamp, times in heard:
        sent_s = datetime.fromisoformat(stamp.decode()).timestamp()
        delays_ms += [(t - sent_s) * 1000 for t in times]
        last_ms.append((max(times) - sent_s) * 1000)
        missed += count - len(times)
    delays_ms.sort()
    p99 = delays_ms[int(len(delays_ms) * 0.99)]
    print(
        f"{count:7d}  {statistics.median(delays_ms):6.2f}  {p99:6.2f}  {delays_ms[-1]:6.2f}"
        f"  {statistics.median(last_ms):14.2f}  {missed:6d}  {rss_mb(pid):6.1f}"
        f"  {cpu_percent:5.1f}  {connect_s:9.2f}"
    )


def connect(port: int) -> socket.socket:
    """Return a socket on which the server has accepted a WebSocket."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(HANDSHAKE.format(port=port).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    assert head.startswith(b"HTTP/1.1 101"), head[:200]
    return client


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
