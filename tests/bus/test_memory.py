"""The bus within one process: order, and isolation of listeners."""

from __future__ import annotations

from lineside.bus import MemoryBus
from lineside.core.model import Site, SiteChange
from lineside.core.ports import BusMessage

MESSAGE = SiteChange(site=Site(lines=(), plcs=()), at_s=0.0)


def test_every_listener_hears_every_message_in_order_of_subscription() -> None:
    bus, heard = MemoryBus(), list[str]()
    bus.subscribe(lambda message: heard.append("first"))
    bus.subscribe(lambda message: heard.append("second"))
    bus.publish(MESSAGE)
    assert heard == ["first", "second"]


def test_a_listener_that_fails_keeps_no_other_from_hearing() -> None:
    bus, heard = MemoryBus(), list[BusMessage]()

    def fail(message: BusMessage) -> None:
        raise ZeroDivisionError

    bus.subscribe(fail)
    bus.subscribe(heard.append)
    bus.publish(MESSAGE)
    assert heard == [MESSAGE]
