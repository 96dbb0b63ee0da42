from msgspec.structs import replace

from builders import (
    T0_S,
    TurnedClock,
    code,
    line,
    site,
    site_change,
    snapshot,
    state_change,
)
from lineside.core import limits
from lineside.core.model import Status
from lineside.web.live import CHANGES_MAX, LiveView


def test_board_ticks_until_the_newest_snapshot_is_older_than_three_seconds() -> None:
    clock = TurnedClock()
    live = LiveView(clock)
    assert live.snapshot_age_s() is None
    assert not live.is_ticking()
    live.on_message(snapshot(site()))
    clock.turn(3.0)
    assert live.is_ticking()
    clock.turn(0.1)
    assert not live.is_ticking()
    live.on_message(snapshot(site(), sequence=2, at_s=clock.unix_s))
    assert live.is_ticking()


def test_only_the_newest_changes_of_a_machine_are_kept() -> None:
    live = LiveView(TurnedClock())
    live.on_message(site_change(site()))
    kept = limits.RECENT_CHANGES_PER_EQUIPMENT
    for number in range(kept + 10):
        live.on_message(state_change(101, Status.IDLE, at_s=T0_S + number))
    changes = live.changes(code(101))
    assert len(changes) == kept
    assert changes[0].at_s == T0_S + 10
    assert changes[-1].at_s == T0_S + kept + 9


def test_machine_whose_oldest_changes_were_dropped_is_known_only_since_the_oldest_kept() -> None:
    live = LiveView(TurnedClock())
    live.on_message(site_change(site()))
    live.on_message(snapshot(site()))
    live.on_message(state_change(101, Status.IDLE, at_s=T0_S + 5))
    assert live.known_since_s(code(101)) == T0_S
    for number in range(limits.RECENT_CHANGES_PER_EQUIPMENT):
        live.on_message(state_change(101, Status.IDLE, at_s=T0_S + 100 + number))
    assert live.known_since_s(code(101)) == T0_S + 100


def test_equipment_that_leaves_the_site_is_forgotten_and_the_rest_is_not() -> None:
    live = LiveView(TurnedClock())
    live.on_message(site_change(site(line("weld1", range(101, 104)))))
    for number in (101, 103):
        live.on_message(state_change(number, Status.ERROR))
    live.on_message(site_change(site(line("weld1", range(101, 103)))))
    assert len(live.changes(code(101))) == 1
    assert live.changes(code(103)) == ()
    live.on_message(state_change(103, Status.IDLE))  # decided just before the site changed
    assert live.changes(code(103)) == ()
    assert list(live.equipment_by_code) == [code(101), code(102)]


def test_machine_added_later_is_known_only_since_it_was_first_seen() -> None:
    clock = TurnedClock()
    live = LiveView(clock)
    small, large = site(line("weld1", range(101, 102))), site(line("weld1", range(101, 103)))
    live.on_message(site_change(small))
    live.on_message(snapshot(small))
    live.on_message(site_change(large))
    live.on_message(snapshot(large, sequence=2, at_s=T0_S + 60))
    assert live.observed_since_s == T0_S
    assert live.known_since_s(code(101)) == T0_S
    assert live.known_since_s(code(102)) == T0_S + 60


def test_large_plant_keeps_fewer_changes_per_machine_so_that_memory_stays_bounded() -> None:
    live = LiveView(TurnedClock())
    count = 2_000
    live.on_message(site_change(site(line("weld1", range(1000, 1000 + count)))))
    for number in range(200):
        live.on_message(state_change(1000, Status.IDLE, at_s=T0_S + number))
    assert len(live.changes(code(1000))) == CHANGES_MAX // count == 100


def test_smaller_plant_after_a_larger_one_keeps_more_again_without_losing_any() -> None:
    live = LiveView(TurnedClock())
    live.on_message(site_change(site(line("weld1", range(1000, 3000)))))
    for number in range(100):
        live.on_message(state_change(1000, Status.IDLE, at_s=T0_S + number))
    live.on_message(site_change(site(line("weld1", range(1000, 1010)))))
    live.on_message(state_change(1000, Status.ERROR, at_s=T0_S + 200))
    assert len(live.changes(code(1000))) == 101


def test_every_snapshot_and_site_makes_a_new_revision_and_every_change_a_new_change_revision() -> (
    None
):
    live = LiveView(TurnedClock())
    seen = {(live.revision, live.change_revision)}
    for message in (site_change(site()), snapshot(site()), state_change(101, Status.ERROR)):
        live.on_message(message)
        seen.add((live.revision, live.change_revision))
    assert len(seen) == 4


def test_what_changes_within_a_status_is_no_change_of_it() -> None:
    view = LiveView(TurnedClock())
    view.on_message(site_change(site()))
    view.on_message(state_change(101, Status.ERROR))
    told = view.change_revision
    view.on_message(replace(state_change(101, Status.ERROR), previous=Status.ERROR))
    assert len(view.changes(code(101))) == 1
    assert view.change_revision == told


def test_a_configuration_is_news_again_with_the_snapshot_that_shows_its_names() -> None:
    live = LiveView(TurnedClock())
    live.on_message(site_change(site()))
    shown = snapshot(site())
    live.on_message(shown)
    before = live.news()
    live.on_message(site_change(site()))
    meanwhile = live.news()  # what was taken out is in no answer any more
    live.on_message(shown)
    after = live.news()
    assert len({before, meanwhile, after}) == 3
    live.on_message(shown)
    assert live.news() == after
