"""`lineside run`: serve the board. What runs is wired in `app.py`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineside import __version__
from lineside.cli.streams import drop_broken_streams, open_missing_streams
from lineside.core.errors import LinesideError

if TYPE_CHECKING:
    from lineside.config import LoadedConfig


@click.command()
@click.option(
    "--config",
    "-c",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The config to run. [default: lineside.toml in this folder]",
)
@click.option("--demo", is_flag=True, help="Run the demo plant: 17 machines on 3 simulated PLCs.")
@click.option(
    "--past/--no-past",
    default=True,
    show_default=True,
    help="Give the demo plant a past week, which takes some seconds in the background.",
)
@click.option("--host", help="Address to serve on, in place of the config's.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to serve on (0: any free one).")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to write the log on standard error.",
)
def run(
    config: Path | None,
    demo: bool,
    past: bool,
    host: str | None,
    port: int | None,
    log_format: str,
) -> None:
    """Read the PLCs and serve the board until Ctrl+C or SIGTERM.

    A change of the config file is checked and swapped in while running; a config with mistakes is
    refused and the old one stays.

    \b
    lineside run --demo
    lineside run --config lineside.toml --host 0.0.0.0 --port 8000
    """
    open_missing_streams()
    if demo and config is not None:
        raise click.UsageError("--demo brings its own config; leave out --config")
    if not demo and config is None:
        config = Path("lineside.toml")
        if not config.exists():
            raise click.UsageError(
                "there is no lineside.toml in this folder. Write one with `lineside init`, name "
                "another with --config, or look at the demo plant with --demo."
            )
    from lineside import app
    from lineside.log import configure_logging
    from lineside.web.server import event_loop_factory

    configure_logging("json" if log_format == "json" else "text")
    options = app.RunOptions(config=None if demo else config, host=host, port=port, has_past=past)
    try:
        with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
            runner.run(app.run(options, _announce))
    except KeyboardInterrupt:
        pass
    except LinesideError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(2)
    finally:
        drop_broken_streams()


def _announce(loaded: LoadedConfig, address: str) -> None:
    """Say in three lines what runs, where to look and how to stop."""
    machines = _counted(len(loaded.config.equipment), "machine")
    plcs = _counted(len(loaded.config.plc), "PLC")
    lines = ", ".join(line.name for line in loaded.site.lines)
    with contextlib.suppress(OSError):  # nobody reads it (`| head -1`): serve all the same
        click.echo(f"Lineside {__version__}: {lines}, {machines} on {plcs}.")
        click.echo(f"Open {address}/ (clients: {address.replace('http', 'ws', 1)}/ws/monitor)")
        click.echo("Stop with Ctrl+C.")
        sys.stdout.flush()


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
