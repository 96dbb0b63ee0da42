"""What is known of a machine, in the parts that count: another one of them is a change. Pure.

Times that pass, words of a detail and values that decide nothing are no parts of it, so that a
machine about which nothing new is known makes no record, however long that lasts.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lineside.core.alarm_bits import word_in
from lineside.core.model import Reason, ReasonCode, Scalar, Status, TagRole
from lineside.core.status import Decision, TagEvidence

TELLINGS_MAX = 60  # of one machine, within one status, at once
TELLING_EVERY_S = 10.0  # from then on: a value that counts must not fill the history

_DECIDED_BY_VALUE = frozenset(
    {ReasonCode.ERROR_TAG, ReasonCode.VALUE_MAP, ReasonCode.UNMAPPED_VALUE}
)
_TIMED = frozenset({ReasonCode.IDLE_WAIT, ReasonCode.STOP_ELAPSED})


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One machine: its status, which row of the rule fired on which tag, and what that told.

    `value` is that of a tag whose very value decides the status, `alarm_code` what a faulty machine
    tells of its fault, `waits_since_s` when a stop timer began.
    """

    status: Status
    code: ReasonCode
    tag: str | None
    value: Scalar | None = None
    alarm_code: int | None = None
    waits_since_s: float | None = None


class Teller:
    """Says of one machine when what is known of it is another than what was told last."""

    __slots__ = ("_at_s", "_left", "_told")

    def __init__(self) -> None:
        self._told: Known | None = None
        self._left = float(TELLINGS_MAX)
        self._at_s = 0.0

    def is_news(self, known: Known, monotonic_s: float) -> bool:
        """Whether `known` is to be told now; if so, it counts as told.

        Another status always is. Within one status a machine has a bound: what is over it is told
        later, if it is still so then.
        """
        told = self._told
        if known == told:
            return False
        if told is not None and told.status is known.status:
            passed_s = max(0.0, monotonic_s - self._at_s)
            self._left = min(TELLINGS_MAX, self._left + passed_s / TELLING_EVERY_S)
            self._at_s = monotonic_s
            if self._left < 1.0:
                return False
            self._left -= 1.0
        self._told = known
        return True


def known_of(decision: Decision, tags: Mapping[TagRole, TagEvidence]) -> Known:
    """Return what `decision` and the `tags` it was made from tell, without what does not count."""
    reason = decision.reason
    is_faulty = decision.status is Status.ERROR
    return Known(
        status=decision.status,
        code=reason.code,
        tag=reason.tag,
        value=_comparable(reason) if reason.code in _DECIDED_BY_VALUE else None,
        alarm_code=_alarm_code(tags.get(TagRole.ALARM_CODE)) if is_faulty else None,
        waits_since_s=reason.since_s if reason.code in _TIMED else None,
    )


def _comparable(reason: Reason) -> Scalar | None:
    """Return the value; None for what is not even equal to itself."""
    return reason.value if reason.value == reason.value else None


def _alarm_code(tag: TagEvidence | None) -> int | None:
    return word_in(tag.good.value if tag is not None and tag.good is not None else None) or None
