"""The commands about the history: `lineside backup` and `lineside restore`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lineside.config import load_config
from lineside.core.errors import ConfigError, HistoryError
from lineside.core.times import iso_utc
from lineside.drivers import DRIVERS
from lineside.history.backup import Contents, back_up, inspect
from lineside.history.backup import restore as put_back
from lineside.history.settings import HistorySettings, settings_of

_config_option = click.option(
    "--config",
    "-c",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("lineside.toml"),
    show_default=True,
    help="The config whose history is meant.",
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_config_option
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def backup(file: Path, config: Path, force: bool) -> None:
    """Copy the history to FILE, whether or not a server records into it.

    The copy stands for one moment and is checked before it gets its name. For a history in
    PostgreSQL use pg_dump.

    \b
    lineside backup /mnt/backup/lineside.db --force
    """
    try:
        contents = back_up(_settings(config), file, may_replace=force)
    except HistoryError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Wrote {file}: {_described(contents)}.")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_config_option
def restore(file: Path, config: Path) -> None:
    """Put the backup FILE in place of the history. Stop the server first.

    FILE is checked before anything is changed, and the old history is kept beside the new one.

    \b
    lineside restore /mnt/backup/lineside.db --config lineside.toml
    """
    settings = _settings(config)
    try:
        kept = put_back(settings, file)
        contents = inspect(file)
    except HistoryError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Restored {settings.file}: {_described(contents)}.")
    if kept is not None:
        click.echo(f"The history from before is {kept}.")


def _settings(config: Path) -> HistorySettings:
    try:
        loaded = load_config(config, DRIVERS)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    folder = config.absolute().parent
    return settings_of(loaded.config.history, folder, os.environ)


def _described(contents: Contents) -> str:
    size = f"{contents.size_bytes / 1024**2:,.1f} MiB"
    if contents.first_ms is None or contents.last_ms is None:
        return f"no changes yet, {size}"
    first, last = iso_utc(contents.first_ms / 1000)[:10], iso_utc(contents.last_ms / 1000)[:10]
    return (
        f"{contents.change_count:,} changes of {contents.machine_count:,} machines "
        f"from {first} to {last}, {size}"
    )
