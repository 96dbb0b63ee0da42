"""`lineside export`: write the history into a file for a spreadsheet or a program."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
from msgspec.structs import replace

from lineside.cli.streams import drop_broken_streams, open_missing_streams
from lineside.core.errors import LinesideError
from lineside.core.spans import Span
from lineside.core.times import unix_ms

if TYPE_CHECKING:
    from lineside.core.asked_time import AskedTime, Bound
    from lineside.core.model import Equipment, Line, Site
    from lineside.history.configured import Configured
    from lineside.history.export_wish import ExportWish
    from lineside.history.settings import HistorySettings
    from lineside.history.store import Store

_QUESTION_S = 3600.0


@click.command()
@click.argument(
    "kind",
    type=click.Choice(
        ["alarms", "changes", "intervals", "kpis", "plc-events", "server-events", "stops"]
    ),
)
@click.option(
    "--config",
    "-c",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("lineside.toml"),
    show_default=True,
    help="The config of the plant; it says where the history lies.",
)
@click.option("--from", "begin", help="First day or time.  [default: 7 days before --to]")
@click.option("--to", "end", help="Day or time to stop before.  [default: now]")
@click.option("--line", help="Only the line with this id.")
@click.option("--code", help="Only the machine with this code.")
@click.option(
    "--grain",
    type=click.Choice(["whole", "shift", "day", "week", "month"]),
    default="day",
    show_default=True,
    help="Of kpis: one row for each.",
)
@click.option(
    "--by",
    type=click.Choice(["equipment", "line"]),
    default="equipment",
    show_default=True,
    help="Of kpis: one row per machine or per line.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "xlsx", "parquet"]),
    help="How to write it.  [default: as --output ends, else csv]",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.  [default: standard output]",
)
def export(
    kind: str,
    config: Path,
    begin: str | None,
    end: str | None,
    line: str | None,
    code: str | None,
    grain: str,
    by: str,
    format_: str | None,
    output: Path | None,
) -> None:
    """Write a part of the history into a file. The server may go on running.

    \b
    changes        every change of a status, with its reason and the tag behind it
    intervals      what each machine did from when to when; time nobody saw is "unseen"
    kpis           availability with its coverage, MTBF, stops ... per machine or line
    stops          stops longer than micro_stop within planned time, with their reasons
    alarms         every alarm whose fault stood then, with who acknowledged it
    plc-events     when each PLC was lost and came back, and why
    server-events  starts, stops and faults of the server; of the plant, not of a line

    A day such as 2026-03-02 is that of each line, with all its shifts, also after
    midnight; a time is ISO 8601 with its offset, as 2026-03-02T06:00:00+09:00.
    CSV opens in Excel, Korean too.

    \b
    The stops of a week:        lineside export stops --from 2026-03-02 --to 2026-03-09 -o stops.csv
    Shifts of a month, Excel:   lineside export kpis --grain shift --from 2026-03-01 -o march.xlsx
    One machine, for pandas:    lineside export intervals --code KRCWO12ELOA101 -o a101.parquet
    Into another program:       lineside export changes --line weld1 | head
    """
    open_missing_streams()
    from lineside.history.kpi_words import RowGrain, RowsBy

    if format_ is None:
        format_ = output.suffix.removeprefix(".") if output is not None else "csv"
        if format_ not in ("csv", "xlsx", "parquet"):
            raise click.UsageError(
                f"what {output} should be is not plain: name it .csv, .xlsx or .parquet, "
                "or say --format"
            )
    if output is None and format_ != "csv":
        raise click.UsageError("only csv can go to standard output; name a file with --output")
    try:
        site, settings = _load(config)
        asked = _asked(site, begin, end)
        window = _window(site, asked)

        def wish_of(configured: Configured) -> ExportWish:
            lines = configured.lines_in(site.lines, window.begin_ms, window.end_ms)
            if code is not None and kind == "alarms":
                # One may stand in a line in which its machine was before.
                there = {each.id for each in lines} if line is not None else None
                earlier = configured.lines_in(site.lines, 0, window.end_ms)
                lines = tuple(each for each in earlier if there is None or each.id in there)
            now = (each.code for some in site.lines for each in some.equipment)
            is_known = code is not None and (configured.machine(code) is not None or code in now)
            return _wish(
                site, lines, asked, line, code, RowGrain(grain), RowsBy(by), is_known=is_known
            )

        count = asyncio.run(_run(settings, site, window, wish_of, kind, format_, output))
    except LinesideError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(2)
    finally:
        drop_broken_streams()
    if output is not None:
        click.echo(f"{output}: {count:,} row{'' if count == 1 else 's'}.", err=True)


def _load(config: Path) -> tuple[Site, HistorySettings]:
    from lineside.config import load_config
    from lineside.drivers import DRIVERS
    from lineside.history.settings import settings_of

    loaded = load_config(config, DRIVERS)
    settings = settings_of(loaded.config.history, config.parent.absolute(), os.environ)
    if settings.file is not None and not settings.file.exists():
        raise click.UsageError(
            f"there is no history at {settings.file}. It is written while `lineside run` runs; "
            "a service keeps it in its own folder ([history] folder in the config names it)"
        )
    return loaded.site, settings


def _asked(site: Site, begin: str | None, end: str | None) -> AskedTime:
    """Return the time that is asked for: the last week, unless something else is."""
    from lineside.clock import system_clock
    from lineside.core.asked_time import AskedTime

    zone = ZoneInfo(site.calendar.time_zone)
    to = unix_ms(system_clock().unix_s) if end is None else _bound("--to", end, zone)
    week = timedelta(days=7)
    before = to - week if isinstance(to, date) else to - round(week / timedelta(milliseconds=1))
    return AskedTime(begin=before if begin is None else _bound("--from", begin, zone), end=to)


def _window(site: Site, asked: AskedTime) -> Span:
    """Return the window that holds what is asked of each line."""
    found = asked.of_all(site.calendar.of_line(each.id) for each in site.lines)
    if found.begin_ms >= found.end_ms:
        raise click.UsageError("--to must be after --from")
    return Span(found.begin_ms, found.end_ms)


def _wish(
    site: Site,
    lines: Sequence[Line],
    asked: AskedTime,
    line: str | None,
    code: str | None,
    grain: Any,
    by: Any,
    *,
    is_known: bool,
) -> ExportWish:
    """Return what is wished for of `lines`, which have the machines that were taken out since.

    `is_known`: the machine is, or was at some time.
    """
    from lineside.clock import system_clock
    from lineside.history.export_wish import ExportWish

    chosen: list[tuple[Line, tuple[Equipment, ...]]] = []
    for each in lines:
        machines = tuple(e for e in each.equipment if code in (None, e.code))
        if line in (None, each.id) and (machines or code is None):
            chosen.append((each, machines))
    if not chosen and is_known and line in (None, *(each.id for each in lines)):
        where = "configured" if line is None else f"in line {line}"
        raise click.UsageError(f"{code} was not {where} then")
    if not chosen:
        what = f"line {line!r}" if code is None else f"machine {code!r}"
        known = ", ".join(each.id for each in lines)
        raise click.UsageError(
            f"there was no {what} in that time, nor is there one in the config (lines: {known})"
        )
    whole = asked.of_all(site.calendar.of_line(each.id) for each, _ in chosen)
    return ExportWish(
        site=site,
        lines=tuple(chosen),
        begin_ms=whole.begin_ms,
        end_ms=whole.end_ms,
        asked=asked,
        line_id=line,
        code=code,
        now_ms=unix_ms(system_clock().unix_s),
        grain=grain,
        by=by,
        is_whole=line is None and code is not None,
    )


def _bound(option: str, text: str, zone: ZoneInfo) -> Bound:
    """Return the day or the moment that is meant."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"{option} {text!r} is neither a day (2026-03-02) nor a time (2026-03-02T06:00:00Z)"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return unix_ms(moment.timestamp())


async def _run(
    settings: HistorySettings,
    site: Site,
    window: Span,
    wish_of: Callable[[Configured], ExportWish],
    kind: str,
    format_: str,
    output: Path | None,
) -> int:
    """Write the file; return the number of rows. A file that is not finished is not left."""
    from lineside.history.database import Database
    from lineside.history.store import Store

    database = Database(settings.database_url, operation_s=_QUESTION_S)
    store = Store(database)

    async def ask(question: Callable[[Store], Awaitable[Any]]) -> Any:
        return await question(store)

    try:
        configured = await store.configurations.read()
        wish = wish_of(configured)
        if any(each.stat().st_size for each in settings.spool_folder.glob("*.spool")):
            # What waits beside the database is known, though not to this command: not unseen.
            ends_ms = [run.end_ms for run in await store.runs(0, wish.now_ms)]
            wish = replace(wish, now_ms=min(wish.now_ms, max(ends_ms, default=wish.now_ms)))
        if output is None:
            return await _write(ask, wish, kind, format_, sys.stdout.buffer)
        return await _write_whole(ask, wish, kind, format_, output)
    except BrokenPipeError:
        raise  # who reads it has read enough
    except OSError as error:
        where = output or "standard output"
        raise LinesideError(f"{where} cannot be written: {error.strerror or error}") from error
    finally:
        await database.close()


async def _write_whole(ask: Any, wish: ExportWish, kind: str, format_: str, output: Path) -> int:
    """Write a file that is there only once it is finished."""
    unfinished = output.with_name(f"{output.name}.part")
    try:
        with unfinished.open("wb") as stream:
            count = await _write(ask, wish, kind, format_, stream)
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


async def _write(ask: Any, wish: ExportWish, kind: str, format_: str, stream: IO[bytes]) -> int:
    from lineside.history.export_files import ExportFormat, open_export
    from lineside.history.export_rows import SOURCES

    source = SOURCES[kind]
    zone = ZoneInfo(wish.site.calendar.time_zone)
    file = open_export(ExportFormat(format_), stream, source.columns, zone, kind)
    count = 0
    try:
        async for rows in source.batches(ask, wish):
            file.write(rows)
            count += len(rows)
        file.close()
    finally:
        file.discard()
    return count
