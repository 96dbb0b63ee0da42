"""Stops that ask for a reason: found, cut, joined, explained; and stored, on every database."""

from __future__ import annotations

from itertools import groupby

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from builders import code
from lineside.core.model import KpiRules, Status
from lineside.core.spans import Span
from lineside.history.downtime import (
    MarkKind,
    Said,
    Stop,
    StopReason,
    all_stops,
    asking,
    counted_in,
    explained,
)
from lineside.history.downtime_store import (
    By,
    PlannedDowntime,
    add_planned_downtime,
    audit_entries,
    delete_planned_downtime,
    explain,
    planned_downtimes,
    said_of,
    set_mark,
)
from lineside.history.kpi import parts_of, totals_of
from lineside.history.store import Store

LETTERS = {
    "r": Status.RUNNING,
    "i": Status.IDLE,
    "s": Status.STOPPED,
    "e": Status.ERROR,
    "d": Status.DISCONNECTED,
    "u": None,
}
RULES = KpiRules(micro_stop_ms=2)
BY = By(name="김", at_ms=9_000)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    begin_ms: int
    end_ms: int
    status: Status | None


def seen(text: str) -> list[Seen]:
    found, begin_ms = [], 0
    for letter, same in groupby(text):
        end_ms = begin_ms + len(list(same))
        found.append(Seen(begin_ms=begin_ms, end_ms=end_ms, status=LETTERS[letter]))
        begin_ms = end_ms
    return found


def stops(text: str, *planned: tuple[int, int]) -> list[Stop]:
    spans = [Span(*each) for each in planned] or [Span(0, len(text))]
    return all_stops(seen(text), spans, 0, len(text))


def reason(at_ms: int, word: str = "E10", made_ms: int = 1) -> StopReason:
    return StopReason(at_ms=at_ms, reason=word, comment="", made_by="김", made_ms=made_ms)


def shown(found: list[Stop]) -> list[tuple[int, int, str | None]]:
    return [
        (each.begin_ms, each.end_ms, each.reason.reason if each.reason else None) for each in found
    ]


def test_a_stop_goes_on_across_a_break_and_its_time_does_not_count() -> None:
    (found,) = stops("rrsssssssrr", (0, 5), (7, 11))
    assert found.spans == (Span(2, 5), Span(7, 9))
    assert (found.down_ms, found.status) == (5, Status.STOPPED)


def test_a_stop_ends_where_nobody_saw_the_machine() -> None:
    assert shown(stops("rsssuusssr")) == [(2 - 1, 4, None), (6, 9, None)]


def test_a_stop_that_goes_on_at_the_end_is_open() -> None:
    assert [each.is_open for each in stops("rssrss")] == [False, True]


def test_every_stop_of_the_figures_asks_for_a_reason_and_micro_stops_for_none() -> None:
    found = stops("iiiiiriisssrssreeeer")
    assert shown(asking(found, RULES)) == [(0, 5, None), (6, 11, None), (15, 19, None)]


machine_lives = st.text("rrrisedu", min_size=1, max_size=60)


@given(
    text=machine_lives,
    plan=st.lists(st.booleans(), min_size=60, max_size=60),
    cuts=st.sets(st.integers(0, 60), max_size=4),
    joins=st.sets(st.integers(0, 60), max_size=4),
    window=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_a_list_counts_as_many_stops_as_the_figures_however_people_cut_and_joined_them(
    text: str, plan: list[bool], cuts: set[int], joins: set[int], window: tuple[int, int]
) -> None:
    begin, end = sorted(window)
    planned = [Span(at, at + 1) for at in range(len(text)) if plan[at]]
    marks = dict.fromkeys(cuts, MarkKind.SPLIT) | dict.fromkeys(joins, MarkKind.MERGE)
    long = asking(all_stops(seen(text), planned, 0, len(text)), RULES)
    found = list(counted_in(explained(long, Said(marks=marks)), begin, end, lambda _: RULES))
    figures = totals_of(parts_of(seen(text), planned, begin, end, RULES)).stops
    if begin < end <= len(text):
        assert sum(each.counted for each in found) == figures.stops
        assert sum(each.down_in(begin, end) for each in found) == figures.stop_ms


def test_stops_are_cut_and_joined_and_each_keeps_its_reason() -> None:
    found = stops("rssssssrrssssr")
    marks = {4: MarkKind.SPLIT}
    said = Said(marks=marks, reasons=(reason(1), reason(4, "M20")))
    assert shown(explained(found, said)) == [(1, 4, "E10"), (4, 7, "M20"), (9, 13, None)]
    joined = explained(found, Said(marks={9: MarkKind.MERGE}, reasons=(reason(1),)))
    assert shown(joined) == [(1, 13, "E10")]
    assert joined[0].down_ms == 10


def test_a_stop_that_is_joined_to_a_micro_stop_of_the_window_has_the_time_that_figures_count() -> (
    None
):
    found = stops("rsssssrrsssss")
    joined = explained(found, Said(marks={8: MarkKind.MERGE}))
    (told,) = counted_in(joined, 0, 10, lambda _: RULES)  # of the second it has two
    assert (told.counted, told.down_in(0, 10), told.down_ms) == (1, 5, 10)
    (told,) = counted_in(joined, 0, 11, lambda _: RULES)
    assert (told.counted, told.down_in(0, 11)) == (2, 8)


def test_the_newest_reason_holds_and_stays_when_the_stop_begins_earlier() -> None:
    said = Said(reasons=(reason(5, "E10", 1), reason(4, "M20", 2)))
    assert shown(explained(stops("rrsssssrr"), said)) == [(2, 7, "M20")]


def test_a_reason_stays_when_planned_time_no_longer_holds_the_begin_of_its_stop() -> None:
    said = Said(reasons=(reason(2),))
    assert shown(explained(stops("rrsssssrr", (4, 9)), said)) == [(4, 7, "E10")]


@given(
    st.text(alphabet="riseud", min_size=1, max_size=40),
    st.lists(st.booleans(), min_size=40, max_size=40),
    st.sets(st.integers(0, 40), max_size=5),
)
def test_stops_are_those_of_the_figures_and_cuts_lose_nothing(
    text: str, is_planned: list[bool], cuts: set[int]
) -> None:
    planned, at_ms = [], 0
    for flag, same in groupby(is_planned[: len(text)]):
        end_ms = at_ms + len(list(same))
        if flag:
            planned.append(Span(at_ms, end_ms))
        at_ms = end_ms
    found = all_stops(seen(text), planned, 0, len(text))
    counts = totals_of(parts_of(seen(text), planned, 0, len(text), RULES)).stops
    lengths = [each.down_ms for each in found]
    assert len([length for length in lengths if length > 2]) == counts.stops
    assert sum(lengths) == counts.stop_ms + counts.micro_stop_ms
    cut = explained(found, Said(marks=dict.fromkeys(cuts, MarkKind.SPLIT)))
    assert sum(each.down_ms for each in cut) == sum(lengths)
    assert len({each.begin_ms for each in cut}) == len(cut)


async def test_reasons_are_stored_anew_with_what_was_there_before(store: Store) -> None:
    await explain(store, code(101), reason(100), 90, 200)
    await explain(store, code(101), reason(95, "M20", 2), 90, 200)
    said = await said_of(store, [code(101), code(102)], 0, 1_000)
    assert [each.reason for each in said[code(101)].reasons] == ["M20"]
    assert said[code(102)] == Said()
    entries = await audit_entries(store, 0, 1_000, before_id=None, limit=10)
    assert [entry.action for entry in entries] == ["stop.reason", "stop.reason"]
    assert entries[1].before is None
    before = msgspec.json.decode(entries[0].before or "")
    assert (before["reason"], before["at_ms"]) == ("E10", 100)


async def test_the_opposite_mark_takes_a_mark_away(store: Store) -> None:
    async def mark(kind: MarkKind) -> dict[int, MarkKind]:
        await set_mark(store, code(101), 500, kind, BY, subject="x")
        said = await said_of(store, [code(101)], 0, 1_000)
        return dict(said[code(101)].marks)

    assert await mark(MarkKind.SPLIT) == {500: MarkKind.SPLIT}
    assert await mark(MarkKind.SPLIT) == {500: MarkKind.SPLIT}
    assert await mark(MarkKind.MERGE) == {}
    assert await mark(MarkKind.MERGE) == {500: MarkKind.MERGE}


async def test_planned_downtimes_overlap_windows_until_they_are_deleted(store: Store) -> None:
    wish = PlannedDowntime(
        id=0,
        line_id="weld1",
        code=None,
        begin_ms=100,
        end_ms=200,
        comment="금형 교체",
        made_by="김",
        made_ms=50,
    )
    stored = await add_planned_downtime(store, wish)
    assert await planned_downtimes(store, 199, 300) == [stored]
    assert await planned_downtimes(store, 200, 300) == []
    assert await delete_planned_downtime(store, stored.id, BY)
    assert await planned_downtimes(store, 0, 300) == []
    entries = await audit_entries(store, 0, 10_000, before_id=None, limit=10)
    assert [entry.action for entry in entries] == [
        "planned_downtime.delete",
        "planned_downtime.add",
    ]
    older = await audit_entries(store, 0, 10_000, before_id=entries[0].id, limit=10)
    assert older == entries[1:]
