"""The commands about the configuration: `lineside check`, `init` and `schema`.

They print what the configuration and the drivers say; nothing here connects to a PLC.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lineside.config import LoadedConfig, config_json_schema, load_config, template
from lineside.config.durations import format_duration
from lineside.core.errors import ConfigError, ConfigProblem
from lineside.drivers import DRIVERS

EXIT_BAD_CONFIG = 2
DEFAULT_FILE = Path("lineside.toml")
_SHOWN_MAX = 24  # addresses of one request, of which there may be thousands


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for scripts.")
def check(file: Path, as_json: bool) -> None:
    """Check a configuration and show what will be asked of each PLC.

    Connects to nothing. Every mistake is listed at once, with its file, line and remedy. Exits with
    0 when the configuration is good, with 2 when it is not. Long requests are shortened; --json
    has every address.

    \b
    Examples:
      lineside check                    checks lineside.toml in this folder
      lineside check plant/weld.toml
      lineside check --json weld.toml | jq '.problems[].message'
    """
    console = Console()
    try:
        loaded = load_config(file, DRIVERS)
    except ConfigError as error:
        if as_json:
            _print_json(_as_json(error.problems, (), None))
        else:
            print_problems(console, error.problems)
        raise SystemExit(EXIT_BAD_CONFIG) from None
    if as_json:
        _print_json(_as_json((), loaded.warnings, loaded))
        return
    _print_plans(console, loaded)
    print_warnings(console, loaded.warnings)
    _print_verdict(console, file, loaded)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_FILE)
@click.option("--force", is_flag=True, help="Write over a file that exists.")
def init(file: Path, force: bool) -> None:
    """Write a commented configuration to start from.

    \b
    Examples:
      lineside init                     writes lineside.toml in this folder
      lineside init plant/weld.toml
    """
    try:
        with contextlib.suppress(FileExistsError):  # a file stands there: opening says so better
            file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8", newline="\n") as stream:
            stream.write(template())
    except FileExistsError:
        raise click.ClickException(
            f"{file} exists already and is left as it is. Choose another name, or say --force."
        ) from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"Wrote {file}. Next:")
    for command, why in (
        ("(edit the file)", "the PLC's address, and the machines with their tags"),
        (f"lineside check {file}", "finds mistakes, shows what will be read"),
        (f"lineside simulate {file}", "plays the PLCs here, to try it without any"),
        (f"lineside probe {file}", "reads every tag of the real PLCs once"),
        (f"lineside run --config {file}", "serves the monitor"),
    ):
        click.echo(f"  {command:<38} {why}")


@click.command()
@click.argument("kind", type=click.Choice(["config", "openapi", "asyncapi"]))
def schema(kind: str) -> None:
    """Print a schema as JSON.

    \b
    config    JSON Schema of lineside.toml, for editors that check while you type
    openapi   OpenAPI 3.1 document of the REST interface
    asyncapi  AsyncAPI 3 document of the WebSocket interface
    \b
    Examples:
      lineside schema config > lineside.schema.json
      lineside schema openapi | jq '.paths | keys'
    """
    _print_json(_document(kind)())


def print_problems(console: Console, problems: Sequence[ConfigProblem]) -> None:
    """Print mistakes of a configuration for people, with their count."""
    for problem in problems:
        _print_problem(console, problem, "red")
    count = len(problems)
    summary = Text(f"{count} mistake{'s' if count != 1 else ''}", style="bold red")
    console.print(summary.append(" to mend before the server can start.", style="not bold default"))


def print_warnings(console: Console, warnings: Sequence[ConfigProblem]) -> None:
    """Print what is odd in a configuration but does not keep the server from starting."""
    for warning in warnings:
        _print_problem(console, warning, "yellow")


def _print_problem(console: Console, problem: ConfigProblem, colour: str) -> None:
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    head = Text(place, style="bold").append(f"  {problem.path}", style="not bold cyan")
    console.print(head, soft_wrap=True)
    mark = "✗" if colour == "red" else "!"
    message = Text(f"  {mark} ", style=colour).append(problem.message, style="default")
    console.print(message, soft_wrap=True)
    if problem.hint:
        hint = Text("  → ", style="green").append(problem.hint, style="default")
        console.print(hint, soft_wrap=True)
    console.print()


def _print_plans(console: Console, loaded: LoadedConfig) -> None:
    """Print per PLC the requests of one poll: what they read and how many words."""
    for plc in loaded.config.plc:
        plan = loaded.plans.get(plc.id)
        if plan is None:
            continue
        count = len(plan.requests)
        head = Text(plc.id, style="bold").append(f"  {plc.endpoint}", style="not bold cyan")
        console.print(head, soft_wrap=True)
        console.print(
            f"  {count} request{'s' if count != 1 else ''} every {format_duration(plc.period)} for "
            f"{len(loaded.addresses[plc.id])} addresses; the shortest period for this plan is "
            f"{format_duration(plan.shortest_period_s)}",
            highlight=False,
            soft_wrap=True,
        )
        table = Table("#", "request", "words", "addresses", box=None, padding=(0, 2))
        table.columns[2].justify = "right"
        for number, request in enumerate(plan.requests, start=1):
            summary = Text(_some(request.summary.split(", "), ", "))
            addresses = Text(_some(request.addresses, " "))
            table.add_row(str(number), summary, str(request.word_count), addresses)
        console.print(table)
        console.print()


def _some(texts: Sequence[str], separator: str) -> str:
    """Return the first of `texts`, and how many more there are: `--json` has them all."""
    shown = separator.join(texts[:_SHOWN_MAX])
    more = len(texts) - _SHOWN_MAX
    return f"{shown} … and {more:,} more" if more > 0 else shown


def _print_verdict(console: Console, file: Path, loaded: LoadedConfig) -> None:
    def counted(count: int, noun: str) -> str:
        return f"{count} {noun}{'s' if count != 1 else ''}"

    config = loaded.config
    parts = [
        counted(len(config.line), "line"),
        counted(len(config.equipment), "machine"),
        counted(len(config.plc), "PLC"),
    ]
    if config.shift:
        parts.append(counted(len(config.shift), "shift"))
    if config.alarm_table:
        messages = sum(len(table) for table in loaded.site.alarm_tables.values())
        parts.append(counted(messages, "alarm message"))
    if loaded.warnings:
        parts.append(counted(len(loaded.warnings), "warning"))
    calendar = loaded.site.calendar
    if calendar.is_computers_zone:
        said = f"Days follow the clock of this computer, {calendar.time_zone}: "
        said += "[plant] names no time_zone."
        console.print(Text(said, "default"), soft_wrap=True)
    verdict = Text("✓ ", style="green").append(f"{file} is good: {', '.join(parts)}.", "default")
    console.print(verdict, soft_wrap=True)


def _as_json(
    problems: Sequence[ConfigProblem],
    warnings: Sequence[ConfigProblem],
    loaded: LoadedConfig | None,
) -> dict[str, Any]:
    plcs = []
    for plc in loaded.config.plc if loaded else ():
        plan = loaded.plans.get(plc.id) if loaded else None
        plcs.append(
            {
                "id": plc.id,
                "endpoint": plc.endpoint,
                "period_s": plc.period,
                "shortest_period_s": plan.shortest_period_s if plan else None,
                "requests": msgspec.to_builtins(plan.requests) if plan else [],
            }
        )
    return {
        "is_good": not problems,
        "problems": msgspec.to_builtins(problems),
        "warnings": msgspec.to_builtins(warnings),
        "plcs": plcs,
        "time_zone": loaded.site.calendar.time_zone if loaded else None,
        "is_computers_zone": loaded.site.calendar.is_computers_zone if loaded else None,
    }


def _document(kind: str) -> Callable[[], dict[str, Any]]:
    """Return the maker of a document. The web room is loaded only when it is asked."""
    if kind == "config":
        return config_json_schema
    from lineside.web import documents

    return documents.openapi_document if kind == "openapi" else documents.asyncapi_document


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
