"""Every route of the line's memory, in one router: for the application and for its documents."""

from __future__ import annotations

from fastapi import APIRouter

from lineside.web.asking import Past
from lineside.web.downtime_api import DowntimeApi, downtime_router
from lineside.web.event_api import EventApi, event_router
from lineside.web.export_api import ExportApi, export_router
from lineside.web.kpi_api import KpiApi, kpi_router
from lineside.web.timeline_api import TimelineApi, timeline_router


def memory_router(past: Past) -> APIRouter:
    """Return the routes that answer from `past`."""
    router = APIRouter()
    router.include_router(kpi_router(KpiApi(past)))
    router.include_router(downtime_router(DowntimeApi(past)))
    router.include_router(event_router(EventApi(past)))
    router.include_router(export_router(ExportApi(past)))
    router.include_router(timeline_router(TimelineApi(past)))
    return router
