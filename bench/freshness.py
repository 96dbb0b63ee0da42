"""How old what a screen shows is when it arrives: `python -m bench.freshness`.

Simulated PLCs that answer after 5, 20 and 80 ms, and up to half as long again by chance, ten of
each, in a process of their own. Lineside reads them at one poll a second in another, and a client
hears it over the real WebSocket. The age of a value is the time from the moment it was read (the
machine's `last_updated`) to the arrival of the message that shows it, on the same clock.

Two schedules take turns: Lineside's own, timed by the tick, and free-running polls at the same
rate, each PLC at a phase of its own, which is how pollers usually run. Prints and writes the table
to `bench/results/freshness.md` and every round to `freshness.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from bench.machine import RESULTS, come_first, describe, table_of
from bench.parts import quantile, spread, started
from websockets.sync.client import connect

import lineside.app
from lineside.app import RunOptions
from lineside.drivers.melsec.simulator import Fault, FaultKind, MelsecSimulator
from lineside.engine import Engine
from lineside.engine.schedule import next_slot_s
from lineside.log import configure_logging
from lineside.web.server import event_loop_factory

MODULE = "bench.freshness"
RESPONSES_MS = (5, 20, 80)
JITTER = 0.5  # of the response time
PLCS_EACH = 10
ALLOWANCE_MS = 30  # beyond the response time's own 95th percentile
SCHEDULES = ("just in time", "free-running")


class FreeRunning:
    """Polls on a grid of its own: what most pollers do. The yardstick, not part of Lineside."""

    _phases = Random(1)  # noqa: S311

    def __init__(self, period_s: float, tick_period_s: float) -> None:
        self._period_s = period_s
        self._slot_s = 0.0
        self._is_first = True
        self.lead_s = 0.0
        self.late_count = 0

    def begin(self, now_s: float) -> None:
        """Note that a first poll starts now."""
        self._slot_s = now_s
        self._is_first = True

    def next_start_s(self, now_s: float, tick_s: float) -> tuple[float, int]:
        """Return the next slot of the grid; the first one puts the grid at a random phase."""
        if self._is_first:
            self._is_first = False
            self._slot_s += self._phases.random() * self._period_s
        self._slot_s, missed = next_slot_s(self._slot_s, self._period_s, now_s)
        return self._slot_s, missed


def main() -> None:
    """Run the part that the command line names; without one, the whole benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each schedule (3)")
    parser.add_argument("--ticks", type=int, default=30, help="ticks to measure in each round (30)")
    parser.add_argument("--warm-up", type=int, default=8, help="ticks before that (8)")
    parser.add_argument("part", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part[:1] == ["plcs"]:
        asyncio.run(serve_plcs())
    elif options.part[:1] == ["server"]:
        serve_lineside(Path(options.part[1]), options.part[2])
    else:
        measure(options.rounds, options.ticks, options.warm_up)


def measure(rounds: int, ticks: int, warm_up: int) -> None:
    """Let the schedules take turns; print and write what came out."""
    priority = come_first()
    heard: dict[str, list[dict[str, Any]]] = {schedule: [] for schedule in SCHEDULES}
    with tempfile.TemporaryDirectory() as folder, started(MODULE, "plcs") as (_, ports):
        config = Path(folder) / "lineside.toml"
        config.write_text(config_text(json.loads(ports)), encoding="utf-8")
        for turn, schedule in ((t, s) for t in range(rounds) for s in SCHEDULES):
            print(f"round {turn + 1} of {rounds}: {schedule} ...", file=sys.stderr, flush=True)
            with started(MODULE, "server", str(config), schedule) as (_, address):
                heard[schedule].append(listen(address.strip(), ticks, warm_up))
    about = describe("python -m bench.freshness", priority, ("uvloop", "websockets"))
    about["load"] = (
        f"{PLCS_EACH} PLCs of each response time at one poll a second, jitter up to "
        f"{JITTER:.0%} of it; {rounds} rounds of {ticks} ticks for each schedule, in turns"
    )
    text = report(heard, about)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "freshness.md").write_text(text, encoding="utf-8")
    record = {"about": about, "rounds": heard}
    (RESULTS / "freshness.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


def report(heard: dict[str, list[dict[str, Any]]], about: dict[str, str]) -> str:
    """Return the table: medians over the rounds, with the lowest and the highest."""
    lines = [
        "# How old what a screen shows is when it arrives",
        "",
        "Written by `python -m bench.freshness`. Milliseconds; medians of the rounds (lowest to "
        "highest).",
        "",
        table_of(about),
        "",
        "| PLC answers in, p50 / p95 | as the server sees it | schedule | age p50 | age p95 "
        "| to reach at p95 | |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for response_ms in RESPONSES_MS:
        response = str(response_ms)
        for schedule in SCHEDULES:
            each = [turn[response] for turn in heard[schedule]]
            middle = {key: statistics.median(one[key] for one in each) for key in each[0]}
            own_p50, own_p95 = (response_ms * (1 + JITTER * share) for share in (0.5, 0.95))
            goal = own_p95 + ALLOWANCE_MS
            is_ours = schedule == SCHEDULES[0]
            verdict = ("reached" if middle["age_p95"] <= goal else "not reached") if is_ours else ""
            lines.append(
                f"| {own_p50:.0f} / {own_p95:.0f} "
                f"| {middle['response_p50']:.0f} / {middle['response_p95']:.0f} | {schedule} "
                f"| {spread(each, 'age_p50')} | {spread(each, 'age_p95')} "
                f"| {f'{goal:.0f}' if is_ours else ''} | {verdict} |"
            )
    return "\n".join([*lines, ""])


def listen(address: str, ticks: int, warm_up: int) -> dict[str, Any]:
    """Return the ages that a client sees, and the response times that the server saw."""
    ages: dict[str, list[float]] = {str(response): [] for response in RESPONSES_MS}
    with connect(f"ws://{address}/ws/monitor", compression=None, proxy=None) as client:
        client.recv()
        for number in count():
            message = json.loads(client.recv())
            arrived_s = time.time()
            if number >= warm_up + ticks:
                break
            if number < warm_up:
                continue
            for machine in message["equipment"]:
                read_s = datetime.fromisoformat(machine["last_updated"]).timestamp()
                response = str(int(machine["equipment_code"][5:8]))
                ages[response].append((arrived_s - read_s) * 1000)
    with urllib.request.urlopen(f"http://{address}/api/plcs") as answer:
        plcs = json.load(answer)["plcs"]
    return {
        response: {
            "age_p50": quantile(values, 0.5),
            "age_p95": quantile(values, 0.95),
            "response_p50": latency(plcs, response, "latency_p50_ms"),
            "response_p95": latency(plcs, response, "latency_p95_ms"),
        }
        for response, values in ages.items()
    }


def latency(plcs: list[dict[str, Any]], response: str, key: str) -> float:
    """Return a figure of the PLCs of one response time, in the middle of them."""
    values = [float(plc[key]) for plc in plcs if plc["id"].startswith(f"P{response}-")]
    return statistics.median(values)


def config_text(ports: dict[str, int]) -> str:
    """Return a lineside.toml for the simulated PLCs, one machine on each."""
    parts = ['[[line]]\nid = "bench"\nname = "bench"\n']
    for plc_id, port in ports.items():
        response, number = map(int, plc_id[1:].split("-"))
        parts.append(
            f'[[plc]]\nid = "{plc_id}"\nhost = "127.0.0.1"\nport = {port}\nfamily = "Q"\n'
            f'period = "1s"\n[[equipment]]\n'
            f'code = "KRCWO{response:03d}BEN{number:03d}"\nname = "{plc_id}"\n'
            f'plc = "{plc_id}"\nstatus_tag = "M100"\nerror_tag = "M200"\n'
        )
    return "\n".join(parts)


async def serve_plcs() -> None:
    """Serve the simulated PLCs until ended; print their ports."""
    ports: dict[str, int] = {}
    async with contextlib.AsyncExitStack() as stack:
        for response_ms in RESPONSES_MS:
            for number in range(PLCS_EACH):
                simulator = await stack.enter_async_context(MelsecSimulator())
                delay_s = response_ms / 1000
                simulator.fault = Fault(
                    kind=FaultKind.DELAY, delay_s=delay_s, jitter_s=delay_s * JITTER
                )
                ports[f"P{response_ms}-{number}"] = simulator.port
        print(json.dumps(ports))
        await asyncio.Event().wait()


def serve_lineside(config: Path, schedule: str) -> None:
    """Run Lineside as `lineside run` does, on a free port, with one of the schedules."""
    if schedule != SCHEDULES[0]:
        setattr(lineside.app, "Engine", partial(Engine, make_schedule=FreeRunning))  # noqa: B010
    configure_logging("text")
    options = RunOptions(config=config, host="127.0.0.1", port=0)
    with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
        runner.run(
            lineside.app.run(options, lambda _, address: print(address.removeprefix("http://")))
        )


if __name__ == "__main__":
    main()
