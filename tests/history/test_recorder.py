"""What the recorder makes of the bus: runs without holes, and never a wait."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from builders import T0_S, code, line, plc_states, site, site_change, state_change
from history.told import T0_MS, tick
from lineside.core.limits import FRESH_FOR_S
from lineside.core.model import PlcLink, Status
from lineside.history.recorder import GAP_S, Recorder
from lineside.history.records import (
    Batch,
    ChangeRecord,
    ConfigRecord,
    PlcRecord,
    RunCause,
    ServerEventKind,
    ServerRecord,
)

RUNNING, IDLE, ERROR = Status.RUNNING, Status.IDLE, Status.ERROR


def started(queue_max: int = 100_000) -> Recorder:
    """A recorder that has heard the configuration and one tick."""
    recorder = Recorder("1.2.3", queue_max=queue_max)
    recorder.on_message(site_change(site()))
    recorder.on_message(tick(0))
    return recorder


def everything(recorder: Recorder) -> list[Batch]:
    batches = []
    while recorder:
        batch = recorder.take(1000)
        assert batch is not None
        batches.append(batch)
    return batches


def changes(batch: Batch) -> list[ChangeRecord]:
    return [each for each in batch.records if isinstance(each, ChangeRecord)]


def kinds(batch: Batch) -> list[ServerEventKind]:
    return [each.kind for each in batch.records if isinstance(each, ServerRecord)]


def test_the_first_message_begins_a_run_with_the_configuration() -> None:
    (batch,) = everything(started())
    assert batch.run.cause is RunCause.START
    assert batch.run.started_ms == T0_MS
    assert kinds(batch) == [ServerEventKind.START]
    assert sum(isinstance(each, ConfigRecord) for each in batch.records) == 1
    assert [each.seq for each in batch.records] == list(range(1, len(batch.records) + 1))


def test_a_change_is_kept_with_its_reason_and_its_raw_tags() -> None:
    recorder = started()
    everything(recorder)
    state = tick(1).lines[0].equipment[0]
    change = replace(state_change(101, ERROR, at_s=T0_S + 1.5), tags=state.tags)
    recorder.on_message(change)
    (batch,) = everything(recorder)
    (kept,) = changes(batch)
    assert (kept.equipment_code, kept.at_ms) == (code(101), T0_MS + 1500)
    assert (kept.previous, kept.status) == (RUNNING, ERROR)
    assert (kept.reason, kept.tag, kept.value) == ("error_tag", "M200", "1")
    assert kept.tags.startswith('[["status_tag","M101",1,')


def test_a_plc_is_recorded_when_its_link_changes_and_not_at_every_tick() -> None:
    recorder = started()
    first = [e for b in everything(recorder) for e in b.records if isinstance(e, PlcRecord)]
    assert [(each.plc_id, each.link) for each in first] == [
        ("PLC01", PlcLink.ONLINE),
        ("PLC02", PlcLink.LOST),
    ]
    assert (first[1].fault, first[1].end_code) == ("The PLC refused the request.", 0xC201)
    recorder.on_message(tick(1))
    assert not recorder
    lost = replace(plc_states(T0_S)[0], link=PlcLink.LOST)
    recorder.on_message(replace(tick(2), plcs=(lost, tick(2).plcs[1])))
    (batch,) = everything(recorder)
    assert [(each.plc_id, each.at_ms) for each in batch.records] == [("PLC01", T0_MS + 2000)]  # type: ignore[union-attr]


def test_ticks_without_news_move_only_the_sign_of_life() -> None:
    recorder = started()
    everything(recorder)
    for second in range(1, 5):
        recorder.on_message(tick(second))
    batch = recorder.take(1000)
    assert batch is not None
    assert (batch.records, batch.alive_ms) == ((), T0_MS + 4000)


def test_a_batch_that_leaves_something_in_the_queue_claims_no_more_than_its_last_record() -> None:
    recorder = started()
    everything(recorder)
    recorder.on_message(state_change(101, IDLE, at_s=T0_S + 0.2))
    recorder.on_message(state_change(102, IDLE, at_s=T0_S + 0.4))
    recorder.on_message(tick(1))
    first, second = recorder.take(1), recorder.take(1)
    assert first is not None
    assert second is not None
    assert (first.alive_ms, second.alive_ms) == (T0_MS + 200, T0_MS + 1000)


def test_times_of_one_machine_never_go_back_within_a_run() -> None:
    recorder = started()
    everything(recorder)
    recorder.on_message(state_change(101, IDLE, at_s=T0_S + 0.5))
    recorder.on_message(state_change(101, RUNNING, at_s=T0_S + 0.4))
    recorder.on_message(state_change(102, RUNNING, at_s=T0_S + 0.4))
    (batch,) = everything(recorder)
    assert [each.at_ms - T0_MS for each in changes(batch)] == [500, 500, 400]


@pytest.mark.parametrize("step_s", [-3600.0, -2.0, 2.0, 86_400.0])
def test_a_step_of_the_clock_ends_the_run_and_begins_one_with_what_the_tick_shows(
    step_s: float,
) -> None:
    recorder = started()
    everything(recorder)
    recorder.on_message(tick(1))
    recorder.on_message(tick(2, step_s=step_s))
    old, new = everything(recorder)
    assert old.stopped_ms == T0_MS + 2000
    assert old.corrected_ms == step_s * 1000
    assert new.run.cause is RunCause.CLOCK_STEP
    assert new.run.started_ms == T0_MS + 2000 + round(step_s * 1000)
    assert kinds(new) == [ServerEventKind.CLOCK_STEP]
    assert len(changes(new)) == 7
    assert {each.previous for each in changes(new)} == {None}
    assert sum(isinstance(each, PlcRecord) for each in new.records) == 2


def test_a_slewed_clock_is_no_step() -> None:
    recorder = started()
    everything(recorder)
    for second in range(1, 60):
        recorder.on_message(tick(second, step_s=0.05 * second))
    assert not recorder


def test_time_without_ticks_ends_the_run_at_the_last_tick() -> None:
    recorder = started()
    recorder.on_message(tick(1))
    everything(recorder)
    late = 2 + int(GAP_S)
    recorder.on_message(tick(late))
    old, new = everything(recorder)
    assert old.stopped_ms == T0_MS + 1000
    assert (new.run.cause, new.run.started_ms) == (RunCause.GAP, T0_MS + late * 1000)


def test_time_in_which_the_board_showed_nothing_is_in_no_run() -> None:
    recorder = started()
    recorder.on_message(tick(1))
    everything(recorder)
    recorder.on_message(tick(2 + int(FRESH_FOR_S)))
    old, new = everything(recorder)
    assert (old.stopped_ms, new.run.cause) == (T0_MS + 1000, RunCause.GAP)


def test_what_finds_no_room_is_counted_and_the_run_ends_where_it_was_last_whole() -> None:
    recorder = started(queue_max=40)
    everything(recorder)
    recorder.on_message(tick(1))
    for number in range(50):
        status = (RUNNING, IDLE)[number % 2]
        recorder.on_message(state_change(101, status, at_s=T0_S + 1.1 + number / 100))
    recorder.on_message(tick(2))  # finds no room yet
    assert recorder.lost_count == 10
    recorder.on_message(state_change(102, IDLE, at_s=T0_S + 2.5))
    assert recorder.lost_count == 11
    kept = everything(recorder)
    assert sum(len(changes(batch)) for batch in kept) == 40
    recorder.on_message(tick(3))
    old, new = everything(recorder)
    assert old.stopped_ms == T0_MS, "what is lost may be up to LATE_MAX_MS older than the tick"
    assert (new.run.cause, new.run.started_ms) == (RunCause.LOST, T0_MS + 3000)
    assert kinds(new) == [ServerEventKind.LOST]
    assert len(changes(new)) == 7


def test_a_machine_that_leaves_the_configuration_is_no_longer_watched() -> None:
    recorder = started()
    everything(recorder)
    smaller = site(line("weld1", range(101, 105)))
    recorder.on_message(site_change(smaller, at_s=T0_S + 0.5))
    recorder.on_message(state_change(105, ERROR, at_s=T0_S + 0.6))  # decided just before
    (batch,) = everything(recorder)
    gone = [each.equipment_code for each in changes(batch) if each.status is None]
    assert gone == [code(105), code(201), code(202)]
    assert kinds(batch) == [ServerEventKind.CONFIG]
    assert len(changes(batch)) == 3


def test_after_its_end_a_run_hears_nothing_more() -> None:
    recorder = started()
    recorder.on_message(tick(1))
    recorder.end(T0_S + 1.5)
    recorder.on_message(state_change(101, ERROR, at_s=T0_S + 2))
    recorder.on_message(tick(2))
    batches = everything(recorder)
    assert batches[-1].stopped_ms == T0_MS + 1500
    assert kinds(batches[-1])[-1] is ServerEventKind.STOP
    assert recorder.take(10) is None or not recorder.take(10).records  # type: ignore[union-attr]


def test_notes_of_the_writer_come_with_the_next_tick() -> None:
    recorder = started()
    everything(recorder)
    recorder.note(ServerEventKind.HISTORY_BEHIND, T0_MS + 10, "the database is locked")
    assert not recorder
    recorder.on_message(tick(1))
    (batch,) = everything(recorder)
    assert kinds(batch) == [ServerEventKind.HISTORY_BEHIND]


def test_it_wakes_the_writer_once_for_all_that_comes_together() -> None:
    woken: list[int] = []
    recorder = Recorder("1", lambda: woken.append(1))
    recorder.on_message(site_change(site()))
    for number in range(5):
        recorder.on_message(state_change(101 + number, IDLE))
    assert len(woken) == 1
    everything(recorder)
    recorder.on_message(state_change(101, RUNNING, at_s=T0_S + 1))
    assert len(woken) == 2
