"""`lineside probe FILE`: reads every tag of a config once, from the PLCs themselves.

It shows what came back, or why nothing did and what to do about it. It reads like the server does,
with the same drivers, and keeps nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lineside.cli.configs import EXIT_BAD_CONFIG, print_problems
from lineside.cli.loop import run_until_stopped
from lineside.clock import system_clock
from lineside.config import LoadedConfig, load_config
from lineside.config.schema import PlcConfig
from lineside.core.contacts import read_address, tag_value
from lineside.core.errors import ConfigError, DriverError
from lineside.core.model import CpuState, Quality, Reading, TagValue
from lineside.drivers import DRIVERS

EXIT_ALL_GOOD = 0
EXIT_SOME_BAD = 1
_EXCHANGES_TO_OPEN = 2  # connecting, and proving that somebody answers

_QUALITY_STYLE = {Quality.GOOD: "green", Quality.UNCERTAIN: "yellow", Quality.BAD: "bold red"}


class TagUse(msgspec.Struct, frozen=True, kw_only=True):
    """One use of an address: whose tag it is. `code` is None for the PLC's heartbeat."""

    tag: str
    address: str
    code: str | None = None
    name: str = ""


class PlcProbe(msgspec.Struct, frozen=True, kw_only=True):
    """What one PLC answered: a reading, or the error in its place."""

    plc: PlcConfig
    uses: tuple[TagUse, ...]
    reading: Reading | None = None
    error: DriverError | None = None

    @property
    def is_good(self) -> bool:
        """Whether every tag was read with good quality."""
        if self.reading is None:
            return False
        return all(tag.quality is Quality.GOOD for tag in self.reading.tags.values())


@click.command("probe", short_help="Read every tag once from the real PLCs.")
@click.argument("file", type=click.Path(path_type=Path), default=Path("lineside.toml"))
@click.option("--plc", "plc_ids", metavar="ID", multiple=True, help="This PLC only (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for scripts.")
def probe(file: Path, plc_ids: tuple[str, ...], as_json: bool) -> None:
    """Read every tag of FILE once, from all PLCs at the same time, and print what came back.

    Only reads. A PLC that cannot be read is shown with its exact error, the likely cause and what
    to do. Exits with 0 when every tag is good, with 1 when any is not, with 2 when FILE has
    mistakes.

    \b
    Examples:
      lineside probe                          reads lineside.toml in this folder
      lineside probe plant.toml --plc PLC02
      lineside probe --json | jq '.plcs[] | select(.is_good | not)'
    """
    try:
        loaded = load_config(file, DRIVERS)
    except ConfigError as error:
        print_problems(Console(stderr=True), error.problems)
        raise SystemExit(EXIT_BAD_CONFIG) from None
    known = [plc.id for plc in loaded.config.plc]
    for plc_id in plc_ids:
        if plc_id not in known:
            hint = f"there is no PLC {plc_id}; there is {', '.join(known) or 'none'}"
            raise click.BadParameter(hint, param_hint="--plc")
    chosen = [p for p in loaded.config.plc if p.id in (plc_ids or known)]
    raise SystemExit(run_until_stopped(_probe(loaded, chosen, as_json)))


async def _probe(loaded: LoadedConfig, plcs: list[PlcConfig], as_json: bool) -> int:
    """Probe `plcs` together, print what they said, and return the exit code."""
    progress = Console(stderr=True)
    done = 0

    with progress.status(_progress(0, plcs)) as status:

        def count() -> None:
            nonlocal done
            done += 1
            status.update(_progress(done, plcs))

        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_probe_plc(loaded, plc, count)) for plc in plcs]
    probes = [task.result() for task in running]
    if as_json:
        click.echo(json.dumps(_as_json(probes), indent=2, ensure_ascii=False))
    else:
        _print(probes)
    return EXIT_ALL_GOOD if all(p.is_good or not p.uses for p in probes) else EXIT_SOME_BAD


async def _probe_plc(loaded: LoadedConfig, plc: PlcConfig, count: Callable[[], None]) -> PlcProbe:
    """Read every tag of one PLC once."""
    uses = tag_uses(loaded, plc)
    plan = loaded.plans.get(plc.id)
    if plan is None:
        count()
        return PlcProbe(plc=plc, uses=uses)
    driver = DRIVERS[plc.driver].create(plc, loaded.addresses[plc.id], system_clock)
    reading, error = None, None
    try:
        # The driver has its own time limit per exchange; this one only bounds the sum of them.
        async with asyncio.timeout(plc.timeout * (_EXCHANGES_TO_OPEN + len(plan.requests)) + 1.0):
            await driver.open()
            reading = await driver.read()
    except DriverError as driver_error:
        error = driver_error
    except TimeoutError:
        error = DriverError(
            f"answers too slowly: {len(plan.requests)} requests were not done in time",
            cause="give the PLC a longer timeout, or read fewer tags from it",
        )
    finally:
        await driver.close()
        count()
    return PlcProbe(plc=plc, uses=uses, reading=reading, error=error)


def tag_uses(loaded: LoadedConfig, plc: PlcConfig) -> tuple[TagUse, ...]:
    """Return every tag of `plc` in configured order, heartbeat first. An address may come twice."""
    uses = []
    if plc.heartbeat is not None:
        uses.append(TagUse(tag="heartbeat", address=plc.heartbeat))
    for line in loaded.site.lines:
        for equipment in line.equipment:
            if equipment.plc_id != plc.id:
                continue
            for role, address in equipment.addresses.items():
                use = TagUse(
                    tag=role.value, address=address, code=equipment.code, name=equipment.name
                )
                uses.append(use)
    return tuple(uses)


def _print(probes: list[PlcProbe]) -> None:
    console = Console(highlight=False)
    for probed in probes:
        _print_head(console, probed)
        if probed.reading is not None:
            console.print(_tag_table(probed.uses, probed.reading))
            _print_reasons(console, probed.uses, probed.reading)
        elif probed.error is not None:
            _print_error(console, probed.error)
        console.print()
    _print_verdict(console, probes)


def _print_head(console: Console, probed: PlcProbe) -> None:
    plc, reading = probed.plc, probed.reading
    mark = Text("✓ ", style="green") if probed.is_good else Text("✗ ", style="bold red")
    if not probed.uses:
        mark = Text("- ", style="dim")
    head = mark.append(plc.id, style="bold default").append(f"  {plc.endpoint}", style="cyan")
    console.print(head, soft_wrap=True)
    if reading is not None:
        requests = f"{reading.request_count} request{'s' if reading.request_count != 1 else ''}"
        facts = Text(f"  CPU {reading.cpu_state.upper()}, {requests} in ", style="dim")
        console.print(facts.append(f"{reading.latency_s * 1000:.1f} ms", style="bold default"))
    elif not probed.uses:
        console.print(Text("  nothing is read from it", style="dim"))
    if reading is not None and reading.cpu_state in {CpuState.STOP, CpuState.PAUSE}:
        console.print(Text("  → its program does not run: the data stands still", style="yellow"))
    if reading is not None and reading.remark:
        console.print(Text(f"  → {reading.remark}", style="yellow"), soft_wrap=True)


def _tag_table(uses: tuple[TagUse, ...], reading: Reading) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    table.add_column("tag", no_wrap=True)
    table.add_column("address", no_wrap=True)
    table.add_column("equipment")  # alone gives way on a narrow terminal
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("quality", no_wrap=True)
    table.add_column("latency", justify="right", no_wrap=True)
    latency = f"{reading.latency_s * 1000:.1f} ms"
    for use in uses:
        value = _value(use, reading)
        quality = Text(value.quality.value, style=_QUALITY_STYLE[value.quality])
        shown = "-" if value.value is None else str(value.value)
        equipment = Text(f"{use.code} {use.name}" if use.code else "")
        table.add_row(use.tag, use.address, equipment, shown, quality, latency)
    return table


def _value(use: TagUse, reading: Reading) -> TagValue:
    return tag_value(use.address, reading.tags[read_address(use.address)])


def _print_reasons(console: Console, uses: tuple[TagUse, ...], reading: Reading) -> None:
    """Print each reason for a doubtful value once, with the addresses that it concerns."""
    reasons: dict[str, list[str]] = {}
    for address in dict.fromkeys(use.address for use in uses):
        if reason := reading.tags[read_address(address)].reason:
            reasons.setdefault(reason, []).append(address)
    for reason, addresses in reasons.items():
        which = "all tags" if len(addresses) == len(reading.tags) else " ".join(addresses)
        note = Text("  ! ", style="yellow").append(f"{which}: {reason}", "default")
        console.print(note)


def _print_error(console: Console, error: DriverError) -> None:
    console.print(Text(f"  {error.message}{_end_code(error)}", style="red"), soft_wrap=True)
    if error.cause:
        console.print(Text("  → ", style="green").append(error.cause, style="default"))


def _end_code(error: DriverError) -> str:
    if error.end_code is None or f"{error.end_code:04X}" in error.message.upper():
        return ""
    return f" (end code {error.end_code:04X})"


def _print_verdict(console: Console, probes: list[PlcProbe]) -> None:
    total = sum(len(probed.uses) for probed in probes)
    good = sum(
        value.quality is Quality.GOOD
        for probed in probes
        if probed.reading is not None
        for value in (_value(use, probed.reading) for use in probed.uses)
    )
    silent = [probed.plc.id for probed in probes if probed.error is not None]
    style = "green" if good == total else "bold red"
    verdict = Text(f"{good} of {total} tags are good", style=style)
    if silent:
        verdict.append(f"; no reading from {', '.join(silent)}", style=style)
    console.print(verdict, soft_wrap=True)


def _as_json(probes: list[PlcProbe]) -> dict[str, Any]:
    return {
        "is_good": all(probed.is_good or not probed.uses for probed in probes),
        "plcs": [_plc_json(probed) for probed in probes],
    }


def _plc_json(probed: PlcProbe) -> dict[str, Any]:
    reading, error = probed.reading, probed.error
    return {
        "id": probed.plc.id,
        "endpoint": probed.plc.endpoint,
        "is_good": probed.is_good,
        "cpu_state": reading.cpu_state.value if reading else None,
        "remark": reading.remark if reading else None,
        "latency_ms": round(reading.latency_s * 1000, 3) if reading else None,
        "request_count": reading.request_count if reading else None,
        "error": {
            "message": error.message,
            "cause": error.cause,
            "end_code": f"{error.end_code:04X}" if error.end_code is not None else None,
        }
        if error
        else None,
        "tags": [
            {
                "tag": use.tag,
                "address": use.address,
                "equipment_code": use.code,
                "value": _value(use, reading).value,
                "quality": _value(use, reading).quality.value,
                "reason": _value(use, reading).reason,
            }
            for use in probed.uses
        ]
        if reading
        else [],
    }


def _progress(done: int, plcs: list[PlcConfig]) -> str:
    return f"reading {len(plcs)} PLC{'s' if len(plcs) != 1 else ''}, {done} done"
