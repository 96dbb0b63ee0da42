"""Draws `fanout.svg` from `fanout.json`: CPU per delivery and time to the last client, by N."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

OURS, FLOOR = "#0072b2", "#222222"  # Okabe and Ito's palette, which the colour-blind can read
OTHERS = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c6d31", "#7f7f7f")


def main(folder: Path) -> None:
    """Read the rounds and write the picture."""
    rounds: list[dict[str, Any]] = json.loads((folder / "fanout.json").read_text("utf-8"))
    mpl.rcParams.update(
        {
            "svg.hashsalt": "fanout",
            "font.size": 11,
            "font.family": "sans-serif",
            "svg.fonttype": "none",
        }
    )
    figure, (cpu, last) = plt.subplots(1, 2, figsize=(12, 5.2), layout="constrained")
    stacks = list(dict.fromkeys(each["stack"] for each in rounds))
    others = iter(OTHERS)
    for stack in stacks:
        mine = [each for each in rounds if each["stack"] == stack]
        counts = sorted({each["clients"] for each in mine})
        colour = (
            OURS if stack.startswith("lineside") else FLOOR if stack == "C floor" else next(others)
        )
        style: dict[str, Any] = {
            "color": colour,
            "marker": "o",
            "label": stack,
            "linewidth": 2.6 if stack == "lineside" else 1.6,
            "linestyle": ":" if "deflate" in stack else "--" if stack == "C floor" else "-",
            "zorder": 5 if stack == "lineside" else 3,
        }
        cpu.plot(counts, [_cpu_us(mine, count) for count in counts], **style)
        last.plot(counts, [_last_ms(mine, count) for count in counts], **style)
    for axes, title in (
        (cpu, "Server CPU per delivered message, µs"),
        (last, "Tick to last client, median, ms"),
    ):
        axes.set(xscale="log", yscale="log", xlabel="clients", title=title)
        axes.set_xticks([50, 1_000, 5_000, 10_000], ["50", "1,000", "5,000", "10,000"])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = cpu.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    figure.savefig(folder / "fanout.svg", metadata={"Date": None})


def _cpu_us(rounds: list[dict[str, Any]], count: int) -> float:
    mine = [each for each in rounds if each["clients"] == count]
    return float(statistics.median(each["cpu_s"] / max(1, each["messages"]) * 1e6 for each in mine))


def _last_ms(rounds: list[dict[str, Any]], count: int) -> float:
    ticks = [tick for each in rounds if each["clients"] == count for tick in each["last_ms"]]
    return statistics.median(ticks) if ticks else float("nan")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
