"""One frame to N WebSockets each second: Lineside, its peers, and the physical floor.

Every server sends the same payload of 17 machines to N clients on each whole second; a C client on
the same machine listens. Rounds are interleaved: each server in turn, again and again. Writes
`bench/results/fanout.md`, `fanout.json` (every round) and `fanout.svg`. Everything stays on
loopback. `make bench` sets up what it needs and runs it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from bench.fanout import report
from bench.fanout.load import Round, measure
from bench.fanout.stacks import BENCH_PYTHON, NODE, PEERS, Stack, StackError, stacks
from bench.machine import RESULTS, come_first, describe, table_of
from websockets.sync.client import connect

from processes import Server

CLIENTS = (50, 1_000, 5_000, 10_000)
SECONDS = {50: 10, 1_000: 8, 5_000: 6, 10_000: 6}  # ticks of one round
ROUNDS = 3
QUICK_STACKS = ("lineside", "C floor", "nginx nchan", "websockets.broadcast")


def main() -> int:
    """Measure, print and write."""
    options = _options()
    priority = come_first()
    with tempfile.TemporaryDirectory(prefix="lineside-bench-") as name:
        folder = Path(name)
        payload = folder / "payload.json"
        payload.write_text(lineside_payload(), encoding="utf-8")
        chosen = stacks(_compiled("floor", folder))
        if options.stacks:
            chosen = [each for each in chosen if each.name in options.stacks]
        rounds, failures = _measure_all(
            chosen, options.clients, options.rounds, _compiled("load", folder), payload, folder
        )
    text = _report(rounds, failures, chosen, options.clients, options.rounds, priority)
    print(text)
    options.out.mkdir(exist_ok=True)
    (options.out / "fanout.md").write_text(text, encoding="utf-8")
    (options.out / "fanout.json").write_bytes(msgspec.json.encode(rounds) + b"\n")
    if BENCH_PYTHON.exists():
        words = [str(BENCH_PYTHON), str(Path(__file__).parent / "plot.py"), str(options.out)]
        subprocess.run(words, check=True)  # noqa: S603
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=...", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS), metavar="N")
    parser.add_argument("--stacks", nargs="+", metavar="NAME", help="only these rows of the table")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"(default {ROUNDS})")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder to write to")
    parser.add_argument("--quick", action="store_true", help="a few minutes: fewer rows, one round")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.stacks = 1, options.stacks or list(QUICK_STACKS)
        options.clients = [each for each in options.clients if each != 5_000]
    return options


def lineside_payload() -> str:
    """Return one `equipment_status` of the demo plant, as Lineside writes it."""
    with Server("--demo", "--no-past") as server, connect(server.ws_address, proxy=None) as client:
        client.recv()
        return str(client.recv())


def _compiled(name: str, folder: Path) -> Path:
    source, binary = Path(__file__).parent / f"{name}.c", folder / name
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        sys.exit("The benchmark needs a C compiler: apt-get install gcc")
    words = [compiler, "-O2", "-Wall", "-o", str(binary), str(source)]
    subprocess.run(words, check=True)  # noqa: S603
    return binary


def _measure_all(
    chosen: Sequence[Stack],
    clients: Sequence[int],
    round_count: int,
    load: Path,
    payload: Path,
    folder: Path,
) -> tuple[list[Round], list[str]]:
    rounds: list[Round] = []
    failures: list[str] = []
    total, done, started_s = len(chosen) * len(clients) * round_count, 0, time.monotonic()
    for turn in range(round_count):
        for count in clients:
            # Nobody always comes first, or always after the same neighbour.
            for stack in [*chosen[turn % len(chosen) :], *chosen[: turn % len(chosen)]]:
                done += 1
                if count > stack.clients_max:
                    continue
                print(
                    f"[{done}/{total}, {time.monotonic() - started_s:.0f} s] round {turn + 1}, "
                    f"{count} clients: {stack.name}",
                    file=sys.stderr,
                    flush=True,
                )
                has_watchers = stack.name == report.OURS and count == CLIENTS[-1]
                try:
                    with stack.start(payload, folder) as running:
                        seconds = SECONDS.get(count, 6)
                        rounds.append(measure(load, stack, running, count, seconds, has_watchers))
                except (StackError, AssertionError, OSError) as error:
                    failures.append(f"{stack.name}, {count:,} clients, round {turn + 1}: {error}")
                    print(f"    failed: {error}", file=sys.stderr, flush=True)
    return rounds, failures


def _report(
    rounds: Sequence[Round],
    failures: Sequence[str],
    chosen: Sequence[Stack],
    clients: Sequence[int],
    round_count: int,
    priority: str,
) -> str:
    about = describe("make bench", priority, ("uvloop", "websockets", "uvicorn", "fastapi"))
    about["load"] = (
        f"{round_count} interleaved rounds; the same payload for all, on each whole second; one C "
        "client, which shares the machine"
    )
    about |= _peer_versions()
    lines = [
        "# Fan-out near the physical floor",
        "",
        "Written by `make bench`.",
        "",
        table_of(about),
    ]
    lines += ["", "## The figures to reach", "", "| figure | measured | |", "|---|---:|---|"]
    for words, value, is_reached in report.verdicts(rounds):
        lines.append(f"| {words} | {value} | {'reached' if is_reached else '**not reached**'} |")
    lines += ["", "![CPU per delivery, and time to the last client](fanout.svg)"]
    for count in clients:
        lines += ["", f"## {count:,} clients", ""]
        lines.append(report.table(rounds, count, [stack.name for stack in chosen]))
    lines += ["", *_NOTES]
    if failures:
        lines += ["", "## What failed", "", *(f"* {failure}" for failure in failures)]
    return "\n".join([*lines, ""])


def _peer_versions() -> dict[str, str]:
    done = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False)  # noqa: S607
    node = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    versions = {
        "nginx": done.stderr.strip().removeprefix("nginx version: "),
        "node": node.stdout.strip(),
    }
    for name in ("ws", "socket.io"):
        manifest = PEERS / "node_modules" / name / "package.json"
        versions[name] = msgspec.json.decode(manifest.read_bytes())["version"]
    return versions


_NOTES = """\
CPU per delivery: the server's user and system time in the window, idle work included, by messages
delivered; medians of the rounds (lowest to highest). Tick to last client: from the whole second, on
which every server ticks, to the last arrival, over all ticks that all clients heard. Not delivered:
of one message a second for each client. Memory: what the server's resident memory grew by. The
floor answers handshakes without reading them; its figures for accepting and memory are those of the
kernel alone.""".splitlines()


if __name__ == "__main__":
    sys.exit(main())
