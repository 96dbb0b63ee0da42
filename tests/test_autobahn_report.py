"""When `make autobahn` calls a run passed, and what it writes of one."""

from __future__ import annotations

import pytest
from bench.autobahn.report import Verdict, compact, exceptions, is_passed, table, verdict


def record(behavior: str, on_close: str = "OK") -> dict[str, str]:
    return {
        "behavior": behavior,
        "behaviorClose": on_close,
        "result": "Actual events differ from any expected.",
        "resultClose": "Connection was properly closed",
    }


@pytest.mark.parametrize(
    ("behavior", "on_close", "expected"),
    [
        ("OK", "OK", Verdict.OK),
        ("NON-STRICT", "OK", Verdict.NON_STRICT),
        ("INFORMATIONAL", "INFORMATIONAL", Verdict.INFORMATIONAL),
        ("OK", "INFORMATIONAL", Verdict.INFORMATIONAL),
        ("FAILED", "OK", Verdict.FAILED),
        ("OK", "FAILED", Verdict.FAILED),
        ("OK", "WRONG CODE", Verdict.FAILED),
        ("OK", "UNCLEAN", Verdict.FAILED),
        ("INFORMATIONAL", "FAILED BY CLIENT", Verdict.FAILED),
        ("NON-STRICT", "a word of tomorrow", Verdict.FAILED),
        ("UNIMPLEMENTED", "OK", Verdict.UNIMPLEMENTED),
    ],
)
def test_a_case_is_as_good_as_the_worse_of_its_echo_and_its_close(
    behavior: str, on_close: str, expected: Verdict
) -> None:
    assert verdict(record(behavior, on_close)) is expected


def test_only_what_the_handshake_declines_may_stay_unimplemented() -> None:
    assert is_passed("13.3.7", Verdict.UNIMPLEMENTED)
    assert is_passed("13.5.1", Verdict.UNIMPLEMENTED)
    assert not is_passed("13.30.1", Verdict.UNIMPLEMENTED)
    assert not is_passed("12.1.1", Verdict.UNIMPLEMENTED)
    assert not is_passed("13.3.7", Verdict.FAILED)
    assert is_passed("7.1.6", Verdict.INFORMATIONAL)


def test_the_record_counts_every_case_and_gives_a_reason_for_each_that_is_not_ok() -> None:
    records = {
        "1.1.1": record("OK"),
        "5.6": record("FAILED"),
        "6.4.3": record("NON-STRICT"),
        "13.3.1": record("UNIMPLEMENTED"),
    }
    verdicts = {case: verdict(each) for case, each in records.items()}
    assert table(verdicts).splitlines()[-1] == "| **all** | 4 | 1 | 1 | 0 | 1 | 1 |"
    assert "| 5 Fragmentation | 1 | 0 | 0 | 0 | 0 | 1 |" in table(verdicts)
    unlike = exceptions(records, verdicts).splitlines()
    assert [line.split()[1] for line in unlike] == ["5.6", "6.4.3", "13.3.*"]
    assert "Actual events differ from any expected" in unlike[0]
    assert compact(verdicts) == {
        "OK": ["1.1.1"],
        "NON-STRICT": ["6.4.3"],
        "UNIMPLEMENTED": ["13.3.1"],
        "FAILED": ["5.6"],
    }
