"""The past judged anew, against a board that had the other rule from the beginning."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import MINUTE_MS, ms, plant, shift
from lineside.core.board import Board
from lineside.core.calendar import WEEK, PlantCalendar
from lineside.core.model import (
    CpuState,
    Equipment,
    Instant,
    Line,
    Plc,
    PlcLink,
    PlcState,
    Quality,
    Reading,
    ReasonCode,
    Site,
    Status,
    StatusRule,
    TagRole,
    TagValue,
)
from lineside.core.spans import Span
from lineside.history.reclassify import ReasonedInterval, reclassify

BEGIN_MS = ms("2026-03-02 05:50")
STEP_MS = 10_000
CALENDARS = [
    PlantCalendar(),
    plant(shift("day", "06:00-14:00", "06:05-06:10", days=WEEK)),
    plant(shift("day", "05:00-06:00", days=WEEK), shift("late", "06:20-22:00", days=WEEK)),
]
_SIGNALS = {"M100": "r", "M200": "e", "M300": "t"}
MAP = {0: Status.STOPPED, 1: Status.RUNNING, 2: Status.IDLE}


def recorded(signals: str, rule: StatusRule, calendar: PlantCalendar) -> list[ReasonedInterval]:
    """Return what a board makes of a letter per step.

    Runs, waits, waits with its idle tag on (t), fails, is lost (d).
    """
    machine = Equipment(
        code="KRCWO12ELOA101",
        name="용접",
        line_id="weld1",
        plc_id="PLC01",
        addresses={TagRole.STATUS: "M100", TagRole.ERROR: "M200", TagRole.IDLE: "M300"},
        rule=rule,
    )
    site = Site(
        lines=(Line(id="weld1", name="용접", equipment=(machine,)),),
        plcs=(Plc(id="PLC01", driver="melsec", endpoint="127.0.0.1:5010"),),
        calendar=calendar,
    )
    board = Board(site, _instant(0))
    changes = []
    for step, letter in enumerate(signals):
        now = _instant(step)
        link = PlcLink.LOST if letter == "d" else PlcLink.ONLINE
        state = PlcState(id="PLC01", link=link, since_s=now.unix_s)
        changes += board.note_plc(state, now)
        if letter != "d":
            changes += board.fold(_reading(letter, now))
        changes += board.tick(now)[1]
    edges = [round(change.at_s * 1000) for change in changes]
    edges.append(BEGIN_MS + len(signals) * STEP_MS)
    return [
        ReasonedInterval(
            begin_ms=begin,
            end_ms=end,
            status=change.status,
            reason=change.reason.code,
            since_ms=_since_ms(change.reason.since_s),
            until_ms=_since_ms(change.reason.until_s),
        )
        for change, (begin, end) in zip(changes, pairwise(edges), strict=True)
        if begin < end
    ]


def _instant(step: int) -> Instant:
    return Instant(unix_s=(BEGIN_MS + step * STEP_MS) / 1000, monotonic_s=step * STEP_MS / 1000)


def _reading(letter: str, now: Instant) -> Reading:
    values = {address: int(letter == each) for address, each in _SIGNALS.items()}
    tags = {a: TagValue(value=v, quality=Quality.GOOD, read_at=now) for a, v in values.items()}
    return Reading(
        plc_id="PLC01",
        read_at=now,
        latency_s=0.01,
        request_count=1,
        cpu_state=CpuState.RUN,
        tags=tags,
    )


def _since_ms(since_s: float | None) -> int | None:
    return round(since_s * 1000) if since_s is not None else None


def _joined(intervals: list[ReasonedInterval]) -> list[ReasonedInterval]:
    found: list[ReasonedInterval] = []
    for interval in intervals:
        if found and found[-1].status is interval.status:
            found[-1] = msgspec.structs.replace(found[-1], end_ms=interval.end_ms)
        else:
            found.append(interval)
    return found


def working(calendar: PlantCalendar) -> tuple[Span, ...]:
    day_ms = 24 * 60 * MINUTE_MS
    return calendar.of_line("weld1").planned(BEGIN_MS - day_ms, BEGIN_MS + day_ms)


def shape(intervals: list[ReasonedInterval]) -> list[tuple[int, Status | None]]:
    return [(interval.begin_ms - BEGIN_MS, interval.status) for interval in _joined(intervals)]


signals = st.lists(
    st.tuples(st.sampled_from("rwted"), st.integers(1, 60)), min_size=1, max_size=10
).map(lambda runs: "".join(letter * count for letter, count in runs))
rules = st.builds(
    StatusRule,
    stop_after_s=st.sampled_from([None, 0.0, 60.0, 120.0, 300.0, 900.0]),
    stale_after_s=st.just(1e6),
)
calendars = st.sampled_from(CALENDARS)


@given(signals, rules, calendars, rules, calendars)
def test_the_past_judged_anew_is_what_a_board_with_the_other_rule_and_plan_would_have_shown(
    text: str,
    rule: StatusRule,
    calendar: PlantCalendar,
    other: StatusRule,
    other_calendar: PlantCalendar,
) -> None:
    before = recorded(text, rule, calendar)
    assert shape(reclassify(before, other, working(other_calendar))) == shape(
        recorded(text, other, other_calendar)
    )


@given(signals, calendars, calendars)
def test_of_mapped_values_only_the_plan_is_judged_anew(
    text: str, calendar: PlantCalendar, other_calendar: PlantCalendar
) -> None:
    rule = StatusRule(value_map=MAP, stale_after_s=1e6)
    before = recorded(text, rule, calendar)
    assert shape(reclassify(before, rule, working(other_calendar))) == shape(
        recorded(text, rule, other_calendar)
    )


@given(signals, rules, calendars, rules, calendars)
def test_judging_twice_is_judging_once_and_tiles_the_same_time(
    text: str,
    rule: StatusRule,
    calendar: PlantCalendar,
    other: StatusRule,
    other_calendar: PlantCalendar,
) -> None:
    before = recorded(text, rule, calendar)
    once = reclassify(before, other, working(other_calendar))
    assert shape(reclassify(once, other, working(other_calendar))) == shape(once)
    assert shape(reclassify(once, rule, working(calendar))) == shape(before)
    assert (once[0].begin_ms, once[-1].end_ms) == (before[0].begin_ms, before[-1].end_ms)
    assert all(a.end_ms == b.begin_ms for a, b in pairwise(once))
    assert all((a.status, a.reason) != (b.status, b.reason) for a, b in pairwise(once))


def test_a_machine_that_waited_with_its_idle_tag_on_stays_idle() -> None:
    waited = ReasonedInterval(
        begin_ms=0, end_ms=10_000_000, status=Status.IDLE, reason=ReasonCode.IDLE_TAG
    )
    assert reclassify([waited], StatusRule(stop_after_s=0.0)) == [waited]


def test_what_the_board_did_not_notice_before_the_end_of_the_waiting_it_never_said() -> None:
    waited = _waiting(ReasonCode.IDLE_WAIT, end_ms=300_700, until_ms=300_000)
    assert shape(reclassify([waited], StatusRule(stop_after_s=300.0))) == shape([waited])
    found = reclassify([waited], StatusRule(stop_after_s=200.0))
    assert [(i.begin_ms, i.status) for i in found] == [(0, Status.IDLE), (200_000, Status.STOPPED)]


def test_a_machine_that_was_not_stopped_by_this_very_rule_had_its_idle_tag_on() -> None:
    waited = _waiting(ReasonCode.IDLE_WAIT, end_ms=900_000, until_ms=300_000)
    assert shape(reclassify([waited], StatusRule(stop_after_s=300.0))) == shape([waited])


def test_a_shift_begins_for_the_figures_when_the_board_saw_it_begin() -> None:
    waited = _waiting(ReasonCode.OUTSIDE_SHIFT, end_ms=600_400, until_ms=600_000)
    work = (Span(600_000, 900_000),)
    rule = StatusRule(stop_after_s=0.0)
    assert shape(reclassify([waited], rule, work)) == shape([waited])
    found = reclassify([waited], rule, (Span(500_000, 900_000),))
    assert [(i.begin_ms, i.status) for i in found] == [(0, Status.IDLE), (500_000, Status.STOPPED)]


def _waiting(reason: ReasonCode, *, end_ms: int, until_ms: int) -> ReasonedInterval:
    return ReasonedInterval(
        begin_ms=0, end_ms=end_ms, status=Status.IDLE, reason=reason, since_ms=0, until_ms=until_ms
    )


def test_without_a_known_sample_the_last_running_interval_starts_the_timer_and_errors_do_not() -> (
    None
):
    minutes = [
        (0, 1, Status.RUNNING, ReasonCode.RUNNING),
        (1, 3, Status.ERROR, ReasonCode.ERROR_TAG),
        (3, 9, Status.IDLE, ReasonCode.IDLE_WAIT),
        (9, 12, None, None),
        (12, 14, Status.IDLE, ReasonCode.IDLE_WAIT),
    ]
    intervals = [
        ReasonedInterval(begin_ms=a * MINUTE_MS, end_ms=b * MINUTE_MS, status=s, reason=r)
        for a, b, s, r in minutes
    ]
    found = reclassify(intervals, StatusRule(stop_after_s=300.0))
    assert [(i.begin_ms // MINUTE_MS, i.status) for i in found] == [
        (0, Status.RUNNING),
        (1, Status.ERROR),
        (3, Status.IDLE),
        (6, Status.STOPPED),
        (9, None),
        (12, Status.STOPPED),
    ]
