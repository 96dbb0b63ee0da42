"""What the fuzzing client recorded, as a verdict, a table and a compact record. No I/O."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

GROUPS = {
    "1": "Framing",
    "2": "Pings and pongs",
    "3": "Reserved bits",
    "4": "Opcodes",
    "5": "Fragmentation",
    "6": "UTF-8",
    "7": "Closing",
    "9": "Large messages, and many",
    "10": "Automatic fragmentation",
    "12": "Compression of different payloads",
    "13": "Compression with different parameters",
}


class Verdict(StrEnum):
    """How a case ended, in the suite's words; everything else it may say is a failure."""

    OK = "OK"
    NON_STRICT = "NON-STRICT"
    INFORMATIONAL = "INFORMATIONAL"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    FAILED = "FAILED"


# Cases whose offer of compression we decline, as RFC 7692, section 5.1, allows: the client wants to
# be sent a window of 512 bytes, and the one frame that all clients share is compressed with 32 KiB.
DECLINED = ("13.3.", "13.5.")

_WHY = {
    "6.4.3": "bad text is answered when its frame is whole, not amid the frame",
    "6.4.4": "bad text is answered when its frame is whole, not amid the frame",
    "7.1.6": "the 256 KiB echo is sent whole before the close frame is answered",
    "7.13.1": "5000 is no code that may be sent: answered with 1002",
    "7.13.2": "65535 is no code that may be sent: answered with 1002",
}


def verdict(record: Mapping[str, Any]) -> Verdict:
    """Return how one case ended: the worse of what was echoed and how it was closed."""
    said = (record["behavior"], record["behaviorClose"])
    for each in (Verdict.UNIMPLEMENTED, Verdict.FAILED):
        if each in said:
            return each
    if not all(word in set(Verdict) for word in said):
        return Verdict.FAILED
    return next((word for word in Verdict if word in said and word is not Verdict.OK), Verdict.OK)


def is_passed(case: str, how: Verdict) -> bool:
    """Return whether a case may end like this."""
    if how is Verdict.UNIMPLEMENTED:
        return case.startswith(DECLINED)
    return how is not Verdict.FAILED


def group_of(case: str) -> str:
    """Return the number that a case's group has in the suite."""
    return case.partition(".")[0]


def table(verdicts: Mapping[str, Verdict]) -> str:
    """Return the table of groups, in Markdown."""
    lines = [
        "| group | cases | " + " | ".join(Verdict) + " |",
        "|---|" + "---:|" * (len(Verdict) + 1),
    ]
    for number, name in GROUPS.items():
        counts = Counter(how for case, how in verdicts.items() if group_of(case) == number)
        if counts:
            lines.append(_row(f"{number} {name}", counts))
    return "\n".join([*lines, _row("**all**", Counter(verdicts.values()))])


def exceptions(records: Mapping[str, Mapping[str, Any]], verdicts: Mapping[str, Verdict]) -> str:
    """Return a line for every case that is not plainly OK, with the reason."""
    lines = []
    for case, how in verdicts.items():
        if how is Verdict.UNIMPLEMENTED and case.startswith(DECLINED):
            continue
        if how is not Verdict.OK:
            record = records[case]
            heard = textwrap.shorten(f"{record['result']} {record['resultClose']}", 160)
            lines.append(f"* {case} {how}: {_WHY.get(case, heard)}.")
    for prefix in DECLINED:
        count = sum(
            case.startswith(prefix) and how is Verdict.UNIMPLEMENTED
            for case, how in verdicts.items()
        )
        if count:
            lines.append(
                f"* {prefix}* UNIMPLEMENTED ({count} cases): the client asks to be sent a window "
                "of 512 bytes. The offer is declined, as RFC 7692 allows: one frame, compressed "
                "once with the whole window, serves all clients."
            )
    return "\n".join(lines)


def compact(verdicts: Mapping[str, Verdict]) -> dict[str, list[str]]:
    """Return the cases of each verdict."""
    return {
        how.value: [case for case, each in verdicts.items() if each is how]
        for how in Verdict
        if how in verdicts.values()
    }


def _row(name: str, counts: Counter[Verdict]) -> str:
    cells = " | ".join(str(counts[how]) for how in Verdict)
    return f"| {name} | {counts.total()} | {cells} |"
