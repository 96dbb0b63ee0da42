"""That a PLC answered a read with an end code. Pure."""

from __future__ import annotations

from lineside.core.errors import PlcRefused
from lineside.drivers.melsec.end_codes import EndCode
from lineside.drivers.melsec.plan import PlannedRead


class Refusal(Exception):
    """The PLC answered one read of the plan with an end code."""

    def __init__(self, planned: PlannedRead, end_code: EndCode) -> None:
        super().__init__(end_code.text)
        self.planned = planned
        self.end_code = end_code

    def as_plc_refused(self) -> PlcRefused:
        """Return what the poller is told: which read was refused, and the likely cause."""
        summary = self.planned.describe().summary
        return PlcRefused(
            f"{summary}: {self.end_code.text}",
            cause=self.end_code.cause,
            end_code=self.end_code.code,
        )
