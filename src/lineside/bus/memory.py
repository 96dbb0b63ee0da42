"""The bus within one process: a function call. What crosses machines is another bus."""

from __future__ import annotations

import structlog

from lineside.core.ports import BusHandler, BusMessage

_log = structlog.get_logger("lineside.bus")


class MemoryBus:
    """Calls every handler, in order of subscription, before `publish` returns."""

    def __init__(self) -> None:
        self._handlers: list[BusHandler] = []

    def publish(self, message: BusMessage) -> None:
        """Hand `message` to every handler; one that fails is logged and disturbs no other."""
        for handler in self._handlers:
            try:
                handler(message)
            except Exception as error:  # noqa: BLE001 -- one listener must never stop the tick
                _log.exception("handler failed", handler=repr(handler), error=str(error))

    def subscribe(self, handler: BusHandler) -> None:
        """Call `handler` with every message published from now on."""
        self._handlers.append(handler)
