"""The report of `bench.page`: its tables, and the size of what the page loads first."""

from __future__ import annotations

import gzip
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.machine import table_of

import lineside.web

STATIC = Path(lineside.web.__file__).parent / "static"
SCRIPTS = r'<(?:script|link rel="modulepreload")[^>]*(?:src|href)="(/[^"]+)"'

Figures = Mapping[str, float]

#: Key, title and decimals of each figure of a round.
COUNTED = (
    ("commits", "React commits per tick", 2),
    ("counting", "boxes that show another time or more, per tick", 0),
    ("rendered", "boxes rendered per tick", 1),
    ("rendered_unchanged", "boxes rendered that show nothing new, per tick", 1),
    ("late_ticks", "ticks left out, since the next was late", 0),
)
TIMED = (
    ("scripting_ms", "scripting per tick, ms", 1),
    ("layout_ms", "style and layout per tick, ms", 1),
    ("painting_ms", "painting per tick, ms", 1),
    ("busy_ms", "main thread busy per tick, all in all, ms", 1),
    ("frame_p50_ms", "frame p50, ms", 1),
    ("frame_p95_ms", "frame p95, ms", 1),
    ("frame_p99_ms", "frame p99, ms", 1),
    ("longest_task_ms", "longest task, ms", 0),
    ("nodes", "DOM nodes", 0),
)


def report(
    rounds: Mapping[int, Sequence[Figures]],
    hours: Mapping[int, Sequence[Figures]],
    about: Mapping[str, str],
) -> str:
    """Return the report: medians over the rounds, with the lowest and the highest."""
    sizes = list(rounds)
    head = "| |" + "".join(f" {size} machines |" for size in sizes)
    rule = "|---|" + "---:|" * len(sizes)
    lines = [
        "# The page under load",
        "",
        "Written by `python -m bench.page`. Medians of the rounds (lowest to highest). A frame is "
        "what the main thread does for it, style to commit; every figure in ms was traced, which "
        "costs time itself.",
        "",
        table_of(about),
        "",
        "## What a tick renders",
        "",
        head,
        rule,
        *(row(rounds, *figure) for figure in COUNTED),
        "",
        "## What a tick costs",
        "",
        head,
        rule,
        *(row(rounds, *figure) for figure in TIMED),
        "",
    ]
    if any(hours.values()):
        lines += hours_table(hours, head, rule)
    lines += [
        "## What is loaded first",
        "",
        f"{initial_js_bytes() / 1_000:.1f} KB of scripts, gzipped.",
        "",
    ]
    return "\n".join(lines)


def row(rounds: Mapping[int, Sequence[Figures]], key: str, title: str, decimals: int) -> str:
    """Return one figure of every size as a row."""
    cells = []
    for each in rounds.values():
        values = [figures[key] for figures in each]
        middle, low, high = statistics.median(values), min(values), max(values)
        cells.append(f"{middle:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})")
    return f"| {title} | {' | '.join(cells)} |"


def hours_table(hours: Mapping[int, Sequence[Figures]], head: str, rule: str) -> list[str]:
    """Return what the page held at each hour."""
    count = max(len(held) for held in hours.values())
    lines = [
        "## What it holds over hurried hours",
        "",
        "Heap in MB after garbage collection, and DOM nodes. 3,600 ticks are an hour; the plant "
        "lives faster, up to a hundredfold, and the strips fill with its history. The 500 machines "
        "were shown at 1024x600, so that drawing does not take longer than the ticks.",
        "",
        head,
        rule,
    ]
    for hour in range(count):
        cells = [
            f"{held[hour]['heap_mb']:.1f}, {held[hour]['nodes']:.0f}" if hour < len(held) else ""
            for held in hours.values()
        ]
        lines.append(f"| {'start' if hour == 0 else f'hour {hour}'} | {' | '.join(cells)} |")
    return [*lines, ""]


def initial_js_bytes() -> int:
    """Return the gzipped size of the scripts that the page loads before it shows anything."""
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    files = [STATIC / name.removeprefix("/") for name in re.findall(SCRIPTS, index)]
    return sum(len(gzip.compress(file.read_bytes())) for file in files)
