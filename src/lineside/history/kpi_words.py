"""The words in which figures are asked for. Pure, and light to load."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineside.core.model import Equipment, Line


class RowGrain(StrEnum):
    """Into which pieces a window is cut."""

    WHOLE = "whole"
    SHIFT = "shift"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class RowsBy(StrEnum):
    """What a row is about."""

    LINE = "line"
    EQUIPMENT = "equipment"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which figures are asked for."""

    lines: tuple[tuple[Line, tuple[Equipment, ...]], ...]
    begin_ms: int
    end_ms: int  # not beyond the present
    grain: RowGrain = RowGrain.WHOLE
    by: RowsBy = RowsBy.EQUIPMENT
