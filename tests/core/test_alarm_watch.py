"""When a fault counts as risen and as gone: examples, and a plain second reading of the rule."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from builders import T0_S, instant
from lineside.core.alarm_text import AlarmRules
from lineside.core.alarm_watch import FaultWatch, Sight, Turn, sight_of_link, sight_of_status
from lineside.core.model import PlcLink, Status

ON, OFF, UNSEEN = Sight.ON, Sight.OFF, Sight.UNSEEN
AT_ONCE = AlarmRules()


def turns(sights: list[tuple[int, Sight]], rules: AlarmRules, until: int = 0) -> list[Turn]:
    """Tell a watch what is seen at which second, with a look at every second between."""
    watch, found = FaultWatch(), []
    told = dict(sights)
    for second in range(max([until, *told]) + 1):
        at = instant(T0_S + second)
        turn = watch.see(told[second], at, rules) if second in told else watch.due(at, rules)
        if turn is not None:
            found.append(turn)
    return found


def seconds(found: list[Turn]) -> list[tuple[bool, float]]:
    return [(turn.is_on, turn.since.unix_s - T0_S) for turn in found]


def test_a_fault_rises_and_falls() -> None:
    assert seconds(turns([(0, OFF), (3, ON), (9, OFF)], AT_ONCE)) == [(True, 3), (False, 9)]


def test_what_stood_at_first_sight_has_not_risen() -> None:
    assert seconds(turns([(0, ON), (5, ON), (9, OFF)], AT_ONCE)) == [(False, 9)]


def test_error_disconnected_error_is_one_alarm() -> None:
    sights = [(0, OFF), (1, ON), (2, UNSEEN), (60, ON), (70, OFF)]
    assert seconds(turns(sights, AT_ONCE)) == [(True, 1), (False, 70)]


def test_a_fault_shorter_than_the_on_delay_is_none() -> None:
    rules = AlarmRules(on_delay_s=3)
    assert turns([(0, OFF), (1, ON), (3, OFF)], rules, 20) == []
    assert seconds(turns([(0, OFF), (1, ON), (4, ON)], rules, 20)) == [(True, 1)]


def test_flicker_within_the_off_delay_is_one_alarm() -> None:
    rules = AlarmRules(off_delay_s=5)
    sights = [(0, OFF), (1, ON), (2, OFF), (4, ON), (6, OFF), (8, ON), (10, OFF)]
    assert seconds(turns(sights, rules, 30)) == [(True, 1), (False, 10)]


def test_a_delay_does_not_run_while_nothing_is_seen() -> None:
    rules = AlarmRules(on_delay_s=3, off_delay_s=3)
    assert turns([(0, OFF), (1, ON), (2, UNSEEN)], rules, 60) == []
    assert seconds(turns([(0, OFF), (1, ON), (2, UNSEEN), (30, ON)], rules, 60)) == [(True, 30)]


def test_statuses_and_links_tell_of_faults() -> None:
    assert [sight_of_status(s) for s in Status] == [OFF, OFF, OFF, ON, UNSEEN]
    assert {link: sight_of_link(link) for link in PlcLink} == {
        PlcLink.CONNECTING: UNSEEN,
        PlcLink.ONLINE: OFF,
        PlcLink.RETRYING: UNSEEN,
        PlcLink.LOST: ON,
    }


def expected(sights: list[Sight], rules: AlarmRules) -> list[tuple[bool, float]]:
    """Say the same by looking back from every second; sight n is what is seen at second n."""
    is_on: bool | None = None
    found: list[tuple[bool, float]] = []
    last_turn = -1
    for second, sight in enumerate(sights):
        if sight is UNSEEN:
            continue
        if is_on is None:
            is_on = sight is ON
        contrary = OFF if is_on else ON
        begin = second
        while begin > last_turn and sights[begin] is contrary:
            begin -= 1
        begin += 1
        delay = rules.off_delay_s if is_on else rules.on_delay_s
        if sight is contrary and second - begin >= delay:
            is_on, last_turn = not is_on, second
            found.append((is_on, float(begin)))
    return found


@given(
    st.lists(st.sampled_from(Sight), min_size=1, max_size=60), st.integers(0, 5), st.integers(0, 5)
)
def test_turns_are_as_a_look_back_says(sights: list[Sight], on_s: int, off_s: int) -> None:
    rules = AlarmRules(on_delay_s=on_s, off_delay_s=off_s)
    found = turns(list(enumerate(sights)), rules)
    assert seconds(found) == expected(sights, rules)
    # They alternate: an alarm that stands cannot rise.
    assert all(a.is_on is not b.is_on for a, b in pairwise(found))
