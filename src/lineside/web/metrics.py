"""`/metrics` for Prometheus: everything is read at the scrape, nothing is counted twice.

The figures live where they arise (snapshot, poller, hub); this module only names them. It keeps its
own registry, so that two servers in one process do not share figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import msgspec
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from lineside.core.alarm import AlarmState
from lineside.core.model import PlcLink, PlcState, Status
from lineside.core.ports import Clock
from lineside.history.alarm_book import AlarmCounts
from lineside.history.records import HistoryHealth
from lineside.hub.subscribers import HubMetrics
from lineside.web.live import LiveView
from lineside.web.views import ServerInfo


class ServerStats(msgspec.Struct, frozen=True, kw_only=True):
    """What the ticker and the server have counted since the start."""

    missed_ticks_total: int = 0
    connections_rejected_total: int = 0
    gc_pause_count: int = 0
    gc_pause_total_s: float = 0.0
    gc_pause_longest_s: float = 0.0


class LinesideCollector(Collector):
    """Turns the newest snapshot and the hub's counters into metric families."""

    def __init__(
        self,
        live: LiveView,
        hub_stats: Callable[[], HubMetrics],
        server_info: ServerInfo,
        clock: Clock,
        server_stats: Callable[[], ServerStats] = ServerStats,
        history_health: Callable[[], HistoryHealth] | None = None,
        alarm_counts: Callable[[], AlarmCounts | None] | None = None,
    ) -> None:
        self._live = live
        self._hub_stats = hub_stats
        self._info = server_info
        self._clock = clock
        self._server_stats = server_stats
        self._history_health = history_health
        self._alarm_counts = alarm_counts

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names are not checked against a state that does not exist yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield self._build_info()
        yield _gauge(
            "lineside_start_time_seconds", "Unix time of the start.", self._info.started_at_s
        )
        yield from self._ticks()
        yield from self._equipment()
        yield from self._plcs()
        yield from self._hub()
        yield from self._server()
        if self._history_health is not None:
            yield from _history(self._history_health())
        if self._alarm_counts is not None:
            yield from _alarms(self._alarm_counts())

    def _build_info(self) -> Metric:
        family = GaugeMetricFamily(
            "lineside_build_info", "The version that runs; always 1.", labels=["version", "build"]
        )
        family.add_metric([self._info.version, self._info.build], 1)
        return family

    def _ticks(self) -> Iterator[Metric]:
        ready = 1.0 if self._live.is_ticking() else 0.0
        yield _gauge("lineside_ready", "1 while the board ticks, as /readyz says.", ready)
        snapshot, age_s = self._live.snapshot, self._live.snapshot_age_s()
        received_at = self._live.snapshot_received_at
        if snapshot is None or age_s is None or received_at is None:
            return
        yield _gauge("lineside_snapshot_sequence", "Number of the newest tick.", snapshot.sequence)
        yield _gauge("lineside_snapshot_age_seconds", "Age of the newest snapshot.", age_s)
        yield _gauge(
            "lineside_tick_lag_seconds",
            "From the second the newest tick stands for to its arrival here.",
            snapshot.at.age_s(received_at),
        )

    def _equipment(self) -> Iterator[Metric]:
        """Count the machines; what is not seen at present counts as disconnected."""
        if self._live.site is None:
            return
        family = GaugeMetricFamily(
            "lineside_equipment", "Machines per line and status.", labels=["line", "status"]
        )
        snapshot = self._live.snapshot if self._live.is_ticking() else None
        states = {} if snapshot is None else {line.id: line for line in snapshot.lines}
        for line in self._live.site.lines:
            counts: Counter[Status] = Counter()
            state = states.get(line.id)
            if state is None:
                counts[Status.DISCONNECTED] = len(line.equipment)
            else:
                counts.update(equipment.status for equipment in state.equipment)
            for status in Status:
                family.add_metric([line.id, status.value], counts[status])
        yield family

    def _plcs(self) -> Iterator[Metric]:
        snapshot = self._live.snapshot
        plcs = () if snapshot is None else snapshot.plcs
        # Without ticks nothing is known of a link, so none is reported as up.
        is_ticking = self._live.is_ticking()
        up = _plc_gauge("lineside_plc_up", "1 while the PLC answers.")
        link = GaugeMetricFamily(
            "lineside_plc_link", "1 for the state the link is in.", labels=["plc", "link"]
        )
        latency = GaugeMetricFamily(
            "lineside_plc_poll_latency_seconds",
            "Time of one poll over the last 100 polls.",
            labels=["plc", "quantile"],
        )
        last_latency = _plc_gauge(
            "lineside_plc_last_poll_latency_seconds", "Time of the last poll."
        )
        age = _plc_gauge("lineside_plc_data_age_seconds", "Time since the last good read.")
        tick_age = GaugeMetricFamily(
            "lineside_plc_tick_data_age_seconds",
            "Age of a PLC's values when a tick shows them, over the last 100 ticks.",
            labels=["plc", "quantile"],
        )
        lead = _plc_gauge(
            "lineside_plc_poll_lead_seconds", "How long before the tick a PLC is asked."
        )
        backoff = _plc_gauge(
            "lineside_plc_backoff_seconds", "The wait before the next attempt; 0 while online."
        )
        now_s = self._clock().unix_s
        for plc in plcs:
            up.add_metric([plc.id], is_ticking and plc.link is PlcLink.ONLINE)
            for state in PlcLink:
                link.add_metric([plc.id, state.value], is_ticking and plc.link is state)
            for quantile, value_ms in (("0.5", plc.latency_p50_ms), ("0.95", plc.latency_p95_ms)):
                if value_ms is not None:
                    latency.add_metric([plc.id, quantile], value_ms / 1000)
            for quantile, age_ms in (("0.5", plc.data_age_p50_ms), ("0.95", plc.data_age_p95_ms)):
                if age_ms is not None:
                    tick_age.add_metric([plc.id, quantile], age_ms / 1000)
            lead.add_metric([plc.id], plc.lead_ms / 1000)
            if plc.latency_last_ms is not None:
                last_latency.add_metric([plc.id], plc.latency_last_ms / 1000)
            if plc.last_read_s is not None:
                age.add_metric([plc.id], max(0.0, now_s - plc.last_read_s))
            backoff.add_metric([plc.id], plc.backoff_s or 0.0)
        yield from (up, link, latency, last_latency, age, tick_age, lead, backoff)
        yield from _plc_counters(plcs)

    def _hub(self) -> Iterator[Metric]:
        stats = self._hub_stats()
        yield _gauge("lineside_subscribers", "Open WebSockets.", stats.subscribers)
        yield _gauge(
            "lineside_subscribers_aside",
            "Open WebSockets with bytes still unsent; they miss ticks until these are gone.",
            stats.aside,
        )
        yield _gauge(
            "lineside_last_broadcast_seconds",
            "Time to hand the newest tick to every subscriber.",
            stats.last_broadcast_s,
        )
        for name, text, value in (
            ("subscribers_rejected", "WebSockets refused over a limit.", stats.rejected_total),
            ("subscribers_slowed", "Times a full socket set one aside.", stats.slowed_total),
            ("subscribers_aborted", "Clients cut off: they did not read.", stats.aborted_total),
            ("subscribers_failed", "Clients lost to a write error.", stats.failed_total),
            ("frames_sent", "Ticks written to WebSockets.", stats.frames_sent_total),
            ("sent_bytes", "Bytes of ticks written to WebSockets.", stats.bytes_sent_total),
            ("missed_ticks", "Ticks not sent to slow clients.", stats.missed_ticks_total),
        ):
            yield CounterMetricFamily(f"lineside_{name}", text, value=value)

    def _server(self) -> Iterator[Metric]:
        stats = self._server_stats()
        yield CounterMetricFamily(
            "lineside_engine_missed_ticks",
            "Seconds without a tick: the computer was busy or asleep.",
            value=stats.missed_ticks_total,
        )
        yield CounterMetricFamily(
            "lineside_connections_rejected",
            "Connections closed at once: too many were open.",
            value=stats.connections_rejected_total,
        )
        yield SummaryMetricFamily(
            "lineside_gc_pause_seconds",
            "Pauses of the garbage collector, each of which stops every screen.",
            count_value=stats.gc_pause_count,
            sum_value=stats.gc_pause_total_s,
        )
        yield _gauge(
            "lineside_gc_pause_longest_seconds",
            "The longest pause of the garbage collector since the start.",
            stats.gc_pause_longest_s,
        )


def _history(health: HistoryHealth) -> Iterator[Metric]:
    yield _gauge(
        "lineside_history_up",
        "1 while all that happens reaches the database.",
        0.0 if health.is_behind else 1.0,
    )
    yield _gauge(
        "lineside_history_behind_seconds",
        "Age of the oldest record that is not in the database yet.",
        health.behind_s,
    )
    yield _gauge("lineside_history_queued", "Records that wait in memory.", health.queued)
    yield _gauge(
        "lineside_history_spooled",
        "Records that wait on the disk for the database.",
        health.spooled,
    )
    yield _gauge("lineside_history_spool_bytes", "What these take.", health.spooled_bytes)
    yield CounterMetricFamily(
        "lineside_history_written", "Records stored in the database.", value=health.written
    )
    yield CounterMetricFamily(
        "lineside_history_lost", "Records that could be kept nowhere.", value=health.lost
    )
    yield CounterMetricFamily(
        "lineside_history_set_aside",
        "Pieces that cannot be read or stored, kept in files beside the spool.",
        value=health.set_aside,
    )
    yield _gauge(
        "lineside_history_aside_files",
        "Files beside the spool with such pieces, until a person removes them.",
        health.aside_files,
    )
    yield _gauge(
        "lineside_history_wal_bytes",
        "Size of SQLite's write-ahead log; 0 on PostgreSQL, which keeps its own.",
        health.wal_bytes or 0,
    )
    yield _gauge(
        "lineside_history_warnings",
        "What /api/history/health warns of.",
        len(health.warnings),
    )
    yield CounterMetricFamily(
        "lineside_history_faults",
        "Defects of Lineside around the history that were caught.",
        value=health.faults,
    )
    yield CounterMetricFamily(
        "lineside_history_left_out",
        "Stored rows that this version does not understand and leaves out.",
        value=health.left_out,
    )


def _alarms(counts: AlarmCounts | None) -> Iterator[Metric]:
    """Yield how many alarms there are; None: not all of them are known, so that none is counted."""
    yield _gauge(
        "lineside_alarms_complete",
        "1 while all alarms are known. At 0 those of before the start, or of another server that "
        "records, cannot be read, and the series that count alarms are left out.",
        0.0 if counts is None else 1.0,
    )
    standing = GaugeMetricFamily(
        "lineside_alarms_standing", "Alarms whose fault stands, in any state.", labels=[]
    )
    family = GaugeMetricFamily("lineside_alarms", "Alarms that are not over.", labels=["state"])
    held_back = CounterMetricFamily(
        "lineside_alarms_held_back",
        "Faults that came and went again while a flood of others was being raised.",
        labels=[],
    )
    if counts is not None:
        standing.add_metric([], counts.standing)
        for state in AlarmState:
            if state is not AlarmState.NORMAL:
                family.add_metric([state.value], counts.by_state.get(state, 0))
        held_back.add_metric([], counts.held_back)
    yield from (standing, family, held_back)


class Metrics:
    """One registry and its exposition."""

    def __init__(self, collector: LinesideCollector) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def expose(self, accept: str) -> tuple[bytes, str]:
        """Return the exposition and its media type, as the scraper's Accept header asks."""
        encoder, media_type = choose_encoder(accept)
        return encoder(self._registry), media_type


def _plc_counters(plcs: Iterable[PlcState]) -> Iterator[Metric]:
    readers: tuple[tuple[str, str, Callable[[PlcState], int]], ...] = (
        ("polls", "Polls attempted.", lambda plc: plc.poll_count),
        ("faults", "Polls or connections that failed.", lambda plc: plc.fault_count),
        ("missed_polls", "Polls skipped: one took too long.", lambda plc: plc.missed_poll_count),
        ("late_polls", "Answers that came after their tick.", lambda plc: plc.late_poll_count),
        ("requests", "Requests sent to the PLC.", lambda plc: plc.request_count),
        ("reconnects", "Connections made again.", lambda plc: plc.reconnect_count),
    )
    plcs = tuple(plcs)
    for name, text, read in readers:
        family = CounterMetricFamily(f"lineside_plc_{name}", text, labels=["plc"])
        for plc in plcs:
            family.add_metric([plc.id], read(plc))
        yield family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _plc_gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=["plc"])
