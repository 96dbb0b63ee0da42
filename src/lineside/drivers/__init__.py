"""The drivers' door: which protocols there are, and what each can be asked before it connects."""

from __future__ import annotations

from collections.abc import Mapping

from lineside.drivers.kind import DriverKind
from lineside.drivers.melsec import MELSEC

__all__ = ["DRIVERS", "DriverKind"]

DRIVERS: Mapping[str, DriverKind] = {"melsec": MELSEC}
