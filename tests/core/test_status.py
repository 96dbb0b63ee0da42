"""The status rule, row by row, and what must hold for any evidence at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import HOUR_MS, MINUTE_MS, ms, plant, shift
from lineside.core.model import (
    Instant,
    PlcLink,
    Quality,
    ReasonCode,
    Scalar,
    Status,
    StatusRule,
    TagRole,
    TagValue,
)
from lineside.core.planned_time import PlannedTime
from lineside.core.status import Decision, Evidence, PlcEvidence, TagEvidence, decide_status

NOW_S = 10_000.0
RULE = StatusRule(stop_after_s=300.0, stale_after_s=3.0)
ONLINE = PlcEvidence(id="PLC01", link=PlcLink.ONLINE)


def instant(monotonic_s: float) -> Instant:
    return Instant(unix_s=1_762_165_845.0 + monotonic_s, monotonic_s=monotonic_s)


def tag(address: str, value: Scalar, *, age_s: float = 0.2, since_s: float = 60.0) -> TagEvidence:
    good = TagValue(value=value, quality=Quality.GOOD, read_at=instant(NOW_S - age_s))
    steady = instant(NOW_S - since_s).unix_s
    return TagEvidence(address=address, good=good, latest=good, steady_since_s=steady)


def decide(
    status: TagEvidence | None = None,
    error: TagEvidence | None = None,
    idle: TagEvidence | None = None,
    *,
    rule: StatusRule = RULE,
    plc: PlcEvidence | None = ONLINE,
    not_running_for_s: float = 10.0,
    planned: PlannedTime | None = None,
) -> Decision:
    roles = {TagRole.STATUS: status, TagRole.ERROR: error, TagRole.IDLE: idle}
    evidence = Evidence(
        plc=plc,
        tags={role: t for role, t in roles.items() if t is not None},
        not_running_since=instant(NOW_S - not_running_for_s),
    )
    return decide_status(rule, evidence, instant(NOW_S), planned)


def test_a_run_bit_that_is_on_means_running() -> None:
    decision = decide(tag("M100", True), tag("M200", False))
    assert decision.status is Status.RUNNING
    assert decision.reason.code is ReasonCode.RUNNING
    assert decision.reason.tag == "M100"
    assert decision.reason.since_s == instant(NOW_S - 60).unix_s


def test_a_fault_wins_over_a_run_bit_that_is_still_on() -> None:
    decision = decide(tag("M100", True), tag("M200", True))
    assert decision.status is Status.ERROR
    assert (decision.reason.tag, decision.reason.value) == ("M200", True)


def test_not_running_for_less_than_stop_after_is_idle_and_says_until_when() -> None:
    decision = decide(tag("M100", 0), tag("M200", 0), not_running_for_s=299.0)
    assert decision.status is Status.IDLE
    assert decision.reason.until_s == pytest.approx(instant(NOW_S + 1).unix_s)


def test_not_running_for_stop_after_is_stopped() -> None:
    decision = decide(tag("M100", 0), tag("M200", 0), not_running_for_s=300.0)
    assert decision.status is Status.STOPPED
    assert decision.reason.since_s == instant(NOW_S - 300).unix_s


def test_stop_after_zero_means_always_stopped() -> None:
    rule = StatusRule(stop_after_s=0.0)
    assert decide(tag("M100", 0), rule=rule, not_running_for_s=0.0).status is Status.STOPPED


def test_stop_after_never_means_always_idle() -> None:
    rule = StatusRule(stop_after_s=None)
    decision = decide(tag("M100", 0), rule=rule, not_running_for_s=1e6)
    assert decision.status is Status.IDLE
    assert decision.reason.until_s is None


def test_an_idle_tag_keeps_a_waiting_machine_idle_for_ever() -> None:
    decision = decide(tag("M100", 0), idle=tag("M300", 1), not_running_for_s=1e6)
    assert decision.status is Status.IDLE
    assert decision.reason.tag == "M300"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, Status.STOPPED), (1, Status.RUNNING), (2, Status.IDLE), (7, Status.DISCONNECTED)],
)
def test_a_value_map_names_the_status_of_every_value(value: int, expected: Status) -> None:
    rule = StatusRule(value_map={0: Status.STOPPED, 1: Status.RUNNING, 2: Status.IDLE})
    assert decide(tag("D100", value), rule=rule).status is expected


@pytest.mark.parametrize("value", [2, -1, 0.5, "on", float("nan"), float("inf")])
def test_a_value_that_nothing_explains_is_never_shown_as_a_machine_status(value: Scalar) -> None:
    mapped = StatusRule(value_map={0: Status.STOPPED, 1: Status.RUNNING})
    for rule in (RULE, mapped):
        decision = decide(tag("D100", value), rule=rule)
        assert decision.status is Status.DISCONNECTED
        assert decision.reason.code is ReasonCode.UNMAPPED_VALUE


def test_equipment_with_one_stale_tag_is_disconnected_never_running() -> None:
    decision = decide(tag("M100", True), tag("M200", False, age_s=3.0))
    assert decision.status is Status.DISCONNECTED
    assert not decision.is_connected
    assert decision.reason.code is ReasonCode.STALE
    assert decision.reason.tag == "M200"


def test_a_lost_plc_disconnects_its_equipment_even_while_the_last_read_is_fresh() -> None:
    plc = PlcEvidence(id="PLC01", link=PlcLink.LOST, since_s=5.0, fault="no answer in 1 s")
    decision = decide(tag("M100", True), plc=plc)
    assert decision.status is Status.DISCONNECTED
    assert decision.reason.code is ReasonCode.PLC_LOST
    assert decision.reason.detail == "no answer in 1 s"


def test_an_alarm_code_that_cannot_be_read_has_no_say_in_the_status() -> None:
    never_read = TagEvidence(address="D200")
    tags = {TagRole.STATUS: tag("M100", 1), TagRole.ALARM_CODE: never_read}
    decision = decide_status(RULE, Evidence(plc=ONLINE, tags=tags), instant(NOW_S))
    assert decision.status is Status.RUNNING


def test_one_failed_poll_alone_does_not_turn_a_machine_gray() -> None:
    plc = PlcEvidence(id="PLC01", link=PlcLink.RETRYING, fault="connection reset")
    assert decide(tag("M100", True), plc=plc).status is Status.RUNNING


@pytest.mark.parametrize(
    ("quality", "code"),
    [(Quality.BAD, ReasonCode.TAG_BAD), (Quality.UNCERTAIN, ReasonCode.PLC_NOT_IN_RUN)],
)
def test_a_read_that_is_not_good_keeps_the_last_status_only_until_it_is_stale(
    quality: Quality, code: ReasonCode
) -> None:
    value = None if quality is Quality.BAD else True
    latest = TagValue(value=value, quality=quality, read_at=instant(NOW_S), reason="because")
    for age_s, expected in [(2.9, Status.RUNNING), (3.0, Status.DISCONNECTED)]:
        good = tag("M100", True, age_s=age_s).good
        decision = decide(TagEvidence(address="M100", good=good, latest=latest))
        assert decision.status is expected
    assert (decision.reason.code, decision.reason.detail) == (code, "because")


def test_a_heartbeat_that_stands_still_disconnects() -> None:
    def with_heartbeat(age_s: float) -> Decision:
        plc = PlcEvidence(
            id="PLC01",
            link=PlcLink.ONLINE,
            heartbeat="D0",
            heartbeat_timeout_s=3.0,
            heartbeat_moved_at=instant(NOW_S - age_s),
        )
        return decide(tag("M100", True), plc=plc)

    assert with_heartbeat(2.9).status is Status.RUNNING
    frozen = with_heartbeat(3.1)
    assert frozen.status is Status.DISCONNECTED
    assert (frozen.reason.code, frozen.reason.tag) == (ReasonCode.HEARTBEAT_STILL, "D0")


def test_a_heartbeat_that_was_never_read_disconnects() -> None:
    plc = PlcEvidence(id="PLC01", link=PlcLink.ONLINE, heartbeat="D0")
    decision = decide(tag("M100", True), plc=plc)
    assert decision.status is Status.DISCONNECTED
    assert decision.reason.code is ReasonCode.HEARTBEAT_STILL


def test_equipment_without_tags_is_disconnected_as_not_configured() -> None:
    for decision in (decide(), decide(tag("M100", True), plc=None)):
        assert decision.status is Status.DISCONNECTED
        assert decision.reason.code is ReasonCode.NOT_CONFIGURED


def test_a_tag_that_was_never_read_says_why_the_plc_is_silent() -> None:
    plc = PlcEvidence(id="PLC01", link=PlcLink.CONNECTING, fault="connection refused")
    decision = decide(TagEvidence(address="M100"), plc=plc)
    assert decision.status is Status.DISCONNECTED
    assert decision.reason.code is ReasonCode.NEVER_READ
    assert decision.reason.detail == "connection refused"
    answering = decide(TagEvidence(address="M100"), plc=ONLINE)
    assert answering.reason.detail == "M100 has not been read yet"


ages = st.floats(0, 100)
tags = st.one_of(
    st.none(),
    st.builds(
        lambda value, age_s: tag("M1", value, age_s=age_s),
        st.one_of(st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=3)),
        ages,
    ),
)


@given(tags, tags, tags, st.sampled_from(PlcLink), ages, st.none() | st.floats(0, 50))
def test_for_any_evidence_connection_is_false_exactly_when_disconnected(
    status: Any, error: Any, idle: Any, link: PlcLink, waited_s: float, stop_after_s: float | None
) -> None:
    rule = StatusRule(stop_after_s=stop_after_s, stale_after_s=3.0)
    plc = PlcEvidence(id="PLC01", link=link)
    decision = decide(status, error, idle, rule=rule, plc=plc, not_running_for_s=waited_s)
    used = [t for t in (status, error, idle) if t is not None]
    is_fresh = all(NOW_S - t.good.read_at.monotonic_s < 3.0 for t in used)
    if decision.status is not Status.DISCONNECTED:
        assert status is not None
        assert is_fresh
        assert link is not PlcLink.LOST
    assert decision.is_connected == (decision.status is not Status.DISCONNECTED)


# NOW is Monday, 2025-11-03, 22:17:25 in Korea.
NOW_MS = round(instant(NOW_S).unix_s * 1000)


def working(hours: str, *breaks: str) -> PlannedTime:
    return PlannedTime(plant(shift("shift", hours, *breaks)).of_line("weld1"))


IN_SHIFT = working("14:00-23:00")
IN_BREAK = working("14:00-23:00", "22:00-22:30")
AFTER_SHIFT = working("06:00-22:00")
# The break is over since 22:15, two minutes and 25 seconds ago.
AFTER_BREAK = working("14:00-23:00", "21:45-22:15")


def test_now_is_where_these_tests_take_it_to_be() -> None:
    assert 0 <= NOW_MS - ms("2025-11-03 22:17:25") < 1000


@pytest.mark.parametrize("planned", [IN_BREAK, AFTER_SHIFT])
@pytest.mark.parametrize("stop_after_s", [0.0, 300.0, None])
def test_outside_of_a_shift_and_in_a_break_a_waiting_machine_is_idle_however_long(
    planned: PlannedTime, stop_after_s: float | None
) -> None:
    rule = StatusRule(stop_after_s=stop_after_s)
    decision = decide(tag("M100", 0), rule=rule, not_running_for_s=9_000.0, planned=planned)
    assert decision.status is Status.IDLE
    assert decision.reason.code is ReasonCode.OUTSIDE_SHIFT
    assert (decision.reason.tag, decision.reason.value) == ("M100", 0)
    assert decision.reason.since_s == instant(NOW_S - 9_000.0).unix_s


def test_outside_of_a_shift_the_reason_says_when_work_is_planned_again() -> None:
    in_break = decide(tag("M100", 0), planned=IN_BREAK).reason
    assert in_break.until_s == ms("2025-11-03 22:30") / 1000
    after = decide(tag("M100", 0), planned=AFTER_SHIFT).reason
    assert after.until_s == ms("2025-11-04 06:00") / 1000


def test_outside_of_a_shift_running_fault_idle_tag_and_unseen_are_told_as_ever() -> None:
    for status, error, idle in ((1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1)):
        tags = (tag("M100", status), tag("M200", error), tag("M300", idle))
        assert decide(*tags, planned=AFTER_SHIFT) == decide(*tags)
    stale = tag("M100", 0, age_s=4.0)
    assert decide(stale, planned=AFTER_SHIFT).status is Status.DISCONNECTED


def test_outside_of_a_shift_a_value_that_means_stopped_shows_idle_and_the_others_as_mapped() -> (
    None
):
    rule = StatusRule(value_map={0: Status.STOPPED, 1: Status.RUNNING, 3: Status.ERROR})
    decision = decide(tag("D100", 0), rule=rule, planned=AFTER_SHIFT)
    assert (decision.status, decision.reason.code) == (Status.IDLE, ReasonCode.OUTSIDE_SHIFT)
    for value in (1, 3, 7):
        assert decide(tag("D100", value), rule=rule, planned=AFTER_SHIFT) == decide(
            tag("D100", value), rule=rule
        )
    assert decide(tag("D100", 0), rule=rule, planned=IN_SHIFT).status is Status.STOPPED


@pytest.mark.parametrize("waited_s", [0.0, 10.0, 299.0, 300.0, 5_000.0])
def test_in_a_shift_a_machine_that_waited_in_it_alone_is_judged_as_without_shifts(
    waited_s: float,
) -> None:
    in_shift = decide(tag("M100", 0), not_running_for_s=waited_s, planned=IN_SHIFT)
    always = decide(tag("M100", 0), not_running_for_s=waited_s)
    assert in_shift.status is always.status
    assert in_shift.reason.code is always.reason.code
    assert in_shift.reason.since_s == always.reason.since_s
    assert in_shift.reason.until_s == pytest.approx(always.reason.until_s)


def test_the_stop_timer_stands_still_in_a_break() -> None:
    """Stood since 21:43:00, two minutes before the break, and 2:25 since: not yet five."""
    since_s = (NOW_MS - ms("2025-11-03 21:43")) / 1000
    decision = decide(tag("M100", 0), not_running_for_s=since_s, planned=AFTER_BREAK)
    assert decision.status is Status.IDLE
    assert decision.reason.until_s == pytest.approx(ms("2025-11-03 22:18") / 1000, abs=0.002)
    earlier = decide(tag("M100", 0), not_running_for_s=since_s + 60, planned=AFTER_BREAK)
    assert earlier.status is Status.STOPPED
    assert earlier.reason.since_s == pytest.approx(ms("2025-11-03 21:42") / 1000, abs=0.002)


def test_idle_that_a_break_interrupts_becomes_stopped_after_the_break() -> None:
    planned = working("14:00-23:00", "22:20-22:40")
    decision = decide(tag("M100", 0), not_running_for_s=60.0, planned=planned)
    until_ms = NOW_MS + 4 * MINUTE_MS + 20 * MINUTE_MS
    assert decision.reason.until_s == pytest.approx(until_ms / 1000, abs=0.002)


def test_idle_with_no_more_planned_time_has_no_end() -> None:
    rule = StatusRule(stop_after_s=7 * 86_400.0)
    far = decide(tag("M100", 0), rule=rule, planned=IN_SHIFT).reason.until_s
    assert far is not None
    assert far * 1000 > NOW_MS + 500 * HOUR_MS  # 168 hours of nine a day, five days a week


@given(
    status=st.sampled_from([0, 1, 0.5]),
    error=st.sampled_from([0, 1]),
    idle=st.sampled_from([0, 1]),
    waited_s=st.floats(0, 1e6),
    stop_after_s=st.sampled_from([None, 0.0, 60.0, 300.0, 604_800.0]),
    planned=st.sampled_from([IN_SHIFT, IN_BREAK, AFTER_SHIFT, AFTER_BREAK]),
)
def test_shifts_change_nothing_but_stopped_and_idle_and_only_towards_idle(
    status: Scalar,
    error: int,
    idle: int,
    waited_s: float,
    stop_after_s: float | None,
    planned: PlannedTime,
) -> None:
    rule = StatusRule(stop_after_s=stop_after_s)
    tags = (tag("M100", status), tag("M200", error), tag("M300", idle))
    always = decide(*tags, rule=rule, not_running_for_s=waited_s)
    shifted = decide(*tags, rule=rule, not_running_for_s=waited_s, planned=planned)
    if shifted.status is not always.status:
        assert (always.status, shifted.status) == (Status.STOPPED, Status.IDLE)
    if not planned.is_planned(NOW_MS):
        assert shifted.status is not Status.STOPPED
