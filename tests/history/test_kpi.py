"""Key figures: by hand, against an independent count, and joined from parts."""

from __future__ import annotations

from functools import reduce
from itertools import groupby, pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.second_by_second import check_totals
from lineside.core.model import KpiRules, Status
from lineside.core.spans import Span
from lineside.history.across import totals_across
from lineside.history.kpi import (
    KpiParts,
    Kpis,
    Totals,
    combine,
    kpis_of,
    parts_of,
    sum_totals,
    totals_of,
)

SECOND_MS = 1000
MINUTE_MS = 60_000
RULES = KpiRules()
LETTERS = {
    "r": Status.RUNNING,
    "i": Status.IDLE,
    "s": Status.STOPPED,
    "e": Status.ERROR,
    "d": Status.DISCONNECTED,
    "u": None,
}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    begin_ms: int
    end_ms: int
    status: Status | None


def seen(text: str, unit_ms: int = 1, begin_ms: int = 0) -> list[Seen]:
    """Return intervals, one unit of time per letter: "rrie" ran two units, waited, and failed."""
    found = []
    for letter, letters in groupby(text):
        end_ms = begin_ms + len(list(letters)) * unit_ms
        found.append(Seen(begin_ms=begin_ms, end_ms=end_ms, status=LETTERS[letter]))
        begin_ms = end_ms
    return found


def planned_spans(planned: list[bool], begin_ms: int = 0) -> list[Span]:
    found = []
    at_ms = begin_ms
    for is_planned, items in groupby(planned):
        end_ms = at_ms + len(list(items))
        if is_planned:
            found.append(Span(at_ms, end_ms))
        at_ms = end_ms
    return found


def totals(text: str, unit_ms: int = MINUTE_MS, rules: KpiRules = RULES) -> Totals:
    """Return the sums of a machine that is planned all the time."""
    end_ms = len(text) * unit_ms
    parts = parts_of(seen(text, unit_ms), [Span(0, end_ms)], 0, end_ms, rules)
    return totals_of(parts)


def kpis(text: str) -> Kpis:
    return kpis_of(totals(text))


def test_availability_leaves_unseen_time_out_and_says_how_much_was_seen() -> None:
    figures = kpis("rrrrrriidd")
    assert figures.availability == 6 / 8
    assert figures.coverage == 0.8
    assert figures.strict_availability == 0.6
    assert not figures.is_sufficient


@pytest.mark.parametrize(("unseen", "is_sufficient"), [(5, True), (6, False)])
def test_below_95_percent_coverage_the_data_are_insufficient(
    unseen: int, is_sufficient: bool
) -> None:
    assert kpis("r" * (100 - unseen) + "d" * unseen).is_sufficient is is_sufficient


def test_a_window_without_planned_time_has_no_shares() -> None:
    figures = kpis_of(totals_of(parts_of(seen("rrr"), [], 0, 3, RULES)))
    assert figures.availability is None
    assert figures.coverage is None
    assert figures.strict_availability is None
    assert figures.utilisation is None
    assert figures.technical_efficiency is None
    assert not figures.is_sufficient


def test_time_that_nobody_saw_is_never_production() -> None:
    figures = kpis("uuuuuddddd")
    assert figures.availability is None
    assert figures.coverage == 0.0
    assert figures.strict_availability == 0.0


def test_what_no_interval_covers_was_not_seen() -> None:
    parts = parts_of(seen("rr", begin_ms=4), [Span(0, 10)], 0, 10, RULES)
    assert parts.times.running_ms == 2
    assert parts.times.unseen_ms == 8


def test_an_interval_that_began_before_the_window_counts_from_its_begin() -> None:
    parts = parts_of(seen("r" * 10, begin_ms=-5), [Span(-100, 100)], 0, 8, RULES)
    assert parts.times.running_ms == 5
    assert parts.times.unseen_ms == 3


def test_utilisation_leaves_stopped_time_out_and_technical_efficiency_counts_errors_alone() -> None:
    figures = kpis("rrrrrriiesssssssss")
    assert figures.utilisation == 6 / 9
    assert figures.technical_efficiency == 6 / 7


def test_there_is_no_oee_without_counts_of_pieces() -> None:
    assert kpis("rrr").oee is None


def test_standing_up_to_two_minutes_is_a_micro_stop() -> None:
    unit = SECOND_MS
    text = "r" + "i" * 120 + "r" + "i" * 121 + "r"
    stops = totals(text, unit).stops
    assert (stops.micro_stops, stops.micro_stop_ms) == (1, 120 * SECOND_MS)
    assert (stops.stops, stops.stop_ms) == (1, 121 * SECOND_MS)


def test_idle_stopped_and_error_in_a_row_are_one_stop() -> None:
    assert totals("riiisseeir").stops.stops == 1


def test_a_stop_that_goes_on_after_a_break_is_one_stop_without_the_break() -> None:
    minutes = "riiiiiiiiiiiir"
    planned = [Span(0, 3 * MINUTE_MS), Span(11 * MINUTE_MS, 14 * MINUTE_MS)]
    parts = parts_of(seen(minutes, MINUTE_MS), planned, 0, 14 * MINUTE_MS, RULES)
    stops = totals_of(parts).stops
    assert (stops.stops, stops.stop_ms) == (1, 4 * MINUTE_MS)


def test_a_machine_that_ran_in_the_break_stood_twice() -> None:
    planned = [Span(0, 3 * MINUTE_MS), Span(4 * MINUTE_MS, 8 * MINUTE_MS)]
    parts = parts_of(seen("iiiriiir", MINUTE_MS), planned, 0, 8 * MINUTE_MS, RULES)
    assert totals_of(parts).stops.stops == 2


def test_a_stop_ends_where_nobody_sees_it() -> None:
    stops = totals("riiiduiiir").stops
    assert (stops.stops, stops.stop_ms) == (2, 6 * MINUTE_MS)


def test_standing_outside_of_planned_time_is_no_stop() -> None:
    parts = parts_of(seen("rissssr"), [Span(0, 1), Span(6, 7)], 0, 7, RULES)
    assert totals_of(parts).stops.micro_stops == totals_of(parts).stops.stops == 0


def test_error_out_of_sight_error_is_one_failure_as_long_as_both_and_the_gap() -> None:
    found = totals("rreddeerr")
    assert found.failures == 1
    assert (found.repairs, found.repair_ms) == (1, 5 * MINUTE_MS)


def test_a_repair_whose_end_nobody_saw_is_not_closed() -> None:
    found = totals("rreedrreer")
    assert found.failures == 2
    assert (found.repairs, found.repair_ms) == (1, 2 * MINUTE_MS)


def test_an_error_before_the_window_is_repaired_in_it_but_not_entered() -> None:
    found = totals("eerr")
    assert (found.failures, found.repairs) == (0, 1)


def test_an_error_first_seen_after_unseen_time_was_entered() -> None:
    assert totals("uerr").failures == 1


def test_an_open_error_is_a_failure_without_a_repair() -> None:
    found = totals("rree")
    assert (found.failures, found.repairs) == (1, 0)


def test_errors_shorter_than_the_debounce_are_no_failures() -> None:
    rules = KpiRules(failure_after_ms=2 * MINUTE_MS)
    found = totals("rerreererrr", rules=rules)
    assert (found.failures, found.repairs, found.repair_ms) == (1, 1, 2 * MINUTE_MS)


def test_mtbf_is_the_running_time_between_failures_alone() -> None:
    figures = kpis("rrrrerriierrrrsseerrrrr")
    assert figures.totals.failures == 3
    assert figures.mtbf_ms == (2 + 4) / 2 * MINUTE_MS
    assert figures.mttr_ms == (1 + 1 + 2) / 3 * MINUTE_MS


@pytest.mark.parametrize("text", ["rrrr", "rrerr", "eerrerr"])
def test_with_fewer_than_two_failures_there_is_no_mean_time(text: str) -> None:
    figures = kpis(text)
    assert figures.mtbf_ms is None
    assert figures.mttr_ms is None


def test_a_line_whose_machines_failed_once_each_has_a_mean_repair_and_no_mean_gap() -> None:
    figures = kpis_of(totals("rrerr") + totals("reer"))
    assert figures.mtbf_ms is None
    assert figures.mttr_ms == 1.5 * MINUTE_MS


def test_parts_that_do_not_touch_or_have_other_rules_are_not_combined() -> None:
    first = parts_of(seen("rr"), [Span(0, 9)], 0, 2, RULES)
    with pytest.raises(ValueError, match="begin where the first ends"):
        combine(first, parts_of(seen("rr"), [Span(0, 9)], 3, 4, RULES))
    with pytest.raises(ValueError, match="rules"):
        combine(first, KpiParts(rules=KpiRules(micro_stop_ms=1)))


def test_parts_can_be_written_as_json_and_read_back() -> None:
    parts = parts_of(seen("rreduiierr"), [Span(0, 9)], 0, 10, RULES)
    assert msgspec.json.decode(msgspec.json.encode(parts), type=KpiParts) == parts


runs = st.lists(st.tuples(st.sampled_from("risedu"), st.integers(1, 5)), min_size=1, max_size=14)
plans = st.lists(st.tuples(st.booleans(), st.integers(1, 8)), min_size=1, max_size=8)
rules_of = st.builds(KpiRules, micro_stop_ms=st.integers(0, 6), failure_after_ms=st.integers(0, 4))


class Case(msgspec.Struct, frozen=True):
    text: str
    planned: list[bool]
    rules: KpiRules

    @property
    def length(self) -> int:
        return len(self.text)

    def parts(self, begin: int = 0, end: int | None = None) -> KpiParts:
        end = self.length if end is None else end
        return parts_of(seen(self.text), planned_spans(self.planned), begin, end, self.rules)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    text = "".join(letter * count for letter, count in draw(runs))
    planned = [value for value, count in draw(plans) for _ in range(count)]
    planned += [planned[-1]] * (len(text) - len(planned))
    return Case(text, planned[: len(text)], draw(rules_of))


@given(cases())
def test_figures_agree_with_an_independent_count(case: Case) -> None:
    statuses = [LETTERS[letter] for letter in case.text]
    check_totals(totals_of(case.parts()), statuses, case.planned, case.rules)


@given(cases(), st.data())
def test_parts_of_any_split_combine_to_the_whole(case: Case, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, case.length), max_size=6)))
    edges = [0, *cuts, case.length]
    pieces = [case.parts(a, b) for a, b in pairwise(edges)]
    assert reduce(combine, pieces, KpiParts(rules=case.rules)) == case.parts()


@given(cases(), st.data())
def test_parts_are_joined_across_changed_rules_as_without_a_change(
    case: Case, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, case.length), max_size=4)))
    pieces = [case.parts(a, b) for a, b in pairwise([0, *cuts, case.length])]
    assert totals_across(pieces) == totals_of(case.parts())


@given(cases(), st.data())
def test_across_changed_rules_stops_are_as_many_and_gaps_one_less_than_failures(
    case: Case, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, case.length), max_size=4)))
    pieces = [
        Case(case.text, case.planned, data.draw(rules_of)).parts(a, b)
        for a, b in pairwise([0, *cuts, case.length])
    ]
    found, alike = totals_across(pieces), totals_of(case.parts())
    assert found.times == alike.times
    stops, same = found.stops, alike.stops
    assert stops.stops + stops.micro_stops == same.stops + same.micro_stops
    assert stops.stop_ms + stops.micro_stop_ms == same.stop_ms + same.micro_stop_ms
    assert found.gaps == max(0, found.failures - 1)


@given(cases(), st.data())
def test_combining_is_associative_and_has_an_identity(case: Case, data: st.DataObject) -> None:
    one, two = sorted(data.draw(st.tuples(*[st.integers(0, case.length)] * 2)))
    a, b, c = case.parts(0, one), case.parts(one, two), case.parts(two, case.length)
    nothing = KpiParts(rules=case.rules)
    assert combine(combine(a, b), c) == combine(a, combine(b, c))
    assert combine(nothing, a) == combine(a, nothing) == a


@given(cases())
def test_durations_add_up_and_no_share_leaves_its_bounds(case: Case) -> None:
    figures = kpis_of(totals_of(case.parts()))
    found = figures.totals
    times = found.times
    assert times.planned_busy_ms == sum(case.planned)
    standing = times.idle_ms + times.stopped_ms + times.error_ms
    assert found.stops.stop_ms + found.stops.micro_stop_ms == standing
    assert times.actual_production_ms + times.not_seen_ms <= times.planned_busy_ms
    for share in (
        figures.availability,
        figures.coverage,
        figures.strict_availability,
        figures.utilisation,
        figures.technical_efficiency,
    ):
        assert share is None or 0.0 <= share <= 1.0
    assert figures.mtbf_ms is None or figures.mtbf_ms >= 0
    assert figures.mttr_ms is None or figures.mttr_ms > 0


@given(cases())
def test_what_was_not_seen_adds_no_production(case: Case) -> None:
    blind = msgspec.structs.replace(case, text=case.text.replace("r", "d"))
    assert kpis_of(totals_of(blind.parts())).totals.times.actual_production_ms == 0
    assert kpis_of(totals_of(blind.parts())).availability in (0.0, None)


@given(st.lists(cases(), max_size=5), st.randoms())
def test_the_order_of_machines_does_not_matter(machines: list[Case], random: Random) -> None:
    found = [totals_of(case.parts()) for case in machines]
    shuffled = list(found)
    random.shuffle(shuffled)
    assert sum_totals(found) == sum_totals(shuffled)
    busy_ms = sum_totals(found).times.planned_busy_ms
    assert busy_ms == sum(sum(case.planned) for case in machines)
