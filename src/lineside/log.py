"""How Lineside logs: transitions, one line each, on standard error; rates are metrics.

A line may carry words that came from outside. None of them can end the line, begin another, or
change what a terminal shows.
"""

from __future__ import annotations

import logging
import sys
import textwrap
import traceback
from types import TracebackType
from typing import Any, Literal, TextIO, TypeAlias

import structlog

LogFormat = Literal["text", "json"]
ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]


def configure_logging(log_format: LogFormat) -> None:
    """Send everything, libraries included, to standard error in one format."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.types.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if log_format == "text":
        # The library's own tracebacks show the local variables: what a client has sent, the
        # configuration, and several screens of it, drawn while no tick is sent.
        last = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), sort_keys=False, exception_formatter=_write_traceback
        )
    else:
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_control_characters,
                last,
            ],
        )
    )
    logging.raiseExceptions = False  # a log that nobody reads any more is no reason to complain
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def printable(text: str) -> str:
    """Return `text` with every character escaped that is not one to be seen."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _without_control_characters(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {key: _escaped(key, value) for key, value in event.items()}


def _escaped(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if key == "exception":  # a traceback has lines, whose ends JSON escapes
        return _printable_lines(value)
    return printable(value.rstrip())


def _write_traceback(stream: TextIO, info: ExceptionInfo) -> None:
    """Write a traceback, indented so that no line of it looks like a line of the log."""
    text = _printable_lines("".join(traceback.format_exception(*info)).rstrip())
    stream.write("\n" + textwrap.indent(text, "    "))


def _printable_lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
