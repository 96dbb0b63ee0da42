"""The engine: polls each PLC, folds what they say into the board, takes one snapshot per tick."""

from lineside.engine.engine import Engine, PollTarget

__all__ = ["Engine", "PollTarget"]
