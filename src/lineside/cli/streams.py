"""Keeps a server alive and clean when nobody holds the other end of its standard streams."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

_PLAINLY = "plainly"
_PLAIN = {"✓": "+", "✗": "x", "→": "->", "…": "...", "–": "-", "—": "-", "×": "x", "·": "-"}


def open_missing_streams() -> None:
    """Open the null device on each standard stream that the process was started without.

    Otherwise a socket would get the number of standard output, and what is printed would go there.
    Call it before anything is opened.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            os.set_inheritable(number, True)
    sys.stdout = sys.stdout or _null()
    sys.stderr = sys.stderr or _null()


def drop_broken_streams() -> None:
    """Turn streams whose reader has gone to the null device: Python would complain at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, stream.fileno())
                os.close(null)


def let_any_text_through() -> None:
    """Let standard output and error take every text, whatever encoding they have.

    A console in Korea or Germany, or a pipe, may lack letters of a line's name. Our own signs get
    plain ones; any other letter is written as its code, as in \\ud488, which JSON reads as well.
    """
    codecs.register_error(_PLAINLY, _write_plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_PLAINLY)


def _write_plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    plain = (
        _PLAIN.get(each) or each.encode("ascii", "backslashreplace").decode("ascii")
        for each in missing
    )
    return "".join(plain), error.end


def _null() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
