"""What a subscriber may say, and how often: parsing and rationing of inbound messages.

Pure: text and time come in, a verdict goes out. Sending the answer is the web room's business.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TypeAlias

import msgspec

from lineside.core import limits

_SHOWN_MAX = 40


class InboundLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one subscriber may say before it is ignored, and before it is closed."""

    per_s: float = limits.INBOUND_MESSAGES_PER_S
    burst: int = limits.INBOUND_BURST
    flood: int = limits.INBOUND_FLOOD
    flood_window_s: float = limits.FLOOD_WINDOW_S


class Verdict(Enum):
    """What to do with one inbound message."""

    ANSWER = "answer"
    IGNORE = "ignore"
    CLOSE = "close"


class InboundBudget:
    """One subscriber's ration: a token bucket, and a count of what came in spite of it."""

    __slots__ = ("_filled_at_s", "_limits", "_tokens", "_unanswered")

    def __init__(self, inbound_limits: InboundLimits, now_s: float) -> None:
        self._limits = inbound_limits
        self._tokens = float(inbound_limits.burst)
        self._filled_at_s = now_s
        self._unanswered: deque[float] | None = None

    def spend(self, now_s: float) -> Verdict:
        """Return what to do with a message that arrived at `now_s` (monotonic seconds)."""
        rules = self._limits
        refill = (now_s - self._filled_at_s) * rules.per_s
        self._tokens = min(float(rules.burst), self._tokens + refill)
        self._filled_at_s = now_s
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return Verdict.ANSWER
        unanswered = self._unanswered
        if unanswered is None:
            unanswered = self._unanswered = deque(maxlen=rules.flood)
        unanswered.append(now_s)
        is_flood = len(unanswered) == rules.flood and now_s - unanswered[0] <= rules.flood_window_s
        return Verdict.CLOSE if is_flood else Verdict.IGNORE


class Ping(msgspec.Struct, frozen=True):
    """The one message a client may send. `timestamp` is the client's own, in its own words."""

    timestamp: str | None = None


class Mistake(msgspec.Struct, frozen=True):
    """Why a message cannot be understood, for the one who wrote the client."""

    message: str


Inbound: TypeAlias = Ping | Mistake


def parse_inbound(text: str | bytes) -> Inbound:
    """Return what `text` asks for, or what is wrong with it. Any text gives one of the two."""
    try:
        message = msgspec.json.decode(text)
    except RecursionError:
        return Mistake("The message is nested too deeply.")
    except (msgspec.MsgspecError, ValueError) as error:
        return Mistake(f"The message is not valid JSON: {error}.")
    if not isinstance(message, dict):
        return Mistake(
            f'A message is a JSON object such as {{"type":"ping"}}, not {_kind(message)}.'
        )
    word = message.get("type")
    if word is None:
        return Mistake('The message has no "type". Known types: ping.')
    if word != "ping":
        shown = repr(word[:_SHOWN_MAX]) if isinstance(word, str) else _kind(word)
        return Mistake(f'"type" cannot be {shown}. Known types: ping.')
    timestamp = message.get("timestamp")
    if timestamp is not None and not isinstance(timestamp, str):
        return Mistake(f'"timestamp" is a string in ISO 8601, not {_kind(timestamp)}.')
    return Ping(timestamp)


def _kind(value: object) -> str:
    """Return what JSON calls this kind of value, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
