"""The hub without sockets; what it does to real ones is specified in tests/web/test_ws*.py."""

from __future__ import annotations

import gc
import json
import time
import weakref

import pytest

import bounds
from builders import TurnedClock, line, site, site_change, snapshot, state_change
from lineside.core.model import Status
from lineside.hub.audience import Subscriber
from lineside.hub.close_codes import CloseCode
from lineside.hub.subscribers import Hub, HubLimits, Refusal
from serving import parse_frames


class PaperWire:
    """A connection that writes down what it is told, as one without direct writing would."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.is_stuck = False
        self.closed: CloseCode | None = None
        self.is_aborted = False
        self.subscriber: Subscriber | None = None

    def direct_fd(self) -> int | None:
        return None

    def attach(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber

    def write(self, data: bytes) -> None:
        self.written += data
        assert self.subscriber is not None
        self.subscriber.written()

    def has_unsent(self) -> bool:
        return self.is_stuck

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed = code

    def abort(self) -> None:
        self.is_aborted = True

    def end(self) -> None:
        assert self.subscriber is not None
        self.subscriber.lost()

    def heard(self) -> list[str]:
        frames, _ = parse_frames(bytes(self.written))
        return [json.loads(bytes(frame.data))["type"] for frame in frames]


def test_a_state_change_on_the_bus_sends_nothing() -> None:
    hub, wire = Hub(TurnedClock(), ["weld1"]), PaperWire()
    hub.subscribe(wire, None)
    hub.on_message(state_change(101, Status.ERROR))
    assert wire.heard() == ["connection_status"]


def test_a_tick_without_the_line_sends_nothing_and_the_next_with_it_does() -> None:
    hub, wire = Hub(TurnedClock(), ["weld1", "pack"]), PaperWire()
    hub.subscribe(wire, "pack")
    hub.on_message(snapshot(site(line("weld1", range(101, 103)))))
    assert wire.heard() == ["connection_status"]
    hub.on_message(snapshot(site()))
    assert wire.heard() == ["connection_status", "equipment_status"]


def test_a_stuck_client_misses_ticks_and_hears_only_the_latest_afterwards() -> None:
    clock = TurnedClock()
    hub, wire = Hub(clock, ["weld1"]), PaperWire()
    hub.subscribe(wire, None)
    wire.is_stuck = True
    for _ in range(10):
        clock.turn(1.0)
        hub.on_message(snapshot(site()))
    assert hub.metrics().missed_ticks_total == 10
    wire.is_stuck = False
    hub.on_message(snapshot(site()))
    assert wire.heard() == ["connection_status", "equipment_status"]


def test_being_slow_now_and_then_never_adds_up_to_an_abort() -> None:
    clock = TurnedClock()
    hub, wire = Hub(clock, ["weld1"], HubLimits(undrained_timeout_s=15.0)), PaperWire()
    hub.subscribe(wire, None)
    for second in range(100):
        clock.turn(1.0)
        wire.is_stuck = second % 10 != 0
        hub.on_message(snapshot(site()))
    assert not wire.is_aborted
    wire.is_stuck = True
    for _ in range(17):
        clock.turn(1.0)
        hub.on_message(snapshot(site()))
    assert wire.is_aborted
    assert hub.metrics().subscribers == 0


def test_a_client_of_a_line_that_goes_is_closed_once_even_when_more_changes_follow() -> None:
    hub, wire = Hub(TurnedClock(), ["weld1", "pack"]), PaperWire()
    hub.subscribe(wire, "pack")
    for _ in range(2):
        hub.on_message(site_change(site(line("weld1", range(101, 103)))))
    assert wire.closed is CloseCode.SERVICE_RESTART
    assert wire.heard() == ["connection_status", "connection_status"]


async def test_after_the_end_nobody_is_seated_and_who_slips_through_is_closed_too() -> None:
    hub, late = Hub(TurnedClock(), ["weld1"]), PaperWire()
    await hub.close_all()
    assert hub.reserve_seat("10.0.0.1") is Refusal.CLOSING
    hub.subscribe(late, None)
    assert late.closed is CloseCode.SERVICE_RESTART


@pytest.mark.measures
async def test_closing_all_aborts_who_does_not_answer_in_time() -> None:
    hub, silent = Hub(TurnedClock(), ["weld1"]), PaperWire()
    hub.subscribe(silent, None)
    began_s = time.monotonic()
    await hub.close_all(timeout_s=0.05)
    bounds.hold(time.monotonic() - began_s, 2.0, "all closed after (s)")
    assert silent.is_aborted


def test_seats_are_counted_per_address_and_forgotten_with_the_last() -> None:
    hub = Hub(TurnedClock(), ["weld1"], HubLimits(connections_per_address_max=2))
    assert [hub.reserve_seat("10.0.0.1") for _ in range(3)] == [None, None, Refusal.ADDRESS_FULL]
    assert hub.reserve_seat("10.0.0.2") is None
    hub.release_seat("10.0.0.1")
    assert hub.reserve_seat("10.0.0.1") is None
    assert hub.metrics().rejected_total == 1


def test_many_connections_are_hidden_from_the_collector_and_garbage_is_not() -> None:
    hub, wires = Hub(TurnedClock(), ["weld1"]), [PaperWire() for _ in range(1000)]
    gc.collect()
    baseline = gc.get_freeze_count()  # Python 3.12 keeps some objects frozen by itself
    try:
        for wire in wires[:200]:
            hub.subscribe(wire, None)
        assert gc.get_freeze_count() == baseline
        circle = PaperWire()
        hub.subscribe(circle, None)  # which the wire holds, and which holds the wire
        circle.end()
        gone = weakref.ref(circle)
        del circle
        for wire in wires[200:]:
            hub.subscribe(wire, None)
        assert gc.get_freeze_count() > baseline + len(wires)
        assert gone() is None, "garbage was frozen"
    finally:
        gc.unfreeze()


def test_the_clock_of_the_hub_and_not_of_the_snapshot_measures_slowness() -> None:
    # A snapshot may come from another machine, whose monotonic clock means nothing here.
    clock = TurnedClock()
    hub, wire = Hub(clock, ["weld1"]), PaperWire()
    hub.subscribe(wire, None)
    wire.is_stuck = True
    for jump_s in (0.0, 1e6, -1e6):
        hub.on_message(snapshot(site(), at_s=clock.unix_s + jump_s))
    assert not wire.is_aborted
