from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.hub.inbound import (
    InboundBudget,
    InboundLimits,
    Mistake,
    Ping,
    Verdict,
    parse_inbound,
)

LIMITS = InboundLimits(per_s=1.0, burst=3, flood=10, flood_window_s=5.0)


def test_a_ping_is_understood_with_and_without_its_timestamp() -> None:
    assert parse_inbound('{"type":"ping"}') == Ping()
    assert parse_inbound('{"type":"ping","timestamp":null}') == Ping()
    assert parse_inbound('{"timestamp":"2025-11-03","type":"ping","more":1}') == Ping("2025-11-03")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("ping", "not valid JSON"),
        ("NaN", "not valid JSON"),
        ('{"type":"ping","timestamp":"\\ud800"}', "not valid JSON"),
        ("[]", "not an array"),
        ("1", "not a number"),
        ("true", "not a boolean"),
        ("null", "not null"),
        ('"ping"', "not a string"),
        ("{}", 'has no "type"'),
        ('{"type":null}', 'has no "type"'),
        ('{"type":"write"}', "'write'"),
        ('{"type":1}', "a number"),
        ('{"type":["ping"]}', "an array"),
        ('{"type":"ping","timestamp":1762165845}', '"timestamp" is a string'),
        ('{"type":"ping","timestamp":{}}', "not an object"),
        ("1e999999", "not valid JSON"),
        ('{"type":"ping","n":' + "9" * 60_000 + "}", "not valid JSON"),
        ("[" * 30_000 + "]" * 30_000, "nested too deeply"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "nested too deeply"),
    ],
)
def test_a_mistake_is_named_so_that_the_one_who_wrote_the_client_can_mend_it(
    text: str, told: str
) -> None:
    mistake = parse_inbound(text)
    assert isinstance(mistake, Mistake)
    assert told in mistake.message
    assert len(mistake.message) < 200


@given(st.text())
def test_any_text_gives_a_ping_or_a_mistake(text: str) -> None:
    assert isinstance(parse_inbound(text), Ping | Mistake)


def test_a_client_that_keeps_to_one_message_a_second_is_always_answered() -> None:
    budget = InboundBudget(LIMITS, now_s=0.0)
    verdicts = {budget.spend(float(second)) for second in range(1000)}
    assert verdicts == {Verdict.ANSWER}


def test_a_short_burst_is_answered_and_what_is_above_it_is_not() -> None:
    budget = InboundBudget(LIMITS, now_s=0.0)
    assert [budget.spend(0.0) for _ in range(5)] == [Verdict.ANSWER] * 3 + [Verdict.IGNORE] * 2
    assert budget.spend(1.0) is Verdict.ANSWER
    assert budget.spend(1.0) is Verdict.IGNORE


def test_a_flood_closes_at_the_tenth_unanswered_message_within_five_seconds() -> None:
    budget = InboundBudget(LIMITS, now_s=0.0)
    verdicts = [budget.spend(0.0) for _ in range(13)]
    assert verdicts == [Verdict.ANSWER] * 3 + [Verdict.IGNORE] * 9 + [Verdict.CLOSE]


def test_two_messages_a_second_are_rude_but_no_flood() -> None:
    budget = InboundBudget(LIMITS, now_s=0.0)
    verdicts = [budget.spend(half / 2) for half in range(2000)]
    assert Verdict.CLOSE not in verdicts
    assert 0.45 < verdicts.count(Verdict.ANSWER) / len(verdicts) < 0.55


@given(st.lists(st.floats(0, 3), max_size=200))
def test_never_more_than_the_burst_and_one_a_second_are_answered(gaps_s: list[float]) -> None:
    budget = InboundBudget(LIMITS, now_s=0.0)
    now_s, answered = 0.0, 0
    for gap_s in gaps_s:
        now_s += gap_s
        answered += budget.spend(now_s) is Verdict.ANSWER
    assert answered <= LIMITS.burst + now_s * LIMITS.per_s + 1e-6
