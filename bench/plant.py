"""A plant's size: `python -m bench.plant`.

1. A hundred simulated Q CPUs of forty tags each, answering after 10 to 20 ms, in a process of their
   own. One Lineside reads them all once a second while one screen listens to each of its ten lines.
   Rounds in which all PLCs are sound take turns with rounds in which one is dead, one answers so
   late that most of its polls fail, and one comes and goes. The figures are those of all others.
2. 3,500 tags scattered over one Q CPU in four ways: how many requests read them, how few the limits
   of the protocol allow (`read_bound.py`), and a poll of them over a socket, every value checked.

Writes `bench/results/plant.md`, `plant.json` and the plan of the widest scatter, `plant-plan.txt`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.machine import RESULTS, come_first, describe, process_cpu_s, table_of
from bench.parts import quantile, spread, started
from bench.read_bound import fewest_requests
from bench.scatter import SHAPES, scattered
from websockets.asyncio.client import ClientConnection, connect

from lineside.clock import system_clock
from lineside.config.schema import Family, PlcConfig
from lineside.core.model import Scalar
from lineside.drivers.melsec.address import TagAddress, ValueType, parse_address
from lineside.drivers.melsec.commands import ReadRandom
from lineside.drivers.melsec.devices import limits_of
from lineside.drivers.melsec.driver import MelsecDriver
from lineside.drivers.melsec.frame import Coding
from lineside.drivers.melsec.plan import PlannedRead, plan_reads
from lineside.drivers.melsec.simulator import Fault, FaultKind, MelsecSimulator
from processes import Server

MODULE = "bench.plant"
LINES, PLCS_PER_LINE, MACHINES_PER_PLC = 10, 10, 20  # two tags a machine
ANSWER_S = 0.010
JITTER_S = 0.010
LATE_S = 0.9  # of the slow PLC, and up to half a second more: most answers miss the timeout of 1 s
LATE_JITTER_S = 0.5
GONE_S, BACK_S = 3.0, 5.0
CHANGES_PER_S = 20
DEAD, SLOW, FLAPPING = "P000", "P001", "P002"
PLANTS = ("all sound", "one dead, one slow, one flapping")
CPU_SHARE_MAX = 25.0  # percent of a core
SCATTERED_TAGS = 3_500
POLLS = 20


def main() -> None:
    """Run the part that the command line names; without one, the whole benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each plant (3)")
    parser.add_argument("--ticks", type=int, default=30, help="ticks to measure in each round (30)")
    parser.add_argument("part", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part[:1] == ["plcs"]:
        asyncio.run(serve_plcs(options.part[1] == PLANTS[1]))
    elif options.part[:1] == ["cpu"]:
        asyncio.run(serve_one(json.loads(options.part[1])))
    else:
        measure(options.rounds, options.ticks)


def measure(round_count: int, ticks: int) -> None:
    """Measure both; print and write what came out."""
    priority = come_first()
    rounds: dict[str, list[dict[str, float]]] = {plant: [] for plant in PLANTS}
    for turn, plant in ((turn, plant) for turn in range(round_count) for plant in PLANTS):
        print(f"round {turn + 1} of {round_count}: {plant} ...", file=sys.stderr, flush=True)
        rounds[plant].append(play(plant, ticks))
    print(f"{SCATTERED_TAGS:,} scattered tags ...", file=sys.stderr, flush=True)
    plans = [plan_of(shape, coding) for shape in SHAPES for coding in Coding]
    about = describe("python -m bench.plant", priority, ("uvloop", "msgspec"))
    about["load"] = (
        f"{LINES * PLCS_PER_LINE} PLCs of {2 * MACHINES_PER_PLC} tags at one poll a second, "
        f"{LINES} screens; {round_count} rounds of {ticks} ticks for each plant, in turns"
    )
    text = report(rounds, plans, about)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "plant.md").write_text(text, encoding="utf-8")
    record = {"about": about, "rounds": rounds, "plans": plans}
    (RESULTS / "plant.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    reads = plan_reads(tags_of("anywhere", Coding.BINARY), Family.Q, Coding.BINARY)
    (RESULTS / "plant-plan.txt").write_text(plan_text(reads), encoding="utf-8")


def report(
    rounds: dict[str, list[dict[str, float]]],
    plans: Sequence[dict[str, Any]],
    about: dict[str, str],
) -> str:
    """Return both tables: medians over the rounds, with the lowest and the highest."""
    columns = {
        "cpu_percent": ("CPU, % of a core", 1),
        "age_p50_ms": ("age p50, ms", 0),
        "age_p95_ms": ("age p95, ms", 0),
        "delivery_p50_ms": ("tick to screen p50, ms", 1),
        "delivery_p99_ms": ("p99, ms", 1),
        "ticks_missed": ("ticks missed", 0),
        "unseen": ("machines shown disconnected", 0),
        "faults": ("failed polls", 0),
        "late": ("late polls", 0),
    }
    lines = [
        "# A plant's size",
        "",
        "Written by `python -m bench.plant`. Medians of the rounds (lowest to highest).",
        "",
        table_of(about),
        "",
        f"## {LINES * PLCS_PER_LINE} PLCs in one process",
        "",
        "CPU is that of the whole server. All other figures are those of the PLCs that are sound, "
        "in both rows the same "
        f"{LINES * PLCS_PER_LINE - 3}; of the other three nothing is counted.",
        "",
        "| plant | " + " | ".join(words for words, _ in columns.values()) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for plant, each in rounds.items():
        cells = [spread(each, key, digits) for key, (_, digits) in columns.items()]
        lines.append(f"| {plant} | " + " | ".join(cells) + " |")
    share = max(statistics.median(one["cpu_percent"] for one in each) for each in rounds.values())
    verdict = "reached" if share < CPU_SHARE_MAX else "**not reached**"
    lines += ["", f"Below {CPU_SHARE_MAX:.0f} % of a core: {share:.1f} %, {verdict}.", ""]
    lines += [
        f"## {SCATTERED_TAGS:,} tags of one Q CPU",
        "",
        "As few as allowed: a lower bound, computed apart from the planner. Poll: over a socket of "
        "this machine, to a simulator that answers at once; what a real CPU takes comes on top for "
        "each request.",
        "",
        "| tags lie | coding | requests | as few as allowed | 0401 | 0403 | words | "
        "CPU to plan, ms | poll p50, ms | CPU per poll, ms |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {SHAPES[plan['shape']]} | {plan['coding']} | {plan['requests']} | {plan['bound']} "
        f"| {plan['batch_reads']} | {plan['random_reads']} | {plan['words']:,} "
        f"| {plan['plan_ms']:.0f} | {plan['poll_ms']:.1f} | {plan['poll_cpu_ms']:.1f} |"
        for plan in plans
    ]
    lines += ["", "The plan of the last but one, request by request: `plant-plan.txt`."]
    return "\n".join([*lines, ""])


# The hundred PLCs.


def plc_ids() -> list[str]:
    """Return the ids of all PLCs, in the order of their lines."""
    return [f"P{number:03d}" for number in range(LINES * PLCS_PER_LINE)]


def config_text(ports: dict[str, int]) -> str:
    """Return a lineside.toml for the simulated PLCs: bits of M, and bits in words of D."""
    parts = [f'[[line]]\nid = "line{n}"\nname = "Line {n}"\n' for n in range(LINES)]
    for number, (plc_id, port) in enumerate(ports.items()):
        parts.append(
            f'[[plc]]\nid = "{plc_id}"\nhost = "127.0.0.1"\nport = {port}\nfamily = "Q"\n'
            f'period = "1s"\ntimeout = "1s"\n'
        )
        for machine in range(MACHINES_PER_PLC):
            status, error = addresses_of(machine)
            parts.append(
                f'[[equipment]]\ncode = "KRP{number:03d}BENCHM{machine:02d}"\n'
                f'name = "{plc_id} machine {machine}"\nline = "line{number // PLCS_PER_LINE}"\n'
                f'plc = "{plc_id}"\nstatus_tag = "{status}"\nerror_tag = "{error}"\n'
            )
    return "\n".join(parts)


def addresses_of(machine: int) -> tuple[str, str]:
    """Return the status tag and the error tag of a machine of any PLC."""
    if machine % 2:
        return f"M{100 + machine}", f"M{2_000 + machine}"
    return f"D{100 + machine}.0", f"D{100 + machine}.1"


def play(plant: str, ticks: int) -> dict[str, float]:
    """Return what one round of one plant shows."""
    with tempfile.TemporaryDirectory() as folder, started(MODULE, "plcs", plant) as (_, ports):
        config = Path(folder) / "lineside.toml"
        config.write_text(config_text(json.loads(ports)), encoding="utf-8")
        with Server("--config", str(config)) as server:
            return asyncio.run(listen(server, ticks))


async def listen(server: Server, ticks: int) -> dict[str, float]:
    """Return what the screens of all lines see in a window of `ticks`, and what it costs."""
    warm_up = 10
    async with contextlib.AsyncExitStack() as stack:
        screens = [
            await stack.enter_async_context(
                connect(f"{server.ws_address}/line{n}", compression=None, proxy=None)
            )
            for n in range(LINES)
        ]
        for screen in screens:
            await screen.recv()
        before: dict[str, float] = {}
        heard = [Heard() for _ in screens]

        async def follow(screen: ClientConnection, into: Heard) -> None:
            for number in range(warm_up + ticks):
                message = await asyncio.wait_for(screen.recv(), 10.0)
                if number == warm_up and not before:
                    before["cpu_s"] = process_cpu_s(server.pid)
                    before["at_s"] = time.monotonic()
                    before.update(await asyncio.to_thread(health, server.address))
                if number >= warm_up:
                    into.messages.append((message, time.time()))

        await asyncio.gather(*map(follow, screens, heard))
        cpu_s = process_cpu_s(server.pid) - before["cpu_s"]
        window_s = time.monotonic() - before["at_s"]
    for each in heard:
        each.judge()
    codes = {code for each in heard for code in each.codes}
    if len(codes) != LINES * PLCS_PER_LINE * MACHINES_PER_PLC:
        raise SystemExit(f"the screens heard of {len(codes)} machines, not of all")
    after = health(server.address)
    ages = [age for each in heard for age in each.ages_ms]
    delays = [delay for each in heard for delay in each.delays_ms]
    return {
        "cpu_percent": 100 * cpu_s / window_s,
        "age_p50_ms": quantile(ages, 0.5),
        "age_p95_ms": quantile(ages, 0.95),
        "delivery_p50_ms": quantile(delays, 0.5),
        "delivery_p99_ms": quantile(delays, 0.99),
        "ticks_missed": sum(each.ticks_missed for each in heard),
        "unseen": sum(each.unseen for each in heard),
        "faults": after["faults"] - before["faults"],
        "late": after["late"] - before["late"],
    }


class Heard:
    """What one screen hears of the PLCs that are sound. `judge` comes last: it takes its time."""

    def __init__(self) -> None:
        self.messages: list[tuple[str | bytes, float]] = []  # each with its arrival, Unix seconds
        self.ages_ms: list[float] = []
        self.delays_ms: list[float] = []
        self.codes: set[str] = set()
        self.unseen = 0
        self.ticks_missed = 0
        self._last_s = 0

    def judge(self) -> None:
        """Look at all messages."""
        for message, arrived_s in self.messages:
            self._take(message, arrived_s)

    def _take(self, message: str | bytes, arrived_s: float) -> None:
        tick = json.loads(message)
        second_s = int(_unix_s(tick["timestamp"]) + 0.05)  # ticks sit on whole seconds
        self.delays_ms.append((arrived_s - second_s) * 1000)
        if self._last_s:
            self.ticks_missed += second_s - self._last_s - 1
        self._last_s = second_s
        self.codes |= {machine["equipment_code"] for machine in tick["equipment"]}
        for machine in tick["equipment"]:
            if f"P{machine['equipment_code'][3:6]}" in (DEAD, SLOW, FLAPPING):
                continue
            self.unseen += machine["status"] == "disconnected"
            self.ages_ms.append((arrived_s - _unix_s(machine["last_updated"])) * 1000)


def _unix_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def health(address: str) -> dict[str, float]:
    """Return how many polls of sound PLCs have failed, and how many answers came too late."""
    with urllib.request.urlopen(f"{address}/api/plcs") as answer:  # noqa: S310 -- our own server
        plcs = json.load(answer)["plcs"]
    sound = [plc for plc in plcs if plc["id"] not in (DEAD, SLOW, FLAPPING)]
    return {
        "faults": sum(plc["fault_count"] for plc in sound),
        "late": sum(plc["late_poll_count"] for plc in sound),
    }


async def serve_plcs(has_troubles: bool) -> None:
    """Serve the simulated PLCs until ended; print their ports."""
    async with contextlib.AsyncExitStack() as stack:
        plcs = {plc_id: await stack.enter_async_context(MelsecSimulator()) for plc_id in plc_ids()}
        for simulator in plcs.values():
            simulator.fault = Fault(kind=FaultKind.DELAY, delay_s=ANSWER_S, jitter_s=JITTER_S)
        print(json.dumps({plc_id: simulator.port for plc_id, simulator in plcs.items()}))
        async with asyncio.TaskGroup() as group:
            group.create_task(change(list(plcs.values())))
            if has_troubles:
                plcs[DEAD].fault = Fault(kind=FaultKind.HANG)
                plcs[SLOW].fault = Fault(
                    kind=FaultKind.DELAY, delay_s=LATE_S, jitter_s=LATE_JITTER_S
                )
                group.create_task(flap(plcs[FLAPPING]))


async def change(plcs: Sequence[MelsecSimulator]) -> None:
    """Start and stop some machines each second, anywhere."""
    chance = random.Random(1)  # noqa: S311
    while True:
        for _ in range(CHANGES_PER_S):
            status, _ = addresses_of(chance.randrange(MACHINES_PER_PLC))
            chance.choice(plcs).set_bit(status, chance.random() < 0.5)
        await asyncio.sleep(1.0)


async def flap(plc: MelsecSimulator) -> None:
    """Let a PLC go and come back for ever."""
    while True:
        await asyncio.sleep(BACK_S)
        await plc.go_silent()
        await asyncio.sleep(GONE_S)
        await plc.come_back()


# The scattered tags.


def tags_of(shape: str, coding: Coding) -> list[TagAddress]:
    """Return the tags that lie so."""
    addresses = scattered(shape, SCATTERED_TAGS, random.Random(1))  # noqa: S311
    return [parse_address(address, Family.Q, coding) for address in addresses]


def plan_of(shape: str, coding: Coding) -> dict[str, Any]:
    """Return how the tags are read, and how few requests there can be."""
    tags = tags_of(shape, coding)
    begun_s = time.process_time()
    reads = plan_reads(tags, Family.Q, coding)
    plan_s = time.process_time() - begun_s
    words: dict[str, list[int]] = {}
    for tag in tags:
        span = range(tag.first_word, tag.first_word + tag.value_type.word_count)
        words.setdefault(tag.device.name, []).extend(span)
    limits = limits_of(Family.Q, coding)
    random_count = sum(isinstance(read.command, ReadRandom) for read in reads)
    plan = {
        "shape": shape,
        "coding": coding.value,
        "requests": len(reads),
        "bound": fewest_requests(words, limits.words, limits.random_points),
        "batch_reads": len(reads) - random_count,
        "random_reads": random_count,
        "words": sum(read.word_count for read in reads),
        "plan_ms": plan_s * 1000,
    }
    values = {tag.canonical: _value_of(number, tag) for number, tag in enumerate(tags)}
    setting = json.dumps({"coding": coding.value, "values": values})
    return plan | asyncio.run(poll(setting))


def _value_of(number: int, tag: TagAddress) -> int:
    return number % 3 % 2 if tag.value_type is ValueType.BIT else number * 7 % 30_000


def plan_text(reads: Sequence[PlannedRead]) -> str:
    """Return a plan, a request a line."""
    requests = [read.describe() for read in reads]
    return "".join(
        f"{number}. {len(each.addresses)} tags in {each.word_count} words: {each.summary}\n"
        for number, each in enumerate(requests, start=1)
    )


async def poll(setting: str) -> dict[str, float]:
    """Return how long a poll of the tags takes, over a socket to a process of its own.

    Raises:
        SystemExit: a value was not the one in the PLC's memory, or a poll took more requests.
    """
    wanted = json.loads(setting)
    expected: dict[str, Scalar] = wanted["values"]
    with started(MODULE, "cpu", setting) as (_, port):
        plc = PlcConfig(
            id="P", host="127.0.0.1", port=int(port), family=Family.Q, code=wanted["coding"]
        )
        driver = MelsecDriver(plc, list(expected), system_clock)
        await driver.open()
        took_ms: list[float] = []
        begun_s = time.process_time()
        for _ in range(POLLS):
            reading = await driver.read()
            took_ms.append(reading.latency_s * 1000)
            if {name: tag.value for name, tag in reading.tags.items()} != expected:
                raise SystemExit("a poll returned a value that is not in the PLC's memory")
        cpu_ms = (time.process_time() - begun_s) * 1000 / POLLS
        await driver.close()
    return {"poll_ms": statistics.median(took_ms), "poll_cpu_ms": cpu_ms}


async def serve_one(setting: dict[str, Any]) -> None:
    """Serve one simulated PLC whose memory holds the values; print its port."""
    async with MelsecSimulator(code=setting["coding"]) as simulator:
        for address, value in setting["values"].items():
            simulator.set_word(address, value)
        print(simulator.port)
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
