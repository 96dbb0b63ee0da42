"""What a MELSEC PLC's end codes mean, what most likely causes them, and whose fault they are.

Tables only. Codes and meanings: [A] `aslmp`'s table, which cites SH-081257 and JY997D55401.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class FaultClass(StrEnum):
    """Whose fault an end code is, which decides what the driver does about it."""

    TAG = "tag"  # one address of the request cannot be read: isolate it, keep the connection
    COMMAND = "command"  # the PLC does not know this command: read in another way
    CODING = "coding"
    ROUTE = "route"
    PASSWORD = "password"  # noqa: S105 - a kind of fault, not a secret
    TRANSIENT = "transient"
    REQUEST = "request"  # our own request was malformed
    UNKNOWN = "unknown"


class EndCode(msgspec.Struct, frozen=True, kw_only=True):
    """One end code: the fact, and the likely cause with the remedy."""

    code: int
    fault: FaultClass
    meaning: str
    cause: str

    @property
    def text(self) -> str:
        """The code as the manuals print it, with its meaning."""
        return f"end code {self.code:04X}: {self.meaning}"


_TOO_MANY = "this PLC takes less per request than its family's limit"
_RANGE = "the address is beyond what is assigned in the PLC parameters (device settings)"
_ABSENT = "this CPU has no such device: check the address and `family`"
_ROUTE = "check network, pc, module_io and station of this PLC"
_PASSWORD = "a remote password locks the port: exempt this port from it in the PLC parameters"  # noqa: S105
_BUSY = "too much traffic on the port: lengthen `period`, or let fewer clients read this PLC"

_TABLE: tuple[tuple[int, FaultClass, str, str], ...] = (
    (0x4030, FaultClass.TAG, "device name cannot be handled", _ABSENT),
    (0x4031, FaultClass.TAG, "device number out of range", _RANGE),
    (0x4032, FaultClass.TAG, "device not allowed in random read", _ABSENT),
    (0xC050, FaultClass.CODING, "cannot convert ASCII to binary", 'set code = "ascii"'),
    (0xC051, FaultClass.TAG, "too many bit points in one request", _TOO_MANY),
    (0xC052, FaultClass.TAG, "too many words in one request", _TOO_MANY),
    (0xC053, FaultClass.TAG, "too many random bit points", _TOO_MANY),
    (0xC054, FaultClass.TAG, "too many random word points", _TOO_MANY),
    (0xC056, FaultClass.TAG, "address out of range", _RANGE),
    (0xC057, FaultClass.REQUEST, "request length does not match its data", "a bug in Lineside"),
    (0xC058, FaultClass.REQUEST, "ASCII length does not match its data", "a bug in Lineside"),
    (0xC059, FaultClass.COMMAND, "command not supported by this port", "check `family`"),
    (0xC05A, FaultClass.TAG, "device cannot be read", _ABSENT),
    (0xC05B, FaultClass.TAG, "device cannot be read", _ABSENT),
    (0xC05C, FaultClass.TAG, "error in request contents", _ABSENT),
    (
        0xC05E,
        FaultClass.TRANSIENT,
        "monitoring timer expired",
        "the CPU is overloaded: raise `timeout`",
    ),
    (0xC05F, FaultClass.ROUTE, "request cannot be executed by the target", _ROUTE),
    (0xC061, FaultClass.REQUEST, "request length does not match its data", "a bug in Lineside"),
    (0xC06F, FaultClass.CODING, "ASCII sent to a binary port", 'set code = "binary"'),
    (0xC070, FaultClass.TAG, "device memory cannot be extended there", _ABSENT),
    (0xC071, FaultClass.TAG, "too many points for this target", _TOO_MANY),
    (0xC072, FaultClass.TAG, "request does not suit the device", _ABSENT),
    (0xC073, FaultClass.TAG, "target cannot execute this request", _ABSENT),
    (0xC074, FaultClass.ROUTE, "request cannot be executed by the target CPU", _ROUTE),
    (0xC0B2, FaultClass.TRANSIENT, "no space in the receive buffer of a station", _BUSY),
    (0xC0BD, FaultClass.TRANSIENT, "requests came faster than they can be processed", _BUSY),
    (0xC0D8, FaultClass.TAG, "too many blocks", _TOO_MANY),
    (0xC0D9, FaultClass.COMMAND, "subcommand not supported", "check `family`"),
    (0xC1A4, FaultClass.ROUTE, "command or destination module I/O number incorrect", _ROUTE),
    (0xC1A7, FaultClass.ROUTE, "network number incorrect", _ROUTE),
    (0xC1A8, FaultClass.ROUTE, "station number incorrect", _ROUTE),
    (0xC1A9, FaultClass.TAG, "device number incorrect", _RANGE),
    (0xC1AA, FaultClass.TAG, "device name incorrect", _ABSENT),
    (0xC200, FaultClass.PASSWORD, "remote password incorrect", _PASSWORD),
    (0xC201, FaultClass.PASSWORD, "port locked by a remote password", _PASSWORD),
    (0xC202, FaultClass.PASSWORD, "remote password of another station", _PASSWORD),
    (0xC203, FaultClass.PASSWORD, "remote password check error", _PASSWORD),
    (0xC204, FaultClass.PASSWORD, "unlocked by another client", _PASSWORD),
    (0xC205, FaultClass.PASSWORD, "remote password of another station", _PASSWORD),
    (0xC810, FaultClass.PASSWORD, "remote password authentication failed", _PASSWORD),
    (0xC815, FaultClass.PASSWORD, "remote password failed 10 times", _PASSWORD),
    (0xC816, FaultClass.PASSWORD, "remote password authentication is locked out", _PASSWORD),
    (0xC86C, FaultClass.TRANSIENT, "too many requests at the same time", _BUSY),
)

END_CODES: Mapping[int, EndCode] = {
    code: EndCode(code=code, fault=fault, meaning=meaning, cause=cause)
    for code, fault, meaning, cause in _TABLE
}


def explain(code: int) -> EndCode:
    """Return what `code` means; a code that no table lists is named as such, never hidden."""
    return END_CODES.get(code) or EndCode(
        code=code,
        fault=FaultClass.UNKNOWN,
        meaning="not in our table",
        cause="look it up in the manual of this CPU or Ethernet module",
    )
