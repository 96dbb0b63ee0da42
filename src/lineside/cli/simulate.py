"""`lineside simulate FILE`: simulated PLCs for a config, so that it can be tried without hardware.

It listens where the config says that the PLCs are (or, with --loopback, on this computer), gives
the machines a believable life, and takes orders from standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from lineside.cli.configs import EXIT_BAD_CONFIG, print_problems
from lineside.cli.loop import run_until_stopped
from lineside.clock import system_clock
from lineside.config import LoadedConfig, load_config
from lineside.core.errors import ConfigError
from lineside.demo.commands import obey
from lineside.demo.loopback import LOOPBACK, is_loopback_copy, loopback_copy
from lineside.demo.plant import CannotServe, SimulatedPlant
from lineside.demo.toml_edit import EditRefused
from lineside.drivers import DRIVERS

_PENDING_LINES_MAX = 1000


@click.command("simulate", short_help="Serve simulated PLCs for a config.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--loopback",
    "loopback_path",
    metavar="OUT.toml",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Serve on 127.0.0.1 and write a copy of FILE that points there.",
)
@click.option("--only", metavar="PLC", multiple=True, help="Serve this PLC only (repeatable).")
@click.option("--seed", default=1, show_default=True, help="Another seed is another day.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0.1, max=100),
    default=1.0,
    show_default=True,
    help="How fast the plant's time passes.",
)
@click.option("--steady", is_flag=True, help="Every machine runs until you order otherwise.")
def simulate(
    file: Path,
    loopback_path: Path | None,
    only: tuple[str, ...],
    seed: int,
    speed: float,
    steady: bool,
) -> None:
    """Serve a simulated PLC for each [[plc]] in FILE, on the config's own hosts and ports.

    Point "lineside run --config FILE" at the same file and it reads them like real ones. A config
    with the addresses of real PLCs cannot be served as it is: --loopback writes a copy with
    127.0.0.1 and free ports, comments kept, and serves that.

    While it runs it takes orders, one a line: "PLC02 hang", "PLC02 ok", "KRCWO12ELOA101 fault",
    "help" lists them.

    \b
    Examples:
      lineside simulate lineside.toml --loopback trial.toml
      lineside run --config trial.toml
      lineside simulate trial.toml --only PLC02     one PLC, one process to kill
    """
    loaded = _load(file)
    unknown = [plc_id for plc_id in only if plc_id not in {plc.id for plc in loaded.config.plc}]
    if unknown:
        known = ", ".join(plc.id for plc in loaded.config.plc)
        raise click.BadParameter(f"there is no PLC {unknown[0]}: {known}", param_hint="--only")
    if not loaded.config.plc:
        raise click.ClickException(f"{file}: there is no [[plc]] to simulate")
    old_ports = _prepare_loopback(file, loopback_path) if loopback_path else {}
    plant = SimulatedPlant(
        loaded,
        clock=system_clock,
        seed=seed,
        speed=speed,
        only=only or None,
        host=LOOPBACK if loopback_path else None,
        ports=old_ports,
        is_any_port_good=loopback_path is not None,
        is_steady=steady,
    )
    code = run_until_stopped(_serve(plant, loaded, file, loopback_path))
    if code:
        raise SystemExit(code)


def _load(file: Path) -> LoadedConfig:
    try:
        return load_config(file, DRIVERS)
    except ConfigError as error:
        print_problems(Console(stderr=True), error.problems)
        raise SystemExit(EXIT_BAD_CONFIG) from None


def _prepare_loopback(file: Path, target: Path) -> Mapping[str, int]:
    """Return the ports that an earlier copy at `target` had; refuse to write over anything else."""
    if not target.exists():
        return {}
    if target.resolve() == file.resolve():
        raise click.BadParameter("would write over FILE itself", param_hint="--loopback")
    if not is_loopback_copy(target.read_text(encoding="utf-8", errors="replace")):
        raise click.BadParameter(
            f"{target} exists and was not written by this command: choose another name",
            param_hint="--loopback",
        )
    try:
        earlier = load_config(target, DRIVERS)
    except ConfigError:
        return {}
    return {plc.id: plc.port for plc in earlier.config.plc}


async def _serve(
    plant: SimulatedPlant, loaded: LoadedConfig, file: Path, target: Path | None
) -> int:
    try:
        async with plant:
            if target is not None:
                _write_loopback(plant, loaded, file, target)
            _print_start(plant, target or file, is_loopback=target is not None)
            async with asyncio.TaskGroup() as tasks:
                living = tasks.create_task(plant.run())
                async for line in _orders():
                    answer = await obey(plant, line)
                    if answer is None:
                        living.cancel()
                        return 0
                    if answer:
                        click.echo(answer)
                await living
    except CannotServe as error:
        click.echo(f"{error}\n  {_remedy(error, file)}", err=True)
        return 1
    return 0


def _write_loopback(plant: SimulatedPlant, loaded: LoadedConfig, file: Path, target: Path) -> None:
    ports = dict(plant.ports)
    for plc in loaded.config.plc:
        if plc.id not in ports:  # served by another process, later
            ports[plc.id] = _free_port()
    text = file.read_bytes().decode("utf-8-sig")
    try:
        copy = loopback_copy(text, loaded.config, ports, file, target)
    except EditRefused as error:
        raise click.ClickException(f"{file}: {error}") from error
    try:
        target.write_bytes(copy.encode("utf-8"))
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _print_start(plant: SimulatedPlant, config: Path, *, is_loopback: bool) -> None:
    machines: dict[str, int] = {}
    for equipment in plant.equipment:
        machines[equipment.plc_id or ""] = machines.get(equipment.plc_id or "", 0) + 1
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title in ("PLC", "Listens on", "Speaks"):
        table.add_column(title, no_wrap=True)
    table.add_column("Machines", justify="right")
    for plc in plant.plcs.values():
        host = plant.simulator(plc.id).host
        speaks = f"{plc.family} {plc.transport.upper()} {plc.frame} {plc.code}"
        endpoint = f"{host}:{plant.ports[plc.id]}"
        table.add_row(plc.id, endpoint, speaks, str(machines.get(plc.id, 0)))
    console = Console(highlight=False)
    console.print(table)
    wrote = "Wrote the copy" if is_loopback else "Serving"
    console.print(
        f"{wrote} {config}; read it with: lineside run --config {config}\n"
        "Ctrl-C ends it; type help for orders.",
        soft_wrap=True,
        markup=False,
    )


def _remedy(error: CannotServe, file: Path) -> str:
    number = error.error.errno
    plc = error.plc
    loopback = f"lineside simulate {file} --loopback trial.toml"
    if number == errno.EADDRINUSE:
        return f"something else listens there: end it, or use free ports: {loopback}"
    if number in (errno.EACCES, errno.EPERM):
        return f"ports below 1024 need rights that you do not have: {loopback}"
    return f"{plc.host} is not an address of this computer: {loopback}"


async def _orders() -> AsyncIterator[str]:
    """Yield the lines of standard input as they come; ends with the input.

    A thread reads them, because standard input may be a terminal, a pipe or a file, and no event
    loop takes all three. It reads the bare descriptor: a buffered reader would hold a lock that
    Python wants when it exits.
    """
    if not _may_read_stdin():
        return
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    room = threading.Semaphore(_PENDING_LINES_MAX)  # beyond it the thread waits

    def hand_over(line: str | None) -> None:
        room.acquire()
        loop.call_soon_threadsafe(lines.put_nowait, line)

    def read() -> None:
        rest = b""
        with contextlib.suppress(OSError, RuntimeError):  # the input is gone, or the loop is
            while chunk := os.read(0, 4096):
                *complete, rest = (rest + chunk).split(b"\n")
                for raw in complete:
                    hand_over(raw.decode("utf-8", "replace"))
            hand_over(rest.decode("utf-8", "replace"))
            hand_over(None)

    threading.Thread(target=read, name="lineside-orders", daemon=True).start()
    while (line := await lines.get()) is not None:
        room.release()
        yield line


def _may_read_stdin() -> bool:
    """Whether reading standard input is allowed: a background job would be stopped for it."""
    try:
        if not os.isatty(0):
            os.fstat(0)
            return True
        return sys.platform == "win32" or os.getpgrp() == os.tcgetpgrp(0)
    except OSError:
        return False
