"""Every route of the REST interface, in one place: for the application and for its document."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from lineside.core.ports import Clock
from lineside.history.records import HistoryHealth
from lineside.history.service import History
from lineside.web.alarm_routes import add_alarm_routes
from lineside.web.alarms_api import AlarmsApi
from lineside.web.api import LineApi, add_line_routes
from lineside.web.asking import Past
from lineside.web.downtime_api import DowntimeApi, add_downtime_routes
from lineside.web.event_api import EventApi, add_event_routes
from lineside.web.export_api import ExportApi, add_export_routes
from lineside.web.history_api import HistoryApi, add_history_routes
from lineside.web.kpi_api import KpiApi, add_kpi_routes
from lineside.web.live import LiveView
from lineside.web.rules_api import RulesApi, add_rules_routes
from lineside.web.timeline_api import TimelineApi, add_timeline_routes
from lineside.web.views import ServerInfo
from lineside.web.words import refuse_unstorable


class ServedRoutes(APIRouter):
    """Routes to be served: without their answers' shapes, which only the document needs.

    No address with a text that a database cannot hold comes through.

    To prepare those takes most of the time that the application takes to be made.
    """

    def add_api_route(self, path: str, endpoint: Any, **options: Any) -> None:
        """Add one route."""
        checked = {"responses": None, "dependencies": [Depends(refuse_unstorable)]}
        super().add_api_route(path, endpoint, **{**options, **checked})


def add_rest_routes(
    router: APIRouter,
    live: LiveView,
    server_info: ServerInfo,
    clock: Clock,
    history: History | None,
) -> None:
    """Add what answers questions about the present and, from `history`, about the past."""
    health = history.health if history is not None else HistoryHealth
    past = Past(live, history, clock)
    add_line_routes(router, LineApi(live, server_info, clock, health))
    add_history_routes(router, HistoryApi(live, history))
    add_kpi_routes(router, KpiApi(past))
    add_downtime_routes(router, DowntimeApi(past))
    add_rules_routes(router, RulesApi(past))
    add_event_routes(router, EventApi(past))
    add_export_routes(router, ExportApi(past))
    add_timeline_routes(router, TimelineApi(past))
    add_alarm_routes(router, AlarmsApi(live, history, clock))
