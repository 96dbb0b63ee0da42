"""The command line: `lineside`. Each command's module loads only when the command is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from lineside import __version__
from lineside.cli.streams import drop_broken_streams, let_any_text_through

_COMMANDS = {
    "run": ("lineside.cli.run", "run"),
    "init": ("lineside.cli.configs", "init"),
    "check": ("lineside.cli.configs", "check"),
    "simulate": ("lineside.cli.simulate", "simulate"),
    "probe": ("lineside.cli.probe", "probe"),
    "watch": ("lineside.cli.watch", "watch"),
    "backup": ("lineside.cli.history", "backup"),
    "restore": ("lineside.cli.history", "restore"),
    "export": ("lineside.cli.export", "export"),
    "schema": ("lineside.cli.configs", "schema"),
}


class _LazyGroup(click.Group):
    """A group in the order of work, whose commands are imported when they are needed."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command on streams that take whatever text there is."""
        let_any_text_through()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whoever reads its output may stop reading, as `head` does."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            drop_broken_streams()
            return None
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):  # as rich tells it
                return None
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lineside")
def main() -> None:
    """Real-time equipment monitoring for the shop floor: a screen that cannot lie.

    \b
    Look at a simulated plant:       lineside run --demo
    Connect a plant of your own:     lineside init           writes lineside.toml
                                     lineside check FILE     finds every mistake in it
                                     lineside simulate FILE  plays its PLCs, to try it out
                                     lineside probe FILE     reads every tag once
                                     lineside run            serves the board
    Take the past along:             lineside export KIND    writes CSV, Excel, Parquet
    """
