"""MELSEC PLCs over MC protocol 3E and 4E: the driver, and a simulator to try it with."""

from lineside.drivers.melsec.kind import MELSEC

__all__ = ["MELSEC"]
