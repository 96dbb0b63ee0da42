"""The composition root: the only place that wires the rooms together.

One TaskGroup starts and stops everything: the engine, the web server, the watch over the config
file and, for a demo, the simulated plant. The history has a thread of its own.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import structlog

from lineside import __version__
from lineside.bus import MemoryBus
from lineside.clock import system_clock
from lineside.config import LoadedConfig, load_config
from lineside.config.watch import ConfigWatcher
from lineside.core.errors import ConfigError, HistoryError, LinesideError
from lineside.core.model import Plc, Site
from lineside.core.times import unix_ms
from lineside.demo import open_demo
from lineside.demo.past import write_past
from lineside.drivers import DRIVERS
from lineside.engine import Engine, PollTarget
from lineside.history.recall import recall
from lineside.history.service import History
from lineside.history.settings import settings_of
from lineside.hub.subscribers import Hub, HubLimits
from lineside.pauses import PauseWatch
from lineside.threads import in_daemon_thread
from lineside.web.gate import Gate, gate_rules
from lineside.web.http import create_app
from lineside.web.live import LiveView
from lineside.web.metrics import ServerStats
from lineside.web.server import LinesideServer, bind
from lineside.web.views import ServerInfo
from lineside.web.ws import MonitorDoor, upgrade_routes

CONFIG_CHECK_S = 2.0
RECALL_RETRY_S = 0.2
RECALL_CHECK_S = 1.0
RECALL_RETRY_MAX_S = 5.0

_log = structlog.get_logger("lineside.app")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What `lineside run` was asked to do.

    `config` None is the demo plant, which is given a past week unless `has_past` is false; `host`
    and `port` None are as the config says.
    """

    config: Path | None
    host: str | None = None
    port: int | None = None
    has_past: bool = True


class CannotListen(LinesideError):
    """The address to serve on is taken or is not ours. The user's to mend."""


async def run(options: RunOptions, announce: Callable[[LoadedConfig, str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        options: what to serve, and where.
        announce: called once, with the config and the page's address, when screens can connect.

    Raises:
        ConfigError: the config has mistakes; nothing was started.
        CannotListen: the address cannot be served on.
    """
    async with AsyncExitStack() as stack:
        demo = None
        if options.config is None:
            demo = await stack.enter_async_context(open_demo(system_clock))
        path = demo.config_path if demo else options.config
        assert path is not None, "a demo brings its own config"  # noqa: S101
        house = House(path, options)
        # The pause of the first collection is over before there is a tick, or a screen, to be late.
        with house.pauses:
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(house.engine.run(), name="engine"),
                    tasks.create_task(house.watch_config(), name="config watch"),
                ]
                if house.history is not None:
                    recalling = house.recall_alarms(house.history)
                    background.append(tasks.create_task(recalling, name="alarm recall"))
                if demo is not None:
                    background.append(tasks.create_task(demo.plant.run(), name="demo plant"))
                with _stop_on_signals(house.stop):
                    serving = tasks.create_task(house.server.serve(), name="web server")
                    await house.server.ready.wait()
                    await house.engine.ready.wait()
                    announce(house.loaded, house.address)
                    async with house.recording():
                        await serving
                for task in background:
                    task.cancel()


class House:
    """The rooms of one process, wired, with the config they stand on."""

    def __init__(self, path: Path, options: RunOptions) -> None:
        """Load the config, claim the address and build every room; nothing runs yet."""
        self.path = path
        self.is_demo = options.config is None
        self._has_past_to_write = self.is_demo and options.has_past
        self._begun_ms = unix_ms(system_clock().unix_s)
        self.loaded = load_config(path, DRIVERS)
        for warning in self.loaded.warnings:
            _log.warning("config", problem=str(warning))
        calendar = self.loaded.site.calendar
        if calendar.is_computers_zone:
            _log.info("days follow the clock of this computer", time_zone=calendar.time_zone)
        server = self.loaded.config.server
        self._host = options.host if options.host is not None else server.host
        port = options.port if options.port is not None else server.port
        sockets = _claim(self._host, port)
        self.pauses = PauseWatch()
        bus = MemoryBus()
        site = self._site()
        self.hub = Hub(system_clock, [line.id for line in site.lines])
        live = LiveView(system_clock)
        # The hub comes first: a screen's frame waits for nobody else who hears the bus.
        bus.subscribe(self.hub.on_message)
        bus.subscribe(live.on_message)
        self.history = self._history()
        if self.history is not None:
            bus.subscribe(self.history.on_message)
        self.engine = Engine(site, self._targets(), bus, system_clock)
        app = create_app(
            live,
            self.hub.metrics,
            ServerInfo(version=__version__, started_at_s=system_clock().unix_s),
            system_clock,
            extra_routes=upgrade_routes(system_clock),
            server_stats=self._server_stats,
            history=self.history,
        )
        self.gate = Gate(app, gate_rules(self._host))
        door = MonitorDoor(
            self.hub, system_clock, self.gate.refuse_websocket, path_of=self.gate.path_inside
        )
        self.server = LinesideServer(self.gate, sockets, door, close_websockets=self.hub.close_all)
        self._apply_server_rules()
        self.address = f"http://{_shown_host(self._host)}:{self.server.port}"

    def stop(self) -> None:
        """Ask everything to end: `serve` returns, and the history keeps what it has heard."""
        self.server.stop()
        if self.history is not None:
            self.history.stop()

    @asynccontextmanager
    async def recording(self) -> AsyncIterator[None]:
        """Record into the database as long as the context lasts; before, changes are queued.

        It begins when the board is up, because the database's libraries take a while to load.
        """
        if self.history is None:
            yield
            return
        if not self._has_past_to_write:
            with self.history.faults.caught("the begin"):
                self.history.start()
        begin = self.history.faults.kept("the begin", partial(self._begin, self.history))
        beginning = asyncio.create_task(begin, name="history begin")
        try:
            yield
        finally:
            beginning.cancel()
            await asyncio.wait([beginning])
            self.history.stop()
            await self.history.wait_stopped()

    async def _begin(self, history: History) -> None:
        """Give a demo its past, before anything of the present is written; then recall the past."""
        if self._has_past_to_write:
            self._has_past_to_write = False  # once: a demo without a past is a demo all the same
            await write_past(self.path, self._begun_ms // 1000)
        history.start()
        await self._recall(history)

    async def _recall(self, history: History) -> None:
        """Let stop timers go on where they were before the start."""
        codes = [each.code for line in self.loaded.site.lines for each in line.equipment]
        retry_s = RECALL_RETRY_S
        while True:  # late is no harm
            try:
                past = await history.ask(
                    lambda store: recall(store, codes, self._begun_ms), is_urgent=True
                )
            except HistoryError:  # it is being opened, or it says itself what is wrong
                await asyncio.sleep(retry_s)
                retry_s = min(RECALL_RETRY_MAX_S, 1.2 * retry_s)
            else:
                self.engine.recall(past)
                return

    async def recall_alarms(self, history: History) -> None:
        """Find out how alarms stood before, at the start and after another server has recorded."""
        while True:
            await history.recall_alarms()
            await asyncio.sleep(RECALL_CHECK_S)

    async def watch_config(self) -> None:
        """Swap in each new config that is valid; refuse, with reasons, each that is not."""
        watcher = ConfigWatcher(self.loaded.files, self.loaded.fingerprint)
        while True:
            await asyncio.sleep(CONFIG_CHECK_S)
            # No wait for a network share may stop a tick, or the end of the server.
            if not await in_daemon_thread(watcher.changed):
                continue
            try:
                loaded = await in_daemon_thread(partial(load_config, self.path, DRIVERS))
            except ConfigError as error:
                for problem in error.problems:
                    _log.error("config refused, the old one stays", problem=str(problem))
                watcher.follow(error.files, error.fingerprint)
                continue
            except Exception:  # noqa: BLE001 -- no fault of ours here may end a running server
                _log.exception("config not loaded, the old one stays")
                continue
            watcher.follow(loaded.files, loaded.fingerprint)
            self._replace(loaded)

    def _replace(self, loaded: LoadedConfig) -> None:
        before, now = self.loaded.config.server, loaded.config.server
        if self.loaded.config.history != loaded.config.history:
            _log.warning("config: [history] applies at the next start")
        self.loaded = loaded
        if (before.host, before.port) != (now.host, now.port):
            _log.warning("config: host and port of [server] apply at the next start")
        self._apply_server_rules()
        self.engine.replace_site(self._site(), self._targets())
        for warning in loaded.warnings:
            _log.warning("config", problem=str(warning))
        _log.info("config replaced", equipment=len(loaded.config.equipment))

    def _apply_server_rules(self) -> None:
        """Let in whom the config lets in; connections that are open stay."""
        server = self.loaded.config.server
        self.gate.rules = gate_rules(
            self._host,
            allowed_hosts=server.allowed_hosts,
            allowed_origins=server.allowed_origins,
            base_path=server.base_path,
            frame_ancestors=server.frame_ancestors,
        )
        self.hub.limits = HubLimits(
            connections_max=server.connections_max,
            connections_per_address_max=server.connections_per_address_max,
        )
        self.server.cap.seats_per_address_max = server.connections_per_address_max

    def _server_stats(self) -> ServerStats:
        return ServerStats(
            missed_ticks_total=self.engine.missed_tick_count,
            connections_rejected_total=self.server.cap.rejected_total,
            gc_pause_count=self.pauses.count,
            gc_pause_total_s=self.pauses.total_s,
            gc_pause_longest_s=self.pauses.longest_s,
        )

    def _history(self) -> History | None:
        config = self.loaded.config.history
        if not config.enabled:
            return None
        # A demo leaves nothing behind, not even as a service.
        environment = {} if self.is_demo else os.environ
        settings = settings_of(config, self.path.parent.absolute(), environment)
        return History(settings, system_clock, __version__)

    def _site(self) -> Site:
        return msgspec.structs.replace(self.loaded.site, is_demo=self.is_demo)

    def _targets(self) -> list[PollTarget]:
        return [self._target(plc) for plc in self.loaded.site.plcs]

    def _target(self, plc: Plc) -> PollTarget:
        settings = next(p for p in self.loaded.config.plc if p.id == plc.id)
        # Without equipment there is still the link to watch.
        addresses = self.loaded.addresses.get(plc.id, ())
        return PollTarget(
            plc=plc,
            make_driver=partial(DRIVERS[plc.driver].create, settings, addresses, system_clock),
            fingerprint=f"{settings!r} {addresses!r} {plc.has_lamps}",
        )


def _claim(host: str, port: int) -> list[socket.socket]:
    try:
        return bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = "stop what serves there, or choose another port with --port"
        elif error.errno == errno.EACCES:
            hint = "choose another port with --port, since those below 1024 need special rights"
        else:
            hint = "choose an address of this computer's with --host"
        reason = error.strerror or str(error)
        raise CannotListen(f"cannot listen on {host}:{port}: {reason}; {hint}") from error


def _shown_host(host: str) -> str:
    """Return what to type into a browser on this computer."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


@contextmanager
def _stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at SIGINT and SIGTERM, on the event loop."""
    loop = asyncio.get_running_loop()
    names = (signal.SIGINT, signal.SIGTERM)
    try:
        for name in names:
            loop.add_signal_handler(name, stop)
    except NotImplementedError:  # Windows: Ctrl+C reaches asyncio.run as a cancellation
        yield
        return
    try:
        yield
    finally:
        for name in names:
            loop.remove_signal_handler(name)
