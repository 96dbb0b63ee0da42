"""`lineside watch`: the live line in a terminal, or its messages as lines for scripts.

It only listens. It reconnects every three seconds for ever and says so; what it cannot hear it
does not show as live (`watch_board.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import click
from rich.console import Console
from rich.live import Live
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from lineside import __version__
from lineside.cli.loop import echo, run_until_stopped
from lineside.cli.watch_board import Change, Language, WatchBoard

DEFAULT_URL = "ws://localhost:8000/ws/monitor"
RECONNECT_PAUSE_S = 3.0
FRAME_PERIOD_S = 0.25
OPEN_TIMEOUT_S = 5.0
MESSAGE_MAX_BYTES = 16 * 1024 * 1024  # 5,000 machines are about 1.5 MB
_PATH = "/ws/monitor"

OnMessage = Callable[[str | bytes], None]
Report = Callable[[str], None]


def _silence(_: str) -> None:
    """Report nothing: the screen shows it."""


def _to_stderr(text: str) -> None:
    click.echo(text, err=True)


@click.command("watch", short_help="Show the live line in this terminal.")
@click.argument("url", default=DEFAULT_URL)
@click.option("--once", is_flag=True, help="Print the line once and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print every message as one line of JSON.")
@click.option(
    "--lang",
    "language",
    type=click.Choice([language.value for language in Language]),
    default=Language.KO.value,
    show_default=True,
    help="Language of the table.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="Seconds that --once waits for a first snapshot.",
)
def watch(url: str, once: bool, as_json: bool, language: str, timeout_s: float) -> None:
    """Show the line at URL live: statuses, time in each, and the state of the connection.

    URL is the WebSocket of a running server (default: this computer, port 8000). The host alone
    will do, as in "lineside watch 192.168.3.10:8000"; add /ws/monitor/LINE for another line.

    \b
    Examples:
      lineside watch                      the live line; Ctrl-C ends it
      lineside watch --once               one table, for a quick look
      lineside watch --once --json        one snapshot as JSON
      lineside watch --json | jq .        every message, one a line
    """
    address = normalise_url(url)
    board = WatchBoard(address, Language(language), time.monotonic())
    console = Console()
    if once:
        _end_with(run_until_stopped(_watch_once(board, console, as_json, timeout_s)))
    elif as_json:
        run_until_stopped(_watch_json(board))
    elif console.is_terminal:
        run_until_stopped(_watch_live(board, console))
    else:
        run_until_stopped(_watch_changes(board))


def normalise_url(text: str) -> str:
    """Return the WebSocket address that `text` means: the scheme and path may be left out.

    Raises:
        click.BadParameter: it is no address of a server.
    """
    full = text if "://" in text else f"ws://{text}"
    parts = urlsplit(full)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    try:
        is_usable = scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise click.BadParameter(f'"{text}" is no address: write {DEFAULT_URL}', param_hint="URL")
    path = parts.path if parts.path not in {"", "/"} else _PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


async def _listen(board: WatchBoard, on_message: OnMessage, report: Report = _silence) -> None:
    """Hand every message to `on_message`, reconnecting for ever; `board` learns of the link.

    `report` hears of the link in words, once per news.
    """
    reported = ""
    while True:
        try:
            await _listen_once(board, on_message, report)
            why = "the connection ended"
        except InvalidURI as error:
            raise click.ClickException(str(error)) from error
        except InvalidStatus as error:
            code = error.response.status_code
            why = f"the server refused: HTTP {code}{_hint(code)}"
        except ConnectionClosed as error:
            goodbye = error.rcvd
            said = f"{goodbye.code} {goodbye.reason}".strip() if goodbye else "no goodbye"
            why, reported = f"the connection was closed: {said}", ""
        except (OSError, TimeoutError, WebSocketException) as error:
            why = f"no connection: {_first_line(error)}"
        board.closed(time.monotonic(), why)
        if why != reported:
            report(f"{why}; trying again every {RECONNECT_PAUSE_S:g} s")
            reported = why
        await asyncio.sleep(RECONNECT_PAUSE_S)


async def _listen_once(board: WatchBoard, on_message: OnMessage, report: Report) -> None:
    connection = connect(
        board.url,
        user_agent_header=f"lineside-watch/{__version__}",
        compression=None,
        open_timeout=OPEN_TIMEOUT_S,
        ping_interval=10,
        ping_timeout=10,
        close_timeout=1,
        max_size=MESSAGE_MAX_BYTES,
        proxy=None,  # plants watch machines of their own network
    )
    async with connection as socket:
        board.opened(time.monotonic())
        report(f"connected to {board.url}")
        while True:
            on_message(await socket.recv())


async def _watch_live(board: WatchBoard, console: Console) -> int:
    async def draw() -> None:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(board.render(time.monotonic()), refresh=True)
                await asyncio.sleep(FRAME_PERIOD_S)

    def hear(message: str | bytes) -> None:
        board.heard(message, time.monotonic())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(draw())
        tasks.create_task(_listen(board, hear))
    return 0


async def _watch_changes(board: WatchBoard) -> int:
    """Without a terminal there is nothing to redraw: print each change as a line."""

    def hear(message: str | bytes) -> None:
        for change in board.heard(message, time.monotonic()):
            echo(_change_line(change))

    await _listen(board, hear, _to_stderr)
    return 0


async def _watch_json(board: WatchBoard) -> int:
    await _listen(board, echo, _to_stderr)
    return 0


async def _watch_once(board: WatchBoard, console: Console, as_json: bool, timeout_s: float) -> int:
    first: asyncio.Future[str | bytes] = asyncio.get_running_loop().create_future()

    def hear(message: str | bytes) -> None:
        board.heard(message, time.monotonic())
        if board.has_data and not first.done():
            first.set_result(message)

    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(_listen(board, hear))
        try:
            async with asyncio.timeout(timeout_s):
                message = await first
        except TimeoutError:
            why = board.note or "connected, but no snapshot came"
            click.echo(f"{board.url}: nothing to show after {timeout_s:g} s: {why}", err=True)
            return 1
        finally:
            listening.cancel()
    if as_json:
        click.echo(message)
    else:
        console.print(board.render(time.monotonic()))
    return 0


def _end_with(code: int) -> None:
    if code:
        raise SystemExit(code)


def _change_line(change: Change) -> str:
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    before = change.previous.value if change.previous else "-"
    return f"{at} {change.code} {before} -> {change.status.value} {change.name}"


def _hint(code: int) -> str:
    hints = {
        403: " (this address is not among the server's allowed hosts)",
        404: " (no such line: the path is /ws/monitor or /ws/monitor/LINE)",
        503: " (too many clients)",
    }
    return hints.get(code, "")


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
