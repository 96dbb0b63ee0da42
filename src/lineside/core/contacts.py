"""Normally closed contacts: "!M200" is the opposite of what M200 holds. Pure.

The mark belongs to the tag, not to the PLC: drivers read M200, and whoever asks what the tag says
gets the opposite.
"""

from __future__ import annotations

from msgspec.structs import replace

from lineside.core.model import TagValue

OPPOSITE = "!"


def is_opposite(address: str) -> bool:
    """Whether a configured `address` stands for the opposite of a bit."""
    return address.startswith(OPPOSITE)


def read_address(address: str) -> str:
    """Return what to read for a configured `address`: "M200" for "!M200"."""
    return address[len(OPPOSITE) :].lstrip() if is_opposite(address) else address


def tag_value(address: str, read: TagValue) -> TagValue:
    """Return what the tag at a configured `address` says when `read` is what the PLC holds.

    A value that could not be read has no opposite.
    """
    if read.value is None or not is_opposite(address):
        return read
    return replace(read, value=int(not read.value))
