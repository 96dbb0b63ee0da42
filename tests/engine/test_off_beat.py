"""What beats in step with the polls: lamps and counters whose period is that of the ticks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from engine.scripted_plc import ScriptedPlc
from lineside.bus import MemoryBus
from lineside.core.model import (
    Equipment,
    Line,
    Plc,
    ReasonCode,
    Scalar,
    Site,
    Snapshot,
    StateChange,
    Status,
    StatusRule,
    TagRole,
)
from lineside.core.ports import BusMessage
from lineside.engine import Engine, PollTarget
from virtual_time import VirtualTimeLoop, run_beside

CODE = "KRCWO12ELOA101"
TEN_MINUTES_S = 600.0


def square(hertz: float, phase: float) -> Callable[[float], Scalar]:
    """Return a lamp that is on in the first half of its period; `phase` is a share of it."""
    return lambda now_s: int((now_s * hertz + phase) % 1.0 < 0.5)


def counter(step_s: float, modulus: int) -> Callable[[float], Scalar]:
    """Return a word that counts up every `step_s` seconds, and begins again at `modulus`."""
    return lambda now_s: int(now_s / step_s) % modulus


def play(
    beats: dict[str, Callable[[float], Scalar]],
    *,
    heartbeat: str | None = None,
    error_hold_s: float = 0.0,
    seconds: float = TEN_MINUTES_S,
    answer_s: float = 0.01,
) -> tuple[list[Snapshot], list[StateChange], ScriptedPlc]:
    """Run an engine over one machine that runs, on virtual time; return what was published."""
    loop = VirtualTimeLoop()
    scripted = ScriptedPlc(
        "PLC01", loop.clock, tags={"M100": 1, "M200": 0}, beats=beats, answer_s=answer_s
    )
    machine = Equipment(
        code=CODE,
        name="용접",
        line_id="weld1",
        plc_id="PLC01",
        addresses={TagRole.STATUS: "M100", TagRole.ERROR: "M200"},
        rule=StatusRule(error_hold_s=error_hold_s),
    )
    plc = Plc(
        id="PLC01",
        driver="melsec",
        endpoint="-",
        heartbeat=heartbeat,
        has_lamps=error_hold_s > 0,
    )
    line = Line(id="weld1", name="용접 1라인", equipment=(machine,))
    heard: list[BusMessage] = []
    bus = MemoryBus()
    bus.subscribe(heard.append)
    target = PollTarget(plc=plc, make_driver=lambda: scripted, fingerprint="")
    engine = Engine(Site(lines=(line,), plcs=(plc,)), [target], bus, loop.clock)
    run_beside(engine.run(), asyncio.sleep(seconds), loop)
    snapshots = [message for message in heard if isinstance(message, Snapshot)]
    changes = [message for message in heard if isinstance(message, StateChange)]
    return snapshots, changes, scripted


def statuses(snapshots: list[Snapshot]) -> list[Status]:
    return [snapshot.lines[0].equipment[0].status for snapshot in snapshots]


@pytest.mark.parametrize("phase", [n / 8 for n in range(8)])
@pytest.mark.parametrize("hertz", [0.5, 0.8, 1.0, 1.25, 2.0, 4.0])
def test_a_fault_shown_by_a_lamp_that_blinks_is_one_fault(hertz: float, phase: float) -> None:
    snapshots, changes, _ = play({"M200": square(hertz, phase)}, error_hold_s=4.0)
    shown = statuses(snapshots)
    first = shown.index(Status.ERROR)
    assert first <= 4
    assert set(shown[first:]) == {Status.ERROR}
    assert [change.status for change in changes].count(Status.ERROR) == 1
    reason = snapshots[-1].lines[0].equipment[0].reason
    assert (reason.code, reason.tag, reason.value) == (ReasonCode.ERROR_TAG, "M200", 1)
    assert reason.since_s == pytest.approx(changes[-1].at_s, abs=0.05)


def test_a_held_fault_is_over_so_long_after_its_lamp_was_last_on() -> None:
    def lamp(now_s: float) -> Scalar:
        return square(1.0, 0.0)(now_s) if now_s < 60.0 else 0

    snapshots, changes, _ = play({"M200": lamp}, error_hold_s=4.0)
    assert changes[-1].status is Status.RUNNING
    over_s = changes[-1].at_s - snapshots[0].at.unix_s + snapshots[0].at.monotonic_s
    assert 61.0 <= over_s <= 65.0
    assert statuses(snapshots)[-1] is Status.RUNNING


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5, 0.75])
def test_a_lamp_that_nobody_named_is_seen_and_told(phase: float) -> None:
    with capture_logs() as logs:
        _, changes, _ = play({"M200": square(1.0, phase)})
    assert Status.ERROR in [change.status for change in changes]
    told = [entry for entry in logs if "error_hold" in entry["event"]]
    assert [(entry["equipment"], entry["tag"]) for entry in told] == [(CODE, "M200")]


@pytest.mark.parametrize("phase", [n / 8 for n in range(8)])
@pytest.mark.parametrize(
    "beat",
    [
        pytest.param(lambda phase: square(1.0, phase), id="SM412, a clock of 1 Hz"),
        pytest.param(lambda phase: square(2.0, phase), id="a clock of 2 Hz"),
        pytest.param(lambda phase: square(5.0, phase), id="SM411, a clock of 5 Hz"),
        pytest.param(lambda phase: square(10.0, phase), id="SM410, a clock of 10 Hz"),
        pytest.param(lambda phase: square(0.5, phase), id="SM413, a clock of half a Hz"),
        pytest.param(lambda _: counter(0.1, 10), id="0 to 9, one each 100 ms"),
        pytest.param(lambda _: counter(0.01, 100), id="0 to 99, one each 10 ms"),
    ],
)
def test_a_heartbeat_that_beats_with_the_ticks_is_seen_to_beat(
    beat: Callable[[float], Callable[[float], Scalar]], phase: float
) -> None:
    snapshots, _, _ = play({"D0": beat(phase)}, heartbeat="D0")
    assert set(statuses(snapshots)[2:]) == {Status.RUNNING}


def test_a_heartbeat_that_stands_still_is_seen_to_stand_still() -> None:
    snapshots, _, _ = play({"D0": lambda now_s: 7}, heartbeat="D0", seconds=20)
    assert set(statuses(snapshots)[6:]) == {Status.DISCONNECTED}


def test_a_plc_that_counts_once_a_second_is_asked_hardly_more_often() -> None:
    _, _, plc = play({"D0": counter(1.0, 100)}, heartbeat="D0")
    assert len(plc.read_times_s) <= TEN_MINUTES_S * 1.15


@pytest.mark.parametrize("answer_s", [0.3, 0.45, 0.6, 0.9])
def test_a_look_never_makes_a_poll_late(answer_s: float) -> None:
    snapshots, _, _ = play({"M200": square(1.0, 0.0)}, error_hold_s=4.0, answer_s=answer_s)
    assert snapshots[-1].plcs[0].late_poll_count <= 1
    assert snapshots[-1].plcs[0].missed_poll_count == 0
