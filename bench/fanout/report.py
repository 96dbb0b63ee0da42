"""Rounds as a table for people, verdicts against the figures to reach, and a plot. No I/O."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from bench.fanout.load import Round
from bench.fanout.stacks import DEMO
from bench.parts import quantile

FLOOR, NCHAN, TUTORIAL, OURS = "C floor", "nginx nchan", "FastAPI tutorial", "lineside"


def of(rounds: Iterable[Round], stack: str, clients: int) -> list[Round]:
    """Return the rounds of one stack with so many clients."""
    return [each for each in rounds if each.stack == stack and each.clients == clients]


def middle(rounds: Sequence[Round], read: Callable[[Round], float]) -> float | None:
    """Return the median of one figure; None without rounds."""
    return statistics.median(map(read, rounds)) if rounds else None


def last_ms(rounds: Iterable[Round], share: float) -> float:
    """Return a quantile, over all ticks, of the time from tick to last client."""
    return quantile((each for one in rounds for each in one.last_ms), share)


def table(rounds: Sequence[Round], clients: int, stacks: Sequence[str]) -> str:
    """Return the table for one number of clients."""
    lines = [
        "| server | CPU per delivery, µs | of the floor | tick to last client p50 / p99, ms "
        "| delivery p99, ms | not delivered | period, s | KB per client | CPU per accept, µs "
        "| all connected, s | bytes |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    floor = middle(of(rounds, FLOOR, clients), lambda each: each.cpu_us_per_message)
    for stack in stacks:
        each = of(rounds, stack, clients)
        if not each:
            continue
        cpu_us = middle(each, lambda one: one.cpu_us_per_message) or 0.0
        messages = sum(one.messages for one in each)
        missed = sum(one.missed for one in each)
        periods = [period for one in each for period in one.periods_s]
        lines.append(
            f"| {stack} | {cpu_us:.1f} ({_range(each, lambda one: one.cpu_us_per_message, 1)}) "
            f"| {f'{cpu_us / floor:.2f}' if floor else ''} "
            f"| {last_ms(each, 0.5):.1f} / {last_ms(each, 0.99):.1f} "
            f"| {_median(each, lambda one: one.p99_ms, 1)} "
            f"| {'0' if missed <= 0 else f'{missed / (missed + messages):.0%}'} "
            f"| {quantile(periods, 0.5):.3f} "
            f"| {_median(each, lambda one: one.bytes_per_client / 1024, 1)} "
            f"| {_median(each, lambda one: one.accept_us, 0)} "
            f"| {_median(each, lambda one: one.connect_s, 2)} "
            f"| {_median(each, lambda one: one.message_bytes, 0)} |"
        )
    return "\n".join(lines)


def verdicts(rounds: Sequence[Round]) -> list[tuple[str, str, bool]]:
    """Return each figure to reach, what was measured, and whether it is reached."""
    found: list[tuple[str, str, bool]] = []

    def ratio(clients: int, other: str, limit: float, words: str) -> None:
        ours = middle(of(rounds, OURS, clients), lambda each: each.cpu_us_per_message)
        theirs = middle(of(rounds, other, clients), lambda each: each.cpu_us_per_message)
        if ours and theirs:
            value = ours / theirs
            found.append(
                (f"CPU per delivery at {clients:,}: {words}", f"{value:.2f}", value <= limit)
            )

    for clients in (5_000, 10_000):
        ratio(clients, FLOOR, 1.25, "at most 1.25 of the C floor")
        ratio(clients, NCHAN, 1.0, "at most 1.0 of nchan")
        ratio(clients, TUTORIAL, 0.1, "at most 0.1 of the tutorial loop")
    for clients, limit_ms in ((50, 5.0), (1_000, 25.0)):
        if each := of(rounds, OURS, clients):
            value = last_ms(each, 0.5)
            words = f"tick to last client at {clients:,}, median: at most {limit_ms:.0f} ms"
            measured = f"{value:.1f} ms (p99 {last_ms(each, 0.99):.1f})"
            found.append((words, measured, value <= limit_ms))
    if each := of(rounds, OURS, 5_000):
        value = middle(each, lambda one: one.p99_ms) or 0.0
        found.append(("delivery p99 at 5,000: below 100 ms", f"{value:.1f} ms", value < 100))
    ours, floor = of(rounds, OURS, 10_000), of(rounds, FLOOR, 10_000)
    if ours and floor:
        value = last_ms(ours, 0.5) / last_ms(floor, 0.5)
        words = "tick to last client at 10,000, medians: at most 1.25 of the C floor"
        found.append((words, f"{value:.2f}", value <= 1.25))
    if mine := [each for each in rounds if each.stack == OURS]:
        # A message heard twice would make up for one missed: each is counted by itself.
        missed = sum(each.missed + each.duplicates for each in mine)
        doubles = sum(each.duplicates for each in mine)
        words = "missed ticks at every N: none, and none twice"
        found.append((words, f"{missed} and {doubles}", missed == 0 == doubles))
        periods = [one for each in mine for one in each.periods_s]
        middle_s, far_s = quantile(periods, 0.5), max(periods, key=lambda one: abs(one - 1))
        measured = f"{middle_s:.3f} s (farthest from it {far_s:.3f})"
        found.append(("real period: 1.000 s", measured, abs(middle_s - 1) < 0.0005))
    found += _of_connections(ours)
    for stack, words in ((OURS, "in a process of its own"), (DEMO, "in the same process")):
        if each := of(rounds, stack, 50):
            share = middle(each, lambda one: one.cpu_s / one.seconds * 100) or 0.0
            words = f"50 clients and the demo plant, {words}: below 1 % of a core"
            found.append((words, f"{share:.2f} %", share < 1))
    return found


def _of_connections(ours: Sequence[Round]) -> list[tuple[str, str, bool]]:
    if not ours:
        return []
    accept_us = middle(ours, lambda each: each.accept_us) or 0.0
    connect_s = middle(ours, lambda each: each.connect_s) or 0.0
    client_kb = (middle(ours, lambda each: each.bytes_per_client) or 0.0) / 1024
    pause_ms = max(each.gc_pause_ms or 0.0 for each in ours)
    found = [
        ("accepting: at most 300 µs of CPU each", f"{accept_us:.0f} µs", accept_us <= 300),
        ("10,000 connected: in at most 4 s", f"{connect_s:.2f} s", connect_s <= 4),
        ("memory at 10,000: at most 20 KB per client", f"{client_kb:.1f} KB", client_kb <= 20),
        ("garbage collection: no pause above 5 ms", f"{pause_ms:.1f} ms", pause_ms <= 5),
    ]
    watched = [each.watchers for each in ours if each.watchers is not None]
    if watched:
        missed = sum(each["missed"] for each in watched)
        worst_ms = max(each["max_ms"] for each in watched)
        words = "50 clients while 10,000 connect: miss nothing"
        found.append((words, f"{missed:.0f} missed, worst delay {worst_ms:.0f} ms", missed == 0))
    return found


def _median(rounds: Sequence[Round], read: Callable[[Round], float], digits: int) -> str:
    return f"{middle(rounds, read) or 0.0:.{digits}f}"


def _range(rounds: Sequence[Round], read: Callable[[Round], float], digits: int) -> str:
    values = [read(each) for each in rounds]
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"
