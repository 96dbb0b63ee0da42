"""Something between server and page talks nonsense: the page counts it and goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from e2e.conftest import OpenMonitor
from e2e.monitor_page import GREEN, PURPLE, RED, TICK_MS
from e2e.plant import RUNNING, STOPPED, Plant
from e2e.relay import BINARY, Relay, frame
from processes import Server


def _spoiled(tick: dict[str, Any], **fields: Any) -> bytes:
    """The tick with fields of its first machine replaced: all red, if it were believed."""
    machines = [{**machine, "status": "stopped"} for machine in tick["equipment"]]
    machines[0] = {**machines[0], **fields}
    return json.dumps({**tick, "equipment": machines}).encode()


def garbage(tick: dict[str, Any]) -> list[bytes]:
    """Frames that are no messages of the contract, some of them only just."""
    doubled = {**tick, "equipment": [*tick["equipment"], tick["equipment"][0]]}
    texts = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"42",
        b'"equipment_status"',
        b"<!doctype html><script>alert(1)</script>",
        b"[" * 100_000,
        b'{"type":"equipment_status"}',
        b'{"type":"shutdown","timestamp":"2025-11-03T10:30:45.123Z"}',
        json.dumps({**tick, "timestamp": "yesterday"}).encode(),
        json.dumps({**tick, "equipment": {}}).encode(),
        json.dumps({**tick, "equipment": [None]}).encode(),
        json.dumps(doubled).encode(),
        _spoiled(tick, status="exploded"),
        _spoiled(tick, tags=None),
        _spoiled(tick, tags={"status_tag": "1", "error_tag": 0, "connection": True}),
        _spoiled(tick, tags={"status_tag": 1, "error_tag": 0}),
        _spoiled(tick, equipment_code=17),
        _spoiled(tick, last_updated="soon"),
        _spoiled(tick, last_updated=10**400),
    ]
    return [frame(text) for text in texts] + [frame(b"\x00\xff", BINARY)]


def around_every_tick(counts: list[int]) -> Callable[[bytes], list[bytes]]:
    """Return a rewriting that surrounds every tick with garbage and counts it into `counts`."""

    def rewrite(payload: bytes) -> list[bytes]:
        message = json.loads(payload)
        if message["type"] != "equipment_status":
            return [frame(payload)]
        before, after = garbage(message), garbage(message)
        counts.append(len(before) + len(after))
        return [*before, frame(payload), *after]

    return rewrite


def test_malformed_messages_are_counted_and_change_nothing(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    counts: list[int] = []
    relay = Relay(steady_plant.own_pages[0], steady.port, around_every_tick(counts))
    with relay.running():
        monitor = open_monitor(relay.address)
        errors: list[str] = []
        monitor.page.on("pageerror", lambda error: errors.append(str(error)))
        monitor.expect_live(17)
        monitor.expect_colors(steady_plant.codes, GREEN)
        steady_plant.order(RUNNING, "fault")
        expect(monitor.box(RUNNING)).to_have_attribute("data-color", PURPLE, timeout=TICK_MS)
        steady_plant.order(RUNNING, "run")
        expect(monitor.box(RUNNING)).to_have_attribute("data-color", GREEN, timeout=TICK_MS)
        monitor.page.wait_for_function(
            """() => /\\d{2,}/.test(document.querySelector('span[data-phase]').title)"""
        )
        monitor.expect_connection("connected")
        counted = int("".join(filter(str.isdigit, monitor.pill.get_attribute("title") or "0")))
        sent = sum(counts)
        assert counted % counts[0] == 0, "every one is counted, and nothing else"
        assert sent - 2 * counts[0] <= counted <= sent
        assert not monitor.turned(RED, 0), "no spoiled tick was believed, not for a moment"
        assert errors == []


def test_a_name_that_is_markup_is_shown_as_text(
    steady: Server, steady_plant: Plant, open_monitor: OpenMonitor
) -> None:
    name = "<img src=x onerror=\"document.title='taken over'\">"

    def rename(payload: bytes) -> list[bytes]:
        message = json.loads(payload)
        for machine in message["equipment"]:
            if machine["equipment_code"] == STOPPED:
                machine["equipment_name"] = name
        return [frame(json.dumps(message).encode())]

    relay = Relay(steady_plant.own_pages[1], steady.port, rename)
    with relay.running():
        monitor = open_monitor(relay.address)
        monitor.expect_live(17)
        expect(monitor.box(STOPPED).get_by_text(name, exact=True)).to_be_attached()
        expect(monitor.page).not_to_have_title("taken over")
        expect(monitor.box(STOPPED).locator("img")).to_have_count(0)
